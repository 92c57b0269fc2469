//! Data that was not there, or came only in part.

use hashbrown::HashSet;

use super::{Draft, Facts};
use crate::{
    diagnosis::{OperationStatus, errors::Fault},
    playbook::Attr,
    trace::Value,
};

pub(super) fn apply<'p>(facts: &Facts<'_, '_, 'p>, drafts: &mut Vec<Draft<'p>>) {
    if facts.status == OperationStatus::Completed {
        drafts.extend(segments_failed(facts));
        drafts.extend(fewer_bars(facts));
    }
    drafts.extend(gate_rejected(facts));
}

/// Data requests that failed under a green status: spans that would carry received bars and carry an error instead.
fn segments_failed<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let bars = facts.case.playbook.keys(Attr::BarsReceived);
    let delivering: HashSet<&str> = facts
        .case
        .members
        .iter()
        .filter(|m| bars.iter().any(|key| m.span.attribute(key).is_some()))
        .map(|m| m.span.name())
        .collect();
    let requests = facts.case.members.iter().filter(|m| {
        delivering.contains(&m.span.name()) || facts.case.playbook.steps().iter().any(|s| fetches(s, m.span.name()))
    });
    let requests: HashSet<_> = requests.map(|m| (m.scan, m.span.ix())).collect();
    let failed: Vec<&Fault<'_, 'p>> = facts
        .faults
        .iter()
        .filter(|f| f.exception || f.member.span.is_error())
        .filter(|f| requests.contains(&(f.member.scan, f.member.span.ix())))
        .collect();
    let first = failed.first()?;
    let spans: HashSet<_> = failed.iter().map(|f| (f.member.scan, f.member.span.ix())).collect();
    let mut draft = Draft::of(facts, "data.segments_failed")?
        .set("count", spans.len().to_string())
        .set("total", requests.len().to_string())
        .set("error_type", first.class.clone().unwrap_or_default())
        .set("message", first.message.unwrap_or_default());
    for fault in &failed {
        draft = draft.event(&fault.member, "exception.type", fault.class.as_deref().unwrap_or("error"));
    }
    Some(draft)
}

/// Steps whose measured attribute is the latency of a data request.
fn fetches(step: &crate::playbook::Step, name: &str) -> bool {
    step.attribute == Some(Attr::LatencyMs) && crate::playbook::any_fits(&step.spans, name)
}

fn fewer_bars<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let number = |m, attr| facts.case.scan(m).get(m.span, attr).and_then(Value::as_i64);
    let pairs: Vec<_> = facts
        .case
        .members
        .iter()
        .filter_map(|m| Some((m, number(m, Attr::BarsReceived)?, number(m, Attr::BarsRequested)?)))
        .collect();
    let received = pairs.iter().fold(0i64, |sum, (_, received, _)| sum.saturating_add(*received));
    let requested = pairs.iter().fold(0i64, |sum, (_, _, requested)| sum.saturating_add(*requested));
    if received >= requested {
        return None;
    }
    let (member, ..) = pairs.iter().find(|(_, received, requested)| received < requested)?;
    let draft =
        Draft::of(facts, "data.fewer_bars")?.set("value", received.to_string()).set("total", requested.to_string());
    Some(draft.attribute(facts, member, Attr::BarsReceived).attribute(facts, member, Attr::BarsRequested))
}

fn gate_rejected<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let rejected = facts
        .case
        .members
        .iter()
        .rfind(|m| facts.case.scan(m).get(m.span, Attr::GatePassed).and_then(Value::as_bool) == Some(false))?;
    let text = |attr| facts.case.scan(rejected).text(rejected.span, attr).unwrap_or_default();
    let draft = Draft::of(facts, "quality.gate_rejected")?
        .set("gate", text(Attr::GateName))
        .set("reason", text(Attr::GateReason))
        .aside();
    Some(draft.attribute(facts, rejected, Attr::GatePassed).attribute(facts, rejected, Attr::GateReason))
}
