//! Makes [`RequestProfile`]s from traces.
//!
//! A request's time is that of its root along the critical path, and after it the time until the last work that it
//! caused in the background has ended. What nobody worked in between is a gap.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use super::{
    Children, Place, RequestProfile, Section, Visit,
    timing::{SpanTiming, Timing},
};
use crate::{
    diagnosis::SectionKind,
    trace::{Micros, Node, Remark, SpanId, SpanIx, SpanRef, Stretch, Time, Trace, Tree},
};

/// The requests of a trace: one per root, of the type `<service>: <span name>`. A span whose parent is missing is a root.
#[must_use]
pub fn profiles(trace: &Trace) -> Vec<RequestProfile> {
    let tree = Tree::new(trace);
    let observer = Observer::new(trace, &tree);
    let roots = tree.roots().iter().filter_map(|ix| trace.span(*ix));
    roots.map(|root| observer.profile(root, format!("{}: {}", root.service(), root.name()))).collect()
}

/// The profile of the request that begins with the span `root`.
///
/// Returns `None` when the trace has no such span.
#[must_use]
pub fn observe(trace: &Trace, tree: &Tree, root: SpanIx, operation_type: String) -> Option<RequestProfile> {
    Some(Observer::new(trace, tree).profile(trace.span(root)?, operation_type))
}

struct Observer<'t> {
    trace: &'t Trace,
    tree: &'t Tree,
    timing: Timing,
    /// Spans with an error, or with a descendant that has one.
    failed: Vec<bool>,
    /// Whether a missing child means that it did not happen.
    is_complete: bool,
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

impl<'t> Observer<'t> {
    fn new(trace: &'t Trace, tree: &'t Tree) -> Self {
        let mut failed: Vec<bool> = trace.spans().map(SpanRef::is_error).collect();
        for root in tree.roots() {
            let below: Vec<SpanIx> = tree.descendants(*root).collect();
            for ix in below.into_iter().rev() {
                let is_failed = failed.get(ix.index()).copied().unwrap_or(false);
                let parent = tree.parent(ix).filter(|_| is_failed);
                if let Some(above) = parent.and_then(|parent| failed.get_mut(parent.index())) {
                    *above = true;
                }
            }
        }
        let lacks_spans = tree.remarks().iter().any(|remark| matches!(remark, Remark::MissingParents(_)));
        let is_complete = trace.partial().is_none() && !lacks_spans;
        Self { trace, tree, timing: Timing::new(trace, tree), failed, is_complete }
    }

    fn profile(&self, root: SpanRef<'t>, operation_type: String) -> RequestProfile {
        let spans: Vec<SpanRef<'t>> = self.tree.descendants(root.ix()).filter_map(|ix| self.trace.span(ix)).collect();
        let (sections, duration) = self.sections(root, &spans);
        RequestProfile {
            operation_type,
            trace_id: self.trace.id(),
            start: root.start(),
            duration,
            sections,
            visits: self.visits(&spans),
        }
    }

    fn place(&self, span: SpanRef<'t>) -> Place {
        let is_remote = self.timing.of(span.ix()).is_some_and(|timing| timing.is_remote);
        let parent = self.tree.parent(span.ix()).and_then(|ix| self.trace.span(ix)).filter(|_| is_remote);
        Place {
            service: span.service().to_owned(),
            caller: parent.map(|parent| parent.service().to_owned()),
            span: span.name().to_owned(),
        }
    }

    /// The request's time by place, and its sum.
    fn sections(&self, root: SpanRef<'t>, spans: &[SpanRef<'t>]) -> (Vec<Section>, Micros) {
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
            let Some(owner) = stretch.owner.map(|node| SpanIx(node.0)) else {
                let place = next.and_then(|next| self.gap(SpanIx(next.owner?.0)));
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
    fn path(&self, root: SpanRef<'t>, own: &SpanTiming, spans: &[SpanRef<'t>]) -> (Vec<Stretch>, Time) {
        let mut path = self.timing.forest.path_below(Node(root.ix().0));
        let timed = spans.iter().filter_map(|span| Some((span.ix(), self.timing.of(span.ix())?)));
        let detached: Vec<(SpanIx, Time)> = timed
            .filter(|(ix, timing)| timing.is_detached && timing.start < timing.end && *ix != root.ix())
            .map(|(ix, timing)| (ix, timing.end))
            .collect();
        let end = detached.iter().map(|(_, end)| *end).max().unwrap_or(own.end).max(own.end);
        let nodes: Vec<Node> = detached.iter().map(|(ix, _)| Node(ix.0)).collect();
        path.extend(self.timing.forest.path_over(&nodes, own.end, end));
        (path, end)
    }

    /// The gap before background work to which the span `next` belongs.
    fn gap(&self, next: SpanIx) -> Option<Place> {
        let is_detached = |ix: &SpanIx| self.timing.of(*ix).is_some_and(|timing| timing.is_detached);
        let work = std::iter::once(next).chain(self.tree.ancestors(next)).find(is_detached)?;
        let before = self.trace.span(self.tree.parent(work)?)?;
        let after = self.trace.span(work)?;
        let caller = (before.service_id() != after.service_id()).then(|| before.service().to_owned());
        let span = format!("{} → {}", before.name(), after.name());
        Some(Place { service: after.service().to_owned(), caller, span })
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

    fn visits(&self, spans: &[SpanRef<'t>]) -> Vec<Visit> {
        let mut visits: Vec<Visit> = Vec::new();
        let mut positions: HashMap<Place, u32> = HashMap::new();
        let mut position_of: HashMap<SpanIx, u32> = HashMap::with_capacity(spans.len());
        for span in spans {
            let at = *positions.entry(self.place(*span)).or_insert_with_key(|place| {
                let within = self.tree.parent(span.ix()).and_then(|parent| position_of.get(&parent).copied());
                visits.push(Visit { place: place.clone(), within, children: None, error: None });
                visits.len() as u32 - 1
            });
            position_of.insert(span.ix(), at);
            let Some(visit) = visits.get_mut(at as usize) else { continue };
            if self.has_failed(span.ix()) {
                let children = self.tree.children(span.ix());
                if span.is_error() && !children.iter().any(|child| self.has_failed(*child)) {
                    visit.error = visit.error.or(Some(span.id()));
                }
            } else if self.is_complete {
                let kinds = self.kinds_of_children(*span);
                if visit.children.as_ref().is_none_or(|fewest| kinds.len() < fewest.kinds.len()) {
                    visit.children = Some(Children { parent: span.id(), kinds });
                }
            }
        }
        visits
    }

    fn has_failed(&self, ix: SpanIx) -> bool {
        self.failed.get(ix.index()).copied().unwrap_or(false)
    }

    fn kinds_of_children(&self, span: SpanRef<'t>) -> Vec<(String, String)> {
        let children = self.tree.children(span.ix()).iter().filter_map(|ix| self.trace.span(*ix));
        let kinds = children.map(|child| (child.service(), child.name())).collect::<BTreeSet<_>>();
        kinds.into_iter().map(|(service, name)| (service.to_owned(), name.to_owned())).collect()
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
