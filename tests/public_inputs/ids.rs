//! Ids are read if they are unambiguous; otherwise their spans are left out and counted. Two trace ids never become one.

use serde_json::{Value, json};

use crate::command::{answer, critical_path, diagnose, diagnose_orders, read, remarks, sections, span};

/// A public `jaeger_traces.json` whose trace ids are the names of requests.
#[test]
fn trace_ids_that_are_not_hexadecimal_are_named() {
    for answer in [critical_path(&read("09-trace-ids-not-hex.json")), diagnose(&read("09-trace-ids-not-hex.json"))] {
        let why = answer.refusal();
        assert!(why.contains("5 span(s) with a trace id that cannot be read"), "{why}");
        assert!(why.contains("req20250628143520002"), "{why}");
    }
}

#[test]
fn spans_of_one_answer_stay_in_the_trace_that_they_name() {
    let mut spans =
        vec![span(1, 0, 0, 3000, json!({})), span(2, 1, 1000, 500, json!({"traceID": "cd", "references": []}))];
    let paths = critical_path(&answer(&spans)).json();
    let ids: Vec<_> = paths.as_array().unwrap().iter().map(|path| path["trace_id"].as_str().unwrap()).collect();
    assert_eq!(ids, [format!("{:0>32}", "ab"), format!("{:0>32}", "cd")]);
    // Beside readable ones, an id that cannot be read costs its span only.
    spans.push(span(3, 1, 2000, 500, json!({"traceID": "not-an-id"})));
    let left = critical_path(&answer(&spans));
    assert_eq!(left.json().as_array().unwrap().len(), 2);
    let why = "left out: 1 span(s) with a trace id that cannot be read, such as \"not-an-id\"";
    assert!(left.err.contains(why), "{}", left.err);
    for path in left.json().as_array().unwrap() {
        assert_eq!((remarks(path), path["partial"].as_bool()), (vec![why], Some(true)), "any trace may lack it");
    }
}

#[test]
fn every_spelling_of_an_id_that_leaves_no_doubt_is_read() {
    for (trace, id, parent) in [
        ("AB", "1", "0000000000000001"),
        ("0xab", "0x1", "0x0000000000000001"),
        ("00000000-0000-0000-0000-0000000000ab", "0000000000000001", "1"),
        ("AAAAAAAAAAAAAAAAAAAAqw==", "AAAAAAAAAAE=", "AAAAAAAAAAE="),
        ("000000ab", "00000000000000000000000000000001", "01"),
    ] {
        let child =
            json!({"traceID": trace, "references": [{"refType": "CHILD_OF", "traceID": trace, "spanID": parent}]});
        let spans = [span(1, 0, 0, 3000, json!({"traceID": trace, "spanID": id})), span(2, 1, 1000, 500, child)];
        let paths = critical_path(&answer(&spans)).json();
        assert_eq!(paths[0]["trace_id"], format!("{:0>32}", "ab"), "{trace}");
        assert_eq!(sections(&paths), [(1, 0, 1000), (2, 1000, 1500), (1, 1500, 3000)], "{trace}");
    }
}

#[test]
fn spans_without_a_usable_id_are_counted_by_reason() {
    for (id, why) in [
        (json!("REMOVED"), "1 span(s) without a span id"),
        (json!(0), "1 span(s) without a span id"),
        (json!("0000000000000000"), "1 span(s) without a span id"),
        (json!(4711), "1 span(s) with a span id that cannot be read, such as \"the number 4711\""),
        (json!("span-2"), "1 span(s) with a span id that cannot be read, such as \"span-2\""),
        (json!(["2"]), "1 span(s) with a span id that cannot be read, such as \"a list\""),
    ] {
        let spans = [span(1, 0, 0, 3000, json!({})), span(2, 1, 1000, 500, json!({"spanID": id}))];
        let left = critical_path(&answer(&spans));
        let paths = left.json();
        assert_eq!(sections(&paths), [(1, 0, 3000)], "{id}");
        assert_eq!(
            (remarks(&paths[0]), paths[0]["partial"].as_bool()),
            (vec![&*format!("left out: {why}")], Some(true))
        );
        assert!(left.err.contains(why), "{}", left.err);
    }
}

#[test]
fn what_is_no_span_is_counted_too() {
    for odd in [json!(null), json!(7), json!("text"), json!([1, {"a": 2}]), json!(true)] {
        let left = critical_path(&answer(&[span(1, 0, 0, 3000, json!({})), odd.clone()]));
        assert_eq!(sections(&left.json()), [(1, 0, 3000)], "{odd}");
        assert!(left.err.contains("1 span(s) in a form that is not known"), "{odd}: {}", left.err);
    }
}

/// Several exporters leave it out, and Grafana's own transform relies on it.
#[test]
fn a_reference_without_trace_id_is_within_the_trace() {
    let paths = critical_path(&read("15-references-without-trace-id.json")).json();
    assert_eq!(sections(&paths), [(1, 0, 1000), (2, 1000, 9000), (1, 9000, 10_000)]);
    for reference in [
        json!({"refType": "CHILD_OF", "traceID": "", "spanID": "1"}),
        json!({"refType": "CHILD_OF", "traceID": null, "spanID": "1"}),
        json!({"spanID": "1"}),
    ] {
        let spans = [span(1, 0, 0, 3000, json!({})), span(2, 0, 1000, 500, json!({"references": [reference]}))];
        assert_eq!(sections(&critical_path(&answer(&spans)).json()).len(), 3, "{reference}");
    }
    // A link of OTLP leads to another trace; without its id it is not a parent.
    let span = |id: &str, links: Value| {
        json!({"traceId": "ab", "spanId": id, "name": "s", "links": links,
        "startTimeUnixNano": "1795342000000000000", "endTimeUnixNano": "1795342000003000000"})
    };
    let spans = [span("1", json!([])), span("2", json!([{"spanId": "1"}]))];
    let paths = critical_path(json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).to_string().as_bytes());
    assert_eq!(paths.json()[0]["sections"].as_array().unwrap().len(), 2, "two roots");
}

#[test]
fn a_parent_that_cannot_be_read_is_a_gap() {
    for parent in [
        json!({"references": [{"refType": "CHILD_OF", "traceID": "ab", "spanID": "root!"}]}),
        json!({"references": [{"refType": "CHILD_OF", "traceID": "trace!", "spanID": "1"}]}),
        json!({"references": [], "parentSpanID": 1}),
    ] {
        let paths =
            critical_path(&answer(&[span(1, 0, 0, 3000, json!({})), span(2, 0, 1000, 500, parent.clone())])).json();
        assert_eq!(remarks(&paths[0]), ["1 span(s) name a parent by an id that cannot be read"], "{parent}");
        assert_eq!(paths[0]["partial"], true);
    }
}

/// jaeger-ui#281, jaeger#1882: an operation id as a number; and every other attribute that is read as a text.
#[test]
fn numbers_are_read_as_texts_where_the_playbook_reads_texts() {
    let records = diagnose_orders(&read("16-integer-operation-id.json")).json();
    assert_eq!((records[0]["operation_id"].as_str(), records[0]["verdict"].as_str()), (Some("4711"), Some("healthy")));

    let tag = |key: &str, kind: &str, value: Value| json!({"key": key, "type": kind, "value": value});
    for (id, text) in [
        (tag("order.id", "int64", json!(4711)), "4711"),
        (tag("order.id", "int64", json!("9007199254740993")), "9007199254740993"),
        (tag("order.id", "float64", json!(47.5)), "47.5"),
        (tag("order.id", "bool", json!(true)), "true"),
    ] {
        let logs = json!([{"timestamp": crate::command::START + 1, "fields": [tag("event", "string", json!("exception")),
            tag("exception.type", "int64", json!(1205)), tag("exception.message", "float64", json!(1.5))]}]);
        let state =
            json!([id, tag("order.from", "string", json!("running")), tag("order.to", "string", json!("failed"))]);
        let spans = [
            span(1, 0, 0, 3000, json!({"tags": [id], "logs": logs})),
            span(2, 1, 2500, 100, json!({"operationName": "order.state", "tags": state})),
        ];
        let records = diagnose_orders(&answer(&spans)).json();
        assert_eq!(records[0]["operation_id"], text);
        assert_eq!(
            (records[0]["error_type"].as_str(), records[0]["error_message"].as_str()),
            (Some("1205"), Some("1.5"))
        );
    }
}
