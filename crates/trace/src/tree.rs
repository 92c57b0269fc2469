//! The tree of a trace: the parent and the children of every span. Missing parents, shared ids and cycles do not prevent it;
//! they are reported as [`Remark`]s.

use hashbrown::HashMap;

use super::{
    ids::SpanId,
    model::{SpanIx, Trace},
    remark::Remark,
    span::{Relation, SpanKind},
    steps::count_step,
    time::Micros,
    view::SpanRef,
};

/// A callee may start this much before its caller without a remark about clock skew.
const SKEW_TOLERANCE: Micros = Micros::from_millis(2);

/// The parents and children of a trace's spans. Every span has at most one parent, and there are no cycles.
#[derive(Clone, Debug)]
pub struct Tree {
    parents: Vec<Option<SpanIx>>,
    /// The children of span `i` are `children[firsts[i]..firsts[i + 1]]`, by start.
    firsts: Vec<u32>,
    children: Vec<SpanIx>,
    roots: Vec<SpanIx>,
    orphans: Vec<bool>,
    remarks: Vec<Remark>,
}

impl Tree {
    /// The tree of `trace`, in time linear in its spans.
    #[must_use]
    pub fn new(trace: &Trace) -> Self {
        let ids = Ids::new(trace);
        let mut orphans = vec![false; trace.len()];
        let mut parents: Vec<Option<SpanIx>> = trace.spans().map(|span| ids.parent_of(span)).collect();
        for (span, (orphan, parent)) in trace.spans().zip(orphans.iter_mut().zip(&parents)) {
            let names_another = span.parent().is_some_and(|named| named.span != span.id());
            *orphan = parent.is_none() && (names_another || span.has_unreadable_parent());
        }
        let cycles = cut_cycles(&mut parents);
        let (firsts, children) = children_of(&parents);
        let roots = trace.spans().map(SpanRef::ix).filter(|ix| parent(&parents, *ix).is_none()).collect();
        let orphaned = || trace.spans().zip(&orphans).filter(|(_, orphan)| **orphan).map(|(span, _)| span);
        let unreadable = orphaned().filter(|span| span.has_unreadable_parent()).count();
        let missing = orphaned().count() - unreadable;
        let times = trace.impossible_times();
        let skewed = trace.spans().filter(|span| is_skewed(trace, &parents, *span)).count();
        let remarks = [
            Remark::MissingParents(missing),
            Remark::SharedIds(ids.shared),
            Remark::Copies(trace.duplicates()),
            Remark::Cycles(cycles),
            Remark::ClockSkew(skewed),
            Remark::UnreadableParents(unreadable),
            Remark::NoStart(times.starts),
            Remark::NoEnd(times.ends),
            Remark::StartsAfterClock(times.after_clock),
            Remark::EndsAfterClock(times.ends_after_clock),
            Remark::EventTimes(times.events),
        ]
        .into_iter()
        .filter(|remark| remark.count() > 0)
        .collect();
        Self { parents, firsts, children, roots, orphans, remarks }
    }

    /// The parent, if the trace has it.
    pub fn parent(&self, of: SpanIx) -> Option<SpanIx> {
        parent(&self.parents, of)
    }

    /// The children by start.
    pub fn children(&self, of: SpanIx) -> &[SpanIx] {
        count_step();
        let bound = |i: usize| self.firsts.get(i).map_or(0, |&first| first as usize);
        self.children.get(bound(of.index())..bound(of.index() + 1)).unwrap_or_default()
    }

    /// Spans without a parent in the trace, by start; orphans are among them.
    pub fn roots(&self) -> &[SpanIx] {
        &self.roots
    }

    /// Whether the span names a parent that is not in the trace.
    pub fn is_orphan(&self, ix: SpanIx) -> bool {
        self.orphans.get(ix.index()).copied().unwrap_or(false)
    }

    /// The irregularities of the trace.
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// The span's ancestors, nearest first.
    pub fn ancestors(&self, of: SpanIx) -> impl Iterator<Item = SpanIx> {
        std::iter::successors(self.parent(of), |ix| self.parent(*ix))
    }

    /// The span and all below it, parents before children, in the order of their starts among siblings.
    pub fn descendants(&self, of: SpanIx) -> impl Iterator<Item = SpanIx> {
        let mut stack = vec![of];
        std::iter::from_fn(move || {
            let next = stack.pop()?;
            stack.extend(self.children(next).iter().rev());
            Some(next)
        })
    }
}

fn parent(parents: &[Option<SpanIx>], of: SpanIx) -> Option<SpanIx> {
    count_step();
    parents.get(of.index()).copied().flatten()
}

/// Finds spans by id. Some tracers use one id for both ends of a call. Then the client end is the parent of the server end,
/// and the server end is the parent of spans that name this id.
struct Ids {
    by_id: HashMap<SpanId, SpansWithId>,
    shared: usize,
}

struct SpansWithId {
    first: SpanIx,
    client: Option<SpanIx>,
    server: Option<SpanIx>,
}

impl Ids {
    fn new(trace: &Trace) -> Self {
        let mut by_id: HashMap<SpanId, SpansWithId> = HashMap::with_capacity(trace.len());
        let mut shared = 0;
        for span in trace.spans() {
            let (ix, kind) = (span.ix(), span.kind());
            by_id
                .entry(span.id())
                .and_modify(|holders| {
                    shared += 1;
                    match kind {
                        SpanKind::Client => holders.client = holders.client.or(Some(ix)),
                        SpanKind::Server => holders.server = holders.server.or(Some(ix)),
                        _ => {}
                    }
                })
                .or_insert(SpansWithId {
                    first: ix,
                    client: (kind == SpanKind::Client).then_some(ix),
                    server: (kind == SpanKind::Server).then_some(ix),
                });
        }
        Self { by_id, shared }
    }

    fn parent_of(&self, span: SpanRef<'_>) -> Option<SpanIx> {
        if self.shared > 0
            && span.kind() == SpanKind::Server
            && let Some(SpansWithId { client: Some(client), server: Some(server), .. }) = self.by_id.get(&span.id())
            && *server == span.ix()
        {
            return Some(*client);
        }
        let named = span.parent()?.span;
        let holders = self.by_id.get(&named)?;
        let target = match (holders.client, holders.server) {
            (Some(_), Some(server)) => server,
            _ => holders.first,
        };
        (target != span.ix()).then_some(target)
    }
}

/// Makes the earliest span of each cycle a root, and returns the number of cycles.
fn cut_cycles(parents: &mut [Option<SpanIx>]) -> usize {
    let mut walk_of = vec![0u32; parents.len()];
    let mut cycles = 0;
    for start in 0..parents.len() {
        let walk = start as u32 + 1;
        let mut at = Some(SpanIx(start as u32));
        while let Some(ix) = at {
            let Some(seen) = walk_of.get_mut(ix.index()) else { break };
            if *seen == walk {
                cut(parents, ix);
                cycles += 1;
                break;
            }
            if *seen != 0 {
                break;
            }
            *seen = walk;
            at = parent(parents, ix);
        }
    }
    cycles
}

fn cut(parents: &mut [Option<SpanIx>], member: SpanIx) {
    let mut earliest = member;
    let mut at = parent(parents, member);
    while let Some(ix) = at.filter(|ix| *ix != member) {
        earliest = earliest.min(ix);
        at = parent(parents, ix);
    }
    if let Some(slot) = parents.get_mut(earliest.index()) {
        *slot = None;
    }
}

fn children_of(parents: &[Option<SpanIx>]) -> (Vec<u32>, Vec<SpanIx>) {
    let mut firsts = vec![0u32; parents.len() + 1];
    for ix in parents.iter().flatten() {
        if let Some(count) = firsts.get_mut(ix.index() + 1) {
            *count += 1;
        }
    }
    let mut sum = 0;
    for first in &mut firsts {
        sum += *first;
        *first = sum;
    }
    let mut next = firsts.clone();
    let mut children = vec![SpanIx(0); sum as usize];
    for (child, parent) in parents.iter().enumerate() {
        let place = parent.and_then(|parent| next.get_mut(parent.index()));
        if let Some(place) = place {
            if let Some(slot) = children.get_mut(*place as usize) {
                *slot = SpanIx(child as u32);
            }
            *place += 1;
        }
    }
    (firsts, children)
}

fn is_skewed(trace: &Trace, parents: &[Option<SpanIx>], span: SpanRef<'_>) -> bool {
    let Some(caller) = parent(parents, span.ix()).and_then(|ix| trace.span(ix)) else { return false };
    let waits = span.parent().is_none_or(|named| named.relation == Relation::ChildOf);
    waits && caller.service_id() != span.service_id() && span.start() + SKEW_TOLERANCE < caller.start()
}
