//! How an operation ended: the rules that always find a word, and the errors that decide a failure.

use crate::{
    gather::{errors::Fault, facts::Facts, operation_status::OperationStatus},
    judge::draft::Draft,
    playbook::{Attr, Confidence, Effect, Placeholder as P, RouteRole, Verdict, rule_ids},
    slice::operation_spans::Member,
};

pub(super) fn apply<'p>(facts: &Facts<'_, '_, 'p>, drafts: &mut Vec<Draft<'p>>) {
    match facts.status {
        OperationStatus::Completed => drafts.extend(completed(facts)),
        OperationStatus::Failed => {
            drafts.extend(failed_by_class(facts));
            drafts.extend(failed(facts));
        }
        OperationStatus::Cancelled => drafts.extend(cancelled(facts)),
        OperationStatus::Unknown => drafts.extend(unknown(facts)),
        OperationStatus::Pending | OperationStatus::Running => {}
    }
    drafts.extend(suppressed(facts));
    drafts.extend(resumed(facts));
    drafts.extend(begun_again(facts));
}

/// The span that says how the operation ended.
fn ending<'c, 'a, 'p>(facts: &'c Facts<'_, 'a, 'p>) -> Option<&'c Member<'a, 'p>> {
    // An end that a resume undid is not the end.
    let last = facts.states.last().filter(|change| change.status.is_terminal())?;
    facts.operation.members.get(last.member)
}

fn completed<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let draft = Draft::of(facts, rule_ids::HEALTHY_COMPLETED)?;
    Some(match ending(facts) {
        Some(member) => draft.attribute(facts, member, Attr::ToStatus).attribute(facts, member, Attr::OperationStatus),
        None => draft,
    })
    .map(|draft| match facts.operation.root() {
        Some(root) => {
            draft.status(root).attribute(facts, root, Attr::HttpStatus).attribute(facts, root, Attr::GrpcStatus)
        }
        None => draft,
    })
}

/// The playbook's class of the deciding error. Classes that speak of workers and silent services have rules of their own.
fn failed_by_class<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let origin = facts.origin.as_ref()?;
    let (class, groups) =
        origin.class.as_ref().filter(|(class, _)| !class.is_unreachable() && class.effect != Effect::Wraps)?;
    let rule = facts.operation.playbook.rule(&class.rule)?;
    if rule.verdict == Verdict::NoWorkers {
        return None;
    }
    let mut draft = Draft::of(facts, &rule.id)?.with_bindings(groups);
    if class.effect == Effect::WorkerLost {
        draft = lost_worker(facts, draft);
    }
    Some(prove_error(facts, draft))
}

/// A given-up operation: where its worker was last seen.
fn lost_worker<'p>(facts: &Facts<'_, '_, 'p>, draft: Draft<'p>) -> Draft<'p> {
    let until = facts.window.map_or(facts.context.now, |w| w.until);
    let last = facts.work_before(until);
    draft.absence(last, "span of the worker", "none after this one", until)
}

fn prove_error<'p>(facts: &Facts<'_, '_, 'p>, draft: Draft<'p>) -> Draft<'p> {
    let mut draft = draft.origin(facts);
    if let Some(member) = facts.origin.as_ref().and_then(|origin| origin.member) {
        draft = draft.error_words(facts, &member);
    }
    match ending(facts) {
        Some(member) => draft.attribute(facts, member, Attr::ToStatus),
        None => draft,
    }
}

fn failed<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let answer = facts.start_answer().filter(|_| facts.operation.id.is_none());
    if let Some(code) = answer.and_then(|r| r.status).filter(|_| no_exception(facts)) {
        let draft = Draft::of(facts, rule_ids::FAILED_START_REFUSED)?.set(P::StatusCode, code.to_string());
        let start = facts.operation.members.iter().rfind(|m| m.span_class.route_is(RouteRole::Start))?;
        return Some(draft.attribute(facts, start, Attr::HttpStatus));
    }
    Some(prove_error(facts, Draft::of(facts, rule_ids::FAILED_OPERATION)?))
}

fn no_exception(facts: &Facts<'_, '_, '_>) -> bool {
    !facts.faults.iter().any(|fault: &Fault<'_, '_>| fault.source.is_described() && !fault.wrapper)
}

/// Who ended it: by the reason that was written down, as far as the playbook's patterns know how it begins.
fn cancelled<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let reason = ending(facts).and_then(|m| facts.operation.scan(m).text(m.span, Attr::CancellationReason));
    let given_back = facts.operation.mentions.iter().rfind(|m| m.role == RouteRole::StatusUpdate);
    let by_reason = reason.as_deref().and_then(|reason| facts.operation.playbook.cancellation_rule(reason));
    let without_reason =
        if given_back.is_some() && reason.is_none() { rule_ids::CANCELLED_SHUTDOWN } else { rule_ids::CANCELLED_USER };
    let rule = by_reason.unwrap_or(without_reason);
    let mut draft = Draft::of(facts, rule)?.quote(P::Reason, reason.as_deref().unwrap_or_default());
    if ending(facts).is_none() {
        draft = draft
            .with_confidence(Confidence::Medium, "the new state is in the request's body, which traces do not carry");
    }
    if let Some(member) = ending(facts) {
        draft = draft.attribute(facts, member, Attr::ToStatus).attribute(facts, member, Attr::CancellationReason);
    }
    if let Some(mention) = given_back
        && let Some(member) = facts.operation.member(mention.scan, mention.span.ix())
    {
        draft = draft.address(facts, &member);
    }
    Some(draft)
}

fn unknown<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    if facts.operation.root_request.is_some() {
        return None;
    }
    let last = facts.operation.members.last();
    let at = facts.last_activity.unwrap_or(facts.context.now);
    let strange = facts.states.last().filter(|change| change.status == OperationStatus::Unknown);
    if let Some(change) = strange
        && let Some(member) = facts.operation.members.get(change.member)
        && let Some(draft) = Draft::of(facts, rule_ids::UNKNOWN_STATE)
    {
        let draft = draft.quote(P::State, &change.word);
        return Some(draft.attribute(facts, member, Attr::ToStatus).attribute(facts, member, Attr::OperationStatus));
    }
    Some(Draft::of(facts, rule_ids::UNKNOWN_NO_EVIDENCE)?.absence(
        last,
        "state of the operation",
        "not in the traces",
        at,
    ))
}

/// Errors below the operation that it survived.
fn suppressed<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    if facts.status == OperationStatus::Failed {
        return None;
    }
    let faults: Vec<_> = facts.faults.iter().filter(|fault| !fault.wrapper && !fault.outside).collect();
    let first = faults.first()?;
    let draft = Draft::of(facts, rule_ids::ERROR_SUPPRESSED)?.set(P::Count, faults.len().to_string()).finding_only();
    let draft = match &first.class {
        Some(class) => draft.quote(P::ErrorType, class),
        None => draft.set(P::ErrorType, "an error"),
    };
    let draft = draft.quote(P::Span, first.member.span.name());
    Some(draft.first_error(facts, &first.member).count(&first.member, "errors", faults.len()))
}

fn resumed<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let resume = facts.states.iter().find(|change| change.resuming)?;
    let member = facts.operation.members.get(resume.member)?;
    let draft = Draft::of(facts, rule_ids::ATTEMPTS_SEVERAL)?.set(P::Count, facts.attempts.to_string()).finding_only();
    Some(draft.attribute(facts, member, Attr::ToStatus))
}

/// An operation that ended, though the spans of an earlier try were cut off.
fn begun_again<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let first = facts.operation.cut_off.first()?;
    // A span says how it ended, so its work was done after all.
    ending(facts)?;
    let draft = Draft::of(facts, rule_ids::ATTEMPTS_CUT_OFF)?.quote(P::Span, first.span.name()).finding_only();
    Some(draft.absence(Some(first), "parent span", "named, but not in the trace", first.span.start()))
}
