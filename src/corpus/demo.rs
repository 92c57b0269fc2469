//! A day at a KTRDR deployment where everything goes wrong once.

use super::{
    Form, noise, now,
    scenario::Scenario,
    scenarios,
    span::RawTrace,
    story::{mins, secs},
    tell,
};
use crate::trace::{Micros, Time};

/// Distance between the ends of two operations of the demo.
const STEP: Micros = secs(7 * 60);

/// Every scenario of today's telemetry laid over the hours before `now`, with half an hour of noise: stuck operations
/// have been silent for hours, running ones are fresh.
#[must_use]
pub fn demo(now: Time, seed: u64) -> Vec<RawTrace> {
    let mut traces = noise(now - mins(30), now, seed);
    let mut clock = now;
    for scenario in scenarios().iter().filter(|scenario| scenario.forms.contains(&Form::Wire)) {
        if scenario.number == "20" {
            continue;
        }
        if !scenario.live {
            clock = clock - STEP;
        }
        let at = if scenario.live { now } else { clock };
        traces.extend(tell(scenario, Form::Wire, base_for(scenario, at), seed).traces);
    }
    traces
}

/// When a scenario must begin for its expectation to hold at `clock`.
fn base_for(scenario: &Scenario, clock: Time) -> Time {
    let origin = Time(0);
    clock - (now(scenario, Form::Wire, origin) - origin)
}
