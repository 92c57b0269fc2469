//! The corpus: example traces of everything that is known to happen to KTRDR's operations, made up deterministically.
//!
//! A [`Scenario`] is told as plain spans ([`RawTrace`]) in one of three generations of telemetry ([`Form`]) and can be
//! written in the formats that Jaeger answers with. The demo, the tests and the benches live on it.

#![forbid(unsafe_code)]

mod demo;
mod emit;
pub mod grafana_harness;
mod http;
mod incident;
mod ingest;
mod ktrdr;
mod noise;
mod rng;
mod scenario;
mod scenarios;
mod server;
pub mod simulation;
mod span;
mod store;
mod story;

pub use demo::demo;
pub use emit::{Dialect, JaegerWriter, jaeger_json, otlp_json};
pub use incident::incident;
pub use ingest::{IngestError, from_otlp_json};
pub use noise::noise;
pub use rng::Rng;
pub use scenario::{Bottleneck, Expect, Fact, Form, Generated, Scenario};
pub use scenarios::scenarios;
pub use server::{Flavour, Server, serve, serve_on};
pub use span::{RawAttributes, RawEvent, RawSpan, RawTrace, RawValue, Text};
pub use store::{Filter, Store};

use story::Story;

use trace::{Micros, Time};

/// Tells a scenario: its traces, which operation matters, and the clock at which the expectation holds.
///
/// `base` is about when the operation starts. The same arguments give the same spans; another `base` or `seed` gives
/// other ids, so that scenarios can be laid side by side.
#[must_use]
pub fn generate(scenario: &Scenario, form: Form, base: Time, seed: u64) -> Generated {
    let mut story = Story::new(scenario.name, form, base, seed);
    (scenario.generate)(&mut story);
    story.finish()
}

/// The traces of [`generate`].
#[must_use]
pub fn build(scenario: &Scenario, form: Form, base: Time, seed: u64) -> Vec<RawTrace> {
    generate(scenario, form, base, seed).traces
}

/// The clock at which the expectation of a scenario holds.
#[must_use]
pub fn now(scenario: &Scenario, form: Form, base: Time) -> Time {
    generate(scenario, form, base, 0).now
}

/// One giant trace: a training that its command follows for `length`, 12 to 20 spans a second.
#[must_use]
pub fn giant(base: Time, length: Micros, seed: u64) -> Generated {
    let mut story = Story::new("giant", Form::Wire, base, seed);
    scenarios::giant(&mut story, length);
    story.finish()
}

#[cfg(test)]
mod tests;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
