//! Worker selection: what the selection spans say in any of the vocabularies, and what dispatches show without them.

use std::borrow::Cow;

use crate::{
    playbook::{Attr, RouteRole, SpanRole, WorkerStatus, Workers},
    read::request::Request,
    slice::operation_spans::{Member, OperationSpans},
};
use trace::{SpanKind, Time, Value};

/// One step in assigning an operation to a worker: a selection or a dispatch.
#[derive(Clone, Debug)]
pub(crate) struct AssignmentStep<'t, 'p> {
    pub(crate) member: Member<'t, 'p>,
    pub(crate) worker_type: Option<Cow<'t, str>>,
    pub(crate) status: Option<WorkerStatus>,
    pub(crate) total: Option<i64>,
    pub(crate) capable: Option<i64>,
    pub(crate) available: Option<i64>,
    pub(crate) worker_id: Option<Cow<'t, str>>,
    pub(crate) dispatch: Option<Dispatch<'t>>,
}

/// Work handed to a worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dispatch<'t> {
    pub(crate) request: Request<'t>,
    pub(crate) accepted: bool,
    /// The worker answered that it is busy.
    pub(crate) busy: bool,
}

impl AssignmentStep<'_, '_> {
    fn selects(&self) -> bool {
        self.dispatch.is_none()
    }
}

/// The selections and dispatches of an operation, sorted by time.
pub(crate) fn assignment<'t, 'p>(operation: &OperationSpans<'t, 'p>) -> Vec<AssignmentStep<'t, 'p>> {
    let refused = operation.context.iter().filter(|_| operation.refused_starts > 0);
    let mut assignment: Vec<_> = operation
        .members
        .iter()
        .chain(refused)
        .filter_map(|m| selection(operation, m).or_else(|| dispatch(operation, m)))
        .collect();
    assignment.sort_by_key(|step| (step.member.span.start(), step.member.span.trace().id(), step.member.span.ix()));
    assignment
}

fn selection<'t, 'p>(operation: &OperationSpans<'t, 'p>, member: &Member<'t, 'p>) -> Option<AssignmentStep<'t, 'p>> {
    let (scan, span) = (operation.scan(member), member.span);
    let count = |attr| scan.get(span, attr).and_then(Value::as_i64);
    let (total, capable, available) =
        (count(Attr::WorkerTotal), count(Attr::WorkerCapable), count(Attr::WorkerAvailable));
    let said = scan.text(span, Attr::WorkerStatus);
    if !member.span_class.is(SpanRole::Selection) && said.is_none() && total.is_none() {
        return None;
    }
    let worker_id = scan.text(span, Attr::WorkerSelected);
    Some(AssignmentStep {
        member: *member,
        worker_type: scan.text(span, Attr::WorkerType),
        status: status(operation.playbook.workers(), said.as_deref(), total, capable, available)
            .or(worker_id.as_ref().map(|_| WorkerStatus::Success)),
        total,
        capable,
        available,
        worker_id,
        dispatch: None,
    })
}

/// The counts beat the status text, which may be the same whatever the reason. A word that nobody knows is a failure.
fn status(
    words: &Workers,
    said: Option<&str>,
    total: Option<i64>,
    capable: Option<i64>,
    available: Option<i64>,
) -> Option<WorkerStatus> {
    let meant = said.map(|word| words.status(word).unwrap_or(WorkerStatus::NoWorkersAvailable));
    match (total, capable, available) {
        _ if meant == Some(WorkerStatus::Success) => Some(WorkerStatus::Success),
        (Some(0), _, _) => Some(WorkerStatus::NoWorkersStarted),
        (_, Some(0), _) => Some(WorkerStatus::NoCapableWorkers),
        (_, _, Some(0)) => Some(WorkerStatus::AllWorkersBusy),
        (_, _, Some(_)) if said.is_none() => Some(WorkerStatus::Success),
        _ => meant,
    }
}

fn dispatch<'t, 'p>(operation: &OperationSpans<'t, 'p>, member: &Member<'t, 'p>) -> Option<AssignmentStep<'t, 'p>> {
    let (scan, span) = (operation.scan(member), member.span);
    let by_request = member.span_class.route_is(RouteRole::WorkStart) && span.kind() == SpanKind::Client;
    let said = scan.text(span, Attr::DispatchStatus);
    if !by_request && !member.span_class.is(SpanRole::Dispatch) {
        return None;
    }
    let request = Request::of(span, &scan.vocabulary).unwrap_or_default();
    let words = operation.playbook.workers();
    let taken = said.as_deref().is_some_and(|word| words.is_accepted(word));
    let accepted = request.accepted() || taken || (!by_request && said.is_none() && !span.is_error());
    Some(AssignmentStep {
        member: *member,
        worker_type: scan
            .text(span, Attr::WorkerType)
            .or_else(|| member.span_class.route.and_then(|hit| hit.operation_type).map(|t| Cow::Owned(t.to_owned()))),
        status: accepted.then_some(WorkerStatus::Success),
        total: None,
        capable: None,
        available: None,
        worker_id: scan.text(span, Attr::WorkerSelected),
        dispatch: Some(Dispatch {
            request,
            accepted,
            busy: request.status.is_some_and(|code| words.busy.contains(&code)),
        }),
    })
}

/// The outcome of the worker selection over an operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct SelectionOutcome<'t, 'p> {
    pub(crate) status: Option<WorkerStatus>,
    /// The last selection span.
    pub(crate) selection: Option<AssignmentStep<'t, 'p>>,
    /// The last dispatch that was accepted.
    pub(crate) accepted: Option<AssignmentStep<'t, 'p>>,
    /// Dispatches that were answered with "busy".
    pub(crate) refused: Vec<AssignmentStep<'t, 'p>>,
    /// Dispatches in all; none of them may have been accepted.
    pub(crate) dispatches: usize,
}

impl SelectionOutcome<'_, '_> {
    /// Whether the work found nobody: no worker was chosen, or nobody took it.
    pub(crate) fn found_nobody(&self) -> bool {
        let chosen = self.status.is_none_or(|status| status == WorkerStatus::Success);
        self.accepted.is_none() && (!chosen || self.dispatches > 0)
    }
}

/// Summarises the assignment of the last attempt.
pub(crate) fn outcome<'t, 'p>(
    assignment: &[AssignmentStep<'t, 'p>],
    last_attempt: Option<Time>,
) -> SelectionOutcome<'t, 'p> {
    let recent = |step: &&AssignmentStep<'t, 'p>| last_attempt.is_none_or(|start| step.member.span.start() >= start);
    let selection = assignment.iter().rev().filter(recent).find(|step| step.selects()).cloned();
    let dispatched = || assignment.iter().filter(recent).filter(|step| step.dispatch.is_some());
    let accepted = dispatched().rfind(|step| step.dispatch.is_some_and(|d| d.accepted)).cloned();
    let refused: Vec<_> = dispatched().filter(|step| step.dispatch.is_some_and(|d| d.busy)).cloned().collect();
    let status = match (&selection, &accepted) {
        (_, Some(_)) => Some(WorkerStatus::Success),
        (Some(selection), None) => selection.status,
        (None, None) if !refused.is_empty() => Some(WorkerStatus::NoWorkersAvailable),
        (None, None) => None,
    };
    let dispatches = dispatched().count();
    SelectionOutcome { status, selection, accepted, refused, dispatches }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_beat_the_status_text_in_every_vocabulary() {
        use WorkerStatus::{AllWorkersBusy, NoCapableWorkers, NoWorkersAvailable, NoWorkersStarted, Success};
        let playbook = crate::playbook::Playbook::ktrdr();
        let status =
            |said, total, capable, available| super::status(playbook.workers(), said, total, capable, available);
        let none = Some("no_workers_available");
        assert_eq!(status(none, Some(0), Some(0), Some(0)), Some(NoWorkersStarted));
        assert_eq!(status(none, Some(2), Some(0), Some(0)), Some(NoCapableWorkers));
        assert_eq!(status(Some("NO_WORKERS_AVAILABLE"), Some(1), Some(1), Some(0)), Some(AllWorkersBusy));
        assert_eq!(status(none, None, None, None), Some(NoWorkersAvailable));
        assert_eq!(status(Some("NO_CAPABLE_WORKERS"), None, None, None), Some(NoCapableWorkers));
        assert_eq!(status(Some("SUCCESS"), Some(4), Some(2), Some(2)), Some(Success));
        assert_eq!(status(None, Some(4), Some(2), Some(2)), Some(Success));
        assert_eq!(status(None, None, None, None), None);
    }
}
