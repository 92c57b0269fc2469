//! An hour in which something changed, after hours in which nothing did: for questions that compare ranges of time.

use super::{
    Telemetry,
    scenario_builder::{ScenarioBuilder, mins, secs},
    scenarios,
    scenarios::{Work, work},
    span::RawTrace,
};
use trace::{Micros, Time};

const HOUR: Micros = secs(3600);

/// How much of each kind of work an hour has.
#[derive(Clone, Copy)]
struct Amount {
    downloads: i64,
    slow_downloads: i64,
    backtests: i64,
    trainings: i64,
    failing_trainings: i64,
}

/// The hours before `now`, the last one first:
///
/// 1. downloads wait for a slow IB Gateway, and some trainings fail because their strategy does not exist;
/// 2. and 3. nothing unusual;
/// 4. and 5. no work;
/// 6. eight downloads wait for the gateway;
/// 7. ten usual downloads: too few to be sure.
#[must_use]
pub fn incident(now: Time, seed: u64) -> Vec<RawTrace> {
    let nothing = Amount { downloads: 0, slow_downloads: 0, backtests: 0, trainings: 0, failing_trainings: 0 };
    let usual = Amount { downloads: 24, backtests: 16, trainings: 24, ..nothing };
    let hours = [
        Amount { slow_downloads: 22, downloads: 4, backtests: 14, trainings: 6, failing_trainings: 9 },
        usual,
        usual,
        nothing,
        nothing,
        Amount { slow_downloads: 8, ..nothing },
        Amount { downloads: 10, ..nothing },
    ];
    let mut traces = Vec::new();
    for (back, amount) in (1..).zip(hours) {
        traces.extend(hour(now - Micros(HOUR.0 * back), amount, seed));
    }
    traces
}

/// Work of each kind, spread over the middle 50 minutes of an hour so that all of it ends there, also for a clock that is
/// two minutes ahead.
fn hour(from: Time, amount: Amount, seed: u64) -> Vec<RawTrace> {
    let failing = scenarios().iter().find(|scenario| scenario.name == "8b-strategy-not-found");
    let kinds = [
        (amount.downloads, Some(Work::Download("EURUSD", 8))),
        (amount.slow_downloads, Some(Work::SlowDownload("EURUSD", 8))),
        (amount.backtests, Some(Work::Backtest(0, "EURUSD", 40))),
        (amount.trainings, Some(Work::Training(0, "EURUSD", 120))),
        (amount.failing_trainings, failing.map(Work::Example)),
    ];
    let mut traces = Vec::new();
    for (kind, (count, what)) in (0..).zip(kinds) {
        let Some(what) = what else { continue };
        for number in 0..count {
            let start = from + mins(2) + Micros(mins(50).0 / count * number) + secs(7 * kind);
            let mut builder = ScenarioBuilder::new("incident", Telemetry::Current, start, seed);
            work(&mut builder, what);
            traces.extend(builder.build().traces);
        }
    }
    traces
}
