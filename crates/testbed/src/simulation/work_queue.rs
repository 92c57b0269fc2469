//! Schedules work: each queue starts one piece of work after another, because a worker runs one operation at a time.

use super::super::{
    RawTrace, Rng, Telemetry,
    scenario_builder::{ScenarioBuilder, secs},
    scenarios,
    scenarios::{Work, work},
};
use crate::{RawSpan, Scenario};
use trace::Time;

/// What a queue runs.
#[derive(Debug)]
pub(super) struct Schedule {
    name: &'static str,
    /// Work that succeeds, repeated in this order.
    usual: &'static [Work],
    /// Names of scenarios in which something goes wrong.
    examples: &'static [&'static str],
    /// One of this many pieces of work is an example.
    every: usize,
    /// Shortest and longest pause after a piece of work, in seconds.
    idle: (i64, i64),
}

/// The queues of a deployment with two workers of each type. Only the first queue uses the first workers, because examples
/// and research runs always use them.
pub(super) const SCHEDULES: [Schedule; 5] = [
    Schedule {
        name: "first workers",
        usual: &[
            Work::Training(0, "EURUSD,AUDUSD", 230),
            Work::Backtest(0, "GBPJPY", 95),
            Work::Training(0, "GBPUSD,GBPJPY", 150),
            Work::Backtest(0, "AUDNZD", 70),
            Work::Research(true),
            Work::Training(0, "EURUSD,AUDUSD", 230),
            Work::Backtest(0, "GBPJPY", 95),
            Work::Research(false),
            Work::Backtest(0, "CHFJPY", 50),
            Work::Research(true),
        ],
        examples: &[
            "11-cancelled",
            "9-data-not-found",
            "8c-model-path-missing",
            "8-value-error",
            "17b-coordinator-failed",
            "19-slow-selection",
        ],
        every: 5,
        idle: (5, 40),
    },
    Schedule {
        name: "second training worker",
        usual: &[
            Work::Training(1, "USDJPY,EURJPY", 200),
            Work::Training(1, "AUDNZD", 110),
            Work::Training(1, "GBPCHF", 320),
        ],
        examples: &["6b-second-worker-accepts"],
        every: 9,
        idle: (10, 60),
    },
    Schedule {
        name: "second backtest worker",
        usual: &[
            Work::Backtest(1, "GBPJPY", 95),
            Work::Backtest(1, "GBPCHF", 60),
            Work::Backtest(1, "AUDNZD", 70),
            Work::Backtest(1, "CHFJPY", 50),
            Work::Backtest(1, "GBPJPY", 95),
            // The same backtest as before, but it takes four times as long.
            Work::Backtest(1, "CHFJPY", 240),
        ],
        examples: &[],
        every: usize::MAX,
        idle: (8, 50),
    },
    Schedule {
        name: "downloads",
        usual: &[
            Work::Download("AUDNZD", 6),
            Work::Download("CHFJPY", 9),
            Work::Download("GBPCHF", 4),
            Work::Download("EURNZD", 12),
        ],
        examples: &["3b-segments-failed", "7b-ib-host-down", "7d-ib-gateway-down", "3-slow-download"],
        every: 14,
        idle: (10, 60),
    },
    Schedule {
        name: "refused starts",
        usual: &[],
        examples: &[
            "4-no-workers-backtest",
            "7-worker-refused",
            "4b-no-workers-training",
            "8b-strategy-not-found",
            "6-all-workers-busy",
            "10-worker-crash-failed",
            "5-no-capable-workers",
            "6b-all-workers-refuse",
        ],
        every: 1,
        idle: (300, 900),
    },
];

/// A queue and its progress.
#[derive(Debug)]
pub(super) struct WorkQueue {
    schedule: &'static Schedule,
    rng: Rng,
    seed: u64,
    /// When the next piece of work starts.
    pub(super) next: Time,
    done: usize,
}

impl WorkQueue {
    /// A queue whose first work starts at most 90 s after `begin`.
    pub(super) fn new(schedule: &'static Schedule, begin: Time, seed: u64) -> Self {
        let mut rng = Rng::new(schedule.name, &[begin.0 as u64, seed]);
        let next = begin + secs(rng.within(1, 90));
        Self { schedule, rng, seed, next, done: 0 }
    }

    /// Generates the traces of the next piece of work and moves `next` behind its end.
    pub(super) fn next_work(&mut self) -> Vec<RawTrace> {
        let mut builder = ScenarioBuilder::new(self.schedule.name, Telemetry::Current, self.next, self.seed);
        if let Some(piece) = self.choose() {
            work(&mut builder, piece);
        }
        let traces = builder.build().traces;
        let idle = secs(self.rng.within(self.schedule.idle.0, self.schedule.idle.1));
        self.next = end_of_work(&traces).unwrap_or(self.next) + idle;
        self.done += 1;
        traces
    }

    fn choose(&self) -> Option<Work> {
        let Schedule { usual, examples, every, .. } = self.schedule;
        let (round, nth) = (self.done / every, self.done % every);
        if nth + 1 == *every || usual.is_empty() {
            let name = examples.get(round % examples.len().max(1))?;
            return example(name).map(Work::Example);
        }
        usual.get((self.done - round) % usual.len()).copied()
    }
}

fn example(name: &str) -> Option<&'static Scenario> {
    scenarios().iter().find(|scenario| scenario.name == name)
}

/// The end of an operation: its last change of state, or the end of its last span.
fn end_of_work(traces: &[RawTrace]) -> Option<Time> {
    let spans = || traces.iter().flat_map(|trace| &trace.spans);
    let changes = spans().filter(|span| span.name == "operation.state_transition");
    changes.map(RawSpan::end).max().or_else(|| spans().map(RawSpan::end).max())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_of_a_queue_exists() {
        for name in SCHEDULES.iter().flat_map(|schedule| schedule.examples) {
            assert!(example(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_queue_runs_one_piece_of_work_at_a_time_and_eventually_all_of_them() {
        for schedule in &SCHEDULES {
            let mut queue = WorkQueue::new(schedule, Time(1_795_341_900_000_000), 3);
            let mut names = std::collections::BTreeSet::new();
            for _ in 0..(schedule.usual.len() + schedule.examples.len()) * schedule.every.min(20) {
                let before = queue.next;
                let choice = queue.choose().unwrap();
                names.insert(format!("{choice:?}"));
                let traces = queue.next_work();
                assert!(traces.iter().all(|trace| trace.start().unwrap() >= before), "{choice:?} starts too early");
                assert!(end_of_work(&traces).unwrap() < queue.next, "{choice:?}");
            }
            let usual: std::collections::BTreeSet<_> = schedule.usual.iter().map(|work| format!("{work:?}")).collect();
            assert_eq!(names.len(), usual.len() + schedule.examples.len(), "{}: {names:?}", schedule.name);
        }
    }
}
