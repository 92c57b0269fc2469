//! What was read, compared with what a question needs.
//!
//! An operation of a range may have started long before it. So the time before the range is needed too, as far back as an
//! operation may run (`lookback`), but not further than the past is recorded at all.

use diagnosis::{Basis, TimeRange};
use store::{Coverage, Gap, Interval};
use trace::{Micros, Time};

/// A range may end this much later than what was read without the answer being out of date.
pub const STALE_AFTER: Micros = Micros::from_secs(60);

/// The times that a question needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needed {
    /// The range, up to the clock.
    range: TimeRange,
    /// When the earliest operation of the range may have started.
    from: Time,
    /// How far back the past is recorded.
    recorded_from: Time,
}

/// What is missing of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Missing {
    /// Parts of the range that were not read yet.
    pub(super) of_range: Vec<Interval>,
    /// Parts of the time before that were not read yet.
    pub(super) before: Vec<Interval>,
    /// Parts of the range that cannot be read completely.
    pub(super) gaps: Vec<Gap>,
    /// Parts of the time before that cannot be read completely.
    pub(super) gaps_before: Vec<Gap>,
    /// The live edge, if the range ends too long after it.
    pub(super) stale: Option<Time>,
}

impl Needed {
    pub(super) fn new(range: TimeRange, now: Time, lookback: Micros, window: Micros) -> Self {
        let range = TimeRange { from: range.from, to: range.to.min(now) };
        let recorded_from = now - window;
        let from = Ord::min(Ord::max(range.from - lookback, recorded_from), range.from);
        Self { range, from, recorded_from }
    }

    /// All of it.
    pub(super) fn interval(self) -> Interval {
        Interval { from: self.from, ..Interval::from(self.range) }
    }

    pub(super) fn range(self) -> TimeRange {
        self.range
    }

    pub(super) fn recorded_from(self) -> Time {
        self.recorded_from
    }

    /// Whether a part of the range is older than what is recorded, so that it will not be read.
    pub(super) fn is_too_old(self, missing: &Missing) -> bool {
        missing.of_range.iter().any(|part| part.from < self.recorded_from)
    }

    pub(super) fn missing(self, coverage: &Coverage) -> Missing {
        let (Some(edge), Some(watermark)) = (coverage.live_edge, coverage.watermark) else {
            let before = self.before();
            let before = if before.is_empty() { Vec::new() } else { vec![before] };
            return Missing { of_range: vec![self.range.into()], before, ..Missing::default() };
        };
        // What is not settled yet was asked for once, up to the live edge.
        let settled = |part: Interval| Interval { to: Ord::min(part.to, watermark), ..part };
        let mut known = coverage.covered.clone();
        coverage.gaps.iter().for_each(|gap| known.insert(gap.range));
        let gaps = |part: Interval| -> Vec<Gap> {
            let touching = coverage.gaps.iter().map(|gap| Gap { range: gap.range.intersection(part), ..gap.clone() });
            touching.filter(|gap| !gap.range.is_empty()).collect()
        };
        Missing {
            of_range: known.missing_in(settled(self.range.into())),
            before: known.missing_in(settled(self.before())),
            gaps: gaps(self.range.into()),
            gaps_before: gaps(self.before()),
            stale: (self.range.to > edge + STALE_AFTER).then_some(edge),
        }
    }

    /// How much of the needed time was read, in percent, rounded down.
    pub(super) fn percent(self, missing: &Missing) -> u8 {
        let length = |part: Interval| (part.to - part.from).0.max(0) as f64;
        let unread: f64 = missing.of_range.iter().chain(&missing.before).map(|part| length(*part)).sum();
        let unread = unread + missing.gaps.iter().map(|gap| length(gap.range)).sum::<f64>();
        let all = length(self.interval()).max(1.0);
        let read = ((1.0 - unread / all) * 100.0).clamp(0.0, 100.0) as u8;
        // Rounding must not hide that something is missing.
        if unread > 0.0 { read.min(99) } else { read }
    }

    /// What of the range an answer is based on.
    pub(super) fn basis(self, coverage: &Coverage) -> Basis {
        let Coverage { live_edge, watermark, .. } = *coverage;
        let mut read = coverage.covered.clone();
        if let (Some(watermark), Some(edge)) = (watermark, live_edge) {
            read.insert(Interval { from: watermark, to: edge });
            coverage.gaps.iter().for_each(|gap| read.remove(gap.range));
        }
        let range = Interval::from(self.range);
        let parts = read.iter().map(|part| part.intersection(range)).filter(|part| !part.is_empty());
        let covered = parts.map(|part| TimeRange { from: part.from, to: Ord::min(part.to, self.range.to) }).collect();
        Basis { covered, live_edge, watermark }
    }

    fn before(self) -> Interval {
        Interval { from: self.from, to: self.range.from }
    }
}

#[cfg(test)]
mod tests {
    use store::CoverageChange;

    use super::*;

    const NOW: Time = Time(1_795_342_000_000_000);
    const HOUR: Micros = Micros::from_secs(3600);
    const DAY: Micros = Micros::from_secs(86_400);
    const MINUTE: Micros = Micros::from_secs(60);

    fn last(length: Micros) -> Needed {
        Needed::new(TimeRange { from: NOW - length, to: NOW }, NOW, Micros(2 * DAY.0), Micros(7 * DAY.0))
    }

    /// Everything from `from` up to 5 minutes before the live edge is covered.
    fn read(from: Time, edge: Time) -> Coverage {
        let watermark = edge - Micros(5 * MINUTE.0);
        let mut coverage = Coverage::default();
        coverage.apply(CoverageChange::Covered(Interval { from, to: watermark }));
        coverage.apply(CoverageChange::LiveEdge(edge));
        coverage.apply(CoverageChange::Watermark(watermark));
        coverage
    }

    #[test]
    fn operations_may_have_started_before_the_range_but_not_before_what_is_recorded() {
        assert_eq!(last(HOUR).interval().from, NOW - HOUR - Micros(2 * DAY.0));
        assert_eq!(last(Micros(6 * DAY.0)).interval().from, NOW - Micros(7 * DAY.0));
        assert_eq!(last(Micros(8 * DAY.0)).interval().from, NOW - Micros(8 * DAY.0));
        let future = Needed::new(TimeRange { from: NOW, to: NOW + HOUR }, NOW, DAY, DAY);
        assert_eq!(future.range().to, NOW, "no span lies there");
    }

    #[test]
    fn a_range_is_out_of_date_from_a_minute_after_the_live_edge_on() {
        let stale = |edge: Time| last(HOUR).missing(&read(NOW - Micros(7 * DAY.0), edge)).stale;
        assert_eq!(stale(NOW - STALE_AFTER), None);
        assert_eq!(stale(NOW - STALE_AFTER - Micros(1)), Some(NOW - STALE_AFTER - Micros(1)));
    }

    #[test]
    fn every_microsecond_of_the_range_and_of_the_time_before_counts() {
        let needed = last(HOUR);
        let missing = |from: Time| needed.missing(&read(from, NOW));
        assert_eq!(missing(needed.interval().from), Missing::default());
        let later = missing(needed.interval().from + Micros(1));
        assert_eq!((later.of_range.len(), later.before.len()), (0, 1));
        assert_eq!(needed.percent(&later), 99);
        let later = missing(NOW - HOUR + Micros(1));
        assert_eq!((later.of_range.len(), later.before.len()), (1, 1));
        assert_eq!(needed.missing(&Coverage::default()).of_range, [Interval::from(needed.range())]);
        assert_eq!(needed.percent(&needed.missing(&Coverage::default())), 0);
    }

    #[test]
    fn what_is_older_than_the_recorded_past_is_not_what_is_still_to_be_read() {
        let coverage = read(NOW - HOUR, NOW);
        let too_old = |length| last(length).is_too_old(&last(length).missing(&coverage));
        assert!(!too_old(Micros(7 * DAY.0)));
        assert!(too_old(Micros(7 * DAY.0 + 1)));
        let kept = read(NOW - Micros(30 * DAY.0), NOW);
        let needed = last(Micros(8 * DAY.0));
        assert!(!needed.is_too_old(&needed.missing(&kept)), "it is still kept");
    }

    #[test]
    fn a_gap_is_known_to_be_missing() {
        let mut coverage = read(NOW - Micros(7 * DAY.0), NOW);
        let range = Interval { from: NOW - HOUR - MINUTE, to: NOW - HOUR + MINUTE };
        coverage.apply(CoverageChange::Gap(Gap { range, reason: "too many".to_owned() }));
        let missing = last(HOUR).missing(&coverage);
        assert!(missing.of_range.is_empty() && missing.before.is_empty());
        assert_eq!(missing.gaps[0].range, Interval { from: NOW - HOUR, to: NOW - HOUR + MINUTE });
        assert_eq!(missing.gaps_before[0].range, Interval { from: NOW - HOUR - MINUTE, to: NOW - HOUR });
        let basis = last(HOUR).basis(&coverage);
        assert_eq!(basis.covered, [TimeRange { from: NOW - HOUR + MINUTE, to: NOW }]);
    }
}
