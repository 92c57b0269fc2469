//! Which times a source was read for, so that an answer can say what it is based on.
//!
//! Everything here is arithmetic on half-open intervals. Two things always hold: covered intervals are disjoint, sorted and
//! never touch, and no gap lies within a covered interval.

use serde::{Deserialize, Serialize};
use trace::{Micros, Time};

use diagnosis::TimeRange;

/// The times from `from` (inclusive) to `to` (exclusive); empty unless `from` is earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(i64, i64)", into = "(i64, i64)")]
pub struct Interval {
    /// The first time.
    pub from: Time,
    /// The first time after it.
    pub to: Time,
}

impl From<(i64, i64)> for Interval {
    fn from((from, to): (i64, i64)) -> Self {
        Self { from: Time(from), to: Time(to) }
    }
}

impl From<Interval> for (i64, i64) {
    fn from(interval: Interval) -> Self {
        (interval.from.0, interval.to.0)
    }
}

impl From<TimeRange> for Interval {
    /// The end of a range belongs to it.
    fn from(range: TimeRange) -> Self {
        Self { from: range.from, to: range.to + Micros(1) }
    }
}

impl Interval {
    /// Everything before a time.
    #[must_use]
    pub fn before(to: Time) -> Self {
        Self { from: Time(i64::MIN), to }
    }

    /// Whether it contains no time.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.from >= self.to
    }

    /// Its part that `other` contains too.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), to: self.to.min(other.to) }
    }

    /// Its parts before and after `other`.
    fn without(self, other: Self) -> impl Iterator<Item = Self> {
        let before = Self { from: self.from, to: self.to.min(other.from) };
        let after = Self { from: self.from.max(other.to), to: self.to };
        [before, after].into_iter().filter(|part| !part.is_empty())
    }
}

/// A set of times: disjoint intervals in order, none of which touch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Intervals(Vec<Interval>);

impl Intervals {
    /// The intervals in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Interval> + ExactSizeIterator {
        self.0.iter().copied()
    }

    /// Whether no time is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the times of an interval.
    pub fn insert(&mut self, mut added: Interval) {
        if added.is_empty() {
            return;
        }
        self.0.retain(|known| {
            let apart = known.to < added.from || added.to < known.from;
            if !apart {
                added = Interval { from: known.from.min(added.from), to: known.to.max(added.to) };
            }
            apart
        });
        let at = self.0.partition_point(|known| known.from < added.from);
        self.0.insert(at, added);
    }

    /// Takes the times of an interval away.
    pub fn remove(&mut self, removed: Interval) {
        if !removed.is_empty() {
            self.0 = self.0.iter().flat_map(|known| known.without(removed)).collect();
        }
    }

    /// Whether every time of an interval is in the set.
    #[must_use]
    pub fn contains(&self, interval: Interval) -> bool {
        interval.is_empty() || self.0.iter().any(|known| known.from <= interval.from && interval.to <= known.to)
    }

    /// The parts of an interval that are not in the set, in order.
    #[must_use]
    pub fn missing_in(&self, interval: Interval) -> Vec<Interval> {
        let mut missing = Self::default();
        missing.insert(interval);
        self.0.iter().for_each(|known| missing.remove(*known));
        missing.0
    }
}

/// Times whose operations could not all be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// When.
    pub range: Interval,
    /// Why, for people.
    pub reason: String,
}

/// What a source was read for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Coverage {
    /// Every span that started before it was asked for once.
    pub live_edge: Option<Time>,
    /// Every span that started before it was asked for again after it had settled.
    pub watermark: Option<Time>,
    /// The times that were read completely.
    pub covered: Intervals,
    /// The times that could not be read completely, by their start.
    pub gaps: Vec<Gap>,
    /// How far the tracing server's clock is ahead of ours (behind, if negative), where the two certainly differ by more than
    /// a few seconds.
    pub clock_skew: Option<Micros>,
    /// Whether the storage does not fill its limits reliably, so that `covered` is not proven.
    pub unproven: bool,
}

/// A step from one [`Coverage`] to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CoverageChange {
    /// These times were read completely; gaps within them are closed.
    Covered(Interval),
    /// These times must be read again.
    Uncovered(Interval),
    /// These times cannot be read completely; they are not covered any more.
    Gap(Gap),
    /// The live edge is here. It never goes back.
    LiveEdge(Time),
    /// The watermark is here. It never goes back.
    Watermark(Time),
    /// The clocks differ by this much.
    ClockSkew(Option<Micros>),
    /// Whether the storage does not fill its limits reliably.
    Unproven(bool),
}

impl Coverage {
    /// Takes a step.
    pub fn apply(&mut self, change: CoverageChange) {
        match change {
            CoverageChange::Covered(interval) => {
                self.cut_gaps(interval);
                self.covered.insert(interval);
            }
            CoverageChange::Uncovered(interval) => self.covered.remove(interval),
            CoverageChange::Gap(gap) if gap.range.is_empty() => {}
            CoverageChange::Gap(gap) => {
                self.cut_gaps(gap.range);
                self.covered.remove(gap.range);
                let at = self.gaps.partition_point(|known| known.range < gap.range);
                self.gaps.insert(at, gap);
            }
            CoverageChange::LiveEdge(at) => self.live_edge = self.live_edge.max(Some(at)),
            CoverageChange::Watermark(at) => self.watermark = self.watermark.max(Some(at)),
            CoverageChange::ClockSkew(skew) => self.clock_skew = skew,
            CoverageChange::Unproven(unproven) => self.unproven = unproven,
        }
    }

    /// Removes everything before a time: operations from then are not kept any more.
    pub fn remove_before(&mut self, time: Time) {
        let past = Interval::before(time);
        self.covered.remove(past);
        self.cut_gaps(past);
    }

    /// The parts of a range that are not covered, in order.
    #[must_use]
    pub fn missing_in(&self, range: TimeRange) -> Vec<Interval> {
        self.covered.missing_in(range.into())
    }

    /// The gaps that touch a range.
    pub fn gaps_in(&self, range: TimeRange) -> impl Iterator<Item = &Gap> {
        let interval = Interval::from(range);
        self.gaps.iter().filter(move |gap| !gap.range.intersection(interval).is_empty())
    }

    fn cut_gaps(&mut self, interval: Interval) {
        let parts = |gap: Gap| {
            let reason = gap.reason;
            gap.range.without(interval).map(move |range| Gap { range, reason: reason.clone() }).collect::<Vec<_>>()
        };
        if !interval.is_empty() {
            self.gaps = std::mem::take(&mut self.gaps).into_iter().flat_map(parts).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    const END: i64 = 24;

    fn interval(from: i64, to: i64) -> Interval {
        Interval { from: Time(from), to: Time(to) }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Cover(i64, i64),
        Uncover(i64, i64),
        Gap(i64, i64, String),
        Remove(i64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let at = || 0..END;
        let step = prop_oneof![
            3 => (at(), at()).prop_map(|(from, to)| Step::Cover(from, to)),
            1 => (at(), at()).prop_map(|(from, to)| Step::Uncover(from, to)),
            2 => (at(), at(), "[ab]").prop_map(|(from, to, why)| Step::Gap(from, to, why)),
            1 => at().prop_map(Step::Remove),
        ];
        proptest::collection::vec(step, 0..12)
    }

    proptest! {
        /// The model keeps a set of whole times and, for each time in a gap, the reason.
        #[test]
        fn coverage_is_what_a_set_of_times_would_be(steps in steps(), from in 0..END, to in 0..END) {
            let mut coverage = Coverage::default();
            let mut covered: BTreeSet<i64> = BTreeSet::new();
            let mut gaps: BTreeMap<i64, String> = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Cover(from, to) => {
                        coverage.apply(CoverageChange::Covered(interval(from, to)));
                        (from..to).for_each(|at| { covered.insert(at); gaps.remove(&at); });
                    }
                    Step::Uncover(from, to) => {
                        coverage.apply(CoverageChange::Uncovered(interval(from, to)));
                        (from..to).for_each(|at| { covered.remove(&at); });
                    }
                    Step::Gap(from, to, reason) => {
                        let gap = Gap { range: interval(from, to), reason: reason.clone() };
                        coverage.apply(CoverageChange::Gap(gap));
                        (from..to).for_each(|at| { covered.remove(&at); gaps.insert(at, reason.clone()); });
                    }
                    Step::Remove(before) => {
                        coverage.remove_before(Time(before));
                        covered.retain(|at| *at >= before);
                        gaps.retain(|at, _| *at >= before);
                    }
                }
                let known: Vec<_> = coverage.covered.iter().collect();
                prop_assert!(known.iter().all(|interval| !interval.is_empty()));
                prop_assert!(known.windows(2).all(|pair| pair[0].to < pair[1].from), "touching: {known:?}");
                prop_assert!(coverage.gaps.is_sorted_by_key(|gap| gap.range));
            }
            let times = |interval: Interval| interval.from.0.max(0)..interval.to.0.min(END);
            prop_assert_eq!(coverage.covered.iter().flat_map(times).collect::<BTreeSet<_>>(), covered.clone());
            let found = coverage.gaps.iter().flat_map(|gap| times(gap.range).map(|at| (at, gap.reason.clone())));
            let found: Vec<_> = found.collect();
            prop_assert_eq!(found.len(), gaps.len(), "gaps overlap");
            prop_assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>(), gaps);
            let asked = interval(from, to);
            let missing: BTreeSet<i64> = coverage.covered.missing_in(asked).into_iter().flat_map(times).collect();
            prop_assert_eq!(coverage.covered.contains(asked), missing.is_empty());
            prop_assert_eq!(missing, (from..to).filter(|at| !covered.contains(at)).collect::<BTreeSet<_>>());
            let json = serde_json::to_string(&coverage).unwrap();
            prop_assert_eq!(serde_json::from_str::<Coverage>(&json).unwrap(), coverage);
        }
    }

    #[test]
    fn marks_never_go_back() {
        let mut coverage = Coverage::default();
        for at in [5, 9, 7] {
            coverage.apply(CoverageChange::LiveEdge(Time(at)));
            coverage.apply(CoverageChange::Watermark(Time(at - 1)));
        }
        assert_eq!((coverage.live_edge, coverage.watermark), (Some(Time(9)), Some(Time(8))));
    }

    #[test]
    fn the_end_of_a_range_must_be_covered_too() {
        let mut coverage = Coverage::default();
        let range = TimeRange { from: Time(1), to: Time(4) };
        coverage.apply(CoverageChange::Covered(interval(1, 4)));
        assert_eq!(coverage.missing_in(range), [interval(4, 5)]);
        coverage.apply(CoverageChange::Covered(interval(4, 5)));
        assert_eq!(coverage.missing_in(range), []);
    }
}
