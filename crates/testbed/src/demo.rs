//! The traces of the demo: a day at a KTRDR deployment on which every known problem occurs once.

use super::{
    Telemetry, generate, noise, now,
    scenario::Scenario,
    scenario_builder::{mins, secs},
    scenarios,
    span::RawTrace,
};
use trace::{Micros, Time};

/// Time between the ends of two operations of the demo.
const STEP: Micros = secs(7 * 60);

/// The traces of a day.
#[derive(Debug)]
pub(super) struct Day {
    /// Traces of operations and commands.
    pub(super) work: Vec<RawTrace>,
    /// Traces of health checks and scrapes.
    pub(super) noise: Vec<RawTrace>,
}

/// Every scenario of the current telemetry, spread over the hours before `now`, and half an hour of noise. Stuck operations
/// have been silent for hours; running ones were active a moment ago.
#[must_use]
pub fn demo(now: Time, seed: u64) -> Vec<RawTrace> {
    let Day { work, mut noise } = day(now, seed, |_| true);
    noise.extend(work);
    noise
}

/// The traces of [`demo`], but only with the scenarios that `which` selects.
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

/// The start of a scenario whose expectation is to hold at `clock`.
fn base_for(scenario: &Scenario, clock: Time) -> Time {
    let origin = Time(0);
    clock - (now(scenario, Telemetry::Current, origin) - origin)
}
