//! Puts the record together: the deciding rule, the findings beside it, and every fact.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use super::{
    diagnosis::{CutList, Diagnosis, MAX_LIST_ROWS},
    errors, flow, http, untimed, workers,
};
use crate::{
    gather::{
        baseline::{Baseline, Baselines},
        comparable::{Comparable, LargestSections},
        context::Detail,
        facts::{Facts, share},
        operation_status::OperationStatus,
        path::Path,
        surrounding_traces::SurroundingTraces,
        timeline::StateChange,
    },
    judge::{draft::Draft, finding::Finding, rules},
    playbook::{Bindings, Confidence, RouteRole, Severity, Verdict, first_line},
    read::reported,
    slice::operation_spans::Mention,
};
use trace::{Micros, Remark, TraceId};

/// The record of an operation.
pub(crate) fn diagnosis<'p>(
    facts: &Facts<'_, '_, 'p>,
    surroundings: &SurroundingTraces<'_, 'p>,
    baselines: &Baselines<'_>,
) -> Diagnosis {
    // It counts for running operations too.
    let baseline = facts.window.and_then(|window| baselines.of(facts, window.until));
    let drafts = rules::apply(facts, surroundings, baseline.as_ref());
    let mut record = Diagnosis {
        operation_id: facts.operation.id.map(str::to_owned),
        operation_type: facts.operation_type.clone(),
        status: facts.status,
        ..Diagnosis::default()
    };
    traces(facts, &mut record);
    times(facts, baseline.as_ref(), &mut record);
    bottleneck(facts, &mut record);
    worker(facts, &mut record);
    error(facts, &mut record);
    decide(facts, &drafts, &mut record);
    lists(facts, baseline.as_ref(), &mut record);
    untimed::remove_unknown_times(facts, &mut record);
    record
}

/// What later operations are compared with, if this one completed.
pub(crate) fn comparable(facts: &Facts<'_, '_, '_>) -> Option<Comparable> {
    let window = facts.window.filter(|_| facts.status == OperationStatus::Completed)?;
    let ending = match &facts.operation.root_request {
        // Rare requests have nothing in common but their type.
        Some(request) if request.is_rare => None,
        Some(_) => facts.operation.root(),
        None if facts.operation.id.is_none() => None,
        None => facts.states.last().and_then(|change| facts.operation.members.get(change.member)),
    };
    // Without the time of its end nobody knows how long it took.
    ending.filter(|m| m.span.has_time())?;
    Some(Comparable {
        operation_id: facts.operation.key()?,
        operation_type: facts.operation_type.clone(),
        key: facts.comparable.clone(),
        end: window.end?,
        duration: window.length(),
        sections: LargestSections::of_path(&facts.path.as_ref()?.sums, facts.operation.playbook),
    })
}

fn decide(facts: &Facts<'_, '_, '_>, drafts: &[Draft<'_>], record: &mut Diagnosis) {
    let playbook = facts.operation.playbook;
    let rank = |draft: &Draft<'_>| (playbook.precedence(draft.verdict()), std::cmp::Reverse(draft.severity()));
    // Of equals the first counts: rules are applied from the special to the general.
    let mut winner: Option<usize> = None;
    for (ix, draft) in drafts.iter().enumerate().filter(|(_, draft)| draft.decides) {
        let better = winner.and_then(|w| drafts.get(w)).is_none_or(|best| rank(draft) < rank(best));
        if better {
            winner = Some(ix);
        }
    }
    let Some(deciding) = winner.and_then(|ix| drafts.get(ix)) else {
        "No rule of the playbook applies".clone_into(&mut record.summary);
        record.severity = Severity::Notice;
        record.confidence = Confidence::Low;
        record.confidence_reason = Some("the playbook has no rule for what the traces show".to_owned());
        return;
    };
    let known = facts.bindings();
    let finding = deciding.finding(&known);
    record.verdict = finding.verdict;
    record.severity = finding.severity;
    record.rule = finding.rule;
    record.summary = finding.summary;
    record.root_cause = finding.root_cause;
    record.solution = finding.solution;
    record.evidence = finding.evidence;
    (record.confidence, record.confidence_reason) = confidence(facts, deciding, &known, record);
    let others = drafts.iter().enumerate().filter(|(ix, _)| Some(*ix) != winner).map(|(_, draft)| draft);
    record.findings = findings(&known, others, &record.rule, record.verdict);
    // A trace elsewhere that explains the operation has contributed too.
    let proofs = record.evidence.iter().chain(record.findings.iter().flat_map(|f| &f.evidence));
    let mut known: BTreeSet<TraceId> = record.trace_ids.iter().copied().collect();
    record.trace_ids.extend(proofs.filter_map(|e| e.trace_id).filter(|id| known.insert(*id)));
}

/// What else is true, most severe first. General words add nothing beside a sharper verdict.
fn findings<'d, 'p: 'd>(
    known: &Bindings,
    others: impl Iterator<Item = &'d Draft<'p>>,
    deciding: &str,
    verdict: Verdict,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = others
        .filter(|draft| !draft.rule.general && draft.rule.id != deciding)
        .filter(|draft| !draft.rule.hidden_beside.contains(&verdict))
        .map(|draft| draft.finding(known))
        .collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut seen = BTreeSet::new();
    findings.retain(|finding| seen.insert(finding.rule.clone()));
    findings
}

/// A rule is at most as sure as the traces are complete. Where spans are missing, only an end that a span shows is certain,
/// and of it only what went wrong: what rests on the absence of spans may rest on lost ones, and an end without complaint may
/// have lost the complaint.
fn confidence(
    facts: &Facts<'_, '_, '_>,
    deciding: &Draft<'_>,
    known: &Bindings,
    record: &Diagnosis,
) -> (Confidence, Option<String>) {
    let (confidence, reason) = deciding.confidence(known);
    if confidence != Confidence::High {
        return (confidence, reason);
    }
    if let Some(why) = facts.operation.members.iter().find_map(|m| m.span.trace().partial()) {
        return (Confidence::Medium, Some(format!("the trace is incomplete: {why}")));
    }
    let absent = deciding.rests_on_absence() || matches!(record.verdict, Verdict::Healthy | Verdict::Slow);
    if record.partial && (absent || !facts.end_is_shown()) {
        let reason = "spans are missing: their parents are named but not in the trace";
        return (Confidence::Medium, Some(reason.to_owned()));
    }
    (confidence, reason)
}

fn traces(facts: &Facts<'_, '_, '_>, record: &mut Diagnosis) {
    let operation = facts.operation;
    let everyone = || operation.members.iter().chain(&operation.context);
    let services: BTreeSet<&str> = everyone().map(|m| m.span.service()).filter(|s| !s.is_empty()).collect();
    record.services = services.into_iter().map(str::to_owned).collect();
    record.span_count = operation.members.len() as u32;
    record.error_count = operation
        .members
        .iter()
        .filter(|m| m.span.is_error() || !reported::errors(operation.scan(m), m.span).is_empty())
        .count() as u32;
    record.folded_spans = operation.members.iter().map(|m| m.folded).sum();
    // The main trace is the one with most of the operation in it; then the earlier one.
    let mut ids: Vec<(TraceId, usize)> = Vec::new();
    let mut places: HashMap<TraceId, usize> = HashMap::new();
    let own = everyone().map(|m| (m.span.trace().id(), 1));
    // Who asked how far an operation was matters only until it has ended.
    let matters = |mention: &&Mention<'_>| mention.role != RouteRole::Poll || !facts.status.is_terminal();
    let mentions = operation.mentions.iter().filter(matters).map(|m| (m.span.trace().id(), 0));
    for (id, counts) in own.chain(mentions) {
        let place = *places.entry(id).or_insert(ids.len());
        match ids.get_mut(place) {
            Some((_, count)) => *count += counts,
            None => ids.push((id, counts)),
        }
    }
    if let Some(main) = ids.iter().copied().reduce(|a, b| if b.1 > a.1 { b } else { a }) {
        record.trace_id = Some(main.0);
        record.trace_ids =
            std::iter::once(main.0).chain(ids.into_iter().map(|(id, _)| id).filter(|id| *id != main.0)).collect();
    }
    let orphaned = everyone().filter(|m| operation.scan(m).tree.is_orphan(m.span.ix()));
    let orphaned: BTreeSet<usize> = orphaned.map(|m| m.scan).collect();
    let mut remarks: Vec<String> = facts.states.iter().filter_map(unknown_state).collect();
    let mut counted: Vec<Remark> = Vec::new();
    let mut scans: BTreeSet<usize> = BTreeSet::new();
    for member in everyone().filter(|m| scans.insert(m.scan)) {
        let scan = operation.scan(member);
        remarks.extend(scan.trace.gaps().map(str::to_owned));
        if scan.trace.impossible_times().relative {
            remarks.push("the times of the trace count from its own start, shown here as the start of 1970".to_owned());
        }
        record.partial |= scan.trace.partial().is_some();
        for remark in scan.tree.remarks() {
            // Parents may be missing elsewhere in the trace, where nothing of the operation hangs below them.
            let concerned = !remark.is_gap() || orphaned.contains(&member.scan);
            record.partial |= remark.is_gap() && concerned;
            if concerned {
                remark.add_to(&mut counted);
            }
        }
    }
    remarks.extend(counted.iter().map(ToString::to_string));
    let mut seen = BTreeSet::new();
    remarks.retain(|remark| seen.insert(remark.clone()));
    record.remarks = remarks;
}

/// A state that the playbook does not know is not ignored silently.
fn unknown_state(change: &StateChange<'_>) -> Option<String> {
    let strange = change.status == OperationStatus::Unknown;
    strange.then(|| format!("the playbook does not know the state '{}' ([operation.states])", first_line(&change.word)))
}

fn times(facts: &Facts<'_, '_, '_>, baseline: Option<&Baseline<'_>>, record: &mut Diagnosis) {
    let usual = baseline.map(|baseline| baseline.duration);
    if let Some(window) = facts.window {
        record.start = Some(window.start);
        record.end = window.end;
        record.duration_ms = Some(window.length().millis());
        record.baseline_ms = usual.map(Micros::millis);
        record.slowdown = usual.map(|usual| window.length().0 as f64 / usual.0.max(1) as f64);
    }
    record.progress_percent = facts.progress.percent;
    record.progress_phase = facts.progress.phase.as_deref().map(str::to_owned);
    record.progress_at = facts.progress.at;
    record.last_activity = facts.last_activity;
    record.attempts = facts.attempts;
}

fn bottleneck(facts: &Facts<'_, '_, '_>, record: &mut Diagnosis) {
    let Some(found) = facts.path.as_ref().and_then(Path::bottleneck) else { return };
    record.bottleneck_span = Some(found.key.name.clone().into_owned());
    record.bottleneck_service = Some(found.key.service.to_owned()).filter(|service| !service.is_empty());
    record.bottleneck_span_id = found.largest.and_then(|ix| facts.operation.members.get(ix)).map(|m| m.span.id());
    record.bottleneck_kind = Some(found.key.kind);
    record.bottleneck_ms = Some(found.total.millis());
    record.bottleneck_share = facts.window.map(|window| share(found.total, window.length()));
}

fn worker(facts: &Facts<'_, '_, '_>, record: &mut Diagnosis) {
    record.worker_status = facts.workers.status;
    if let Some(selection) = &facts.workers.selection {
        record.worker_id = selection.worker_id.as_deref().map(str::to_owned);
        record.workers_total = selection.total;
        record.workers_capable = selection.capable;
        record.workers_available = selection.available;
    }
}

fn error(facts: &Facts<'_, '_, '_>, record: &mut Diagnosis) {
    let Some(origin) = &facts.origin else { return };
    record.error_type = Some(origin.error_type.clone());
    record.error_message.clone_from(&origin.message);
    record.error_stacktrace = origin.stacktrace.as_deref().map(str::to_owned);
    record.error_path.clone_from(&origin.path);
    if let Some(member) = origin.member {
        record.error_span = Some(member.span.name().to_owned());
        record.error_service = Some(member.span.service().to_owned());
        record.error_span_id = Some(member.span.id());
    }
}

fn lists(facts: &Facts<'_, '_, '_>, baseline: Option<&Baseline<'_>>, record: &mut Diagnosis) {
    record.workers = workers::entries(&facts.assignment, &facts.operation_type);
    cut("workers", &mut record.workers, &mut record.cut_lists);
    if facts.context.detail == Detail::Full {
        let (flow, rows) = flow::steps(facts.operation, facts.window, facts.path.as_ref(), baseline);
        record.flow = flow;
        if rows > record.flow.len() {
            record.cut_lists.push(CutList { list: "flow", rows });
        }
        record.errors = errors::entries(&facts.faults, facts.origin.as_ref());
        cut("errors", &mut record.errors, &mut record.cut_lists);
        record.http = http::calls(facts.operation);
        cut("http", &mut record.http, &mut record.cut_lists);
    }
    record.partial |= !record.cut_lists.is_empty();
    record.remarks.extend(record.cut_lists.iter().map(ToString::to_string));
}

fn cut<T>(list: &'static str, rows: &mut Vec<T>, cuts: &mut Vec<CutList>) {
    if rows.len() > MAX_LIST_ROWS {
        cuts.push(CutList { list, rows: rows.len() });
        rows.truncate(MAX_LIST_ROWS);
    }
}
