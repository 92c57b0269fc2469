//! Second stage: which spans belong to which operation.
//!
//! One trace can hold several operations, one operation can be spread over several traces, and a start that was refused
//! has no id at all. `owners` cuts each trace into operations, `starts` finds the start requests without an id and folds
//! their retries, `join` connects a start with the worker's part where the trace context was lost between them.
//! The result is one `case` per operation, with its spans in the order of time; all of this is put together by `find`.
//!
//! What always holds: a span belongs to at most one operation, the operations do not depend on the order of the traces,
//! and the work grows about linearly with the number of spans, however they are nested (`intervals` and `pairing` exist for
//! that).

pub(crate) mod case;
pub(crate) mod find;
pub(crate) mod intervals;
pub(crate) mod join;
pub(crate) mod owners;
pub(crate) mod pairing;
pub(crate) mod starts;
