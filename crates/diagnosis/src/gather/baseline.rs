//! What is usual for an operation: the median of comparable completed ones, as a whole and section by section.
//!
//! Comparable are operations of the same type with equal values of the playbook's `comparable_by` attributes that ended
//! within the baseline window before the operation did (or before the clock, while it runs), wherever they were read
//! from. What ended before the window or after the operation changes nothing.

use hashbrown::{HashMap, HashSet};

use super::{comparable::Comparable, facts::Facts, path::ComparableKey};
use crate::playbook::Thresholds;
use trace::{Micros, Time};

/// Type and values of the attributes that must be equal.
type Key<'c> = (&'c str, &'c [Option<String>]);

/// Completed operations by type and attributes, newest first.
pub(crate) struct Baselines<'c> {
    groups: HashMap<Key<'c>, Vec<&'c Comparable>>,
    thresholds: &'c Thresholds,
    window: Micros,
}

impl<'c> Baselines<'c> {
    pub(crate) fn new(
        completed: impl Iterator<Item = &'c Comparable>,
        thresholds: &'c Thresholds,
        window: Micros,
    ) -> Self {
        let mut groups: HashMap<Key<'c>, Vec<&'c Comparable>> = HashMap::new();
        let mut known: HashSet<&str> = HashSet::new();
        for comparable in completed.filter(|c| known.insert(&c.operation_id)) {
            groups.entry((&comparable.operation_type, &comparable.key)).or_default().push(comparable);
        }
        for group in groups.values_mut() {
            group.sort_by(|a, b| (b.end, &a.operation_id).cmp(&(a.end, &b.operation_id)));
        }
        Self { groups, thresholds, window }
    }

    /// What was usual for an operation at a time; `None` with too few others to say so.
    pub(crate) fn of(&self, facts: &Facts<'_, '_, '_>, at: Time) -> Option<Baseline<'c>> {
        let group = self.groups.get(&(facts.operation_type.as_str(), facts.comparable.as_slice()))?;
        let own = facts.operation.key();
        let past = group.get(group.partition_point(|c| c.end > at)..).unwrap_or_default().iter().copied();
        let operations: Vec<&Comparable> = past
            .take_while(|c| c.end + self.window >= at)
            .filter(|c| Some(&c.operation_id) != own.as_ref())
            .take(self.thresholds.baseline_max_operations)
            .collect();
        let least = self.thresholds.baseline_min_operations;
        let duration = median(operations.iter().map(|c| c.duration.0).collect(), least)?;
        Some(Baseline { operations, least, duration })
    }
}

/// The comparable operations of one operation.
pub(crate) struct Baseline<'c> {
    operations: Vec<&'c Comparable>,
    least: usize,
    /// The median of their durations.
    pub(crate) duration: Micros,
}

impl Baseline<'_> {
    /// How long all runs of a section usually take together on the path of an operation.
    pub(crate) fn section(&self, key: ComparableKey<'_>) -> Option<Micros> {
        self.median_of(key, |total, _| total.0)
    }

    /// How long one run of a section usually takes on the path.
    pub(crate) fn run(&self, key: ComparableKey<'_>) -> Option<Micros> {
        self.median_of(key, |total, runs| total.0 / i64::from(runs.max(1)))
    }

    fn median_of(&self, key: ComparableKey<'_>, value: impl Fn(Micros, u32) -> i64) -> Option<Micros> {
        let known = self.operations.iter().filter_map(|c| c.sections.time_of(key));
        median(known.map(|(total, runs)| value(total, runs)).collect(), self.least)
    }
}

/// The middle of at least so many values.
fn median(mut values: Vec<i64>, least: usize) -> Option<Micros> {
    if values.len() < least {
        return None;
    }
    values.sort_unstable();
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    let lower = if values.len().is_multiple_of(2) { *values.get(middle - 1)? } else { upper };
    Some(Micros(i64::midpoint(lower, upper)))
}
