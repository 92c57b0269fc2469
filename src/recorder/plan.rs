//! Decides what a recorder does next. Pure: what is covered, the clock and the results of earlier tasks go in, a task comes
//! out.
//!
//! Fresh operations come first, then those that are still open, then the settled read of what has become old enough, and
//! last the past, newest first. Parts of it that failed again and again are gaps, which are tried again from time to time. A
//! task that fails is repeated after a pause that doubles with every failure.

use store::{Coverage, Interval, Intervals};
use trace::{Micros, Time};

/// How much the first read covers: what most dashboards show.
const FIRST_READ: Micros = Micros::from_secs(3600);
/// How often what is new is read.
const LIVE_EVERY: Micros = Micros::from_secs(15);
/// How far a live read goes back behind the live edge: spans arrive seconds after their end.
const LIVE_OVERLAP: Micros = Micros::from_secs(20);
/// After this long the spans that started at a time have arrived, long ones aside.
pub(super) const SETTLED_AFTER: Micros = Micros::from_secs(300);
/// How often what has settled is read again.
const SETTLED_EVERY: Micros = Micros::from_secs(60);
/// How often spans are searched that lasted so long that the settled read came too early.
const LONG_EVERY: Micros = Micros::from_secs(300);
/// Spans from this length on are searched for so. Shorter ones have arrived by the settled read.
pub(super) const LONG_SPAN: Micros = Micros::from_secs(240);
/// How often open operations are looked after.
const OPEN_EVERY: Micros = Micros::from_secs(15);
/// How often old operations are deleted.
const PRUNE_EVERY: Micros = Micros::from_secs(3600);
/// The length of the first step into the past, and the bounds of later ones.
const FIRST_STEP: Micros = Micros::from_secs(900);
const SHORTEST_STEP: Micros = Micros::from_secs(60);
const LONGEST_STEP: Micros = Micros::from_secs(6 * 3600);
/// A step that found fewer traces is followed by one twice as long …
const FEW_TRACES: usize = 200;
/// … and one that found more by one half as long.
const MANY_TRACES: usize = 800;
/// The first pause after a failure, and the longest.
const FIRST_PAUSE: Micros = Micros::from_secs(1);
const LONGEST_PAUSE: Micros = Micros::from_secs(60);
/// After so many failures in a row a part of the past is reported as a gap.
const MOST_FAILURES: u32 = 5;
/// How often gaps are read again: what failed may have been repaired.
const GAPS_EVERY: Micros = Micros::from_secs(1800);

/// Something to do, ended by one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Read what started in this range for the first time.
    Live(Interval),
    /// Read again what started in this range: its spans have arrived.
    Settled(Interval),
    /// Read a part of the past.
    Fill(Interval),
    /// Find long spans that started in this range.
    LongSpans(Interval),
    /// Read open operations again, and close those that have ended.
    Open,
    /// Judge marked operations again.
    Rejudge,
    /// Delete what is older than the retention.
    Prune,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Do this.
    Do(Task),
    /// Nothing before this time.
    Wait(Time),
}

/// The state of a recorder as far as it decides what comes next.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    history: Micros,
    lookback: Micros,
    coverage: Coverage,
    wanted: Option<Interval>,
    step: Micros,
    live_at: Time,
    long_at: Time,
    open_at: Time,
    prune_at: Time,
    gaps_at: Time,
    /// What was read since `gaps_at` was last reached.
    tried: Intervals,
    has_marks: bool,
    pause_until: Time,
    failures: u32,
    fill_failures: u32,
}

impl Plan {
    /// Goes on from what is covered. `history` says how far back the past is read, `lookback` how far back long spans may
    /// have started.
    pub(super) fn new(coverage: Coverage, history: Micros, lookback: Micros) -> Self {
        let past = Time(i64::MIN / 2);
        Self {
            history,
            lookback,
            coverage,
            wanted: None,
            step: FIRST_STEP,
            live_at: past,
            long_at: past,
            open_at: past,
            prune_at: past,
            gaps_at: past,
            tried: Intervals::default(),
            has_marks: true,
            pause_until: past,
            failures: 0,
            fill_failures: 0,
        }
    }

    /// What is covered.
    pub(super) fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// This is covered now.
    pub(super) fn cover(&mut self, coverage: Coverage) {
        self.coverage = coverage;
    }

    /// A range that somebody looks at; its missing parts are filled first.
    pub(super) fn want(&mut self, range: Interval) {
        self.wanted = Some(range);
    }

    /// Whether the whole history up to the watermark is covered or reported as a gap, and no operation waits to be judged
    /// again.
    pub(super) fn has_caught_up(&self, now: Time) -> bool {
        self.coverage.watermark.is_some() && self.missing(self.past(now)).is_none() && !self.has_marks
    }

    /// What to do at this time.
    pub(super) fn next(&mut self, now: Time) -> Next {
        if now < self.pause_until {
            return Next::Wait(self.pause_until);
        }
        if now >= self.live_at {
            return Next::Do(Task::Live(self.live(now)));
        }
        let (Some(_), Some(watermark)) = (self.coverage.live_edge, self.coverage.watermark) else {
            return Next::Wait(self.live_at);
        };
        let settled = now - SETTLED_AFTER;
        if settled - watermark >= SETTLED_EVERY {
            return Next::Do(Task::Settled(Interval { from: watermark, to: settled }));
        }
        if now >= self.open_at {
            return Next::Do(Task::Open);
        }
        if now >= self.long_at {
            return Next::Do(Task::LongSpans(Interval { from: now - self.lookback, to: watermark }));
        }
        if let Some(missing) = self.missing(self.past(now)) {
            let from = Ord::max(missing.from, missing.to - self.step);
            return Next::Do(Task::Fill(Interval { from, to: missing.to }));
        }
        if self.has_marks {
            return Next::Do(Task::Rejudge);
        }
        if now >= self.gaps_at {
            self.gaps_at = now + GAPS_EVERY;
            self.tried = Intervals::default();
        }
        if let Some(gap) = self.gap(self.past(now)) {
            return Next::Do(Task::Fill(gap));
        }
        if now >= self.prune_at {
            return Next::Do(Task::Prune);
        }
        let settled_at = watermark + SETTLED_AFTER + SETTLED_EVERY;
        let times = [self.live_at, settled_at, self.open_at, self.long_at, self.prune_at];
        Next::Wait(times.into_iter().fold(self.live_at, Ord::min))
    }

    /// A task has ended: this is covered now, and it found so many traces.
    pub(super) fn succeeded(&mut self, task: &Task, now: Time, coverage: Coverage, traces: usize, has_marks: bool) {
        self.coverage = coverage;
        self.failures = 0;
        self.has_marks = has_marks;
        match task {
            Task::Live(_) => self.live_at = now + LIVE_EVERY,
            Task::Open => self.open_at = now + OPEN_EVERY,
            Task::LongSpans(_) => self.long_at = now + LONG_EVERY,
            Task::Prune => self.prune_at = now + PRUNE_EVERY,
            Task::Fill(range) => {
                self.tried.insert(*range);
                self.fill_failures = 0;
                if traces < FEW_TRACES {
                    self.step = Ord::min(Micros(self.step.0 * 2), LONGEST_STEP);
                } else if traces > MANY_TRACES {
                    self.step = Ord::max(Micros(self.step.0 / 2), SHORTEST_STEP);
                }
            }
            Task::Settled(_) | Task::Rejudge => {}
        }
    }

    /// A task has failed. `jitter` from 0 to 1 spreads the repetitions of several recorders. Returns whether the task is
    /// given up: then its range is a gap.
    pub(super) fn failed(&mut self, task: &Task, now: Time, jitter: f64) -> bool {
        let doubled = FIRST_PAUSE.0.saturating_mul(1 << self.failures.min(16));
        let pause = doubled.min(LONGEST_PAUSE.0) as f64 * (0.5 + jitter.clamp(0.0, 1.0) / 2.0);
        self.failures = self.failures.saturating_add(1);
        self.pause_until = now + Micros(pause as i64);
        if let Task::Fill(range) = task {
            self.tried.insert(*range);
            self.fill_failures += 1;
            self.step = Ord::max(Micros(self.step.0 / 2), SHORTEST_STEP);
        }
        let gives_up = self.fill_failures >= MOST_FAILURES;
        if gives_up {
            self.fill_failures = 0;
        }
        gives_up
    }

    /// From the live edge on, or the last hour after a longer pause: the part between is filled like the past.
    fn live(&self, now: Time) -> Interval {
        let from = match self.coverage.live_edge {
            Some(edge) => Ord::max(Ord::min(edge, now) - LIVE_OVERLAP, now - FIRST_READ),
            None => now - FIRST_READ,
        };
        Interval { from, to: now }
    }

    fn past(&self, now: Time) -> Interval {
        let to = self.coverage.watermark.unwrap_or(now);
        Interval { from: now - self.history, to }
    }

    /// The newest gap of a range that was not tried again yet.
    fn gap(&self, range: Interval) -> Option<Interval> {
        let parts = self.coverage.gaps.iter().rev().map(|gap| gap.range.intersection(range));
        parts.into_iter().find(|part| !part.is_empty() && !self.tried.contains(*part))
    }

    /// The newest part of a range that is neither covered nor a gap, within what is wanted if there is such a part.
    fn missing(&self, range: Interval) -> Option<Interval> {
        let mut known = self.coverage.covered.clone();
        self.coverage.gaps.iter().for_each(|gap| known.insert(gap.range));
        let newest = |range: Interval| known.missing_in(range).into_iter().next_back();
        let wanted = self.wanted.map(|wanted| wanted.intersection(range)).filter(|wanted| !wanted.is_empty());
        wanted.and_then(newest).or_else(|| newest(range))
    }
}

/// What a live read proves: the live edge, and behind it what had settled already.
pub(super) fn settled_part(range: Interval, now: Time) -> Option<Interval> {
    let settled = Interval { from: range.from, to: now - SETTLED_AFTER };
    (!settled.is_empty()).then_some(settled)
}

#[cfg(test)]
mod tests {
    use store::{CoverageChange, Gap};

    use super::*;

    const NOW: Time = Time(1_795_342_000_000_000);
    const HOUR: Micros = Micros::from_secs(3600);
    const DAY: Micros = Micros::from_secs(86_400);

    fn seconds(n: i64) -> Micros {
        Micros::from_secs(n)
    }

    fn plan(coverage: Coverage) -> Plan {
        Plan::new(coverage, DAY, DAY)
    }

    /// What the commit of a task makes of the coverage.
    fn after(task: &Task, now: Time, coverage: &Coverage) -> Coverage {
        let mut coverage = coverage.clone();
        match task {
            Task::Live(range) => {
                coverage.apply(CoverageChange::LiveEdge(range.to));
                if let Some(settled) = settled_part(*range, now) {
                    coverage.apply(CoverageChange::Covered(settled));
                    coverage.apply(CoverageChange::Watermark(settled.to));
                }
            }
            Task::Settled(range) => {
                coverage.apply(CoverageChange::Covered(*range));
                coverage.apply(CoverageChange::Watermark(range.to));
            }
            Task::Fill(range) => coverage.apply(CoverageChange::Covered(*range)),
            _ => {}
        }
        coverage
    }

    /// Runs a plan for some time; every task takes a second and finds `traces` traces.
    fn simulate(plan: &mut Plan, from: Time, length: Micros, traces: usize) -> Vec<(Time, Task)> {
        let (mut now, mut done) = (from, Vec::new());
        while now < from + length {
            match plan.next(now) {
                Next::Wait(until) => {
                    assert!(until > now, "a wait makes progress");
                    now = until;
                }
                Next::Do(task) => {
                    let coverage = after(&task, now, plan.coverage());
                    now = now + seconds(1);
                    plan.succeeded(&task, now, coverage, traces, false);
                    done.push((now, task));
                }
            }
        }
        done
    }

    #[test]
    fn the_last_hour_comes_first_then_the_past_newest_first() {
        let mut plan = plan(Coverage::default());
        assert_eq!(plan.next(NOW), Next::Do(Task::Live(Interval { from: NOW - HOUR, to: NOW })));
        let done = simulate(&mut plan, NOW, seconds(40), 1);
        let fills: Vec<Interval> = done
            .iter()
            .filter_map(|(_, task)| match task {
                Task::Fill(range) => Some(*range),
                _ => None,
            })
            .collect();
        assert_eq!(fills[0], Interval { from: NOW - HOUR - seconds(900), to: NOW - HOUR });
        assert!(fills.windows(2).all(|two| two[1].to == two[0].from), "{fills:?}");
        assert!(fills[1].to - fills[1].from > fills[0].to - fills[0].from, "steps grow where little is found");
    }

    #[test]
    fn a_day_is_caught_up_and_stays_so_with_few_tasks() {
        let mut plan = plan(Coverage::default());
        simulate(&mut plan, NOW, seconds(60), 1);
        let now = NOW + seconds(60);
        assert!(plan.has_caught_up(now));
        let done = simulate(&mut plan, now, HOUR, 1);
        let count = |of: &dyn Fn(&Task) -> bool| done.iter().filter(|(_, task)| of(task)).count();
        assert!((220..=240).contains(&count(&|task| matches!(task, Task::Live(_)))), "every 15 s");
        assert!((55..=60).contains(&count(&|task| matches!(task, Task::Settled(_)))), "every minute");
        assert_eq!(count(&|task| matches!(task, Task::LongSpans(_))), 12, "every 5 minutes");
        assert_eq!(count(&|task| matches!(task, Task::Fill(_))), 0, "nothing is missing");
        let watermark = plan.coverage().watermark.unwrap();
        assert!(now + HOUR - watermark <= SETTLED_AFTER + SETTLED_EVERY + seconds(5));
    }

    #[test]
    fn a_pause_leaves_a_hole_that_is_filled() {
        let mut first = plan(Coverage::default());
        simulate(&mut first, NOW, seconds(90), 1);
        let later = NOW + seconds(5 * 3600);
        let mut resumed = plan(first.coverage().clone());
        let done = simulate(&mut resumed, later, seconds(60), 1);
        assert_eq!(done[0].1, Task::Live(Interval { from: later - HOUR, to: later }));
        let old = first.coverage().watermark.unwrap();
        let hole = Interval { from: old, to: later - HOUR };
        assert!(done.iter().any(|(_, task)| matches!(task, Task::Fill(range) if range.to == hole.to)));
        assert!(resumed.coverage().covered.contains(Interval { from: old, to: later - SETTLED_AFTER }));
    }

    #[test]
    fn what_is_wanted_is_filled_first() {
        let mut plan = plan(Coverage::default());
        simulate(&mut plan, NOW, seconds(1), 1);
        let wanted = Interval { from: NOW - seconds(20 * 3600), to: NOW - seconds(19 * 3600) };
        plan.want(wanted);
        let done = simulate(&mut plan, NOW + seconds(2), seconds(10), 1);
        let fill = done.iter().find_map(|(_, task)| if let Task::Fill(range) = task { Some(*range) } else { None });
        assert_eq!(fill.map(|range| range.to), Some(wanted.to));
    }

    #[test]
    fn steps_shrink_where_much_is_found_and_grow_where_little_is() {
        for (traces, length) in [(MANY_TRACES, FIRST_STEP), (MANY_TRACES + 1, Micros(FIRST_STEP.0 / 2))] {
            let mut plan = plan(Coverage::default());
            plan.succeeded(&Task::Fill(Interval { from: NOW, to: NOW }), NOW, Coverage::default(), traces, false);
            assert_eq!(plan.step, length, "{traces}");
        }
        for (traces, length) in [(FEW_TRACES - 1, Micros(FIRST_STEP.0 * 2)), (FEW_TRACES, FIRST_STEP)] {
            let mut plan = plan(Coverage::default());
            plan.succeeded(&Task::Fill(Interval { from: NOW, to: NOW }), NOW, Coverage::default(), traces, false);
            assert_eq!(plan.step, length, "{traces}");
        }
    }

    #[test]
    fn failures_pause_longer_and_longer_and_only_a_part_of_the_past_is_given_up() {
        let mut plan = plan(Coverage::default());
        let live = Task::Live(Interval { from: NOW - HOUR, to: NOW });
        let pauses: Vec<i64> = (0..8)
            .map(|_| {
                assert!(!plan.failed(&live, NOW, 1.0));
                (plan.pause_until - NOW).0 / 1_000_000
            })
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(plan.next(NOW), Next::Wait(NOW + LONGEST_PAUSE));
        plan.failed(&live, NOW, 0.0);
        assert_eq!(plan.pause_until - NOW, seconds(30), "jitter takes up to half of the pause away");
        let fill = Task::Fill(Interval { from: NOW - HOUR, to: NOW });
        let given_up: Vec<bool> = (0..MOST_FAILURES).map(|_| plan.failed(&fill, NOW, 0.5)).collect();
        assert_eq!(given_up, [false, false, false, false, true]);
    }

    #[test]
    fn a_gap_counts_as_read() {
        let mut coverage = Coverage::default();
        coverage.apply(CoverageChange::LiveEdge(NOW));
        coverage.apply(CoverageChange::Watermark(NOW - SETTLED_AFTER));
        let past = Interval { from: NOW - DAY, to: NOW - SETTLED_AFTER };
        coverage.apply(CoverageChange::Gap(Gap { range: past, reason: "too many".to_owned() }));
        let mut plan = plan(coverage.clone());
        plan.succeeded(&Task::Rejudge, NOW, coverage, 0, false);
        assert!(plan.has_caught_up(NOW));
    }

    #[test]
    fn gaps_are_tried_again_every_half_hour() {
        let mut coverage = Coverage::default();
        coverage.apply(CoverageChange::LiveEdge(NOW));
        coverage.apply(CoverageChange::Watermark(NOW - SETTLED_AFTER));
        coverage.apply(CoverageChange::Covered(Interval { from: NOW - DAY, to: NOW - SETTLED_AFTER }));
        let gap = Interval { from: NOW - HOUR, to: NOW - HOUR + seconds(60) };
        coverage.apply(CoverageChange::Gap(Gap { range: gap, reason: "connection refused".to_owned() }));
        let mut plan = plan(coverage);
        let mut tries = Vec::new();
        let mut now = NOW;
        while now < NOW + HOUR {
            match plan.next(now) {
                Next::Wait(until) => now = until,
                Next::Do(Task::Fill(range)) => {
                    assert_eq!(range, gap);
                    tries.push((now - NOW).secs() as i64 / 1800);
                    plan.failed(&Task::Fill(range), now, 0.0);
                }
                Next::Do(task) => {
                    let coverage = after(&task, now, plan.coverage());
                    plan.succeeded(&task, now, coverage, 1, false);
                }
            }
        }
        assert_eq!(tries, [0, 1]);
        let Some(closed) = plan.coverage().gaps.first().map(|gap| gap.range) else { panic!("the gap is still there") };
        let coverage = after(&Task::Fill(closed), now, plan.coverage());
        plan.succeeded(&Task::Fill(closed), now, coverage, 1, false);
        assert!(plan.coverage().gaps.is_empty());
    }

    #[test]
    fn a_clock_that_goes_back_does_no_harm() {
        let mut plan = plan(Coverage::default());
        simulate(&mut plan, NOW, seconds(120), 1);
        let edge = plan.coverage().live_edge.unwrap();
        let done = simulate(&mut plan, NOW - HOUR, seconds(30), 1);
        assert!(done.iter().all(|(_, task)| matches!(task, Task::Fill(_))), "only the past: {done:?}");
        assert_eq!(plan.coverage().live_edge, Some(edge));
    }
}
