-- One row per operation with everything that is filtered, ordered, grouped and counted. Times are microseconds since 1970.
CREATE TABLE history_operation (
    source {text} NOT NULL,
    operation_key {text} NOT NULL,
    closed BIGINT NOT NULL,
    -- The window: the largest number where there is none.
    begin_us BIGINT NOT NULL,
    end_us BIGINT NOT NULL,
    -- How long the window is at most, so that a range finds the operations that began before it.
    length_class BIGINT NOT NULL,
    -- The start: the smallest number where there is none.
    start_us BIGINT NOT NULL,
    last_us BIGINT NOT NULL,
    duration_us BIGINT,
    duration_ms DOUBLE PRECISION,
    slowdown DOUBLE PRECISION,
    operation_id {text} NOT NULL,
    trace_id {text} NOT NULL,
    operation_type {text} NOT NULL,
    status {text} NOT NULL,
    verdict {text} NOT NULL,
    severity BIGINT NOT NULL,
    rule {text} NOT NULL,
    error_type {text},
    bottleneck_span {text},
    bottleneck_service {text},
    worker_status {text},
    services {text} NOT NULL,
    workers {text} NOT NULL,
    tags {text} NOT NULL,
    comparable_key {text} NOT NULL,
    comparable_end_us BIGINT,
    playbook_hash BIGINT NOT NULL,
    engine_version BIGINT NOT NULL,
    PRIMARY KEY (source, operation_key)
);
-- The last columns are not searched: with them, most counts read only the index.
CREATE INDEX history_operation_window ON history_operation
    (source, length_class, begin_us, end_us, closed, operation_type, status, verdict);
CREATE INDEX history_operation_open ON history_operation (source, start_us) WHERE closed = 0;
CREATE INDEX history_operation_last ON history_operation (source, last_us) WHERE closed = 1;
CREATE INDEX history_operation_comparable ON history_operation (source, comparable_key, comparable_end_us)
    WHERE comparable_end_us IS NOT NULL;
CREATE INDEX history_operation_baseline ON history_operation (source, comparable_key, end_us) WHERE closed = 1;

-- The operation itself, compressed.
CREATE TABLE history_record (
    source {text} NOT NULL,
    operation_key {text} NOT NULL,
    record {bytes} NOT NULL,
    PRIMARY KEY (source, operation_key)
);

-- Which traces contributed to which operations.
CREATE TABLE history_operation_trace (
    source {text} NOT NULL,
    trace_id {text} NOT NULL,
    operation_key {text} NOT NULL,
    PRIMARY KEY (source, trace_id, operation_key)
);
CREATE INDEX history_operation_trace_key ON history_operation_trace (source, operation_key);

CREATE TABLE history_compact_trace (
    source {text} NOT NULL,
    operation_key {text} NOT NULL,
    traces {bytes} NOT NULL,
    PRIMARY KEY (source, operation_key)
);

-- Operations to judge again.
CREATE TABLE history_mark (
    source {text} NOT NULL,
    operation_key {text} NOT NULL,
    PRIMARY KEY (source, operation_key)
);

-- What a source was read for, as JSON.
CREATE TABLE history_coverage (
    source {text} NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL,
    coverage {text} NOT NULL
);

CREATE TABLE history_lease (
    source {text} NOT NULL PRIMARY KEY,
    token BIGINT NOT NULL,
    holder {text} NOT NULL,
    expires_us BIGINT NOT NULL
);
