//! Finds the operations in traces: several ids in one trace are sliced, one id in several traces is merged, starts
//! without an id are found by their requests and their retries folded.

use hashbrown::HashSet;

use super::{
    case::{Case, MOST_ABOVE, Mention},
    join,
    owners::{Owners, slice},
    starts,
};
use crate::{
    playbook::{Playbook, RouteRole, SpanRole},
    read::{operation_ids::OperationIds, request::Request, scan::Scan},
};
use trace::SpanIx;

/// The operations in the scanned traces, in no particular order.
pub(crate) fn cases<'a, 'p>(
    scans: &'a [Scan<'a, 'p>],
    ids: &'a OperationIds<'a>,
    playbook: &'p Playbook,
) -> Vec<Case<'a, 'p>> {
    let mut cases: Vec<Case<'a, 'p>> = ids.iter().map(|id| Case::new(Some(id), scans, playbook)).collect();
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
        for above in scan.tree.ancestors(ix).take(MOST_ABOVE) {
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
        let named = path.split('/').find_map(|segment| ids.find(segment));
        if let Some(case) = named.and_then(|id| cases.get_mut(id as usize)) {
            case.mentions.push(Mention { span, scan: at, role });
        }
    }
}
