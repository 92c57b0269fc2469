//! Worker selection: what the selection spans say in any of the vocabularies, and what dispatches show without them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    playbook::{Attr, RouteRole, SpanRole},
    read::request::Request,
    slice::case::{Case, Member},
};
use trace::{SpanKind, Time, Value};

/// What the worker selection came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WorkerStatus {
    /// A worker was chosen, or accepted the dispatch.
    Success,
    /// None was registered at all.
    NoWorkersStarted,
    /// None of this type was registered.
    NoCapableWorkers,
    /// All of this type were busy.
    AllWorkersBusy,
    /// None could be had; the counts that would say why are missing.
    NoWorkersAvailable,
}

impl WorkerStatus {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::NoWorkersStarted => "NO_WORKERS_STARTED",
            Self::NoCapableWorkers => "NO_CAPABLE_WORKERS",
            Self::AllWorkersBusy => "ALL_WORKERS_BUSY",
            Self::NoWorkersAvailable => "NO_WORKERS_AVAILABLE",
        }
    }
}

/// One worker selection, or one dispatch.
#[derive(Clone, Debug)]
pub(crate) struct Choice<'t, 'p> {
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

impl Choice<'_, '_> {
    fn selects(&self) -> bool {
        self.dispatch.is_none()
    }
}

/// Selections and dispatches by time.
pub(crate) fn choices<'t, 'p>(case: &Case<'t, 'p>) -> Vec<Choice<'t, 'p>> {
    let refused = case.context.iter().filter(|_| case.refused_starts > 0);
    let mut choices: Vec<_> =
        case.members.iter().chain(refused).filter_map(|m| selection(case, m).or_else(|| dispatch(case, m))).collect();
    choices.sort_by_key(|c| (c.member.span.start(), c.member.span.trace().id(), c.member.span.ix()));
    choices
}

fn selection<'t, 'p>(case: &Case<'t, 'p>, member: &Member<'t, 'p>) -> Option<Choice<'t, 'p>> {
    let (scan, span) = (case.scan(member), member.span);
    let count = |attr| scan.get(span, attr).and_then(Value::as_i64);
    let (total, capable, available) =
        (count(Attr::WorkerTotal), count(Attr::WorkerCapable), count(Attr::WorkerAvailable));
    let said = scan.text(span, Attr::WorkerStatus);
    if !member.sight.is(SpanRole::Selection) && said.is_none() && total.is_none() {
        return None;
    }
    let worker_id = scan.text(span, Attr::WorkerSelected);
    Some(Choice {
        member: *member,
        worker_type: scan.text(span, Attr::WorkerType),
        status: status(said.as_deref(), total, capable, available)
            .or(worker_id.as_ref().map(|_| WorkerStatus::Success)),
        total,
        capable,
        available,
        worker_id,
        dispatch: None,
    })
}

/// The counts beat the status text: KTRDR says `no_workers_available` whatever the reason.
fn status(
    said: Option<&str>,
    total: Option<i64>,
    capable: Option<i64>,
    available: Option<i64>,
) -> Option<WorkerStatus> {
    let success = said.is_some_and(|text| text.eq_ignore_ascii_case("success"));
    match (total, capable, available) {
        _ if success => Some(WorkerStatus::Success),
        (Some(0), _, _) => Some(WorkerStatus::NoWorkersStarted),
        (_, Some(0), _) => Some(WorkerStatus::NoCapableWorkers),
        (_, _, Some(0)) => Some(WorkerStatus::AllWorkersBusy),
        (_, _, Some(_)) if said.is_none() => Some(WorkerStatus::Success),
        _ => match said?.to_lowercase().as_str() {
            "no_capable_workers" => Some(WorkerStatus::NoCapableWorkers),
            "no_workers_started" | "no_workers_registered" => Some(WorkerStatus::NoWorkersStarted),
            "all_workers_busy" => Some(WorkerStatus::AllWorkersBusy),
            _ => Some(WorkerStatus::NoWorkersAvailable),
        },
    }
}

fn dispatch<'t, 'p>(case: &Case<'t, 'p>, member: &Member<'t, 'p>) -> Option<Choice<'t, 'p>> {
    let (scan, span) = (case.scan(member), member.span);
    let by_request = member.sight.route_is(RouteRole::WorkStart) && span.kind() == SpanKind::Client;
    let said = scan.text(span, Attr::DispatchStatus);
    if !by_request && !member.sight.is(SpanRole::Dispatch) {
        return None;
    }
    let request = Request::of(span, &scan.lexicon).unwrap_or_default();
    let good = |text: &str| ["success", "ok", "accepted", "dispatched"].iter().any(|g| text.eq_ignore_ascii_case(g));
    let accepted =
        request.accepted() || said.as_deref().is_some_and(good) || (!by_request && said.is_none() && !span.is_error());
    Some(Choice {
        member: *member,
        worker_type: scan
            .text(span, Attr::WorkerType)
            .or_else(|| member.sight.route.and_then(|hit| hit.operation_type).map(|t| Cow::Owned(t.to_owned()))),
        status: accepted.then_some(WorkerStatus::Success),
        total: None,
        capable: None,
        available: None,
        worker_id: scan.text(span, Attr::WorkerSelected),
        dispatch: Some(Dispatch { request, accepted, busy: request.status == Some(503) }),
    })
}

/// The outcome of the worker selection over an operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome<'t, 'p> {
    pub(crate) status: Option<WorkerStatus>,
    /// The last selection span.
    pub(crate) selection: Option<Choice<'t, 'p>>,
    /// The last dispatch that was accepted.
    pub(crate) accepted: Option<Choice<'t, 'p>>,
    /// Dispatches that were answered with "busy".
    pub(crate) refused: Vec<Choice<'t, 'p>>,
    /// Dispatches in all; none of them may have been accepted.
    pub(crate) dispatches: usize,
}

impl Outcome<'_, '_> {
    /// Whether the work found nobody: no worker was chosen, or nobody took it.
    pub(crate) fn found_nobody(&self) -> bool {
        let chosen = self.status.is_none_or(|status| status == WorkerStatus::Success);
        self.accepted.is_none() && (!chosen || self.dispatches > 0)
    }
}

/// Sums the choices of the last attempt up.
pub(crate) fn outcome<'t, 'p>(choices: &[Choice<'t, 'p>], last_attempt: Option<Time>) -> Outcome<'t, 'p> {
    let recent = |c: &&Choice<'t, 'p>| last_attempt.is_none_or(|start| c.member.span.start() >= start);
    let selection = choices.iter().rev().filter(recent).find(|c| c.selects()).cloned();
    let dispatched = || choices.iter().filter(recent).filter(|c| c.dispatch.is_some());
    let accepted = dispatched().rfind(|c| c.dispatch.is_some_and(|d| d.accepted)).cloned();
    let refused: Vec<_> = dispatched().filter(|c| c.dispatch.is_some_and(|d| d.busy)).cloned().collect();
    let status = match (&selection, &accepted) {
        (_, Some(_)) => Some(WorkerStatus::Success),
        (Some(selection), None) => selection.status,
        (None, None) if !refused.is_empty() => Some(WorkerStatus::NoWorkersAvailable),
        (None, None) => None,
    };
    let dispatches = dispatched().count();
    Outcome { status, selection, accepted, refused, dispatches }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_beat_the_status_text_in_every_vocabulary() {
        use WorkerStatus::{AllWorkersBusy, NoCapableWorkers, NoWorkersAvailable, NoWorkersStarted, Success};
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
