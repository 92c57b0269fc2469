//! Starts that are refused: no worker, wrong worker, busy or dead worker, no backend, bad strategy. The command line
//! retries every 5xx three times, so most of these hold four equal subtrees; none of them carries an operation id.

use super::{backtest, training};
use crate::{
    http::{Peer, Reply, Request},
    ktrdr::{API, CLI, Deployment, Exit, SERVICE},
    story::{At, HttpNames, Story, mins, ms, secs},
};
use trace::{Micros, Time};

/// Offsets of the tries after the first.
const TRIES: [i64; 4] = [0, 1_500, 4_000, 8_000];
const UNAVAILABLE: (&str, &str) = ("ktrdr.errors.exceptions.WorkerUnavailableError", "No training workers available");

/// The command's root and one answered request per try.
fn tries(
    story: &mut Story,
    (command, args, route): (&'static str, &str, &'static str),
    (status, exit): (u16, Exit),
    count: usize,
    mut body: impl FnMut(&mut Story, At, Time),
) {
    let d = Deployment::new(story.seed);
    let top = story.trace();
    let base = story.base;
    let cli = story.cli(top, command, args, base, secs(1), exit);
    let mut end = base;
    for offset in TRIES.into_iter().take(count) {
        let when = base + ms(172) + ms(story.rng.within(offset, offset + 300));
        let took = story.rng.about(ms(88));
        let server = story.call(cli, CLI, &d.api, &Request::new("POST", route), (when, took), status);
        body(story, server, when + ms(8));
        end = when + took;
    }
    story.stretch(cli, end + ms(25));
    story.clock(mins(10));
}

fn no_backtest_worker(story: &mut Story, counts: [&'static str; 3]) {
    let command = ("backtest", backtest::BACKTEST_ARGS, backtest::START);
    tries(story, command, (503, Exit::One), 4, |story, server, when| {
        story.list_workers(server, when, 1);
        story.select_worker(server, "backtesting", when + Micros(150), Micros(60), counts);
    });
}

/// 4: nothing is registered.
pub(super) fn no_workers_backtest(story: &mut Story) {
    no_backtest_worker(story, ["0", "0", "0"]);
}

/// 5: only workers of another type.
pub(super) fn no_capable_workers(story: &mut Story) {
    no_backtest_worker(story, ["2", "0", "0"]);
}

/// 6: the only worker is busy.
pub(super) fn all_busy(story: &mut Story) {
    no_backtest_worker(story, ["1", "1", "0"]);
}

/// `training.start` that ends in an exception.
fn failing_start(story: &mut Story, at: At, when: Time, took: Micros, error: (&'static str, &'static str)) -> At {
    let start = story
        .span(at, API, "training.start", when, took)
        .scope(SERVICE, "")
        .attr("service.method", "training.start")
        .attr("data.start_date", "2024-01-01")
        .attr("data.end_date", "2024-06-01")
        .raised(error.0, error.1, 2)
        .done();
    story.list_workers(start, when + ms(9), 2);
    start
}

const TRAIN: (&str, &str, &str) = ("train", training::TRAIN_ARGS, training::START);

/// 4b: trainings tell no counts; only the exception says that no worker was available.
pub(super) fn no_workers_training(story: &mut Story) {
    tries(story, TRAIN, (503, Exit::One), 4, |story, server, when| {
        failing_start(story, server, when, ms(30), UNAVAILABLE);
    });
}

/// 7: the registry still knows a worker that does not listen any more.
pub(super) fn worker_refused(story: &mut Story) {
    let worker = Deployment::new(story.seed).training[0].clone();
    tries(story, TRAIN, (500, Exit::Silent), 4, |story, server, when| {
        let error = ("httpx.ConnectError", "All connection attempts failed");
        let start = failing_start(story, server, when, ms(68), error);
        let request = Request::new("POST", "/training/start");
        story.client(start, API, &worker, &request, (when + ms(50), ms(10)), Reply::Refused);
    });
}

/// 22: scenario 7 as the newer HTTP conventions write it.
pub(super) fn worker_refused_new_names(story: &mut Story) {
    story.http_names = HttpNames::New;
    worker_refused(story);
}

fn answers_busy(story: &mut Story, at: At, worker: &Peer, when: Time) {
    story.call(at, API, worker, &Request::new("POST", "/training/start"), (when, ms(7)), 503);
}

/// 6b: the first worker says 503, the second accepts.
pub(super) fn second_worker_accepts(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let base = story.base;
    let (cli, start) = training::request(story, &d, base, Exit::Ok);
    answers_busy(story, start, &d.training[0], base + ms(260));
    let run =
        training::Run { symbols: "EURCHF", worker: d.training[1].clone(), silent: mins(11), ..training::eurusd(&d) };
    let started = training::dispatch(story, cli, start, &run, base + ms(340));
    story.about_operation(&started.operation.id);
    story.clock(mins(30));
}

/// 6b: three workers say 503.
pub(super) fn all_workers_refuse(story: &mut Story) {
    let workers = Deployment::new(story.seed).training;
    tries(story, TRAIN, (500, Exit::Silent), 4, |story, server, when| {
        let error = ("RuntimeError", "All workers busy after 3 attempts for training start");
        let start = failing_start(story, server, when, ms(70), error);
        for (worker, offset) in workers.iter().zip([20, 35, 50]) {
            answers_busy(story, start, worker, when + ms(offset));
        }
    });
}

/// 7c: the backend does not listen; only the command's own spans exist.
pub(super) fn backend_down(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let top = story.trace();
    let base = story.base;
    let cli = story.cli(top, "train", training::TRAIN_ARGS, base, secs(9), Exit::Silent);
    for offset in TRIES {
        let when = base + ms(160) + ms(story.rng.within(offset, offset + 300));
        story.client(
            cli,
            CLI,
            &d.api,
            &Request::new("POST", training::START),
            (when, Micros(2600)),
            Reply::RefusedSync,
        );
    }
    story.clock(mins(10));
}

/// 8b: a 400 is not retried.
pub(super) fn strategy_not_found(story: &mut Story) {
    tries(story, TRAIN, (400, Exit::One), 1, |story, server, when| {
        let error = (
            "ktrdr.errors.exceptions.ValidationError",
            "Strategy file not found: momentum_v9.yaml (searched: strategies, /app/strategies)",
        );
        failing_start(story, server, when, ms(14), error);
    });
}
