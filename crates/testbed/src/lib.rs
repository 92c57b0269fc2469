//! What the tests and the demo need around the product: example traces of everything that is known to happen to KTRDR's
//! operations, a [simulated KTRDR](simulation), an [embedded Jaeger](serve) and a [test harness](grafana_harness) in
//! place of Grafana.
//!
//! A [`Scenario`] generates plain spans ([`RawTrace`]) in one of three generations of KTRDR's [`Telemetry`].
//! [`jaeger_json`] and [`otlp_json`] write them in the formats of Jaeger's two APIs. Everything is deterministic: the
//! same arguments give the same spans.

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
mod scenario_builder;
mod scenarios;
mod server;
pub mod simulation;
mod span;
mod store;
mod telemetry;

pub use demo::demo;
pub use emit::{JaegerVersion, JaegerWriter, jaeger_json, otlp_json};
pub use incident::incident;
pub use ingest::{IngestError, from_otlp_json};
pub use noise::noise;
pub use rng::Rng;
pub use scenario::{Bottleneck, Expectation, Expected, Scenario};
pub use scenario_builder::Generated;
pub use scenarios::scenarios;
pub use server::{Flavour, Server, serve, serve_on};
pub use span::{RawAttributes, RawEvent, RawSpan, RawTrace, RawValue, Text};
pub use store::{Filter, Store};
pub use telemetry::Telemetry;

use scenario_builder::ScenarioBuilder;
use trace::{Micros, Time};

/// Generates a scenario: its traces, the id of its main operation, and the clock at which the expectation holds.
///
/// The operation starts at about `base`. The same arguments give the same spans. Another `base` or `seed` gives other
/// ids, so several scenarios can be combined.
#[must_use]
pub fn generate(scenario: &Scenario, telemetry: Telemetry, base: Time, seed: u64) -> Generated {
    let mut builder = ScenarioBuilder::new(scenario.name, telemetry, base, seed);
    (scenario.generate)(&mut builder);
    builder.build()
}

/// The traces of [`generate`].
#[must_use]
pub fn build(scenario: &Scenario, telemetry: Telemetry, base: Time, seed: u64) -> Vec<RawTrace> {
    generate(scenario, telemetry, base, seed).traces
}

/// The clock at which the expectation of a scenario holds.
#[must_use]
pub fn now(scenario: &Scenario, telemetry: Telemetry, base: Time) -> Time {
    generate(scenario, telemetry, base, 0).now
}

/// One very large trace: a training that its command follows for `length`, with 12 to 20 spans per second.
#[must_use]
pub fn giant(base: Time, length: Micros, seed: u64) -> Generated {
    let mut builder = ScenarioBuilder::new("giant", Telemetry::Current, base, seed);
    scenarios::giant(&mut builder, length);
    builder.build()
}

#[cfg(test)]
mod tests;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
