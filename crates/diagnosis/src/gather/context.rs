//! What a diagnosis needs to know beside the traces and the playbook: the clock, the history, and what is asked for.

use super::comparable::Comparable;
use trace::{Micros, Time};

/// What [`diagnose`](crate::diagnose) needs to know beside the traces.
#[derive(Clone, Debug)]
pub struct Context {
    /// The clock: the earlier of the range's end and now.
    pub now: Time,
    /// The time after which no span can lie, where that is later than the clock: the real time, when the range ended
    /// before.
    pub latest: Option<Time>,
    /// Completed operations to compare with, beside those in the traces themselves.
    pub history: Vec<Comparable>,
    /// How far back operations are compared, whether they come from the history or from the traces. Replaces the window
    /// of the playbook.
    pub baseline_window: Option<Micros>,
    /// Only operations with a span that carries all these attributes (key, value as text).
    pub tags: Vec<(String, String)>,
    /// How much of each operation is reported.
    pub detail: Detail,
    /// Replaces the playbook's allowed silence for every type and phase.
    pub stall_threshold: Option<Micros>,
}

impl Default for Context {
    /// The epoch as clock, no history, the windows of the playbook, every operation in full.
    fn default() -> Self {
        Self {
            now: Time::default(),
            latest: None,
            history: Vec::new(),
            baseline_window: None,
            tags: Vec::new(),
            detail: Detail::default(),
            stall_threshold: None,
        }
    }
}

/// How much of each operation is reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// The record with its lists: flow, errors, HTTP calls, workers.
    #[default]
    Full,
    /// The record without flow, errors and HTTP calls: what a list of many operations needs.
    Record,
}
