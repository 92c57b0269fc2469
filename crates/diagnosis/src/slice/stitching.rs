//! Puts the halves of operations together whose call did not carry the trace context.
//!
//! The backend's half is a start whose dispatch found no span in the worker; the worker's half is an operation whose
//! first request has no caller. What ties them is the address and the clock: the same path, not two different ports,
//! and a request that arrives while the dispatch lasts. Of several that fit the nearest in time belong together.
//! A start that was dispatched more than once stands for the last dispatch that was not refused.

use std::collections::BTreeMap;

use hashbrown::HashSet;

use super::{
    operation_spans::{Member, OperationSpans},
    pairing::{Call, nearest_pairs},
};
use crate::{playbook::RouteRole, read::request::Request};
use trace::{Micros, SpanIx, SpanKind, Time, TraceId};

/// Where a request is sent or served, as far as its span says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Address<'a> {
    path: Option<&'a str>,
    port: Option<u16>,
}

impl Address<'_> {
    fn without_port(self) -> Self {
        Self { port: None, ..self }
    }
}

/// A request on one of its two sides.
struct Side<'a> {
    /// Position of the start or of the operation that it belongs to.
    owner: usize,
    address: Address<'a>,
    start: Time,
    end: Time,
    /// Makes the order of requests of the same time certain.
    span: (TraceId, SpanIx),
}

impl<'a> Side<'a> {
    fn new(owner: usize, operation: &OperationSpans<'a, '_>, member: &Member<'a, '_>) -> Self {
        let request = Request::of(member.span, &operation.scan(member).vocabulary).unwrap_or_default();
        Self {
            owner,
            address: Address { path: request.path, port: request.port },
            start: member.span.start(),
            end: member.span.end(),
            span: (member.span.trace().id(), member.span.ix()),
        }
    }
}

/// What is known of the ports of a call's two sides.
#[derive(Clone, Copy)]
enum Ports {
    /// Both sides name the same one.
    Equal,
    /// The dispatch does not name one.
    NotSent,
    /// The worker does not name one.
    NotServed,
}

impl Ports {
    /// Equal ports say more than the clock, so those calls are settled first.
    const ROUNDS: [Self; 3] = [Self::Equal, Self::NotSent, Self::NotServed];

    /// What must be equal on both sides; `None` for a dispatch that is not looked at.
    fn sent(self, address: Address<'_>) -> Option<Address<'_>> {
        match self {
            Self::Equal => address.port.map(|_| address),
            Self::NotSent => address.port.is_none().then_some(address),
            Self::NotServed => Some(address.without_port()),
        }
    }

    /// The same for a worker's request.
    fn served(self, address: Address<'_>) -> Option<Address<'_>> {
        match self {
            Self::Equal => address.port.map(|_| address),
            Self::NotSent => Some(address.without_port()),
            Self::NotServed => address.port.is_none().then_some(address),
        }
    }
}

/// Gives every operation whose worker's first request has no caller the start that was dispatched to it, if there is
/// one; such starts are taken out of `starts`.
pub(crate) fn lost_context<'a, 'p>(
    operations: &mut [OperationSpans<'a, 'p>],
    starts: &mut Vec<OperationSpans<'a, 'p>>,
) {
    let mut served: Vec<Side<'a>> = Vec::new();
    for (at, operation) in operations.iter_mut().enumerate() {
        let Some(server) = worker_without_caller(operation) else { continue };
        operation.context_lost = !operation.id.is_some_and(|id| operation.playbook.is_called_directly(id));
        served.push(Side::new(at, operation, &server));
    }
    let Some(skew) = starts.first().map(|start| start.playbook.thresholds().clock_skew) else { return };
    if served.is_empty() {
        return;
    }
    let of_start = |(at, start): (usize, &OperationSpans<'a, 'p>)| Some(Side::new(at, start, dispatch(start)?));
    let sent: Vec<Side<'a>> = starts.iter().enumerate().filter_map(of_start).collect();
    let mut halves: Vec<Option<OperationSpans<'a, 'p>>> = std::mem::take(starts).into_iter().map(Some).collect();
    for (start, owner) in one_call(sent, served, skew) {
        let start = halves.get_mut(start).and_then(Option::take);
        if let (Some(start), Some(operation)) = (start, operations.get_mut(owner)) {
            operation.context_lost = true;
            operation.route_type = operation.route_type.or(start.route_type);
            operation.members.extend(start.members);
            operation.context.extend(start.context);
        }
    }
    starts.extend(halves.into_iter().flatten());
}

/// Which start belongs to which operation, by their positions.
fn one_call(mut sent: Vec<Side<'_>>, mut served: Vec<Side<'_>>, skew: Micros) -> Vec<(usize, usize)> {
    sent.sort_by_key(|side| (side.start, side.span));
    served.sort_by_key(|side| (side.start, side.span));
    let mut joined: Vec<(usize, usize)> = Vec::new();
    let (mut starts, mut operations): (HashSet<usize>, HashSet<usize>) = (HashSet::new(), HashSet::new());
    for ports in Ports::ROUNDS {
        let mut at: BTreeMap<Address<'_>, (Vec<&Side<'_>>, Vec<&Side<'_>>)> = BTreeMap::new();
        for side in &sent {
            if let Some(address) = ports.sent(side.address) {
                at.entry(address).or_default().0.push(side);
            }
        }
        for side in &served {
            if let Some(address) = ports.served(side.address) {
                at.entry(address).or_default().1.push(side);
            }
        }
        for (mut sent, mut served) in at.into_values() {
            sent.retain(|side| !starts.contains(&side.owner));
            served.retain(|side| !operations.contains(&side.owner));
            let calls: Vec<Call> = sent.iter().map(|side| Call { start: side.start, end: side.end }).collect();
            let arrivals: Vec<Time> = served.iter().map(|side| side.start).collect();
            for (call, arrival) in nearest_pairs(&calls, &arrivals, skew) {
                if let (Some(call), Some(arrival)) = (sent.get(call), served.get(arrival)) {
                    starts.insert(call.owner);
                    operations.insert(arrival.owner);
                    joined.push((call.owner, arrival.owner));
                }
            }
        }
    }
    joined
}

fn worker_without_caller<'a, 'p>(operation: &OperationSpans<'a, 'p>) -> Option<Member<'a, 'p>> {
    let begun =
        operation.members.iter().any(|m| m.span_class.route_is(RouteRole::Start) && m.span.kind() == SpanKind::Server);
    let mut servers = operation.members.iter().filter(|m| {
        m.span_class.route_is(RouteRole::WorkStart) && m.span.kind() == SpanKind::Server && m.span.parent().is_none()
    });
    if begun { None } else { servers.next().copied() }
}

/// The last dispatch that was not refused and found no span in the worker.
fn dispatch<'c, 'a, 'p>(start: &'c OperationSpans<'a, 'p>) -> Option<&'c Member<'a, 'p>> {
    let sent = start
        .members
        .iter()
        .filter(|m| m.span_class.route_is(RouteRole::WorkStart) && m.span.kind() == SpanKind::Client);
    let unanswered = sent.filter(|m| start.scan(m).callee(m.span).is_none());
    unanswered
        .filter(|m| !Request::of(m.span, &start.scan(m).vocabulary).is_some_and(|request| request.refused()))
        .max_by_key(|m| (m.span.start(), m.span.trace().id(), m.span.ix()))
}
