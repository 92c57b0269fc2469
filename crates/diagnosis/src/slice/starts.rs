//! Starts whose trace carries no id, the retries of one command together.

use hashbrown::{HashMap, HashSet};

use super::{
    operation_spans::{MAX_ANCESTORS, OperationSpans},
    owners::Owners,
};
use crate::{
    playbook::{Playbook, RouteRole, SpanRole},
    read::{request::Request, scan::Scan},
};
use trace::{SpanId, SpanIx, SpanKind, SpanRef, Time};

/// Who asks: the command above, else whatever is on top; a missing parent counts by its id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Initiator {
    Span(SpanIx),
    Missing(SpanId),
}

/// Starts of one type by one initiator are tries of one start.
type Key<'p> = (Initiator, Option<&'p str>);

/// A start that belongs to no operation yet.
struct UnassignedStart<'a, 'p> {
    span: SpanRef<'a>,
    key: Key<'p>,
    refused: bool,
}

/// An operation in the trace whose start request is missing.
#[derive(Clone, Copy)]
struct OrphanOperation {
    owner: u32,
    start: Time,
}

/// The ancestors of each span of a trace that matter here, found in one pass from the roots down.
struct Ancestors {
    roots: Vec<SpanIx>,
    /// The nearest command.
    commands: Vec<Option<SpanIx>>,
    /// The operation that the nearest command with an id says it started.
    named: Vec<Option<u32>>,
}

impl Ancestors {
    fn new(scan: &Scan<'_, '_>) -> Self {
        let all = scan.trace.len();
        let mut ancestors = Self { roots: Vec::new(), commands: vec![None; all], named: vec![None; all] };
        ancestors.roots.extend(scan.trace.spans().map(SpanRef::ix));
        for ix in scan.top_down() {
            let Some(parent) = scan.tree.parent(ix) else { continue };
            let span_class = scan.span_class(parent);
            let is_command = span_class.is(SpanRole::Wrapper);
            let command = if is_command { Some(parent) } else { ancestors.command(parent) };
            let named = span_class.operation.filter(|_| is_command).or_else(|| ancestors.named(parent));
            let root = ancestors.root(parent);
            set(&mut ancestors.commands, ix, command);
            set(&mut ancestors.named, ix, named);
            set(&mut ancestors.roots, ix, root);
        }
        ancestors
    }

    fn root(&self, of: SpanIx) -> SpanIx {
        self.roots.get(of.index()).copied().unwrap_or(of)
    }

    fn command(&self, of: SpanIx) -> Option<SpanIx> {
        self.commands.get(of.index()).copied().flatten()
    }

    fn named(&self, of: SpanIx) -> Option<u32> {
        self.named.get(of.index()).copied().flatten()
    }

    /// Who asks: the command above, else whatever is on top.
    fn initiator(&self, scan: &Scan<'_, '_>, of: SpanIx) -> Initiator {
        if let Some(command) = self.command(of) {
            return Initiator::Span(command);
        }
        let root = self.root(of);
        let named = scan.trace.span(root).filter(|root| scan.tree.is_orphan(root.ix())).and_then(SpanRef::parent);
        named.map_or(Initiator::Span(root), |parent| Initiator::Missing(parent.span))
    }
}

fn set<T>(list: &mut [T], ix: SpanIx, value: T) {
    if let Some(slot) = list.get_mut(ix.index()) {
        *slot = value;
    }
}

/// Operations without a start by start time: all of them, and those of each type.
#[derive(Default)]
struct OrphansByType {
    all: Vec<OrphanOperation>,
    of_type: HashMap<Option<String>, Vec<OrphanOperation>>,
}

impl OrphansByType {
    /// The first that began between two times and may be of this type; an operation whose id does not say its type may be of any.
    fn first_between(&self, from: Time, to: Time, operation_type: Option<&str>) -> Option<u32> {
        let first = |list: &[OrphanOperation]| {
            let found = list.get(list.partition_point(|h| h.start < from)).copied();
            found.filter(|h| h.start <= to)
        };
        let Some(wanted) = operation_type else { return first(&self.all).map(|h| h.owner) };
        let of_type = |key: Option<String>| self.of_type.get(&key).and_then(|list| first(list));
        let fitting = [of_type(Some(wanted.to_owned())), of_type(None)];
        fitting.into_iter().flatten().min_by_key(|h| (h.start, h.owner)).map(|h| h.owner)
    }
}

/// Start requests without id. Where the same command's start was accepted later, they are that operation's refused
/// attempts; where an operation without a start begins within an accepted request, they are its start.
pub(crate) fn without_id<'a, 'p>(
    scans: &'a [Scan<'a, 'p>],
    at: usize,
    owners: &Owners,
    operations: &mut [OperationSpans<'a, 'p>],
    playbook: &'p Playbook,
) -> Vec<OperationSpans<'a, 'p>> {
    let Some(scan) = scans.get(at) else { return Vec::new() };
    let ancestors = std::cell::LazyCell::new(|| Ancestors::new(scan));
    // By start, as the spans are.
    let mut accepted: HashMap<Key<'p>, Vec<(Time, u32)>> = HashMap::new();
    let mut open: Vec<UnassignedStart<'a, 'p>> = Vec::new();
    for span in scan.trace.spans() {
        let ix = span.ix();
        let Some(hit) = scan.span_class(ix).route.filter(|hit| hit.role == RouteRole::Start) else { continue };
        let asks = match span.kind() {
            SpanKind::Server => true,
            SpanKind::Client => scan.callee(span).is_none(),
            _ => false,
        };
        if !asks || scan.span_class(ix).folded {
            continue;
        }
        let key = (ancestors.initiator(scan, ix), hit.operation_type);
        if let Some(owner) = owners.get(ix.index()).copied().flatten() {
            accepted.entry(key).or_default().push((span.start(), owner));
        } else {
            let answer = Request::of(span, &scan.vocabulary).unwrap_or_default();
            let refused = answer.refused() || answer.status.is_none() && span.is_error();
            open.push(UnassignedStart { span, key, refused });
        }
    }
    if open.is_empty() {
        return Vec::new();
    }
    let orphans = orphans(scan, owners, &ancestors, operations);
    let skew = playbook.thresholds().clock_skew;
    let mut adding = Adding { scan, at, owners, known: HashMap::new(), given: HashMap::new() };
    let mut groups: Vec<OperationSpans<'a, 'p>> = Vec::new();
    let mut group_of: HashMap<Key<'p>, usize> = HashMap::new();
    for start in open {
        let later = accepted
            .get(&start.key)
            .and_then(|all| all.get(all.partition_point(|(when, _)| *when < start.span.start())));
        if let Some((_, owner)) = later.filter(|_| start.refused)
            && let Some(operation) = operations.get_mut(*owner as usize)
        {
            operation.refused_starts += 1;
            adding.add(start.span.ix(), Taker::Operation(*owner), operation, true);
            continue;
        }
        let owner = ancestors.named(start.span.ix()).or_else(|| {
            // A worker's part may begin outside the request that asked for it: clocks differ.
            let (from, to) = (start.span.start() - skew, start.span.end() + skew);
            if start.refused { None } else { orphans.first_between(from, to, start.key.1) }
        });
        if let Some((owner, operation)) = owner.and_then(|owner| Some((owner, operations.get_mut(owner as usize)?))) {
            operation.route_type = operation.route_type.or(start.key.1);
            let above = start.span.kind() == SpanKind::Client && !operation.members.is_empty();
            adding.add(start.span.ix(), Taker::Operation(owner), operation, above);
            continue;
        }
        let place = *group_of.entry(start.key).or_insert_with(|| {
            groups.push(OperationSpans::new(None, scans, playbook));
            groups.len() - 1
        });
        if let Some(operation) = groups.get_mut(place) {
            operation.start_requests += 1;
            operation.route_type = start.key.1;
            adding.add(start.span.ix(), Taker::Group(place), operation, false);
        }
    }
    groups
}

/// Operations here whose first span names a parent that is missing, and that have no start request.
fn orphans(
    scan: &Scan<'_, '_>,
    owners: &Owners,
    ancestors: &Ancestors,
    operations: &[OperationSpans<'_, '_>],
) -> OrphansByType {
    let mut first: HashMap<u32, (SpanIx, bool)> = HashMap::new();
    for span in scan.trace.spans() {
        let Some(owner) = owners.get(span.ix().index()).copied().flatten() else { continue };
        let (_, begun) = first.entry(owner).or_insert((span.ix(), false));
        *begun |= scan.span_class(span.ix()).route_is(RouteRole::Start);
    }
    let mut found = OrphansByType::default();
    for (owner, (ix, _)) in first.into_iter().filter(|(_, (_, begun))| !begun) {
        if let Some(span) = scan.trace.span(ix).filter(|_| scan.tree.is_orphan(ancestors.root(ix))) {
            found.all.push(OrphanOperation { owner, start: span.start() });
        }
    }
    found.all.sort_by_key(|h| (h.start, h.owner));
    for orphan in &found.all {
        let operation = operations.get(orphan.owner as usize);
        let own = operation.and_then(|operation| operation.playbook.type_in_id(operation.id?));
        found.of_type.entry(own).or_default().push(*orphan);
    }
    found
}

/// What takes the spans of a start.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Taker {
    Operation(u32),
    /// A start without id, by its position among those of the trace.
    Group(usize),
}

/// Puts the spans of starts into operations, each once.
struct Adding<'s, 'a, 'p> {
    scan: &'a Scan<'a, 'p>,
    at: usize,
    owners: &'s Owners,
    /// Spans of the context in this trace that each has already.
    known: HashMap<Taker, HashSet<SpanIx>>,
    /// Spans at and below starts that each was given: a start below another one comes with it.
    given: HashMap<Taker, HashSet<SpanIx>>,
}

impl<'a, 'p> Adding<'_, 'a, 'p> {
    /// Adds what is at and below a start, and the command above it as context.
    fn add(&mut self, root: SpanIx, taker: Taker, operation: &mut OperationSpans<'a, 'p>, as_context: bool) {
        let (scan, at) = (self.scan, self.at);
        // Traces are looked at one after the other, so what is of this one comes last.
        let here = || operation.context.iter().rev().take_while(|m| m.scan == at).map(|m| m.span.ix());
        let known = self.known.entry(taker).or_insert_with(|| here().collect());
        let given = self.given.entry(taker).or_default();
        let mut last: Option<usize> = None;
        let mut stack = vec![root];
        while let Some(ix) = stack.pop() {
            if !given.insert(ix) {
                continue;
            }
            stack.extend(scan.tree.children(ix).iter().rev());
            if self.owners.get(ix.index()).copied().flatten().is_some() {
                continue;
            }
            if scan.span_class(ix).folded {
                if let Some(member) = last.and_then(|last| operation.members.get_mut(last)) {
                    member.folded += 1;
                }
                continue;
            }
            let member = operation.member(at, ix);
            if !as_context {
                operation.members.extend(member);
                last = operation.members.len().checked_sub(1);
            } else if known.insert(ix) {
                operation.context.extend(member);
            }
        }
        for above in scan.tree.ancestors(root).take(MAX_ANCESTORS) {
            if scan.span_class(above).is(SpanRole::Coordinator) || !known.insert(above) {
                break;
            }
            operation.context.extend(operation.member(at, above));
        }
    }
}
