//! Suggestions, uploads, the playbook, health and metrics.

use serde_json::{Value, json};
use testbed::{JaegerVersion, Telemetry, generate, jaeger_json, scenarios};
use trace::Time;

use crate::setup::{Setup, on_demo};

fn texts(body: &Value) -> Vec<&str> {
    body.as_array().unwrap_or_else(|| panic!("{body}")).iter().filter_map(Value::as_str).collect()
}

#[test]
fn every_suggestion_is_a_list_of_texts() {
    on_demo(async |setup| {
        let (from, to) = setup.range();
        let scope = format!("from={from}&to={to}");
        for what in ["services", "span-names", "operation-ids", "operation-types", "error-types", "workers", "tag-keys"]
        {
            let (status, body) = setup.resource("GET", &format!("{what}?{scope}"), "").await;
            assert_eq!(status, 200, "{what}: {body}");
            let names = texts(&body);
            assert!(!names.is_empty() && names.iter().all(|name| !name.is_empty()), "{what}: {names:?}");
        }
        let (_, body) = setup.resource("GET", &format!("operation-types?{scope}"), "").await;
        assert!(texts(&body).contains(&"training"), "{body}");
        let (_, body) = setup.resource("GET", &format!("tag-values?{scope}&key=operation.type"), "").await;
        assert!(body.is_array(), "{body}");
        // Review B8: the tag filter takes resource attributes, so they are suggested too.
        let (_, keys) = setup.resource("GET", &format!("tag-keys?{scope}"), "").await;
        assert!(texts(&keys).contains(&"deployment.environment"), "{keys}");
        let (_, values) = setup.resource("GET", &format!("tag-values?{scope}&key=deployment.environment"), "").await;
        assert_eq!(texts(&values), ["development"]);
        let (_, workers) = setup.resource("GET", &format!("workers?{scope}"), "").await;
        let frames = setup.frames(json!({"queryType": "operations", "limit": 1000})).await;
        let column = frames[0].column("worker_id");
        let selected: std::collections::BTreeSet<&str> = column.iter().filter_map(Value::as_str).collect();
        assert!(selected.iter().all(|id| texts(&workers).contains(id)), "{workers}");
        assert!(texts(&workers).len() > selected.len(), "workers that refused are suggested too: {workers}");
        let filters = "filters=%7B%22verdicts%22%3A%5B%22stuck%22%5D%7D";
        let (_, stuck) = setup.resource("GET", &format!("operation-ids?{scope}&{filters}"), "").await;
        let (_, all) = setup.resource("GET", &format!("operation-ids?{scope}"), "").await;
        assert!(!texts(&stuck).is_empty() && texts(&stuck).len() < texts(&all).len());
    });
}

/// acceptance G10: the first value is what a dashboard opens with.
#[test]
fn operation_ids_begin_with_the_worst() {
    on_demo(async |setup| {
        let (from, to) = setup.range();
        let (_, ids) = setup.resource("GET", &format!("operation-ids?from={from}&to={to}"), "").await;
        let frames = setup.frames(json!({"queryType": "operations", "limit": 1000})).await;
        let rows: Vec<_> = frames[0].column("operation_id").into_iter().zip(frames[0].column("severity")).collect();
        let severity_of =
            |id: &&str| rows.iter().find(|(found, _)| found == id).and_then(|(_, severity)| severity.as_i64());
        let severities: Vec<_> = texts(&ids).iter().map(|id| severity_of(id).expect("it is in the table")).collect();
        assert!(severities.first() == Some(&3) && severities.last() == Some(&0), "{severities:?}");
        assert!(severities.is_sorted_by(|a, b| a >= b), "{severities:?}");
    });
}

#[tokio::test]
async fn wrong_requests_are_refused_with_a_message() {
    let setup = Setup::empty().await;
    for (method, path, status) in [
        ("GET", "nothing", 404),
        ("DELETE", "services", 405),
        ("GET", "tag-values", 400),
        ("GET", "services?from=x&to=y", 400),
    ] {
        let (code, body) = setup.resource(method, path, "").await;
        assert_eq!(code, status, "{path}");
        assert!(body["message"].is_string(), "{body}");
    }
}

#[tokio::test]
async fn an_uploaded_file_is_diagnosed_like_jaegers_answers() {
    let setup = Setup::empty().await;
    let scenario = scenarios().iter().find(|s| s.number == "8").expect("a failed training");
    let generated = generate(scenario, Telemetry::Current, Time::from_millis(setup.now - 3_600_000), 3);
    let mut file = jaeger_json(&generated.traces, JaegerVersion::V2);
    // more than gRPC takes by default
    file.extend(std::iter::repeat_n(b' ', 5 << 20));
    let (status, body) = setup.resource("POST", "upload", file).await;
    assert_eq!(status, 200, "{body}");
    let frames = setup.frames(json!({"queryType": "upload", "upload": body["handle"]})).await;
    assert_eq!(frames[0].name(), "diagnosis");
    assert_eq!(frames[0].column("operation_id"), [json!(generated.operation_id)]);
    assert_eq!(frames[0].column("status"), ["failed"]);
    assert!(frames.iter().any(|frame| frame.name() == "flow" && frame.rows() > 0));
}

#[tokio::test]
async fn uploads_that_cannot_be_used_say_why() {
    let mut setup = Setup::empty().await;
    let (status, body) = setup.resource("POST", "upload", "this is not a trace").await;
    assert_eq!(status, 400, "{body}");
    let (status, body) = setup.resource("POST", "upload", "{\"data\": []}").await;
    assert_eq!(status, 400, "{body}");
    let (status, body) = setup.resource("POST", "upload", vec![b' '; (64 << 20) + 1]).await;
    assert_eq!(status, 413, "{body}");
    let (status, message, _) = setup.failure(json!({"queryType": "upload", "upload": "0123"})).await;
    assert_eq!(status, 404);
    assert!(message.contains("upload it again"), "{message}");
    for role in ["Viewer", "None"] {
        setup.source.role = role.into();
        let (status, body) = setup.resource("POST", "upload", "{}").await;
        assert_eq!(status, 403, "{body}");
    }
}

/// The same files as the command line accepts, and the same messages about what was left out.
#[tokio::test]
async fn an_upload_says_what_was_left_out_of_it() {
    let setup = Setup::empty().await;
    let case = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/public-cases").join(name);
        std::fs::read(path).unwrap()
    };
    for name in ["07-flat-list-of-spans.json", "08-jaeger-grpc-model.json", "12-lone-surrogate.json"] {
        let (status, body) = setup.resource("POST", "upload", case(name)).await;
        assert_eq!(status, 200, "{name}: {body}");
        let frames = setup.frames(json!({"queryType": "upload", "upload": body["handle"]})).await;
        let notices = frames[0].meta()["notices"].to_string();
        assert!(notices.contains("the playbook `generic` was applied"), "{name}: {notices}");
    }
    let (status, body) = setup.resource("POST", "upload", case("09-trace-ids-not-hex.json")).await;
    assert_eq!(status, 400);
    assert!(body["message"].as_str().unwrap().contains("req2025"), "{body}");

    let scenario = scenarios().iter().find(|s| s.number == "8").expect("a failed training");
    let generated = generate(scenario, Telemetry::Current, Time::from_millis(setup.now - 3_600_000), 3);
    let mut file: Value = serde_json::from_slice(&jaeger_json(&generated.traces, JaegerVersion::V2)).unwrap();
    file["data"][0]["spans"].as_array_mut().unwrap().push(json!({"traceID": "not-an-id", "spanID": "1"}));
    let (_, body) = setup.resource("POST", "upload", file.to_string()).await;
    let frames = setup.frames(json!({"queryType": "upload", "upload": body["handle"]})).await;
    let why = "left out: 1 span(s) with a trace id that cannot be read, such as \"not-an-id\"";
    let notices = frames[0].meta()["notices"].as_array().unwrap();
    assert!(notices.iter().any(|notice| notice["text"] == why), "{notices:?}");
    assert_eq!(frames[0].column("partial"), [true]);
    assert!(frames[0].column("remarks")[0].to_string().contains("not-an-id"));
}

#[tokio::test]
async fn a_playbook_can_be_read_and_checked() {
    let mut setup = Setup::empty().await;
    let (status, body) = setup.resource("GET", "playbook", "").await;
    assert_eq!(status, 200);
    assert!(body["text"].as_str().is_some_and(|text| text.contains("operation.register")));
    // it can be checked before the data source works
    setup.source.url.clear();
    let (status, body) =
        setup.resource("POST", "playbook", json!({"text": "[spans]\nnoises = []\n"}).to_string()).await;
    assert_eq!((status, &body["ok"]), (200, &json!(false)), "{body}");
    assert!(body["messages"][0]["line"].as_u64().is_some_and(|line| line > 0), "{body}");
    let (_, body) = setup.resource("POST", "playbook", json!({"text": ""}).to_string()).await;
    assert_eq!(body, json!({"ok": true, "messages": []}));
}

#[test]
fn health_says_what_was_found() {
    on_demo(async |setup| {
        let health = setup.plugin.health(&setup.source).await.unwrap();
        assert_eq!(health.status, 1, "{}", health.message);
        assert!(
            health.message.contains("services") && health.message.contains("KTRDR operations"),
            "{}",
            health.message
        );
        let details: Value = serde_json::from_slice(&health.json_details).unwrap();
        assert!(details["services"].as_u64() > Some(0) && details["operations"].as_u64() > Some(0), "{details}");
        assert_eq!(details["api"], "/api");
    });
}

#[tokio::test]
async fn metrics_count_queries_and_requests_to_jaeger() {
    let setup = Setup::empty().await;
    setup.frames(json!({"queryType": "operations"})).await;
    setup.failure(json!({"queryType": "nonsense"})).await;
    let text = setup.plugin.metrics().await.unwrap();
    for line in [
        r#"ktrdr_diagnosis_queries_total{query_type="operations",outcome="ok"} 1"#,
        r#"ktrdr_diagnosis_queries_total{query_type="invalid",outcome="downstream_error"} 1"#,
        "# TYPE ktrdr_diagnosis_query_duration_seconds histogram",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    let requests = text.lines().find_map(|line| line.strip_prefix("ktrdr_diagnosis_jaeger_requests_total "));
    assert_eq!(requests.and_then(|count| count.parse().ok()), Some(setup.jaeger.requests().len()), "{text}");
}
