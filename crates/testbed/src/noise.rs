//! What fills a real Jaeger: health checks and scrapes, about 70 traces a minute.

use super::{
    Form,
    http::{Peer, Request},
    ktrdr::Deployment,
    span::RawTrace,
    story::{Story, ms, secs},
};
use trace::{Micros, Time};

/// The traces that a deployment with four workers emits from `from` to `to` while nobody uses it.
#[must_use]
pub fn noise(from: Time, to: Time, seed: u64) -> Vec<RawTrace> {
    let mut story = Story::new("noise", Form::Wire, from, seed);
    generate(&mut story, &Deployment::new(seed), from, to);
    story.finish().traces
}

pub(super) fn generate(story: &mut Story, d: &Deployment, from: Time, to: Time) {
    let workers: Vec<&Peer> = d.training.iter().take(2).chain(d.backtest.iter().take(2)).collect();
    for (nth, worker) in workers.iter().enumerate() {
        let shift = ms(nth as i64 * 610);
        every(secs(10), from + shift, to, |when| story.health_check(worker, when, true));
        every(secs(30), from + shift + secs(3), to, |when| alone(story, worker, "/health", when, 200));
        every(secs(15), from + shift + secs(1), to, |when| {
            alone(story, worker, "/metrics", when, 307);
            alone(story, worker, "/metrics/", when + ms(4), 200);
        });
    }
    every(secs(15), from + secs(2), to, |when| alone(story, &d.api, "/metrics", when, 200));
    every(secs(30), from + secs(4), to, |when| alone(story, &d.api, "/api/v1/health", when, 200));
    every(secs(30), from + secs(5), to, |when| alone(story, &d.ib, "/health", when, 200));
}

fn every(step: Micros, from: Time, to: Time, mut act: impl FnMut(Time)) {
    let mut when = from;
    while when < to {
        act(when);
        when = when + step;
    }
}

/// A request from outside the instrumented processes.
fn alone(story: &mut Story, peer: &Peer, route: &'static str, when: Time, status: u16) {
    let top = story.trace();
    let took = story.rng.about(Micros(2200));
    story.server(top, peer, &Request::new("GET", route), (when, took), status);
}
