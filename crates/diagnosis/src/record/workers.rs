//! The list of an operation's worker selections and dispatches.

use super::rows::WorkerSelection;
use crate::gather::workers::AssignmentStep;

/// The list of selections and dispatches.
pub(crate) fn entries(assignment: &[AssignmentStep<'_, '_>], operation_type: &str) -> Vec<WorkerSelection> {
    let entry = |c: &AssignmentStep<'_, '_>| WorkerSelection {
        time: Some(c.member.span.start()),
        span: c.member.span.name().to_owned(),
        operation_type: operation_type.to_owned(),
        worker_type: c.worker_type.as_deref().map(str::to_owned),
        worker_status: c.status,
        total: c.total,
        capable: c.capable,
        available: c.available,
        worker_id: c.worker_id.as_deref().map(str::to_owned).or_else(|| c.dispatch.and_then(|d| d.request.address())),
        duration_ms: c.member.span.duration().millis(),
        span_id: c.member.span.id(),
        trace_id: c.member.span.trace().id(),
    };
    assignment.iter().map(entry).collect()
}
