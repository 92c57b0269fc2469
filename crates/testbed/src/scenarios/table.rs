//! Which scenarios there are.

use super::{agent, backtest, broken, download, failures, lifecycle, refused, seed, training};
use crate::{
    scenario::{Bottleneck, Expect, Fact, Form, Scenario},
    story::Story,
};
use diagnosis::{
    OperationStatus::{self, Cancelled, Completed, Failed, Running},
    Verdict,
    WorkerStatus::{self, AllWorkersBusy, NoCapableWorkers, NoWorkersAvailable, NoWorkersStarted, Success},
};

const WIRE: &[Form] = &[Form::Wire];
const OLDER: &[Form] = &[Form::Older];
const SEED: &[Form] = &[Form::Seed];
const WIRE_SEED: &[Form] = &[Form::Wire, Form::Seed];
const WIRE_OLDER: &[Form] = &[Form::Wire, Form::Older];
const ALL: &[Form] = &[Form::Wire, Form::Older, Form::Seed];

impl Expect {
    const fn of(operation_type: &'static str, verdict: Verdict) -> Self {
        Self {
            operations: 1,
            operation_type,
            verdict: Fact::Is(verdict),
            status: Fact::Open,
            error_type: Fact::Open,
            worker_status: Fact::Open,
            bottleneck: Fact::Open,
        }
    }

    /// Ended in this state; without an error when that is a good one.
    const fn ended(self, status: OperationStatus) -> Self {
        let error_type = if matches!(status, Completed) { Fact::Null } else { self.error_type };
        Self { status: Fact::Is(status), error_type, ..self }
    }

    const fn error(self, class: &'static str) -> Self {
        Self { error_type: Fact::Is(class), ..self }
    }

    const fn workers(self, status: WorkerStatus) -> Self {
        Self { worker_status: Fact::Is(status), ..self }
    }

    const fn at(self, bottleneck: Bottleneck) -> Self {
        Self { bottleneck: Fact::Is(bottleneck), ..self }
    }

    const fn operations(self, operations: usize) -> Self {
        Self { operations, ..self }
    }
}

const fn training(verdict: Verdict) -> Expect {
    Expect::of("training", verdict)
}

const fn backtest(verdict: Verdict) -> Expect {
    Expect::of("backtesting", verdict)
}

const fn download(verdict: Verdict) -> Expect {
    Expect::of("data_load", verdict)
}

const fn research(verdict: Verdict) -> Expect {
    Expect::of("agent_research", verdict)
}

/// The same story in today's words or in those of the plan.
macro_rules! in_words_of {
    ($wire:path, $seed:path) => {
        |story: &mut Story| if story.form == Form::Seed { $seed(story) } else { $wire(story) }
    };
}

/// Rows of the table: name, number, title, forms, expectation, story.
macro_rules! rows {
    ($($name:literal $number:literal $title:literal $forms:ident $live:literal $expect:expr => $generate:expr;)*) => {
        [$(Scenario {
            name: $name, number: $number, title: $title, forms: $forms, live: $live, expect: $expect, generate: $generate,
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
        |form| training(Verdict::Healthy).ended(Completed).workers(Success).at(match form {
            Form::Seed => Bottleneck::Span("training.training_loop"),
            Form::Wire | Form::Older => Bottleneck::Gap,
        }) => in_words_of!(training::success, seed::training_success);
    "1b-training-followed" "1b" "A training succeeds while its command polls it" WIRE_OLDER false
        |_| training(Verdict::Healthy).ended(Completed).workers(Success).at(Bottleneck::Gap) => training::followed;
    "2-backtest-success" "2" "A backtest succeeds" ALL false
        |form| backtest(Verdict::Healthy).ended(Completed).workers(Success).at(match form {
            Form::Wire => Bottleneck::Gap,
            Form::Older | Form::Seed => Bottleneck::Span("backtest.simulation"),
        }) => in_words_of!(backtest::success, seed::backtest_success);
    "3-slow-download" "3" "A data download waits for a slow IB Gateway" WIRE_SEED false
        |_| download(Verdict::Slow).ended(Completed).at(Bottleneck::Span("ib.fetch_historical"))
        => in_words_of!(download::slow_gateway, seed::slow_gateway);
    "3b-segments-failed" "3b" "Five of forty segments fail under a green status" WIRE false
        |_| Expect { error_type: Fact::Open, ..download(Verdict::MissingData).ended(Completed) }
        => download::segments_failed;
    "4-no-workers-backtest" "4" "No worker is registered for a backtest" WIRE_SEED false
        |form| {
            let expect = backtest(Verdict::NoWorkers).workers(NoWorkersStarted);
            if form == Form::Seed { expect } else { expect.error("HTTP 503") }
        } => in_words_of!(refused::no_workers_backtest, seed::no_workers_backtest);
    "4b-no-workers-training" "4b" "No worker is available for a training" WIRE_SEED false
        |form| match form {
            Form::Seed => training(Verdict::NoWorkers).workers(NoWorkersStarted),
            Form::Wire | Form::Older => {
                training(Verdict::NoWorkers).workers(NoWorkersAvailable).error("WorkerUnavailableError")
            }
        } => in_words_of!(refused::no_workers_training, seed::no_workers_training);
    "5-no-capable-workers" "5" "Only workers of another type are registered" WIRE_SEED false
        |_| backtest(Verdict::NoWorkers).workers(NoCapableWorkers)
        => in_words_of!(refused::no_capable_workers, seed::no_capable_workers);
    "6-all-workers-busy" "6" "Every worker of the type is busy" WIRE_SEED false
        |_| backtest(Verdict::NoWorkers).workers(AllWorkersBusy) => in_words_of!(refused::all_busy, seed::all_busy);
    "6b-second-worker-accepts" "6b" "The first worker is busy, the second accepts" WIRE false
        |_| Expect { error_type: Fact::Open, ..training(Verdict::Healthy).ended(Completed).workers(Success) }
            .at(Bottleneck::Gap) => refused::second_worker_accepts;
    "6b-all-workers-refuse" "6b" "Three workers answer that they are busy" WIRE false
        |_| training(Verdict::NoWorkers) => refused::all_workers_refuse;
    "7-worker-refused" "7" "The chosen worker does not listen" WIRE_SEED false
        |form| training(Verdict::Unreachable).error(match form {
            Form::Seed => "ConnectionRefusedError",
            Form::Wire | Form::Older => "ConnectError",
        }) => in_words_of!(refused::worker_refused, seed::worker_refused);
    "7b-ib-host-down" "7b" "The IB host service does not listen" WIRE false
        |_| download(Verdict::Unreachable).ended(Failed).error("ConnectError") => download::host_down;
    "7c-backend-down" "7c" "The backend does not listen" WIRE false
        |_| training(Verdict::Unreachable).error("ConnectError") => refused::backend_down;
    "7d-ib-gateway-down" "7d" "The IB host hangs because its gateway does not run" WIRE false
        |_| download(Verdict::Unreachable).ended(Failed) => download::gateway_down;
    "8-value-error" "8" "The worker's body raises; only the transition tells" ALL false
        |form| {
            let expect = training(Verdict::Failed).ended(Failed).workers(Success);
            if form == Form::Seed { expect.error("ValueError") } else { expect }
        } => in_words_of!(failures::value_error, seed::value_error);
    "8b-strategy-not-found" "8b" "The strategy file does not exist" WIRE false
        |_| training(Verdict::Failed).error("ValidationError") => refused::strategy_not_found;
    "8c-model-path-missing" "8c" "A backtest without a model" WIRE_OLDER false
        |_| backtest(Verdict::Failed).ended(Failed).workers(Success) => backtest::model_missing;
    "9-data-not-found" "9" "The data of a symbol was never loaded" WIRE_SEED false
        |_| training(Verdict::MissingData).ended(Failed).error("DataNotFoundError").workers(Success)
        => in_words_of!(failures::data_not_found, seed::data_not_found);
    "10-worker-crash" "10" "The worker dies in the middle of a training" ALL true
        |form| {
            let expect = training(Verdict::Stuck).workers(Success);
            // The plan's words know no transitions: nothing there says that it runs.
            if form == Form::Seed { expect } else { expect.ended(Running) }
        } => in_words_of!(lifecycle::crashed, seed::crashed);
    "10-worker-crash-failed" "10" "The same after the orphan detector gave up" WIRE false
        |_| training(Verdict::Failed).ended(Failed) => lifecycle::crashed_and_failed;
    "10b-still-running" "10b" "A training that runs" WIRE_OLDER true
        |_| training(Verdict::Running).ended(Running).workers(Success) => lifecycle::running;
    "10c-graceful-shutdown" "10c" "The worker is shut down and says so" WIRE false
        |_| training(Verdict::Cancelled).workers(Success) => lifecycle::shut_down;
    "11-cancelled" "11" "A user cancels a training" WIRE_OLDER false
        |_| training(Verdict::Cancelled).ended(Cancelled).workers(Success) => lifecycle::cancelled;
    "12-resumed" "12" "Cancelled, resumed, completed: one operation, two attempts" WIRE false
        |_| training(Verdict::Healthy).ended(Completed).workers(Success) => lifecycle::resumed;
    "13-frozen-progress" "13" "Progress stands at 45 % in another instance" SEED true
        |_| training(Verdict::Stuck) => seed::frozen_progress;
    "14-cpu-training" "14" "A training of four hours on a CPU worker" ALL false
        |form| training(Verdict::Slow).ended(Completed).workers(Success).at(match form {
            Form::Seed => Bottleneck::Span("training.training_loop"),
            Form::Wire | Form::Older => Bottleneck::Gap,
        }) => in_words_of!(training::on_cpu, seed::on_cpu);
    "15-context-lost" "15" "The worker's part is a trace of its own" WIRE false
        |_| Expect { operations: 1, ..training(Verdict::TraceBroken).ended(Completed) } => broken::context_lost;
    "16-gpu-host" "16" "The GPU host accepts, but is not instrumented" WIRE false
        |_| training(Verdict::TraceBroken).workers(Success) => broken::gpu_host;
    "17-agent-research" "17" "A research with its training and its backtest in one trace" WIRE false
        |_| research(Verdict::Healthy).ended(Completed).operations(3) => agent::complete;
    "17-gate-failed" "17" "A quality gate rejects the training of a research" WIRE false
        |_| research(Verdict::Healthy).ended(Completed).operations(2) => agent::gate_fails;
    "17-coordinator-missing" "17" "A research that runs: its coordinator's span does not exist yet" WIRE true
        |_| research(Verdict::Running).ended(Running).operations(2) => agent::coordinator_missing;
    "17b-coordinator-failed" "17b" "The coordinator of a research fails" WIRE false
        |_| research(Verdict::Failed).ended(Failed).error("RuntimeError") => agent::coordinator_failed;
    "18-giant" "18" "Thousands of polls around a training (a small sample)" WIRE false
        |_| training(Verdict::Healthy).ended(Completed).workers(Success).at(Bottleneck::Gap) => broken::small_giant;
    "19-slow-selection" "19" "Choosing among 120 workers takes 150 ms" WIRE false
        |_| backtest(Verdict::Slow).ended(Completed).workers(Success) => backtest::slow_selection;
    "20-noise-only" "20" "Health checks and scrapes" WIRE false
        |_| Expect { verdict: Fact::Open, ..training(Verdict::Unknown).operations(0) } => broken::noise_only;
    "21-registered-twice" "21" "API and worker register the same operation" OLDER false
        |_| backtest(Verdict::Healthy).ended(Completed).workers(Success).at(Bottleneck::Span("backtest.simulation"))
        => broken::registered_twice;
    "22-new-http-names" "22" "A worker does not listen, in the newer HTTP names" WIRE false
        |_| training(Verdict::Unreachable).error("ConnectError") => refused::worker_refused_new_names;
    "slow-against-baseline" "slow" "A backtest five times slower than the six before it" WIRE false
        |_| backtest(Verdict::Slow).ended(Completed).workers(Success).at(Bottleneck::Gap).operations(7)
        => backtest::against_baseline;
    "network-delay" "network" "The way to the worker takes longer than the work" WIRE false
        |_| Expect { verdict: Fact::Open, ..backtest(Verdict::Slow).ended(Completed).workers(Success) }
            .at(Bottleneck::Network("POST")) => backtest::network_delay;
    "n-plus-one" "n+1" "180 small requests one after the other" WIRE false
        |_| download(Verdict::Healthy).ended(Completed).at(Bottleneck::Span("ib.fetch_historical"))
        => download::n_plus_one;
    "clock-skew" "skew" "The worker's clock is 2.6 s behind" WIRE false
        |_| training(Verdict::Healthy).ended(Completed).workers(Success).at(Bottleneck::Gap) => broken::clock_skew;
    "missing-root" "root" "The command was killed: its span is missing" WIRE false
        |_| training(Verdict::Healthy).ended(Completed).workers(Success).at(Bottleneck::Gap) => broken::missing_root;
    "status-commands" "status" "Later commands look at a finished backtest" WIRE false
        |_| backtest(Verdict::Healthy).ended(Completed).workers(Success).at(Bottleneck::Gap)
        => backtest::status_commands;
};
