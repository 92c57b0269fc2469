//! Each number that decides something, just below and just above.

use diagnosis::{
    Diagnosis,
    playbook::{Embedded, Playbook},
};
use testbed::{RawSpan, RawValue};
use trace::{SpanKind, Status};

use crate::generic;
use crate::laws::{answers, span, traces};

const FRONT: (&str, &str) = ("front", "GET /a");

fn with(span: RawSpan, kind: SpanKind, attributes: &[(&'static str, RawValue)]) -> RawSpan {
    let attributes = attributes.iter().map(|(key, value)| ((*key).into(), value.clone())).collect();
    RawSpan { kind, attributes, ..span }
}

fn one(spans: Vec<RawSpan>) -> Diagnosis {
    answers(&traces(vec![spans])).remove(0)
}

#[test]
fn a_server_failed_from_500_on_and_a_client_from_400_on() {
    let status = |kind, code: i64| {
        one(vec![with(
            span(1, None, FRONT, (0, 1000)),
            kind,
            &[("http.response.status_code", code.into()), ("http.request.method", "GET".into())],
        )])
        .status
        .as_str()
    };
    assert_eq!([status(SpanKind::Server, 499), status(SpanKind::Server, 500)], ["completed", "failed"]);
    assert_eq!([status(SpanKind::Client, 399), status(SpanKind::Client, 400)], ["completed", "failed"]);
}

/// One span and its calls one after the other.
fn calls(count: u64, call: impl Fn(u64) -> RawSpan) -> Option<String> {
    let mut spans = vec![span(1, None, FRONT, (0, 10_000_000))];
    spans.extend((0..count).map(|nth| RawSpan {
        id: trace::SpanId(nth + 2),
        parent: Some(trace::SpanId(1)),
        ..call(nth)
    }));
    let found = one(spans).findings.into_iter().find(|finding| finding.rule == "chatty.n_plus_one");
    found.map(|finding| finding.summary)
}

fn get(nth: u64, path: &str) -> RawSpan {
    let url = format!("http://stock{path}");
    with(
        span(0, None, ("front", "GET"), (nth as i64 * 20_000, 10_000)),
        SpanKind::Client,
        &[("url.full", url.into()), ("http.request.method", "GET".into())],
    )
}

#[test]
fn more_than_ten_calls_are_chatty_whatever_ids_their_paths_hold() {
    assert_eq!(calls(10, |nth| get(nth, &format!("/articles/{nth}"))), None);
    let eleven = calls(11, |nth| get(nth, &format!("/articles/{nth}"))).unwrap();
    assert!(eleven.contains("11 similar calls 'GET /articles/*'"), "{eleven}");
    // Sixteen hexadecimal digits are an id, fifteen may be a word.
    assert!(calls(11, |nth| get(nth, &format!("/articles/{nth:016x}"))).is_some());
    assert!(calls(11, |nth| get(nth, &format!("/articles/a{nth:014x}"))).is_none());
    // Nobody knows that these words are alike.
    assert!(calls(11, |nth| get(nth, &format!("/articles/word-{nth}"))).is_none());
}

#[test]
fn statements_are_distinguished_by_their_text() {
    let query = |nth: u64, text: String| {
        with(
            span(0, None, ("stock", "SELECT shop"), (nth as i64 * 2000, 1000)),
            SpanKind::Client,
            &[("db.query.text", text.into())],
        )
    };
    assert!(
        calls(11, |nth| query(nth, "SELECT price FROM articles WHERE id = ?".into()))
            .unwrap()
            .contains("'SELECT price FROM")
    );
    assert!(calls(11, |nth| query(nth, format!("SELECT {nth} FROM tables"))).is_none());
}

/// Clocks that only count milliseconds let calls begin before the one before has ended.
#[test]
fn a_millisecond_of_overlap_counts_only_where_clocks_are_finer() {
    let call = |nth: u64, step: i64, length: i64, shift: i64| {
        span(0, None, ("front", "send"), (nth as i64 * step + shift, length))
    };
    assert!(calls(11, |nth| call(nth, 2000, 3000, 0)).is_some(), "1 ms too long for whole milliseconds");
    assert!(calls(11, |nth| call(nth, 2000, 3001, 0)).is_none());
    assert!(calls(11, |nth| call(nth, 2000, 2001, 1)).is_none(), "not whole milliseconds");
}

#[test]
fn slow_is_twice_as_long_and_a_tenth_of_a_second_more() {
    let verdict = |usual: i64, last: i64| {
        let request = |nth: i64, length| vec![span(1, None, FRONT, (nth * 10_000_000, length))];
        let mut all: Vec<_> = (0..5).map(|nth| request(nth, usual)).collect();
        all.push(request(5, last));
        answers(&traces(all)).remove(0).verdict.as_str()
    };
    assert_eq!([verdict(300_000, 599_999), verdict(300_000, 600_000)], ["healthy", "slow"]);
    assert_eq!([verdict(50_000, 149_999), verdict(50_000, 150_000)], ["healthy", "slow"]);
}

#[test]
fn two_hundred_types_are_kept_and_the_rarest_are_other() {
    let requests = |types: u64| {
        let of_type = |nth: u64, again: i64| {
            vec![span(1, None, ("front", &format!("GET /{nth:03}")), (nth as i64 * 1000 + again, 500))]
        };
        let all = (0..types).flat_map(|nth| (0..if nth == 0 { 1 } else { 2 }).map(move |again| of_type(nth, again)));
        let mut types: Vec<String> = answers(&traces(all.collect())).into_iter().map(|d| d.operation_type).collect();
        types.sort();
        types.dedup();
        types
    };
    assert_eq!((requests(200).len(), requests(200).contains(&"other".to_owned())), (200, false));
    let more = requests(201);
    assert_eq!(more.len(), 201);
    assert!(more.contains(&"other".to_owned()) && !more.contains(&"front: GET /000".to_owned()), "the rarest goes");
}

/// Requests of rare types have nothing in common, so none is slow by the others.
#[test]
fn rare_types_have_no_baseline() {
    let playbook = Playbook::with_overlay("extends = \"generic\"\n[operation]\nmost_types = 0\n").unwrap();
    let request = |nth: i64| vec![span(1, None, FRONT, (nth * 10_000_000, if nth == 9 { 5_000_000 } else { 10_000 }))];
    let traces = traces((0..10).map(request).collect());
    let found = crate::operations(&traces, &playbook, trace::Micros(0));
    assert!(
        found.iter().all(|d| d.operation_type == "other" && d.baseline_ms.is_none() && d.verdict.as_str() == "healthy")
    );
}

#[test]
fn spans_that_came_just_now_may_not_be_all() {
    let orphan = traces(vec![vec![span(1, Some(99), FRONT, (0, 1000))]]);
    let rule = |after: i64| crate::operations(&orphan, generic(), trace::Micros(after)).remove(0).rule;
    assert_eq!([rule(15_000_000), rule(15_000_001)], ["running.just_started", "trace.root_missing"]);
}

/// Work that was handed over counts, and of several tries the last one.
#[test]
fn handed_over_work_can_fail_a_request_and_its_last_try_decides() {
    let consumer = |id, start, status| RawSpan {
        kind: SpanKind::Consumer,
        status,
        ..span(id, Some(2), ("mail", "run"), (start, 1000))
    };
    let sent = |tries: Vec<RawSpan>| {
        let producer = with(span(2, Some(1), ("front", "send"), (100, 100)), SpanKind::Producer, &[]);
        let mut spans = vec![span(1, None, FRONT, (0, 500)), producer];
        spans.extend(tries);
        one(spans)
    };
    let (good, bad) = (Status::Ok, Status::Error);
    assert_eq!(sent(vec![consumer(3, 5000, good)]).status.as_str(), "completed");
    assert_eq!(sent(vec![consumer(3, 5000, bad)]).status.as_str(), "failed");
    assert_eq!(sent(vec![consumer(3, 5000, bad), consumer(4, 9000, good)]).status.as_str(), "completed");
    let waited = sent(vec![consumer(3, 500_000, good)]);
    assert_eq!((waited.bottleneck_span.as_deref(), waited.duration_ms), (Some("waiting in the queue"), Some(501.0)));
}

/// The numbers of the playbook that these tests are about.
#[test]
fn the_numbers_are_those_of_the_playbook() {
    let generic = generic();
    assert_eq!((generic.most_types(), generic.sample()), ((200, "other"), Some(200)));
    let thresholds = generic.thresholds();
    assert_eq!(
        (thresholds.chatty_calls, thresholds.slow_excess.0, thresholds.export_delay.0),
        (10, 100_000, 15_000_000)
    );
    assert_eq!(generic.extends(), Some(Embedded::Generic));
}
