//! Which span of an operation waited for which.

use hashbrown::{HashMap, HashSet};

use crate::{
    playbook::SpanRole,
    slice::operation_spans::{Member, OperationSpans},
};
use trace::{Relation, SpanIx, SpanKind};

/// For every span of an operation the span that waited for it.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// By position in [`OperationSpans::members`]. Work that its parent did not wait for (follows-from, producer to
    /// consumer, started after the parent's end or for the most part done after it) has none: it lies on the operation's
    /// window itself.
    pub(crate) parents: Vec<Option<usize>>,
    /// Positions of the spans whose parent is there and did not wait for them. What goes on below a call that its caller
    /// gave up is not among them: nobody asked for it to be done later.
    pub(crate) handed_over: Vec<usize>,
    /// Loops that hold several operations, and who sent a message: neither covers a gap of the operation.
    pub(crate) around: Vec<bool>,
}

impl Waiting {
    pub(crate) fn new(operation: &OperationSpans<'_, '_>) -> Self {
        let places: HashMap<_, usize> =
            operation.members.iter().enumerate().map(|(place, m)| ((m.scan, m.span.ix()), place)).collect();
        let around = around(operation);
        let is_around = |place: usize| around.get(place).copied().unwrap_or(false);
        let mut waiting =
            Self { parents: Vec::with_capacity(operation.members.len()), handed_over: Vec::new(), around: Vec::new() };
        let given_up = below_given_up_calls(operation);
        let root = operation.root_request.as_ref().and_then(|request| request.root);
        for (place, member) in operation.members.iter().enumerate() {
            let scan = operation.scan(member);
            let parent = scan.tree.parent(member.span.ix());
            let above = parent.and_then(|parent| places.get(&(member.scan, parent)).copied());
            let waits = above.filter(|above| {
                !is_around(*above) && operation.members.get(*above).is_some_and(|parent| waits_for(parent, member))
            });
            if above.is_some() && waits.is_none() && !given_up.contains(&(member.scan, member.span.ix())) {
                waiting.handed_over.push(place);
            }
            // A missing parent lies within the root request, as far as the trace shows.
            let of_root = root.filter(|root| parent.is_none() && *root != member.span.ix());
            let of_root = of_root.and_then(|root| places.get(&(member.scan, root)).copied());
            let covered = |root: &usize| {
                operation
                    .members
                    .get(*root)
                    .is_some_and(|root| (root.span.start()..root.span.end()).contains(&member.span.start()))
            };
            waiting.parents.push(waits.or_else(|| of_root.filter(covered)));
        }
        waiting.around = around;
        waiting
    }

    /// The spans from a member up to the one that nobody waited for, the member first.
    pub(crate) fn upwards(&self, member: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(member), |at| self.parents.get(*at).copied().flatten())
    }
}

/// For every span whether it lies around the operation: a loop, or the request that sent its message and carries no id.
fn around(operation: &OperationSpans<'_, '_>) -> Vec<bool> {
    let sent = operation.members.iter().find(|m| m.is(SpanRole::Register) && m.span.kind() == SpanKind::Producer);
    let sender = |member: &Member<'_, '_>| {
        let before = sent.is_some_and(|sent| sent.scan == member.scan && member.span.start() < sent.span.start());
        before && member.span_class.operation.is_none()
    };
    operation.members.iter().map(|member| member.is(SpanRole::Coordinator) || sender(member)).collect()
}

/// The spans below calls that failed without an answer, each looked at once.
fn below_given_up_calls(operation: &OperationSpans<'_, '_>) -> HashSet<(usize, SpanIx)> {
    let gave_up = |member: &&Member<'_, '_>| {
        let answered = || operation.scan(member).request(member.span).is_some_and(|request| request.answered());
        member.span.kind() == SpanKind::Client && member.span.is_error() && !answered()
    };
    let mut below = HashSet::new();
    for call in operation.members.iter().filter(gave_up) {
        let tree = &operation.scan(call).tree;
        let mut stack = tree.children(call.span.ix()).to_vec();
        while let Some(ix) = stack.pop() {
            if below.insert((call.scan, ix)) {
                stack.extend(tree.children(ix));
            }
        }
    }
    below
}

/// Whether a parent waited for its child.
fn waits_for(parent: &Member<'_, '_>, child: &Member<'_, '_>) -> bool {
    let (above, below) = (parent.span, child.span);
    let handed_over = above.kind() == SpanKind::Producer && below.kind() == SpanKind::Consumer;
    let follows = below.parent().is_some_and(|named| named.relation == Relation::FollowsFrom);
    let beyond = below.end() - above.end().max(below.start());
    // A client waits for its server until it gives up, however long the server goes on.
    let gave_up = above.kind() == SpanKind::Client && below.kind() == SpanKind::Server;
    let after = below.start() >= above.end() || !gave_up && beyond.0 * 2 > below.duration().0;
    !handed_over && !follows && !after
}
