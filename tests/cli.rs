//! The command line through its real executable.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy knows test code only in functions marked as tests"
)]

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use testbed::{self, Flavour, JaegerVersion, Scenario, Store, Telemetry};
use trace::{SpanId, Time};

const BASE: Time = Time(1_795_342_000_000_000);

/// A command without the environment of this machine.
fn diagnose(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ktrdr-diagnose"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    diagnose(args).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn scenario(name: &str) -> Scenario {
    *testbed::scenarios().iter().find(|scenario| scenario.name == name).unwrap()
}

/// A file with a scenario's traces in the format of the legacy API, the main operation, and the clock of its expectation.
struct Fixture {
    _dir: tempfile::TempDir,
    path: PathBuf,
    operation: String,
    now: String,
}

impl Fixture {
    fn new(name: &str) -> Self {
        let generated = testbed::generate(&scenario(name), Telemetry::Current, BASE, 7);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("traces.json");
        std::fs::write(&path, testbed::jaeger_json(&generated.traces, JaegerVersion::V1_53)).unwrap();
        Self { _dir: dir, path, operation: generated.operation_id.unwrap_or_default(), now: generated.now.to_string() }
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    fn json(&self) -> Vec<Value> {
        let output = run(&["file", self.path(), "--now", &self.now, "--format", "json"]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[test]
fn json_is_an_array_of_records_with_every_field_of_the_contract() {
    let records = Fixture::new("9-data-not-found").json();
    assert_eq!(records.len(), 1);
    let record = records[0].as_object().unwrap();
    assert_eq!((&record["verdict"], &record["severity"]), (&"missing_data".into(), &3.into()));
    assert_eq!(record["error_type"], "DataNotFoundError");
    assert!(record["evidence"].as_array().is_some_and(|proof| !proof.is_empty()));
    for field in [
        "operation_id",
        "operation_type",
        "status",
        "rule",
        "summary",
        "root_cause",
        "solution",
        "confidence",
        "confidence_reason",
        "findings",
        "bottleneck_span",
        "bottleneck_service",
        "bottleneck_span_id",
        "bottleneck_kind",
        "bottleneck_ms",
        "bottleneck_share",
        "worker_status",
        "worker_id",
        "workers_total",
        "workers_capable",
        "workers_available",
        "error_message",
        "error_span",
        "error_service",
        "error_span_id",
        "error_stacktrace",
        "error_path",
        "start",
        "end",
        "duration_ms",
        "progress_percent",
        "progress_phase",
        "progress_at",
        "last_activity",
        "baseline_ms",
        "slowdown",
        "attempts",
        "services",
        "span_count",
        "error_count",
        "folded_spans",
        "trace_id",
        "trace_ids",
        "partial",
        "remarks",
        "flow",
        "errors",
        "http",
        "workers",
    ] {
        assert!(record.contains_key(field), "{field} is missing");
    }
}

#[test]
fn a_pipe_gets_plain_text() {
    let fixture = Fixture::new("4-no-workers-backtest");
    for format in ["table", "report", "markdown"] {
        let output = run(&["file", fixture.path(), "--now", &fixture.now, "--format", format]);
        let text = out(&output);
        assert!(text.to_lowercase().replace(' ', "_").contains("no_workers"), "{text}");
        assert!(!text.contains('\x1b'), "{text:?}");
    }
}

#[test]
fn one_operation_is_reported_and_several_are_listed_unless_a_format_is_named() {
    let research = Fixture::new("17-agent-research");
    let list = out(&run(&["file", research.path(), "--now", &research.now]));
    assert!(list.starts_with("VERDICT"), "{list}");
    assert_eq!(list.lines().count(), 1 + research.json().len());
    let report = out(&run(&["file", research.path(), "--now", &research.now, "--operation", &research.operation]));
    assert!(report.lines().next().unwrap().contains(&research.operation), "{report}");
    assert!(report.contains("EXECUTION FLOW"), "{report}");
    let row =
        ["file", research.path(), "--now", &research.now, "--operation", &research.operation, "--format", "table"];
    assert_eq!(out(&run(&row)).lines().count(), 2);
}

#[test]
fn a_trace_id_names_the_operations_in_it() {
    let research = Fixture::new("17-agent-research");
    let trace = research.json()[0]["trace_id"].as_str().unwrap().to_owned();
    let output = run(&["file", research.path(), "--now", &research.now, "--operation", &trace, "--format", "json"]);
    let records: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(records.len() > 1, "{}", out(&output));
}

/// Review B11: operations of Celery, Temporal and payment systems have ids of hexadecimal digits.
#[test]
fn an_operation_id_of_hexadecimal_digits_is_an_operation_first() {
    let dir = tempfile::tempdir().unwrap();
    let id = "4bc5e6d07c3c4f0a9d0b8a5f1e2d3c4b";
    let span = |trace: &str, operation: &str| {
        serde_json::json!({"traceID": trace, "spans": [{"traceID": trace, "spanID": "1",
        "operationName": "task", "startTime": BASE.0, "duration": 5, "tags": [
            {"key": "order.id", "type": "string", "value": operation}], "processID": "p"}],
        "processes": {"p": {"serviceName": "s"}}})
    };
    // The id of the first operation is also the id of another operation's trace.
    let traces = serde_json::json!({"data": [span("ab", id), span(id, "order-2")]});
    let path = dir.path().join("hexadecimal.json");
    std::fs::write(&path, traces.to_string()).unwrap();
    let playbook = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/public-cases/generic-playbook.toml");
    let ask = |id: &str| {
        let args = ["file", path.to_str().unwrap(), "--playbook", playbook, "--operation", id, "--format", "json"];
        let records: Vec<Value> = serde_json::from_slice(&run(&args).stdout).unwrap();
        records.iter().map(|record| record["operation_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ask(id), [id]);
    assert_eq!(ask(&format!("{:032x}", 0xab)), [id], "a trace id that is not an operation's");
}

#[test]
fn markdown_follows_the_response_template() {
    let fixture = Fixture::new("9-data-not-found");
    let text = out(&run(&["file", fixture.path(), "--now", &fixture.now, "--format", "markdown"]));
    let mut rest = text.as_str();
    for heading in [
        &format!("🔍 **Trace Analysis for operation_id: {}**", fixture.operation),
        "**Trace Summary**:",
        "- Trace ID: ",
        "- Total Duration: ",
        "- Services: ",
        "- Status: ERROR",
        "**Execution Flow**:",
        "**Diagnosis**",
        "**Root Cause**",
        "**Solution**",
        "```sh",
        "**Confidence**: ",
    ] {
        let at = rest.find(heading).unwrap_or_else(|| panic!("{heading} is missing or out of order in\n{text}"));
        rest = &rest[at..];
    }
}

#[test]
fn standard_input_and_otlp_are_read_too() {
    let generated = testbed::generate(&scenario("9-data-not-found"), Telemetry::Current, BASE, 7);
    let mut child = diagnose(&["file", "-", "--now", &generated.now.to_string(), "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&testbed::otlp_json(&generated.traces)).unwrap();
    let records: Vec<Value> = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(records[0]["verdict"], "missing_data");
}

#[test]
fn the_clock_decides_between_running_and_stuck() {
    let fixture = Fixture::new("10b-still-running");
    let verdict = |now: &str| {
        let output = run(&["file", fixture.path(), "--now", now, "--format", "json"]);
        serde_json::from_slice::<Value>(&output.stdout).unwrap()[0]["verdict"].clone()
    };
    assert_eq!(verdict(&fixture.now), "running");
    assert_eq!(verdict("2030-01-01T00:00:00Z"), "stuck");
}

#[test]
fn a_running_operation_in_an_old_file_is_pointed_out() {
    let generated =
        testbed::generate(&scenario("10b-still-running"), Telemetry::Current, Time(1_600_000_000_000_000), 7);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old.json");
    std::fs::write(&path, testbed::jaeger_json(&generated.traces, JaegerVersion::V1_53)).unwrap();
    let output = run(&["file", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    assert!(err(&output).contains("--now 2020-09-1"), "{}", err(&output));
}

#[test]
fn a_file_that_is_no_trace_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in
        [("empty", ""), ("html", "<html>login</html>"), ("cut", "{\"data\":[{\"traceID\":"), ("other", "{\"a\":1}")]
    {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        for command in ["file", "critical-path"] {
            let output = run(&[command, path.to_str().unwrap()]);
            assert_eq!(output.status.code(), Some(1), "{command} {name}: {}", out(&output));
            let message = err(&output);
            assert!(message.contains("is not a trace file") && message.contains("Jaeger"), "{message}");
            assert!(out(&output).is_empty());
        }
    }
}

#[test]
fn a_file_without_operations_is_an_answer() {
    let traces = testbed::noise(BASE, Time(BASE.0 + 60_000_000), 7);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("noise.json");
    std::fs::write(&path, testbed::jaeger_json(&traces, JaegerVersion::V1_53)).unwrap();
    let output = run(&["file", path.to_str().unwrap(), "--format", "json"]);
    assert_eq!((output.status.code(), out(&output).trim()), (Some(0), "[]"));
    assert!(err(&output).contains("no operation was found"), "{}", err(&output));
}

#[test]
fn an_unknown_operation_names_those_that_are_there() {
    let fixture = Fixture::new("9-data-not-found");
    let output = run(&["file", fixture.path(), "--operation", "op_training_20200101_000000_deadbeef"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains(&fixture.operation), "{}", err(&output));
}

#[test]
fn a_missing_file_and_a_folder_get_different_hints() {
    let dir = tempfile::tempdir().unwrap();
    let missing = run(&["file", dir.path().join("nothing.json").to_str().unwrap()]);
    let folder = run(&["file", dir.path().to_str().unwrap()]);
    assert_eq!((missing.status.code(), folder.status.code()), (Some(1), Some(1)));
    assert!(err(&missing).contains("is the path right"), "{}", err(&missing));
    assert!(err(&folder).contains("name a file in it"), "{}", err(&folder));
}

#[test]
fn wrong_usage_is_status_2() {
    for args in [
        &["operations"][..],
        &["operation", "op_1"],
        &["operations", "--jaeger", "http://127.0.0.1:1", "--from", "yesterday"],
        &["operations", "--jaeger", "http://127.0.0.1:1", "--verdict", "bad"],
        &["operations", "--jaeger", "http://127.0.0.1:1", "--limit", "0"],
        &["operations", "--jaeger", "http://127.0.0.1:1", "--limit", "1001"],
        &["operations", "--jaeger", "http://127.0.0.1:1", "--from", "now", "--to", "now-1h"],
        &["operations", "--jaeger", "http://127.0.0.1:1", "--header", "no colon"],
        &["operations", "--jaeger", "http://127.0.0.1:1", "--user", "nocolon"],
        &["operations", "--jaeger", "not an address"],
        &["file"],
        &["frobnicate"],
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", err(&output));
        assert!(!err(&output).is_empty() && out(&output).is_empty(), "{args:?}");
    }
}

#[test]
fn a_jaeger_that_is_down_is_named_with_the_usual_fix() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    for args in [&["operations", "--jaeger", &url][..], &["operation", "op_1", "--jaeger", &url]] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(1), "{}", out(&output));
        assert!(err(&output).contains(&url), "{}", err(&output));
        assert!(out(&output).is_empty());
    }
}

#[test]
fn secrets_are_in_no_message() {
    let mut command = diagnose(&["operations", "--jaeger", "http://127.0.0.1:1", "--header", "X-Key t0ken"]);
    command.env("KTRDR_JAEGER_USER", "ann s3cret");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = err(&output);
    assert!(!message.contains("s3cret") && !message.contains("t0ken"), "{message}");
    let help = out(&diagnose(&["operations", "--help"]).env("KTRDR_JAEGER_USER", "ann:s3cret").output().unwrap());
    assert!(help.contains("KTRDR_JAEGER_USER") && !help.contains("s3cret"), "{help}");
}

#[test]
fn the_critical_path_has_sections_in_time_order_that_add_up() {
    let fixture = Fixture::new("2-backtest-success");
    let output = run(&["critical-path", fixture.path(), "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let paths: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!paths.is_empty());
    for path in &paths {
        let sections = path["sections"].as_array().unwrap();
        assert!(!sections.is_empty());
        for section in sections {
            assert!(SpanId::parse(section["span_id"].as_str().unwrap()).is_some());
            assert!(section["start_us"].as_i64().unwrap() < section["end_us"].as_i64().unwrap());
        }
        assert!(sections.is_sorted_by_key(|section| section["start_us"].as_i64()));
        assert!(path["partial"].is_boolean() && path["remarks"].is_array() && path["trace_id"].is_string());
    }
    let table = out(&run(&["critical-path", fixture.path()]));
    assert!(table.starts_with("Trace ") && table.contains("SHARE"), "{table}");
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let fixture = Fixture::new("17-agent-research");
    let mut child = diagnose(&["file", fixture.path(), "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.code().is_some_and(|code| code <= 1), "{:?}", output.status);
    assert!(!err(&output).contains("panicked") && !err(&output).contains("error"), "{}", err(&output));
}

#[test]
fn the_playbook_is_printed_explained_and_checked() {
    let text = out(&run(&["playbook"]));
    assert!(text.contains("worker.none_registered"));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.toml");
    std::fs::write(&path, &text).unwrap();
    assert_eq!(run(&["playbook", "check", path.to_str().unwrap()]).status.code(), Some(0));

    let explained = out(&run(&["playbook", "explain", "worker.none_registered"]));
    for part in ["WHEN", "no_workers, severity 3", "ROOT CAUSE", "ktrdr workers"] {
        assert!(explained.contains(part), "{explained}");
    }
    let unknown = run(&["playbook", "explain", "worker.none"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(err(&unknown).contains("perhaps worker.none_registered"), "{}", err(&unknown));

    std::fs::write(&path, "name = \"x\"\n[[rule]]\nid = \"worker.none_registered\"\nseverty = 1\n").unwrap();
    for args in
        [&["playbook", "check", path.to_str().unwrap()][..], &["file", "-", "--playbook", path.to_str().unwrap()]]
    {
        let wrong = run(args);
        assert_eq!(wrong.status.code(), Some(1));
        assert!(err(&wrong).contains("line 4") && err(&wrong).contains("severty"), "{}", err(&wrong));
    }
}

#[test]
fn a_rule_is_explained_as_ones_own_playbook_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.toml");
    std::fs::write(&path, "[[rule]]\nid = \"worker.all_busy\"\nsummary = \"Ours\"\n").unwrap();
    let text = out(&run(&["playbook", "explain", "worker.all_busy", "--playbook", path.to_str().unwrap()]));
    assert!(text.contains("Ours") && text.contains("no_workers, severity 3"), "{text}");
}

/// A Jaeger that serves a scenario until it is dropped.
struct Served {
    _runtime: tokio::runtime::Runtime,
    server: testbed::Server,
    operation: String,
    now: String,
}

impl Served {
    fn new(name: &str, flavour: Flavour) -> Self {
        let generated = testbed::generate(&scenario(name), Telemetry::Current, BASE, 7);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = runtime.block_on(testbed::serve(Store::new(generated.traces), flavour)).unwrap();
        let operation = generated.operation_id.unwrap_or_default();
        Self { _runtime: runtime, server, operation, now: generated.now.to_string() }
    }

    fn ask(&self, args: &[&str]) -> Output {
        let clock = ["--jaeger", &self.server.url, "--now", &self.now];
        run(&[args, &clock].concat())
    }

    fn json(&self, args: &[&str]) -> Vec<Value> {
        let output = self.ask(&[args, &["--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[test]
fn every_dialect_of_jaeger_gives_the_same_answer() {
    for flavour in [Flavour::LegacyOnly, Flavour::V3Only, Flavour::Both] {
        let jaeger = Served::new("9-data-not-found", flavour);
        let list = jaeger.json(&["operations", "--from", "now-3h"]);
        let one = jaeger.json(&["operation", &jaeger.operation]);
        assert_eq!((list.len(), one.len()), (1, 1), "{flavour:?}");
        assert_eq!(list[0]["operation_id"], jaeger.operation.as_str());
        assert_eq!(one[0]["verdict"], "missing_data", "{flavour:?}");
    }
}

#[test]
fn a_list_is_filtered_by_type_and_verdict() {
    let jaeger = Served::new("17-agent-research", Flavour::Both);
    let all = jaeger.json(&["operations", "--from", "now-12h"]);
    let some = jaeger.json(&["operations", "--from", "now-12h", "--type", "training"]);
    assert!(!some.is_empty() && some.len() < all.len(), "{} of {}", some.len(), all.len());
    assert!(some.iter().all(|record| record["operation_type"] == "training"));
    assert!(jaeger.json(&["operations", "--from", "now-12h", "--verdict", "stuck,no_workers"]).is_empty());
    assert_eq!(jaeger.json(&["operations", "--from", "now-12h", "--limit", "1"]).len(), 1);
}

#[test]
fn a_trace_id_asks_for_the_operations_of_that_trace() {
    let jaeger = Served::new("17-agent-research", Flavour::Both);
    let trace = jaeger.json(&["operation", &jaeger.operation])[0]["trace_id"].as_str().unwrap().to_owned();
    assert!(jaeger.json(&["operation", &trace]).len() > 1);
}

#[test]
fn an_id_that_no_trace_has_is_an_answer() {
    let jaeger = Served::new("9-data-not-found", Flavour::Both);
    let records = jaeger.json(&["operation", "op_training_20261122_100505_deadbeef"]);
    assert_eq!((records.len(), &records[0]["verdict"]), (1, &"not_found".into()));
}

#[test]
fn an_empty_range_says_what_to_try() {
    let jaeger = Served::new("9-data-not-found", Flavour::Both);
    let output = jaeger.ask(&["operations", "--from", "now-300d", "--to", "now-299d"]);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(0), ""));
    assert!(err(&output).contains("--from now-24h"), "{}", err(&output));
}
