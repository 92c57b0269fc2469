//! Finds the operations in traces: several ids in one trace are sliced, one id in several traces is merged, starts
//! without an id are found by their requests and their retries folded.

use std::rc::Rc;

use hashbrown::{HashMap, HashSet};

use super::{
    case::{Case, Mention},
    http::Request,
    scan::{Lexicon, Scan},
};
use crate::{
    playbook::{Playbook, RouteRole, SpanRole},
    trace::{Micros, SpanIx, SpanKind, SpanRef, Trace, TraceId},
};

/// How far apart in time a dispatch and a worker's span in another trace may be to be one call.
const JOIN_WITHIN: Micros = Micros::from_secs(1);

/// All operation ids, numbered as they appear.
#[derive(Default)]
pub(super) struct OperationIds<'t> {
    numbers: HashMap<&'t str, u32>,
    ids: Vec<&'t str>,
}

impl<'t> OperationIds<'t> {
    pub(super) fn number(&mut self, id: &'t str) -> u32 {
        *self.numbers.entry(id).or_insert_with(|| {
            self.ids.push(id);
            self.ids.len() as u32 - 1
        })
    }
}

/// Looks at every trace; one lexicon serves all traces of an answer.
pub(super) fn scan<'t, 'p>(traces: &'t [Trace], playbook: &'p Playbook) -> (Vec<Scan<'t, 'p>>, OperationIds<'t>) {
    let mut ids = OperationIds::default();
    let mut lexicons: Vec<Rc<Lexicon<'p>>> = Vec::new();
    let mut seen: HashSet<TraceId> = HashSet::new();
    let mut scans = Vec::with_capacity(traces.len());
    // The order in which traces arrive must not matter.
    let mut ordered: Vec<&Trace> = traces.iter().collect();
    ordered.sort_by_key(|trace| (trace.start(), trace.id(), std::cmp::Reverse(trace.len())));
    for trace in ordered {
        if !seen.insert(trace.id()) {
            continue;
        }
        let lexicon = match lexicons.iter().rev().find(|lexicon| lexicon.is_for(trace)) {
            Some(lexicon) => Rc::clone(lexicon),
            None => {
                let lexicon = Rc::new(Lexicon::new(playbook, trace.strings()));
                lexicons.push(Rc::clone(&lexicon));
                lexicon
            }
        };
        scans.push(Scan::new(trace, lexicon, &mut ids));
    }
    (scans, ids)
}

/// The operations in the scanned traces, in no particular order.
pub(super) fn cases<'a, 'p>(
    scans: &'a [Scan<'a, 'p>],
    ids: &OperationIds<'a>,
    playbook: &'p Playbook,
) -> Vec<Case<'a, 'p>> {
    let mut cases: Vec<Case<'a, 'p>> = ids.ids.iter().map(|id| Case::new(Some(id), scans, playbook)).collect();
    let mut starts = Vec::new();
    for (ix, scan) in scans.iter().enumerate() {
        let owners = slice(scan);
        collect(scan, ix, &owners, &mut cases);
        mention(scan, ix, ids, &mut cases);
        starts.extend(starts_without_id(scans, ix, &owners, &mut cases, playbook));
    }
    join_lost_context(&mut cases, &mut starts);
    cases.extend(starts);
    cases.retain(|case| !case.members.is_empty() || !case.mentions.is_empty());
    for case in &mut cases {
        case.sort();
    }
    cases
}

/// For every span the operation it belongs to.
type Owners = Vec<Option<u32>>;

fn slice(scan: &Scan<'_, '_>) -> Owners {
    let mut owners: Owners = vec![None; scan.trace.len()];
    let anchors: Vec<(SpanIx, u32)> =
        scan.trace.spans().filter_map(|span| Some((span.ix(), anchor_of(scan, span.ix())?))).collect();
    if anchors.is_empty() {
        return owners;
    }
    let mut roots: HashMap<SpanIx, HashSet<u32>> = HashMap::new();
    for (anchor, operation) in &anchors {
        roots.entry(climb(scan, *anchor, *operation)).or_default().insert(*operation);
    }
    // A root that several operations climb to (one request that cancels many) belongs to the one registered below it.
    let registered = |root: SpanIx| {
        let mut of_root = scan.tree.descendants(root).filter(|ix| scan.sight(*ix).is(SpanRole::Register));
        let first = of_root.next().and_then(|ix| scan.sight(ix).operation)?;
        of_root.all(|ix| scan.sight(ix).operation == Some(first)).then_some(first)
    };
    let root_of: HashMap<SpanIx, u32> = roots
        .iter()
        .filter_map(|(root, operations)| {
            let one = if operations.len() == 1 { operations.iter().next().copied() } else { registered(*root) };
            Some((*root, one?))
        })
        .collect();
    for ix in scan.top_down() {
        let sight = scan.sight(ix);
        let above = scan.tree.parent(ix).and_then(|parent| owners.get(parent.index()).copied().flatten());
        let own = root_of.get(&ix).copied().or_else(|| anchor_of(scan, ix)).or(above);
        if let Some(slot) = owners.get_mut(ix.index()) {
            *slot = if sight.folded { above } else { own };
        }
    }
    owners
}

/// The operation that a span proves to be here. A coordinator carries the id of whichever operation it served last, and
/// a command only mentions what it asked for.
fn anchor_of(scan: &Scan<'_, '_>, ix: SpanIx) -> Option<u32> {
    let sight = scan.sight(ix);
    let carrier = sight.is(SpanRole::Coordinator) || sight.is(SpanRole::Wrapper);
    if carrier { None } else { sight.operation }
}

/// The topmost span that belongs to the anchor's operation: its start request, else what is below the command, the
/// coordinator or another operation.
fn climb(scan: &Scan<'_, '_>, anchor: SpanIx, operation: u32) -> SpanIx {
    let mut best = anchor;
    if is_start(scan, anchor) {
        return best;
    }
    for above in scan.tree.ancestors(anchor) {
        let sight = scan.sight(above);
        let other = sight.operation.is_some_and(|id| id != operation);
        if sight.is(SpanRole::Wrapper) || sight.is(SpanRole::Coordinator) || sight.folded || other {
            break;
        }
        best = above;
        if is_start(scan, above) {
            break;
        }
    }
    best
}

fn is_start(scan: &Scan<'_, '_>, ix: SpanIx) -> bool {
    let server = scan.trace.span(ix).is_some_and(|span| span.kind() == SpanKind::Server);
    server && scan.sight(ix).route_is(RouteRole::Start)
}

fn collect<'a, 'p>(scan: &'a Scan<'a, 'p>, at: usize, owners: &Owners, cases: &mut [Case<'a, 'p>]) {
    let mut context: HashSet<(SpanIx, u32)> = HashSet::new();
    let folded = count_folded(scan, owners);
    for span in scan.trace.spans() {
        let ix = span.ix();
        let Some(owner) = owners.get(ix.index()).copied().flatten() else { continue };
        if scan.sight(ix).folded {
            continue;
        }
        let Some(case) = cases.get_mut(owner as usize) else { continue };
        let Some(mut member) = case.member(at, ix) else { continue };
        member.folded = folded.get(ix.index()).copied().unwrap_or(0);
        if member.sight.route_is(RouteRole::Start)
            && let Some(hit) = member.sight.route
        {
            case.route_type = case.route_type.or(hit.operation_type);
        }
        case.members.push(member);
        for above in scan.tree.ancestors(ix) {
            let sight = scan.sight(above);
            let owned = owners.get(above.index()).copied().flatten().is_some();
            if owned || sight.is(SpanRole::Coordinator) || sight.folded || !context.insert((above, owner)) {
                break;
            }
            case.context.extend(case.member(at, above));
        }
    }
    // A command that carries the id of what it asked for stands in where nothing else of the operation is here.
    for span in scan.trace.spans().filter(|span| scan.sight(span.ix()).is(SpanRole::Wrapper)) {
        let operation = scan.sight(span.ix()).operation;
        if let Some(case) = operation.and_then(|id| cases.get_mut(id as usize)) {
            let known = case.context.iter().any(|m| m.scan == at && m.span.ix() == span.ix());
            if !known {
                case.context.extend(case.member(at, span.ix()));
            }
        }
    }
}

/// How many folded spans hang below each span that is not folded.
fn count_folded(scan: &Scan<'_, '_>, owners: &Owners) -> Vec<u32> {
    let mut counts = vec![0u32; scan.trace.len()];
    let mut holder: Vec<Option<SpanIx>> = vec![None; scan.trace.len()];
    for ix in scan.top_down() {
        let above = scan.tree.parent(ix).and_then(|parent| holder.get(parent.index()).copied().flatten());
        let folded = scan.sight(ix).folded;
        if folded && let Some(count) = above.and_then(|above| counts.get_mut(above.index())) {
            *count += 1;
        }
        let owned = owners.get(ix.index()).copied().flatten().is_some();
        if let Some(slot) = holder.get_mut(ix.index()) {
            *slot = if folded { above } else { owned.then_some(ix) };
        }
    }
    counts
}

/// Notes who asks for an operation by id in an address: polls, cancel requests, states written from outside.
fn mention<'a>(scan: &'a Scan<'a, '_>, at: usize, ids: &OperationIds<'a>, cases: &mut [Case<'a, '_>]) {
    for span in scan.trace.spans() {
        let Some(role) = scan.sight(span.ix()).route.map(|hit| hit.role) else { continue };
        if !matches!(role, RouteRole::Poll | RouteRole::StatusUpdate | RouteRole::Cancel | RouteRole::Resume) {
            continue;
        }
        let path = Request::of(span, &scan.lexicon).and_then(|request| request.path).unwrap_or_default();
        let named = path.split('/').find_map(|segment| ids.numbers.get(segment));
        if let Some(case) = named.and_then(|id| cases.get_mut(*id as usize)) {
            case.mentions.push(Mention { span, scan: at, role });
        }
    }
}

/// Start requests whose trace carries no id, the retries of one command together. Where the command's start was accepted
/// in the end, they count as that operation's refused attempts.
fn starts_without_id<'a, 'p>(
    scans: &'a [Scan<'a, 'p>],
    at: usize,
    owners: &Owners,
    cases: &mut [Case<'a, 'p>],
    playbook: &'p Playbook,
) -> Vec<Case<'a, 'p>> {
    type Key<'p> = (Option<SpanIx>, Option<&'p str>);
    let Some(scan) = scans.get(at) else { return Vec::new() };
    let mut accepted: HashMap<Key<'p>, u32> = HashMap::new();
    let mut open: Vec<(SpanIx, Key<'p>)> = Vec::new();
    for span in scan.trace.spans() {
        let ix = span.ix();
        let Some(hit) = scan.sight(ix).route.filter(|hit| hit.role == RouteRole::Start) else { continue };
        let key = (scan.tree.ancestors(ix).last(), hit.operation_type);
        let asks = match span.kind() {
            SpanKind::Server => true,
            SpanKind::Client => scan.callee(span).is_none(),
            _ => false,
        };
        match owners.get(ix.index()).copied().flatten() {
            Some(owner) if key.0.is_some() => {
                accepted.insert(key, owner);
            }
            None if asks && !scan.sight(ix).folded => open.push((ix, key)),
            _ => {}
        }
    }
    let mut groups: Vec<(Key<'p>, Case<'a, 'p>)> = Vec::new();
    for (ix, key) in open {
        if let Some(case) = accepted.get(&key).and_then(|id| cases.get_mut(*id as usize)) {
            case.refused_starts += 1;
            add_subtree(scan, at, owners, ix, case, true);
            continue;
        }
        let known = groups.iter().position(|(known, _)| *known == key && key.0.is_some());
        let position = known.unwrap_or_else(|| {
            groups.push((key, Case::new(None, scans, playbook)));
            groups.len() - 1
        });
        if let Some((_, case)) = groups.get_mut(position) {
            case.start_requests += 1;
            case.route_type = key.1;
            add_subtree(scan, at, owners, ix, case, false);
        }
    }
    groups.into_iter().map(|(_, case)| case).collect()
}

fn add_subtree<'a, 'p>(
    scan: &'a Scan<'a, 'p>,
    at: usize,
    owners: &Owners,
    root: SpanIx,
    case: &mut Case<'a, 'p>,
    as_context: bool,
) {
    let mut last: Option<usize> = None;
    for ix in scan.tree.descendants(root) {
        if owners.get(ix.index()).copied().flatten().is_some() {
            continue;
        }
        if scan.sight(ix).folded {
            if let Some(member) = last.and_then(|last| case.members.get_mut(last)) {
                member.folded += 1;
            }
            continue;
        }
        let member = case.member(at, ix);
        if as_context {
            case.context.extend(member);
        } else {
            case.members.extend(member);
            last = case.members.len().checked_sub(1);
        }
    }
    for above in scan.tree.ancestors(root) {
        let known = case.context.iter().any(|m| m.scan == at && m.span.ix() == above);
        if known || scan.sight(above).is(SpanRole::Coordinator) {
            break;
        }
        case.context.extend(case.member(at, above));
    }
}

/// Puts the two halves of an operation together whose call did not carry the trace context: a start that was handed to a
/// worker and found no span there, and a worker's span without a caller in the same moment.
fn join_lost_context<'a, 'p>(cases: &mut [Case<'a, 'p>], starts: &mut Vec<Case<'a, 'p>>) {
    for case in cases.iter_mut() {
        let Some(server) = lonely_worker(case) else { continue };
        case.context_lost = !case.id.is_some_and(|id| id.starts_with("worker_"));
        let half = starts.iter().position(|start| dispatches(start).any(|dispatch| joins(dispatch, server)));
        if let Some(half) = half {
            let start = starts.swap_remove(half);
            case.context_lost = true;
            case.route_type = case.route_type.or(start.route_type);
            case.members.extend(start.members);
            case.context.extend(start.context);
        }
    }
}

fn lonely_worker<'a>(case: &Case<'a, '_>) -> Option<SpanRef<'a>> {
    let begun = case.members.iter().any(|m| m.sight.route_is(RouteRole::Start) && m.span.kind() == SpanKind::Server);
    let mut servers = case.members.iter().filter(|m| {
        m.sight.route_is(RouteRole::WorkStart) && m.span.kind() == SpanKind::Server && m.span.parent().is_none()
    });
    if begun { None } else { servers.next().map(|m| m.span) }
}

fn dispatches<'c, 'a, 'p>(case: &'c Case<'a, 'p>) -> impl Iterator<Item = SpanRef<'a>> + use<'c, 'a, 'p> {
    case.members
        .iter()
        .filter(|m| m.sight.route_is(RouteRole::WorkStart) && m.span.kind() == SpanKind::Client)
        .filter(|m| case.scan(m).callee(m.span).is_none())
        .map(|m| m.span)
}

fn joins(dispatch: SpanRef<'_>, server: SpanRef<'_>) -> bool {
    let late = server.start() > dispatch.end() + JOIN_WITHIN;
    let early = server.start() + JOIN_WITHIN < dispatch.start();
    !late && !early
}
