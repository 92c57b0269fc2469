//! What is usual for an operation: the median of comparable completed ones.

use std::collections::{BTreeMap, HashSet};

use super::{Comparable, case::Case, facts::Facts};
use crate::trace::{Micros, Time};

/// Fewer comparable operations than this are no baseline.
const AT_LEAST: usize = 5;
/// Only the newest of them count.
const AT_MOST: usize = 50;
const DAYS_7: Micros = Micros::from_secs(7 * 86_400);

type Key = (String, Vec<Option<String>>);

/// Completed operations by type and attributes, newest first.
#[derive(Debug, Default)]
pub(super) struct Baselines(BTreeMap<Key, Vec<Comparable>>);

impl Baselines {
    pub(super) fn new<'c>(completed: impl Iterator<Item = &'c Comparable>) -> Self {
        let mut groups: BTreeMap<Key, Vec<Comparable>> = BTreeMap::new();
        let mut known: HashSet<&str> = HashSet::new();
        for comparable in completed.filter(|c| known.insert(&c.operation_id)) {
            let group = groups.entry((comparable.operation_type.clone(), comparable.key.clone())).or_default();
            group.push(comparable.clone());
        }
        for group in groups.values_mut() {
            group.sort_by(|a, b| (b.end, &a.operation_id).cmp(&(a.end, &b.operation_id)));
        }
        Self(groups)
    }

    /// The median duration of at least 5 others that ended within 7 days before `at`.
    pub(super) fn of(&self, facts: &Facts<'_, '_, '_>, at: Time) -> Option<Micros> {
        let group = self.0.get(&(facts.operation_type.clone(), facts.comparable.clone()))?;
        let past = group.get(group.partition_point(|c| c.end > at)..).unwrap_or_default();
        let mut durations: Vec<Micros> = past
            .iter()
            .take_while(|c| c.end + DAYS_7 >= at)
            .filter(|c| Some(c.operation_id.as_str()) != facts.case.id)
            .take(AT_MOST)
            .map(|c| c.duration)
            .collect();
        if durations.len() < AT_LEAST {
            return None;
        }
        durations.sort_unstable();
        let middle = durations.len() / 2;
        let upper = durations.get(middle)?.0;
        let lower = if durations.len().is_multiple_of(2) { durations.get(middle - 1)?.0 } else { upper };
        Some(Micros(i64::midpoint(lower, upper)))
    }
}

/// The values that must be equal for two operations to be compared.
pub(super) fn key(case: &Case<'_, '_>) -> Vec<Option<String>> {
    let value = |nth| case.members.iter().find_map(|m| case.scan(m).lexicon.comparable(m.span, nth));
    (0..case.playbook.comparable_by().len()).map(|nth| value(nth).map(|v| v.to_text().into_owned())).collect()
}
