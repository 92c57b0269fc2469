//! Traces whose spans cannot carry a verdict.

use crate::{
    gather::{facts::Facts, operation_status::OperationStatus, workers::AssignmentStep},
    judge::draft::Draft,
    playbook::{Attr, Placeholder as P, RouteRole, SpanRole, any_fits, first_line, rule_ids},
};
use trace::SpanKind;

pub(super) fn apply<'p>(facts: &Facts<'_, '_, 'p>, drafts: &mut Vec<Draft<'p>>) {
    drafts.extend(context_lost(facts));
    if facts.operation.root_request.is_some() {
        drafts.extend(root_missing(facts));
        return;
    }
    let asked =
        facts.operation.id.is_none() || facts.operation.members.iter().any(|m| m.span_class.route_is(RouteRole::Start));
    if asked && facts.status == OperationStatus::Unknown && facts.states.is_empty() {
        drafts.extend(worker_missing(facts));
    }
}

fn context_lost<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    if !facts.operation.context_lost {
        return None;
    }
    let lonely = facts
        .operation
        .members
        .iter()
        .find(|m| m.span_class.route_is(RouteRole::WorkStart) && m.span.kind() == SpanKind::Server)?;
    let dispatch = facts.assignment.iter().find(|c| c.dispatch.is_some());
    let mut draft = Draft::of(facts, rule_ids::TRACE_CONTEXT_LOST)?.quote(P::Target, lonely.span.service()).absence(
        Some(lonely),
        "parent span",
        "not named",
        lonely.span.start(),
    );
    if let Some(choice) = dispatch {
        draft = draft.address(facts, &choice.member);
    }
    Some(draft)
}

/// A request of which only parts are in the trace.
fn root_missing<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    if facts.operation.root().is_some() {
        return None;
    }
    let now = facts.context.now;
    let first = facts.operation.cut_off.first()?;
    let ended = facts.last_activity.unwrap_or(now);
    // Its root ends last, so its spans come last.
    let recent = now - ended <= facts.operation.playbook.thresholds().export_delay;
    let rule = if recent && facts.status == OperationStatus::Unknown {
        rule_ids::RUNNING_JUST_STARTED
    } else {
        rule_ids::TRACE_ROOT_MISSING
    };
    let draft = Draft::of(facts, rule)?.set(P::Silence, (now - ended).to_string()).quote(P::Span, first.span.name());
    Some(draft.absence(Some(first), "parent span", "named, but not in the trace", first.span.start()))
}

/// An accepted start without an operation below it.
fn worker_missing<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let now = facts.context.now;
    let last = facts.operation.members.last()?;
    let ended = facts.last_activity.unwrap_or(now);
    if now - ended <= facts.operation.playbook.thresholds().export_delay {
        let draft = Draft::of(facts, rule_ids::RUNNING_JUST_STARTED)?.set(P::Silence, (now - ended).to_string());
        return Some(draft.absence(Some(last), "registration of the operation", "not here yet", now));
    }
    let Some(accepted) = &facts.workers.accepted else {
        let draft = Draft::of(facts, rule_ids::TRACE_BACKEND_ONLY)?;
        return Some(draft.absence(Some(last), "registration of the operation", "not there", ended));
    };
    let rule = if uninstrumented(facts, accepted) {
        rule_ids::TRACE_HOST_UNINSTRUMENTED
    } else {
        rule_ids::TRACE_WORKER_MISSING
    };
    let request = accepted.dispatch.map(|d| d.request).unwrap_or_default();
    let service = request.service(&facts.operation.scan(&accepted.member).vocabulary).map(|s| s.name.as_str());
    let draft = Draft::of(facts, rule)?;
    let draft = match (service.filter(|name| !name.is_empty()), request.address()) {
        (Some(name), Some(address)) => draft.set(P::Target, format!("the {name} ({})", first_line(&address))),
        (Some(name), None) => draft.set(P::Target, format!("the {name}")),
        (None, address) => draft.quote(P::Target, &address.unwrap_or_default()),
    };
    let draft = draft.address(facts, &accepted.member).attribute(facts, &accepted.member, Attr::HttpStatus);
    Some(draft.absence(Some(&accepted.member), "span of the callee", "not there", accepted.member.span.end()))
}

/// Whether the dispatch went to a host that is known to send no spans.
fn uninstrumented(facts: &Facts<'_, '_, '_>, accepted: &AssignmentStep<'_, '_>) -> bool {
    let Some(rule) = facts.operation.playbook.rule(rule_ids::TRACE_HOST_UNINSTRUMENTED) else { return false };
    let Some(dispatch) = accepted.dispatch else { return false };
    let here = dispatch.request.port.is_some_and(|port| rule.ports.contains(&port));
    here || dispatch.request.host.is_some_and(|host| any_fits(&rule.hosts, host))
        || accepted.member.span_class.is(SpanRole::Dispatch) && rule.ports.is_empty()
}
