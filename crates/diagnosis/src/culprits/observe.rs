//! Makes [`RequestProfile`]s from traces: the places that a request passed, and what happened there.

use std::{borrow::Cow, collections::BTreeSet};

use hashbrown::HashMap;

use super::{Children, Place, RequestProfile, Visit, timing::Timing};
use crate::playbook::Playbook;
use trace::{Remark, SpanIx, SpanRef, Trace, Tree};

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

/// Like [`observe()`], with the patterns of services that the playbook knows in place of their names, which may be new
/// with every start.
pub(crate) fn observe_patterns(
    trace: &Trace,
    tree: &Tree,
    root: SpanIx,
    operation_type: String,
    playbook: &Playbook,
) -> Option<RequestProfile> {
    let observer = Observer { playbook: Some(playbook), ..Observer::new(trace, tree) };
    Some(observer.profile(trace.span(root)?, operation_type))
}

/// A trace with what all of its requests need to be observed.
pub(super) struct Observer<'t> {
    pub(super) trace: &'t Trace,
    pub(super) tree: &'t Tree,
    pub(super) timing: Timing,
    /// Where services have patterns of names.
    playbook: Option<&'t Playbook>,
    /// Spans with an error, or with a descendant that has one.
    failed: Vec<bool>,
    /// Whether a missing child means that it did not happen.
    is_complete: bool,
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
        Self { trace, tree, timing: Timing::new(trace, tree), playbook: None, failed, is_complete }
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

    /// The name of a span's service, or its pattern.
    pub(super) fn service(&self, span: SpanRef<'t>) -> Cow<'t, str> {
        self.playbook.map_or(Cow::Borrowed(span.service()), |playbook| playbook.service_pattern(span.service()))
    }

    /// Where a span is.
    pub(super) fn place(&self, span: SpanRef<'t>) -> Place {
        let is_remote = self.timing.of(span.ix()).is_some_and(|timing| timing.is_remote);
        let parent = self.tree.parent(span.ix()).and_then(|ix| self.trace.span(ix)).filter(|_| is_remote);
        Place {
            service: self.service(span).into_owned(),
            caller: parent.map(|parent| self.service(parent).into_owned()),
            span: span.name().to_owned(),
        }
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
        let kinds = children.map(|child| (self.service(child), child.name())).collect::<BTreeSet<_>>();
        kinds.into_iter().map(|(service, name)| (service.into_owned(), name.to_owned())).collect()
    }
}
