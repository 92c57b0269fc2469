//! Backtests: `POST /api/v1/backtests/start`, a selection span, then work in a backtest worker.

use super::training::End;
use crate::{
    Form,
    http::{Peer, Reply, Request},
    ktrdr::{API, CLI, Deployment, Exit, Operation},
    story::{At, Story, mins, ms, secs},
};
use trace::{Micros, Time};

pub(super) const BACKTEST_ARGS: &str = "\"strategy\": \"v3_minimal\", \"start_date\": \"2024-01-01\", \"end_date\": \
    \"2024-06-01\", \"capital\": 100000.0, \"commission\": 0.001, \"slippage\": 0.0005, \"model_path\": null, \
    \"follow\": false";
pub(super) const START: &str = "/api/v1/backtests/start";
const ENGINE: &str = "ktrdr.backtesting.engine";

/// A backtest from the moment a worker accepted it.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) symbol: &'static str,
    pub(super) worker: Peer,
    pub(super) loading: Micros,
    pub(super) features: Micros,
    /// The silent part: the bar loop.
    pub(super) silent: Micros,
    pub(super) end: End,
    /// Total, capable and available workers.
    pub(super) counts: [&'static str; 3],
    /// How long the selection takes.
    pub(super) selection: Micros,
    /// How long the request takes to reach the worker and the answer to come back.
    pub(super) network: Micros,
}

impl Run {
    pub(super) fn usual(d: &Deployment) -> Self {
        Self {
            symbol: "EURUSD",
            worker: d.backtest[0].clone(),
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

/// A whole backtest, fire and forget; answers the operation and the end of its last span.
pub(super) fn backtest(story: &mut Story, d: &Deployment, run: &Run, at: Time) -> (Operation, Time) {
    let top = story.trace();
    let took = ms(100) + run.selection + run.network;
    let command = took + ms(80);
    let cli = story.cli(top, "backtest", BACKTEST_ARGS, at, command, Exit::Ok);
    let server = story.call(cli, CLI, &d.api, &Request::new("POST", START), (at + ms(70), took), 200);
    story.list_workers(server, at + ms(90), 1);
    select_and_dispatch(story, server, run, at + ms(91))
}

/// Selection, dispatch and work, below the span that asked for it.
pub(super) fn select_and_dispatch(story: &mut Story, at: At, run: &Run, when: Time) -> (Operation, Time) {
    story.select_worker(at, "backtesting", when, run.selection, run.counts);
    let when = when + run.selection + ms(45);
    let operation = story.operation("backtesting", when, run.symbol, "1h");
    if story.form == Form::Older {
        story.register(at, API, &operation, when - ms(20));
        story.transition(at, API, &operation, when - ms(15), ("pending", "running"), &[]);
    }
    let request = Request::new("POST", "/backtests/start");
    let there = Micros(run.network.0 * 7 / 10);
    let took = run.network + Micros(2400);
    let client = story.client(at, API, &run.worker, &request, (when, took), Reply::Status(200));
    let worker = story.server(client, &run.worker, &request, (when + there, Micros(2400)), 200);
    let end = work(story, worker, run, &operation, when + there + Micros(2700));
    (operation, end)
}

fn work(story: &mut Story, worker: At, run: &Run, operation: &Operation, when: Time) -> Time {
    let service = run.worker.service.clone();
    story.register(worker, &service, operation, when);
    story.transition(worker, &service, operation, when + Micros(650), ("pending", "running"), &[]);
    let mut now = when + ms(if run.loading.0 == 0 { 34 } else { 148 });
    if run.loading.0 > 0 {
        now = phases(story, worker, &service, run, now);
    }
    // The older generation had a span for the bar loop, so nothing is silent there.
    let silent = if story.form == Form::Older { run.silent.min(ms(40)) } else { story.rng.about(run.silent) };
    let end = now + silent;
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

fn phases(story: &mut Story, worker: At, service: &str, run: &Run, when: Time) -> Time {
    let (loading, rows) = (story.rng.about(run.loading), story.rng.within(2950, 3050));
    story
        .span(worker, service.to_owned(), "backtest.data_loading", when, loading)
        .scope(ENGINE, "")
        .attr("data.symbol", run.symbol)
        .attr("data.timeframe", "1h")
        .attr("data.rows", rows)
        .done();
    let mut now = when + loading + ms(1);
    if story.form == Form::Older {
        let (init, simulation) = (story.rng.about(secs(2)), story.rng.about(run.silent));
        story.span(worker, service.to_owned(), "backtest.strategy_init", now, init).scope(ENGINE, "").done();
        now = now + init;
        story
            .span(worker, service.to_owned(), "backtest.simulation", now, simulation)
            .scope(ENGINE, "")
            .attr("simulation.total_bars", rows)
            .attr("simulation.processable_bars", rows - 50)
            .attr("progress.phase", "simulation")
            .done();
        return now + simulation;
    }
    let features = story.rng.about(run.features);
    story
        .span(worker, service.to_owned(), "backtest.feature_compute", now, features)
        .scope(ENGINE, "")
        .attr("data.rows", rows)
        .done();
    now + features
}

/// 2: success; the bar loop dominates.
pub(super) fn success(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let (operation, _) = backtest(story, &d, &Run::usual(&d), story.base);
    story.about_operation(&operation.id);
    story.clock(mins(15));
}

/// 8c: the worker needs a model and none was named: failed 35 ms after it began.
pub(super) fn model_missing(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let run = Run {
        loading: Micros(0),
        silent: ms(1),
        end: End::Failed("model_path is required for backtesting"),
        ..Run::usual(&d)
    };
    let (operation, _) = backtest(story, &d, &run, story.base);
    story.about_operation(&operation.id);
    story.clock(mins(15));
}

/// 19: with 120 workers registered the selection takes 150 ms.
pub(super) fn slow_selection(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let run = Run { symbol: "EURGBP", counts: ["120", "60", "55"], selection: ms(150), ..Run::usual(&d) };
    let (operation, _) = backtest(story, &d, &run, story.base);
    story.about_operation(&operation.id);
    story.clock(mins(15));
}

/// Later commands that look at a finished backtest: traces of their own, nothing lost.
pub(super) fn status_commands(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let run = Run { symbol: "EURJPY", ..Run::usual(&d) };
    let (operation, end) = backtest(story, &d, &run, story.base);
    let worker = run.worker.clone();
    story.status_command(&d, &operation, story.base + secs(30), Some((&worker, Reply::Status(200))));
    story.status_command(&d, &operation, story.base + secs(95), Some((&worker, Reply::Status(200))));
    story.status_command(&d, &operation, end + secs(60), None);
    story.about_operation(&operation.id);
    story.clock(mins(15));
}

/// Six runs of about two minutes and one of ten, all over the same data.
pub(super) fn against_baseline(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let usual = Run { symbol: "AUDUSD", silent: secs(95), ..Run::usual(&d) };
    for nth in 1..=6 {
        let at = story.base - mins(nth * 170);
        backtest(story, &d, &usual, at);
    }
    let slow = Run { silent: secs(600), ..usual };
    let (operation, _) = backtest(story, &d, &slow, story.base);
    story.about_operation(&operation.id);
    story.clock(mins(15));
}

/// The worker answers in 3 ms, but request and answer spend 14 s between API and worker.
pub(super) fn network_delay(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let run = Run {
        symbol: "NZDUSD",
        loading: ms(300),
        features: ms(800),
        silent: secs(2),
        network: secs(14),
        ..Run::usual(&d)
    };
    let (operation, _) = backtest(story, &d, &run, story.base);
    story.about_operation(&operation.id);
    story.clock(mins(15));
}
