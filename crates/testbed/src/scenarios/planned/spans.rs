//! The spans of an operation in the planned telemetry: its start, the selection of a worker, the dispatch and the work.

use crate::{
    http::{Reply, Request},
    ktrdr::{API, CLI, Deployment, Exit, Operation},
    scenario_builder::{ScenarioBuilder, SpanBuilder, TraceContext, ms},
    span::RawValue,
};
use trace::{Micros, SpanKind, Time};

/// How the three types of operations differ.
#[derive(Clone, Copy)]
pub(super) struct OperationKind {
    command: &'static str,
    route: &'static str,
    /// The operation type in ids.
    id_type: &'static str,
    operation_type: &'static str,
    worker: &'static str,
}

pub(super) const TRAINING: OperationKind = OperationKind {
    command: "train",
    route: "/api/v1/training/start",
    id_type: "training",
    operation_type: "TRAINING",
    worker: "worker.training",
};
pub(super) const BACKTEST: OperationKind = OperationKind {
    command: "backtest",
    route: "/api/v1/backtests/start",
    id_type: "backtesting",
    operation_type: "BACKTESTING",
    worker: "worker.backtest",
};
pub(super) const DOWNLOAD: OperationKind = OperationKind {
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
pub(super) struct StartedOperation {
    pub(super) deployment: Deployment,
    pub(super) operation: Operation,
    pub(super) cli: TraceContext,
    /// The command's request to the API.
    pub(super) request: TraceContext,
    pub(super) server: TraceContext,
    pub(super) when: Time,
}

/// Adds the command, its request and the registration of the operation.
pub(super) fn start(
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

/// Adds the selection of a worker with its counts.
pub(super) fn select(builder: &mut ScenarioBuilder, started: &StartedOperation, [total, capable, available]: [i64; 3]) {
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
pub(super) fn dispatch(
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
pub(super) type Phase = (&'static str, Micros, Vec<(&'static str, RawValue)>);

/// How the worker's span ends.
pub(super) enum WorkerEnd {
    Done,
    /// The last phase fails with this class and message.
    Raised(&'static str, &'static str),
    /// The worker's own span is never exported.
    Vanished,
    /// The span is exported by another instance of the service while the work makes no progress.
    Frozen,
}

/// Adds a complete operation with the work of its worker.
pub(super) fn work(
    builder: &mut ScenarioBuilder,
    kind: OperationKind,
    phases: &[Phase],
    end: &WorkerEnd,
    symbol: &'static str,
) {
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

/// Adds the worker's own span.
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

/// Adds a span that records the status of an operation.
pub(super) fn update_status(
    builder: &mut ScenarioBuilder,
    started: &StartedOperation,
    when: Time,
    status: &'static str,
) {
    builder
        .span(started.server, API, "operation.update", when, ms(1))
        .attr("operation.id", started.operation.id.clone())
        .attr("operation.status", status)
        .add();
}
