//! When an operation started and ended, in which states it was, and on whom it spent its time.

use hashbrown::HashMap;

use super::{
    OperationStatus, SectionKind,
    case::{Case, Member},
    http::Request,
};
use crate::{
    playbook::{Attr, RouteRole, SpanRole},
    trace::{Forest, Micros, Node, Relation, SpanId, SpanKind, Stretch, Time},
};

/// A state that a span says the operation took.
#[derive(Clone, Copy, Debug)]
pub(super) struct StateChange {
    /// Position in [`Case::members`].
    pub(super) member: usize,
    pub(super) status: OperationStatus,
    pub(super) resuming: bool,
    /// Said by the registration, not by a change.
    registers: bool,
    pub(super) at: Time,
}

/// States in the order of time.
pub(super) fn states(case: &Case<'_, '_>) -> Vec<StateChange> {
    let mut changes: Vec<StateChange> =
        case.members.iter().enumerate().filter_map(|(ix, member)| state(case, ix, member)).collect();
    // A registration comes before every change, whatever the clocks of two services say. Of changes without a time an
    // end comes last and everything else first.
    let timed = |change: &StateChange| case.members.get(change.member).is_some_and(|m| m.span.has_time());
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

fn state(case: &Case<'_, '_>, ix: usize, member: &Member<'_, '_>) -> Option<StateChange> {
    let (scan, span) = (case.scan(member), member.span);
    let change = |text: &str, at| {
        let status = OperationStatus::parse(text)?;
        let resuming = text.eq_ignore_ascii_case("resuming");
        Some(StateChange { member: ix, status, resuming, registers: member.sight.is(SpanRole::Register), at })
    };
    if let Some(to) = scan.text(span, Attr::ToStatus) {
        return change(to, span.end());
    }
    if member.sight.is(SpanRole::Register) {
        let said = scan.text(span, Attr::OperationStatus).unwrap_or("pending");
        return change(said, span.start());
    }
    if let Some(said) = scan.text(span, Attr::OperationStatus) {
        return change(said, span.end());
    }
    if member.sight.is(SpanRole::Coordinator) && names(case, member) {
        return change(scan.text(span, Attr::Outcome)?, span.end());
    }
    if member.sight.is(SpanRole::Work) {
        return change(if span.is_error() { "failed" } else { "completed" }, span.end());
    }
    None
}

/// When a worker that shuts down in an orderly way gave the operation back: it tells the backend over HTTP, and no
/// transition is written.
pub(super) fn given_back(case: &Case<'_, '_>, states: &[StateChange]) -> Option<Time> {
    let open = states.last().is_none_or(|last| !last.status.is_terminal());
    let updates = case.mentions.iter().filter(|m| m.role == RouteRole::StatusUpdate && open);
    let accepted = updates.filter(|m| Request::of(m.span, &case.scan_at(m.scan).lexicon).is_some_and(|r| r.accepted()));
    accepted.map(|m| m.span.end()).filter(|at| states.last().is_none_or(|last| last.at <= *at)).max()
}

/// Whether the operation id on a span that several operations share is this one's.
pub(super) fn names(case: &Case<'_, '_>, member: &Member<'_, '_>) -> bool {
    case.scan(member).text(member.span, Attr::OperationId).is_none_or(|id| Some(id) == case.id)
}

/// The operation's interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) start: Time,
    /// `None` while there is no end.
    pub(super) end: Option<Time>,
    /// The end, or the clock.
    pub(super) until: Time,
}

impl Window {
    pub(super) fn length(self) -> Micros {
        Micros((self.until - self.start).0.max(0))
    }
}

/// From the start request's server span (else the registration, else the first span) to the last terminal state; a
/// start without id runs from its first to its last retry.
pub(super) fn window(case: &Case<'_, '_>, states: &[StateChange], ended: bool, now: Time) -> Option<Window> {
    let first = case.timed().next()?.span.start();
    let server = |m: &&Member<'_, '_>| m.sight.route_is(RouteRole::Start) && m.span.kind() == SpanKind::Server;
    let by_request = case.timed().find(server);
    let registered = || case.timed().find(|m| m.sight.is(SpanRole::Register));
    let start = match case.id {
        Some(_) => by_request.or_else(registered).map_or(first, |m| m.span.start()),
        None => first,
    };
    let last = case.last_activity().unwrap_or(first);
    let has_time = |change: &&StateChange| case.members.get(change.member).is_some_and(|m| m.span.has_time());
    let terminal = states.last().filter(|change| change.status.is_terminal()).filter(has_time).map(|change| change.at);
    let ending = || terminal.or_else(|| given_back(case, states)).unwrap_or(last);
    let end = if ended { Some(ending().max(start)) } else { None };
    // Beyond these 70 000 years nothing is a clock's time, and differences would no longer fit.
    let now = now.clamp(Time(-1 << 61), Time(1 << 61));
    let until = end.unwrap_or(now.max(last));
    Some(Window { start, end, until })
}

/// The operation's path through its window.
pub(super) struct Path {
    pub(super) sections: Vec<Section>,
    /// Microseconds on the path, per member.
    pub(super) on_path_us: Vec<i64>,
    /// Microseconds not covered by children, per member.
    pub(super) self_us: Vec<i64>,
    pub(super) bottleneck: Option<Bottleneck>,
    /// Members that lie directly on the window, by start.
    top: Vec<usize>,
}

/// A stretch of the path.
#[derive(Clone, Debug)]
pub(super) struct Section {
    /// Position in [`Case::members`]; `None` for a gap.
    pub(super) member: Option<usize>,
    pub(super) kind: SectionKind,
    /// A span's name or a gap's phase.
    pub(super) name: String,
    pub(super) service: String,
    pub(super) start: Time,
    pub(super) end: Time,
}

/// The largest sum of sections of one service, name and kind.
#[derive(Clone, Debug)]
pub(super) struct Bottleneck {
    pub(super) name: String,
    pub(super) service: String,
    pub(super) kind: SectionKind,
    pub(super) span_id: Option<SpanId>,
    pub(super) total: Micros,
    /// Members whose sections are part of it.
    pub(super) members: Vec<usize>,
}

impl Path {
    /// The last member lying on the window at a time: what a gap from there comes after.
    pub(super) fn last_top<'c, 'a, 'p>(&self, case: &'c Case<'a, 'p>, at: Time) -> Option<&'c Member<'a, 'p>> {
        let behind = self.top.partition_point(|ix| starts_by(case, *ix, at));
        behind.checked_sub(1).and_then(|last| case.members.get(*self.top.get(last)?))
    }

    fn next_top<'c, 'a, 'p>(&self, case: &'c Case<'a, 'p>, at: Time) -> Option<&'c Member<'a, 'p>> {
        let behind = self.top.partition_point(|ix| starts_by(case, *ix, at - Micros(1)));
        case.members.get(*self.top.get(behind)?)
    }
}

fn starts_by(case: &Case<'_, '_>, member: usize, at: Time) -> bool {
    case.members.get(member).is_some_and(|m| m.span.start() <= at)
}

/// Lays the operation's spans on its window and divides it by the path rules.
pub(super) fn path(case: &Case<'_, '_>, window: Window, operation_type: &str) -> Path {
    let mut forest = Forest::with_capacity(case.members.len());
    for member in &case.members {
        forest.add(member.span.start(), member.span.end(), member.span.id());
    }
    let parents = waiting_parents(case);
    forest.connect(parents.iter().enumerate().filter_map(|(ix, p)| Some((Node((*p)? as u32), Node(ix as u32)))));
    let loops = |ix: usize| case.members.get(ix).is_some_and(|m| m.sight.is(SpanRole::Coordinator));
    let top: Vec<usize> =
        parents.iter().enumerate().filter(|(ix, p)| p.is_none() && !loops(*ix)).map(|(ix, _)| ix).collect();
    let nodes: Vec<Node> = top.iter().map(|ix| Node(*ix as u32)).collect();
    let stretches = forest.path_over(&nodes, window.start, window.until);
    let mut path = Path {
        sections: Vec::with_capacity(stretches.len()),
        on_path_us: vec![0; case.members.len()],
        self_us: (0..case.members.len()).map(|ix| forest.self_time(Node(ix as u32))).collect(),
        bottleneck: None,
        top,
    };
    for stretch in stretches {
        let section = section(case, &path, stretch, operation_type);
        if let Some(sum) = section.member.and_then(|ix| path.on_path_us.get_mut(ix)) {
            *sum += (section.end - section.start).0;
        }
        path.sections.push(section);
    }
    path.bottleneck = bottleneck(case, &path.sections);
    path
}

/// For every member the member that waited for it. Work that its parent did not wait for (follows-from, producer to
/// consumer, started after the parent's end or for the most part done after it) has none: it lies on the window itself.
fn waiting_parents(case: &Case<'_, '_>) -> Vec<Option<usize>> {
    let places: HashMap<_, usize> =
        case.members.iter().enumerate().map(|(place, m)| ((m.scan, m.span.ix()), place)).collect();
    let waits = |member: &Member<'_, '_>| {
        let scan = case.scan(member);
        let parent = scan.trace.span(scan.tree.parent(member.span.ix())?)?;
        let place = *places.get(&(member.scan, parent.ix()))?;
        let handed_over = parent.kind() == SpanKind::Producer && member.span.kind() == SpanKind::Consumer;
        let follows = member.span.parent().is_some_and(|named| named.relation == Relation::FollowsFrom);
        let beyond = member.span.end() - parent.end().max(member.span.start());
        let after = member.span.start() >= parent.end() || beyond.0 * 2 > member.span.duration().0;
        let in_loop = case.members.get(place).is_some_and(|p| p.sight.is(SpanRole::Coordinator));
        (!handed_over && !follows && !after && !in_loop).then_some(place)
    };
    case.members.iter().map(waits).collect()
}

fn section(case: &Case<'_, '_>, path: &Path, stretch: Stretch, operation_type: &str) -> Section {
    let (start, end) = (stretch.start, stretch.end);
    let owner = stretch.owner.map(|node| node.0 as usize);
    if let Some((ix, member)) = owner.and_then(|ix| Some((ix, case.members.get(ix)?))) {
        let network = member.span.kind() == SpanKind::Client && case.scan(member).callee(member.span).is_some();
        let kind = if network { SectionKind::Network } else { SectionKind::Span };
        let (name, service) = (member.span.name().to_owned(), member.span.service().to_owned());
        return Section { member: Some(ix), kind, name, service, start, end };
    }
    let (after, before) = (path.last_top(case, start), path.next_top(case, end));
    let name_of = |m: Option<&Member<'_, '_>>| m.map(|m| m.span.name().to_owned());
    let (after_name, before_name) = (name_of(after), name_of(before));
    let phase = case.playbook.phase(operation_type, after_name.as_deref(), before_name.as_deref());
    let name = if let Some(phase) = phase {
        phase.to_owned()
    } else {
        let side = |name: &Option<String>, none: &str| name.clone().unwrap_or_else(|| none.to_owned());
        format!("{} → {}", side(&after_name, "start"), side(&before_name, "(no end yet)"))
    };
    let service = after.or(before).map(|m| m.span.service().to_owned()).unwrap_or_default();
    Section { member: None, kind: SectionKind::Gap, name, service, start, end }
}

fn bottleneck(case: &Case<'_, '_>, sections: &[Section]) -> Option<Bottleneck> {
    struct Sum {
        total: i64,
        largest: i64,
        member: Option<usize>,
        first: usize,
        members: Vec<usize>,
    }
    let mut sums: HashMap<(&str, &str, SectionKind), Sum> = HashMap::new();
    for (order, section) in sections.iter().enumerate() {
        let length = (section.end - section.start).0;
        let sum = sums.entry((&section.service, &section.name, section.kind)).or_insert(Sum {
            total: 0,
            largest: 0,
            member: section.member,
            first: order,
            members: Vec::new(),
        });
        sum.total += length;
        if length > sum.largest {
            (sum.largest, sum.member) = (length, section.member);
        }
        sum.members.extend(section.member);
    }
    let ((service, name, kind), sum) =
        sums.into_iter().max_by_key(|(_, sum)| (sum.total, std::cmp::Reverse(sum.first)))?;
    Some(Bottleneck {
        name: name.to_owned(),
        service: service.to_owned(),
        kind,
        span_id: sum.member.and_then(|ix| case.members.get(ix)).map(|m| m.span.id()),
        total: Micros(sum.total),
        members: sum.members,
    })
}
