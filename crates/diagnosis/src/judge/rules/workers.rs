//! Worker selection.

use crate::{
    gather::{facts::Facts, operation_status::OperationStatus},
    judge::draft::Draft,
    playbook::{Attr, Placeholder as P, Verdict, WorkerStatus, rule_ids},
};

pub(super) fn apply<'p>(facts: &Facts<'_, '_, 'p>, drafts: &mut Vec<Draft<'p>>) {
    let failed = facts.status == OperationStatus::Failed;
    drafts.extend(retried(facts, failed));
    let placed = facts.workers.accepted.is_some();
    if !placed && facts.status != OperationStatus::Completed {
        drafts.extend(selection(facts));
        drafts.extend(all_refused(facts, failed));
    }
    if !placed || failed {
        drafts.extend(by_error(facts));
    }
}

fn selection<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let selection = facts.workers.selection.as_ref()?;
    let rule = match selection.status? {
        WorkerStatus::Success => return None,
        WorkerStatus::NoWorkersStarted => rule_ids::WORKER_NONE_REGISTERED,
        WorkerStatus::NoCapableWorkers => rule_ids::WORKER_NONE_CAPABLE,
        WorkerStatus::AllWorkersBusy => rule_ids::WORKER_ALL_BUSY,
        WorkerStatus::NoWorkersAvailable => rule_ids::WORKER_UNAVAILABLE,
    };
    let count = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    let member = &selection.member;
    let proofs = [Attr::WorkerTotal, Attr::WorkerCapable, Attr::WorkerAvailable, Attr::WorkerStatus, Attr::WorkerType];
    let draft = Draft::of(facts, rule)?
        .set(P::Total, count(selection.total))
        .set(P::Capable, count(selection.capable))
        .set(P::Available, count(selection.available));
    Some(proofs.into_iter().fold(draft, |draft, attr| draft.attribute(facts, member, attr)))
}

fn all_refused<'p>(facts: &Facts<'_, '_, 'p>, failed: bool) -> Option<Draft<'p>> {
    let refused = &facts.workers.refused;
    if !failed || refused.is_empty() || refused.len() < facts.workers.dispatches {
        return None;
    }
    let first = refused.first()?;
    let draft = Draft::of(facts, rule_ids::WORKER_ALL_REFUSED)?.set(P::Count, refused.len().to_string()).count(
        &first.member,
        "refused dispatches",
        refused.len(),
    );
    Some(refused.iter().fold(draft, |draft, choice| {
        draft.attribute(facts, &choice.member, Attr::HttpStatus).address(facts, &choice.member)
    }))
}

/// Training selections leave no span of their own: only the error shows what happened.
fn by_error<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let origin = facts.origin.as_ref()?;
    let (class, groups) = origin.class.as_ref()?;
    let rule = facts.operation.playbook.rule(&class.rule)?;
    let counted = facts.workers.selection.as_ref().is_some_and(|s| s.status != Some(WorkerStatus::Success));
    if rule.verdict != Verdict::NoWorkers || counted {
        return None;
    }
    origin.member?;
    let draft =
        Draft::of(facts, &rule.id)?.with_bindings(groups).set(P::Count, facts.workers.refused.len().max(1).to_string());
    Some(draft.origin(facts))
}

fn retried<'p>(facts: &Facts<'_, '_, 'p>, failed: bool) -> Option<Draft<'p>> {
    if failed {
        return None;
    }
    if let Some(first) = facts.workers.refused.first().filter(|_| facts.workers.accepted.is_some()) {
        let count = facts.workers.refused.len().to_string();
        let draft = Draft::of(facts, rule_ids::WORKER_RETRIED)?.set(P::Count, count).finding_only();
        return Some(draft.attribute(facts, &first.member, Attr::HttpStatus));
    }
    if facts.operation.refused_starts > 0 {
        let count = (facts.operation.refused_starts + 1).to_string();
        return Some(Draft::of(facts, rule_ids::WORKER_START_RETRIED)?.set(P::Count, count).finding_only());
    }
    None
}
