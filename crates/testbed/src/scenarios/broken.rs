//! Traces that are incomplete or wrong: lost context, missing spans, a wrong clock, noise.

use super::{
    backtest,
    training::{self, End, Run},
};
use crate::{
    http::{Peer, Reply, Request},
    ktrdr::{API, Deployment, Exit},
    scenario_builder::{ScenarioBuilder, mins, ms, secs},
};
use trace::Micros;

/// 15: the worker ignores the context of its caller, so its spans are in a second trace that starts in the same second.
pub(super) fn context_lost(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let base = builder.base;
    let (_, start) = training::request(builder, &deployment, base, Exit::Ok);
    let request = Request::new("POST", "/training/start");
    let run = Run { symbols: "EURUSD,GBPCHF", silent: mins(8), ..training::eurusd(&deployment) };
    let when = base + ms(350);
    builder.client(start, API, &run.worker, &request, (when, ms(8)), Reply::Status(200));
    let top = builder.new_trace();
    let operation = builder.operation("training", when, run.symbols, run.timeframe);
    let server = builder.server(top, &run.worker, &request, (when + ms(3), Micros(2300)), 200);
    training::work(builder, server, &run, &operation, when + ms(6), ("pending", "running"));
    builder.set_main_operation(&operation.id);
    builder.set_clock(mins(30));
}

/// 16: the GPU host answers but is not instrumented: the operation has no id, no spans of its work and no end.
pub(super) fn gpu_host(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let base = builder.base;
    let (_, start) = training::request(builder, &deployment, base, Exit::Ok);
    let host = Peer { service: "training-host".to_owned(), url: "http://host.docker.internal:5002", sends: 2 };
    let request = Request::new("POST", "/training/start");
    builder.client(start, API, &host, &request, (base + ms(350), ms(14)), Reply::Status(200));
    builder.set_clock(mins(90));
}

/// The worker's clock is 2.6 s behind, so its spans start before the request that caused them.
pub(super) fn clock_skew(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let run = Run { symbols: "EURUSD,GBPNZD", silent: mins(9), ..training::eurusd(&deployment) };
    let started = training::train(builder, &deployment, &run, builder.base);
    builder.skew_clock(&run.worker.service, Micros(-2_600_000));
    builder.set_main_operation(&started.operation.id);
    builder.set_clock(mins(30));
}

/// A command was killed while it followed its training, so its root span was never exported.
pub(super) fn missing_root(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let run = Run { symbols: "GBPUSD", loading: secs(2), silent: secs(55), ..training::eurusd(&deployment) };
    let base = builder.base;
    let started = training::train(builder, &deployment, &run, base);
    training::follow(builder, &deployment, &started, &run.worker, base + secs(12));
    builder.remove_span(started.cli);
    builder.set_main_operation(&started.operation.id);
    builder.set_clock(mins(30));
}

/// 21: both the API and the worker register the operation.
pub(super) fn registered_twice(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let run = backtest::Run { symbol: "AUDNZD", ..backtest::Run::usual(&deployment) };
    let (operation, _) = backtest::backtest(builder, &deployment, &run, builder.base);
    builder.set_main_operation(&operation.id);
    builder.set_clock(mins(15));
}

/// 20: only health checks and scrapes, for five minutes.
pub(super) fn noise_only(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let base = builder.base;
    crate::noise::generate(builder, &deployment, base, base + mins(5));
    builder.set_clock(mins(5));
}

/// 18: a training that its command follows for `length`, with thousands of polls around the few spans of the work.
pub(crate) fn giant(builder: &mut ScenarioBuilder, length: Micros) {
    let deployment = Deployment::new(builder.seed);
    let run = Run {
        symbols: "EURUSD,CHFJPY",
        loading: secs(5),
        silent: length,
        end: End::Completed,
        ..training::eurusd(&deployment)
    };
    let base = builder.base;
    let started = training::train(builder, &deployment, &run, base);
    training::follow(builder, &deployment, &started, &run.worker, started.end);
    builder.set_main_operation(&started.operation.id);
    builder.set_clock(length + mins(5));
}

/// 18 with a size that is suitable for tests: two minutes.
pub(super) fn small_giant(builder: &mut ScenarioBuilder) {
    giant(builder, mins(2));
}
