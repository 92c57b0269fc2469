//! When an operation started and ended, and in which states it was.

use std::borrow::Cow;

use super::{operation_status::OperationStatus, waiting::Waiting};
use crate::{
    playbook::{Attr, RouteRole, SpanRole, State},
    read::request::Request,
    slice::operation_spans::{Member, OperationSpans},
};
use trace::{Micros, SpanKind, Time};

/// A state that a span says the operation took.
#[derive(Clone, Debug)]
pub(crate) struct StateChange<'t> {
    /// Position in [`OperationSpans::members`].
    pub(crate) member: usize,
    /// `Unknown` for a word that the playbook does not know.
    pub(crate) status: OperationStatus,
    /// The word that says it.
    pub(crate) word: Cow<'t, str>,
    pub(crate) resuming: bool,
    /// Said by the registration, not by a change.
    registers: bool,
    pub(crate) at: Time,
}

/// States in the order of time.
pub(crate) fn states<'t>(operation: &OperationSpans<'t, '_>) -> Vec<StateChange<'t>> {
    let mut changes: Vec<StateChange<'t>> =
        operation.members.iter().enumerate().filter_map(|(ix, member)| state(operation, ix, member)).collect();
    // A registration comes before every change, whatever the clocks of two services say. Of changes without a time an
    // end comes last and everything else first.
    let timed = |change: &StateChange<'_>| operation.members.get(change.member).is_some_and(|m| m.span.has_time());
    changes.sort_by_key(|change| {
        let (ends, timed) = (change.status.is_terminal(), timed(change));
        let place = match (change.registers, timed, ends) {
            (true, ..) => 0,
            (false, false, false) => 1,
            (false, true, _) => 2,
            (false, false, true) => 3,
        };
        (place, change.at, ends, change.member)
    });
    changes
}

fn state<'t>(operation: &OperationSpans<'t, '_>, ix: usize, member: &Member<'t, '_>) -> Option<StateChange<'t>> {
    let (scan, span) = (operation.scan(member), member.span);
    let change = |word: Cow<'t, str>, at| {
        let state = operation.playbook.state(&word);
        let status = state.map_or(OperationStatus::Unknown, OperationStatus::from);
        let resuming = state == Some(State::Resuming);
        Some(StateChange {
            member: ix,
            status,
            word,
            resuming,
            registers: member.span_class.is(SpanRole::Register),
            at,
        })
    };
    let named = |state: State| Cow::Borrowed(state.as_str());
    if let Some(to) = scan.text(span, Attr::ToStatus) {
        return change(to, span.end());
    }
    if member.span_class.is(SpanRole::Register) {
        let said = scan.text(span, Attr::OperationStatus).unwrap_or_else(|| named(State::Pending));
        return change(said, span.start());
    }
    if let Some(said) = scan.text(span, Attr::OperationStatus) {
        return change(said, span.end());
    }
    if member.span_class.is(SpanRole::Coordinator) && names(operation, member) {
        return change(scan.text(span, Attr::Outcome)?, span.end());
    }
    if member.span_class.is(SpanRole::Work) {
        return change(named(if span.is_error() { State::Failed } else { State::Completed }), span.end());
    }
    None
}

/// When a worker that shuts down in an orderly way gave the operation back: it reports that to the backend over HTTP, and no
/// transition is written.
pub(crate) fn given_back(operation: &OperationSpans<'_, '_>, states: &[StateChange<'_>]) -> Option<Time> {
    let open = states.last().is_none_or(|last| !last.status.is_terminal());
    let updates = operation.mentions.iter().filter(|m| m.role == RouteRole::StatusUpdate && open);
    let accepted =
        updates.filter(|m| Request::of(m.span, &operation.scan_at(m.scan).vocabulary).is_some_and(|r| r.accepted()));
    accepted.map(|m| m.span.end()).filter(|at| states.last().is_none_or(|last| last.at <= *at)).max()
}

/// Whether the operation id on a span that several operations share is this one's.
pub(crate) fn names(operation: &OperationSpans<'_, '_>, member: &Member<'_, '_>) -> bool {
    operation.scan(member).text(member.span, Attr::OperationId).is_none_or(|id| Some(&*id) == operation.id)
}

/// The operation's interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) start: Time,
    /// `None` while there is no end.
    pub(crate) end: Option<Time>,
    /// The end, or the clock.
    pub(crate) until: Time,
}

impl Window {
    pub(crate) fn length(self) -> Micros {
        Micros((self.until - self.start).0.max(0))
    }
}

/// From the start of a root request to its end, or to the end of work that it handed over. Where the root is missing, all
/// of its spans.
pub(crate) fn window_of_root_request(operation: &OperationSpans<'_, '_>, waiting: &Waiting) -> Option<Window> {
    let first = operation.timed().next()?.span.start();
    let root = operation.root().filter(|root| root.span.has_time()).map(|root| root.span);
    let later = waiting.handed_over.iter().filter_map(|place| operation.members.get(*place));
    let later = later.filter(|member| member.span.has_time()).map(|member| member.span.end());
    let start = root.map_or(first, trace::SpanRef::start);
    let end = match root {
        Some(root) => later.fold(root.end(), Ord::max),
        None => operation.last_activity().unwrap_or(first),
    };
    let end = end.max(start);
    Some(Window { start, end: Some(end), until: end })
}

/// From the start request's server span (else the registration, else the first span) to the last terminal state; a
/// start without id runs from its first to its last retry.
pub(crate) fn window(
    operation: &OperationSpans<'_, '_>,
    states: &[StateChange<'_>],
    ended: bool,
    now: Time,
) -> Option<Window> {
    let first = operation.timed().next()?.span.start();
    let server = |m: &&Member<'_, '_>| m.span_class.route_is(RouteRole::Start) && m.span.kind() == SpanKind::Server;
    let by_request = operation.timed().find(server);
    let registered = || operation.timed().find(|m| m.span_class.is(SpanRole::Register));
    let start = match operation.id {
        Some(_) => by_request.or_else(registered).map_or(first, |m| m.span.start()),
        None => first,
    };
    let last = operation.last_activity().unwrap_or(first);
    let has_time = |change: &&StateChange<'_>| operation.members.get(change.member).is_some_and(|m| m.span.has_time());
    let terminal = states.last().filter(|change| change.status.is_terminal()).filter(has_time).map(|change| change.at);
    let ending = || terminal.or_else(|| given_back(operation, states)).unwrap_or(last);
    let end = if ended { Some(ending().max(start)) } else { None };
    // Beyond these 70 000 years nothing is a clock's time, and differences would no longer fit.
    let now = now.clamp(Time(-1 << 61), Time(1 << 61));
    let until = end.unwrap_or(now.max(last));
    Some(Window { start, end, until })
}
