//! The windows in which Jaeger is asked for more about an operation. The playbook gives their lengths. Each is checked at its
//! bounds: a trace that starts at the bound is found, one that starts a microsecond outside is not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod fake;

use std::sync::Arc;

use diagnosis::{Answer, Filters, TimeRange, playbook::Playbook};
use fake::{Fake, Profile, Span, span, trace};
use jaeger::{Client, Config};
use ktrdr_diagnosis::investigate::{Investigator, Options, Target};
use serde_json::Value;
use trace::{Micros, Time};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const OP: &str = "op_training_20261122_095500_a41e50c8";
const API: &str = "ktrdr-api";
const WORKER: &str = "ktrdr-training-worker-1";

/// 2026-11-22T09:55:00Z, the time in the id.
fn written() -> i64 {
    Time::parse_rfc3339("2026-11-22T09:55:00Z").unwrap().0
}

fn investigator(fake: &Fake) -> Investigator {
    with(fake, "", Options::default())
}

/// An investigator with these thresholds in its playbook.
fn with(fake: &Fake, thresholds: &str, options: Options) -> Investigator {
    let config = Config { url: fake.url.clone(), ..Config::default() };
    let playbook = Playbook::with_overlay(&format!("[thresholds]\n{thresholds}")).unwrap();
    Investigator::new(Client::new(&config).unwrap(), Arc::new(playbook), options)
}

async fn operations(traces: Vec<Value>, clock: i64) -> (Fake, Answer) {
    let fake = Fake::start(Profile::v2_20(), traces).await;
    let range = TimeRange { from: Time(clock - 60 * MINUTE), to: Time(clock) };
    let answer = investigator(&fake).operations(range, &Filters::default(), 100, Time(clock)).await.unwrap();
    (fake, answer)
}

async fn one(traces: Vec<Value>, clock: i64) -> (Fake, Answer) {
    let fake = Fake::start(Profile::v2_20(), traces).await;
    let answer = investigator(&fake).diagnosis(&Target::Operation(OP.to_owned()), Time(clock)).await.unwrap();
    (fake, answer)
}

fn change(start: i64, from: &'static str, to: &'static str) -> Span {
    let tags = [("operation.id", OP), ("operation.from_status", from), ("operation.to_status", to)];
    span(WORKER, "operation.state_transition", start, 500, &tags)
}

fn register(start: i64) -> Span {
    let tags = [("operation.id", OP), ("operation.type", "training"), ("operation.status", "pending")];
    span(WORKER, "operation.register", start, 500, &tags)
}

/// Start and end of the only kind of search that asks this service for this span name.
fn window(fake: &Fake, service: &str, operation: &str) -> Vec<(i64, i64)> {
    let asked = fake.searches();
    let asked = asked.iter().filter(|seen| seen.get("service") == service && seen.get("operation") == operation);
    asked.map(|seen| (seen.get("start").parse().unwrap(), seen.get("end").parse().unwrap())).collect()
}

#[tokio::test]
async fn an_operation_is_searched_from_five_minutes_before_the_time_in_its_id() {
    let bound = written() - 5 * MINUTE;
    for (start, found) in [(bound, true), (bound - 1, false)] {
        let (_, answer) = one(vec![trace(1, &[register(start)])], written() + 30 * MINUTE).await;
        assert_eq!(answer.diagnoses[0].span_count == 1, found, "{}", answer.diagnoses[0].summary);
    }
}

#[tokio::test]
async fn the_request_that_started_an_operation_is_searched_thirty_seconds_around_its_start() {
    let start = written();
    let route = "POST /api/v1/trainings/start";
    let traces = vec![
        // The last state is not known, so more may be found in other traces.
        trace(1, &[change(start, "pending", "running"), change(start + MINUTE, "running", "archived")]),
        trace(2, &[span(API, route, start - 60 * MINUTE, SECOND, &[("span.kind", "server")])]),
    ];
    let (fake, answer) = one(traces, start + 30 * MINUTE).await;
    assert_eq!(answer.diagnoses[0].verdict.as_str(), "unknown", "{}", answer.diagnoses[0].summary);
    assert_eq!(window(&fake, API, route), [(start - 30 * SECOND, start + 30 * SECOND)]);
}

#[tokio::test]
async fn failures_elsewhere_are_searched_ten_minutes_around_the_operations_that_went_wrong() {
    let (start, end) = (written(), written() + MINUTE);
    let traces = vec![
        trace(1, &[register(start), change(start + 1, "pending", "running"), change(end, "running", "failed")]),
        trace(2, &[span("ib-host", "ib.connect", start - 60 * MINUTE, SECOND, &[("error", "true")])]),
    ];
    let (fake, answer) = operations(traces.clone(), end + 30 * MINUTE).await;
    let end = answer.diagnoses[0].end.unwrap().0;
    assert_eq!(window(&fake, "ib-host", "ib.connect"), [(start - 10 * MINUTE, end + 10 * MINUTE)]);
    // Not beyond the clock.
    let clock = end + 5 * MINUTE;
    let (fake, _) = operations(traces, clock).await;
    assert_eq!(window(&fake, "ib-host", "ib.connect"), [(start - 10 * MINUTE, clock)]);
}

#[tokio::test]
async fn health_checks_of_a_running_operation_are_searched_fifteen_minutes_back() {
    let start = written();
    let traces = vec![
        trace(1, &[register(start), change(start + 1, "pending", "running")]),
        trace(2, &[span(WORKER, "GET /health", start - 60 * MINUTE, 500, &[("http.target", "/health")])]),
    ];
    // Of an operation that started before, the whole time is searched.
    for (after, earliest) in [(10 * MINUTE, -5 * MINUTE), (15 * MINUTE, 0), (15 * MINUTE + 1, 0)] {
        let clock = start + after;
        let (fake, answer) = operations(traces.clone(), clock).await;
        assert_eq!(answer.diagnoses[0].start.unwrap().0, start);
        let asked = window(&fake, WORKER, "GET /health");
        assert_eq!(asked.last(), Some(&(start + earliest, clock)), "{after}: {asked:?}");
        assert_eq!(asked.len(), 2, "a short search first");
    }
}

#[tokio::test]
async fn running_operations_are_searched_from_the_lookback_before_the_range() {
    let hour = 60 * MINUTE;
    let range = TimeRange { from: Time(written()), to: Time(written() + hour) };
    let own = |lookback| Options { lookback: Some(Micros(lookback)), ..Options::default() };
    for (thresholds, options, lookback) in [
        ("", Options::default(), 48 * hour),
        ("lookback = \"2h\"", Options::default(), 2 * hour),
        ("lookback = \"2h\"", own(3 * hour), 3 * hour),
    ] {
        let bound = written() - lookback;
        for (start, found) in [(bound, 1), (bound - 1, 0)] {
            let fake = Fake::start(Profile::v2_20(), vec![trace(1, &[register(start)])]).await;
            let investigator = with(&fake, thresholds, options.clone());
            let answer = investigator.operations(range, &Filters::default(), 100, range.to).await.unwrap();
            assert_eq!(answer.diagnoses.len(), found, "{thresholds} {lookback}");
        }
    }
}

/// Start and limit of the searches for comparable operations, relative to their end.
async fn history(thresholds: &str, options: Options) -> Vec<(i64, String)> {
    let (start, clock) = (written(), written() + 30 * MINUTE);
    let traces = vec![trace(1, &[register(start), change(start + 1, "pending", "running")])];
    let fake = Fake::start(Profile::v2_20(), traces).await;
    let range = TimeRange { from: Time(start), to: Time(clock) };
    with(&fake, thresholds, options).operations(range, &Filters::default(), 100, Time(clock)).await.unwrap();
    let of_the_type = |seen: &&fake::Seen| seen.get("tags").contains("operation.type");
    let time = |seen: &fake::Seen, key| seen.get(key).parse::<i64>().unwrap();
    let searches = fake.searches();
    let searches = searches.iter().filter(of_the_type);
    searches.map(|seen| (time(seen, "start") - time(seen, "end"), seen.get("limit").to_owned())).collect()
}

#[tokio::test]
async fn comparable_operations_are_searched_within_the_baseline_window() {
    let day = 24 * 60 * MINUTE;
    let of_the_playbook = history("", Options::default()).await;
    assert_eq!(of_the_playbook, [(-7 * day, "50".to_owned())]);
    let thresholds = "baseline_window = \"2d\"\nbaseline_max_operations = 80";
    assert_eq!(history(thresholds, Options::default()).await, [(-2 * day, "80".to_owned())]);
    let own = Options { baseline_window: Some(Micros(3 * day)), ..Options::default() };
    assert_eq!(history(thresholds, own).await, [(-3 * day, "80".to_owned())]);
}

#[tokio::test]
async fn as_many_health_checks_are_read_as_the_playbook_needs() {
    let start = written();
    let traces = vec![
        trace(1, &[register(start), change(start + 1, "pending", "running")]),
        trace(2, &[span(WORKER, "GET /health", start - 60 * MINUTE, 500, &[("http.target", "/health")])]),
    ];
    for (needed, limit) in [(20, "20"), (21, "21")] {
        let fake = Fake::start(Profile::v2_20(), traces.clone()).await;
        let clock = Time(start + 10 * MINUTE);
        let range = TimeRange { from: Time(start), to: clock };
        let investigator = with(&fake, &format!("health_checks = {needed}"), Options::default());
        investigator.operations(range, &Filters::default(), 100, clock).await.unwrap();
        let searches = fake.searches();
        let health = searches.iter().filter(|seen| seen.get("operation") == "GET /health").collect::<Vec<_>>();
        assert!(!health.is_empty() && health.iter().all(|seen| seen.get("limit") == limit), "{health:?}");
    }
}
