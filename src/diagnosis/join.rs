//! Puts the halves of operations together whose call did not carry the trace context.

use super::{
    case::{Case, Member},
    http::Request,
};
use crate::{
    playbook::RouteRole,
    trace::{Micros, SpanKind},
};

/// How far apart in time a dispatch and a worker's span in another trace may be to be one call.
const WITHIN: Micros = Micros::from_secs(1);

/// Finds for every worker's span without a caller the start that was handed to a worker in the same moment, at the same
/// address, and found no span there.
pub(super) fn lost_context<'a, 'p>(cases: &mut [Case<'a, 'p>], starts: &mut Vec<Case<'a, 'p>>) {
    for case in cases.iter_mut() {
        let Some(server) = lonely_worker(case) else { continue };
        case.context_lost = !case.id.is_some_and(|id| id.starts_with("worker_"));
        let distance = |start: &Case<'a, 'p>| {
            let fitting = dispatches(start).filter(|dispatch| is_one_call((start, dispatch), (case, &server)));
            fitting.map(|dispatch| (server.span.start() - dispatch.span.start()).0.abs()).min()
        };
        let half = starts.iter().enumerate().filter_map(|(ix, start)| Some((distance(start)?, ix))).min();
        if let Some((_, half)) = half {
            let start = starts.swap_remove(half);
            case.context_lost = true;
            case.route_type = case.route_type.or(start.route_type);
            case.members.extend(start.members);
            case.context.extend(start.context);
        }
    }
}

fn lonely_worker<'a, 'p>(case: &Case<'a, 'p>) -> Option<Member<'a, 'p>> {
    let begun = case.members.iter().any(|m| m.sight.route_is(RouteRole::Start) && m.span.kind() == SpanKind::Server);
    let mut servers = case.members.iter().filter(|m| {
        m.sight.route_is(RouteRole::WorkStart) && m.span.kind() == SpanKind::Server && m.span.parent().is_none()
    });
    if begun { None } else { servers.next().copied() }
}

fn dispatches<'c, 'a, 'p>(case: &'c Case<'a, 'p>) -> impl Iterator<Item = &'c Member<'a, 'p>> {
    case.members
        .iter()
        .filter(|m| m.sight.route_is(RouteRole::WorkStart) && m.span.kind() == SpanKind::Client)
        .filter(|m| case.scan(m).callee(m.span).is_none())
}

/// Whether both spans may be ends of one call: same time, same path, and no two different ports.
fn is_one_call<'a, 'p>(
    (start, dispatch): (&Case<'a, 'p>, &Member<'a, 'p>),
    (case, server): (&Case<'a, 'p>, &Member<'a, 'p>),
) -> bool {
    let late = server.span.start() > dispatch.span.end() + WITHIN;
    let early = server.span.start() + WITHIN < dispatch.span.start();
    let sent = Request::of(dispatch.span, &start.scan(dispatch).lexicon).unwrap_or_default();
    let served = Request::of(server.span, &case.scan(server).lexicon).unwrap_or_default();
    let elsewhere = sent.port.zip(served.port).is_some_and(|(sent, served)| sent != served);
    !late && !early && sent.path == served.path && !elsewhere
}
