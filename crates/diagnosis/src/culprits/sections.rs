//! Divides a request's time among the places that it passed.
//!
//! A request's time is that of its root along the critical path, and after it the time until the last work that it
//! caused in the background has ended. What nobody worked in between is a gap.

use hashbrown::HashMap;

use super::{Place, Section, observe::Observer, timing::SpanTiming};
use crate::SectionKind;
use trace::{ForestSegment, Micros, Node, SpanId, SpanIx, SpanRef, Time};

impl<'t> Observer<'t> {
    /// The request's time by place, and its sum.
    pub(super) fn sections(&self, root: SpanRef<'t>, spans: &[SpanRef<'t>]) -> (Vec<Section>, Micros) {
        let mut sections = Sections::default();
        // Where each span's own time goes.
        let mut owners: HashMap<SpanIx, Owner> = HashMap::with_capacity(spans.len());
        for span in spans {
            let Some(timing) = self.timing.of(span.ix()) else { continue };
            let owner = if timing.is_call {
                let waiting = self.trace.span(timing.entry).map(|entry| self.place(entry));
                Owner::Callees(self.callees(*span, waiting.as_ref(), &mut sections))
            } else {
                let at = sections.entry(SectionKind::Span, self.place(*span));
                sections.pass(at, Some(span.id()), None);
                Owner::Itself(at)
            };
            owners.insert(span.ix(), owner);
        }
        let Some(own) = self.timing.of(root.ix()) else { return (sections.list, Micros(0)) };
        let (path, end) = self.path(root, own, spans);
        for (stretch, next) in path.iter().zip(path.iter().skip(1).map(Some).chain([None])) {
            let time = stretch.end - stretch.start;
            let Some(owner) = stretch.owner.map(SpanIx::from) else {
                let place = next.and_then(|next| self.gap(next.owner?.into()));
                if let Some(place) = place {
                    let at = sections.entry(SectionKind::Gap, place);
                    sections.pass(at, None, None);
                    sections.add(at, time, None);
                }
                continue;
            };
            let span_id = self.trace.span(owner).map(SpanRef::id);
            match owners.get(&owner) {
                Some(Owner::Itself(at)) => sections.add(*at, time, span_id),
                Some(Owner::Callees(callees)) => {
                    for (callee, part) in callees.divide(stretch.start, stretch.end) {
                        sections.add(callee.section, part, Some(callee.span));
                    }
                }
                None => {}
            }
        }
        (sections.list, end - own.start)
    }

    /// The critical path: the root's own interval, then the background work that goes on beyond it.
    fn path(&self, root: SpanRef<'t>, own: &SpanTiming, spans: &[SpanRef<'t>]) -> (Vec<ForestSegment>, Time) {
        let mut path = self.timing.forest.path_below(root.ix().into());
        let timed = spans.iter().filter_map(|span| Some((span.ix(), self.timing.of(span.ix())?)));
        let detached: Vec<(SpanIx, Time)> = timed
            .filter(|(ix, timing)| timing.is_detached && timing.start < timing.end && *ix != root.ix())
            .map(|(ix, timing)| (ix, timing.end))
            .collect();
        let end = detached.iter().map(|(_, end)| *end).max().unwrap_or(own.end).max(own.end);
        let nodes: Vec<Node> = detached.iter().map(|(ix, _)| Node::from(*ix)).collect();
        path.extend(self.timing.forest.path_over(&nodes, own.end, end));
        (path, end)
    }

    /// The gap before background work to which the span `next` belongs.
    fn gap(&self, next: SpanIx) -> Option<Place> {
        let is_detached = |ix: &SpanIx| self.timing.of(*ix).is_some_and(|timing| timing.is_detached);
        let work = std::iter::once(next).chain(self.tree.ancestors(next)).find(is_detached)?;
        let before = self.trace.span(self.tree.parent(work)?)?;
        let after = self.trace.span(work)?;
        let caller = (before.service_id() != after.service_id()).then(|| self.service(before).into_owned());
        let span = format!("{} → {}", before.name(), after.name());
        Some(Place { service: self.service(after).into_owned(), caller, span })
    }

    fn callees(&self, call: SpanRef<'t>, waiting: Option<&Place>, sections: &mut Sections) -> Callees {
        let remote = |ix: &&SpanIx| self.timing.of(**ix).is_some_and(|t| t.is_remote && !t.is_detached);
        let mut callees = Callees::default();
        for ix in self.tree.children(call.ix()).iter().filter(remote) {
            let (Some(span), Some(timing)) = (self.trace.span(*ix), self.timing.of(*ix)) else { continue };
            let section = sections.entry(SectionKind::Network, self.place(span));
            sections.pass(section, Some(span.id()), waiting);
            let callee = Callee { span: span.id(), section };
            callees.by_start.push((timing.start, callee));
            callees.by_end.push((timing.end, callee));
        }
        callees.by_start.sort_unstable();
        callees.by_end.sort_unstable();
        callees
    }
}

/// The sections of one request while they are collected.
#[derive(Default)]
struct Sections {
    list: Vec<Section>,
    positions: HashMap<(SectionKind, Place), usize>,
    /// Per section the most time of one span.
    longest: Vec<Micros>,
}

impl Sections {
    fn entry(&mut self, kind: SectionKind, place: Place) -> usize {
        let (list, longest) = (&mut self.list, &mut self.longest);
        *self.positions.entry((kind, place)).or_insert_with_key(|(kind, place)| {
            let (kind, place) = (*kind, place.clone());
            list.push(Section { kind, place, calls: 0, time: Micros(0), span_id: None, waiting: None });
            longest.push(Micros(0));
            list.len() - 1
        })
    }

    fn pass(&mut self, at: usize, span: Option<SpanId>, waiting: Option<&Place>) {
        if let Some(section) = self.list.get_mut(at) {
            section.calls += 1;
            section.span_id = section.span_id.or(span);
            if section.waiting.is_none() {
                section.waiting = waiting.cloned();
            }
        }
    }

    fn add(&mut self, at: usize, time: Micros, span: Option<SpanId>) {
        if let (Some(section), Some(longest)) = (self.list.get_mut(at), self.longest.get_mut(at)) {
            section.time += time;
            if time > *longest {
                (*longest, section.span_id) = (time, span);
            }
        }
    }
}

/// Who a span's own time belongs to.
enum Owner {
    /// Position of its own section.
    Itself(usize),
    Callees(Callees),
}

/// The services that a call waited for, by the time they began and by the time they ended.
#[derive(Default)]
struct Callees {
    by_start: Vec<(Time, Callee)>,
    by_end: Vec<(Time, Callee)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Callee {
    span: SpanId,
    /// Position of its section.
    section: usize,
}

impl Callees {
    /// Divides a stretch of the call's time: it belongs to the callee before it or the callee after it, or half to each.
    fn divide(&self, start: Time, end: Time) -> Vec<(Callee, Micros)> {
        let before = self.by_end.partition_point(|(callee_end, _)| *callee_end <= start);
        let before = before.checked_sub(1).and_then(|at| self.by_end.get(at)).map(|(_, callee)| *callee);
        let after = self.by_start.partition_point(|(callee_start, _)| *callee_start < end);
        let after = self.by_start.get(after).map(|(_, callee)| *callee);
        let time = end - start;
        match (before, after) {
            (Some(before), Some(after)) => {
                let half = Micros(time.0 / 2);
                vec![(before, half), (after, Micros(time.0 - half.0))]
            }
            (Some(callee), None) | (None, Some(callee)) => vec![(callee, time)],
            // The callees overlap the stretch: the first of them.
            (None, None) => self.by_start.first().map(|(_, callee)| (*callee, time)).into_iter().collect(),
        }
    }
}
