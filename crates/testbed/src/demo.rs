//! A day at a KTRDR deployment where everything goes wrong once.

use super::{
    Telemetry, generate, noise, now,
    scenario::Scenario,
    scenario_builder::{mins, secs},
    scenarios,
    span::RawTrace,
};
use trace::{Micros, Time};

/// Distance between the ends of two operations of the demo.
const STEP: Micros = secs(7 * 60);

/// The traces of a day.
#[derive(Debug)]
pub(super) struct Day {
    /// Of operations and commands.
    pub(super) work: Vec<RawTrace>,
    /// Of health checks and scrapes.
    pub(super) noise: Vec<RawTrace>,
}

/// Every scenario of today's telemetry laid over the hours before `now`, with half an hour of noise: stuck operations
/// have been silent for hours, running ones are fresh.
#[must_use]
pub fn demo(now: Time, seed: u64) -> Vec<RawTrace> {
    let Day { work, mut noise } = day(now, seed, |_| true);
    noise.extend(work);
    noise
}

/// The day of [`demo`] with some of its scenarios.
pub(super) fn day(now: Time, seed: u64, which: impl Fn(&Scenario) -> bool) -> Day {
    let mut work = Vec::new();
    let mut clock = now;
    for scenario in scenarios().iter().filter(|scenario| scenario.telemetry.contains(&Telemetry::Current)) {
        if scenario.number == "20" {
            continue;
        }
        if !scenario.live {
            clock = clock - STEP;
        }
        if which(scenario) {
            let at = if scenario.live { now } else { clock };
            work.extend(generate(scenario, Telemetry::Current, base_for(scenario, at), seed).traces);
        }
    }
    Day { work, noise: noise(now - mins(30), now, seed) }
}

/// When a scenario must begin for its expectation to hold at `clock`.
fn base_for(scenario: &Scenario, clock: Time) -> Time {
    let origin = Time(0);
    clock - (now(scenario, Telemetry::Current, origin) - origin)
}
