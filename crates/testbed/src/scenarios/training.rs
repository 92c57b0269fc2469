//! Trainings: `POST /api/v1/trainings/start`, then work in a training worker whose loop has no span.

use crate::{
    Form,
    http::{Peer, Reply, Request},
    ktrdr::{API, CLI, Deployment, Exit, Operation},
    story::{At, Story, mins, ms, secs},
};
use trace::{Micros, Time};

pub(super) const TRAIN_ARGS: &str = "\"strategy\": \"v3_minimal\", \"start_date\": \"2024-01-01\", \"end_date\": \
    \"2024-06-01\", \"symbols\": null, \"timeframes\": null, \"validation_split\": 0.2, \"models_dir\": \"models\", \
    \"data_mode\": \"local\", \"dry_run\": false, \"detailed_analytics\": false, \"follow\": false";
pub(super) const START: &str = "/api/v1/trainings/start";
const PIPELINE: &str = "ktrdr.training.training_pipeline";

/// How a run ends, as far as the worker tells.
#[derive(Clone, Debug)]
pub(super) enum End {
    Completed,
    Failed(&'static str),
    /// No terminal transition: still running, crashed, cancelled elsewhere.
    Open,
}

/// A training from the moment a worker accepted it.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) symbols: &'static str,
    pub(super) timeframe: &'static str,
    pub(super) worker: Peer,
    /// Time to load each symbol.
    pub(super) loading: Micros,
    /// The silent part: features and the training loop.
    pub(super) silent: Micros,
    pub(super) end: End,
}

/// A training that was started.
#[derive(Clone, Debug)]
pub(super) struct Started {
    pub(super) operation: Operation,
    /// The command's span.
    pub(super) cli: At,
    /// End of the last span of the work.
    pub(super) end: Time,
}

/// The command and the start request down to `training.start`; answers (command, `training.start`).
pub(super) fn request(story: &mut Story, d: &Deployment, at: Time, exit: Exit) -> (At, At) {
    let top = story.trace();
    let took = story.rng.about(ms(420));
    let cli = story.cli(top, "train", TRAIN_ARGS, at, took, exit);
    let server = story.call(cli, CLI, &d.api, &Request::new("POST", START), (at + ms(174), ms(215)), 200);
    (cli, service(story, server, at + ms(180), ms(196)))
}

/// `training.start`, the API's service method.
pub(super) fn service(story: &mut Story, at: At, when: Time, took: Micros) -> At {
    let start = story
        .span(at, API, "training.start", when, took)
        .scope(crate::ktrdr::SERVICE, "")
        .attr("service.method", "training.start")
        .attr("data.start_date", "2024-01-01")
        .attr("data.end_date", "2024-06-01")
        .ok()
        .done();
    story.list_workers(start, when + ms(30), 2);
    start
}

/// A whole training, fire and forget.
pub(super) fn train(story: &mut Story, d: &Deployment, run: &Run, at: Time) -> Started {
    let (cli, start) = request(story, d, at, Exit::Ok);
    dispatch(story, cli, start, run, at + ms(350))
}

/// From `training.start` on: dispatch to the worker and its work.
pub(super) fn dispatch(story: &mut Story, cli: At, start: At, run: &Run, when: Time) -> Started {
    let operation = story.operation("training", when, run.symbols, run.timeframe);
    if story.form == Form::Older {
        // Until the end of 2025 the API registered every operation too.
        story.register(start, API, &operation, when - ms(60));
        story.transition(start, API, &operation, when - ms(50), ("pending", "running"), &[]);
    }
    let request = Request::new("POST", "/training/start");
    let dispatch = story.client(start, API, &run.worker, &request, (when, ms(8)), Reply::Status(200));
    let worker = story.server(dispatch, &run.worker, &request, (when + ms(3), Micros(2300)), 200);
    let end = work(story, worker, run, &operation, when + ms(6), ("pending", "running"));
    Started { operation, cli, end }
}

/// What the worker does after it has answered; its spans start after their parent ended.
pub(super) fn work(
    story: &mut Story,
    worker: At,
    run: &Run,
    operation: &Operation,
    when: Time,
    begins: (&'static str, &'static str),
) -> Time {
    let service = run.worker.service.clone();
    if begins.0 == "pending" {
        story.register(worker, &service, operation, when);
    }
    story.transition(worker, &service, operation, when + Micros(700), begins, &[]);
    let mut now = when + ms(390);
    for symbol in run.symbols.split(',') {
        now = load(story, worker, &service, symbol, run, now) + ms(2);
    }
    if story.form == Form::Older {
        now = older_phases(story, worker, &service, run, now);
    }
    let end = now + story.rng.about(run.silent);
    match &run.end {
        End::Completed => story.transition(worker, &service, operation, end, ("running", "completed"), &[]),
        End::Failed(text) => {
            let error = [("operation.error", (*text).into())];
            story.transition(worker, &service, operation, end, ("running", "failed"), &error);
        }
        End::Open => return now,
    }
    end
}

fn load(story: &mut Story, worker: At, service: &str, symbol: &str, run: &Run, when: Time) -> Time {
    let took = story.rng.about(run.loading);
    let rows = story.rng.within(4800, 5200);
    story
        .span(worker, service.to_owned(), "training.data_loading", when, took)
        .scope(PIPELINE, "")
        .attr("data.symbol", symbol.to_owned())
        .attr("data.timeframes", run.timeframe)
        .attr("progress.phase", "data_loading")
        .attr("data.rows", rows)
        .attr("data.columns", 5)
        .done();
    when + took
}

fn older_phases(story: &mut Story, worker: At, service: &str, run: &Run, when: Time) -> Time {
    let mut now = when;
    for (name, count) in [("training.indicators", "indicators"), ("training.fuzzy_computation", "fuzzy_sets")] {
        let took = story.rng.about(secs(3));
        story
            .span(worker, service.to_owned(), name, now, took)
            .scope(PIPELINE, "")
            .attr(format!("{count}.count"), 7)
            .attr(format!("{count}.timeframes"), run.timeframe)
            .done();
        now = now + took + ms(5);
    }
    now
}

/// 1: success; the longest stretch is the training loop, which no span shows.
pub(super) fn success(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let started = train(story, &d, &eurusd(&d), story.base);
    story.about_operation(&started.operation.id);
    story.clock(mins(40));
}

/// 1b: the same with `--follow`: the command polls every 0.3 s (here: for the last seconds of a short training).
pub(super) fn followed(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let run = Run { symbols: "EURUSD", loading: ms(400), silent: secs(28), ..eurusd(&d) };
    let base = story.base;
    let started = train(story, &d, &run, base);
    follow(story, &d, &started, &run.worker, started.end);
    story.about_operation(&started.operation.id);
    story.clock(mins(40));
}

/// Polls of `--follow` until `until`, about one in three asking the worker.
pub(super) fn follow(story: &mut Story, d: &Deployment, started: &Started, worker: &Peer, until: Time) {
    let mut when = story.base + ms(412);
    let mut nth = 0;
    while when < until {
        let ask = (nth % 3 == 0).then_some((worker, Reply::Status(200)));
        story.poll(started.cli, d, &started.operation, when, ask);
        when = when + ms(310);
        nth += 1;
    }
    story.stretch(started.cli, when);
}

/// The training most scenarios vary: three symbols, 24 silent minutes.
pub(super) fn eurusd(d: &Deployment) -> Run {
    Run {
        symbols: "EURUSD,GBPUSD,USDJPY",
        timeframe: "1h",
        worker: d.training[0].clone(),
        loading: secs(6),
        silent: mins(24),
        end: End::Completed,
    }
}

/// 14: four hours on a CPU worker.
pub(super) fn on_cpu(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let run = Run { symbols: "USDCHF", silent: mins(242), ..eurusd(&d) };
    let started = train(story, &d, &run, story.base);
    story.about_operation(&started.operation.id);
    story.clock(mins(260));
}
