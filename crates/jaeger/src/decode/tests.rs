use serde_json::{Value as Json, json};

use super::*;
use trace::{Relation, SpanKind, SpanRef, Status, Value};

fn decode(text: &[u8]) -> Result<Vec<Trace>, DecodeError> {
    super::decode(text).map(|decoded| decoded.traces)
}

fn one(json: &Json) -> Trace {
    let mut traces = decode(json.to_string().as_bytes()).unwrap();
    assert_eq!(traces.len(), 1);
    traces.remove(0)
}

#[allow(clippy::needless_pass_by_value, reason = "json!() makes the value in place")]
fn tag(key: &str, kind: &str, value: Json) -> Json {
    json!({"key": key, "type": kind, "value": value})
}

/// A legacy trace of one span with these tags.
fn legacy(tags: &[Json]) -> Trace {
    one(&json!({"data": [{"traceID": "1f", "spans": [{
        "traceID": "1f", "spanID": "a1", "operationName": "op", "startTime": 5, "duration": 2, "tags": tags,
        "processID": "p1"}], "processes": {"p1": {"serviceName": "svc"}}}]}))
}

fn first(trace: &Trace) -> SpanRef<'_> {
    trace.spans().next().unwrap()
}

#[test]
fn tags_that_say_kind_status_scope_and_warnings_become_fields() {
    let trace = legacy(&[
        tag("otel.scope.name", "string", json!("lib")),
        tag("otel.library.version", "string", json!("0.59b0")),
        tag("span.kind", "string", json!("server")),
        tag("error", "bool", json!(true)),
        tag("otel.status_code", "string", json!("ERROR")),
        tag("otel.status_description", "string", json!("ValueError: no")),
        tag("internal.span.format", "string", json!("otlp")),
        tag("w3c.tracestate", "string", json!("a=b")),
        tag("@jaeger@format", "string", json!("x")),
        tag("@jaeger@warnings", "string", json!("[\"one\",\"two\"]")),
        tag("kept", "string", json!("yes")),
    ]);
    let span = first(&trace);
    assert_eq!(
        (span.kind(), span.status(), span.status_message()),
        (SpanKind::Server, Status::Error, "ValueError: no")
    );
    assert_eq!(span.scope(), ("lib", "0.59b0"));
    assert_eq!(span.warnings().collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(span.attributes().collect::<Vec<_>>(), [("kept", Value::Str("yes"))]);
    assert_eq!(trace.id().to_string(), format!("{:0>32}", "1f"));
}

#[test]
fn an_error_text_stays_an_attribute_and_truth_values_in_any_form_become_the_status() {
    let of = |tags: &[Json]| {
        let trace = legacy(tags);
        let span = first(&trace);
        (span.status(), span.attribute("error").map(|v| v.to_text().into_owned()))
    };
    assert_eq!(of(&[tag("error", "string", json!("boom"))]), (Status::Unset, Some("boom".to_owned())));
    for yes in [json!(true), json!("true"), json!("True"), json!("1"), json!(1)] {
        assert_eq!(of(&[tag("error", "string", yes.clone())]), (Status::Error, None), "{yes}");
    }
    for no in [json!(false), json!("false"), json!("unset"), json!("0"), json!("")] {
        assert_eq!(of(&[tag("error", "string", no.clone())]), (Status::Unset, None), "{no}");
    }
    // Jaeger adds its own `error` beside the program's text.
    let both = [tag("error", "string", json!("boom")), tag("error", "bool", json!(true))];
    assert_eq!(of(&both), (Status::Error, Some("boom".to_owned())));
    assert_eq!(of(&[tag("otel.status_code", "string", json!("OK"))]).0, Status::Ok);
}

#[test]
fn values_keep_their_type_whatever_their_spelling() {
    let trace = legacy(&[
        tag("a", "int64", json!("9007199254740993")),
        tag("b", "float64", json!(2)),
        tag("c", "boolean", json!(true)),
        tag("d", "string", json!("7")),
        tag("e", "string", json!(7)),
        tag("f", "float64", json!("NaN")),
        tag("g", "binary", json!("AQI=")),
        tag("h", "int64", json!(18_446_744_073_709_551_615_u64)),
        tag("i", "string", json!(null)),
        tag("j", "string", json!(["x"])),
        tag("a", "string", json!("the first of a repeated key counts")),
    ]);
    let span = first(&trace);
    let get = |key| span.attribute(key).unwrap();
    assert_eq!(get("a"), Value::Int(9_007_199_254_740_993));
    assert_eq!(get("b"), Value::Float(2.0));
    assert_eq!(get("c"), Value::Bool(true));
    assert_eq!(get("d"), Value::Str("7"));
    assert_eq!(get("e"), Value::Int(7));
    assert!(matches!(get("f"), Value::Float(x) if x.is_nan()));
    assert_eq!(get("g"), Value::Str("AQI="));
    assert_eq!(get("h"), Value::Str("18446744073709551615"));
    assert_eq!(get("i"), Value::Str(""));
    assert_eq!(get("j"), Value::Str("[\"x\"]"));
}

#[test]
fn the_first_child_of_within_the_trace_is_the_parent_and_the_rest_are_links() {
    let span = |references: Json, parent: Json| {
        let trace = one(&json!({"traceID": "1", "spans": [{"traceID": "1", "spanID": "9", "startTime": 0,
            "references": references, "parentSpanID": parent}], "processes": {}}));
        let span = first(&trace);
        (span.parent().map(|p| (p.span.0, p.relation)), span.links().iter().map(|l| l.span.0).collect::<Vec<_>>())
    };
    let r = |kind: &str, trace: &str, id: &str| json!({"refType": kind, "traceID": trace, "spanID": id});
    let mixed = json!([r("FOLLOWS_FROM", "1", "2"), r("CHILD_OF", "5", "3"), r("CHILD_OF", "1", "4")]);
    assert_eq!(span(mixed, json!(null)), (Some((4, Relation::ChildOf)), vec![2, 3]));
    let follows = json!([r("CHILD_OF", "5", "3"), r("FOLLOWS_FROM", "01", "2")]);
    assert_eq!(span(follows, json!("")), (Some((2, Relation::FollowsFrom)), vec![3]));
    assert_eq!(span(json!(null), json!("7")), (Some((7, Relation::ChildOf)), vec![]));
    assert_eq!(span(json!([]), json!("0000000000000000")), (None, vec![]));
}

#[test]
fn processes_may_come_first_last_or_never() {
    let span = json!({"traceID": "1", "spanID": "9", "startTime": 0, "processID": "p1"});
    let process = json!({"p1": {"serviceName": "svc", "tags": [tag("k", "string", json!("v"))]}});
    let last = format!("{{\"traceID\":\"1\",\"spans\":[{span}],\"processes\":{process}}}");
    let before = format!("{{\"processes\":{process},\"spans\":[{span}],\"traceID\":\"1\"}}");
    let (last, before) = (decode(last.as_bytes()).unwrap(), decode(before.as_bytes()).unwrap());
    assert_eq!(first(&last[0]).service(), "svc");
    assert_eq!(last[0].canonical(), before[0].canonical());
    let never = one(&json!({"traceID": "1", "spans": [span]}));
    assert_eq!(first(&never).service(), "unknown");
}

#[test]
fn a_library_in_the_process_is_the_scope_of_its_spans() {
    let trace = one(&json!({"traceID": "1", "spans": [
        {"traceID": "1", "spanID": "1", "startTime": 0, "processID": "p1"},
        {"traceID": "1", "spanID": "2", "startTime": 1, "processID": "p2"}],
        "processes": {"p1": {"serviceName": "svc", "tags": [
            tag("otel.library.name", "string", json!("lib")), tag("otel.library.version", "string", json!("1"))]},
            "p2": {"serviceName": "svc", "tags": []}}}));
    let scopes: Vec<_> = trace.spans().map(SpanRef::scope).collect();
    assert_eq!(scopes, [("lib", "1"), ("", "")]);
    assert!(trace.spans().all(|span| span.resource_attributes().count() == 0));
}

#[test]
fn an_event_is_named_by_its_field_and_events_are_sorted_by_time() {
    let trace = one(&json!({"traceID": "1", "spans": [{"traceID": "1", "spanID": "1", "startTime": 0, "logs": [
        {"timestamp": 9, "fields": [tag("message", "string", json!("old"))]},
        {"timestamp": "3", "fields": [tag("event", "string", json!("exception")),
            tag("exception.type", "string", json!("ValueError")), tag("message", "string", json!("stays"))]},
    ]}]}));
    let events: Vec<_> = first(&trace).events().collect();
    assert_eq!(events[0].name(), "exception");
    assert_eq!(events[0].attribute("exception.type"), Some(Value::Str("ValueError")));
    assert_eq!(events[0].attribute("message"), Some(Value::Str("stays")));
    assert_eq!((events[1].name(), events[1].attributes().len()), ("old", 0));
}

#[test]
fn older_spellings_of_otlp_are_read() {
    let new = json!({"resourceSpans": [{"resource": {"attributes": [
        {"key": "service.name", "value": {"stringValue": "svc"}}]}, "scopeSpans": [{"scope": {"name": "lib"},
        "spans": [{"traceId": "00000000000000000000000000000001", "spanId": "0000000000000002", "name": "op", "kind": 2,
        "startTimeUnixNano": "1000", "endTimeUnixNano": "5999", "status": {"code": 2, "message": "m"}}]}]}]});
    let old = json!({"result": {"resource_spans": [{"instrumentation_library_spans": [{"spans": [{
        "trace_id": "AAAAAAAAAAAAAAAAAAAAAQ==", "span_id": "AAAAAAAAAAI=", "name": "op", "kind": "SPAN_KIND_SERVER",
        "start_time_unix_nano": 1000, "end_time_unix_nano": "5999",
        "status": {"code": "STATUS_CODE_ERROR", "message": "m"}}], "instrumentation_library": {"name": "lib"}}],
        "resource": {"attributes": [{"key": "service.name", "value": {"string_value": "svc"}}]}}]}});
    let (new, old) = (one(&new), one(&old));
    assert_eq!(new.canonical(), old.canonical());
    let span = first(&new);
    assert_eq!((span.start().0, span.duration().0, span.status()), (1, 4, Status::Error));
    assert_eq!((span.service(), span.scope().0, span.kind()), ("svc", "lib", SpanKind::Server));
}

#[test]
fn traces_come_in_lists_lines_and_envelopes() {
    let block = |id: &str| {
        json!({"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": [
            {"traceId": id, "spanId": "01", "name": "op"}]}]}]})
    };
    let lines = format!("{}\n{}\n\n", block("01"), block("02"));
    assert_eq!(decode(lines.as_bytes()).unwrap().len(), 2);
    let joined = format!("{}{}", json!({"result": block("01")}), json!({"result": block("01")}));
    assert_eq!(decode(joined.as_bytes()).unwrap().len(), 1, "one trace in two parts");
    assert_eq!(decode(json!([block("01"), block("02"), block("03")]).to_string().as_bytes()).unwrap().len(), 3);
    // An answer of Jaeger may be empty, a file may not.
    for empty in ["{\"data\":null}", "{\"data\":[]}", "{\"result\":{}}", "{\"resourceSpans\":null}"] {
        assert_eq!(read(empty.as_bytes()).unwrap().traces.len(), 0, "{empty}");
        assert_eq!(decode(empty.as_bytes()).unwrap_err(), DecodeError::NoSpans, "{empty}");
    }
}

#[test]
fn a_refusal_says_what_was_seen_and_what_to_try() {
    let why = |text: &str| decode(text.as_bytes()).unwrap_err().to_string();
    assert!(why(" \n").contains("empty"));
    assert!(why("<!doctype html><html>").contains("HTML page"));
    assert!(why("404 page not found\n").contains("404 page not found"));
    assert!(why("{\"batches\":[]}").contains("Tempo"));
    assert!(why("{\"data\":[{\"traceID\":\"1\",\"spans\":[").contains("cut off at byte 33"));
    assert!(why("{\"data\":[\"a\",\"b\"]}").contains("list of names"));
    assert!(why("{\"foo\":1,\"bar\":2}").contains("foo, bar"));
    assert!(why("{\"data\":null,\"errors\":[{\"code\":400,\"msg\":\"service is required\"}]}").contains("required"));
    assert!(why("{\"error\":{\"httpCode\":404,\"message\":\"No traces found\"}}").contains("No traces found"));
    assert!(why("{\"data\":[{\"traceID\":\"1\",\n\"spans\":3}]}").contains("line 2"));
    assert!(why("\u{1f}").contains("not JSON"));
    assert!(decode(&[0x1f, 0x8b, 8]).unwrap_err().to_string().contains("gzip"));
}

#[test]
fn a_trace_that_jaeger_cut_is_partial() {
    let trace = one(&json!({"traceID": "1", "spans": [{"traceID": "1", "spanID": "1", "startTime": 0,
        "warnings": ["trace has more than 2 spans, showing first 2 spans only"]}], "warnings": null}));
    assert!(trace.partial().unwrap().contains("showing first"));
}

#[test]
fn references_that_embed_whole_parents_are_skipped() {
    let mut parent = json!({"spanID": "1", "references": []});
    for _ in 0..300 {
        parent = json!({"spanID": "1", "references": [{"refType": "CHILD_OF", "span": parent}]});
    }
    let trace = one(&json!({"traceID": "1", "spans": [{"traceID": "1", "spanID": "2", "startTime": 0,
        "references": [{"refType": "CHILD_OF", "traceID": "1", "spanID": "1", "span": parent}]}]}));
    assert_eq!(first(&trace).parent().unwrap().span.0, 1);
}

#[test]
fn the_start_of_a_cut_answer_gives_partial_traces() {
    let whole = include_str!("../../tests/decode/legacy.json");
    let cut = &whole[..whole.find("00000000000000a3").unwrap()];
    assert!(matches!(decode(cut.as_bytes()), Err(DecodeError::CutOff { .. })));
    let traces = read_truncated(cut.as_bytes(), "too large").unwrap().traces;
    assert_eq!((traces.len(), traces[0].len(), traces[0].partial()), (1, 2, Some("too large")));
    let whole = include_str!("../../tests/decode/v3.json");
    let cut = &whole[..whole.rfind("00000000000000a3").unwrap()];
    let traces = read_truncated(cut.as_bytes(), "too large").unwrap().traces;
    assert_eq!((traces.len(), first(&traces[0]).service()), (2, "ktrdr-training-worker-1"));
}

/// What the fast and the general reader make of a text, where both can read it.
fn both_ways(text: &str) -> Option<(Json, Json)> {
    let canonical = |traces: &[Trace], left_out: &LeftOut| {
        let of = |trace: &Trace| {
            let counts = format!("{} copies, {:?}", trace.duplicates(), trace.impossible_times());
            json!([trace.canonical(), counts, trace.gaps().collect::<Vec<_>>()])
        };
        json!([traces.iter().map(of).collect::<Vec<_>>(), left_out.to_string()])
    };
    let mut sink = Sink::new();
    fast::read(text, &mut sink)?;
    let (traces, left_out) = sink.finish();
    let fast = canonical(&traces, &left_out);
    let general = match read_any(text, None) {
        Ok(general) => canonical(&general.traces, &general.left_out),
        Err(DecodeError::NothingReadable { left_out }) => canonical(&[], &left_out),
        Err(_) => return None,
    };
    Some((fast, general))
}

#[test]
fn the_fast_reader_reads_what_jaeger_writes_and_gives_the_same_traces() {
    let pretty = include_str!("../../tests/decode/legacy.json");
    let compact = serde_json::from_str::<Json>(pretty).unwrap().to_string();
    // Members in the order in which Jaeger writes them, which a JSON tree does not keep.
    let written = pretty.lines().map(str::trim_start).collect::<String>().replace(": ", ":");
    assert!(written.contains("{\"key\":\"http.method\",\"type\":\"string\",\"value\":\"POST\"}"));
    for text in [pretty, &compact, &written] {
        let (fast, general) = both_ways(text).unwrap();
        assert_eq!(fast, general);
    }
    let escaped = "{\"data\":[{\"traceID\":\"A1\",\"spans\":[{\"traceID\":\"a1\",\"spanID\":\"B\",\"operationName\":\"\\u00e4 \\\"x\\\"\",\
        \"startTime\":1,\"duration\":2,\"tags\":[{\"key\":\"k\",\"type\":\"string\",\"value\":\"a\\nb\"},{\"key\":\"n\",\"type\":\"int64\",\
        \"value\":-5},{\"key\":\"big\",\"type\":\"int64\",\"value\":9223372036854775807},{\"key\":\"f\",\"type\":\"float64\",\
        \"value\":0.1},{\"key\":\"o\",\"type\":\"string\",\"value\":{\"a\":[1]}}],\"logs\":null,\"flags\":1,\"processID\":\"p1\",\
        \"warnings\":[\"w\"]}],\"processes\":{\"p1\":{\"serviceName\":\"s\",\"tags\":[]}},\"warnings\":[\"t\"]}],\"total\":0,\"errors\":null}";
    let (fast, general) = both_ways(escaped).unwrap();
    assert_eq!(fast, general);
    assert_eq!(fast[0][0][0]["spans"][0]["attributes"]["k"], "a\nb");
}

/// Answers of Jaeger: a generated one, and some that were measured on KTRDR.
const ANSWERS: [&str; 4] = [
    include_str!("../../tests/decode/legacy.json"),
    include_str!("../../../../tests/traces/data_ibdown.json"),
    include_str!("../../../../tests/traces/train_valueerror.json"),
    include_str!("../../../../tests/traces/backtest_ok.json"),
];

/// Values that replace others.
const ODD: [&str; 12] = [
    "null",
    "0",
    "-1",
    "true",
    "18446744073709551425",
    "1008.5",
    "\"x\"",
    "\"00\"",
    "\"\\ud83d\"",
    "[]",
    "{}",
    "\"0x1\"",
];

proptest::proptest! {
    #[test]
    fn the_fast_reader_never_disagrees_with_the_general_one(
        answer in 0..ANSWERS.len(),
        changes in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), 32u8..127), 0..5),
        odd in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), 0..ODD.len()), 0..4),
        compact in proptest::prelude::any::<bool>(),
    ) {
        let pretty = ANSWERS[answer];
        let text = if compact { pretty.lines().map(str::trim_start).collect::<String>().replace(": ", ":") } else { pretty.to_owned() };
        let mut bytes = text.into_bytes();
        for (at, value) in odd {
            // The value of the next member.
            let from = at.index(bytes.len());
            if let Some(colon) = bytes[from..].iter().position(|byte| *byte == b':').map(|found| from + found + 1)
                && let Some(length) = bytes[colon..].iter().position(|byte| b",}]".contains(byte))
            {
                bytes.splice(colon..colon + length, ODD[value].bytes());
            }
        }
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(text) = String::from_utf8(bytes)
            && let Some((fast, general)) = both_ways(&text)
        {
            proptest::prop_assert_eq!(fast, general);
        }
    }
}
