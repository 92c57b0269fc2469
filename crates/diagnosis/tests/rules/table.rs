//! For every rule of the playbook a trace in which it applies and, where it is close, one in which it does not.

use std::collections::BTreeSet;

use diagnosis::{Diagnosis, EvidenceKind};

use crate::{picture::*, scenes::*};

/// One rule under test.
struct Row {
    rule: &'static str,
    picture: String,
    after: &'static str,
    decides: bool,
    unless: Option<(String, &'static str)>,
}

/// The rule decides over this picture, so long after its start.
fn decides(rule: &'static str, picture: String, after: &'static str) -> Row {
    Row { rule, picture, after, decides: true, unless: None }
}

/// The rule is a finding beside another verdict.
fn beside(rule: &'static str, picture: String, after: &'static str) -> Row {
    Row { decides: false, ..decides(rule, picture, after) }
}

impl Row {
    /// A picture that is close, and in which it must not apply.
    fn unless(self, picture: String, after: &'static str) -> Self {
        Self { unless: Some((picture, after)), ..self }
    }
}

const DONE: &str = "train | running->completed {T} | 25m";
const BUSY: &str = "api | > POST http://training-worker-1:5005/training/start 503 | 40ms +7ms";

fn workers() -> Vec<Row> {
    let refused = |total, capable, available| refused_backtest(&selection(total, capable, available));
    let unavailable = "ktrdr.errors.exceptions.WorkerUnavailableError: No training workers available";
    let accepted_later = training(DONE).replace(
        "        api | > POST http://training-worker-1",
        &format!("        {BUSY}\n        api | > POST http://training-worker-1"),
    );
    let start_retried = training(DONE).replace(
        "  cli | > POST http://backend:8000/api/v1/trainings/start 200",
        "  cli | > POST http://backend:8000/api/v1/trainings/start 503 | 1ms +5ms\n    \
         api | < POST /api/v1/trainings/start 503 | 2ms +3ms\n  \
         cli | > POST http://backend:8000/api/v1/trainings/start 200",
    );
    vec![
        decides("worker.none_registered", refused("0", "0", "0"), "1m").unless(refused("2", "0", "0"), "1m"),
        decides("worker.none_capable", refused("2", "0", "0"), "1m").unless(refused("2", "2", "0"), "1m"),
        decides("worker.all_busy", refused("3", "2", "0"), "1m").unless(refused("0", "0", "0"), "1m"),
        decides(
            "worker.unavailable",
            refused_training(503, &format!("api | training.start | 15ms +9ms | !{unavailable}")),
            "1m",
        ),
        decides("worker.all_refused", refused_training(500, BUSY), "1m").unless(accepted_later.clone(), "1h"),
        beside("worker.retried", accepted_later, "1h").unless(training(DONE), "1h"),
        beside("worker.start_retried", start_retried, "1h").unless(training(DONE), "1h"),
    ]
}

fn open_ends() -> Vec<Row> {
    let refused = "| 20m +9ms | !httpx.ConnectError: All connection attempts failed";
    let alive = training("") + &poll("{T}", "25m", "200 | 25m +9ms");
    let gone = training("") + &poll("{T}", "20m", refused);
    let frozen = |age: &str, length: &str| {
        let written = BASE + span_of_time(age);
        let at = written.0 as f64 / 1e6;
        training(&format!(
            "train | training.training_loop | 6s +{length} | progress.percentage=45.0 ; progress.updated_at={at} ; \
             operations_service.instance_id=\"1\""
        ))
    };
    let two = |a: &str, b: &str| {
        training(&format!(
            "train | training.epoch | 6s +1m | operations_service.instance_id=\"{a}\"\n\
             train | training.epoch | 67s +1m | operations_service.instance_id=\"{b}\""
        ))
    };
    let never = |ago: &str| {
        format!(
            "train | < POST /training/start 200 | 0 +6ms\n  train | register {{T}} training | 2ms\n{}",
            if ago.is_empty() { String::new() } else { format!("  train | pending->running {{T}} | {ago}") }
        )
    };
    let other_life = "\napi | > GET http://backtest-worker-1:5003/health 200 | 19m +9ms\n";
    vec![
        decides("stuck.silent", training(""), "13h").unless(training(""), "11h"),
        decides("stuck.worker_lost", gone.clone(), "21m").unless(gone + &poll("{T}", "25m", "200 | 25m +9ms"), "26m"),
        decides("stuck.health_checks_ended", training("") + &health("train", 600) + other_life, "20m")
            .unless(training("") + &health("train", 1190), "20m"),
        decides("stuck.never_started", never(""), "30m").unless(never(""), "5m"),
        decides("stuck.progress_frozen", frozen("1m", "15m"), "16m").unless(frozen("14m", "15m"), "16m"),
        decides("stuck.instance_mismatch", two("1", "2"), "5m").unless(two("1", "1"), "5m"),
        decides("running.active", alive, "26m").unless(training(DONE), "26m"),
        decides("running.just_started", accepted_without_worker("training-worker-1:5005"), "10s")
            .unless(accepted_without_worker("training-worker-1:5005"), "1m"),
    ]
}

/// A start that a host accepted and of which nothing more came.
fn accepted_without_worker(address: &str) -> String {
    format!(
        "\
cli | cli.train | 0 +400ms | ok
  cli | > POST http://backend:8000/api/v1/trainings/start 200 | 10ms +200ms
    api | < POST /api/v1/trainings/start 200 | 12ms +196ms
      api | > POST http://{address}/training/start 200 | 50ms +10ms"
    )
}

fn slow() -> Vec<Row> {
    let fetch = |latency: &str| {
        download(&format!(
            "
            api | > POST http://localhost:5001/data/historical 200 | 1s +20s
              ib | < POST /data/historical 200 | 1002ms +19s
                ib | ib.fetch_historical | 1010ms +18s | ib.latency_ms={latency} ; bars.received=500 ; ok
            api | running->completed {{D}} | 22s"
        ))
    };
    let select = |took| backtest_selected(took, "back | running->completed {B} | 30s");
    let loop_of = |end: &str, address| training_at(address, &format!("train | running->completed {{T}} | {end}"));
    let load = |took: &str| {
        training(&format!(
            "train | training.data_loading | 6s +{took} | ok\ntrain | training.data_loading | 6s +{took} | ok\ntrain | running->completed {{T}} | 90s"
        ))
    };
    let history = |last: &str| {
        let usual = |nth: i64| {
            let id = format!("op_backtesting_20261122_090505_0000000{nth}");
            let at = -3600 + nth * 60;
            format!(
                "back | < POST /backtests/start 200 | {at}s +5ms\n  back | register {id} backtesting | {at}s | \
                 data.symbol=EURUSD ; data.timeframe=1h\n  back | pending->running {id} | {at}s\n  \
                 back | running->completed {id} | {}s\n\n",
                at + 20
            )
        };
        (0..5).map(usual).collect::<String>() + &backtest(&format!("back | running->completed {{B}} | {last}"))
    };
    vec![
        decides("slow.ib_latency", fetch("10001.0"), "1m").unless(fetch("10000.0"), "1m"),
        decides("slow.worker_selection", select("101ms"), "1m").unless(select("100ms"), "1m"),
        decides("slow.cpu_training", loop_of("3h", "training-worker-1:5005"), "4h")
            .unless(loop_of("3h", "gpu-host:5002"), "4h"),
        decides("slow.data_loading", load("31s"), "2m").unless(load("29s"), "2m"),
        decides("slow.baseline", history("50s"), "1m").unless(history("38s"), "1m"),
    ]
}

fn data_and_ends() -> Vec<Row> {
    let segment = |at: &str, more: &str| {
        format!("  ib | < POST /data/historical 200 | {at} +2s\n    ib | ib.fetch_historical | {at} +1900ms | {more}\n")
    };
    let failing = |more: &str, end: &str| {
        let good = segment("1s", "bars.received=500 ; ib.latency_ms=1800.0 ; ok");
        let call = |at: &str| format!("api | > POST http://localhost:5001/data/historical 200 | {at} +2s\n");
        let lines = format!("{}{good}{}{}", call("1s"), call("4s"), segment("4s", more));
        download(&format!("{lines}api | running->{end} {{D}} | 9s"))
    };
    let bars = |received: &str| {
        download(&format!(
            "api | data.fetch | 1s +2s | data.bars_requested=1000 ; data.bars_received={received} ; ok\n\
             api | running->completed {{D}} | 9s"
        ))
    };
    let cancel = |reason: &str| {
        training("")
            + &format!(
                "\napi | < DELETE /api/v1/operations/{{T}} 200 | 7m +20ms\n  \
                 api | running->cancelled {{T}} | 7m | operation.cancellation_reason={reason}"
            )
    };
    let unclear = "api | agent.resume | 0 +5ms | operation.id={T}".to_owned();
    let gate = |passed: &str| {
        research(&format!(
            "api | agent.phase.training | 5m +0 | operation.id={{R}} ; gate.name=training ; gate.passed={passed} ; \
             gate.reason=accuracy_below_threshold (41% < 45%)\napi | running->completed {{R}} | 6m"
        ))
    };
    let chatty = |n: i64| {
        let calls =
            (0..n).map(|nth| format!("  api | > GET http://symbols:9000/symbol/info 200 | {}ms +5ms\n", 100 + nth * 7));
        let calls: String = calls.collect();
        download(&format!("api | data.validate | 90ms +2s\n{calls}api | running->completed {{D}} | 9s"))
    };
    let survived = |class: &str| training(&format!("train | training.cache | 6s +1s | {class}\n{DONE}"));
    let resumed = training("")
        + "\napi | < POST /api/v1/operations/{T}/resume 200 | 10m +50ms\n  api | failed->resuming {T} | 10m | operation.resumed=true\n  \
           api | > POST http://training-worker-1:5005/training/resume 200 | 10m +9ms\n    \
           train | < POST /training/resume 200 | 10m +6ms\n      train | resuming->running {T} | 10m1s\n      \
           train | running->completed {T} | 20m";
    vec![
        decides("data.segments_failed", failing("!TimeoutError: ", "completed"), "1m")
            .unless(failing("bars.received=500 ; ok", "completed"), "1m"),
        decides("data.fewer_bars", bars("999"), "1m").unless(bars("1000"), "1m"),
        decides("healthy.completed", training(DONE), "1h").unless(training(""), "1h"),
        decides(
            "failed.operation",
            training("train | running->failed {T} | 9m | operation.error=the dog ate it"),
            "1h",
        ),
        decides("failed.start_refused", refused_training(422, ""), "1m").unless(training(DONE), "1h"),
        decides("cancelled.user", cancel("Operation cancelled by user"), "1h"),
        decides("cancelled.parent", cancel("Parent operation cancelled: stop"), "1h"),
        decides("cancelled.shutdown", cancel("Graceful shutdown"), "1h"),
        decides("unknown.no_evidence", unclear, "1h"),
        decides("unknown.state", training("train | running->PAUSED {T} | 9m"), "1h")
            .unless(training("train | running->PAUSED {T} | 9m\ntrain | PAUSED->completed {T} | 20m"), "1h"),
        beside("quality.gate_rejected", gate("false"), "1h").unless(gate("true"), "1h"),
        beside("chatty.n_plus_one", chatty(11), "1h").unless(chatty(10), "1h"),
        beside("error.suppressed", survived("!KeyError: gone"), "1h").unless(survived("ok"), "1h"),
        beside("attempts.several", resumed, "1h").unless(training(DONE), "1h"),
    ]
}

fn broken_traces() -> Vec<Row> {
    let lost = |parent: &str| {
        accepted_without_worker("training-worker-1:5005")
            + &format!(
                "\n\n{parent}train | < POST /training/start 200 | 52ms +6ms\n  train | register {{T}} training | 60ms\n  \
                 train | pending->running {{T}} | 62ms\n  train | running->completed {{T}} | 8m"
            )
    };
    let no_dispatch = "\
cli | cli.train | 0 +400ms | ok
  cli | > POST http://backend:8000/api/v1/trainings/start 200 | 10ms +200ms
    api | < POST /api/v1/trainings/start 200 | 12ms +196ms";
    vec![
        decides("trace.context_lost", lost(""), "1h"),
        decides("trace.host_uninstrumented", accepted_without_worker("host.docker.internal:5002"), "1h")
            .unless(accepted_without_worker("training-worker-1:5005"), "1h"),
        decides("trace.worker_missing", accepted_without_worker("training-worker-1:5005"), "1h")
            .unless(training(DONE), "1h"),
        decides("trace.backend_only", no_dispatch.to_owned(), "1h").unless(training(DONE), "1h"),
    ]
}

/// One refused request to each service.
fn services() -> Vec<Row> {
    let refused = "!httpx.ConnectError: All connection attempts failed";
    let at_start = |url: &str| refused_training(500, &format!("api | > POST {url} | 40ms +9ms | {refused}"));
    let in_download = |url: &str| {
        download(&format!(
            "api | > POST {url} | 1s +9ms | {refused}\napi | running->failed {{D}} | 2s | \
             operation.error=Host service connection failed: HTTP error for POST /x: All connection attempts failed"
        ))
    };
    let no_backend = "\
cli | cli.train | 0 +9s
  cli | > POST http://backend:8000/api/v1/trainings/start | 10ms +2ms | !httpx.ConnectError: [Errno 111] Connection refused";
    let answered = |url: &str| {
        download(&format!("api | > POST {url} 200 | 1s +9ms\napi | running->failed {{D}} | 2s | operation.error=odd"))
    };
    let gateway = |connect: &str| {
        download(
            "api | > POST http://localhost:5001/data/validate | 1s +30s | !httpx.ReadTimeout: \n\
             api | running->failed {D} | 32s | operation.error=Host service timeout: Request timed out after 4 attempts: ",
        ) + &format!("\nib | ib.connect | 2s +5ms | ib.host=127.0.0.1 ; ib.port=4002 ; {connect}")
    };
    let down = "!ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 4002)";
    let ib = "http://localhost:5001/data/validate";
    vec![
        decides("service.ib_host", in_download(ib), "1m").unless(answered(ib), "1m"),
        decides("service.ib_gateway", gateway(down), "1m").unless(gateway("connection.status=connected ; ok"), "1m"),
        decides("service.training_host", at_start("http://host.docker.internal:5002/training/start"), "1m"),
        decides("service.training_worker", at_start("http://training-worker-1:5005/training/start"), "1m")
            .unless(at_start("http://backtest-worker-1:5003/backtests/start"), "1m"),
        decides("service.backtest_worker", at_start("http://backtest-worker-1:5003/backtests/start"), "1m"),
        decides("service.agent_worker", at_start("http://design-agent-1:5010/designs/start"), "1m"),
        decides("service.backend", no_backend.to_owned(), "1m"),
        decides("service.database", at_start("http://db:5432/"), "1m"),
        decides("service.other", at_start("http://elsewhere:1234/thing"), "1m"),
    ]
}

fn errors() -> Vec<Row> {
    crate::errors::MESSAGES
        .iter()
        .map(|(rule, _, text)| decides(rule, crate::errors::failing_with(text), "1h"))
        .collect()
}

fn rows() -> Vec<Row> {
    [workers(), open_ends(), slow(), data_and_ends(), broken_traces(), services(), errors()]
        .into_iter()
        .flatten()
        .collect()
}

/// The rules that an answer names, the deciding one first.
fn named(all: &[Diagnosis]) -> Vec<&str> {
    all.iter()
        .flat_map(|d| std::iter::once(&d.rule).chain(d.findings.iter().map(|f| &f.rule)))
        .map(String::as_str)
        .collect()
}

/// Rules that never apply themselves: the service that did not answer has texts of its own, wrappers are skipped, and
/// `not_found` and unread traces are reported by the search.
const SILENT: &[&str] = &[
    "error.wrapper",
    "error.consequence",
    "error.connection",
    "error.timeout",
    "error.host_service",
    "error.host_service_timeout",
    "not_found.no_trace",
    "unknown.trace_unread",
];

#[test]
fn every_rule_applies_where_it_should_and_only_there() {
    let mut wrong = Vec::new();
    for row in rows() {
        let all = read(&row.picture, row.after);
        let rules = named(&all);
        let main = all.iter().find(|d| d.rule == row.rule);
        if row.decides != main.is_some() || !rules.contains(&row.rule) {
            let said: Vec<_> = all.iter().map(|d| (&d.rule, &d.summary)).collect();
            wrong.push(format!(
                "{} should {} here: {rules:?} {said:?}",
                row.rule,
                if row.decides { "decide" } else { "be a finding" }
            ));
        }
        let words = playbook().rule(row.rule).expect("the rule is in the playbook");
        if let Some(d) = main
            && (d.verdict, d.severity) != (words.verdict, words.severity)
        {
            wrong.push(format!("{}: {:?} {:?}", row.rule, d.verdict, d.severity));
        }
        wrong.extend(crate::laws::broken(&row.picture, &all).into_iter().map(|law| format!("{}: {law}", row.rule)));
        if let Some((picture, after)) = &row.unless {
            let all = read(picture, after);
            if named(&all).contains(&row.rule) {
                wrong.push(format!("{} applies where it must not: {:?}", row.rule, named(&all)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_of_the_playbook_is_tested() {
    let tested: BTreeSet<&str> = rows().iter().map(|row| row.rule).chain(SILENT.iter().copied()).collect();
    let open: Vec<_> =
        playbook().rules().iter().map(|rule| rule.id.as_str()).filter(|id| !tested.contains(id)).collect();
    // The rules of worker selection have the texts of these two.
    let open: Vec<_> =
        open.into_iter().filter(|id| !["error.workers_busy", "error.worker_unavailable"].contains(id)).collect();
    assert!(open.is_empty(), "rules without a test: {open:?}");
}

#[test]
fn every_rule_that_decides_has_proof() {
    for row in rows().iter().filter(|row| row.decides) {
        let all = read(&row.picture, row.after);
        let main = all.iter().find(|d| d.rule == row.rule).expect("tested above");
        assert!(!main.evidence.is_empty(), "{} has no evidence", row.rule);
        let here = main.evidence.iter().any(|e| e.span_id.is_some() || e.kind == EvidenceKind::Comparison);
        assert!(here, "{}: {:?}", row.rule, main.evidence);
    }
}
