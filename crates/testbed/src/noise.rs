//! Health checks and scrapes: the traces that make up most of a real Jaeger, about 70 per minute.

use super::{
    Telemetry,
    http::{Peer, Request},
    ktrdr::Deployment,
    scenario_builder::{ScenarioBuilder, ms, secs},
    span::RawTrace,
};
use trace::{Micros, Time};

/// The traces that an idle deployment with four workers emits from `from` to `to`.
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
        repeat(secs(10), from + shift, to, |when| builder.health_check(worker, when, true));
        repeat(secs(30), from + shift + secs(3), to, |when| lone_request(builder, worker, "/health", when, 200));
        repeat(secs(15), from + shift + secs(1), to, |when| {
            lone_request(builder, worker, "/metrics", when, 307);
            lone_request(builder, worker, "/metrics/", when + ms(4), 200);
        });
    }
    repeat(secs(15), from + secs(2), to, |when| lone_request(builder, &deployment.api, "/metrics", when, 200));
    repeat(secs(30), from + secs(4), to, |when| lone_request(builder, &deployment.api, "/api/v1/health", when, 200));
    repeat(secs(30), from + secs(5), to, |when| lone_request(builder, &deployment.ib, "/health", when, 200));
}

fn repeat(step: Micros, from: Time, to: Time, mut act: impl FnMut(Time)) {
    let mut when = from;
    while when < to {
        act(when);
        when = when + step;
    }
}

/// A request by a client that is not instrumented, so its trace has only the server's spans.
fn lone_request(builder: &mut ScenarioBuilder, peer: &Peer, route: &'static str, when: Time, status: u16) {
    let top = builder.new_trace();
    let took = builder.rng.about(Micros(2200));
    builder.server(top, peer, &Request::new("GET", route), (when, took), status);
}
