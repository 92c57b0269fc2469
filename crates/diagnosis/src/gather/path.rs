//! On whom an operation spent its time: its path through its window, cut into segments, which are summed into sections.

use std::{borrow::Cow, cmp::Reverse};

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::{timeline::Window, waiting::Waiting};
use crate::{
    playbook::Playbook,
    slice::operation_spans::{Member, OperationSpans},
};
use trace::{Forest, ForestSegment, Micros, Node, SpanId, SpanKind, Time};

/// To what the largest part of the time belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SectionKind {
    /// A span's own time.
    #[default]
    Span,
    /// An edge between two services: a client span's time that its callee's span does not cover.
    Network,
    /// Time that no span covers.
    Gap,
}

impl SectionKind {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Span => "span",
            Self::Network => "network",
            Self::Gap => "gap",
        }
    }
}

/// The operation's path through its window.
pub(crate) struct Path<'a> {
    pub(crate) segments: Vec<Segment<'a>>,
    /// The segments summed into sections, in the order in which they appear first.
    pub(crate) sums: Vec<SectionSum<'a>>,
    /// Position of the largest of them; of equals the one that appears first.
    largest_sum: Option<usize>,
    /// Microseconds on the path, per member.
    pub(crate) on_path_us: Vec<i64>,
    /// Microseconds not covered by children, per member.
    pub(crate) self_us: Vec<i64>,
    /// What segments of each member are summed by.
    kinds: Vec<SectionKind>,
    /// Members that lie directly on the window, by start.
    top: Vec<usize>,
}

/// A section: what segments are summed by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SectionKey<'a> {
    pub(crate) service: &'a str,
    /// A span's name or a gap's phase.
    pub(crate) name: Cow<'a, str>,
    pub(crate) kind: SectionKind,
}

impl SectionKey<'_> {
    /// What equal sections of different operations have in common: the kind of service instead of its name, which a
    /// worker gets anew with every start.
    pub(crate) fn comparable<'k>(&'k self, playbook: &'k Playbook) -> ComparableKey<'k> {
        (playbook.service_kind(self.service), &self.name, self.kind)
    }
}

/// Kind of service, span name or phase, kind of section.
pub(crate) type ComparableKey<'k> = (&'k str, &'k str, SectionKind);

/// A stretch of the path that belongs to one span, one network edge or one gap.
#[derive(Clone, Debug)]
pub(crate) struct Segment<'a> {
    /// Position in [`OperationSpans::members`]; `None` for a gap.
    pub(crate) member: Option<usize>,
    pub(crate) key: SectionKey<'a>,
    pub(crate) start: Time,
    pub(crate) end: Time,
}

impl Segment<'_> {
    pub(crate) fn length(&self) -> Micros {
        self.end - self.start
    }
}

/// All segments of one service, name and kind.
#[derive(Clone, Debug)]
pub(crate) struct SectionSum<'a> {
    pub(crate) key: SectionKey<'a>,
    pub(crate) total: Micros,
    /// The member with the largest segment; `None` for a gap.
    pub(crate) largest: Option<usize>,
    /// Members whose segments are part of it; empty for a gap.
    pub(crate) members: Vec<usize>,
    /// How many spans or gaps it is made of.
    pub(crate) runs: usize,
    largest_segment: Micros,
}

impl<'a> Path<'a> {
    /// Where most of the time went.
    pub(crate) fn bottleneck(&self) -> Option<&SectionSum<'a>> {
        self.sums.get(self.largest_sum?)
    }

    /// What segments of a member's own time are summed by.
    pub(crate) fn key_of(&self, operation: &OperationSpans<'a, '_>, member: usize) -> Option<SectionKey<'a>> {
        let (span, kind) = (operation.members.get(member)?.span, *self.kinds.get(member)?);
        Some(SectionKey { service: span.service(), name: Cow::Borrowed(span.name()), kind })
    }

    /// The last member lying on the window at a time: what a gap from there comes after.
    pub(crate) fn last_top<'c, 'p>(
        &self,
        operation: &'c OperationSpans<'a, 'p>,
        at: Time,
    ) -> Option<&'c Member<'a, 'p>> {
        let behind = self.top.partition_point(|ix| starts_by(operation, *ix, at));
        behind.checked_sub(1).and_then(|last| operation.members.get(*self.top.get(last)?))
    }

    /// The name of a gap in the playbook: by the last member lying on the window before it, else by the message that the
    /// span behind it took, or that nobody has taken yet.
    pub(crate) fn phase<'p>(
        &self,
        operation: &OperationSpans<'a, 'p>,
        operation_type: &str,
        (at, behind): (Time, Option<&Member<'a, 'p>>),
    ) -> Option<&'p str> {
        let named = |member: &Member<'a, '_>| (member.span.name(), member.span.kind());
        let last = self.last_top(operation, at);
        let message = match behind {
            Some(behind) => sender(operation, behind),
            None => last_message(operation, at)
                .filter(|sent| last.is_none_or(|last| sent.span.start() >= last.span.start())),
        };
        let by = |after: Option<&Member<'a, 'p>>| {
            operation.playbook.phase(operation_type, after.map(named), behind.map(named))
        };
        match message {
            Some(message) if behind.is_none() => by(Some(message)).or_else(|| by(last)),
            Some(message) => by(last).or_else(|| by(Some(message))),
            None => by(last),
        }
    }

    fn next_top<'c, 'p>(&self, operation: &'c OperationSpans<'a, 'p>, at: Time) -> Option<&'c Member<'a, 'p>> {
        let behind = self.top.partition_point(|ix| starts_by(operation, *ix, at - Micros(1)));
        operation.members.get(*self.top.get(behind)?)
    }
}

fn starts_by(operation: &OperationSpans<'_, '_>, member: usize, at: Time) -> bool {
    operation.members.get(member).is_some_and(|m| m.span.start() <= at)
}

/// The span that sent the message that a consumer took, in this trace or in one that it links to.
fn sender<'c, 'a, 'p>(operation: &'c OperationSpans<'a, 'p>, consumer: &Member<'a, 'p>) -> Option<&'c Member<'a, 'p>> {
    if consumer.span.kind() != SpanKind::Consumer {
        return None;
    }
    let named = consumer.span.parent().map(|parent| parent.span);
    let linked = |id: SpanId| named == Some(id) || consumer.span.links().iter().any(|link| link.span == id);
    operation.members.iter().find(|m| m.span.kind() == SpanKind::Producer && linked(m.span.id()))
}

/// The last message sent by a time.
fn last_message<'c, 'a, 'p>(operation: &'c OperationSpans<'a, 'p>, at: Time) -> Option<&'c Member<'a, 'p>> {
    let by = operation.members.partition_point(|m| m.span.start() <= at);
    operation.members.get(..by)?.iter().rev().find(|m| m.span.kind() == SpanKind::Producer)
}

/// Lays the operation's spans on its window and divides it by the path rules.
pub(crate) fn path<'a>(
    operation: &OperationSpans<'a, '_>,
    waiting: &Waiting,
    window: Window,
    operation_type: &str,
) -> Path<'a> {
    let mut forest = Forest::with_capacity(operation.members.len());
    for member in &operation.members {
        forest.add(member.span.start(), member.span.end(), member.span.id());
    }
    let parents = &waiting.parents;
    forest.connect(parents.iter().enumerate().filter_map(|(ix, p)| Some((Node((*p)? as u32), Node(ix as u32)))));
    let around = |ix: usize| waiting.around.get(ix).copied().unwrap_or(false);
    let top: Vec<usize> =
        parents.iter().enumerate().filter(|(ix, p)| p.is_none() && !around(*ix)).map(|(ix, _)| ix).collect();
    let nodes: Vec<Node> = top.iter().map(|ix| Node(*ix as u32)).collect();
    let stretches = forest.path_over(&nodes, window.start, window.until);
    let mut path = Path {
        segments: Vec::with_capacity(stretches.len()),
        sums: Vec::new(),
        largest_sum: None,
        on_path_us: vec![0; operation.members.len()],
        self_us: (0..operation.members.len()).map(|ix| forest.self_time(Node(ix as u32))).collect(),
        kinds: operation.members.iter().map(|member| kind(operation, member)).collect(),
        top,
    };
    for stretch in stretches {
        let segment = segment(operation, &path, stretch, operation_type);
        if let Some(sum) = segment.member.and_then(|ix| path.on_path_us.get_mut(ix)) {
            *sum += segment.length().0;
        }
        path.segments.push(segment);
    }
    path.sums = sums(&path.segments);
    let ranked = path.sums.iter().enumerate();
    path.largest_sum = ranked.max_by_key(|(order, sum)| (sum.total, Reverse(*order))).map(|(order, _)| order);
    path
}

/// Time of a call that its callee in another service does not cover belongs to the network between them.
fn kind(operation: &OperationSpans<'_, '_>, member: &Member<'_, '_>) -> SectionKind {
    let network = member.span.kind() == SpanKind::Client && operation.scan(member).callee(member.span).is_some();
    if network { SectionKind::Network } else { SectionKind::Span }
}

fn segment<'a>(
    operation: &OperationSpans<'a, '_>,
    path: &Path<'a>,
    stretch: ForestSegment,
    operation_type: &str,
) -> Segment<'a> {
    let (start, end) = (stretch.start, stretch.end);
    let member = stretch.owner.map(|node| node.0 as usize);
    if let Some(key) = member.and_then(|member| path.key_of(operation, member)) {
        return Segment { member, key, start, end };
    }
    let (after, before) = (path.last_top(operation, start), path.next_top(operation, end));
    let name = path.phase(operation, operation_type, (start, before)).map_or_else(
        || {
            let (after, before) = (after.map(|m| m.span.name()), before.map(|m| m.span.name()));
            format!("{} → {}", after.unwrap_or("start"), before.unwrap_or("(no end yet)"))
        },
        str::to_owned,
    );
    let service = after.or(before).map(|m| m.span.service()).unwrap_or_default();
    let key = SectionKey { service, name: Cow::Owned(name), kind: SectionKind::Gap };
    Segment { member: None, key, start, end }
}

fn sums<'a>(segments: &[Segment<'a>]) -> Vec<SectionSum<'a>> {
    let mut sums: Vec<SectionSum<'a>> = Vec::new();
    let mut places: HashMap<&SectionKey<'a>, usize> = HashMap::new();
    for segment in segments {
        let place = *places.entry(&segment.key).or_insert_with(|| {
            sums.push(SectionSum::of_nothing(segment.key.clone()));
            sums.len() - 1
        });
        if let Some(sum) = sums.get_mut(place) {
            sum.add(segment);
        }
    }
    for sum in sums.iter_mut().filter(|sum| !sum.members.is_empty()) {
        // A span has several segments when it waits for a child in between.
        sum.members.sort_unstable();
        sum.members.dedup();
        sum.runs = sum.members.len();
    }
    sums
}

impl<'a> SectionSum<'a> {
    fn of_nothing(key: SectionKey<'a>) -> Self {
        let zero = Micros(0);
        Self { key, total: zero, largest: None, members: Vec::new(), runs: 0, largest_segment: zero }
    }

    fn add(&mut self, segment: &Segment<'a>) {
        self.total += segment.length();
        self.runs += 1;
        self.members.extend(segment.member);
        if segment.length() > self.largest_segment {
            (self.largest_segment, self.largest) = (segment.length(), segment.member);
        }
    }
}
