//! Traces that tell less, or something else, than happened.

use super::{
    backtest,
    training::{self, End, Run},
};
use crate::{
    http::{Peer, Reply, Request},
    ktrdr::{API, Deployment, Exit},
    story::{Story, mins, ms, secs},
};
use trace::Micros;

/// 15: the worker did not take over the caller's context; its part is a second trace in the same second.
pub(super) fn context_lost(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let base = story.base;
    let (_, start) = training::request(story, &d, base, Exit::Ok);
    let request = Request::new("POST", "/training/start");
    let run = Run { symbols: "EURUSD,GBPCHF", silent: mins(8), ..training::eurusd(&d) };
    let when = base + ms(350);
    story.client(start, API, &run.worker, &request, (when, ms(8)), Reply::Status(200));
    let top = story.trace();
    let operation = story.operation("training", when, run.symbols, run.timeframe);
    let server = story.server(top, &run.worker, &request, (when + ms(3), Micros(2300)), 200);
    training::work(story, server, &run, &operation, when + ms(6), ("pending", "running"));
    story.about_operation(&operation.id);
    story.clock(mins(30));
}

/// 16: the GPU host answers, but is not instrumented: no id, no span, no end.
pub(super) fn gpu_host(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let base = story.base;
    let (_, start) = training::request(story, &d, base, Exit::Ok);
    let host = Peer { service: "training-host".to_owned(), url: "http://host.docker.internal:5002", sends: 2 };
    let request = Request::new("POST", "/training/start");
    story.client(start, API, &host, &request, (base + ms(350), ms(14)), Reply::Status(200));
    story.clock(mins(90));
}

/// The worker's clock runs 2.6 s behind: its spans begin before they were asked for.
pub(super) fn clock_skew(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let run = Run { symbols: "EURUSD,GBPNZD", silent: mins(9), ..training::eurusd(&d) };
    let started = training::train(story, &d, &run, story.base);
    story.skew(&run.worker.service, Micros(-2_600_000));
    story.about_operation(&started.operation.id);
    story.clock(mins(30));
}

/// A command killed while it followed: its own span and one of its requests never arrived.
pub(super) fn missing_root(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let run = Run { symbols: "GBPUSD", loading: secs(2), silent: secs(55), ..training::eurusd(&d) };
    let base = story.base;
    let started = training::train(story, &d, &run, base);
    training::follow(story, &d, &started, &run.worker, base + secs(12));
    story.lose(started.cli);
    story.about_operation(&started.operation.id);
    story.clock(mins(30));
}

/// 21: both the API and the worker registered the operation.
pub(super) fn registered_twice(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let run = backtest::Run { symbol: "AUDNZD", ..backtest::Run::usual(&d) };
    let (operation, _) = backtest::backtest(story, &d, &run, story.base);
    story.about_operation(&operation.id);
    story.clock(mins(15));
}

/// 20: an hour of nothing but health checks and scrapes would look like this; here five minutes.
pub(super) fn noise_only(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let base = story.base;
    crate::noise::generate(story, &d, base, base + mins(5));
    story.clock(mins(5));
}

/// 18: a training followed for `length`: polls by the thousand around the few spans that matter.
pub(crate) fn giant(story: &mut Story, length: Micros) {
    let d = Deployment::new(story.seed);
    let run =
        Run { symbols: "EURUSD,CHFJPY", loading: secs(5), silent: length, end: End::Completed, ..training::eurusd(&d) };
    let base = story.base;
    let started = training::train(story, &d, &run, base);
    training::follow(story, &d, &started, &run.worker, started.end);
    story.about_operation(&started.operation.id);
    story.clock(length + mins(5));
}

/// 18 at a size that tests can afford: two minutes.
pub(super) fn small_giant(story: &mut Story) {
    giant(story, mins(2));
}
