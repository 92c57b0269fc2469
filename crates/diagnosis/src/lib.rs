#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod answer;
pub mod culprits;
mod filters;
mod gather;
mod judge;
mod measure;
mod metric;
mod observed;
pub mod playbook;
mod read;
mod record;
mod recorded;
mod slice;
mod unmatched;

pub use answer::{Answer, Basis};
pub use filters::{Filters, TimeRange};
pub use gather::{
    comparable::{Comparable, LargestSections},
    context::{Context, Detail},
    operation_status::OperationStatus,
    origin::PathStep,
    path::SectionKind,
};
pub use judge::finding::{Evidence, EvidenceKind, Finding};
pub use measure::{GroupBy, Measure};
pub use metric::{AggregateRow, Buckets, MetricAnswer};
pub use observed::{Observed, observe_operations};
pub use playbook::{Confidence, Severity, Verdict, WorkerStatus};
pub use record::{
    diagnosis::{CutList, Diagnosis, MAX_LIST_ROWS},
    rows::{ErrorEntry, ErrorRole, FlowStep, HttpCall, StepKind, StepStatus, WorkerSelection},
};
pub use recorded::{RecordedOperation, record_operations};
pub use unmatched::unmatched;

use crate::{
    gather::{baseline::Baselines, facts::Facts, surrounding_traces::SurroundingTraces},
    playbook::Playbook,
    read::{prepare::prepare, scan},
    record::assemble,
    slice::{operation_spans::OperationSpans, operations},
};
use trace::Trace;

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
    let (judged, comparables) = judge_all(traces, playbook, context, |_, _| ());
    Report { diagnoses: judged.into_iter().map(|(diagnosis, ())| diagnosis).collect(), comparables }
}

/// Whether these traces hold anything by which `playbook` finds operations: an id, a request for or about an operation, a span
/// that is searched for, or a service that it knows by name.
#[must_use]
pub fn holds_vocabulary(traces: &[Trace], playbook: &Playbook) -> bool {
    scan::holds_vocabulary(traces, playbook)
}

/// The diagnoses, newest start first, each with what `more` makes of the operation, and the completed operations.
fn judge_all<T>(
    traces: &[Trace],
    playbook: &Playbook,
    context: &Context,
    more: impl Fn(&Facts<'_, '_, '_>, &Diagnosis) -> T,
) -> (Vec<(Diagnosis, T)>, Vec<Comparable>) {
    let traces = prepare(traces, playbook, context.latest.unwrap_or(context.now));
    let (scans, ids) = scan::scan(&traces, playbook);
    let surroundings = SurroundingTraces::new(&scans, playbook);
    let operations = operations::find(&scans, &ids, playbook);
    let operations = operations.iter().filter(|operation| carries(operation, &context.tags));
    let facts: Vec<Facts<'_, '_, '_>> = operations.map(|operation| Facts::new(operation, context)).collect();
    let comparables: Vec<Comparable> = facts.iter().filter_map(assemble::comparable).collect();
    let completed = comparables.iter().chain(&context.history);
    let thresholds = playbook.thresholds();
    let window = context.baseline_window.unwrap_or(thresholds.baseline_window);
    let baselines = Baselines::new(completed, thresholds, window);
    let mut judged: Vec<(Diagnosis, T)> = Vec::with_capacity(facts.len());
    for facts in &facts {
        let diagnosis = assemble::diagnosis(facts, &surroundings, &baselines);
        let more = more(facts, &diagnosis);
        judged.push((diagnosis, more));
    }
    drop(baselines);
    judged
        .sort_by(|(a, _), (b, _)| (b.start, &a.operation_id, a.trace_id).cmp(&(a.start, &b.operation_id, b.trace_id)));
    (judged, comparables)
}

/// Whether some span of the operation carries all these attributes.
fn carries(operation: &OperationSpans<'_, '_>, tags: &[(String, String)]) -> bool {
    let has = |span: trace::SpanRef<'_>, key: &str, value: &str| {
        let own = span.attribute(key).is_some_and(|found| found.to_text() == value);
        own || span.resource_attributes().any(|(name, found)| name == key && found.to_text() == value)
    };
    let everyone = || operation.members.iter().chain(&operation.context);
    tags.is_empty() || everyone().any(|m| tags.iter().all(|(key, value)| has(m.span, key, value)))
}
