//! Where an operation stands: its last state, else what its start request and its spans say. A root request has ended
//! with its span, and failed if that failed or work that it handed over.

use super::{
    errors::Fault,
    operation_status::OperationStatus,
    timeline::{self, StateChange},
    waiting::Waiting,
    workers::SelectionOutcome,
};
use crate::{
    playbook::{Effect, RouteRole},
    slice::operation_spans::{Member, OperationSpans},
};
use hashbrown::HashMap;
use trace::{SpanKind, Status};

pub(crate) fn status(
    operation: &OperationSpans<'_, '_>,
    states: &[StateChange<'_>],
    workers: &SelectionOutcome<'_, '_>,
    faults: &[Fault<'_, '_>],
    waiting: &Waiting,
) -> OperationStatus {
    if operation.root_request.is_some() {
        return status_of_root_request(operation, waiting);
    }
    if operation.id.is_none() {
        return status_without_id(operation);
    }
    let last = states.last().map(|change| change.status);
    let given_back = timeline::given_back(operation, states).is_some();
    match last {
        Some(OperationStatus::Running | OperationStatus::Pending) if given_back => OperationStatus::Cancelled,
        // Nobody took the work and nothing happened since: the start has failed, whether that was written or not.
        Some(OperationStatus::Pending) | None if workers.found_nobody() || start_refused(operation) => {
            OperationStatus::Failed
        }
        Some(OperationStatus::Running | OperationStatus::Pending) | None if worker_lost(operation, faults) => {
            OperationStatus::Failed
        }
        // Work of it was seen, so it was begun.
        Some(OperationStatus::Pending) if !operation.cut_off.is_empty() => OperationStatus::Running,
        Some(status) => status,
        None => status_by_root(operation),
    }
}

/// Whether an error says that the worker is gone, though nobody was left to write a state.
fn worker_lost(operation: &OperationSpans<'_, '_>, faults: &[Fault<'_, '_>]) -> bool {
    let classes = operation.playbook.errors().iter().filter(|row| row.effect == Effect::WorkerLost);
    let mut inside = faults.iter().filter(|fault| !fault.outside && fault.source.is_exception());
    let classes: Vec<_> = classes.collect();
    inside.any(|fault| classes.iter().any(|row| row.fits(fault.class.as_deref(), fault.message.as_deref())))
}

fn status_of_root_request(operation: &OperationSpans<'_, '_>, waiting: &Waiting) -> OperationStatus {
    // Of equal work that was handed over several times the last try counts.
    let mut tries: HashMap<_, &Member<'_, '_>> = HashMap::new();
    for member in waiting.handed_over.iter().filter_map(|place| operation.members.get(*place)) {
        tries.insert((operation.scan(member).tree.parent(member.span.ix()), member.span.name()), member);
    }
    let root = operation.root();
    let tops = root.into_iter().chain(operation.cut_off.iter().filter(|_| root.is_none())).chain(tries.into_values());
    let failed = |member: &Member<'_, '_>| {
        let answer = operation.scan(member).request(member.span);
        member.span.is_error() || answer.is_some_and(|answer| answer.failed(member.span.kind()))
    };
    if tops.into_iter().any(failed) {
        OperationStatus::Failed
    } else if root.is_some() {
        OperationStatus::Completed
    } else {
        OperationStatus::Unknown
    }
}

/// Whether the start was asked for, and the last answer was an error.
fn start_refused(operation: &OperationSpans<'_, '_>) -> bool {
    let starts = operation.members.iter().filter(|m| m.route_is(RouteRole::Start));
    let last = starts.max_by_key(|m| (m.span.start(), m.span.kind() == SpanKind::Server));
    last.and_then(|m| operation.scan(m).request(m.span)).is_some_and(|request| request.refused())
}

/// Without any state an error of any of its spans means failure; a good end of a fire-and-forget start says nothing.
fn status_by_root(operation: &OperationSpans<'_, '_>) -> OperationStatus {
    let failed = operation.members.iter().any(|m| m.span.status() == Status::Error);
    if failed { OperationStatus::Failed } else { OperationStatus::Unknown }
}

fn status_without_id(operation: &OperationSpans<'_, '_>) -> OperationStatus {
    let starts = operation.members.iter().filter(|m| m.route_is(RouteRole::Start));
    let last = starts.max_by_key(|m| (m.span.start(), m.span.kind() == SpanKind::Server));
    let Some(last) = last else { return OperationStatus::Unknown };
    let request = operation.scan(last).request(last.span).unwrap_or_default();
    if request.refused() || request.status.is_none() && last.span.is_error() {
        OperationStatus::Failed
    } else {
        OperationStatus::Unknown
    }
}
