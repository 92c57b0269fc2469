//! Starts that are refused: no worker, no worker of the type, a busy or absent worker, no backend, an unknown strategy.
//!
//! The command line retries a request three times after a 5xx, so most of these traces have four similar subtrees. None of
//! them has an operation id.

use super::{backtest, training};
use crate::{
    http::{Peer, Reply, Request},
    ktrdr::{API, CLI, Deployment, Exit, SERVICE},
    scenario_builder::{HttpNames, ScenarioBuilder, TraceContext, mins, ms, secs},
};
use trace::{Micros, Time};

/// Start of each attempt after the first one, in milliseconds.
const ATTEMPTS: [i64; 4] = [0, 1_500, 4_000, 8_000];
const UNAVAILABLE: (&str, &str) = ("ktrdr.errors.exceptions.WorkerUnavailableError", "No training workers available");

/// Adds the command's root span and one answered request per attempt.
fn attempts(
    builder: &mut ScenarioBuilder,
    (command, args, route): (&'static str, &str, &'static str),
    (status, exit): (u16, Exit),
    count: usize,
    mut body: impl FnMut(&mut ScenarioBuilder, TraceContext, Time),
) {
    let deployment = Deployment::new(builder.seed);
    let top = builder.new_trace();
    let base = builder.base;
    let cli = builder.cli(top, command, args, base, secs(1), exit);
    let mut end = base;
    for offset in ATTEMPTS.into_iter().take(count) {
        let when = base + ms(172) + ms(builder.rng.within(offset, offset + 300));
        let took = builder.rng.about(ms(88));
        let server = builder.call(cli, CLI, &deployment.api, &Request::new("POST", route), (when, took), status);
        body(builder, server, when + ms(8));
        end = when + took;
    }
    builder.extend_until(cli, end + ms(25));
    builder.set_clock(mins(10));
}

fn no_backtest_worker(builder: &mut ScenarioBuilder, counts: [&'static str; 3]) {
    let command = ("backtest", backtest::BACKTEST_ARGS, backtest::START);
    attempts(builder, command, (503, Exit::One), 4, |builder, server, when| {
        builder.list_workers(server, when, 1);
        builder.select_worker(server, "backtesting", when + Micros(150), Micros(60), counts);
    });
}

/// 4: no worker is registered.
pub(super) fn no_workers_backtest(builder: &mut ScenarioBuilder) {
    no_backtest_worker(builder, ["0", "0", "0"]);
}

/// 5: only workers of another type are registered.
pub(super) fn no_capable_workers(builder: &mut ScenarioBuilder) {
    no_backtest_worker(builder, ["2", "0", "0"]);
}

/// 6: the only worker is busy.
pub(super) fn all_busy(builder: &mut ScenarioBuilder) {
    no_backtest_worker(builder, ["1", "1", "0"]);
}

/// Adds `training.start`, which ends with an exception.
fn failing_start(
    builder: &mut ScenarioBuilder,
    parent: TraceContext,
    when: Time,
    took: Micros,
    error: (&'static str, &'static str),
) -> TraceContext {
    let start = builder
        .span(parent, API, "training.start", when, took)
        .scope(SERVICE, "")
        .attr("service.method", "training.start")
        .attr("data.start_date", "2024-01-01")
        .attr("data.end_date", "2024-06-01")
        .raised(error.0, error.1, 2)
        .add();
    builder.list_workers(start, when + ms(9), 2);
    start
}

const TRAIN: (&str, &str, &str) = ("train", training::TRAIN_ARGS, training::START);

/// 4b: the start of a training records no counts. Only the exception shows that no worker was available.
pub(super) fn no_workers_training(builder: &mut ScenarioBuilder) {
    attempts(builder, TRAIN, (503, Exit::One), 4, |builder, server, when| {
        failing_start(builder, server, when, ms(30), UNAVAILABLE);
    });
}

/// 7: the registry selects a worker that no longer listens.
pub(super) fn worker_refused(builder: &mut ScenarioBuilder) {
    let worker = Deployment::new(builder.seed).training[0].clone();
    attempts(builder, TRAIN, (500, Exit::Silent), 4, |builder, server, when| {
        let error = ("httpx.ConnectError", "All connection attempts failed");
        let start = failing_start(builder, server, when, ms(68), error);
        let request = Request::new("POST", "/training/start");
        builder.client(start, API, &worker, &request, (when + ms(50), ms(10)), Reply::Refused);
    });
}

/// 22: scenario 7 with the newer HTTP conventions.
pub(super) fn worker_refused_new_names(builder: &mut ScenarioBuilder) {
    builder.http_names = HttpNames::New;
    worker_refused(builder);
}

fn answers_busy(builder: &mut ScenarioBuilder, parent: TraceContext, worker: &Peer, when: Time) {
    builder.call(parent, API, worker, &Request::new("POST", "/training/start"), (when, ms(7)), 503);
}

/// 6b: the first worker answers 503, the second one accepts.
pub(super) fn second_worker_accepts(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let base = builder.base;
    let (cli, start) = training::request(builder, &deployment, base, Exit::Ok);
    answers_busy(builder, start, &deployment.training[0], base + ms(260));
    let run = training::Run {
        symbols: "EURCHF",
        worker: deployment.training[1].clone(),
        silent: mins(11),
        ..training::eurusd(&deployment)
    };
    let started = training::dispatch(builder, cli, start, &run, base + ms(340));
    builder.set_main_operation(&started.operation.id);
    builder.set_clock(mins(30));
}

/// 6b: all three workers answer 503.
pub(super) fn all_workers_refuse(builder: &mut ScenarioBuilder) {
    let workers = Deployment::new(builder.seed).training;
    attempts(builder, TRAIN, (500, Exit::Silent), 4, |builder, server, when| {
        let error = ("RuntimeError", "All workers busy after 3 attempts for training start");
        let start = failing_start(builder, server, when, ms(70), error);
        for (worker, offset) in workers.iter().zip([20, 35, 50]) {
            answers_busy(builder, start, worker, when + ms(offset));
        }
    });
}

/// 7c: the backend does not listen, so only the command's spans exist.
pub(super) fn backend_down(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let top = builder.new_trace();
    let base = builder.base;
    let cli = builder.cli(top, "train", training::TRAIN_ARGS, base, secs(9), Exit::Silent);
    for offset in ATTEMPTS {
        let when = base + ms(160) + ms(builder.rng.within(offset, offset + 300));
        builder.client(
            cli,
            CLI,
            &deployment.api,
            &Request::new("POST", training::START),
            (when, Micros(2600)),
            Reply::RefusedSync,
        );
    }
    builder.set_clock(mins(10));
}

/// 8b: the strategy does not exist. The command line does not retry after a 400.
pub(super) fn strategy_not_found(builder: &mut ScenarioBuilder) {
    attempts(builder, TRAIN, (400, Exit::One), 1, |builder, server, when| {
        let error = (
            "ktrdr.errors.exceptions.ValidationError",
            "Strategy file not found: momentum_v9.yaml (searched: strategies, /app/strategies)",
        );
        failing_start(builder, server, when, ms(14), error);
    });
}
