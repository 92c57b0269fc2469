//! Finds the operations in traces. A trace with several ids is split, traces with the same id are merged, and starts without
//! an id are found by their requests, where retries count as one start.

use hashbrown::HashSet;

use super::{
    operation_spans::{MAX_ANCESTORS, Mention, OperationSpans},
    owners::{Owners, slice},
    root_requests, starts, stitching,
};
use crate::{
    playbook::{OperationSource, Playbook, RouteRole, SpanRole},
    read::{operation_ids::OperationIds, request::Request, scan::Scan},
};
use trace::SpanIx;

/// The operations in the scanned traces, in no particular order.
pub(crate) fn find<'a, 'p>(
    scans: &'a [Scan<'a, 'p>],
    ids: &'a OperationIds<'a>,
    playbook: &'p Playbook,
) -> Vec<OperationSpans<'a, 'p>> {
    let mut operations: Vec<OperationSpans<'a, 'p>> =
        ids.iter().map(|id| OperationSpans::new(Some(id), scans, playbook)).collect();
    let (mut without_id, mut requests) = (Vec::new(), Vec::new());
    for (ix, scan) in scans.iter().enumerate() {
        let owners = slice(scan);
        collect(scan, ix, &owners, &mut operations);
        mention(scan, ix, ids, &mut operations);
        without_id.extend(starts::without_id(scans, ix, &owners, &mut operations, playbook));
        if playbook.operation_source() == OperationSource::RootRequests {
            requests.extend(root_requests::of_trace(scans, ix, &owners, &mut operations, playbook));
        }
    }
    stitching::lost_context(&mut operations, &mut without_id);
    root_requests::limit_types(&mut requests, playbook);
    operations.extend(without_id);
    operations.extend(requests);
    operations.retain(|operation| !operation.members.is_empty() || !operation.mentions.is_empty());
    for operation in &mut operations {
        operation.sort();
    }
    operations
}

fn collect<'a, 'p>(scan: &'a Scan<'a, 'p>, at: usize, owners: &Owners, operations: &mut [OperationSpans<'a, 'p>]) {
    let mut context: HashSet<(SpanIx, u32)> = HashSet::new();
    let folded = count_folded(scan, owners);
    for span in scan.trace.spans() {
        let ix = span.ix();
        let Some(owner) = owners.get(ix.index()).copied().flatten() else { continue };
        if scan.span_class(ix).folded {
            continue;
        }
        let Some(operation) = operations.get_mut(owner as usize) else { continue };
        let Some(mut member) = operation.member(at, ix) else { continue };
        member.folded = folded.get(ix.index()).copied().unwrap_or(0);
        if member.span_class.route_is(RouteRole::Start)
            && let Some(hit) = member.span_class.route
        {
            operation.route_type = operation.route_type.or(hit.operation_type);
        }
        operation.members.push(member);
        for above in scan.tree.ancestors(ix).take(MAX_ANCESTORS) {
            let span_class = scan.span_class(above);
            let owned = owners.get(above.index()).copied().flatten().is_some();
            if owned || span_class.is(SpanRole::Coordinator) || span_class.folded || !context.insert((above, owner)) {
                break;
            }
            operation.context.extend(operation.member(at, above));
        }
    }
    // A command that carries the id of the operation it requested is context of it, even if the trace has nothing else of the
    // operation.
    for span in scan.trace.spans().filter(|span| scan.span_class(span.ix()).is(SpanRole::Wrapper)) {
        let named = scan.span_class(span.ix()).operation;
        if let Some(operation) = named.and_then(|id| operations.get_mut(id as usize))
            && named.is_some_and(|id| context.insert((span.ix(), id)))
        {
            operation.context.extend(operation.member(at, span.ix()));
        }
    }
}

/// How many folded spans hang below each span that is not folded.
fn count_folded(scan: &Scan<'_, '_>, owners: &Owners) -> Vec<u32> {
    let mut counts = vec![0u32; scan.trace.len()];
    let mut holder: Vec<Option<SpanIx>> = vec![None; scan.trace.len()];
    for ix in scan.top_down() {
        let above = scan.tree.parent(ix).and_then(|parent| holder.get(parent.index()).copied().flatten());
        let folded = scan.span_class(ix).folded;
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

/// Collects the requests whose path contains an operation's id: polls, cancellations, states reported from outside.
fn mention<'a>(scan: &'a Scan<'a, '_>, at: usize, ids: &OperationIds<'a>, operations: &mut [OperationSpans<'a, '_>]) {
    for span in scan.trace.spans() {
        let Some(role) = scan.span_class(span.ix()).route.map(|hit| hit.role) else { continue };
        if !matches!(role, RouteRole::Poll | RouteRole::StatusUpdate | RouteRole::Cancel | RouteRole::Resume) {
            continue;
        }
        let path = Request::of(span, &scan.vocabulary).and_then(|request| request.path).unwrap_or_default();
        let named = path.split('/').find_map(|segment| ids.find(segment));
        if let Some(operation) = named.and_then(|id| operations.get_mut(id as usize)) {
            operation.mentions.push(Mention { span, scan: at, role });
        }
    }
}
