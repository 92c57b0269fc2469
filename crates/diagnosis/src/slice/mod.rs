//! Second stage: which spans belong to which operation.
//!
//! One trace can hold several operations, one operation can be spread over several traces, and a start that was refused
//! has no id at all. `owners` cuts each trace into operations, `starts` finds the start requests without an id and folds
//! their retries, `stitching` connects a start with the worker's part where the trace context was lost between them.
//! The result is one `OperationSpans` per operation, with its spans in the order of time.
//! `root_requests` makes an operation of every root span, where the playbook says so.
//! `operations` puts all of this together.
//!
//! What always holds: a span counts at most once in an operation, the operations do not depend on the order of the traces,
//! and the work grows about linearly with the number of spans, however they are nested (`intervals` and `pairing` exist for
//! that).

pub(crate) mod intervals;
pub(crate) mod operation_spans;
pub(crate) mod operations;
pub(crate) mod owners;
pub(crate) mod pairing;
pub(crate) mod root_requests;
pub(crate) mod starts;
pub(crate) mod stitching;
