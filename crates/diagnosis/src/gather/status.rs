//! Where an operation stands: its last state, else what its start request and its spans say.

use super::{
    operation_status::OperationStatus,
    timeline::{self, StateChange},
    workers::SelectionOutcome,
};
use crate::{playbook::RouteRole, slice::operation_spans::OperationSpans};
use trace::{SpanKind, Status};

pub(crate) fn status(
    operation: &OperationSpans<'_, '_>,
    states: &[StateChange<'_>],
    workers: &SelectionOutcome<'_, '_>,
) -> OperationStatus {
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
        Some(status) => status,
        None => status_by_root(operation),
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
