//! Data that was not there, or came only in part.

use hashbrown::HashSet;

use crate::{
    gather::{errors::Fault, facts::Facts, operation_status::OperationStatus},
    judge::draft::Draft,
    playbook::{Attr, Placeholder as P, SpanRole, rule_ids},
};
use trace::Value;

pub(super) fn apply<'p>(facts: &Facts<'_, '_, 'p>, drafts: &mut Vec<Draft<'p>>) {
    if facts.status == OperationStatus::Completed {
        drafts.extend(segments_failed(facts));
        drafts.extend(fewer_items(facts));
    }
    drafts.extend(check_failed(facts));
}

/// Data requests that failed although the operation completed: spans that have an error instead of received items.
fn segments_failed<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let received = facts.operation.playbook.keys(Attr::ItemsReceived);
    let delivering: HashSet<&str> = facts
        .operation
        .members
        .iter()
        .filter(|m| received.iter().any(|key| m.span.attribute(key).is_some()))
        .map(|m| m.span.name())
        .collect();
    let requests = facts
        .operation
        .members
        .iter()
        .filter(|m| delivering.contains(&m.span.name()) || m.span_class.is(SpanRole::DataRequest));
    let requests: HashSet<_> = requests.map(|m| (m.scan, m.span.ix())).collect();
    let failed = facts.faults.iter().filter(|f| requests.contains(&(f.member.scan, f.member.span.ix())));
    let failed: Vec<&Fault<'_, 'p>> = failed.collect();
    let first = failed.iter().find(|f| !f.wrapper).or(failed.first())?;
    let mut spans = HashSet::new();
    let once = failed.iter().filter(|f| spans.insert((f.member.scan, f.member.span.ix())));
    let proven = once.map(|f| f.member).collect::<Vec<_>>();
    let draft = Draft::of(facts, rule_ids::DATA_SEGMENTS_FAILED)?
        .set(P::Count, proven.len().to_string())
        .set(P::Total, requests.len().to_string())
        .quote(P::ErrorType, first.class.as_deref().unwrap_or_default())
        .quote(P::Message, first.message.as_deref().unwrap_or_default())
        .count(&first.member, "failed data requests", proven.len());
    Some(proven.iter().fold(draft, |draft, member| draft.first_error(facts, member)))
}

/// Items that are missing in some data requests. What other requests brought beyond theirs does not make up for them.
fn fewer_items<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let number = |m, attr| facts.operation.scan(m).get(m.span, attr).and_then(Value::as_i64);
    let segment = |m| Some((m, number(m, Attr::ItemsReceived)?, number(m, Attr::ItemsRequested)?));
    let segments: Vec<_> = facts.operation.members.iter().filter_map(segment).collect();
    let sum = |of: &dyn Fn(i64, i64) -> i64| {
        segments.iter().fold(0i64, |sum, (_, received, requested)| sum.saturating_add(of(*received, *requested)))
    };
    let came = sum(&|received, requested| received.min(requested));
    let requested = sum(&|_, requested| requested);
    let short: Vec<_> = segments.iter().filter(|(_, received, requested)| received < requested).collect();
    let (first, ..) = short.first()?;
    let draft = Draft::of(facts, rule_ids::DATA_FEWER_BARS)?
        .set(P::Value, came.to_string())
        .set(P::Total, requested.to_string())
        .count(first, "data requests that brought less than requested", short.len());
    Some(short.iter().fold(draft, |draft, (member, ..)| {
        draft.attribute(facts, member, Attr::ItemsReceived).attribute(facts, member, Attr::ItemsRequested)
    }))
}

fn check_failed<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let rejected =
        facts.operation.members.iter().rfind(|m| {
            facts.operation.scan(m).get(m.span, Attr::CheckPassed).and_then(Value::as_bool) == Some(false)
        })?;
    let text = |attr| facts.operation.scan(rejected).text(rejected.span, attr).unwrap_or_default();
    let draft = Draft::of(facts, rule_ids::QUALITY_GATE_REJECTED)?
        .quote(P::Check, &text(Attr::CheckName))
        .quote(P::Reason, &text(Attr::CheckReason))
        .finding_only();
    Some(draft.attribute(facts, rejected, Attr::CheckPassed).attribute(facts, rejected, Attr::CheckReason))
}
