//! Third stage: the facts of one operation, each gathered once, before any rule looks at them.
//!
//! `waiting` says which span waited for which.
//! `timeline` and `status` say when the operation ran and how it ended, `workers` who did the work, `path` where its time
//! went. `errors`, `recorded_error` and `origin_search` find the error that decided.
//! `surrounding_traces` knows what happened elsewhere at the same time.
//! `comparable` and `baseline` say what is usual. `facts` holds all of them for the rules.
//!
//! What always holds: facts are taken from spans and are the same whatever the rules make of them. No fact is a judgement,
//! and what the traces do not say is `None`.

pub(crate) mod baseline;
pub(crate) mod comparable;
pub(crate) mod context;
pub(crate) mod errors;
pub(crate) mod facts;
pub(crate) mod operation_status;
pub(crate) mod origin;
pub(crate) mod origin_search;
pub(crate) mod path;
pub(crate) mod recorded_error;
pub(crate) mod status;
pub(crate) mod surrounding_traces;
pub(crate) mod timeline;
pub(crate) mod waiting;
pub(crate) mod workers;
