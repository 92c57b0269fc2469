//! Every number that decides, just below and just above.

use diagnosis::{
    Confidence, SectionKind,
    culprits::{Children, Culprit, Parameters, Place, RequestProfile, Section, Visit, culprits},
};
use trace::{Micros, SpanId, Time, TraceId};

use crate::build::{places, rows};

/// A place: `service:span`, or `service<caller:span`.
fn place(text: &str) -> Place {
    let (service, span) = text.split_once(':').unwrap();
    let (service, caller) = service.split_once('<').map_or((service, None), |(s, c)| (s, Some(c.to_owned())));
    Place { service: service.to_owned(), caller, span: span.to_owned() }
}

/// A request of 100 ms with these times by place. A place with a caller is a network section.
fn request(number: usize, times: &[(&str, i64)]) -> RequestProfile {
    let section = |(at, us): &(&str, i64)| {
        let place = place(at);
        let (kind, waiting) = match &place.caller {
            Some(caller) => (SectionKind::Network, Some(self::place(&format!("{caller}:entry")))),
            None => (SectionKind::Span, None),
        };
        Section { kind, place, calls: 1, time: Micros(*us), span_id: Some(SpanId(1)), waiting }
    };
    RequestProfile {
        operation_type: "request".to_owned(),
        trace_id: TraceId(number as u128 + 1),
        start: Time(number as i64),
        duration: Micros(100_000),
        sections: times.iter().map(section).collect(),
        visits: Vec::new(),
    }
}

/// `n` requests that take `us` at `db:query`.
fn queries(n: usize, us: i64) -> Vec<RequestProfile> {
    (0..n).map(|number| request(number, &[("db:query", us)])).collect()
}

/// Of `n` requests the first `slow` take 50 ms at `db:query`, the others 10 ms.
fn mixed(n: usize, slow: usize) -> Vec<RequestProfile> {
    (0..n).map(|number| request(number, &[("db:query", if number < slow { 50_000 } else { 10_000 })])).collect()
}

/// A request whose span `api:handle` has these children, or an error.
fn with_children(number: usize, children: &[&str], is_error: bool) -> RequestProfile {
    let kinds = children.iter().map(|name| ("api".to_owned(), (*name).to_owned())).collect();
    let visit = Visit {
        place: place("api:handle"),
        within: None,
        children: Some(Children { parent: SpanId(1), kinds }),
        error: is_error.then_some(SpanId(1)),
    };
    RequestProfile { visits: vec![visit], ..request(number, &[]) }
}

/// Of `n` requests the first `early` lack a child.
fn early(n: usize, early: usize) -> Vec<RequestProfile> {
    (0..n).map(|number| with_children(number, if number < early { &[] } else { &["work"] }, false)).collect()
}

fn found(window: &[RequestProfile], baseline: &[RequestProfile]) -> bool {
    !rows(window, baseline).is_empty()
}

#[test]
fn time_quantile_one_slow_request_of_a_hundred_is_not_the_limit() {
    assert!(found(&mixed(20, 20), &mixed(1_000, 10)));
    assert!(!found(&mixed(20, 20), &mixed(1_000, 11)));
}

#[test]
fn least_slowdown_a_fifth_of_the_usual_duration() {
    assert!(!found(&queries(20, 29_999), &queries(30, 10_000)));
    assert!(found(&queries(20, 30_000), &queries(30, 10_000)));
}

#[test]
fn children_quantile_a_tenth_may_have_fewer() {
    assert!(found(&early(20, 20), &early(1_000, 100)));
    assert!(!found(&early(20, 20), &early(1_000, 101)));
}

#[test]
fn usual_child_half_of_the_requests_have_it() {
    let baseline = |rare: usize| -> Vec<RequestProfile> {
        let children = |number: usize| -> &[&str] { if number < rare { &["work", "audit"] } else { &["work", "log"] } };
        (0..100).map(|number| with_children(number, children(number), false)).collect()
    };
    let summary = |rare: usize| rows(&early(20, 20), &baseline(rare))[0].summary.clone();
    // Two of three children are usual, or all three.
    assert!(summary(49).starts_with("handle of api lacks log and 1 more in"), "{}", summary(49));
    assert!(summary(50).starts_with("handle of api lacks audit and 2 more in"), "{}", summary(50));
}

#[test]
fn least_affected_three_requests() {
    assert!(!found(&mixed(2, 2), &queries(1_000, 10_000)));
    assert!(found(&mixed(3, 3), &queries(1_000, 10_000)));
}

#[test]
fn least_extra_share_a_tenth_more_requests_are_slow() {
    assert!(!found(&mixed(10_000, 999), &queries(1_000, 10_000)));
    assert!(found(&mixed(10_000, 1_000), &queries(1_000, 10_000)));
}

#[test]
fn least_extra_share_a_tenth_more_requests_lack_children() {
    assert!(!found(&early(10_000, 999), &early(1_000, 0)));
    assert!(found(&early(10_000, 1_000), &early(1_000, 0)));
}

#[test]
fn least_extra_share_does_not_hold_for_errors() {
    let failing = |n: usize, errors: usize| -> Vec<RequestProfile> {
        (0..n).map(|number| with_children(number, &["work"], number < errors)).collect()
    };
    assert!(found(&failing(1_000, 20), &failing(1_000, 0)));
    assert!(!found(&failing(1_000, 2), &failing(1_000, 0)));
}

/// The Wilson interval of 4 of 4 begins at 4 / (4 + 2.5²) = 0.390; that of 0 of n ends at 2.5² / (n + 2.5²).
#[test]
fn standard_errors_the_intervals_must_not_overlap() {
    assert!(!found(&queries(4, 50_000), &queries(9, 10_000)));
    assert!(found(&queries(4, 50_000), &queries(10, 10_000)));
}

/// Calls of `api` to so many of its callees take 60 ms instead of 5 ms.
fn calls(n: usize, callees: usize, slow: usize, slowest: i64) -> Vec<RequestProfile> {
    let names: Vec<String> = (0..callees).map(|number| format!("s{number}<api:call")).collect();
    let one = |number: usize| {
        let time = |at: usize| match at {
            0 if slow > 0 => slowest,
            at if at < slow => 60_000,
            _ => 5_000,
        };
        let times: Vec<(&str, i64)> = names.iter().enumerate().map(|(at, name)| (name.as_str(), time(at))).collect();
        request(number, &times)
    };
    (0..n).map(one).collect()
}

#[test]
fn shared_delay_callees_three_services() {
    let services = |slow: usize| {
        let rows = rows(&calls(20, 3, slow, 60_000), &calls(30, 3, 0, 0));
        rows.into_iter().map(|row| row.service).collect::<Vec<_>>()
    };
    assert_eq!(services(2), ["s0", "s1"]);
    assert_eq!(services(3), ["api"]);
}

#[test]
fn shared_delay_share_more_than_half_of_the_callees() {
    let first = |callees: usize| places(&rows(&calls(20, callees, 3, 60_000), &calls(30, callees, 0, 0)))[0].clone();
    assert_eq!(first(5), "api: entry (span)");
    assert_eq!(first(6), "s0 <- api: call (network)");
}

#[test]
fn shared_delay_spread_three_times_the_typical_delay() {
    let first = |us: i64| places(&rows(&calls(20, 4, 4, us), &calls(30, 4, 0, 0)))[0].clone();
    assert_eq!(first(5_000 + 3 * 55_000), "api: entry (span)");
    assert_eq!(first(5_000 + 3 * 55_000 + 1), "s0 <- api: call (network)");
}

fn confidence(window: &[RequestProfile], baseline: &[RequestProfile]) -> Confidence {
    rows(window, baseline)[0].confidence
}

#[test]
fn high_affected_five_operations() {
    assert_eq!(confidence(&queries(4, 50_000), &queries(100, 10_000)), Confidence::Low);
    assert_eq!(confidence(&queries(5, 50_000), &queries(100, 10_000)), Confidence::High);
}

#[test]
fn high_baseline_twenty_operations() {
    assert_eq!(confidence(&queries(50, 50_000), &queries(19, 10_000)), Confidence::Low);
    assert_eq!(confidence(&queries(50, 50_000), &queries(20, 10_000)), Confidence::High);
}

#[test]
fn high_affected_share_half_of_the_operations() {
    assert_eq!(confidence(&mixed(101, 50), &queries(100, 10_000)), Confidence::Medium);
    assert_eq!(confidence(&mixed(100, 50), &queries(100, 10_000)), Confidence::High);
}

#[test]
fn high_lead_twice_the_score_of_any_other_service() {
    let two = |n: usize, first: i64, second: i64| -> Vec<RequestProfile> {
        (0..n).map(|number| request(number, &[("db:query", first), ("cache:get", second)])).collect()
    };
    let confidence = |excess: i64| {
        let rows: Vec<Culprit> = rows(&two(20, 10_000 + excess, 40_000), &two(30, 10_000, 10_000));
        assert_eq!((rows[0].service.as_str(), rows.len()), ("db", 2));
        rows[0].confidence
    };
    assert_eq!(confidence(59_999), Confidence::Medium);
    assert_eq!(confidence(60_000), Confidence::High);
}

/// Another row of the same service does not make the answer less sure.
#[test]
fn high_lead_rows_of_one_service_do_not_compete() {
    let two = |n: usize, us: i64| -> Vec<RequestProfile> {
        (0..n).map(|number| request(number, &[("db:query", us), ("db:commit", us)])).collect()
    };
    assert_eq!(confidence(&two(20, 50_000), &two(30, 10_000)), Confidence::High);
}

/// 20 of 20 deviate by 40 ms, of which the baseline, where 1 of 100 does, lets expect 0.2.
#[test]
fn score_counts_what_the_baseline_does_not_let_expect() {
    let row = rows(&queries(20, 50_000), &mixed(100, 1)).remove(0);
    assert_eq!((row.excess_ms, row.affected), (Some(40.0), 20));
    assert!((row.score - 40.0 * (20.0 - 0.2) / 20.0).abs() < 1e-9, "{}", row.score);
}

#[test]
fn missing_children_never_give_high_confidence() {
    assert_eq!(confidence(&early(100, 100), &early(100, 0)), Confidence::Medium);
}

#[test]
fn examples_as_many_as_asked_for() {
    let parameters = Parameters { examples: 7, ..Parameters::default() };
    let row = culprits(&queries(20, 50_000), &queries(30, 10_000), &parameters).culprits.remove(0);
    assert_eq!((row.example_trace_ids.len(), row.evidence.len()), (7, 7));
    assert_eq!(rows(&queries(20, 50_000), &queries(30, 10_000))[0].example_trace_ids.len(), 3);
}
