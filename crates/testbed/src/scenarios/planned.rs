//! Scenarios in the telemetry of KTRDR's first observability plan: `worker_registry.*`, upper-case values, counts as
//! integers, exceptions as tags, an error flag that is a text. No version of KTRDR ever emitted it, but its documentation
//! describes it.

use crate::{
    http::{Reply, Request},
    ktrdr::{API, CLI, Deployment, Exit, Operation},
    scenario_builder::{ScenarioBuilder, SpanBuilder, TraceContext, mins, ms, secs},
    span::RawValue,
};
use trace::{Micros, SpanKind, Time};

/// How the three types of operations differ.
#[derive(Clone, Copy)]
struct OperationKind {
    command: &'static str,
    route: &'static str,
    /// The operation type in ids.
    id_type: &'static str,
    operation_type: &'static str,
    worker: &'static str,
}

const TRAINING: OperationKind = OperationKind {
    command: "train",
    route: "/api/v1/training/start",
    id_type: "training",
    operation_type: "TRAINING",
    worker: "worker.training",
};
const BACKTEST: OperationKind = OperationKind {
    command: "backtest",
    route: "/api/v1/backtests/start",
    id_type: "backtesting",
    operation_type: "BACKTESTING",
    worker: "worker.backtest",
};
const DOWNLOAD: OperationKind = OperationKind {
    command: "data_load",
    route: "/api/v1/data/load",
    id_type: "data_load",
    operation_type: "DATA_DOWNLOAD",
    worker: "",
};
const INSTANCE: &str = "140234567890123";

/// Errors as the plan describes them: as tags instead of an event.
trait PlannedErrors {
    fn failed_with(self, class: &'static str, message: &'static str) -> Self;
}

impl PlannedErrors for SpanBuilder<'_> {
    fn failed_with(self, class: &'static str, message: &'static str) -> Self {
        self.attr("error", "true")
            .attr("exception.type", class)
            .attr("exception.message", message)
            .attr("exception.stacktrace", format!("Traceback (most recent call last):\n{class}: {message}\n"))
    }
}

/// An operation that the API has registered, and the contexts of its spans.
struct StartedOperation {
    deployment: Deployment,
    operation: Operation,
    cli: TraceContext,
    /// The command's request to the API.
    request: TraceContext,
    server: TraceContext,
    when: Time,
}

fn start(
    builder: &mut ScenarioBuilder,
    kind: OperationKind,
    symbol: &'static str,
    root_fails: bool,
) -> StartedOperation {
    let deployment = Deployment::new(builder.seed);
    let base = builder.base;
    let top = builder.new_trace();
    let exit = if root_fails { Exit::Silent } else { Exit::Ok };
    let cli = builder.cli(top, kind.command, "\"strategy\": \"neuro_mean_reversion\"", base, ms(260), exit);
    let when = base + ms(60);
    let request = Request::new("POST", kind.route);
    let status = if root_fails { 503 } else { 200 };
    let reply = Reply::Status(status);
    let sent = builder.client(cli, CLI, &deployment.api, &request, (base + ms(40), ms(190)), reply);
    let server = builder.server(sent, &deployment.api, &request, (base + ms(42), ms(186)), status);
    let operation = builder.operation(kind.id_type, when, symbol, "1h");
    builder
        .span(server, API, "operation.register", when, ms(2))
        .attr("operation.id", operation.id.clone())
        .attr("operation.type", kind.operation_type)
        .attr("operation.status", "PENDING")
        .attr("operations_service.instance_id", INSTANCE)
        .attr("data.symbol", symbol)
        .attr("data.timeframe", "1h")
        .ok()
        .add();
    builder.set_main_operation(&operation.id);
    StartedOperation { deployment, operation, cli, request: sent, server, when: when + ms(3) }
}

fn select(builder: &mut ScenarioBuilder, started: &StartedOperation, [total, capable, available]: [i64; 3]) {
    let status = match (capable, available) {
        (0, _) if total > 0 => "NO_CAPABLE_WORKERS",
        (_, 0) => "NO_WORKERS_AVAILABLE",
        _ => "SUCCESS",
    };
    let span = builder
        .span(started.server, API, "worker_registry.select_worker", started.when, ms(5))
        .attr("operation.id", started.operation.id.clone())
        .attr("worker_registry.total_workers", total)
        .attr("worker_registry.capable_workers", capable)
        .attr("worker_registry.available_workers", available)
        .attr("worker_registry.selection_status", status);
    if available > 0 { span.attr("worker_registry.selected_worker_id", "training-worker-1").ok() } else { span }.add();
}

/// Adds the dispatch to a worker. Returns the context for the worker's spans.
fn dispatch(
    builder: &mut ScenarioBuilder,
    started: &StartedOperation,
    worker: &'static str,
    accepted: bool,
) -> TraceContext {
    let when = started.when + ms(8);
    let span = builder
        .span(started.server, API, "operation.dispatch", when, ms(48))
        .attr("operation.id", started.operation.id.clone())
        .attr("dispatch.status", if accepted { "SUCCESS" } else { "FAILED" });
    let at = if accepted { span.ok() } else { span.attr("error", "true") }.add();
    let span = builder
        .span(at, API, "POST", when + ms(3), ms(40))
        .kind(SpanKind::Client)
        .attr("http.method", "POST")
        .attr("http.url", worker);
    let span = if accepted {
        span.attr("http.status_code", 200)
    } else {
        span.attr("error.type", "ConnectionRefusedError")
            .failed_with("ConnectionRefusedError", "[Errno 111] Connection refused")
    };
    span.add()
}

/// A phase of the work: name, duration and attributes.
type Phase = (&'static str, Micros, Vec<(&'static str, RawValue)>);

/// How the worker's span ends.
enum WorkerEnd {
    Done,
    /// The last phase fails with this class and message.
    Raised(&'static str, &'static str),
    /// The worker's own span is never exported.
    Vanished,
    /// The span is exported by another instance of the service while the work makes no progress.
    Frozen,
}

fn work(builder: &mut ScenarioBuilder, kind: OperationKind, phases: &[Phase], end: &WorkerEnd, symbol: &'static str) {
    let started = start(builder, kind, symbol, false);
    select(builder, &started, [4, 2, 2]);
    let training = kind.id_type == "training";
    let (peer, url) = if training {
        (started.deployment.training[0].clone(), "http://training-worker-1:5005/training/start")
    } else {
        (started.deployment.backtest[0].clone(), "http://backtest-worker-1:5003/backtests/start")
    };
    let client = dispatch(builder, &started, url, true);
    let start = started.when + ms(60);
    let root = builder.below_missing_span(client);
    let mut now = start + ms(20);
    let count = phases.len();
    for (nth, (name, took, attributes)) in phases.iter().enumerate() {
        let mut span = builder
            .span(root, peer.service.clone(), *name, now, *took)
            .attr("operation.id", started.operation.id.clone());
        for (key, value) in attributes {
            span = span.attr(*key, value.clone());
        }
        match end {
            WorkerEnd::Raised(class, message) if nth + 1 == count => span.failed_with(class, message),
            _ => span,
        }
        .add();
        now = now + *took + ms(3);
    }
    worker_root(builder, kind, (&started, &peer.service), (client, root), (start, now - start), end);
    builder.extend_until(started.cli, now + ms(30));
}

fn worker_root(
    builder: &mut ScenarioBuilder,
    kind: OperationKind,
    (started, service): (&StartedOperation, &str),
    (client, root): (TraceContext, TraceContext),
    (start, took): (Time, Micros),
    end: &WorkerEnd,
) {
    let Some(id) = root.span else { return };
    let (status, instance) = match end {
        WorkerEnd::Vanished => return,
        WorkerEnd::Done => ("COMPLETED", INSTANCE),
        WorkerEnd::Raised(..) => ("FAILED", INSTANCE),
        WorkerEnd::Frozen => ("RUNNING", "140987654321098"),
    };
    let span = builder
        .span_with_id(client, id, service.to_owned(), kind.worker, start, took)
        .attr("operation.id", started.operation.id.clone())
        .attr("operation.type", kind.operation_type)
        .attr("operation.status", status)
        .attr("operations_service.instance_id", instance);
    match end {
        WorkerEnd::Raised(class, message) => span.failed_with(class, message),
        _ => span,
    }
    .add();
}

fn data(rows: i64) -> Phase {
    ("training.data_loading", secs(5), vec![("data.rows", rows.into()), ("progress.phase", "data_loading".into())])
}

fn training_loop(took: Micros, device: &'static str, busy: i64) -> Phase {
    let attributes = vec![
        ("training.device", device.into()),
        ("training.epochs.total", 100.into()),
        ("training.epochs.completed", 100.into()),
        ("gpu.utilization_percent", busy.into()),
        ("progress.percentage", 100.0.into()),
        ("progress.phase", "training".into()),
    ];
    ("training.training_loop", took, attributes)
}

fn trained(builder: &mut ScenarioBuilder, took: Micros, device: &'static str, busy: i64, symbol: &'static str) {
    let phases = [
        data(5000),
        ("training.model_init", secs(5), vec![("model.parameters", 48_211.into())]),
        training_loop(took, device, busy),
        ("training.save_model", secs(11), vec![("model.size_mb", 1.4.into())]),
    ];
    work(builder, TRAINING, &phases, &WorkerEnd::Done, symbol);
}

/// 1 in the planned telemetry.
pub(super) fn training_success(builder: &mut ScenarioBuilder) {
    trained(builder, mins(24), "cuda:0", 87, "EURUSD");
    builder.set_clock(mins(40));
}

/// 14: the loop runs on a CPU, and its span has the device.
pub(super) fn on_cpu(builder: &mut ScenarioBuilder) {
    trained(builder, mins(242), "cpu", 0, "USDCHF");
    builder.set_clock(mins(260));
}

/// 2 in the planned telemetry.
pub(super) fn backtest_success(builder: &mut ScenarioBuilder) {
    let phases: [Phase; 3] = [
        ("backtest.data_loading", secs(4), vec![("data.rows", 3000.into())]),
        ("backtest.strategy_init", secs(2), Vec::new()),
        ("backtest.simulation", secs(252), vec![("progress.percentage", 100.0.into())]),
    ];
    work(builder, BACKTEST, &phases, &WorkerEnd::Done, "EURUSD");
    builder.set_clock(mins(15));
}

/// 3: one long fetch because of a high latency at the gateway.
pub(super) fn slow_gateway(builder: &mut ScenarioBuilder) {
    let started = start(builder, DOWNLOAD, "EURUSD", false);
    let fetch = builder
        .span(started.server, API, "data.fetch", started.when, secs(48))
        .attr("operation.id", started.operation.id.clone())
        .attr("data.bars_requested", 12_000)
        .attr("data.bars_received", 12_000)
        .attr("data.source", "ib")
        .attr("ib.latency_ms", 45_210.0)
        .add();
    builder
        .span(
            fetch,
            started.deployment.ib.service.clone(),
            "ib.fetch_historical",
            started.when + ms(20),
            Micros(45_210_000),
        )
        .attr("ib.latency_ms", 45_210.0)
        .attr("data.bars_requested", 12_000)
        .add();
    let end = started.when + secs(49);
    state(builder, &started, end, "COMPLETED");
    // In the plan, the request waits for the whole download.
    for (span, after) in [(started.server, 6), (started.request, 9), (started.cli, 40)] {
        builder.extend_until(span, end + ms(after));
    }
    builder.set_clock(mins(15));
}

fn state(builder: &mut ScenarioBuilder, started: &StartedOperation, when: Time, status: &'static str) {
    builder
        .span(started.server, API, "operation.update", when, ms(1))
        .attr("operation.id", started.operation.id.clone())
        .attr("operation.status", status)
        .add();
}

fn refused_selection(builder: &mut ScenarioBuilder, kind: OperationKind, counts: [i64; 3]) {
    let started = start(builder, kind, "EURUSD", true);
    select(builder, &started, counts);
    builder.set_clock(mins(10));
}

/// 4: no worker is registered.
pub(super) fn no_workers_backtest(builder: &mut ScenarioBuilder) {
    refused_selection(builder, BACKTEST, [0, 0, 0]);
}

/// 4b: in the planned telemetry, the start of a training also records counts.
pub(super) fn no_workers_training(builder: &mut ScenarioBuilder) {
    refused_selection(builder, TRAINING, [0, 0, 0]);
}

/// 5: no worker is of the type.
pub(super) fn no_capable_workers(builder: &mut ScenarioBuilder) {
    refused_selection(builder, BACKTEST, [2, 0, 0]);
}

/// 6: every worker is busy.
pub(super) fn all_busy(builder: &mut ScenarioBuilder) {
    refused_selection(builder, BACKTEST, [1, 1, 0]);
}

/// 7: the chosen worker does not listen.
pub(super) fn worker_refused(builder: &mut ScenarioBuilder) {
    let started = start(builder, TRAINING, "EURUSD", true);
    select(builder, &started, [4, 2, 2]);
    dispatch(builder, &started, "http://training-worker-1:5005/training/start", false);
    builder.set_clock(mins(10));
}

/// 8: the worker raises an exception, and its span has the class.
pub(super) fn value_error(builder: &mut ScenarioBuilder) {
    let error = WorkerEnd::Raised("ValueError", "No aligned samples available: min_len=0");
    work(builder, TRAINING, &[data(5000), training_loop(secs(12), "cuda:0", 80)], &error, "EURUSD");
    builder.set_clock(mins(10));
}

/// 9: the data of a symbol was never loaded.
pub(super) fn data_not_found(builder: &mut ScenarioBuilder) {
    let error = WorkerEnd::Raised("DataNotFoundError", "No data found in cache for XAUUSD 1h");
    let phases: [Phase; 1] = [("training.data_loading", ms(400), vec![("error.symbol", "XAUUSD".into())])];
    work(builder, TRAINING, &phases, &error, "XAUUSD");
    builder.set_clock(mins(10));
}

/// 10: a phase without its worker's span, then nothing.
pub(super) fn crashed(builder: &mut ScenarioBuilder) {
    work(builder, TRAINING, &[data(5000)], &WorkerEnd::Vanished, "EURUSD,GBPUSD");
    builder.set_clock(mins(190));
}

/// 13: fifteen minutes at 45 %. The progress was last updated long ago, by another instance of the service.
pub(super) fn frozen_progress(builder: &mut ScenarioBuilder) {
    let updated = (builder.base.0 + 47_000_000) as f64 / 1e6;
    let frozen: Phase = (
        "training.training_loop",
        secs(900),
        vec![
            ("training.device", "cuda:0".into()),
            ("progress.percentage", 45.0.into()),
            ("progress.phase", "training".into()),
            ("progress.updated_at", updated.into()),
            ("operations_service.instance_id", "140987654321098".into()),
        ],
    );
    work(builder, TRAINING, &[data(5000), frozen], &WorkerEnd::Frozen, "EURUSD");
    builder.set_clock(mins(16));
}
