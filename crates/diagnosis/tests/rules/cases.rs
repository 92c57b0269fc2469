//! Traces that are easily misread. Each test builds one such trace and checks the diagnosis of its operations.

use diagnosis::{Context, OperationStatus as S, SectionKind, Verdict as V, WorkerStatus, diagnose};
use trace::Micros;

use crate::{picture::*, scenes::*};

const R2: &str = "op_agent_research_20261122_100600_22222222";
const T2: &str = "op_training_20261122_100601_22222222";
const REFUSED: &str = "!httpx.ConnectError: All connection attempts failed";

#[test]
fn operations_under_one_coordinator_are_kept_apart() {
    let picture = research(&format!(
        "
        api | agent.coordinator | 25ms +3h | operation.id={R2} ; operation.type=coordinator ; outcome=failed ; \
         error=\"boom\" ; !RuntimeError: boom
          api | agent.phase.training | 1h +0 | operation.id={{R}} ; gate.passed=true
          api | training.start | 5m +9ms
            api | > POST http://training-worker-1:5005/training/start 200 | 5m +9ms
              train | < POST /training/start 200 | 5m +5ms
                train | register {T2} training | 5m
                train | pending->running {T2} | 5m
                train | running->completed {T2} | 50m
          api | agent.phase.training | 51m +0 | operation.id={R2} ; gate.passed=false ; gate.reason=loss_too_high
        api | running->completed {{R}} | 2h"
    )) + &format!(
        "\napi | < POST /api/v1/agent/trigger 200 | 1m +9ms\n  api | register {R2} agent_research | 1m\n  \
         api | pending->running {R2} | 1m\n"
    );
    let one = of(R, &picture, "4h");
    assert_eq!((one.status, one.verdict), (S::Completed, V::Healthy), "{}", one.summary);
    assert!(!one.findings.iter().any(|f| f.rule == "quality.gate_rejected"), "the gate belongs to the other operation");
    let two = of(R2, &picture, "2h");
    assert!(two.findings.iter().any(|f| f.rule == "quality.gate_rejected"));
    assert_eq!(two.trace_ids.len(), 2);
    let child = of(T2, &picture, "4h");
    assert_eq!((child.status, child.verdict), (S::Completed, V::Healthy));
    assert_eq!(child.operation_type, "training");
}

#[test]
fn the_outcome_of_a_coordinator_ends_its_operation() {
    let picture =
        research("api | agent.coordinator | 25ms +1h | operation.id={R} ; outcome=failed ; error=\"budget exhausted\"");
    let d = of(R, &picture, "4h");
    assert_eq!((d.status, d.verdict), (S::Failed, V::Failed));
    assert!(d.summary.contains("budget exhausted"), "{}", d.summary);
}

#[test]
fn one_request_can_cancel_several_operations() {
    let picture = research(&format!(
        "
        api | agent.coordinator | 25ms +3h | operation.id={{R}}
          api | > POST http://training-worker-1:5005/training/start 200 | 5m +9ms
            train | < POST /training/start 200 | 5m +5ms
              train | register {T2} training | 5m
              train | pending->running {T2} | 5m"
    )) + &format!(
        "\napi | < DELETE /api/v1/agent/cancel/{{R}} 200 | 10m +9ms\n  \
         api | running->cancelled {T2} | 10m | operation.cancellation_reason=Parent operation cancelled: not needed\n  \
         api | running->cancelled {{R}} | 10m | operation.cancellation_reason=not needed\n"
    );
    let (parent, child) = (of(R, &picture, "1h"), of(T2, &picture, "1h"));
    assert_eq!((parent.verdict, parent.rule.as_str()), (V::Cancelled, "cancelled.user"));
    assert_eq!((child.verdict, child.rule.as_str()), (V::Cancelled, "cancelled.parent"));
}

#[test]
fn an_end_without_a_start_is_enough_for_a_verdict() {
    let end_only = "api | running->failed {T} | 0 | operation.error=Operation was RUNNING but no worker claimed it";
    let d = one(end_only, "1h");
    assert_eq!((d.verdict, d.rule.as_str(), d.status), (V::Failed, "error.worker_lost", S::Failed));
    assert_eq!(d.operation_type, "training");
    let reconciled = training("")
        + "\ntrain | > POST http://backend:8000/api/v1/workers/register 200 | 9m +9ms\n  \
        api | < POST /api/v1/workers/register 200 | 9m +7ms\n    api | running->completed {T} | 9m\n";
    assert_eq!(one(&reconciled, "1h").verdict, V::Healthy);
}

fn resume(at: &str, from: &str, lines: &str) -> String {
    format!(
        "
api | < POST /api/v1/operations/{{T}}/resume 200 | {at} +50ms
  api | {from}->resuming {{T}} | {at} | operation.resumed=true
  api | > POST http://training-worker-2:5006/training/resume 200 | {at} +9ms
    train2 | < POST /training/resume 200 | {at} +6ms
{lines}"
    )
}

#[test]
fn the_last_attempt_decides_the_verdict() {
    let crash = "train | training.fit | 6s +1m | !MemoryError: out of memory\ntrain | running->failed {T} | 2m | operation.error=out of memory";
    let again = |end: &str| {
        training(crash) + &resume("10m", "failed", &format!("      train2 | resuming->running {{T}} | 10m1s\n{end}"))
    };
    let good = one(&again("      train2 | running->completed {T} | 20m"), "1h");
    assert_eq!((good.status, good.verdict, good.attempts), (S::Completed, V::Healthy, 2));
    let bad =
        one(&again("      train2 | running->failed {T} | 20m | operation.error=No aligned samples available"), "1h");
    assert_eq!((bad.rule.as_str(), bad.error_type.as_deref()), ("error.no_samples", Some("ValueError")));
    let open = one(&again(""), "15m");
    assert_eq!((open.status, open.verdict, open.end), (S::Running, V::Running, None));
    assert_eq!(open.duration_ms, Some(15.0 * 60_000.0 - 12.0));
}

#[test]
fn a_shutdown_in_the_second_attempt_is_not_the_cancellation_of_the_first() {
    let picture = training("")
        + "\napi | < DELETE /api/v1/operations/{T} 200 | 2m +9ms\n  api | running->cancelled {T} | 2m | \
           operation.cancellation_reason=Operation cancelled by user\n"
        + &resume("10m", "cancelled", "      train2 | resuming->running {T} | 10m1s")
        + "\n\ntrain2 | > PATCH http://backend:8000/api/v1/operations/{T}/status 200 | 30m +20ms\n";
    let d = one(&picture, "1h");
    assert_eq!((d.status, d.rule.as_str()), (S::Cancelled, "cancelled.shutdown"));
    assert_eq!(d.end.unwrap(), BASE + Micros::from_secs(1800) + Micros::from_millis(20));
}

#[test]
fn a_retried_start_is_one_operation_and_two_commands_are_two() {
    let refused = "  cli | > POST http://backend:8000/api/v1/trainings/start 503 | 1ms +5ms\n    \
                   api | < POST /api/v1/trainings/start 503 | 2ms +3ms\n";
    let accepted = training("train | running->completed {T} | 9m");
    let (root, rest) = accepted.split_once('\n').unwrap();
    let d = one(&format!("{root}\n{refused}{rest}"), "1h");
    assert_eq!((d.verdict, d.attempts, d.worker_status), (V::Healthy, 2, Some(WorkerStatus::Success)));
    assert_eq!(d.start, Some(BASE + Micros::from_millis(12)));
    let indented: String = accepted.lines().map(|line| format!("  {line}\n")).collect();
    let script = format!(
        "script | nightly | 0 +10m\n  cli | cli.train | 0 +9ms\n  {}\n{indented}",
        refused.trim_end().replace('\n', "\n  ")
    );
    let all = read(&script, "1h");
    assert_eq!(all.len(), 2, "one operation per command");
    assert!(all.iter().any(|d| d.operation_id.is_none() && d.status == S::Failed));
    assert!(all.iter().any(|d| d.operation_id.as_deref() == Some(T) && d.attempts == 1));
}

#[test]
fn retries_below_a_missing_command_span_are_one_start() {
    let attempts: String = [0, 2, 4, 8]
        .iter()
        .map(|at| format!("?cli | > POST http://backend:8000/api/v1/trainings/start | {at}s +2ms | {REFUSED}\n"))
        .collect();
    let d = one(&attempts, "1m");
    assert_eq!((d.rule.as_str(), d.attempts, d.operation_id), ("service.backend", 4, None));
    assert_eq!(d.duration_ms, Some(8002.0));
}

#[test]
fn an_operation_can_start_directly_on_a_worker() {
    let id = "worker_training_0123456789ab";
    let d = one(
        &format!(
            "train | < POST /training/start 200 | 0 +6ms\n  train | register {id} training | 2ms\n  \
             train | pending->running {id} | 3ms\n  train | running->completed {id} | 5m"
        ),
        "1h",
    );
    assert_eq!((d.verdict, d.operation_type.as_str()), (V::Healthy, "training"));
}

#[test]
fn the_operation_id_on_a_tool_span_counts() {
    let d = one(
        "\
mcp | mcp.tool.start_training | 0 +1s | operation.id={T} ; ok
  mcp | > POST http://backend:8000/api/v1/trainings/start 200 | 10ms +200ms
    api | < POST /api/v1/trainings/start 200 | 12ms +196ms
      api | > POST http://training-worker-gpu:5005/training/start 200 | 50ms +10ms",
        "1h",
    );
    assert_eq!((d.operation_id.as_deref(), d.rule.as_str()), (Some(T), "trace.host_uninstrumented"));
}

#[test]
fn a_trace_without_its_middle_is_one_operation() {
    let no_api = "\
cli | cli.train | 0 +400ms | ok
  cli | > POST http://backend:8000/api/v1/trainings/start 200 | 10ms +200ms
?train | < POST /training/start 200 | 52ms +6ms
  train | register {T} training | 60ms
  train | pending->running {T} | 62ms
  train | running->completed {T} | 9m";
    let d = one(no_api, "1h");
    assert_eq!((d.operation_id.as_deref(), d.status, d.verdict), (Some(T), S::Completed, V::Healthy));
    assert!(d.partial);
    assert!(d.services.contains(&"ktrdr-cli".to_owned()));
}

#[test]
fn old_and_new_http_attributes_describe_the_same_request() {
    let both = refused_training(
        500,
        &format!(
            "api | > POST http://training-worker-1:5005/training/start | 40ms +9ms | new ; http.method=POST ; \
             http.url=http://training-worker-1:5005/training/start ; error.type=ConnectError ; {REFUSED}"
        ),
    );
    let d = one(&both, "1m");
    assert_eq!((d.rule.as_str(), d.error_type.as_deref()), ("service.training_worker", Some("ConnectError")));
    let new = refused_training(
        500,
        &format!(
            "api | > POST http://localhost:5001/data/validate | 40ms +9ms | new ; error.type=httpx.ConnectError ; {REFUSED}"
        ),
    );
    assert_eq!(one(&new, "1m").rule, "service.ib_host");
}

#[test]
fn an_exception_recorded_twice_counts_once() {
    let picture = training(
        "train | training.fit | 6s +1s | !some.where.DataNotFoundError: gone ; !some.where.DataNotFoundError: gone ; \
         exception.type=DataNotFoundError ; exception.message=gone\ntrain | running->failed {T} | 8s | operation.error=gone",
    );
    let d = one(&picture, "1h");
    assert_eq!((d.errors.len(), d.error_type.as_deref()), (1, Some("DataNotFoundError")));
    let only_text = training(
        "train | training.fit | 6s +1s | error=some.where.DataNotFoundError: gone\ntrain | running->failed {T} | 8s",
    );
    assert_eq!(one(&only_text, "1h").error_type.as_deref(), Some("DataNotFoundError"));
}

#[test]
fn the_message_of_the_operation_selects_the_error() {
    let two = |message: &str| {
        training(&format!(
            "\
train | training.a | 6s +1s | !KeyError: left
train | training.b | 6s +2s
  train | training.c | 6s +1s | !TypeError: right
train | running->failed {{T}} | 9s | operation.error={message}"
        ))
    };
    assert_eq!(one(&two("it was left"), "1h").error_type.as_deref(), Some("KeyError"));
    assert_eq!(one(&two("it was right"), "1h").error_type.as_deref(), Some("TypeError"));
}

#[test]
fn an_error_followed_by_a_successful_retry_is_not_the_cause() {
    let dispatch = "        api | > POST http://training-worker-1:5005/training/start 200";
    let refused =
        format!("        api | > POST http://training-worker-2:5006/training/start | 20ms +9ms | {REFUSED}\n");
    let failed = training("train | running->failed {T} | 9m | operation.error=an unknown problem");
    let d = one(&failed.replace(dispatch, &format!("{refused}{dispatch}")), "1h");
    assert_eq!((d.verdict, d.error_type.as_deref()), (V::Failed, Some("OperationError")), "{}", d.summary);
    assert!(d.errors.iter().any(|e| e.error_type.as_deref() == Some("ConnectError")));
}

#[test]
fn unrelated_errors_in_other_traces_are_not_the_cause() {
    let unrelated =
        "\nib | ib.connect | 3s +5ms | ib.host=127.0.0.1 ; ib.port=4002 ; !ConnectionRefusedError: refused\n";
    let failed = backtest("back | running->failed {B} | 5s | operation.error=model_path is required for backtesting")
        + unrelated;
    let d = one(&failed, "1h");
    assert_eq!((d.rule.as_str(), d.trace_ids.len()), ("error.model_path", 1));
    let done =
        download("api | > POST http://localhost:5001/data/historical 200 | 1s +2s\napi | running->completed {D} | 9s");
    assert_eq!(one(&(done + unrelated), "1h").verdict, V::Healthy);
    let other_time = download(
        "api | > POST http://localhost:5001/data/validate | 3h +30s | !httpx.ReadTimeout: \n\
         api | running->failed {D} | 3h1m | operation.error=Host service timeout: Request timed out after 4 attempts: ",
    ) + unrelated;
    let d = one(&other_time, "4h");
    assert_eq!(d.rule, "service.ib_host", "the gateway was unreachable three hours earlier");
    assert!(d.root_cause.as_deref().unwrap().contains("hangs"), "{:?}", d.root_cause);
}

#[test]
fn the_message_alone_distinguishes_a_hanging_host_from_a_stopped_one() {
    let with_message =
        |text: &str| one(&download(&format!("api | running->failed {{D}} | 2m | operation.error={text}")), "1h");
    let hangs = with_message("Host service timeout: Request timed out for POST /data/validate after 4 attempts: ");
    assert_eq!(hangs.rule, "service.ib_host");
    assert!(hangs.root_cause.as_deref().unwrap().contains("hangs"), "{:?}", hangs.root_cause);
    let down = with_message(
        "Host service connection failed: HTTP error for POST /data/validate: All connection attempts failed",
    );
    assert!(down.root_cause.as_deref().unwrap().contains("not running"), "{:?}", down.root_cause);
}

#[test]
fn a_stuck_download_names_the_gateway() {
    let picture = download("api | > POST http://localhost:5001/data/validate | 1s +30s | !httpx.ReadTimeout: ")
        + "\nib | ib.connect | 2s +5ms | ib.host=127.0.0.1 ; ib.port=4002 ; !ConnectionRefusedError: refused\n";
    let d = one(&picture, "30m");
    assert_eq!(d.verdict, V::Stuck);
    assert!(d.findings.iter().any(|f| f.rule == "service.ib_gateway"), "{:?}", d.findings);
    assert!(d.root_cause.as_deref().unwrap().starts_with("The backend"), "{:?}", d.root_cause);
}

#[test]
fn the_allowed_silence_depends_on_type_phase_and_baseline() {
    let minimal = |kind: &str, id: &str| {
        format!(
            "x | < POST /some/start 200 | 0 +6ms\n  x | register {id} {kind} | 2ms\n  x | pending->running {id} | 3ms\n"
        )
    };
    let limits = [
        (training(""), "11h59m", "12h1m"),
        (minimal("training", "{T}"), "14m", "16m"),
        (backtest(""), "1h59m", "2h1m"),
        (minimal("backtesting", "{B}"), "14m", "16m"),
        (download(""), "9m", "11m"),
        (research(""), "12h59m", "13h1m"),
        (minimal("dummy", "op_dummy_20261122_100505_a41e50c8"), "59m", "61m"),
    ];
    for (picture, before, after) in limits {
        assert_eq!(one(&picture, before).verdict, V::Running, "{before}");
        assert_eq!(one(&picture, after).verdict, V::Stuck, "{after}");
    }
    let completed = |nth: i64| {
        let id = format!("op_training_20261122_080505_0000000{nth}");
        format!(
            "train | < POST /training/start 200 | {0}s +5ms\n  train | register {id} training | {0}s | data.symbol=EURUSD ; data.timeframe=1h\n  \
             train | pending->running {id} | {0}s\n  train | running->completed {id} | {1}s\n\n",
            -7200 + nth * 60,
            -7200 + nth * 60 + 600
        )
    };
    let history: String = (0..5).map(completed).collect();
    assert_eq!(of(T, &(history.clone() + &training("")), "29m").verdict, V::Running);
    assert_eq!(
        of(T, &(history + &training("")), "31m").verdict,
        V::Stuck,
        "more than three times the baseline of ten minutes"
    );
}

#[test]
fn polls_show_whether_the_worker_is_alive() {
    let poll_at = |at: &str, end: &str| poll("{T}", at, &format!("{end} | {at} +9ms"));
    let refused = |at: &str| poll("{T}", at, &format!("| {at} +9ms | {REFUSED}"));
    let slow = |at: &str| poll("{T}", at, &format!("| {at} +5s | !httpx.ReadTimeout: "));
    let verdict = |polls: String| one(&(training("") + &polls), "1h").rule;
    assert_eq!(verdict(refused("20m")), "stuck.worker_lost");
    assert_eq!(verdict(refused("20m") + &poll_at("21m", "200")), "running.active");
    assert_eq!(verdict(poll_at("19m", "200") + &refused("20m")), "stuck.worker_lost");
    assert_eq!(verdict(slow("20m")), "running.active", "a single timed-out poll");
    assert_eq!(
        verdict(poll_at("19m", "200") + &poll_at("20m", "404")),
        "stuck.worker_lost",
        "the worker has restarted"
    );
    assert_eq!(verdict(slow("20m") + &slow("30m")), "stuck.worker_lost");
    // The command cannot reach the backend, which says nothing about the worker.
    let backend_down = format!(
        "\ncli | cli.status | 20m +9ms\n  cli | > GET http://backend:8000/api/v1/operations/{{T}} | 20m +9ms | {REFUSED}\n"
    );
    assert_eq!(verdict(backend_down), "running.active");
}

#[test]
fn a_poll_below_a_running_coordinator_shows_a_lost_worker() {
    let picture = format!(
        "\
?api | training.start | 0 +90ms | ok
  api | > POST http://training-worker-1:5005/training/start 200 | 50ms +10ms
    train | < POST /training/start 200 | 52ms +6ms
      train | register {{T}} training | 60ms
      train | pending->running {{T}} | 62ms
      train | training.data_loading | 70ms +5s | ok
?api | > GET http://training-worker-1:5005/api/v1/operations/{{T}} | 10m +9ms | {REFUSED}"
    );
    assert_eq!(one(&picture, "20m").rule, "stuck.worker_lost");
}

#[test]
fn old_progress_of_other_work_is_not_frozen_progress() {
    let old = BASE.0 as f64 / 1e6;
    let stale = download("")
        .replace("data.timeframe=1h ; ok", &format!("progress.percentage=2.5 ; progress.updated_at={old} ; ok"));
    assert_eq!(one(&stale, "8m").verdict, V::Running);
    let shared = research(&format!(
        "api | agent.coordinator | 25ms +2h | operation.id={R2} ; progress.percentage=5.0 ; progress.updated_at={old}"
    ));
    let d = of(R, &shared, "3h");
    assert_eq!((d.verdict, d.progress_percent), (V::Running, None));
}

#[test]
fn different_instances_of_two_services_do_not_change_the_verdict() {
    let picture = training("train | training.epoch | 6s +1m | operations_service.instance_id=\"7\"")
        .replace("15ms +190ms | ok", "15ms +190ms | operations_service.instance_id=\"8\"");
    let d = one(&picture, "5m");
    assert_eq!(d.verdict, V::Running);
    assert!(d.findings.iter().any(|f| f.rule == "stuck.instance_mismatch"));
}

#[test]
fn clock_skew_does_not_turn_an_end_into_a_start() {
    // Both services register the operation. The clock of the worker is ten seconds behind.
    let picture = "\
api | < POST /api/v1/backtests/start 200 | 0 +300ms
  api | register {B} backtesting | 10ms
  api | > POST http://backtest-worker-1:5003/backtests/start 200 | 20ms +10ms
    back | < POST /backtests/start 200 | -9.9s +6ms
      back | register {B} backtesting | -9.8s
      back | pending->running {B} | -9.7s
      back | running->failed {B} | -9.5s | operation.error=model_path is required for backtesting";
    let d = one(picture, "1h");
    assert_eq!((d.status, d.rule.as_str(), d.duration_ms), (S::Failed, "error.model_path", Some(0.0)));
    assert!(d.remarks.iter().any(|r| r.contains("clock skew")), "{:?}", d.remarks);
}

#[test]
fn a_clock_before_the_start_does_not_mean_silence() {
    let d = one(&training(""), "-1h");
    assert_eq!((d.verdict, d.end), (V::Running, None));
    assert_eq!((d.start, d.duration_ms, d.last_activity), (None, None, None), "every span is later than the clock");
    assert!(d.summary.starts_with("Running for some time"), "{}", d.summary);
}

#[test]
fn the_most_complete_copy_of_a_trace_counts() {
    let whole = traces(&draw(&training("train | running->completed {T} | 9m")));
    let cut = traces(&draw(
        "cli | cli.train | 0 +400ms | ok\n  cli | > POST http://backend:8000/api/v1/trainings/start 200 | 10ms +200ms",
    ));
    for order in [[&cut[0], &whole[0]], [&whole[0], &cut[0]]] {
        let both: Vec<_> = order.into_iter().cloned().collect();
        let all = diagnose(&both, playbook(), &Context { now: BASE + Micros::from_secs(3600), ..Context::default() });
        assert_eq!(all.diagnoses.len(), 1);
        assert_eq!(all.diagnoses[0].verdict, V::Healthy);
    }
}

#[test]
fn parts_without_trace_context_are_joined_by_path_port_and_time() {
    let worker = |service: &str, route: &str, id: &str, at: &str| {
        format!(
            "\n\n{service} | < POST {route} 200 | {at} +6ms\n  {service} | register {id} x | {at}\n  {service} | pending->running {id} | {at}\n"
        )
    };
    let start = "\
cli | cli.train | 0 +400ms | ok
  api | < POST /api/v1/trainings/start 200 | 12ms +196ms
    api | > POST http://training-worker-1:5005/training/start 200 | 50ms +10ms";
    let joined = |other: String| read(&(start.to_owned() + &other), "5m").len();
    assert_eq!(joined(worker("train", "/training/start", "{T}", "52ms")), 1);
    assert_eq!(joined(worker("train2", "/training/start", "{T}", "52ms")), 2, "the port differs");
    assert_eq!(joined(worker("back", "/backtests/start", "{B}", "52ms")), 2, "the path differs");
    assert_eq!(joined(worker("train", "/training/start", "{T}", "9s")), 2, "the time differs");
}

#[test]
fn a_gap_is_named_after_the_spans_around_it() {
    let picture = "\
x | < POST /some/start 200 | 0 +1s
  x | register op_dummy_20261122_100505_a41e50c8 dummy | 2ms
  x | pending->running op_dummy_20261122_100505_a41e50c8 | 3ms
  x | running->completed op_dummy_20261122_100505_a41e50c8 | 60s";
    let d = one(picture, "5m");
    assert_eq!(d.bottleneck_span.as_deref(), Some("POST /some/start → operation.state_transition"));
    assert_eq!((d.bottleneck_kind, d.bottleneck_span_id), (Some(SectionKind::Gap), None));
}

#[test]
fn consumers_and_networks_have_their_own_sections() {
    let queue = training(
        "\
train | queue.send | 6s +10ms | kind=producer
  train | queue.work | 7s +8m | kind=consumer
train | running->completed {T} | 9m",
    );
    assert_eq!(one(&queue, "1h").bottleneck_span.as_deref(), Some("queue.work"));
    let slow_network = download(
        "\
api | > POST http://localhost:5001/data/historical 200 | 1s +60s
  ib | < POST /data/historical 200 | 30s +1s
api | running->completed {D} | 62s",
    );
    let d = one(&slow_network, "1h");
    assert_eq!((d.bottleneck_kind, d.bottleneck_span.as_deref()), (Some(SectionKind::Network), Some("POST")));
    let without_callee = download(
        "api | > POST http://localhost:5001/data/historical 200 | 1s +60s\napi | running->completed {D} | 62s",
    );
    assert_eq!(
        one(&without_callee, "1h").bottleneck_kind,
        Some(SectionKind::Span),
        "without the span of the callee, the time is not split"
    );
}

#[test]
fn a_summary_is_one_line_even_if_the_message_has_many() {
    let mut raw = draw(&training("train | running->failed {T} | 9m | operation.error=x"));
    for (key, value) in raw.iter_mut().flat_map(|t| &mut t.spans).flat_map(|s| &mut s.attributes) {
        if key == "operation.error" {
            *value = format!("2 validation errors\n  field a\n  field b {}", "long ".repeat(500)).into();
        }
    }
    let context = Context { now: BASE + Micros::from_secs(3600), ..Context::default() };
    let d = diagnose(&traces(&raw), playbook(), &context).diagnoses.remove(0);
    assert!(!d.summary.contains('\n') && d.summary.chars().count() < 400, "{}", d.summary);
    assert!(d.error_message.unwrap().len() > 2000, "the record keeps the whole message");
}

#[test]
fn an_error_inside_the_ib_host_points_to_the_gateway() {
    let picture = download(
        "
        api | > POST http://localhost:5001/data/historical 200 | 1s +11s
          ib | < POST /data/historical 200 | 2s +10s
            ib | ib.fetch_historical | 2s +10s | !TimeoutError: 
        api | running->failed {D} | 13s",
    );
    let d = one(&picture, "1h");
    assert_eq!((d.rule.as_str(), d.error_type.as_deref()), ("service.ib_gateway", Some("TimeoutError")));
}
