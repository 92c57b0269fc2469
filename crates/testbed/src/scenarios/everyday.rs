//! What a deployment does all day: operations that end well, on a worker of one's choice.

use super::{agent, backtest, download, training};
use crate::{
    ktrdr::Deployment,
    scenario::Scenario,
    scenario_builder::{ScenarioBuilder, mins, ms, secs},
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
    /// A research on the first worker of each type, whose training passes the gate or not.
    Research(bool),
    /// One of the examples.
    Example(&'static Scenario),
}

/// Tells a piece of work that starts at the builder's base.
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
        Work::Research(passes) => {
            agent::everyday(builder, passes, ("EURUSD,EURCAD", mins(if passes { 20 } else { 8 })))
        }
        Work::Example(scenario) => (scenario.generate)(builder),
    }
}
