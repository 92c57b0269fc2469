//! What fills a real Jaeger: health checks and scrapes, about 70 traces a minute.

use super::{
    Telemetry,
    http::{Peer, Request},
    ktrdr::Deployment,
    scenario_builder::{ScenarioBuilder, ms, secs},
    span::RawTrace,
};
use trace::{Micros, Time};

/// The traces that a deployment with four workers emits from `from` to `to` while nobody uses it.
#[must_use]
pub fn noise(from: Time, to: Time, seed: u64) -> Vec<RawTrace> {
    let mut builder = ScenarioBuilder::new("noise", Telemetry::Current, from, seed);
    generate(&mut builder, &Deployment::new(seed), from, to);
    builder.build().traces
}

pub(super) fn generate(builder: &mut ScenarioBuilder, deployment: &Deployment, from: Time, to: Time) {
    let workers: Vec<&Peer> = deployment.training.iter().take(2).chain(deployment.backtest.iter().take(2)).collect();
    for (nth, worker) in workers.iter().enumerate() {
        let shift = ms(nth as i64 * 610);
        every(secs(10), from + shift, to, |when| builder.health_check(worker, when, true));
        every(secs(30), from + shift + secs(3), to, |when| alone(builder, worker, "/health", when, 200));
        every(secs(15), from + shift + secs(1), to, |when| {
            alone(builder, worker, "/metrics", when, 307);
            alone(builder, worker, "/metrics/", when + ms(4), 200);
        });
    }
    every(secs(15), from + secs(2), to, |when| alone(builder, &deployment.api, "/metrics", when, 200));
    every(secs(30), from + secs(4), to, |when| alone(builder, &deployment.api, "/api/v1/health", when, 200));
    every(secs(30), from + secs(5), to, |when| alone(builder, &deployment.ib, "/health", when, 200));
}

fn every(step: Micros, from: Time, to: Time, mut act: impl FnMut(Time)) {
    let mut when = from;
    while when < to {
        act(when);
        when = when + step;
    }
}

/// A request from outside the instrumented processes.
fn alone(builder: &mut ScenarioBuilder, peer: &Peer, route: &'static str, when: Time, status: u16) {
    let top = builder.new_trace();
    let took = builder.rng.about(Micros(2200));
    builder.server(top, peer, &Request::new("GET", route), (when, took), status);
}
