//! Finds the operations in traces: several ids in one trace are sliced, one id in several traces is merged, starts
//! without an id are found by their requests and their retries folded.

use std::{borrow::Cow, rc::Rc};

use hashbrown::{HashMap, HashSet};

use super::{
    case::{Case, Mention},
    http::Request,
    join,
    scan::{Lexicon, Scan},
    starts,
};
use crate::{
    playbook::{Playbook, RouteRole, SpanRole},
    trace::{SpanIx, SpanKind, Trace},
};

/// All operation ids, numbered as they appear.
#[derive(Default)]
pub(super) struct OperationIds<'t> {
    numbers: HashMap<Cow<'t, str>, u32>,
    ids: Vec<Cow<'t, str>>,
}

impl<'t> OperationIds<'t> {
    pub(super) fn number(&mut self, id: Cow<'t, str>) -> u32 {
        if let Some(number) = self.numbers.get(&*id) {
            return *number;
        }
        let number = self.ids.len() as u32;
        self.ids.push(id.clone());
        self.numbers.insert(id, number);
        number
    }
}

/// Looks at every trace; one lexicon serves all traces of an answer.
pub(super) fn scan<'t, 'p>(traces: &'t [Trace], playbook: &'p Playbook) -> (Vec<Scan<'t, 'p>>, OperationIds<'t>) {
    let mut ids = OperationIds::default();
    let mut lexicons: Vec<Rc<Lexicon<'p>>> = Vec::new();
    let mut scans = Vec::with_capacity(traces.len());
    // The order in which traces arrive must not matter.
    let mut ordered: Vec<&Trace> = traces.iter().collect();
    // Of several answers about one trace the fullest counts.
    ordered.sort_by_key(|trace| (trace.id(), std::cmp::Reverse(trace.len()), trace.start()));
    ordered.dedup_by_key(|trace| trace.id());
    ordered.sort_by_key(|trace| (trace.start(), trace.id()));
    for trace in ordered {
        let lexicon = if let Some(lexicon) = lexicons.iter().rev().find(|lexicon| lexicon.is_for(trace)) {
            Rc::clone(lexicon)
        } else {
            let lexicon = Rc::new(Lexicon::new(playbook, trace.strings()));
            lexicons.push(Rc::clone(&lexicon));
            lexicon
        };
        scans.push(Scan::new(trace, lexicon, &mut ids));
    }
    (scans, ids)
}

/// The operations in the scanned traces, in no particular order.
pub(super) fn cases<'a, 'p>(
    scans: &'a [Scan<'a, 'p>],
    ids: &'a OperationIds<'a>,
    playbook: &'p Playbook,
) -> Vec<Case<'a, 'p>> {
    let mut cases: Vec<Case<'a, 'p>> = ids.ids.iter().map(|id| Case::new(Some(&**id), scans, playbook)).collect();
    let mut without_id = Vec::new();
    for (ix, scan) in scans.iter().enumerate() {
        let owners = slice(scan);
        collect(scan, ix, &owners, &mut cases);
        mention(scan, ix, ids, &mut cases);
        without_id.extend(starts::without_id(scans, ix, &owners, &mut cases, playbook));
    }
    join::lost_context(&mut cases, &mut without_id);
    cases.extend(without_id);
    cases.retain(|case| !case.members.is_empty() || !case.mentions.is_empty());
    for case in &mut cases {
        case.sort();
    }
    cases
}

/// For every span the operation it belongs to.
pub(super) type Owners = Vec<Option<u32>>;

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
        if let Some(case) = operation.and_then(|id| cases.get_mut(id as usize))
            && operation.is_some_and(|id| context.insert((span.ix(), id)))
        {
            case.context.extend(case.member(at, span.ix()));
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
