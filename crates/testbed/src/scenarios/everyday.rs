//! What a deployment does all day: operations that end well, on a worker of one's choice.

use super::{agent, backtest, download, training};
use crate::{
    ktrdr::Deployment,
    scenario::Scenario,
    story::{Story, mins, ms, secs},
};

/// A piece of work; workers are counted from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// A training of these symbols on a training worker; the loop lasts so many seconds.
    Training(usize, &'static str, i64),
    /// A backtest of this symbol on a backtest worker; the bar loop lasts so many seconds.
    Backtest(usize, &'static str, i64),
    /// A download of this symbol in so many segments.
    Download(&'static str, i64),
    /// The same while the IB Gateway is slow.
    SlowDownload(&'static str, i64),
    /// A research on the first worker of each type, whose training passes the gate or not.
    Research(bool),
    /// One of the examples.
    Example(&'static Scenario),
}

/// Tells a piece of work that starts at the story's base.
pub(crate) fn work(story: &mut Story, work: Work) {
    let d = Deployment::new(story.seed);
    match work {
        Work::Training(worker, symbols, silent) => {
            let Some(worker) = d.training.get(worker).cloned() else { return };
            let run = training::Run { symbols, worker, loading: secs(2), silent: secs(silent), ..training::eurusd(&d) };
            training::train(story, &d, &run, story.base);
        }
        Work::Backtest(worker, symbol, silent) => {
            let Some(worker) = d.backtest.get(worker).cloned() else { return };
            let run = backtest::Run {
                symbol,
                worker,
                loading: ms(1500),
                features: secs(6),
                silent: secs(silent),
                ..backtest::Run::usual(&d)
            };
            backtest::backtest(story, &d, &run, story.base);
        }
        Work::Download(symbol, count) => download::segments(story, symbol, count, (700, 2600), &[]),
        Work::SlowDownload(symbol, count) => download::segments(story, symbol, count, (12_000, 20_000), &[]),
        Work::Research(passes) => agent::everyday(story, passes, ("EURUSD,EURCAD", mins(if passes { 20 } else { 8 }))),
        Work::Example(scenario) => (scenario.generate)(story),
    }
}
