//! Starts whose trace carries no id, the retries of one command together.

use hashbrown::{HashMap, HashSet};

use super::{case::Case, find::Owners, http::Request, scan::Scan};
use crate::{
    playbook::{Playbook, RouteRole, SpanRole},
    trace::{Micros, SpanId, SpanIx, SpanKind, SpanRef, Time},
};

/// A worker's part may begin this much outside the request that asked for it: clocks differ.
const SKEW: Micros = Micros::from_secs(1);

/// Who asks: the command above, else whatever is on top; a missing parent counts by its id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Asker {
    Span(SpanIx),
    Missing(SpanId),
}

/// Starts of one type by one asker are tries of one start.
type Key<'p> = (Asker, Option<&'p str>);

/// A start that belongs to no operation yet.
struct Open<'a, 'p> {
    span: SpanRef<'a>,
    key: Key<'p>,
    refused: bool,
}

/// An operation in the trace whose start request is missing.
struct Headless {
    owner: u32,
    start: Time,
}

/// Start requests without id. Where the same command's start was accepted later, they are that operation's refused
/// attempts; where an operation without a start begins within an accepted request, they are its start.
pub(super) fn without_id<'a, 'p>(
    scans: &'a [Scan<'a, 'p>],
    at: usize,
    owners: &Owners,
    cases: &mut [Case<'a, 'p>],
    playbook: &'p Playbook,
) -> Vec<Case<'a, 'p>> {
    let Some(scan) = scans.get(at) else { return Vec::new() };
    let mut accepted: HashMap<Key<'p>, Vec<(Time, u32)>> = HashMap::new();
    let mut open: Vec<Open<'a, 'p>> = Vec::new();
    for span in scan.trace.spans() {
        let ix = span.ix();
        let Some(hit) = scan.sight(ix).route.filter(|hit| hit.role == RouteRole::Start) else { continue };
        let asks = match span.kind() {
            SpanKind::Server => true,
            SpanKind::Client => scan.callee(span).is_none(),
            _ => false,
        };
        if !asks || scan.sight(ix).folded {
            continue;
        }
        let key = (asker(scan, span), hit.operation_type);
        if let Some(owner) = owners.get(ix.index()).copied().flatten() {
            accepted.entry(key).or_default().push((span.start(), owner));
        } else {
            let answer = Request::of(span, &scan.lexicon).unwrap_or_default();
            let refused = answer.refused() || answer.status.is_none() && span.is_error();
            open.push(Open { span, key, refused });
        }
    }
    if open.is_empty() {
        return Vec::new();
    }
    let headless = headless(scan, owners);
    let mut adding = Adding { scan, at, owners, known: HashMap::new() };
    let mut groups: Vec<Case<'a, 'p>> = Vec::new();
    let mut group_of: HashMap<Key<'p>, usize> = HashMap::new();
    for start in open {
        let later = accepted.get(&start.key).and_then(|all| all.iter().find(|(when, _)| *when >= start.span.start()));
        if let Some((_, owner)) = later.filter(|_| start.refused)
            && let Some(case) = cases.get_mut(*owner as usize)
        {
            case.refused_starts += 1;
            adding.add(start.span.ix(), Some(*owner), case, true);
            continue;
        }
        let owner = named_by_command(scan, start.span).or_else(|| {
            let begun = headless.iter().find(|h| !start.refused && start.encloses(h) && fits(start.key.1, h, cases));
            begun.map(|h| h.owner)
        });
        if let Some((owner, case)) = owner.and_then(|owner| Some((owner, cases.get_mut(owner as usize)?))) {
            case.route_type = case.route_type.or(start.key.1);
            let above = start.span.kind() == SpanKind::Client && !case.members.is_empty();
            adding.add(start.span.ix(), Some(owner), case, above);
            continue;
        }
        let place = *group_of.entry(start.key).or_insert_with(|| {
            groups.push(Case::new(None, scans, playbook));
            groups.len() - 1
        });
        if let Some(case) = groups.get_mut(place) {
            case.start_requests += 1;
            case.route_type = start.key.1;
            adding.add(start.span.ix(), None, case, false);
        }
    }
    groups
}

impl Open<'_, '_> {
    fn encloses(&self, operation: &Headless) -> bool {
        operation.start + SKEW >= self.span.start() && operation.start <= self.span.end() + SKEW
    }
}

fn asker(scan: &Scan<'_, '_>, span: SpanRef<'_>) -> Asker {
    let mut top = span.ix();
    for above in scan.tree.ancestors(span.ix()) {
        if scan.sight(above).is(SpanRole::Wrapper) {
            return Asker::Span(above);
        }
        top = above;
    }
    let named = scan.trace.span(top).filter(|top| scan.tree.is_orphan(top.ix())).and_then(SpanRef::parent);
    named.map_or(Asker::Span(top), |parent| Asker::Missing(parent.span))
}

/// The operation that the command above says it started.
fn named_by_command(scan: &Scan<'_, '_>, span: SpanRef<'_>) -> Option<u32> {
    let commands = scan.tree.ancestors(span.ix()).map(|ix| scan.sight(ix)).filter(|s| s.is(SpanRole::Wrapper));
    commands.into_iter().find_map(|sight| sight.operation)
}

/// Operations here whose first span names a parent that is missing, and that have no start request.
fn headless(scan: &Scan<'_, '_>, owners: &Owners) -> Vec<Headless> {
    let mut first: HashMap<u32, (SpanIx, bool)> = HashMap::new();
    for span in scan.trace.spans() {
        let Some(owner) = owners.get(span.ix().index()).copied().flatten() else { continue };
        let (_, begun) = first.entry(owner).or_insert((span.ix(), false));
        *begun |= scan.sight(span.ix()).route_is(RouteRole::Start);
    }
    let mut found: Vec<Headless> = Vec::new();
    for (owner, (ix, _)) in first.into_iter().filter(|(_, (_, begun))| !begun) {
        let top = scan.tree.ancestors(ix).last().unwrap_or(ix);
        if let Some(span) = scan.trace.span(ix).filter(|_| scan.tree.is_orphan(top)) {
            found.push(Headless { owner, start: span.start() });
        }
    }
    found.sort_by_key(|h| (h.start, h.owner));
    found
}

/// Whether a start of this type may have begun the operation.
fn fits(wanted: Option<&str>, operation: &Headless, cases: &[Case<'_, '_>]) -> bool {
    let id = cases.get(operation.owner as usize).and_then(|case| Some((case.id?, case.playbook)));
    let own = id.and_then(|(id, playbook)| playbook.type_in_id(id));
    own.zip(wanted).is_none_or(|(own, wanted)| own == wanted)
}

/// Puts the spans of starts into operations, each once.
struct Adding<'s, 'a, 'p> {
    scan: &'a Scan<'a, 'p>,
    at: usize,
    owners: &'s Owners,
    /// Spans of the context that an operation has already.
    known: HashMap<Option<u32>, HashSet<SpanIx>>,
}

impl<'a, 'p> Adding<'_, 'a, 'p> {
    /// Adds what is at and below a start, and the command above it as context.
    fn add(&mut self, root: SpanIx, owner: Option<u32>, case: &mut Case<'a, 'p>, as_context: bool) {
        let (scan, at) = (self.scan, self.at);
        let here = || case.context.iter().filter(|m| m.scan == at).map(|m| m.span.ix());
        let mut fresh = HashSet::new();
        let known = if owner.is_some() {
            self.known.entry(owner).or_insert_with(|| here().collect())
        } else {
            fresh.extend(here());
            &mut fresh
        };
        let mut last: Option<usize> = None;
        for ix in scan.tree.descendants(root) {
            if self.owners.get(ix.index()).copied().flatten().is_some() {
                continue;
            }
            if scan.sight(ix).folded {
                if let Some(member) = last.and_then(|last| case.members.get_mut(last)) {
                    member.folded += 1;
                }
                continue;
            }
            let member = case.member(at, ix);
            if !as_context {
                case.members.extend(member);
                last = case.members.len().checked_sub(1);
            } else if known.insert(ix) {
                case.context.extend(member);
            }
        }
        for above in scan.tree.ancestors(root) {
            if scan.sight(above).is(SpanRole::Coordinator) || !known.insert(above) {
                break;
            }
            case.context.extend(case.member(at, above));
        }
    }
}
