//! The statements that change a store.

use trace::Time;

use super::{
    database::{Condition, Step},
    operation_row::{comparable_key, encode, key_param, source_param, upsert},
    statement::Statement,
    text::escape,
};
use crate::{Coverage, Lease, Mark, OperationKey, Retention, SourceId, Upsert};

/// Takes the lease unless another holder has it.
const ACQUIRE: &str = "INSERT INTO history_lease (source, token, holder, expires_us) VALUES ($1, 1, $2, $3) \
    ON CONFLICT (source) DO UPDATE SET token = history_lease.token + 1, holder = excluded.holder, \
    expires_us = excluded.expires_us WHERE history_lease.expires_us <= $4 OR history_lease.holder = excluded.holder";
const READ_LEASE: &str = "SELECT token, holder, expires_us FROM history_lease WHERE source = $1";
/// Sets when the lease ends, if it is held.
const EXTEND: &str = "UPDATE history_lease SET expires_us = $3 WHERE source = $1 AND token = $2 AND expires_us > $4";
/// Changes nothing, and locks the lease until the end of the transaction.
const HOLD: &str =
    "UPDATE history_lease SET expires_us = expires_us WHERE source = $1 AND token = $2 AND expires_us > $3";

const INSERT_COVERAGE: &str = "INSERT INTO history_coverage (source, revision, coverage) VALUES ($1, 1, $2) \
    ON CONFLICT (source) DO NOTHING";
const UPDATE_COVERAGE: &str = "UPDATE history_coverage SET coverage = $2, revision = revision + 1 \
    WHERE source = $1 AND revision = $3";

const UPSERT_RECORD: &str = "INSERT INTO history_record (source, operation_key, record) VALUES ($1, $2, $3) \
    ON CONFLICT (source, operation_key) DO UPDATE SET record = excluded.record";
const UPSERT_TRACES: &str = "INSERT INTO history_compact_trace (source, operation_key, traces) VALUES ($1, $2, $3) \
    ON CONFLICT (source, operation_key) DO UPDATE SET traces = excluded.traces";
const INSERT_TRACE_ID: &str = "INSERT INTO history_operation_trace (source, trace_id, operation_key) \
    VALUES ($1, $2, $3) ON CONFLICT (source, trace_id, operation_key) DO NOTHING";
const DELETE_TRACE_IDS: &str = "DELETE FROM history_operation_trace WHERE source = $1 AND operation_key = $2";
const DELETE_MARK: &str = "DELETE FROM history_mark WHERE source = $1 AND operation_key = $2";

const MARK_ONE: &str = "INSERT INTO history_mark (source, operation_key) \
    SELECT source, operation_key FROM history_operation WHERE source = $1 AND operation_key = $2 \
    ON CONFLICT (source, operation_key) DO NOTHING";
const MARK_COMPARABLE: &str = "INSERT INTO history_mark (source, operation_key) \
    SELECT source, operation_key FROM history_operation \
    WHERE source = $1 AND comparable_key = $2 AND end_us > $3 AND end_us <= $4 AND closed = 1 \
    ON CONFLICT (source, operation_key) DO NOTHING";
const MARK_OTHER_PLAYBOOK: &str = "INSERT INTO history_mark (source, operation_key) \
    SELECT o.source, o.operation_key FROM history_compact_trace t JOIN history_operation o \
    ON o.source = t.source AND o.operation_key = t.operation_key \
    WHERE t.source = $1 AND o.playbook_hash <> $2 AND o.closed = 1 \
    ON CONFLICT (source, operation_key) DO NOTHING";

/// The tables with rows of an operation beside its columns.
const DEPENDENT: [&str; 4] = ["history_record", "history_operation_trace", "history_compact_trace", "history_mark"];

const PRUNE_TRACES: &str = "DELETE FROM history_compact_trace WHERE source = $1 AND EXISTS (SELECT 1 \
    FROM history_operation o WHERE o.source = history_compact_trace.source \
    AND o.operation_key = history_compact_trace.operation_key AND o.closed = 1 AND o.last_us < $2)";

pub(super) fn acquire(source: &SourceId, holder: &str, expires_at: Time, now: Time) -> [Step; 2] {
    let source = source_param(source);
    let holder = escape(holder).into_owned();
    [
        Step::Change(vec![Statement::new(ACQUIRE, [source.clone(), holder.into(), expires_at.0.into(), now.0.into()])]),
        Step::Query(Statement::new(READ_LEASE, [source])),
    ]
}

pub(super) fn extend(lease: &Lease, expires_at: Time, now: Time) -> Step {
    let params = [source_param(&lease.source), lease.token.0.into(), expires_at.0.into(), now.0.into()];
    Step::Require(Statement::new(EXTEND, params), Condition::Lease)
}

pub(super) fn hold(lease: &Lease, now: Time) -> Step {
    let params = [source_param(&lease.source), lease.token.0.into(), now.0.into()];
    Step::Require(Statement::new(HOLD, params), Condition::Lease)
}

/// Replaces the coverage, if it is still the one of this revision (0: there is none).
pub(super) fn coverage(source: &SourceId, coverage: &Coverage, revision: i64) -> Step {
    // Coverage is plain data that JSON can always hold.
    let json = serde_json::to_string(coverage).unwrap_or_default();
    let (source, json) = (source_param(source), escape(&json).into_owned().into());
    let statement = if revision == 0 {
        Statement::new(INSERT_COVERAGE, [source, json])
    } else {
        Statement::new(UPDATE_COVERAGE, [source, json, revision.into()])
    };
    Step::Require(statement, Condition::Coverage)
}

pub(super) fn operation(source: &SourceId, change: &Upsert) -> Step {
    let operation = &change.operation;
    let (source_text, key) = (source_param(source), key_param(&operation.key));
    let of_key = |sql: &'static str| Statement::new(sql, [source_text.clone(), key.clone()]);
    let with_bytes =
        |sql: &'static str, bytes: Vec<u8>| Statement::new(sql, [source_text.clone(), key.clone(), bytes.into()]);
    let mut statements = vec![
        upsert(source, operation),
        with_bytes(UPSERT_RECORD, encode(operation)),
        of_key(DELETE_MARK),
        of_key(DELETE_TRACE_IDS),
    ];
    for id in &operation.record.trace_ids {
        statements.push(Statement::new(INSERT_TRACE_ID, [source_text.clone(), id.to_string().into(), key.clone()]));
    }
    if let Some(traces) = &change.traces {
        statements.push(with_bytes(UPSERT_TRACES, traces.as_bytes().to_vec()));
    }
    Step::Change(statements)
}

pub(super) fn remove(source: &SourceId, key: &OperationKey) -> Step {
    let delete = |table: &str| {
        let sql = format!("DELETE FROM {table} WHERE source = $1 AND operation_key = $2");
        Statement::new(sql, [source_param(source), key_param(key)])
    };
    Step::Change(["history_operation"].into_iter().chain(DEPENDENT).map(delete).collect())
}

pub(super) fn mark(source: &SourceId, mark: &Mark) -> Step {
    let source = source_param(source);
    Step::Change(vec![match mark {
        Mark::Operation(key) => Statement::new(MARK_ONE, [source, key_param(key)]),
        Mark::Comparable { operation_type, comparable_by, after, until } => {
            let key = comparable_key(operation_type, comparable_by);
            Statement::new(MARK_COMPARABLE, [source, key, after.0.into(), until.0.into()])
        }
        Mark::OtherPlaybook(hash) => Statement::new(MARK_OTHER_PLAYBOOK, [source, hash.0.into()]),
    }])
}

/// Deletes what the retention excludes. The last step but one deletes the operations, the last one compact traces.
pub(super) fn prune(source: &SourceId, retention: Retention) -> Vec<Step> {
    let params = || [source_param(source), retention.operations_from.0.into()];
    let old = "source = $1 AND closed = 1 AND last_us < $2";
    let dependent = |table: &str| {
        let sql = format!(
            "DELETE FROM {table} WHERE source = $1 AND operation_key IN (SELECT operation_key FROM history_operation \
             WHERE {old})"
        );
        Step::Change(vec![Statement::new(sql, params())])
    };
    let operations = Statement::new(format!("DELETE FROM history_operation WHERE {old}"), params());
    let traces = Statement::new(PRUNE_TRACES, [source_param(source), retention.traces_from.0.into()]);
    let steps = DEPENDENT.into_iter().map(dependent);
    steps.chain([Step::Change(vec![operations]), Step::Change(vec![traces])]).collect()
}
