//! Formats of trace files. An unrecognised file is an error, never an empty answer.

use serde_json::{Value, json};

use crate::command::{answer, critical_path, diagnose, read, remarks, sections, span};

/// jaeger-anonymizer writes a bare list of spans.
#[test]
fn a_flat_list_of_spans_is_read() {
    let paths = critical_path(&read("07-flat-list-of-spans.json")).json();
    assert_eq!(paths[0]["trace_id"], format!("{:0>32}", "2be38093ead7a083"));
    assert_eq!(paths[0]["sections"].as_array().unwrap().len(), 3);
    let spans: Value = serde_json::from_slice(&read("07-flat-list-of-spans.json")).unwrap();
    let lines = spans.as_array().unwrap().iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    for other in [json!({"data": spans}).to_string(), json!({"spans": spans}).to_string(), lines] {
        assert_eq!(critical_path(other.as_bytes()).json(), paths, "{other}");
    }
}

/// jaeger-ui#381 and fixtures of the OpenTelemetry Collector.
#[test]
fn jaeger_s_grpc_model_is_read() {
    let paths = critical_path(&read("08-jaeger-grpc-model.json")).json();
    assert_eq!(paths[0]["trace_id"], format!("{:0>32}", "52969a8955571a3f"));
    assert_eq!(sections(&paths), [(0x0064_7d98, 0, 22_938)]);
    let chunk: Value = serde_json::from_slice(&read("08-jaeger-grpc-model.json")).unwrap();
    let stream = format!("{}\n", json!({ "result": chunk }));
    assert_eq!(critical_path(stream.as_bytes()).json(), paths);
    // The same in the names of protobuf, with the process beside the span and numbers for names.
    let snake = json!({"spans": [{"trace_id": "AAAAAAAAAABSlpqJVVcaPw==", "span_id": "AAAAAABkfZg=", "operation_name": "get",
        "references": [{"trace_id": "AAAAAAAAAABSlpqJVVcaPw==", "span_id": "AAAAAABkfZk=", "ref_type": 1}],
        "start_time": "2026-11-22T10:06:40.000Z", "duration": "0.022938s", "tags": [{"key": "error", "v_type": 1,
        "v_bool": true}, {"key": "off", "v_type": "BOOL"}], "process_id": "p1"}],
        "process_map": [{"process_id": "p1", "process": {"service_name": "api"}}]});
    assert_eq!(critical_path(snake.to_string().as_bytes()).json()[0]["sections"], paths[0]["sections"]);
}

fn zipkin() -> Value {
    json!([[
        {"traceId": "ab", "id": "1", "kind": "SERVER", "name": "get /", "timestamp": 1_795_342_000_000_000_u64,
         "duration": 3000, "localEndpoint": {"serviceName": "front"}, "tags": {"http.path": "/"}},
        {"traceId": "ab", "id": "2", "parentId": "1", "kind": "CLIENT", "name": "query",
         "timestamp": 1_795_342_000_001_000_u64, "duration": 500, "localEndpoint": {"serviceName": "front"},
         "remoteEndpoint": {"serviceName": "db"}, "tags": {"error": "timeout"},
         "annotations": [{"timestamp": 1_795_342_000_001_100_u64, "value": "retry"}]}
    ]])
}

fn elasticsearch() -> Value {
    let source = |id: &str, parent: Value, start: u64, duration: u64| {
        json!({"_index": "jaeger-span-2026-11-22", "_id": "x",
        "_source": {"traceID": "ab", "spanID": id, "flags": 1, "operationName": "op", "references": parent,
        "startTime": start, "startTimeMillis": start / 1000, "duration": duration, "tags": [],
        "tag": {"span@kind": "server"}, "logs": [], "process": {"serviceName": "front", "tag": {"host@name": "h"}}}})
    };
    let parent = json!([{"refType": "CHILD_OF", "traceID": "ab", "spanID": "1"}]);
    json!([source("1", json!([]), 1_795_342_000_000_000, 3000), source("2", parent, 1_795_342_000_001_000, 500)])
}

fn python_sdk() -> [Value; 2] {
    let span = |id: &str, parent: Value, start: &str, end: &str| {
        json!({"name": "op", "context": {"trace_id":
        "0x000000000000000000000000000000ab", "span_id": id, "trace_state": "[]"}, "kind": "SpanKind.SERVER",
        "parent_id": parent, "start_time": start, "end_time": end, "status": {"status_code": "UNSET"},
        "attributes": {"http.method": "GET", "n": 1}, "events": [], "links": [],
        "resource": {"attributes": {"service.name": "front"}, "schema_url": ""}})
    };
    [
        span("0x0000000000000001", json!(null), "2026-11-22T10:06:40.000000Z", "2026-11-22T10:06:40.003000Z"),
        span(
            "0x0000000000000002",
            json!("0x0000000000000001"),
            "2026-11-22T10:06:40.001000Z",
            "2026-11-22T10:06:40.001500Z",
        ),
    ]
}

fn otlp_spans() -> Value {
    let span = |id: &str, parent: &str, start: &str, end: &str| {
        json!({"traceId": "ab", "spanId": id, "parentSpanId": parent,
        "name": "op", "kind": "SPAN_KIND_SERVER", "startTimeUnixNano": start, "endTimeUnixNano": end,
        "attributes": [{"key": "a", "value": {"stringValue": "b"}}], "status": {"code": "STATUS_CODE_OK"}})
    };
    json!([
        span("1", "", "1795342000000000000", "1795342000003000000"),
        span("2", "1", "1795342000001000000", "1795342000001500000")
    ])
}

#[test]
fn spans_of_zipkin_elasticsearch_otlp_and_the_python_sdk_are_read() {
    let path = [(1, 0, 1000), (2, 1000, 1500), (1, 1500, 3000)];
    let [first, second] = python_sdk();
    let hits = json!({"took": 1, "hits": {"total": {"value": 2}, "hits": elasticsearch()}});
    let documents = elasticsearch().as_array().unwrap().iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    for (form, text) in [
        ("Zipkin", zipkin().to_string()),
        ("Zipkin, one trace", zipkin()[0].to_string()),
        ("Elasticsearch, an answer", hits.to_string()),
        ("Elasticsearch, a dump", documents),
        ("OTLP, a list", otlp_spans().to_string()),
        ("OTLP, a scope", json!({"scopeSpans": [{"spans": otlp_spans()}]}).to_string()),
        ("OTLP, a list of blocks", json!([{"resource": {}, "scopeSpans": [{"spans": otlp_spans()}]}]).to_string()),
        ("Python, a console", format!("{first:#}\n{second:#}\n")),
        ("Python, a list", json!([first, second]).to_string()),
    ] {
        let answer = critical_path(text.as_bytes());
        assert_eq!(sections(&answer.json()), path, "{form}");
        assert!(remarks(&answer.json()[0]).is_empty() && answer.err.is_empty(), "{form}: {}", answer.err);
    }
}

#[test]
fn answers_exports_and_parts_of_them_are_read_alike() {
    let whole: Value =
        serde_json::from_slice(&answer(&[span(1, 0, 0, 3000, json!({})), span(2, 1, 1000, 500, json!({}))])).unwrap();
    let trace = &whole["data"][0];
    let paths = critical_path(whole.to_string().as_bytes()).json();
    for (form, text) in [
        ("a trace", trace.to_string()),
        ("a list of traces", json!([trace]).to_string()),
        ("one trace as data", json!({"data": trace}).to_string()),
        ("two documents", format!("{}{}", whole, json!({"data": []}))),
        ("lines", format!("{trace}\n{trace}\n")),
        ("a list of answers", json!([whole, whole]).to_string()),
    ] {
        let read = critical_path(text.as_bytes()).json();
        assert_eq!(read[0]["sections"], paths[0]["sections"], "{form}");
    }
}

#[test]
fn a_list_or_an_object_that_is_not_recognised_is_refused_with_what_was_seen() {
    for (text, word) in [
        ("[]", "no traces"),
        ("{}", "no traces"),
        ("[[],[]]", "no traces"),
        ("null", "no traces"),
        ("[{\"foo\":1,\"bar\":[]}]", "foo, bar"),
        ("{\"summaries\":[{\"traceId\":\"ab\",\"spanCount\":3}]}", "summaries"),
        ("{\"data\":[\"ktrdr-api\",\"other\"]}", "list of names"),
        ("[1,2,3]", "list of names"),
        ("{\"data\":null}", "no spans"),
        ("{\"data\":[]}", "no spans"),
        ("{\"data\":[{\"traceID\":\"ab\",\"spans\":[]}]}", "no spans"),
        ("{\"resourceSpans\":[]}", "no spans"),
        ("{\"data\":[{\"foo\":1}]}", "in a form that is not known"),
        ("{\"resourceSpans\":[{\"resource\":{},\"ilSpans\":[{}]}]}", "in a form that is not known"),
        ("[{\"traceId\":\"ab\",\"id\":\"1\",\"name\":\"v1\",\"binaryAnnotations\":[]}]", "version 1"),
        ("{\"batches\":[]}", "Tempo"),
        ("{\"data\":null,\"errors\":[{\"code\":500,\"msg\":\"storage is on fire\"}]}", "storage is on fire"),
        ("{\"error\":{\"message\":\"storage is on fire\"}}", "storage is on fire"),
        ("{\"code\":13,\"message\":\"storage is on fire\",\"details\":[]}", "storage is on fire"),
        ("{\"status\":500,\"message\":\"storage is on fire\"}", "storage is on fire"),
    ] {
        for answer in [critical_path(text.as_bytes()), diagnose(text.as_bytes())] {
            assert!(answer.refusal().contains(word), "{text}: {}", answer.err);
        }
    }
}

/// Values beside readable spans are reported on standard error and in the records.
#[test]
fn errors_and_other_values_beside_traces_are_reported() {
    let mut whole: Value = serde_json::from_slice(&answer(&[span(1, 0, 0, 3000, json!({}))])).unwrap();
    whole["errors"] = json!([{"code": 500, "msg": "a shard is gone"}]);
    assert!(critical_path(whole.to_string().as_bytes()).err.contains("a shard is gone"));
    whole["errors"] = json!(null);
    whole["data"].as_array_mut().unwrap().push(json!({"foo": 1}));
    let answer = critical_path(whole.to_string().as_bytes());
    assert!(answer.err.contains("1 span(s) in a form that is not known, such as \"foo\""), "{}", answer.err);
    assert_eq!((sections(&answer.json()), answer.json()[0]["partial"].as_bool()), (vec![(1, 0, 3000)], Some(true)));
}
