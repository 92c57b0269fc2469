//! Spans that came without a usable start have no time in the record either: unknown is `null`.

use hashbrown::HashSet;

use super::diagnosis::Diagnosis;
use crate::gather::facts::Facts;
use trace::{SpanId, TraceId};

/// Takes the times out of all rows and evidence that are about a span without a usable start.
pub(crate) fn remove_unknown_times(facts: &Facts<'_, '_, '_>, record: &mut Diagnosis) {
    let members = facts.operation.members.iter().chain(&facts.operation.context).map(|m| m.span);
    let all = members.chain(facts.operation.mentions.iter().map(|mention| mention.span));
    let untimed: HashSet<(TraceId, SpanId)> =
        all.filter(|span| !span.has_time()).map(|span| (span.trace().id(), span.id())).collect();
    if untimed.is_empty() {
        return;
    }
    let is = |trace: Option<TraceId>, span: Option<SpanId>| {
        trace.zip(span).is_some_and(|(trace, span)| untimed.contains(&(trace, span)))
    };
    let evidence = record.evidence.iter_mut().chain(record.findings.iter_mut().flat_map(|f| &mut f.evidence));
    evidence.filter(|e| is(e.trace_id, e.span_id)).for_each(|e| e.at = None);
    record.flow.iter_mut().filter(|row| is(row.trace_id, row.span_id)).for_each(|row| row.start = None);
    record.errors.iter_mut().filter(|row| is(Some(row.trace_id), Some(row.span_id))).for_each(|row| row.time = None);
    record.http.iter_mut().filter(|row| is(Some(row.trace_id), Some(row.span_id))).for_each(|row| row.time = None);
    record.workers.iter_mut().filter(|row| is(Some(row.trace_id), Some(row.span_id))).for_each(|row| row.time = None);
}
