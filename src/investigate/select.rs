//! Choosing among diagnoses.

use std::collections::BTreeMap;

use super::{Filters, TimeRange};
use crate::{
    diagnosis::Diagnosis,
    playbook::Playbook,
    trace::{Micros, Time, TraceId},
};

/// Whether an operation's window overlaps the range; without an end it reaches to the clock.
pub(super) fn overlaps(d: &Diagnosis, range: TimeRange, clock: Time) -> bool {
    let Some(start) = d.start.or(d.last_activity) else { return false };
    let end = d.end.unwrap_or(clock);
    start <= range.to && end >= range.from
}

/// Whether an operation is wanted. Tags are not looked at: they are a matter of spans.
pub(super) fn fits(d: &Diagnosis, filters: &Filters, playbook: &Playbook) -> bool {
    let any = |wanted: &[String], has: &dyn Fn(&str) -> bool| wanted.is_empty() || wanted.iter().any(|w| has(w));
    let duration = d.duration_ms.map(|ms| Micros((ms * 1000.0).round() as i64));
    any(&filters.types, &|wanted| playbook.fold_type(wanted) == d.operation_type)
        && (filters.statuses.is_empty() || filters.statuses.contains(&d.status))
        && (filters.verdicts.is_empty() || filters.verdicts.contains(&d.verdict))
        && any(&filters.error_types, &|wanted| d.error_type.as_deref() == Some(wanted))
        && any(&filters.services, &|wanted| d.services.iter().any(|service| service == wanted))
        && filters.min_duration.is_none_or(|least| duration.is_some_and(|duration| duration >= least))
        && filters.max_duration.is_none_or(|most| duration.is_some_and(|duration| duration <= most))
}

/// The types of these operations, each with the services it was seen in; the most frequent type first.
pub(super) fn types(at_hand: &[&Diagnosis]) -> Vec<(String, Vec<String>)> {
    let mut all: BTreeMap<&str, (usize, Vec<String>)> = BTreeMap::new();
    for d in at_hand.iter().filter(|d| d.operation_type != "unknown") {
        let (count, services) = all.entry(&d.operation_type).or_default();
        *count += 1;
        services.extend(d.services.iter().filter(|s| !services.contains(s)).cloned().collect::<Vec<_>>());
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    all.into_iter().map(|(name, (_, services))| (name.to_owned(), services)).collect()
}

/// Puts a trace's main operation first: the one it is the main trace of, that started first.
pub(super) fn main_first(diagnoses: &mut [Diagnosis], trace: TraceId) {
    diagnoses.sort_by(|a, b| {
        let key = |d: &Diagnosis| (d.trace_id != Some(trace), d.start.is_none(), d.start);
        key(a).cmp(&key(b)).then_with(|| a.operation_id.cmp(&b.operation_id))
    });
}
