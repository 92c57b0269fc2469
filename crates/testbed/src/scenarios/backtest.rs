//! Backtests: `POST /api/v1/backtests/start`, the selection of a worker, then the work of a backtest worker.

use super::training::End;
use crate::{
    Telemetry,
    http::{Peer, Reply, Request},
    ktrdr::{API, CLI, Deployment, Exit, Operation},
    scenario_builder::{ScenarioBuilder, TraceContext, mins, ms, secs},
};
use trace::{Micros, Time};

pub(super) const BACKTEST_ARGS: &str = "\"strategy\": \"v3_minimal\", \"start_date\": \"2024-01-01\", \"end_date\": \
    \"2024-06-01\", \"capital\": 100000.0, \"commission\": 0.001, \"slippage\": 0.0005, \"model_path\": null, \
    \"follow\": false";
pub(super) const START: &str = "/api/v1/backtests/start";
const ENGINE: &str = "ktrdr.backtesting.engine";

/// A backtest and the work of its worker.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) symbol: &'static str,
    pub(super) worker: Peer,
    pub(super) loading: Micros,
    pub(super) features: Micros,
    /// Duration of the bar loop, which has no span.
    pub(super) silent: Micros,
    pub(super) end: End,
    /// Total, capable and available workers.
    pub(super) counts: [&'static str; 3],
    /// Duration of the selection.
    pub(super) selection: Micros,
    /// Time that the request and the answer spend on the network.
    pub(super) network: Micros,
}

impl Run {
    pub(super) fn usual(deployment: &Deployment) -> Self {
        Self {
            symbol: "EURUSD",
            worker: deployment.backtest[0].clone(),
            loading: secs(4),
            features: secs(21),
            silent: secs(252),
            end: End::Completed,
            counts: ["4", "2", "2"],
            selection: Micros(110),
            network: ms(5),
        }
    }
}

/// Adds a complete backtest whose command does not follow it. Returns the operation and its end.
pub(super) fn backtest(
    builder: &mut ScenarioBuilder,
    deployment: &Deployment,
    run: &Run,
    at: Time,
) -> (Operation, Time) {
    let top = builder.new_trace();
    let took = ms(100) + run.selection + run.network;
    let command = took + ms(80);
    let cli = builder.cli(top, "backtest", BACKTEST_ARGS, at, command, Exit::Ok);
    let server = builder.call(cli, CLI, &deployment.api, &Request::new("POST", START), (at + ms(70), took), 200);
    builder.list_workers(server, at + ms(90), 1);
    select_and_dispatch(builder, server, run, at + ms(91))
}

/// Adds the selection, the dispatch and the work below `parent`. Returns the operation and its end.
pub(super) fn select_and_dispatch(
    builder: &mut ScenarioBuilder,
    parent: TraceContext,
    run: &Run,
    when: Time,
) -> (Operation, Time) {
    builder.select_worker(parent, "backtesting", when, run.selection, run.counts);
    let when = when + run.selection + ms(45);
    let operation = builder.operation("backtesting", when, run.symbol, "1h");
    if builder.telemetry == Telemetry::Older {
        builder.register(parent, API, &operation, when - ms(20));
        builder.transition(parent, API, &operation, when - ms(15), ("pending", "running"), &[]);
    }
    let request = Request::new("POST", "/backtests/start");
    let there = Micros(run.network.0 * 7 / 10);
    let took = run.network + Micros(2400);
    let client = builder.client(parent, API, &run.worker, &request, (when, took), Reply::Status(200));
    let worker = builder.server(client, &run.worker, &request, (when + there, Micros(2400)), 200);
    let end = work(builder, worker, run, &operation, when + there + Micros(2700));
    (operation, end)
}

fn work(builder: &mut ScenarioBuilder, worker: TraceContext, run: &Run, operation: &Operation, when: Time) -> Time {
    let service = run.worker.service.clone();
    builder.register(worker, &service, operation, when);
    builder.transition(worker, &service, operation, when + Micros(650), ("pending", "running"), &[]);
    let mut now = when + ms(if run.loading.0 == 0 { 34 } else { 148 });
    if run.loading.0 > 0 {
        now = phases(builder, worker, &service, run, now);
    }
    // The older telemetry has a span for the bar loop.
    let silent =
        if builder.telemetry == Telemetry::Older { run.silent.min(ms(40)) } else { builder.rng.about(run.silent) };
    let end = now + silent;
    match &run.end {
        End::Completed => builder.transition(worker, &service, operation, end, ("running", "completed"), &[]),
        End::Failed(text) => {
            let error = [("operation.error", (*text).into())];
            builder.transition(worker, &service, operation, end, ("running", "failed"), &error);
        }
        End::Open => return now,
    }
    end
}

fn phases(builder: &mut ScenarioBuilder, worker: TraceContext, service: &str, run: &Run, when: Time) -> Time {
    let (loading, rows) = (builder.rng.about(run.loading), builder.rng.within(2950, 3050));
    builder
        .span(worker, service.to_owned(), "backtest.data_loading", when, loading)
        .scope(ENGINE, "")
        .attr("data.symbol", run.symbol)
        .attr("data.timeframe", "1h")
        .attr("data.rows", rows)
        .add();
    let mut now = when + loading + ms(1);
    if builder.telemetry == Telemetry::Older {
        let (init, simulation) = (builder.rng.about(secs(2)), builder.rng.about(run.silent));
        builder.span(worker, service.to_owned(), "backtest.strategy_init", now, init).scope(ENGINE, "").add();
        now = now + init;
        builder
            .span(worker, service.to_owned(), "backtest.simulation", now, simulation)
            .scope(ENGINE, "")
            .attr("simulation.total_bars", rows)
            .attr("simulation.processable_bars", rows - 50)
            .attr("progress.phase", "simulation")
            .add();
        return now + simulation;
    }
    let features = builder.rng.about(run.features);
    builder
        .span(worker, service.to_owned(), "backtest.feature_compute", now, features)
        .scope(ENGINE, "")
        .attr("data.rows", rows)
        .add();
    now + features
}

/// 2: success. Most of the time is spent in the bar loop.
pub(super) fn success(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let (operation, _) = backtest(builder, &deployment, &Run::usual(&deployment), builder.base);
    builder.set_main_operation(&operation.id);
    builder.set_clock(mins(15));
}

/// 8c: the request names no model, so the worker fails 35 ms after its start.
pub(super) fn model_missing(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let run = Run {
        loading: Micros(0),
        silent: ms(1),
        end: End::Failed("model_path is required for backtesting"),
        ..Run::usual(&deployment)
    };
    let (operation, _) = backtest(builder, &deployment, &run, builder.base);
    builder.set_main_operation(&operation.id);
    builder.set_clock(mins(15));
}

/// 19: with 120 registered workers, the selection takes 150 ms.
pub(super) fn slow_selection(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let run = Run { symbol: "EURGBP", counts: ["120", "60", "55"], selection: ms(150), ..Run::usual(&deployment) };
    let (operation, _) = backtest(builder, &deployment, &run, builder.base);
    builder.set_main_operation(&operation.id);
    builder.set_clock(mins(15));
}

/// Later commands ask for the status of a backtest. Each has its own trace, and none of them is an error.
pub(super) fn status_commands(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let run = Run { symbol: "EURJPY", ..Run::usual(&deployment) };
    let (operation, end) = backtest(builder, &deployment, &run, builder.base);
    let worker = run.worker.clone();
    builder.status_command(&deployment, &operation, builder.base + secs(30), Some((&worker, Reply::Status(200))));
    builder.status_command(&deployment, &operation, builder.base + secs(95), Some((&worker, Reply::Status(200))));
    builder.status_command(&deployment, &operation, end + secs(60), None);
    builder.set_main_operation(&operation.id);
    builder.set_clock(mins(15));
}

/// Six runs of about two minutes and one of ten minutes, all with the same data.
pub(super) fn against_baseline(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let usual = Run { symbol: "AUDUSD", silent: secs(95), ..Run::usual(&deployment) };
    for nth in 1..=6 {
        let at = builder.base - mins(nth * 170);
        backtest(builder, &deployment, &usual, at);
    }
    let slow = Run { silent: secs(600), ..usual };
    let (operation, _) = backtest(builder, &deployment, &slow, builder.base);
    builder.set_main_operation(&operation.id);
    builder.set_clock(mins(15));
}

/// The worker answers within 3 ms, but request and answer spend 14 s on the network between API and worker.
pub(super) fn network_delay(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let run = Run {
        symbol: "NZDUSD",
        loading: ms(300),
        features: ms(800),
        silent: secs(2),
        network: secs(14),
        ..Run::usual(&deployment)
    };
    let (operation, _) = backtest(builder, &deployment, &run, builder.base);
    builder.set_main_operation(&operation.id);
    builder.set_clock(mins(15));
}
