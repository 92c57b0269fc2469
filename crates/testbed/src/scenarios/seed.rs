//! The same troubles in the words of KTRDR's first observability plan: `worker_registry.*`, upper-case values, whole
//! numbers, exceptions as tags, an error flag that is text. No program ever emitted this, but people were taught it.

use crate::{
    http::{Reply, Request},
    ktrdr::{API, CLI, Deployment, Exit, Operation},
    span::RawValue,
    story::{At, SpanPen, Story, mins, ms, secs},
};
use trace::{Micros, SpanKind, Time};

/// What distinguishes a training from a backtest here.
#[derive(Clone, Copy)]
struct Kind {
    command: &'static str,
    route: &'static str,
    /// In ids.
    word: &'static str,
    operation_type: &'static str,
    worker: &'static str,
}

const TRAINING: Kind = Kind {
    command: "train",
    route: "/api/v1/training/start",
    word: "training",
    operation_type: "TRAINING",
    worker: "worker.training",
};
const BACKTEST: Kind = Kind {
    command: "backtest",
    route: "/api/v1/backtests/start",
    word: "backtesting",
    operation_type: "BACKTESTING",
    worker: "worker.backtest",
};
const DOWNLOAD: Kind = Kind {
    command: "data_load",
    route: "/api/v1/data/load",
    word: "data_load",
    operation_type: "DATA_DOWNLOAD",
    worker: "",
};
const INSTANCE: &str = "140234567890123";

/// The words of the plan on a span.
trait Words {
    fn failed_with(self, class: &'static str, message: &'static str) -> Self;
}

impl Words for SpanPen<'_> {
    fn failed_with(self, class: &'static str, message: &'static str) -> Self {
        self.attr("error", "true")
            .attr("exception.type", class)
            .attr("exception.message", message)
            .attr("exception.stacktrace", format!("Traceback (most recent call last):\n{class}: {message}\n"))
    }
}

/// An operation that the API has registered.
struct Begun {
    d: Deployment,
    operation: Operation,
    cli: At,
    /// The command's request.
    request: At,
    server: At,
    when: Time,
}

fn begin(story: &mut Story, kind: Kind, symbol: &'static str, root_fails: bool) -> Begun {
    let d = Deployment::new(story.seed);
    let base = story.base;
    let top = story.trace();
    let exit = if root_fails { Exit::Silent } else { Exit::Ok };
    let cli = story.cli(top, kind.command, "\"strategy\": \"neuro_mean_reversion\"", base, ms(260), exit);
    let when = base + ms(60);
    let request = Request::new("POST", kind.route);
    let status = if root_fails { 503 } else { 200 };
    let reply = Reply::Status(status);
    let sent = story.client(cli, CLI, &d.api, &request, (base + ms(40), ms(190)), reply);
    let server = story.server(sent, &d.api, &request, (base + ms(42), ms(186)), status);
    let operation = story.operation(kind.word, when, symbol, "1h");
    story
        .span(server, API, "operation.register", when, ms(2))
        .attr("operation.id", operation.id.clone())
        .attr("operation.type", kind.operation_type)
        .attr("operation.status", "PENDING")
        .attr("operations_service.instance_id", INSTANCE)
        .attr("data.symbol", symbol)
        .attr("data.timeframe", "1h")
        .ok()
        .done();
    story.about_operation(&operation.id);
    Begun { d, operation, cli, request: sent, server, when: when + ms(3) }
}

fn select(story: &mut Story, b: &Begun, [total, capable, available]: [i64; 3]) {
    let status = match (capable, available) {
        (0, _) if total > 0 => "NO_CAPABLE_WORKERS",
        (_, 0) => "NO_WORKERS_AVAILABLE",
        _ => "SUCCESS",
    };
    let pen = story
        .span(b.server, API, "worker_registry.select_worker", b.when, ms(5))
        .attr("operation.id", b.operation.id.clone())
        .attr("worker_registry.total_workers", total)
        .attr("worker_registry.capable_workers", capable)
        .attr("worker_registry.available_workers", available)
        .attr("worker_registry.selection_status", status);
    if available > 0 { pen.attr("worker_registry.selected_worker_id", "training-worker-1").ok() } else { pen }.done();
}

/// Dispatch; answers the place of the worker's span, unless the worker refused.
fn dispatch(story: &mut Story, b: &Begun, worker: &'static str, accepted: bool) -> At {
    let when = b.when + ms(8);
    let pen = story
        .span(b.server, API, "operation.dispatch", when, ms(48))
        .attr("operation.id", b.operation.id.clone())
        .attr("dispatch.status", if accepted { "SUCCESS" } else { "FAILED" });
    let at = if accepted { pen.ok() } else { pen.attr("error", "true") }.done();
    let pen = story
        .span(at, API, "POST", when + ms(3), ms(40))
        .kind(SpanKind::Client)
        .attr("http.method", "POST")
        .attr("http.url", worker);
    let pen = if accepted {
        pen.attr("http.status_code", 200)
    } else {
        pen.attr("error.type", "ConnectionRefusedError")
            .failed_with("ConnectionRefusedError", "[Errno 111] Connection refused")
    };
    pen.done()
}

/// The worker's root span and its phases: name, duration, what it says.
type Phase = (&'static str, Micros, Vec<(&'static str, RawValue)>);

/// How the worker's span ends.
enum Outcome {
    Done,
    /// Class and message; the last phase fails.
    Raised(&'static str, &'static str),
    /// Its own span was never exported.
    Vanished,
    /// Exported while it stood still, by another instance of the service.
    Frozen,
}

fn work(story: &mut Story, kind: Kind, phases: &[Phase], outcome: &Outcome, symbol: &'static str) {
    let b = begin(story, kind, symbol, false);
    select(story, &b, [4, 2, 2]);
    let training = kind.word == "training";
    let (peer, url) = if training {
        (b.d.training[0].clone(), "http://training-worker-1:5005/training/start")
    } else {
        (b.d.backtest[0].clone(), "http://backtest-worker-1:5003/backtests/start")
    };
    let client = dispatch(story, &b, url, true);
    let start = b.when + ms(60);
    let root = story.under_missing(client);
    let mut now = start + ms(20);
    let count = phases.len();
    for (nth, (name, took, says)) in phases.iter().enumerate() {
        let mut pen =
            story.span(root, peer.service.clone(), *name, now, *took).attr("operation.id", b.operation.id.clone());
        for (key, value) in says {
            pen = pen.attr(*key, value.clone());
        }
        match outcome {
            Outcome::Raised(class, message) if nth + 1 == count => pen.failed_with(class, message),
            _ => pen,
        }
        .done();
        now = now + *took + ms(3);
    }
    worker_root(story, kind, (&b, &peer.service), (client, root), (start, now - start), outcome);
    story.stretch(b.cli, now + ms(30));
}

fn worker_root(
    story: &mut Story,
    kind: Kind,
    (b, service): (&Begun, &str),
    (client, root): (At, At),
    (start, took): (Time, Micros),
    outcome: &Outcome,
) {
    let Some(id) = root.parent else { return };
    let (status, instance) = match outcome {
        Outcome::Vanished => return,
        Outcome::Done => ("COMPLETED", INSTANCE),
        Outcome::Raised(..) => ("FAILED", INSTANCE),
        Outcome::Frozen => ("RUNNING", "140987654321098"),
    };
    let pen = story
        .span_with_id(client, id, service.to_owned(), kind.worker, start, took)
        .attr("operation.id", b.operation.id.clone())
        .attr("operation.type", kind.operation_type)
        .attr("operation.status", status)
        .attr("operations_service.instance_id", instance);
    match outcome {
        Outcome::Raised(class, message) => pen.failed_with(class, message),
        _ => pen,
    }
    .done();
}

fn data(rows: i64) -> Phase {
    ("training.data_loading", secs(5), vec![("data.rows", rows.into()), ("progress.phase", "data_loading".into())])
}

fn training_loop(took: Micros, device: &'static str, busy: i64) -> Phase {
    let says = vec![
        ("training.device", device.into()),
        ("training.epochs.total", 100.into()),
        ("training.epochs.completed", 100.into()),
        ("gpu.utilization_percent", busy.into()),
        ("progress.percentage", 100.0.into()),
        ("progress.phase", "training".into()),
    ];
    ("training.training_loop", took, says)
}

fn trained(story: &mut Story, took: Micros, device: &'static str, busy: i64, symbol: &'static str) {
    let phases = [
        data(5000),
        ("training.model_init", secs(5), vec![("model.parameters", 48_211.into())]),
        training_loop(took, device, busy),
        ("training.save_model", secs(11), vec![("model.size_mb", 1.4.into())]),
    ];
    work(story, TRAINING, &phases, &Outcome::Done, symbol);
}

/// 1 in the plan's words.
pub(super) fn training_success(story: &mut Story) {
    trained(story, mins(24), "cuda:0", 87, "EURUSD");
    story.clock(mins(40));
}

/// 14: the loop runs on a CPU and says so.
pub(super) fn on_cpu(story: &mut Story) {
    trained(story, mins(242), "cpu", 0, "USDCHF");
    story.clock(mins(260));
}

/// 2 in the plan's words.
pub(super) fn backtest_success(story: &mut Story) {
    let phases: [Phase; 3] = [
        ("backtest.data_loading", secs(4), vec![("data.rows", 3000.into())]),
        ("backtest.strategy_init", secs(2), Vec::new()),
        ("backtest.simulation", secs(252), vec![("progress.percentage", 100.0.into())]),
    ];
    work(story, BACKTEST, &phases, &Outcome::Done, "EURUSD");
    story.clock(mins(15));
}

/// 3: one long fetch with a high latency at the gateway.
pub(super) fn slow_gateway(story: &mut Story) {
    let b = begin(story, DOWNLOAD, "EURUSD", false);
    let fetch = story
        .span(b.server, API, "data.fetch", b.when, secs(48))
        .attr("operation.id", b.operation.id.clone())
        .attr("data.bars_requested", 12_000)
        .attr("data.bars_received", 12_000)
        .attr("data.source", "ib")
        .attr("ib.latency_ms", 45_210.0)
        .done();
    story
        .span(fetch, b.d.ib.service.clone(), "ib.fetch_historical", b.when + ms(20), Micros(45_210_000))
        .attr("ib.latency_ms", 45_210.0)
        .attr("data.bars_requested", 12_000)
        .done();
    let end = b.when + secs(49);
    state(story, &b, end, "COMPLETED");
    // The plan had the request wait for the whole download.
    for (span, after) in [(b.server, 6), (b.request, 9), (b.cli, 40)] {
        story.stretch(span, end + ms(after));
    }
    story.clock(mins(15));
}

fn state(story: &mut Story, b: &Begun, when: Time, status: &'static str) {
    story
        .span(b.server, API, "operation.update", when, ms(1))
        .attr("operation.id", b.operation.id.clone())
        .attr("operation.status", status)
        .done();
}

fn refused_selection(story: &mut Story, kind: Kind, counts: [i64; 3]) {
    let b = begin(story, kind, "EURUSD", true);
    select(story, &b, counts);
    story.clock(mins(10));
}

/// 4: nothing is registered.
pub(super) fn no_workers_backtest(story: &mut Story) {
    refused_selection(story, BACKTEST, [0, 0, 0]);
}

/// 4b: in the plan's words a training tells counts too.
pub(super) fn no_workers_training(story: &mut Story) {
    refused_selection(story, TRAINING, [0, 0, 0]);
}

/// 5: nobody can do it.
pub(super) fn no_capable_workers(story: &mut Story) {
    refused_selection(story, BACKTEST, [2, 0, 0]);
}

/// 6: everybody is busy.
pub(super) fn all_busy(story: &mut Story) {
    refused_selection(story, BACKTEST, [1, 1, 0]);
}

/// 7: the chosen worker does not listen.
pub(super) fn worker_refused(story: &mut Story) {
    let b = begin(story, TRAINING, "EURUSD", true);
    select(story, &b, [4, 2, 2]);
    dispatch(story, &b, "http://training-worker-1:5005/training/start", false);
    story.clock(mins(10));
}

/// 8: the class of the exception is known here.
pub(super) fn value_error(story: &mut Story) {
    let error = Outcome::Raised("ValueError", "No aligned samples available: min_len=0");
    work(story, TRAINING, &[data(5000), training_loop(secs(12), "cuda:0", 80)], &error, "EURUSD");
    story.clock(mins(10));
}

/// 9: the data of a symbol was never loaded.
pub(super) fn data_not_found(story: &mut Story) {
    let error = Outcome::Raised("DataNotFoundError", "No data found in cache for XAUUSD 1h");
    let phases: [Phase; 1] = [("training.data_loading", ms(400), vec![("error.symbol", "XAUUSD".into())])];
    work(story, TRAINING, &phases, &error, "XAUUSD");
    story.clock(mins(10));
}

/// 10: phases without their worker's span, then nothing.
pub(super) fn crashed(story: &mut Story) {
    work(story, TRAINING, &[data(5000)], &Outcome::Vanished, "EURUSD,GBPUSD");
    story.clock(mins(190));
}

/// 13: fifteen minutes at 45 %, progress last written long ago, by another instance of the service.
pub(super) fn frozen_progress(story: &mut Story) {
    let updated = (story.base.0 + 47_000_000) as f64 / 1e6;
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
    work(story, TRAINING, &[data(5000), frozen], &Outcome::Frozen, "EURUSD");
    story.clock(mins(16));
}
