//! The plugin's answers, decoded with Grafana's own code (tests/grafana-host). Needs Go; without it the tests are skipped
//! with a message.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "clippy knows test code only in functions marked as tests"
)]

mod support;

use diagnosis::{Diagnosis, OperationStatus, Verdict};
use serde_json::{Value, json};
use support::{
    example_traces::{self, Clock, ExampleTraces},
    go,
    grafana::{self, Seen},
};
use testbed::{self, Flavour, JaegerVersion, Server, Store};

const PANEL: &str = "ktrdr-diagnosis-panel";
const LISTS: [&str; 6] = ["diagnosis", "flow", "evidence", "errors", "http", "workers"];

/// The example traces in the embedded store, and the library's diagnoses of them.
struct Setting {
    host: std::path::PathBuf,
    examples: ExampleTraces,
    library: Vec<Diagnosis>,
    server: Server,
}

impl Setting {
    async fn new(test: &str) -> Option<Self> {
        let host = go::or_skip(test, go::grafana_host())?;
        let examples = ExampleTraces::recent();
        let library = examples.library();
        let server =
            testbed::serve(Store::new(examples.traces.clone()), Flavour::Both).await.expect("a port on loopback");
        Some(Self { host, examples, library, server })
    }

    /// Runs the cases over this store.
    async fn ask(&self, mut cases: Value) -> Seen {
        cases["dataSource"] = grafana::data_source(&self.server.url);
        let host = self.host.clone();
        tokio::task::spawn_blocking(move || grafana::ask(&host, &cases)).await.expect("the Go test host ends")
    }

    /// A case over the whole day.
    fn case(&self, name: &str, queries: &[Value]) -> Value {
        let (from, to) = self.examples.range();
        json!({"name": name, "fromMs": from, "toMs": to, "queries": queries})
    }

    fn ids(&self) -> Vec<&str> {
        self.library.iter().filter_map(|d| d.operation_id.as_deref()).collect()
    }
}

/// A query whose refId is its number.
#[allow(clippy::needless_pass_by_value, reason = "so that a model can be written where it is used")]
fn query(nth: usize, model: Value, expect: Value) -> Value {
    json!({"refId": format!("Q{nth}"), "model": model, "expect": expect})
}

fn as_frame(name: &str, kind: &str) -> Value {
    json!({"frames": [{"name": name, "as": kind}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_type_is_read_by_grafanas_decoder() {
    let Some(setting) = Setting::new("every query type").await else { return };
    let ids = setting.ids();
    let each = |model: &dyn Fn(&str) -> Value, expect: &Value| -> Vec<Value> {
        ids.iter().enumerate().map(|(nth, id)| query(nth, model(id), expect.clone())).collect()
    };
    let lists: Vec<Value> = LISTS.iter().map(|name| json!({"name": name, "as": "table", "plugin": PANEL})).collect();
    let graph = json!({"frames": [{"as": "nodes", "minRows": 1}, {"as": "edges"}]});
    let trace = json!({"frames": [{"as": "trace", "minRows": 1}]});
    let traces: Vec<String> = setting.library.iter().filter_map(|d| d.trace_id).map(|id| id.to_string()).collect();
    let by_trace = |kind: Value| -> Vec<Value> {
        let ask = |(nth, id)| query(nth, json!({"queryType": kind, "query": id}), trace.clone());
        traces.iter().take(5).enumerate().map(ask).collect()
    };
    let all = json!({"queryType": "operations", "limit": 1000});
    let operations = json!({"frames": [{"name": "operations", "as": "table", "minRows": 30}], "alert": "got type"});
    let seen = setting
        .ask(json!({"queries": [
            setting.case("operations", &[query(0, all, operations)]),
            setting.case("diagnosis", &each(&|id| json!({"queryType": "diagnosis", "operationId": id}), &json!({"frames": lists}))),
            setting.case("map", &each(&|id| json!({"queryType": "serviceMap", "operationId": id}), &graph)),
            setting.case("trace", &each(&|id| json!({"queryType": "trace", "query": id}), &trace)),
            setting.case("link from Loki", &by_trace(Value::Null)),
            setting.case("link from Prometheus", &by_trace(json!("traceql"))),
            setting.case("culprits", &[query(0, json!({"queryType": "culprits"}), as_frame("culprits", "table"))]),
            setting.case("annotations", &[query(0, json!({"queryType": "annotations", "limit": 1000}), as_frame("annotations", "annotations"))]),
        ]}))
        .await;
    seen.assert_no_problems();
    assert!(seen.assert_our_harness_writes_the_same() > 100);

    let operations = &seen.frames("operations", "Q0")[0];
    let (rows, library) = (example_traces::rows_by_key(operations), example_traces::by_key(&setting.library));
    assert_eq!(rows.keys().collect::<Vec<_>>(), library.keys().collect::<Vec<_>>());
    let wrong: Vec<String> = library
        .iter()
        .flat_map(|(key, diagnosis)| {
            example_traces::differences(rows[key], diagnosis, Clock::Same)
                .into_iter()
                .map(move |d| format!("{key}: {d}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    let annotated = setting.library.iter().filter(|d| d.severity.level() >= 2).count();
    assert_eq!(seen.frames("annotations", "Q0")[0].rows.len(), annotated);
}

#[tokio::test(flavor = "multi_thread")]
async fn alert_rules_read_the_numbers_of_a_metric() {
    let Some(setting) = Setting::new("alert rules").await else { return };
    let metric = |measure: &str, by: &[&str], format: &str| json!({"queryType": "metric", "measure": measure, "groupBy": by, "format": format, "limit": 1000});
    let numbers = |measure: &str| json!({"alert": "numbers", "frames": [{"name": measure, "as": "numbers", "minRows": 1, "columns": [measure]}]});
    let groups = ["operation_type", "verdict", "error_type", "bottleneck_span", "worker_status", "service", "rule"];
    let measures = [
        "count",
        "failed",
        "stuck",
        "no_workers",
        "not_healthy",
        "failure_ratio",
        "p50_duration",
        "p95_duration",
        "max_duration",
    ];
    let one_measure =
        |(nth, measure): (usize, &&str)| query(nth, metric(measure, &["operation_type"], "numeric"), numbers(measure));
    let one_group = |(nth, group): (usize, &&str)| query(nth, metric("count", &[group], "numeric"), numbers("count"));
    let series = json!({"alert": "series", "frames": [{"name": "count", "minRows": 2}]});
    let mut alerting = setting.case("measures", &measures.iter().enumerate().map(one_measure).collect::<Vec<_>>());
    alerting["fromAlert"] = json!(true);
    // an empty hour long ago: counts are 0 there, so that a rule is in the state Normal and not NoData
    let quiet = json!({"name": "quiet", "fromMs": 1_700_000_000_000_i64, "toMs": 1_700_003_600_000_i64, "fromAlert": true,
        "queries": [query(0, metric("not_healthy", &["verdict"], "numeric"), numbers("not_healthy"))]});
    let mut refused = setting.case(
        "refused",
        &[query(0, json!({"queryType": "operations"}), json!({"error": "metric", "errorSource": "downstream"}))],
    );
    refused["fromAlert"] = json!(true);
    let seen = setting
        .ask(json!({
            "queries": [
                alerting,
                setting.case("groups", &groups.iter().enumerate().map(one_group).collect::<Vec<_>>()),
                setting.case("all groups", &[query(0, metric("count", &groups, "numeric"), numbers("count"))]),
                setting.case("what changed", &[query(0, metric("culprit_score", &["service"], "numeric"), numbers("culprit_score"))]),
                setting.case("plain", &[query(0, metric("count", &[], "numeric"), numbers("count"))]),
                setting.case("series", &[query(0, metric("count", &["verdict"], "timeseries"), series)]),
                quiet,
                refused,
            ],
            "parallel": {"query": "groups", "times": 16},
        }))
        .await;
    seen.assert_no_problems();

    let count = |verdict: Verdict| setting.library.iter().filter(|d| d.verdict == verdict).count() as f64;
    let verdicts = seen.numbers("groups", "Q1");
    for verdict in Verdict::ALL.into_iter().filter(|verdict| count(*verdict) > 0.0) {
        let label = format!("verdict={}", verdict.as_str());
        let found = verdicts.iter().find(|(labels, _)| *labels == label).and_then(|(_, value)| *value);
        assert_eq!(found, Some(count(verdict)), "{label}");
    }
    assert_eq!(seen.numbers("plain", "Q0"), [(String::new(), Some(setting.library.len() as f64))]);
    assert_eq!(seen.numbers("what changed", "Q0").len(), 1);
    assert_eq!(seen.numbers("quiet", "Q0"), [("verdict=none".to_owned(), Some(0.0))]);
    let series = seen.answer("series", "Q0")["alert"]["series"].as_array().cloned().unwrap_or_default();
    let sum: f64 = series.iter().filter_map(|series| series["sum"].as_f64()).sum();
    assert!((sum - setting.library.len() as f64).abs() < 1e-9, "every operation is counted once: {sum}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_questions_get_an_answer_and_spoil_no_other() {
    let Some(setting) = Setting::new("bad questions").await else { return };
    let bad = |nth, model: Value, says: &str| {
        query(nth, model, json!({"error": says, "errorSource": "downstream", "status": 400}))
    };
    let raw = json!({"refId": "Q0", "raw": "{\"queryType\": ", "model": null, "expect": {"error": "JSON", "errorSource": "downstream", "status": 400}});
    let good = query(9, json!({"queryType": "operations"}), as_frame("operations", "table"));
    let mut nowhere = setting.case(
        "nowhere",
        &[query(0, json!({"queryType": "operations"}), json!({"error": "127.0.0.1:1", "errorSource": "downstream"}))],
    );
    let secret = json!({"basicAuthPassword": "hunter2-in-clear", "httpHeaderValue1": "Bearer s3cr3t-t0ken"});
    nowhere["dataSource"] = json!({"uid": "nowhere", "url": "http://127.0.0.1:1", "basicAuth": true, "basicAuthUser": "me",
        "jsonData": {"httpHeaderName1": "Authorization"}, "secure": secret, "updated": 2});
    let closed = nowhere["dataSource"].clone();
    let missing = query(
        0,
        json!({"queryType": "diagnosis", "operationId": "op_training_20200101_000000_deadbeef", "views": ["diagnosis"]}),
        as_frame("diagnosis", "table"),
    );
    let seen = setting
        .ask(json!({
            "queries": [
                setting.case("mixed", &[
                    raw,
                    bad(1, json!({"queryType": "nonsense"}), "nonsense"),
                    bad(2, json!({"queryType": "operations", "limit": 0}), "1000"),
                    bad(3, json!({"queryType": "operations", "limit": 1_000_000}), "1000"),
                    bad(4, json!({"queryType": "metric", "measure": "luck"}), "luck"),
                    bad(5, json!({"queryType": "diagnosis", "operationId": ""}), "operation"),
                    bad(6, json!({"queryType": "operations", "filters": {"minDuration": "soon"}}), "minDuration"),
                    bad(7, json!(["a list"]), "JSON"),
                    good,
                ]),
                setting.case("missing", &[missing]),
                nowhere,
            ],
            "health": [
                {"name": "good", "status": "OK", "message": "KTRDR"},
                {"name": "nowhere", "status": "ERROR", "message": "127.0.0.1:1", "dataSource": closed},
                {"name": "bad settings", "status": "ERROR", "message": "timeout",
                 "dataSource": {"uid": "bad", "url": setting.server.url, "jsonData": {"timeout": "soon"}, "updated": 3}},
            ],
        }))
        .await;
    seen.assert_no_problems();
    let missing = &seen.frames("missing", "Q0")[0];
    assert_eq!(missing.only()["verdict"], "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_uploads_and_metrics_answer() {
    let Some(setting) = Setting::new("resources").await else { return };
    let (from, to) = setting.examples.range();
    let get = |path: &str, contains: &[&str]| json!({"name": path, "method": "GET", "path": format!("{path}?from={from}&to={to}"), "status": 200, "contains": contains});
    // the file holds one failed operation, as a user would send it
    let sent = setting.library.iter().find(|d| d.verdict == Verdict::Failed && d.operation_id.is_some());
    let sent = sent.expect("an operation failed");
    let traces = setting.examples.traces.iter().filter(|trace| sent.trace_ids.contains(&trace.id));
    let file: Value = serde_json::from_slice(&testbed::jaeger_json(traces, JaegerVersion::V1_53)).expect("JSON");
    let mut viewer = grafana::data_source(&setting.server.url);
    viewer["role"] = json!("Viewer");
    let uploaded =
        json!({"queryType": "upload", "handle": "${resource:upload:handle}", "views": ["diagnosis", "flow"]});
    let seen = setting
        .ask(json!({
            "resources": [
                get("services", &["ktrdr-api"]),
                get("span-names", &["operation.register"]),
                get("operation-ids", &["op_training_"]),
                get("operation-types", &["training", "backtesting", "data_load"]),
                get("error-types", &["ConnectError"]),
                get("workers", &["worker"]),
                get("tag-keys", &["operation.id"]),
                {"name": "tag-values", "method": "GET", "path": format!("tag-values?key=operation.type&from={from}&to={to}"), "status": 200},
                {"name": "playbook", "method": "GET", "path": "playbook", "status": 200, "contains": ["worker.none_registered"]},
                {"name": "check", "method": "POST", "path": "playbook", "body": {"text": "thresholds = 7"}, "status": 200, "contains": ["line"]},
                {"name": "unknown", "method": "GET", "path": "nonsense", "status": 404},
                {"name": "method", "method": "DELETE", "path": "services", "status": 405},
                {"name": "bad filters", "method": "GET", "path": "services?filters=x", "status": 400},
                {"name": "upload", "method": "POST", "path": "upload", "body": file, "status": 200, "contains": ["handle"]},
                {"name": "upload by a viewer", "method": "POST", "path": "upload", "body": {"data": []}, "status": 403, "dataSource": viewer},
                {"name": "upload of nothing known", "method": "POST", "path": "upload", "bodyBytes": 5 << 20, "status": 400},
            ],
            "queries": [setting.case("uploaded", &[query(0, uploaded, json!({}))])],
            "metrics": ["ktrdr_diagnosis_queries", "ktrdr_diagnosis_query_duration_seconds"],
        }))
        .await;
    seen.assert_no_problems();
    let frames = seen.frames("uploaded", "Q0");
    assert_eq!(frames.first().map(|frame| frame.name.as_str()), Some("diagnosis"));
    let row = frames[0].only();
    assert_eq!((row["operation_id"].as_str(), row["verdict"].as_str()), (sent.operation_id.as_deref(), Some("failed")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_operation_is_followed_live_and_the_plugin_ends_cleanly() {
    let Some(setting) = Setting::new("live").await else { return };
    let running = setting.library.iter().find(|d| d.verdict == Verdict::Running && d.operation_id.is_some());
    let running = running.and_then(|d| d.operation_id.clone()).expect("an operation runs");
    let done = setting.library.iter().find(|d| d.status == OperationStatus::Completed);
    let done = done.and_then(|d| d.operation_id.clone()).expect("an operation has completed");
    let ask = |id: &str| {
        query(
            0,
            json!({"queryType": "diagnosis", "operationId": id, "views": ["diagnosis"]}),
            as_frame("diagnosis", "table"),
        )
    };
    let seen = setting
        .ask(json!({
            "queries": [setting.case("running", &[ask(&running)]), setting.case("done", &[ask(&done)])],
            "streams": [
                {"name": "running", "query": "running", "refId": "Q0", "status": "OK", "packets": 1, "withinS": 20},
                {"name": "nonsense", "path": "no/such/channel", "status": "NOT_FOUND"},
            ],
        }))
        .await;
    seen.assert_no_problems();
    let channel = |case: &str| seen.frames(case, "Q0")[0].meta["channel"].clone();
    assert!(channel("running").is_string() && channel("done").is_null());
    let packet = support::frame::Frame::read(&seen.0["streams"]["running"]["packets"][0]);
    assert_eq!(packet.only()["operation_id"], running.as_str());
    assert_eq!(seen.0["kill"]["graceful"], true);
    assert_eq!(seen.0["logs"]["plain"], 0, "every line of the log is structured: {}", seen.0["logs"]);
}
