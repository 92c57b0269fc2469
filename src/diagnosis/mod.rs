//! The diagnosis room: finds the operations in traces and says what is wrong with each, by the rules of the playbook.
//! Pure: no I/O, and the clock is an argument.

mod record;

pub use record::*;

use crate::{
    playbook::Playbook,
    trace::{Micros, Time, Trace},
};

/// What [`diagnose`] needs to know beside the traces.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The clock: the earlier of the range's end and now.
    pub now: Time,
    /// Completed operations to compare with, beside those in the traces themselves.
    pub history: Vec<Comparable>,
    /// Only operations with a span that carries all these attributes (key, value as text).
    pub tags: Vec<(String, String)>,
    /// Replaces the playbook's allowed silence for every type and phase.
    pub stall_threshold: Option<Micros>,
}

/// A completed operation as a baseline sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparable {
    /// Its id, so that none counts twice.
    pub operation_id: String,
    /// Its type.
    pub operation_type: String,
    /// Values of the playbook's `comparable_by` attributes, in the playbook's order.
    pub key: Vec<Option<String>>,
    /// When it ended.
    pub end: Time,
    /// How long it took.
    pub duration: Micros,
}

/// What [`diagnose`] found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// One diagnosis per operation, newest start first.
    pub diagnoses: Vec<Diagnosis>,
    /// The completed operations among them, to be kept as history for later calls.
    pub comparables: Vec<Comparable>,
}

/// Finds and diagnoses all operations in `traces`.
///
/// Several traces may belong to one operation and one trace may hold several; traces without any operation may explain
/// others (a refused `ib.connect`, health checks) and are otherwise ignored.
#[must_use]
pub fn diagnose(traces: &[Trace], playbook: &Playbook, context: &Context) -> Report {
    let _ = (traces, playbook, context);
    Report::default()
}
