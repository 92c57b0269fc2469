//! Cuts a trace into operations: for every span the operation it belongs to.
//!
//! Spans that carry an operation's id are its *anchors*. An operation owns the tree below the topmost span that its
//! anchors lead up to (its start request, else what is below the command, the coordinator or another operation), except
//! what belongs to another operation there. Each span is visited a fixed number of times, however deep the trace is.

use hashbrown::{HashMap, HashSet};

use crate::{
    playbook::{RouteRole, SpanRole},
    read::scan::Scan,
};
use trace::{SpanIx, SpanKind};

/// For every span the operation it belongs to.
pub(crate) type Owners = Vec<Option<u32>>;

pub(crate) fn slice(scan: &Scan<'_, '_>) -> Owners {
    let mut owners: Owners = vec![None; scan.trace.len()];
    let anchors: Vec<(SpanIx, u32)> =
        scan.trace.spans().filter_map(|span| Some((span.ix(), anchor_of(scan, span.ix())?))).collect();
    if anchors.is_empty() {
        return owners;
    }
    let paths = AncestorPaths::new(scan);
    let mut roots: HashMap<SpanIx, HashSet<u32>> = HashMap::new();
    for (anchor, operation) in &anchors {
        roots.entry(paths.operation_root(*anchor)).or_default().insert(*operation);
    }
    // A root to which the paths of several operations lead (one request that cancels many) belongs to the one registered below it.
    let registered = std::cell::LazyCell::new(|| registered_below(scan));
    let root_of: HashMap<SpanIx, u32> = roots
        .iter()
        .filter_map(|(root, operations)| {
            let only = operations.iter().next().copied().filter(|_| operations.len() == 1);
            let one = only.or_else(|| match registered.get(root.index()) {
                Some(Registered::One(operation)) => Some(*operation),
                _ => None,
            });
            Some((*root, one?))
        })
        .collect();
    for ix in scan.top_down() {
        let span_class = scan.span_class(ix);
        let above = scan.tree.parent(ix).and_then(|parent| owners.get(parent.index()).copied().flatten());
        let own = root_of.get(&ix).copied().or_else(|| anchor_of(scan, ix)).or(above);
        if let Some(slot) = owners.get_mut(ix.index()) {
            *slot = if span_class.folded { above } else { own };
        }
    }
    owners
}

/// The operation whose work a span shows. Coordinators and commands do not count: a coordinator carries the id of the
/// operation that it served last, and a command only mentions what it requested.
fn anchor_of(scan: &Scan<'_, '_>, ix: SpanIx) -> Option<u32> {
    let span_class = scan.span_class(ix);
    let carrier = span_class.is(SpanRole::Coordinator) || span_class.is(SpanRole::Wrapper);
    if carrier { None } else { span_class.operation }
}

fn is_start(scan: &Scan<'_, '_>, ix: SpanIx) -> bool {
    let server = scan.trace.span(ix).is_some_and(|span| span.kind() == SpanKind::Server);
    server && scan.span_class(ix).route_is(RouteRole::Start)
}

/// Where the path from a span to its ancestors leads. It is computed from the roots down, so the paths of the ancestors are
/// always known.
#[derive(Clone, Copy)]
struct AncestorPath {
    /// The topmost span that can be reached over spans without an operation's id.
    top: SpanIx,
    /// The parent of `top`, if it carries the id of an operation. The path continues if it is the same operation.
    next: Option<SpanIx>,
    /// For a span that carries an id: the topmost span that belongs to its operation.
    own: SpanIx,
}

struct AncestorPaths(Vec<AncestorPath>);

impl AncestorPaths {
    fn new(scan: &Scan<'_, '_>) -> Self {
        let mut paths = Self(scan.trace.spans().map(|span| AncestorPath::ending_at(span.ix())).collect());
        for ix in scan.top_down() {
            let path = paths.path_above(scan, ix);
            if let Some(slot) = paths.0.get_mut(ix.index()) {
                *slot = path;
            }
        }
        paths
    }

    /// The topmost span that belongs to an anchor's operation: its start request, else what is below the command, the
    /// coordinator or another operation.
    fn operation_root(&self, anchor: SpanIx) -> SpanIx {
        self.at(anchor).own
    }

    fn at(&self, ix: SpanIx) -> AncestorPath {
        self.0.get(ix.index()).copied().unwrap_or(AncestorPath::ending_at(ix))
    }

    fn path_above(&self, scan: &Scan<'_, '_>, ix: SpanIx) -> AncestorPath {
        let here = AncestorPath::ending_at(ix);
        let Some(above) = scan.tree.parent(ix).filter(|_| !is_start(scan, ix)) else { return here };
        let span_class = scan.span_class(above);
        if span_class.is(SpanRole::Wrapper) || span_class.is(SpanRole::Coordinator) || span_class.folded {
            return here;
        }
        let AncestorPath { top, next, .. } = match span_class.operation {
            Some(_) => AncestorPath { next: Some(above), ..here },
            None => self.at(above),
        };
        let same = next.filter(|next| scan.span_class(*next).operation == scan.span_class(ix).operation);
        AncestorPath { top, next, own: same.map_or(top, |next| self.at(next).own) }
    }
}

impl AncestorPath {
    fn ending_at(ix: SpanIx) -> Self {
        Self { top: ix, next: None, own: ix }
    }
}

/// The operations that are registered at and below a span.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Registered {
    None,
    One(u32),
    Several,
}

impl Registered {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, one) | (one, Self::None) => one,
            (one, other) if one == other => one,
            _ => Self::Several,
        }
    }
}

fn registered_below(scan: &Scan<'_, '_>) -> Vec<Registered> {
    let mut registered: Vec<Registered> = scan
        .trace
        .spans()
        .map(|span| {
            let span_class = scan.span_class(span.ix());
            match span_class.operation {
                _ if !span_class.is(SpanRole::Register) => Registered::None,
                Some(operation) => Registered::One(operation),
                // An operation whose id is not known, so it may be another one.
                None => Registered::Several,
            }
        })
        .collect();
    let order: Vec<SpanIx> = scan.top_down().collect();
    for ix in order.into_iter().rev() {
        let below = registered.get(ix.index()).copied();
        let above = scan.tree.parent(ix).and_then(|parent| registered.get_mut(parent.index()));
        if let (Some(below), Some(above)) = (below, above) {
            *above = above.and(below);
        }
    }
    registered
}
