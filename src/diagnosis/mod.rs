//! The diagnosis room: finds the operations in traces and says what is wrong with each, by the rules of the playbook.
//! Pure: no I/O, and the clock is an argument.

mod assemble;
mod baseline;
mod case;
pub mod culprits;
mod errors;
mod facts;
mod find;
mod flow;
mod http;
mod join;
mod record;
mod rows;
mod rules;
mod scan;
mod starts;
mod timeline;
mod workers;
mod world;

pub use record::*;
pub use rows::*;

pub use crate::playbook::{Confidence, Severity, Verdict};

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
    /// How much of each operation is told.
    pub detail: Detail,
    /// Replaces the playbook's allowed silence for every type and phase.
    pub stall_threshold: Option<Micros>,
}

/// How much of each operation is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// The record with its lists: flow, errors, HTTP calls, workers.
    #[default]
    Full,
    /// The record without flow, errors and HTTP calls: what a list of many operations needs.
    Record,
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
    let (scans, ids) = find::scan(traces, playbook);
    let world = world::World::new(&scans, playbook);
    let cases = find::cases(&scans, &ids, playbook);
    let cases = cases.iter().filter(|case| carries(case, &context.tags));
    let facts: Vec<facts::Facts<'_, '_, '_>> = cases.map(|case| facts::Facts::new(case, context)).collect();
    let comparables: Vec<Comparable> = facts.iter().filter_map(assemble::comparable).collect();
    let baselines = baseline::Baselines::new(comparables.iter().chain(&context.history));
    let mut diagnoses: Vec<Diagnosis> =
        facts.iter().map(|facts| assemble::diagnosis(facts, &world, &baselines)).collect();
    diagnoses.sort_by(|a, b| (b.start, &a.operation_id, a.trace_id).cmp(&(a.start, &b.operation_id, b.trace_id)));
    Report { diagnoses, comparables }
}

/// Whether some span of the operation carries all these attributes.
fn carries(case: &case::Case<'_, '_>, tags: &[(String, String)]) -> bool {
    let has = |span: crate::trace::SpanRef<'_>, key: &str, value: &str| {
        let own = span.attribute(key).is_some_and(|found| found.to_text() == value);
        own || span.resource_attributes().any(|(name, found)| name == key && found.to_text() == value)
    };
    let everyone = || case.members.iter().chain(&case.context);
    tags.is_empty() || everyone().any(|m| tags.iter().all(|(key, value)| has(m.span, key, value)))
}
