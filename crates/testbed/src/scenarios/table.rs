//! The table of all scenarios: name, number in the list of known situations, title, generations of telemetry, whether the
//! expectation holds only at the scenario's clock, what a diagnosis must find, and the function that generates the spans.

use super::{agent, backtest, broken, download, failures, lifecycle, planned, refused, training};
use crate::{
    scenario::{Bottleneck, Expectation, Expected, Scenario},
    scenario_builder::ScenarioBuilder,
    telemetry::Telemetry,
};
use diagnosis::{
    OperationStatus::{self, Cancelled, Completed, Failed, Running},
    Verdict,
    WorkerStatus::{self, AllWorkersBusy, NoCapableWorkers, NoWorkersAvailable, NoWorkersStarted, Success},
};

const CURRENT: &[Telemetry] = &[Telemetry::Current];
const OLDER: &[Telemetry] = &[Telemetry::Older];
const PLANNED: &[Telemetry] = &[Telemetry::Planned];
const CURRENT_PLANNED: &[Telemetry] = &[Telemetry::Current, Telemetry::Planned];
const CURRENT_OLDER: &[Telemetry] = &[Telemetry::Current, Telemetry::Older];
const ALL: &[Telemetry] = &[Telemetry::Current, Telemetry::Older, Telemetry::Planned];

impl Expectation {
    const fn of(operation_type: &'static str, verdict: Verdict) -> Self {
        Self {
            operations: 1,
            operation_type,
            verdict: Expected::Is(verdict),
            status: Expected::Any,
            error_type: Expected::Any,
            worker_status: Expected::Any,
            bottleneck: Expected::Any,
        }
    }

    /// The operation ended with this status, and without an error if it completed.
    const fn ended(self, status: OperationStatus) -> Self {
        let error_type = if matches!(status, Completed) { Expected::Null } else { self.error_type };
        Self { status: Expected::Is(status), error_type, ..self }
    }

    const fn error(self, class: &'static str) -> Self {
        Self { error_type: Expected::Is(class), ..self }
    }

    const fn workers(self, status: WorkerStatus) -> Self {
        Self { worker_status: Expected::Is(status), ..self }
    }

    const fn at(self, bottleneck: Bottleneck) -> Self {
        Self { bottleneck: Expected::Is(bottleneck), ..self }
    }

    const fn operations(self, operations: usize) -> Self {
        Self { operations, ..self }
    }
}

const fn training(verdict: Verdict) -> Expectation {
    Expectation::of("training", verdict)
}

const fn backtest(verdict: Verdict) -> Expectation {
    Expectation::of("backtesting", verdict)
}

const fn download(verdict: Verdict) -> Expectation {
    Expectation::of("data_load", verdict)
}

const fn research(verdict: Verdict) -> Expectation {
    Expectation::of("agent_research", verdict)
}

/// Generates the scenario with one function for the planned telemetry and with another for the rest.
macro_rules! by_telemetry {
    ($current:path, $planned:path) => {
        |builder: &mut ScenarioBuilder| {
            if builder.telemetry == Telemetry::Planned { $planned(builder) } else { $current(builder) }
        }
    };
}

/// The rows of the table, in the order of the module comment.
macro_rules! rows {
    ($($name:literal $number:literal $title:literal $telemetry:ident $live:literal $expect:expr => $generate:expr;)*) => {
        [$(Scenario {
            name: $name, number: $number, title: $title, telemetry: $telemetry, live: $live, expect: $expect, generate: $generate,
        }),*]
    };
}

/// All scenarios, in the order of the list of known situations.
#[must_use]
pub fn scenarios() -> &'static [Scenario] {
    &TABLE
}

static TABLE: [Scenario; 44] = rows! {
    "1-training-success" "1" "A training succeeds; its loop has no span" ALL false
        |telemetry| training(Verdict::Healthy).ended(Completed).workers(Success).at(match telemetry {
            Telemetry::Planned => Bottleneck::Span("training.training_loop"),
            Telemetry::Current | Telemetry::Older => Bottleneck::Gap,
        }) => by_telemetry!(training::success, planned::training_success);
    "1b-training-followed" "1b" "A training succeeds while its command polls it" CURRENT_OLDER false
        |_| training(Verdict::Healthy).ended(Completed).workers(Success).at(Bottleneck::Gap) => training::followed;
    "2-backtest-success" "2" "A backtest succeeds" ALL false
        |telemetry| backtest(Verdict::Healthy).ended(Completed).workers(Success).at(match telemetry {
            Telemetry::Current => Bottleneck::Gap,
            Telemetry::Older | Telemetry::Planned => Bottleneck::Span("backtest.simulation"),
        }) => by_telemetry!(backtest::success, planned::backtest_success);
    "3-slow-download" "3" "A data download waits for a slow IB Gateway" CURRENT_PLANNED false
        |_| download(Verdict::Slow).ended(Completed).at(Bottleneck::Span("ib.fetch_historical"))
        => by_telemetry!(download::slow_gateway, planned::slow_gateway);
    "3b-segments-failed" "3b" "Five of forty segments fail although the status is OK" CURRENT false
        |_| Expectation { error_type: Expected::Any, ..download(Verdict::MissingData).ended(Completed) }
        => download::segments_failed;
    "4-no-workers-backtest" "4" "No worker is registered for a backtest" CURRENT_PLANNED false
        |telemetry| {
            let expect = backtest(Verdict::NoWorkers).workers(NoWorkersStarted);
            if telemetry == Telemetry::Planned { expect } else { expect.error("HTTP 503") }
        } => by_telemetry!(refused::no_workers_backtest, planned::no_workers_backtest);
    "4b-no-workers-training" "4b" "No worker is available for a training" CURRENT_PLANNED false
        |telemetry| match telemetry {
            Telemetry::Planned => training(Verdict::NoWorkers).workers(NoWorkersStarted),
            Telemetry::Current | Telemetry::Older => {
                training(Verdict::NoWorkers).workers(NoWorkersAvailable).error("WorkerUnavailableError")
            }
        } => by_telemetry!(refused::no_workers_training, planned::no_workers_training);
    "5-no-capable-workers" "5" "Only workers of another type are registered" CURRENT_PLANNED false
        |_| backtest(Verdict::NoWorkers).workers(NoCapableWorkers)
        => by_telemetry!(refused::no_capable_workers, planned::no_capable_workers);
    "6-all-workers-busy" "6" "Every worker of the type is busy" CURRENT_PLANNED false
        |_| backtest(Verdict::NoWorkers).workers(AllWorkersBusy) => by_telemetry!(refused::all_busy, planned::all_busy);
    "6b-second-worker-accepts" "6b" "The first worker is busy, the second accepts" CURRENT false
        |_| Expectation { error_type: Expected::Any, ..training(Verdict::Healthy).ended(Completed).workers(Success) }
            .at(Bottleneck::Gap) => refused::second_worker_accepts;
    "6b-all-workers-refuse" "6b" "Three workers answer that they are busy" CURRENT false
        |_| training(Verdict::NoWorkers) => refused::all_workers_refuse;
    "7-worker-refused" "7" "The chosen worker does not listen" CURRENT_PLANNED false
        |telemetry| training(Verdict::Unreachable).error(match telemetry {
            Telemetry::Planned => "ConnectionRefusedError",
            Telemetry::Current | Telemetry::Older => "ConnectError",
        }) => by_telemetry!(refused::worker_refused, planned::worker_refused);
    "7b-ib-host-down" "7b" "The IB host service does not listen" CURRENT false
        |_| download(Verdict::Unreachable).ended(Failed).error("ConnectError") => download::host_down;
    "7c-backend-down" "7c" "The backend does not listen" CURRENT false
        |_| training(Verdict::Unreachable).error("ConnectError") => refused::backend_down;
    "7d-ib-gateway-down" "7d" "The IB host hangs because its gateway does not run" CURRENT false
        |_| download(Verdict::Unreachable).ended(Failed) => download::gateway_down;
    "8-value-error" "8" "The worker raises an exception; only the change of state shows it" ALL false
        |telemetry| {
            let expect = training(Verdict::Failed).ended(Failed).workers(Success);
            if telemetry == Telemetry::Planned { expect.error("ValueError") } else { expect }
        } => by_telemetry!(failures::value_error, planned::value_error);
    "8b-strategy-not-found" "8b" "The strategy file does not exist" CURRENT false
        |_| training(Verdict::Failed).error("ValidationError") => refused::strategy_not_found;
    "8c-model-path-missing" "8c" "A backtest without a model" CURRENT_OLDER false
        |_| backtest(Verdict::Failed).ended(Failed).workers(Success) => backtest::model_missing;
    "9-data-not-found" "9" "The data of a symbol was never loaded" CURRENT_PLANNED false
        |_| training(Verdict::MissingData).ended(Failed).error("DataNotFoundError").workers(Success)
        => by_telemetry!(failures::data_not_found, planned::data_not_found);
    "10-worker-crash" "10" "The worker dies in the middle of a training" ALL true
        |telemetry| {
            let expect = training(Verdict::Stuck).workers(Success);
            // The planned telemetry has no changes of state, so nothing shows that the operation is running.
            if telemetry == Telemetry::Planned { expect } else { expect.ended(Running) }
        } => by_telemetry!(lifecycle::crashed, planned::crashed);
    "10-worker-crash-failed" "10" "The same after the orphan detector has set it to failed" CURRENT false
        |_| training(Verdict::Failed).ended(Failed) => lifecycle::crashed_and_failed;
    "10b-still-running" "10b" "A training is running" CURRENT_OLDER true
        |_| training(Verdict::Running).ended(Running).workers(Success) => lifecycle::running;
    "10c-graceful-shutdown" "10c" "The worker is shut down and reports it" CURRENT false
        |_| training(Verdict::Cancelled).workers(Success) => lifecycle::shut_down;
    "11-cancelled" "11" "A user cancels a training" CURRENT_OLDER false
        |_| training(Verdict::Cancelled).ended(Cancelled).workers(Success) => lifecycle::cancelled;
    "12-resumed" "12" "Cancelled, resumed, completed: one operation, two attempts" CURRENT false
        |_| training(Verdict::Healthy).ended(Completed).workers(Success) => lifecycle::resumed;
    "13-frozen-progress" "13" "Progress has stayed at 45 % in another instance" PLANNED true
        |_| training(Verdict::Stuck) => planned::frozen_progress;
    "14-cpu-training" "14" "A training of four hours on a CPU worker" ALL false
        |telemetry| training(Verdict::Slow).ended(Completed).workers(Success).at(match telemetry {
            Telemetry::Planned => Bottleneck::Span("training.training_loop"),
            Telemetry::Current | Telemetry::Older => Bottleneck::Gap,
        }) => by_telemetry!(training::on_cpu, planned::on_cpu);
    "15-context-lost" "15" "The worker's spans are in a separate trace" CURRENT false
        |_| Expectation { operations: 1, ..training(Verdict::TraceBroken).ended(Completed) } => broken::context_lost;
    "16-gpu-host" "16" "The GPU host accepts, but is not instrumented" CURRENT false
        |_| training(Verdict::TraceBroken).workers(Success) => broken::gpu_host;
    "17-agent-research" "17" "A research run with its training and its backtest in one trace" CURRENT false
        |_| research(Verdict::Healthy).ended(Completed).operations(3) => agent::complete;
    "17-gate-failed" "17" "A quality gate rejects the training of a research run" CURRENT false
        |_| research(Verdict::Healthy).ended(Completed).operations(2) => agent::gate_fails;
    "17-coordinator-missing" "17" "A running research run: its coordinator's span does not exist yet" CURRENT true
        |_| research(Verdict::Running).ended(Running).operations(2) => agent::coordinator_missing;
    "17b-coordinator-failed" "17b" "The coordinator of a research run fails" CURRENT false
        |_| research(Verdict::Failed).ended(Failed).error("RuntimeError") => agent::coordinator_failed;
    "18-giant" "18" "Thousands of polls around a training (a small sample)" CURRENT false
        |_| training(Verdict::Healthy).ended(Completed).workers(Success).at(Bottleneck::Gap) => broken::small_giant;
    "19-slow-selection" "19" "Choosing among 120 workers takes 150 ms" CURRENT false
        |_| backtest(Verdict::Slow).ended(Completed).workers(Success) => backtest::slow_selection;
    "20-noise-only" "20" "Health checks and scrapes" CURRENT false
        |_| Expectation { verdict: Expected::Any, ..training(Verdict::Unknown).operations(0) } => broken::noise_only;
    "21-registered-twice" "21" "API and worker register the same operation" OLDER false
        |_| backtest(Verdict::Healthy).ended(Completed).workers(Success).at(Bottleneck::Span("backtest.simulation"))
        => broken::registered_twice;
    "22-new-http-names" "22" "A worker does not listen, in the newer HTTP names" CURRENT false
        |_| training(Verdict::Unreachable).error("ConnectError") => refused::worker_refused_new_names;
    "slow-against-baseline" "slow" "A backtest five times slower than the six before it" CURRENT false
        |_| backtest(Verdict::Slow).ended(Completed).workers(Success).at(Bottleneck::Gap).operations(7)
        => backtest::against_baseline;
    "network-delay" "network" "The network to the worker takes longer than the work" CURRENT false
        |_| Expectation { verdict: Expected::Any, ..backtest(Verdict::Slow).ended(Completed).workers(Success) }
            .at(Bottleneck::Network("POST")) => backtest::network_delay;
    "n-plus-one" "n+1" "180 small requests in a row" CURRENT false
        |_| download(Verdict::Healthy).ended(Completed).at(Bottleneck::Span("ib.fetch_historical"))
        => download::n_plus_one;
    "clock-skew" "skew" "The worker's clock is 2.6 s behind" CURRENT false
        |_| training(Verdict::Healthy).ended(Completed).workers(Success).at(Bottleneck::Gap) => broken::clock_skew;
    "missing-root" "root" "The command was killed: its span is missing" CURRENT false
        |_| training(Verdict::Healthy).ended(Completed).workers(Success).at(Bottleneck::Gap) => broken::missing_root;
    "status-commands" "status" "Later commands show the status of a completed backtest" CURRENT false
        |_| backtest(Verdict::Healthy).ended(Completed).workers(Success).at(Bottleneck::Gap)
        => backtest::status_commands;
};
