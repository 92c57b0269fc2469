//! `ktrdr-diagnose culprits` through its real executable: requests and operations, files and a Jaeger.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy knows test code only in functions marked as tests"
)]

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use testbed::{Flavour, JaegerVersion, RawSpan, RawTrace, Store, Telemetry};
use trace::{Micros, SpanId, SpanKind, Status, Time, TraceId};

const BASE: Time = Time(1_795_342_000_000_000);
const MINUTE: Micros = Micros::from_secs(60);

/// The columns of a row, in the contract's order.
const COLUMNS: [&str; 17] = [
    "rank",
    "service",
    "caller",
    "span",
    "kind",
    "operation_types",
    "affected",
    "excess_ms",
    "share",
    "baseline_ms",
    "error_ratio",
    "baseline_error_ratio",
    "score",
    "confidence",
    "summary",
    "example_trace_ids",
    "evidence",
];

fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ktrdr-diagnose"));
    command.arg("culprits").args(args).env_clear().stdin(Stdio::null()).output().unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn rows(args: &[&str]) -> (Vec<Value>, String) {
    let output = run(&[args, &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    (serde_json::from_slice(&output.stdout).unwrap(), err(&output))
}

/// A request of a shop: its frontend calls the cart, which takes `cart` ms by itself.
fn request(number: i64, at: Time, cart: i64) -> RawTrace {
    let span =
        |id: u64, parent: Option<u64>, service: &'static str, name: &'static str, kind, from: i64, to: i64| RawSpan {
            id: SpanId(id),
            parent: parent.map(SpanId),
            name: name.into(),
            service: service.into(),
            kind,
            status: Status::Unset,
            status_message: "".into(),
            start: at + Micros::from_millis(from),
            duration: Micros::from_millis(to - from),
            process: Arc::default(),
            scope: ("".into(), "".into()),
            attributes: Vec::new(),
            events: Vec::new(),
        };
    RawTrace {
        id: TraceId(1 + number as u128),
        spans: vec![
            span(1, None, "frontend", "GET /cart", SpanKind::Server, 0, 20 + cart),
            span(2, Some(1), "frontend", "Cart/Get", SpanKind::Client, 5, 15 + cart),
            span(3, Some(2), "cart", "Cart/Get", SpanKind::Server, 7, 7 + cart),
        ],
    }
}

/// `n` requests, one per second from `from` on.
fn requests(n: i64, from: Time, cart: i64) -> Vec<RawTrace> {
    (0..n).map(|number| request(from.0 / 1_000_000 + number, from + Micros::from_secs(number), cart)).collect()
}

/// `n` times the same scenario, a minute apart.
fn scenario(name: &str, n: i64, from: Time) -> Vec<RawTrace> {
    let scenario = *testbed::scenarios().iter().find(|scenario| scenario.name == name).unwrap();
    let base = |number: i64| Time(from.0 + number * MINUTE.0);
    (0..n)
        .flat_map(|number| testbed::generate(&scenario, Telemetry::Current, base(number), number.unsigned_abs()).traces)
        .collect()
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path: PathBuf = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn legacy(folder: &Path, name: &str, traces: &[RawTrace]) -> String {
    file(folder, name, testbed::jaeger_json(traces, JaegerVersion::V1_53).as_ref())
}

#[test]
fn a_slow_service_is_a_row_with_every_column_of_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let window = legacy(dir.path(), "window.json", &requests(30, BASE + MINUTE, 90));
    let baseline = legacy(dir.path(), "baseline.json", &requests(60, BASE, 10));
    let (rows, notes) = rows(&[&window, "--baseline", &baseline]);
    assert_eq!(rows.len(), 1, "{rows:?}");
    let row = rows[0].as_object().unwrap();
    assert_eq!(row.keys().map(String::as_str).collect::<Vec<_>>().len(), COLUMNS.len());
    assert!(COLUMNS.iter().all(|column| row.contains_key(*column)), "{row:?}");
    assert_eq!((&row["rank"], &row["service"], &row["caller"]), (&1.into(), &"cart".into(), &"frontend".into()));
    assert_eq!((&row["kind"], &row["affected"]), (&"span".into(), &30.into()));
    assert_eq!((&row["excess_ms"], &row["baseline_ms"]), (&80.0.into(), &10.0.into()));
    assert_eq!(row["operation_types"], serde_json::json!(["frontend: GET /cart"]));
    assert_eq!((&row["share"], &row["confidence"]), (&1.0.into(), &"high".into()));
    assert_eq!(row["evidence"][0]["rule"], "culprit.span");
    assert_eq!(row["evidence"][0]["trace_id"], row["example_trace_ids"][0]);
    assert!(notes.contains("requests are compared, one per root span"), "{notes}");
    assert!(notes.contains("30 requests of the window were compared with 60 of the baseline"), "{notes}");
}

#[test]
fn nothing_that_deviates_is_an_empty_array_and_status_0() {
    let dir = tempfile::tempdir().unwrap();
    let window = legacy(dir.path(), "window.json", &requests(30, BASE + MINUTE, 10));
    let baseline = legacy(dir.path(), "baseline.json", &requests(60, BASE, 10));
    let output = run(&[&window, "--baseline", &baseline, "--format", "json"]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"[]\n".as_slice()));
    let table = run(&[&window, "--baseline", &baseline]);
    assert_eq!((table.status.code(), table.stdout.as_slice()), (Some(0), b"".as_slice()));
    assert!(err(&table).contains("nothing deviates from the baseline"), "{}", err(&table));
}

#[test]
fn the_table_names_service_kind_and_summary() {
    let dir = tempfile::tempdir().unwrap();
    let window = legacy(dir.path(), "window.json", &requests(30, BASE + MINUTE, 90));
    let baseline = legacy(dir.path(), "baseline.json", &requests(60, BASE, 10));
    let output = run(&[&window, "--baseline", &baseline]);
    let text = String::from_utf8(output.stdout).unwrap();
    let [head, row] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
    assert!(head.contains("SERVICE") && head.contains("CONFIDENCE"), "{head}");
    assert!(row.contains("cart") && row.contains("cart takes 80 ms longer in 30 of 30 operations"), "{row}");
}

/// The report for an incident: what was compared, the culprit, its evidence.
#[test]
fn markdown_is_a_report_for_an_incident() {
    let dir = tempfile::tempdir().unwrap();
    let window = legacy(dir.path(), "window.json", &requests(30, BASE + MINUTE, 2090));
    let baseline = legacy(dir.path(), "baseline.json", &requests(60, BASE, 10));
    let output = run(&[&window, "--baseline", &baseline, "--format", "markdown"]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(!err(&output).contains("were compared"), "the report has it: {}", err(&output));
    let example = text.split("Examples: ").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or_default();
    for part in [
        "🔍 **What Changed**\n\n**Comparison**:\n\n- 30 requests of the window were compared with 60 of the baseline\n",
        "\n**Culprits**:\n\n1. **cart**, called by frontend (`span`, high confidence)\n",
        "   - cart takes 2.1 s longer in 30 of 30 operations (usually 10 ms) in Cart/Get\n",
        "   - Affected: 30 (frontend: GET /cart), 2.1 s more each, 100 % of the whole excess\n",
        "   - Evidence: Cart/Get (cart): `time on the critical path` = `2.1 s more than 10 ms`, span 0000000000000003\n",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert_eq!(example.len(), 32, "{text}");
    let nothing = run(&[&baseline, "--baseline", &baseline, "--format", "markdown"]);
    assert!(String::from_utf8(nothing.stdout).unwrap().contains("None: nothing was found that deviates"));
}

/// Ranges of a Jaeger are named, and the next step is a command.
#[test]
fn markdown_of_a_jaeger_names_the_ranges_and_the_next_step() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = Store::new(testbed::incident(BASE, 1));
    let server = runtime.block_on(testbed::serve(store, Flavour::Both)).unwrap();
    let from = Time(BASE.0 - 60 * MINUTE.0).to_string();
    let args = ["--jaeger", &server.url, "--now", &BASE.to_string(), "--from", &from, "--format", "markdown"];
    let output = run(&args);
    let text = String::from_utf8(output.stdout).unwrap();
    let ranges = "- Window: 2026-11-22 09:06:40 to 2026-11-22 10:06:40 UTC\n- Baseline: 2026-11-22 08:06:40 to";
    assert!(text.contains(ranges), "{text}");
    assert!(text.contains("1. **ktrdr-ib-host-service** (`span`, high confidence)"), "{text}");
    assert!(text.contains("**Next Step**:\n\nDiagnose the example"), "{text}");
    let example = text.split("Examples: ").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or_default();
    assert!(text.contains(&format!("```sh\nktrdr-diagnose operation {example}\n```")), "{text}");
}

#[test]
fn several_files_of_several_formats_make_a_side() {
    let dir = tempfile::tempdir().unwrap();
    let slow = requests(30, BASE + MINUTE, 90);
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(testbed::jaeger_json(&slow[..15], JaegerVersion::V1_53).as_ref()).unwrap();
    let zipped = file(dir.path(), "window.json.gz", &gz.finish().unwrap());
    let otlp = file(dir.path(), "window-otlp.json", testbed::otlp_json(&slow[15..]).as_ref());
    let usual = requests(60, BASE, 10);
    let first = legacy(dir.path(), "first.json", &usual[..40]);
    let second = legacy(dir.path(), "second.json", &usual[40..]);
    let (rows, notes) = rows(&[&zipped, &otlp, "--baseline", &first, &second]);
    assert_eq!((rows.len(), &rows[0]["affected"]), (1, &30.into()));
    assert!(notes.contains("30 requests of the window were compared with 60 of the baseline"), "{notes}");
}

#[test]
fn a_trace_that_is_in_both_files_counts_for_the_window() {
    let dir = tempfile::tempdir().unwrap();
    let slow = requests(30, BASE + MINUTE, 90);
    let window = legacy(dir.path(), "window.json", &slow);
    let baseline = legacy(dir.path(), "baseline.json", &[requests(60, BASE, 10), slow].concat());
    let (rows, notes) = rows(&[&window, "--baseline", &baseline]);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(notes.contains("with 60 of the baseline"), "{notes}");
}

/// The operations of the playbook are compared, not every root.
#[test]
fn operations_are_compared_where_the_playbook_finds_them() {
    let dir = tempfile::tempdir().unwrap();
    let window = legacy(dir.path(), "window.json", &scenario("8b-strategy-not-found", 8, BASE + MINUTE + MINUTE));
    let baseline = legacy(dir.path(), "baseline.json", &scenario("1-training-success", 30, BASE));
    let (rows, notes) = rows(&[&window, "--baseline", &baseline]);
    assert!(notes.contains("8 operations of the window were compared with 30 of the baseline"), "{notes}");
    assert_eq!(rows[0]["operation_types"], serde_json::json!(["training"]), "{rows:?}");
    assert_eq!((&rows[0]["kind"], &rows[0]["affected"]), (&"errors".into(), &8.into()), "{rows:?}");
}

#[test]
fn equal_operations_do_not_deviate() {
    let dir = tempfile::tempdir().unwrap();
    let window = legacy(dir.path(), "window.json", &scenario("2-backtest-success", 10, Time(BASE.0 + 60 * MINUTE.0)));
    let baseline = legacy(dir.path(), "baseline.json", &scenario("2-backtest-success", 30, BASE));
    let (rows, notes) = rows(&[&window, "--baseline", &baseline]);
    assert!(rows.is_empty(), "{rows:?}");
    assert!(notes.contains("10 operations of the window were compared with 30 of the baseline"), "{notes}");
}

#[test]
fn types_without_a_baseline_and_operations_without_an_end_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let mixed = [scenario("1-training-success", 4, BASE), scenario("10b-still-running", 3, BASE)].concat();
    let window = legacy(dir.path(), "window.json", &mixed);
    let baseline = legacy(dir.path(), "baseline.json", &scenario("2-backtest-success", 20, BASE));
    let (rows, notes) = rows(&[&window, "--baseline", &baseline]);
    assert!(rows.is_empty(), "{rows:?}");
    assert!(notes.contains("so they could not be compared: training"), "{notes}");
    assert!(notes.contains("3 operations of the window have not ended or were cancelled"), "{notes}");
}

#[test]
fn wrong_usage_is_status_2() {
    let dir = tempfile::tempdir().unwrap();
    let path = legacy(dir.path(), "window.json", &requests(1, BASE, 10));
    let usage = |args: &[&str], says: &str| {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(err(&output).contains(says), "{args:?}: {}", err(&output));
    };
    usage(&[&path], "--baseline");
    usage(&["--baseline", &path], "FILE");
    usage(&[&path, "--baseline", &path, "--from", "now-2h"], "--from");
    usage(&[], "which Jaeger?");
    usage(&["--jaeger", "http://127.0.0.1:1", "--from", "now", "--to", "now-1h"], "the window is empty");
    let within = ["--from", "now-1h", "--baseline-from", "now-50m", "--baseline-to", "now-40m"];
    usage(&[&["--jaeger", "http://127.0.0.1:1"], &within[..]].concat(), "within the window");
}

#[test]
fn a_file_that_holds_no_traces_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let window = legacy(dir.path(), "window.json", &requests(1, BASE, 10));
    let broken = file(dir.path(), "broken.json", b"not a trace");
    let output = run(&[&window, "--baseline", &broken]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("broken.json is not a trace file"), "{}", err(&output));
}

fn ask(traces: Vec<RawTrace>, flavour: Flavour, args: &[&str]) -> (Vec<Value>, String) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(testbed::serve(Store::new(traces), flavour)).unwrap();
    rows(&[&["--jaeger", &server.url], args].concat())
}

#[test]
fn a_jaeger_is_asked_for_both_ranges() {
    let start = Time(BASE.0 + 120 * MINUTE.0);
    let traces = [requests(100, BASE, 10), requests(50, start, 90)].concat();
    let (now, from) = (Time(start.0 + MINUTE.0).to_string(), start.to_string());
    let (all, base) = (BASE.to_string(), (BASE + MINUTE + MINUTE).to_string());
    for flavour in [Flavour::LegacyOnly, Flavour::V3Only] {
        let args = ["--now", &now, "--from", &from, "--baseline-from", &all, "--baseline-to", &base];
        let (rows, notes) = ask(traces.clone(), flavour, &args);
        assert_eq!((rows.len(), &rows[0]["service"]), (1, &"cart".into()), "{flavour:?}: {notes}");
        assert!(notes.contains("requests are compared, one per root span"), "{notes}");
    }
}

#[test]
fn the_default_baseline_is_as_long_as_the_window_and_directly_before_it() {
    let start = Time(BASE.0 + 10 * MINUTE.0);
    let too_early = requests(50, BASE, 500);
    let before = requests(50, start, 10);
    let window = requests(50, Time(start.0 + MINUTE.0), 90);
    let (from, to) = (Time(start.0 + MINUTE.0).to_string(), Time(start.0 + 2 * MINUTE.0).to_string());
    let traces = [too_early, before, window].concat();
    let (rows, notes) = ask(traces, Flavour::Both, &["--now", &to, "--from", &from, "--to", &to]);
    assert_eq!((rows.len(), &rows[0]["baseline_ms"]), (1, &10.0.into()), "{notes}");
    assert!(notes.contains("50 requests of the window were compared with 50 of the baseline"), "{notes}");
}

#[test]
fn a_sample_is_bounded_and_says_so() {
    let start = Time(BASE.0 + 120 * MINUTE.0);
    let traces = [requests(600, BASE, 10), requests(600, start, 90)].concat();
    let (from, to) = (start.to_string(), Time(start.0 + 10 * MINUTE.0).to_string());
    let (all, base) = (BASE.to_string(), Time(BASE.0 + 10 * MINUTE.0).to_string());
    let args = ["--now", &to, "--from", &from, "--to", &to, "--baseline-from", &all, "--baseline-to", &base];
    let (rows, notes) = ask(traces, Flavour::Both, &args);
    assert_eq!((rows.len(), &rows[0]["affected"]), (1, &200.into()), "{notes}");
    assert!(notes.contains("the window has more traces than the 200 that were read"), "{notes}");
    assert!(notes.contains("the baseline has more traces than the 200 that were read"), "{notes}");
}

#[test]
fn operations_of_a_jaeger_are_filtered_by_type() {
    let start = Time(BASE.0 + 300 * MINUTE.0);
    let usual = [scenario("1-training-success", 30, BASE), scenario("2-backtest-success", 30, BASE)].concat();
    let window = [scenario("8b-strategy-not-found", 8, start), scenario("2-backtest-success", 8, start)].concat();
    let traces = [usual, window].concat();
    let (now, from) = (Time(start.0 + 120 * MINUTE.0).to_string(), start.to_string());
    let (all, base) = (BASE.to_string(), Time(BASE.0 + 240 * MINUTE.0).to_string());
    let args = ["--now", &now, "--from", &from, "--baseline-from", &all, "--baseline-to", &base];
    let (rows, notes) = ask(traces.clone(), Flavour::Both, &args);
    assert_eq!(rows[0]["operation_types"], serde_json::json!(["training"]), "{rows:?} {notes}");
    assert!(notes.contains("16 operations of the window were compared with 60 of the baseline"), "{notes}");
    let (rows, notes) = ask(traces, Flavour::Both, &[&args[..], &["--type", "backtesting"]].concat());
    assert!(rows.is_empty(), "{rows:?}");
    assert!(notes.contains("8 operations of the window were compared with 30 of the baseline"), "{notes}");
}
