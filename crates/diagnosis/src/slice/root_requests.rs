//! Root requests: every root span with what is below it is an operation, except what belongs to an operation with an id.
//!
//! A span whose parent is missing is a root only where the trace has no other. Else it belongs to the request during which
//! it began: either a message was sent before and its consumer is missing, or the request covers it.

use hashbrown::HashMap;

use super::{
    operation_spans::{OperationSpans, RootRequest},
    owners::Owners,
};
use crate::{playbook::Playbook, read::scan::Scan};
use trace::{SpanIx, SpanKind, SpanRef, Time};

/// Who takes the spans below a root.
#[derive(Clone, Copy)]
enum Taker {
    /// An operation with an id, by its position.
    Operation(u32),
    /// A root request, by its position among those of the trace.
    Request(usize),
}

/// A span after which spans without a parent may belong to an operation.
struct Start {
    at: Time,
    taker: Taker,
}

/// The root requests of one trace. Spans whose parents are missing may go to `operations`.
pub(crate) fn of_trace<'a, 'p>(
    scans: &'a [Scan<'a, 'p>],
    at: usize,
    owners: &Owners,
    operations: &mut [OperationSpans<'a, 'p>],
    playbook: &'p Playbook,
) -> Vec<OperationSpans<'a, 'p>> {
    let Some(scan) = scans.get(at) else { return Vec::new() };
    let owner = |ix: SpanIx| owners.get(ix.index()).copied().flatten();
    let mut requests: Vec<OperationSpans<'a, 'p>> = Vec::new();
    let mut starts: Vec<Start> = Vec::new();
    let spans = scan.tree.roots().iter().filter_map(|root| scan.trace.span(*root));
    let (orphans, roots): (Vec<SpanRef<'a>>, Vec<SpanRef<'a>>) =
        spans.filter(|root| !scan.span_class(root.ix()).folded).partition(|root| scan.tree.is_orphan(root.ix()));
    for root in roots {
        let taker = if let Some(owner) = owner(root.ix()) {
            Taker::Operation(owner)
        } else {
            let mut request = new_request(root, Some(root.ix()), scans, playbook);
            add_tree(&mut request, scan, at, owners, root.ix());
            requests.push(request);
            Taker::Request(requests.len() - 1)
        };
        starts.push(Start { at: root.start(), taker });
    }
    let mut messages = unanswered_messages(scan, &owner);
    messages.sort_by_key(|message| message.at);
    for orphan in orphans.into_iter().filter(|orphan| owner(orphan.ix()).is_none()) {
        let before = |starts: &[Start]| {
            let behind = starts.partition_point(|start| start.at <= orphan.start());
            starts.get(behind.checked_sub(1)?).map(|start| start.taker)
        };
        let taker = before(&messages).or_else(|| before(&starts)).or(starts.first().map(|start| start.taker));
        let taker = taker.unwrap_or_else(|| {
            requests.push(new_request(orphan, None, scans, playbook));
            let taker = Taker::Request(requests.len() - 1);
            starts.push(Start { at: orphan.start(), taker });
            taker
        });
        let operation = match taker {
            Taker::Operation(owner) => operations.get_mut(owner as usize),
            Taker::Request(place) => requests.get_mut(place),
        };
        if let Some(operation) = operation {
            add_tree(operation, scan, at, owners, orphan.ix());
            operation.cut_off.extend(operation.member(at, orphan.ix()));
        }
    }
    requests
}

/// Messages of operations with an id whose consumer is not in the trace.
fn unanswered_messages(scan: &Scan<'_, '_>, owner: &impl Fn(SpanIx) -> Option<u32>) -> Vec<Start> {
    let sent = scan.trace.spans().filter(|span| span.kind() == SpanKind::Producer);
    let consumed = |span: SpanRef<'_>| {
        let children = scan.tree.children(span.ix()).iter().filter_map(|ix| scan.trace.span(*ix));
        children.into_iter().any(|child| child.kind() == SpanKind::Consumer)
    };
    let open = sent.filter(|span| !consumed(*span));
    open.filter_map(|span| Some(Start { at: span.start(), taker: Taker::Operation(owner(span.ix())?) })).collect()
}

fn new_request<'a, 'p>(
    first: SpanRef<'_>,
    root: Option<SpanIx>,
    scans: &'a [Scan<'a, 'p>],
    playbook: &'p Playbook,
) -> OperationSpans<'a, 'p> {
    let operation_type = format!("{}: {}", first.service(), first.name());
    let root_request = Some(RootRequest { root, operation_type, is_rare: false });
    OperationSpans { root_request, ..OperationSpans::new(None, scans, playbook) }
}

/// Adds the spans at and below `root` that belong to no operation with an id.
fn add_tree<'a, 'p>(
    operation: &mut OperationSpans<'a, 'p>,
    scan: &Scan<'a, 'p>,
    at: usize,
    owners: &Owners,
    root: SpanIx,
) {
    // For each span the member that it is, or that counts it as folded.
    let mut places: HashMap<SpanIx, usize> = HashMap::new();
    for ix in scan.tree.descendants(root) {
        let above = scan.tree.parent(ix).and_then(|parent| places.get(&parent).copied());
        if owners.get(ix.index()).copied().flatten().is_some() {
            continue;
        }
        if scan.span_class(ix).folded {
            if let Some(above) = above {
                places.insert(ix, above);
                if let Some(member) = operation.members.get_mut(above) {
                    member.folded += 1;
                }
            }
            continue;
        }
        places.insert(ix, operation.members.len());
        operation.members.extend(operation.member(at, ix));
    }
}

/// Gives all but the most frequent types of root requests one type: names may hold ids, and there is no end of them.
pub(crate) fn limit_types(operations: &mut [OperationSpans<'_, '_>], playbook: &Playbook) {
    let (most, other) = playbook.most_types();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for request in operations.iter().filter_map(|operation| operation.root_request.as_ref()) {
        *counts.entry_ref(request.operation_type.as_str()).or_default() += 1;
    }
    if counts.len() <= most {
        return;
    }
    let mut ranked: Vec<(String, usize)> = counts.into_iter().collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let kept: hashbrown::HashSet<&str> = ranked.iter().take(most).map(|(name, _)| name.as_str()).collect();
    for request in operations.iter_mut().filter_map(|operation| operation.root_request.as_mut()) {
        if !kept.contains(request.operation_type.as_str()) {
            other.clone_into(&mut request.operation_type);
            request.is_rare = true;
        }
    }
}
