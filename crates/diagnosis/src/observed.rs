//! Operations as [`culprits`] compares them.

use hashbrown::HashSet;

use crate::{
    Context, Diagnosis, OperationStatus,
    culprits::{self, RequestProfile},
    gather::facts::Facts,
    judge_all,
    playbook::{Playbook, RouteRole, SpanRole},
};
use trace::{SpanIx, SpanKind, Trace, Tree};

/// An operation with its diagnosis.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The diagnosis, without the lists that [`Context::detail`] leaves out.
    pub diagnosis: Diagnosis,
    /// What is compared: the operation's spans in its main trace, from the start request (else the registration) on.
    /// `None` for an operation that has not ended or was cancelled: what it lacks proves nothing.
    pub profile: Option<RequestProfile>,
}

/// Finds all operations in `traces` as [`diagnose`](super::diagnose) does, newest start first.
#[must_use]
pub fn observe_operations(traces: &[Trace], playbook: &Playbook, context: &Context) -> Vec<Observed> {
    let (judged, _) = judge_all(traces, playbook, context, profile);
    judged.into_iter().map(|(diagnosis, profile)| Observed { diagnosis, profile }).collect()
}

fn profile(facts: &Facts<'_, '_, '_>, diagnosis: &Diagnosis) -> Option<RequestProfile> {
    if !matches!(facts.status, OperationStatus::Completed | OperationStatus::Failed) {
        return None;
    }
    let main = diagnosis.trace_id?;
    let own = || facts.operation.members.iter().filter(|member| member.span.trace().id() == main);
    let start = own().find(|member| member.route_is(RouteRole::Start) && member.span.kind() == SpanKind::Server);
    let root = start.or_else(|| own().find(|member| member.is(SpanRole::Register))).or_else(|| own().next())?;
    let scan = facts.operation.scan(root);
    let members: HashSet<SpanIx> = own().map(|member| member.span.ix()).collect();
    let below = scan.tree.descendants(root.span.ix()).filter(|ix| members.contains(ix));
    let mut trace = scan.trace.excerpt(root.span.ix(), below);
    if members.iter().any(|ix| *ix != root.span.ix() && scan.tree.is_orphan(*ix)) {
        trace.mark_partial("parents of the operation's spans are missing");
    }
    let tree = Tree::new(&trace);
    let root = trace.spans().find(|span| span.id() == root.span.id())?;
    culprits::observe_patterns(&trace, &tree, root.ix(), facts.operation_type.clone(), facts.operation.playbook)
}
