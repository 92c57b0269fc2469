//! Impossible times.

use serde_json::{Value, json};

use crate::command::{START, answer, critical_path, diagnose_orders, order, read, remarks, sections, span};

/// jaeger#8165, jaeger#4801, signoz-otel-collector#814: Jaeger writes a negative duration as 2^64 − n.
#[test]
fn a_wrapped_duration_is_empty() {
    let paths = critical_path(&read("05-wrapped-negative-duration.json")).json();
    assert_eq!(sections(&paths), [(1, 0, 3000)]);
    assert_eq!(
        remarks(&paths[0]),
        ["1 span(s) have no usable end (missing, before their start or out of range); they \
                                     count as empty"]
    );
    assert_eq!(paths[0]["partial"], false);
}

/// The same report, as the root of an order: it lasted 13 343 998 days.
#[test]
fn a_root_with_an_impossible_end_does_not_move_the_window() {
    for duration in [
        json!(18_446_744_073_709_551_425_u64),
        json!("18446744073709551425"),
        json!(1.844_674_407_370_955_2e19),
        json!(-191),
        json!(i64::MAX),
        json!("REMOVED"),
        json!(null),
        json!("soon"),
        json!([]),
        // Ends centuries from now; or only a day after the clock.
        json!(7_400_000_000_000_000_i64),
        json!(86_400_000_000_i64),
    ] {
        let odd = span(
            9,
            0,
            0,
            0,
            json!({"duration": duration, "tags": [
            {"key": "order.id", "type": "string", "value": "order-40"}]}),
        );
        let records = diagnose_orders(&order(&[odd])).json();
        let record = &records[0];
        assert_eq!((record["duration_ms"].as_f64(), record["status"].as_str()), (Some(299.7), Some("completed")));
        assert_eq!(record["last_activity"], "2026-11-22T10:06:40.300Z", "{duration}");
        assert_eq!(remarks(record).len(), 1, "{duration}: {records}");
        assert!(remarks(record)[0].contains("count as empty"), "{duration}");
    }
}

/// jaeger-ui `missing-sibling-times`: a span without a start.
#[test]
fn a_span_without_a_start_is_left_out_of_every_time() {
    let records = diagnose_orders(&read("06-span-without-start.json")).json();
    let record = &records[0];
    assert_eq!((record["duration_ms"].as_f64(), record["bottleneck_span"].as_str()), (Some(299.7), Some("db.query")));
    assert_eq!(record["start"], "2026-11-22T10:06:40Z");
    assert_eq!(
        remarks(record),
        ["1 span(s) have no usable start (missing, zero, before the year 2000 or out of range); \
                                  they are left out of every time"]
    );
}

/// jaeger-ui `zero-start-times`, other forms of a missing time, and times in nanoseconds, milliseconds or another century.
#[test]
fn a_start_that_cannot_be_true_is_left_out_of_every_time() {
    for start in [
        json!("REMOVED"),
        json!(null),
        json!(0),
        json!("0"),
        json!(1),
        json!(-1),
        json!(-62_135_596_800_000_000_i64),
        json!(18_439_948_709_130_680_271_u64),
        json!(1_795_342_000_000_i64),
        json!(1_795_342_000_000_000_000_i64),
        json!("yesterday"),
        json!({}),
        json!("2026-11-23T10:06:40Z"),
        json!(START + 7_200_000_000),
    ] {
        let odd = span(
            9,
            1,
            0,
            0,
            json!({"startTime": start, "duration": "5s", "tags": [
            {"key": "order.id", "type": "string", "value": "order-40"}]}),
        );
        let records = diagnose_orders(&order(&[odd])).json();
        let record = &records[0];
        assert_eq!(record["duration_ms"].as_f64(), Some(299.7), "{start}");
        assert_eq!(
            (record["start"].as_str(), record["bottleneck_span"].as_str()),
            (Some("2026-11-22T10:06:40Z"), Some("db.query")),
            "{start}"
        );
        assert_eq!(record["last_activity"], "2026-11-22T10:06:40.300Z", "{start}");
        assert!(
            remarks(record).len() == 1 && remarks(record)[0].ends_with("left out of every time"),
            "{start}: {record}"
        );
        assert!(record["span_count"] == 5 && record["partial"] == false, "the span itself counts");
    }
}

/// The final state of an order counts although its time does not.
#[test]
fn a_state_without_a_time_is_still_the_state() {
    let state = |from: &str, to: &str| {
        json!([{"key": "order.id", "type": "string", "value": "order-40"},
        {"key": "order.from", "type": "string", "value": from}, {"key": "order.to", "type": "string", "value": to}])
    };
    let root = span(1, 0, 0, 300_000, json!({"tags": [{"key": "order.id", "type": "string", "value": "order-40"}]}));
    let change = |id, start: Value, from: &str, to: &str| {
        span(id, 1, 0, 200, json!({"operationName": "order.state", "startTime": start, "tags": state(from, to)}))
    };
    for (running, completed) in
        [(json!(START + 2_000), json!(0)), (json!(0), json!(START + 299_500)), (json!(0), json!(0))]
    {
        let spans =
            [root.clone(), change(2, running, "pending", "running"), change(3, completed, "running", "completed")];
        let records = diagnose_orders(&answer(&spans)).json();
        assert_eq!(
            (records[0]["status"].as_str(), records[0]["verdict"].as_str()),
            (Some("completed"), Some("healthy"))
        );
        assert!(records[0]["duration_ms"].as_f64().unwrap() <= 300.0, "{records}");
    }
}

#[test]
fn an_operation_without_any_time_has_none() {
    let spans = [span(
        1,
        0,
        0,
        0,
        json!({"startTime": 0, "duration": 5, "tags": [
        {"key": "order.id", "type": "string", "value": "order-40"}]}),
    )];
    let records = diagnose_orders(&answer(&spans)).json();
    for field in ["start", "end", "duration_ms", "last_activity", "bottleneck_span"] {
        assert!(records[0][field].is_null(), "{field}: {records}");
    }
}

/// jaeger#9339, jaeger#9548: in a hand-written trace that counts from zero, zero is a valid time.
#[test]
fn zero_is_a_time_where_the_whole_trace_counts_from_it() {
    let at = |id, parent, start: i64, duration: i64| span(id, parent, start - START, duration, json!({}));
    let paths = critical_path(&answer(&[at(1, 0, 0, 100), at(2, 1, 0, 50), at(3, 1, 50, 50)])).json();
    let sections: Vec<_> =
        sections(&paths).into_iter().map(|(id, start, end)| (id, start + START, end + START)).collect();
    assert_eq!(sections, [(2, 0, 50), (3, 50, 100)]);
    assert!(remarks(&paths[0]).is_empty());
}

/// grafana#27852: a download of Grafana holds floats.
#[test]
fn floats_are_rounded() {
    let paths = critical_path(&read("14-grafana-download-floats.json")).json();
    assert_eq!(sections(&paths), [(1, 0, 1000), (2, 1000, 2009), (3, 2009, 2509), (1, 2509, 3000)]);
    assert!(remarks(&paths[0]).is_empty());
}

#[test]
fn times_in_other_encodings_that_leave_no_doubt_are_read() {
    let whole = span(1, 0, 0, 3000, json!({}));
    for (start, duration) in [
        (json!("1795342000001000"), json!("1009")),
        (json!("2026-11-22T10:06:40.001Z"), json!("0.001009s")),
        (json!("2026-11-22T11:06:40.001+01:00"), json!("1009us")),
        (json!([1_795_342_000, 1_000_000]), json!([0, 1_009_000])),
        (json!({"seconds": "1795342000", "nanos": 1_000_000}), json!({"nanos": 1_009_000, "seconds": 0})),
        (json!(1_795_342_000_000_999.8), json!(1008.999)),
    ] {
        let part = span(2, 1, 0, 0, json!({"startTime": start, "duration": duration}));
        let paths = critical_path(&answer(&[whole.clone(), part])).json();
        assert_eq!(sections(&paths), [(1, 0, 1000), (2, 1000, 2009), (1, 2009, 3000)], "{start}");
    }
    // Whether a plain number beside a text is in microseconds or nanoseconds cannot be known.
    let part = span(2, 1, 0, 0, json!({"startTime": "2026-11-22T10:06:40.001Z", "duration": 1_009_000}));
    let paths = critical_path(&answer(&[whole, part])).json();
    assert_eq!(sections(&paths), [(1, 0, 3000)]);
    assert_eq!(remarks(&paths[0]).len(), 1);
}

#[test]
fn events_never_lie_outside_their_span() {
    let exception = |at: Value| {
        json!({"timestamp": at, "fields": [
        {"key": "event", "type": "string", "value": "exception"},
        {"key": "exception.type", "type": "string", "value": "ValueError"}]})
    };
    for at in [json!(0), json!(-5), json!(null), json!("soon"), json!(u64::MAX), json!(START + 9_000_000), json!(5)] {
        let odd = span(
            9,
            1,
            100_000,
            50_000,
            json!({"logs": [exception(at.clone())], "tags": [
            {"key": "order.id", "type": "string", "value": "order-40"}]}),
        );
        let records = diagnose_orders(&order(&[odd])).json();
        let record = &records[0];
        assert_eq!(record["last_activity"], "2026-11-22T10:06:40.300Z", "{at}");
        let time = record["errors"][0]["time"].as_str().unwrap();
        assert!(("2026-11-22T10:06:40.100Z"..="2026-11-22T10:06:40.150Z").contains(&time), "{at}: {time}");
        assert!(remarks(record).iter().any(|remark| remark.starts_with("1 event(s) have no usable time")), "{record}");
    }
    // Differences due to rounding do not cause a remark.
    let odd = span(9, 1, 100_000, 50_000, json!({"logs": [exception(json!(START + 150_001))]}));
    assert!(remarks(&diagnose_orders(&order(&[odd])).json()[0]).is_empty());
}

/// The clocks of traced machines may be a little ahead of ours.
#[test]
fn a_span_just_after_the_clock_ends_at_it() {
    let clock = 6_800_000_000;
    let at = |start: i64, duration: i64| {
        let odd = span(
            9,
            1,
            start,
            duration,
            json!({"tags": [
            {"key": "order.id", "type": "string", "value": "order-40"}]}),
        );
        let records = diagnose_orders(&order(&[odd])).json();
        let last = records[0]["last_activity"].as_str().unwrap().to_owned();
        (last, remarks(&records[0]).join("; "))
    };
    let none = String::new();
    let minute = 60_000_000;
    assert_eq!(at(clock, 0), ("2026-11-22T12:00:00Z".to_owned(), none.clone()));
    assert_eq!(at(clock + minute, 0), ("2026-11-22T12:00:00Z".to_owned(), none.clone()));
    assert_eq!(at(clock - 1_000_000, minute), ("2026-11-22T12:00:00Z".to_owned(), none));
    let (last, remark) = at(clock + minute + 1, 0);
    assert_eq!(last, "2026-11-22T10:06:40.300Z");
    assert!(remark.contains("start after the clock"), "{remark}");
    let (last, remark) = at(clock - 1_000_000, minute + 1_000_001);
    assert_eq!(last, "2026-11-22T11:59:59Z");
    assert!(remark.contains("end after the clock"), "{remark}");
}

/// OTLP: an end before the start, no end, and a wrapped end.
#[test]
fn otlp_spans_with_impossible_times_are_empty_too() {
    let span = |id: u64, parent: &str, start: Value, end: Value| {
        json!({"traceId": "ab", "spanId": format!("{id:x}"),
        "parentSpanId": parent, "name": "s", "startTimeUnixNano": start, "endTimeUnixNano": end})
    };
    let of = |odd: Value| {
        let root = span(1, "", json!("1795342000000000000"), json!("1795342000003000000"));
        critical_path(json!({"resourceSpans": [{"scopeSpans": [{"spans": [root, odd]}]}]}).to_string().as_bytes())
            .json()
    };
    let start = json!("1795342000001000000");
    for end in [json!("1795342000000500000"), json!(0), json!(null), json!("18446744073709551425"), json!("never")] {
        let paths = of(span(2, "1", start.clone(), end.clone()));
        assert_eq!((sections(&paths), remarks(&paths[0]).len()), (vec![(1, 0, 3000)], 1), "{end}");
    }
    for start in [json!(0), json!(null), json!("11651379494838206464"), json!("1795342000001000")] {
        let paths = of(span(2, "1", start.clone(), json!("1795342000002000000")));
        assert_eq!((sections(&paths), remarks(&paths[0]).len()), (vec![(1, 0, 3000)], 1), "{start}");
    }
}

/// One remark for each kind, whatever number of traces the operation has.
#[test]
fn remarks_of_several_traces_are_counted_together() {
    let tags = json!([{"key": "order.id", "type": "string", "value": "order-40"}]);
    let of = |trace: &str, odd: Value| {
        let mut spans = vec![
            span(1, 0, 0, 1000, json!({"traceID": trace, "tags": tags})),
            span(2, 0, 0, 1000, json!({"traceID": trace, "tags": tags, "startTime": odd})),
        ];
        spans.push(span(3, 0, 0, 1000, json!({"traceID": trace, "tags": tags, "duration": -1})));
        json!({"traceID": trace, "spans": spans, "processes": {"p1": {"serviceName": "api", "tags": []}}})
    };
    let file = json!({"data": [of("ab", json!(0)), of("cd", json!(null))]}).to_string();
    let records = diagnose_orders(file.as_bytes()).json();
    let remarks = remarks(&records[0]);
    assert_eq!(remarks.len(), 2, "{remarks:?}");
    assert!(remarks.iter().all(|remark| remark.starts_with("2 span(s)")), "{remarks:?}");
}
