//! Trainings: `POST /api/v1/trainings/start`, then the work of a training worker. The training loop has no span.

use crate::{
    Telemetry,
    http::{Peer, Reply, Request},
    ktrdr::{API, CLI, Deployment, Exit, Operation},
    scenario_builder::{ScenarioBuilder, TraceContext, mins, ms, secs},
};
use trace::{Micros, Time};

pub(super) const TRAIN_ARGS: &str = "\"strategy\": \"v3_minimal\", \"start_date\": \"2024-01-01\", \"end_date\": \
    \"2024-06-01\", \"symbols\": null, \"timeframes\": null, \"validation_split\": 0.2, \"models_dir\": \"models\", \
    \"data_mode\": \"local\", \"dry_run\": false, \"detailed_analytics\": false, \"follow\": false";
pub(super) const START: &str = "/api/v1/trainings/start";
const PIPELINE: &str = "ktrdr.training.training_pipeline";

/// The last state of a run that the worker records.
#[derive(Clone, Debug)]
pub(super) enum End {
    Completed,
    Failed(&'static str),
    /// No final state: the run is still running, has crashed, or was cancelled in another trace.
    Open,
}

/// The work of a training after a worker has accepted it.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) symbols: &'static str,
    pub(super) timeframe: &'static str,
    pub(super) worker: Peer,
    /// Time to load each symbol.
    pub(super) loading: Micros,
    /// Duration of the features and the training loop, which have no spans.
    pub(super) silent: Micros,
    pub(super) end: End,
}

/// A training that has started.
#[derive(Clone, Debug)]
pub(super) struct Started {
    pub(super) operation: Operation,
    /// The command's span.
    pub(super) cli: TraceContext,
    /// End of the work.
    pub(super) end: Time,
}

/// Adds the command and its request down to `training.start`. Returns the contexts below the command and below
/// `training.start`.
pub(super) fn request(
    builder: &mut ScenarioBuilder,
    deployment: &Deployment,
    at: Time,
    exit: Exit,
) -> (TraceContext, TraceContext) {
    let top = builder.new_trace();
    let took = builder.rng.about(ms(420));
    let cli = builder.cli(top, "train", TRAIN_ARGS, at, took, exit);
    let server = builder.call(cli, CLI, &deployment.api, &Request::new("POST", START), (at + ms(174), ms(215)), 200);
    (cli, service(builder, server, at + ms(180), ms(196)))
}

/// Adds `training.start`, the API's service method.
pub(super) fn service(builder: &mut ScenarioBuilder, parent: TraceContext, when: Time, took: Micros) -> TraceContext {
    let start = builder
        .span(parent, API, "training.start", when, took)
        .scope(crate::ktrdr::SERVICE, "")
        .attr("service.method", "training.start")
        .attr("data.start_date", "2024-01-01")
        .attr("data.end_date", "2024-06-01")
        .ok()
        .add();
    builder.list_workers(start, when + ms(30), 2);
    start
}

/// Adds a complete training whose command does not follow it.
pub(super) fn train(builder: &mut ScenarioBuilder, deployment: &Deployment, run: &Run, at: Time) -> Started {
    let (cli, start) = request(builder, deployment, at, Exit::Ok);
    dispatch(builder, cli, start, run, at + ms(350))
}

/// Adds the dispatch to the worker and the worker's spans.
pub(super) fn dispatch(
    builder: &mut ScenarioBuilder,
    cli: TraceContext,
    start: TraceContext,
    run: &Run,
    when: Time,
) -> Started {
    let operation = builder.operation("training", when, run.symbols, run.timeframe);
    if builder.telemetry == Telemetry::Older {
        // Until the end of 2025 the API registered every operation too.
        builder.register(start, API, &operation, when - ms(60));
        builder.transition(start, API, &operation, when - ms(50), ("pending", "running"), &[]);
    }
    let request = Request::new("POST", "/training/start");
    let dispatch = builder.client(start, API, &run.worker, &request, (when, ms(8)), Reply::Status(200));
    let worker = builder.server(dispatch, &run.worker, &request, (when + ms(3), Micros(2300)), 200);
    let end = work(builder, worker, run, &operation, when + ms(6), ("pending", "running"));
    Started { operation, cli, end }
}

/// Adds the work that the worker does after it has answered. These spans start after their parent has ended.
pub(super) fn work(
    builder: &mut ScenarioBuilder,
    worker: TraceContext,
    run: &Run,
    operation: &Operation,
    when: Time,
    begins: (&'static str, &'static str),
) -> Time {
    let service = run.worker.service.clone();
    if begins.0 == "pending" {
        builder.register(worker, &service, operation, when);
    }
    builder.transition(worker, &service, operation, when + Micros(700), begins, &[]);
    let mut now = when + ms(390);
    for symbol in run.symbols.split(',') {
        now = load(builder, worker, &service, symbol, run, now) + ms(2);
    }
    if builder.telemetry == Telemetry::Older {
        now = older_phases(builder, worker, &service, run, now);
    }
    let end = now + builder.rng.about(run.silent);
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

fn load(
    builder: &mut ScenarioBuilder,
    worker: TraceContext,
    service: &str,
    symbol: &str,
    run: &Run,
    when: Time,
) -> Time {
    let took = builder.rng.about(run.loading);
    let rows = builder.rng.within(4800, 5200);
    builder
        .span(worker, service.to_owned(), "training.data_loading", when, took)
        .scope(PIPELINE, "")
        .attr("data.symbol", symbol.to_owned())
        .attr("data.timeframes", run.timeframe)
        .attr("progress.phase", "data_loading")
        .attr("data.rows", rows)
        .attr("data.columns", 5)
        .add();
    when + took
}

fn older_phases(builder: &mut ScenarioBuilder, worker: TraceContext, service: &str, run: &Run, when: Time) -> Time {
    let mut now = when;
    for (name, count) in [("training.indicators", "indicators"), ("training.fuzzy_computation", "fuzzy_sets")] {
        let took = builder.rng.about(secs(3));
        builder
            .span(worker, service.to_owned(), name, now, took)
            .scope(PIPELINE, "")
            .attr(format!("{count}.count"), 7)
            .attr(format!("{count}.timeframes"), run.timeframe)
            .add();
        now = now + took + ms(5);
    }
    now
}

/// 1: success. Most of the time is spent in the training loop, which has no span.
pub(super) fn success(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let started = train(builder, &deployment, &eurusd(&deployment), builder.base);
    builder.set_main_operation(&started.operation.id);
    builder.set_clock(mins(40));
}

/// 1b: the same with `--follow`: the command polls the operation every 0.3 s.
pub(super) fn followed(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let run = Run { symbols: "EURUSD", loading: ms(400), silent: secs(28), ..eurusd(&deployment) };
    let base = builder.base;
    let started = train(builder, &deployment, &run, base);
    follow(builder, &deployment, &started, &run.worker, started.end);
    builder.set_main_operation(&started.operation.id);
    builder.set_clock(mins(40));
}

/// Adds the polls of `--follow` until `until`. For one in three polls, the API asks the worker.
pub(super) fn follow(
    builder: &mut ScenarioBuilder,
    deployment: &Deployment,
    started: &Started,
    worker: &Peer,
    until: Time,
) {
    let mut when = builder.base + ms(412);
    let mut nth = 0;
    while when < until {
        let ask = (nth % 3 == 0).then_some((worker, Reply::Status(200)));
        builder.poll(started.cli, deployment, &started.operation, when, ask);
        when = when + ms(310);
        nth += 1;
    }
    builder.extend_until(started.cli, when);
}

/// The training on which most scenarios are based: three symbols, and 24 minutes without spans.
pub(super) fn eurusd(deployment: &Deployment) -> Run {
    Run {
        symbols: "EURUSD,GBPUSD,USDJPY",
        timeframe: "1h",
        worker: deployment.training[0].clone(),
        loading: secs(6),
        silent: mins(24),
        end: End::Completed,
    }
}

/// 14: four hours on a CPU worker.
pub(super) fn on_cpu(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let run = Run { symbols: "USDCHF", silent: mins(242), ..eurusd(&deployment) };
    let started = train(builder, &deployment, &run, builder.base);
    builder.set_main_operation(&started.operation.id);
    builder.set_clock(mins(260));
}
