//! The diagnosis room: finds the operations in traces and says what is wrong with each, by the rules of the playbook.
//! Pure: no I/O, and the clock is an argument.

mod assemble;
mod baseline;
mod case;
mod class_name;
mod comparable;
pub mod culprits;
mod errors;
mod facts;
mod filling;
mod find;
mod flow;
mod grpc;
mod http;
mod intervals;
mod join;
mod observed;
mod origin;
mod own_words;
mod pairing;
mod path;
mod prepare;
mod record;
mod reported;
mod rows;
mod rules;
mod scan;
mod slice;
mod starts;
mod status;
mod timeline;
mod untimed;
mod workers;
mod world;

pub use comparable::{Comparable, LargestSections};
pub use observed::{Observed, observe_operations};
pub use record::*;
pub use rows::*;

pub use crate::playbook::{Confidence, Severity, Verdict};

use crate::{
    playbook::Playbook,
    trace::{Micros, Time, Trace},
};

/// How far back operations are compared unless a setting says otherwise: 7 days.
pub const DEFAULT_BASELINE_WINDOW: Micros = Micros::from_secs(7 * 86_400);

/// What [`diagnose`] needs to know beside the traces.
#[derive(Clone, Debug)]
pub struct Context {
    /// The clock: the earlier of the range's end and now.
    pub now: Time,
    /// The time after which no span can lie, where that is later than the clock: the real time, when the range ended
    /// before.
    pub latest: Option<Time>,
    /// Completed operations to compare with, beside those in the traces themselves.
    pub history: Vec<Comparable>,
    /// How far back operations are compared, whether they come from the history or from the traces.
    pub baseline_window: Micros,
    /// Only operations with a span that carries all these attributes (key, value as text).
    pub tags: Vec<(String, String)>,
    /// How much of each operation is told.
    pub detail: Detail,
    /// Replaces the playbook's allowed silence for every type and phase.
    pub stall_threshold: Option<Micros>,
}

impl Default for Context {
    /// The epoch as clock, no history, the default baseline window, every operation in full.
    fn default() -> Self {
        Self {
            now: Time::default(),
            latest: None,
            history: Vec::new(),
            baseline_window: DEFAULT_BASELINE_WINDOW,
            tags: Vec::new(),
            detail: Detail::default(),
            stall_threshold: None,
        }
    }
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
    let (judged, comparables) = judge(traces, playbook, context, |_, _| ());
    Report { diagnoses: judged.into_iter().map(|(diagnosis, ())| diagnosis).collect(), comparables }
}

/// The diagnoses, newest start first, each with what `more` makes of the operation, and the completed operations.
fn judge<T>(
    traces: &[Trace],
    playbook: &Playbook,
    context: &Context,
    more: impl Fn(&facts::Facts<'_, '_, '_>, &Diagnosis) -> T,
) -> (Vec<(Diagnosis, T)>, Vec<Comparable>) {
    let traces = prepare::prepare(traces, playbook, context);
    let (scans, ids) = find::scan(&traces, playbook);
    let world = world::World::new(&scans, playbook);
    let cases = find::cases(&scans, &ids, playbook);
    let cases = cases.iter().filter(|case| carries(case, &context.tags));
    let facts: Vec<facts::Facts<'_, '_, '_>> = cases.map(|case| facts::Facts::new(case, context)).collect();
    let comparables: Vec<Comparable> = facts.iter().filter_map(assemble::comparable).collect();
    let completed = comparables.iter().chain(&context.history);
    let baselines = baseline::Baselines::new(completed, playbook.thresholds(), context.baseline_window);
    let mut judged: Vec<(Diagnosis, T)> = Vec::with_capacity(facts.len());
    for facts in &facts {
        let diagnosis = assemble::diagnosis(facts, &world, &baselines);
        let more = more(facts, &diagnosis);
        judged.push((diagnosis, more));
    }
    drop(baselines);
    judged
        .sort_by(|(a, _), (b, _)| (b.start, &a.operation_id, a.trace_id).cmp(&(a.start, &b.operation_id, b.trace_id)));
    (judged, comparables)
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
