//! Everyday work of a deployment: operations that succeed, on a given worker.

use super::{agent, backtest, download, training};
use crate::{
    ktrdr::Deployment,
    scenario::Scenario,
    scenario_builder::{ScenarioBuilder, mins, ms, secs},
};

/// A piece of work. Workers are counted from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// A training of these symbols on this training worker, with the duration of its loop in seconds.
    Training(usize, &'static str, i64),
    /// A backtest of this symbol on this backtest worker, with the duration of its bar loop in seconds.
    Backtest(usize, &'static str, i64),
    /// A download of this symbol, with the number of segments.
    Download(&'static str, i64),
    /// The same while the IB Gateway is slow.
    SlowDownload(&'static str, i64),
    /// A research run on the first worker of each type, and whether its training passes the quality gate.
    Research(bool),
    /// One of the scenarios.
    Example(&'static Scenario),
}

/// Adds the spans of a piece of work that starts at the builder's base.
pub(crate) fn work(builder: &mut ScenarioBuilder, work: Work) {
    let deployment = Deployment::new(builder.seed);
    match work {
        Work::Training(worker, symbols, silent) => {
            let Some(worker) = deployment.training.get(worker).cloned() else { return };
            let run = training::Run {
                symbols,
                worker,
                loading: secs(2),
                silent: secs(silent),
                ..training::eurusd(&deployment)
            };
            training::train(builder, &deployment, &run, builder.base);
        }
        Work::Backtest(worker, symbol, silent) => {
            let Some(worker) = deployment.backtest.get(worker).cloned() else { return };
            let run = backtest::Run {
                symbol,
                worker,
                loading: ms(1500),
                features: secs(6),
                silent: secs(silent),
                ..backtest::Run::usual(&deployment)
            };
            backtest::backtest(builder, &deployment, &run, builder.base);
        }
        Work::Download(symbol, count) => download::segments(builder, symbol, count, (700, 2600), &[]),
        Work::SlowDownload(symbol, count) => download::segments(builder, symbol, count, (12_000, 20_000), &[]),
        Work::Research(passes) => {
            agent::everyday(builder, passes, ("EURUSD,EURCAD", mins(if passes { 20 } else { 8 })));
        }
        Work::Example(scenario) => (scenario.generate)(builder),
    }
}
