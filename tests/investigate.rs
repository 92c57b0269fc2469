//! The requests that the investigator sends to Jaeger, and the answers it builds from the results.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod fake;

use std::sync::Arc;

use diagnosis::Verdict;
use diagnosis::culprits::ComparedRanges;
use diagnosis::playbook::Playbook;
use diagnosis::{Answer, Filters, TimeRange};
use fake::{Fake, Profile, Span, legacy_error, span, trace};
use jaeger::{Client, Config};
use ktrdr_diagnosis::investigate::{Investigator, Options, Target};
use serde_json::Value;
use trace::{Time, TraceId};

const NOON: i64 = 1_795_341_600_000_000;
const SECOND: i64 = 1_000_000;
const OPS: [&str; 2] = ["op_training_20261122_095500_00000001", "op_training_20261122_095500_00000002"];
const OP: &str = "op_training_20261122_095500_a41e50c8";

fn with(fake: &Fake, options: Options, change: impl FnOnce(&mut Config)) -> Investigator {
    let mut config = Config { url: fake.url.clone(), ..Config::default() };
    change(&mut config);
    Investigator::new(Client::new(&config).unwrap(), Arc::new(Playbook::ktrdr()), options)
}

fn investigator(fake: &Fake) -> Investigator {
    with(fake, Options::default(), |_| {})
}

fn hour() -> TimeRange {
    TimeRange { from: Time(NOON - 3600 * SECOND), to: Time(NOON) }
}

async fn operations(fake: &Fake) -> Answer {
    investigator(fake).operations(hour(), &Filters::default(), 100, Time(NOON)).await.unwrap()
}

/// The spans of a training, from the command to the worker; `end` is the state it ended in.
fn training(op: &'static str, start: i64, end: Option<&'static str>) -> Vec<Span> {
    let id = ("operation.id", op);
    let mut spans = vec![
        span(
            "ktrdr-api",
            "POST /api/v1/trainings/start",
            start,
            SECOND,
            &[("span.kind", "server"), ("http.method", "POST"), ("http.target", "/api/v1/trainings/start")],
        ),
        span("ktrdr-training-worker-1", "POST /training/start", start + 1000, SECOND / 2, &[("span.kind", "server")]),
        span(
            "ktrdr-training-worker-1",
            "operation.register",
            start + 2000,
            500,
            &[id, ("operation.type", "training"), ("operation.status", "pending")],
        ),
        span(
            "ktrdr-training-worker-1",
            "operation.state_transition",
            start + 3000,
            500,
            &[id, ("operation.from_status", "pending"), ("operation.to_status", "running")],
        ),
    ];
    spans.extend(end.map(|end| {
        let tags = [id, ("operation.from_status", "running"), ("operation.to_status", end)];
        span("ktrdr-training-worker-1", "operation.state_transition", start + 60 * SECOND, 500, &tags)
    }));
    spans
}

fn noise(n: u128) -> Value {
    trace(1000 + n, &[span("ktrdr-api", "GET /metrics", NOON - n as i64 * SECOND, 500, &[])])
}

#[tokio::test]
async fn operations_are_searched_by_the_names_that_services_have_and_noise_is_not() {
    let mut traces: Vec<_> = (0..300).map(noise).collect();
    traces.push(trace(1, &training(OP, NOON - 300 * SECOND, Some("completed"))));
    let fake = Fake::start(Profile::v2_20(), traces).await;
    operations(&fake).await;
    let mut asked: Vec<_> = fake
        .searches()
        .iter()
        .filter(|s| s.get("tags").is_empty())
        .map(|s| format!("{} {}", s.get("service"), s.get("operation")))
        .collect();
    asked.sort();
    asked.dedup();
    assert_eq!(
        asked,
        [
            "ktrdr-api POST /api/v1/trainings/start",
            "ktrdr-training-worker-1 POST /training/start",
            "ktrdr-training-worker-1 operation.register",
            "ktrdr-training-worker-1 operation.state_transition",
        ]
    );
    let first = &fake.searches()[0];
    let lookback = 48 * 3600 * SECOND;
    assert_eq!(first.get("start"), (NOON - 3600 * SECOND - lookback).to_string());
    assert_eq!((first.get("end"), first.get("limit")), (NOON.to_string().as_str(), "100"));
}

#[tokio::test]
async fn only_discovery_services_are_asked() {
    let fake =
        Fake::start(Profile::v2_20(), vec![trace(1, &training(OP, NOON - 300 * SECOND, Some("completed")))]).await;
    let options = Options { discovery_services: vec!["ktrdr-*-worker-*".to_owned()], ..Options::default() };
    let investigator = with(&fake, options, |_| {});
    investigator.operations(hour(), &Filters::default(), 100, Time(NOON)).await.unwrap();
    assert!(fake.searches().iter().all(|seen| seen.get("service") == "ktrdr-training-worker-1"));
    assert_eq!(
        investigator.services(hour(), &Filters::default(), Time(NOON)).await.unwrap(),
        ["ktrdr-training-worker-1"]
    );
}

#[tokio::test]
async fn a_full_answer_is_requested_again_for_the_range_alone_with_a_notice() {
    let many: Vec<_> = (0..130)
        .map(|n| trace(n + 1, &[span("api", "operation.register", NOON - n as i64 * SECOND, 5, &[])]))
        .collect();
    let fake = Fake::start(Profile::v2_20(), many).await;
    let answer = operations(&fake).await;
    assert!(answer.partial);
    assert!(answer.notices.iter().any(|note| note.contains("more than the 100 traces")), "{:?}", answer.notices);
    let starts: Vec<_> = fake.searches().iter().map(|seen| seen.get("start").to_owned()).collect();
    assert_eq!(starts.last().unwrap(), &(NOON - 3600 * SECOND).to_string());
}

#[tokio::test]
async fn an_id_is_searched_from_the_time_written_in_it_and_not_found_says_where_was_looked() {
    let fake = Fake::start(Profile::v2_20(), vec![noise(1)]).await;
    let target = Target::Operation(OP.to_owned());
    let answer = investigator(&fake).diagnosis(&target, Time(NOON + 7200 * SECOND)).await.unwrap();
    let row = &answer.diagnoses[0];
    assert_eq!(
        (row.verdict, row.operation_id.as_deref(), row.operation_type.as_str()),
        (Verdict::NotFound, Some(OP), "training")
    );
    assert!(row.summary.contains(OP) && row.summary.contains(&fake.url), "{}", row.summary);
    assert!(row.root_cause.as_deref().unwrap().contains("refused"));
    let search = &fake.searches()[0];
    assert_eq!(search.get("start"), Time::parse_rfc3339("2026-11-22T09:50:00Z").unwrap().0.to_string());
    assert_eq!(search.get("tags"), format!("{{\"operation.id\":\"{OP}\"}}"));
    let unknown = Target::Trace(TraceId(77));
    let answer = investigator(&fake).diagnosis(&unknown, Time(NOON)).await.unwrap();
    assert_eq!((answer.diagnoses[0].verdict, &answer.diagnoses[0].operation_id), (Verdict::NotFound, &None));
}

#[tokio::test]
async fn an_id_without_time_is_searched_in_the_lookback_and_then_wider() {
    let fake = Fake::start(Profile::v2_21(), vec![noise(1)]).await;
    investigator(&fake).diagnosis(&Target::Operation("worker_training_abc".to_owned()), Time(NOON)).await.unwrap();
    let starts: Vec<_> = fake.searches().iter().map(|seen| seen.get("query.startTimeMin").to_owned()).collect();
    assert_eq!(starts, ["2026-11-20T10:00:00Z", "2026-10-23T10:00:00Z"]);
}

#[tokio::test]
async fn the_same_question_at_the_same_time_is_asked_once() {
    let fake =
        Fake::start(Profile::v2_20(), vec![trace(1, &training(OP, NOON - 300 * SECOND, Some("completed")))]).await;
    let investigator = investigator(&fake);
    let ask = |filters: Filters| {
        let investigator = investigator.clone();
        async move { investigator.operations(hour(), &filters, 50, Time(NOON)).await.map(|answer| answer.diagnoses.len()) }
    };
    let stuck = Filters { verdicts: vec![Verdict::Stuck], ..Filters::default() };
    ask(Filters::default()).await.unwrap();
    let alone = fake.seen().len();
    let (a, b, c) = tokio::join!(ask(stuck.clone()), ask(Filters::default()), ask(stuck));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(fake.seen().len(), alone);
    // Another identity is another question.
    let other = investigator.with_headers([("Authorization", "Bearer other")]).unwrap();
    other.operations(hour(), &Filters::default(), 50, Time(NOON)).await.unwrap();
    assert!(fake.seen().len() > alone);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_cut_down_to_the_single_trace() {
    let mut giant = training(OP, NOON - 300 * SECOND, None);
    let filler: &'static str = Box::leak("x".repeat(4000).into_boxed_str());
    giant.extend((0..60).map(|n| {
        span("ktrdr-training-worker-1", "training.epoch", NOON - 200 * SECOND + n * 1000, 10, &[("text", filler)])
    }));
    let mut traces: Vec<_> = (2..20)
        .map(|n| trace(n, &[span("ktrdr-training-worker-1", "operation.register", NOON - n as i64 * SECOND, 5, &[])]))
        .collect();
    traces.push(trace(1, &giant));
    let fake = Fake::start(Profile::v2_20(), traces).await;
    let investigator = with(&fake, Options::default(), |config| config.max_body = 64 << 10);
    let answer = investigator.operations(hour(), &Filters::default(), 100, Time(NOON)).await.unwrap();
    assert!(answer.partial);
    assert!(answer.notices.iter().any(|note| note.contains("is incomplete")), "{:?}", answer.notices);
    let row = answer.diagnoses.iter().find(|d| d.operation_id.as_deref() == Some(OP)).unwrap();
    assert!(row.partial && row.remarks.iter().any(|remark| remark.contains("larger than")), "{:?}", row.remarks);
    assert!(row.services.contains(&"ktrdr-training-worker-1".to_owned()));
    let limits: Vec<_> = fake.searches().iter().map(|seen| seen.get("limit").to_owned()).collect();
    assert!(limits.contains(&"50".to_owned()) && limits.contains(&"1".to_owned()), "{limits:?}");
}

#[tokio::test]
async fn one_failing_service_is_a_notice_and_all_failing_is_an_error() {
    let traces = vec![
        trace(1, &[span("good", "operation.register", NOON - SECOND, 5, &[])]),
        trace(2, &[span("bad", "operation.register", NOON - SECOND, 5, &[])]),
    ];
    let fake = Fake::scripted(Profile::v2_20(), traces.clone(), |seen, _| {
        (seen.path == "/api/traces" && seen.get("service") == "bad").then(|| legacy_error(500, "no shard"))
    })
    .await;
    let answer = operations(&fake).await;
    assert!(answer.partial);
    assert!(
        answer.notices.iter().any(|note| note.contains("bad") && note.contains("no shard")),
        "{:?}",
        answer.notices
    );
    let fake = Fake::scripted(Profile::v2_20(), traces, |seen, _| {
        (seen.path == "/api/traces").then(|| legacy_error(500, "no shard"))
    })
    .await;
    let error = investigator(&fake).operations(hour(), &Filters::default(), 100, Time(NOON)).await.unwrap_err();
    assert!(error.to_string().contains("no shard"));
}

#[tokio::test]
async fn a_question_may_be_dropped_and_asked_again() {
    let fake = Fake::start(Profile::v2_20(), vec![noise(1)]).await;
    let investigator = investigator(&fake);
    let filters = Filters::default();
    let question = investigator.operations(hour(), &filters, 100, Time(NOON));
    assert!(tokio::time::timeout(std::time::Duration::ZERO, question).await.is_err());
    investigator.operations(hour(), &filters, 100, Time(NOON)).await.unwrap();
}

#[test]
fn questions_can_be_sent_between_threads() {
    fn is_send<T: Send>(_: T) {}
    let client = Client::new(&Config { url: "http://h".to_owned(), ..Config::default() }).unwrap();
    let investigator = Investigator::new(client, Arc::new(Playbook::ktrdr()), Options::default());
    let (filters, target) = (Filters::default(), Target::Trace(TraceId(1)));
    is_send(investigator.operations(hour(), &filters, 1, Time(0)));
    is_send(investigator.diagnosis(&target, Time(0)));
    is_send(investigator.traces(&target, Time(0)));
    is_send(investigator.tag_keys(hour(), &filters, Time(0)));
}

#[tokio::test]
async fn lists_are_sorted_and_bounded_by_services() {
    let fake = Fake::start(Profile::v2_20(), vec![trace(1, &training(OP, NOON, None))]).await;
    let investigator = investigator(&fake);
    assert_eq!(
        investigator.services(hour(), &Filters::default(), Time(NOON)).await.unwrap(),
        ["ktrdr-api", "ktrdr-training-worker-1"]
    );
    assert_eq!(investigator.span_names(&["ktrdr-api".to_owned()]).await.unwrap(), ["POST /api/v1/trainings/start"]);
    assert_eq!(investigator.span_names(&[]).await.unwrap().len(), 4);
    let types = investigator.operation_types(hour(), &Filters::default(), Time(NOON)).await.unwrap();
    assert!(types.contains(&"training".to_owned()) && types.is_sorted());
}

/// A training of an hour, of which some storage backends return only a part.
fn long_training() -> Vec<Span> {
    let mut spans = training(OP, NOON - 3500 * SECOND, None);
    let tags = [("operation.id", OP), ("operation.from_status", "running"), ("operation.to_status", "completed")];
    spans.push(span("ktrdr-training-worker-1", "training.data_loading", NOON - 3400 * SECOND, 3000 * SECOND, &[]));
    spans.push(span("ktrdr-training-worker-1", "operation.state_transition", NOON - 60 * SECOND, 500, &tags));
    spans
}

#[tokio::test]
async fn a_long_trace_that_a_search_gave_in_part_is_fetched_whole() {
    let whole = trace(1, &long_training());
    let fake = Fake::start(Profile { spans_in_search: 5, ..Profile::v2_20() }, vec![whole.clone()]).await;
    let answer = operations(&fake).await;
    assert_eq!((answer.diagnoses[0].status.as_str(), answer.diagnoses[0].partial), ("completed", false));
    let gone = Profile { spans_in_search: 5, by_id: false, ..Profile::v2_20() };
    let fake = Fake::start(gone, vec![whole]).await;
    let answer = operations(&fake).await;
    assert_eq!((answer.diagnoses[0].status.as_str(), answer.diagnoses[0].partial), ("running", true));
}

/// A training of an hour with five spans.
fn long_and_running(op: &'static str, minutes_ago: i64) -> Vec<Span> {
    let start = NOON - minutes_ago * 60 * SECOND;
    let mut spans = training(op, start, None);
    spans.push(span("ktrdr-training-worker-1", "training.data_loading", start + SECOND, 2900 * SECOND, &[]));
    spans
}

fn reads_by_id(fake: &Fake) -> usize {
    fake.seen().iter().filter(|seen| seen.path.starts_with("/api/traces/")).count()
}

const OTHERS: [&str; 6] = [
    "op_training_20261122_100001_00000001",
    "op_training_20261122_100002_00000002",
    "op_training_20261122_100003_00000003",
    "op_training_20261122_100004_00000004",
    "op_training_20261122_100005_00000005",
    "op_training_20261122_100006_00000006",
];

#[tokio::test]
async fn after_five_useless_reads_a_storage_is_taken_to_give_whole_traces() {
    let traces = (10..).zip(OTHERS).map(|(id, op)| trace(id, &long_and_running(op, 49))).collect();
    let fake = Fake::start(Profile::v2_20(), traces).await;
    let investigator = investigator(&fake);
    let mut executed = Vec::new();
    for (minutes, reads) in [(0, 5), (1, 5)] {
        let now = Time(NOON + minutes * 60 * SECOND);
        let answer = investigator.operations(hour(), &Filters::default(), 100, now).await.unwrap();
        assert_eq!(answer.diagnoses.len(), OTHERS.len());
        assert_eq!(reads_by_id(&fake), reads);
        executed.push(answer.executed);
    }
    // What was read again depends on earlier questions, so it is not part of the answer.
    assert!(executed.iter().all(|text| !text.contains("trace ")), "{executed:?}");
}

/// Review M13: after a trace that a search had cut, the next traces are read again.
#[tokio::test]
async fn one_useful_read_makes_others_worth_it_again() {
    // The cut one is the oldest, so it is read after the four complete ones.
    let mut traces: Vec<_> = (10..).zip(&OTHERS[..4]).map(|(id, op)| trace(id, &long_and_running(op, 49))).collect();
    traces.push(trace(1, &long_training()));
    let fake = Fake::start(Profile { spans_in_search: 5, ..Profile::v2_20() }, traces).await;
    let investigator = investigator(&fake);
    for minutes in [0, 1, 2] {
        let now = Time(NOON + minutes * 60 * SECOND);
        let answer = investigator.operations(hour(), &Filters::default(), 100, now).await.unwrap();
        let cut = answer.diagnoses.iter().find(|d| d.operation_id.as_deref() == Some(OP)).unwrap();
        assert_eq!(cut.status.as_str(), "completed", "after {minutes} min");
    }
}

/// Review M11: a diagnosis made for a later clock is not the answer for an earlier one.
#[tokio::test]
async fn an_ended_operation_is_remembered_for_later_clocks_only() {
    let op = "op_training_20261122_091000_a41e50c8";
    let mut spans = training(op, NOON - 3000 * SECOND, None);
    let tags = [("operation.id", op), ("operation.from_status", "running"), ("operation.to_status", "completed")];
    spans.push(span("ktrdr-training-worker-1", "operation.state_transition", NOON - 2000 * SECOND, 500, &tags));
    let fake = Fake::start(Profile::v2_20(), vec![trace(1, &spans)]).await;
    let investigator = investigator(&fake);
    let target = Target::parse(op).unwrap();
    let ask = async |now: i64| {
        let answer = investigator.diagnosis(&target, Time(now)).await.unwrap();
        assert!(answer.diagnoses[0].last_activity.unwrap() <= Time(now), "{:?}", answer.diagnoses[0].last_activity);
        fake.seen().len()
    };
    let first = ask(NOON).await;
    let earlier = ask(NOON - 2500 * SECOND).await;
    assert!(earlier > first, "asked anew");
    assert_eq!(ask(NOON + 60 * SECOND).await, earlier, "remembered");
}

/// Review B11: the ids of some systems are hexadecimal digits.
#[tokio::test]
async fn an_operation_id_of_hexadecimal_digits_is_found_and_a_trace_id_still_is() {
    let id = "4bc5e6d07c3c4f0a9d0b8a5f1e2d3c4b";
    let tags = [("operation.id", id), ("operation.type", "training"), ("operation.status", "completed")];
    let traces = vec![trace(7, &[span("ktrdr-api", "operation.register", NOON - 60 * SECOND, 5, &tags)])];
    let fake = Fake::start(Profile::v2_20(), traces).await;
    let trace_id = format!("{:032x}", 7);
    for overlay in ["", "[operation]\nid_pattern = '^[0-9a-f]{32}$'\n"] {
        let playbook = Arc::new(Playbook::with_overlay(overlay).unwrap());
        let client = Client::new(&Config { url: fake.url.clone(), ..Config::default() }).unwrap();
        let investigator = Investigator::new(client, playbook, Options::default());
        for text in [id, &trace_id] {
            let target = Target::parse(text).unwrap();
            let answer = investigator.diagnosis(&target, Time(NOON)).await.unwrap();
            assert_eq!(answer.diagnoses[0].operation_id.as_deref(), Some(id), "{text}, {overlay}");
            assert_eq!(investigator.traces(&target, Time(NOON)).await.unwrap().len(), 1, "{text}, {overlay}");
        }
        let nothing = investigator.diagnosis(&Target::parse("deadbeefdeadbeef").unwrap(), Time(NOON)).await.unwrap();
        assert_eq!(nothing.diagnoses[0].verdict, Verdict::NotFound);
        let summary = &nothing.diagnoses[0].summary;
        assert!(summary.contains("spans with the id") && summary.contains("no trace"), "{summary}");
    }
}

#[tokio::test]
async fn of_running_operations_the_last_polls_and_health_checks_are_read_too() {
    let mut traces = vec![trace(1, &training(OP, NOON - 300 * SECOND, None))];
    let worker = "ktrdr-training-worker-1";
    traces.extend((0..40).map(|n| {
        trace(
            100 + n,
            &[span(worker, "GET /health", NOON - n as i64 * 10 * SECOND, 500, &[("http.target", "/health")])],
        )
    }));
    let fake = Fake::start(Profile::v2_20(), traces).await;
    let answer = operations(&fake).await;
    assert_eq!(answer.diagnoses.len(), 1);
    assert_eq!(answer.diagnoses[0].status.as_str(), "running");
    let asked = |find: &dyn Fn(&fake::Seen) -> bool| fake.searches().iter().filter(|seen| find(seen)).count();
    assert_eq!(asked(&|seen| seen.get("operation") == "GET /health" && seen.get("service") == worker), 1);
    let poll = format!("{{\"http.target\":\"/api/v1/operations/{OP}\"}}");
    assert_eq!(asked(&|seen| seen.get("tags") == poll), 2, "of each service of the operation");
}

#[tokio::test]
async fn traces_of_an_operation_come_main_one_first_and_lists_are_filled_from_what_was_found() {
    let cancel = [("operation.id", OP), ("operation.from_status", "running"), ("operation.to_status", "cancelled")];
    let traces = vec![
        trace(2, &[span("ktrdr-api", "operation.state_transition", NOON - 60 * SECOND, 5, &cancel)]),
        trace(1, &training(OP, NOON - 300 * SECOND, None)),
        trace(3, &training("op_training_20261122_095900_00000001", NOON - 60 * SECOND, Some("completed"))),
    ];
    let fake = Fake::start(Profile::v2_21(), traces).await;
    let investigator = investigator(&fake);
    let target = Target::parse(OP).unwrap();
    let ids: Vec<_> = investigator.traces(&target, Time(NOON)).await.unwrap().iter().map(|t| t.id().0).collect();
    assert_eq!(ids, [1, 2]);
    let by_trace = investigator.diagnosis(&Target::Trace(TraceId(2)), Time(NOON)).await.unwrap();
    assert_eq!(by_trace.diagnoses.len(), 1);
    assert_eq!(by_trace.diagnoses[0].trace_ids.len(), 2, "the other traces of its operation are found");
    let (all, now) = (Filters::default(), Time(NOON));
    let ids = async |filters: &Filters| -> Vec<String> {
        let answer = investigator.operations(hour(), filters, 10, now).await.unwrap();
        answer.diagnoses.iter().filter_map(|d| d.operation_id.clone()).collect()
    };
    assert_eq!(ids(&all).await, ["op_training_20261122_095900_00000001", OP]);
    let cancelled = Filters { verdicts: vec![Verdict::Cancelled], ..Filters::default() };
    assert_eq!(ids(&cancelled).await, [OP]);
    let keys = investigator.tag_keys(hour(), &all, now).await.unwrap();
    assert!(keys.contains(&"operation.id".to_owned()) && keys.is_sorted());
    let values = investigator.tag_values("operation.to_status", hour(), &all, now).await.unwrap();
    assert!(values.contains(&"cancelled".to_owned()), "{values:?}");
    let tagged = Filters { tags: vec![("operation.id".to_owned(), OP.to_owned())], ..Filters::default() };
    assert_eq!(investigator.operations(hour(), &tagged, 10, now).await.unwrap().diagnoses.len(), 1);
    let one = investigator.operations(hour(), &all, 1, now).await.unwrap();
    assert!(one.diagnoses.len() == 1 && one.notices.iter().any(|note| note.contains("1 of 2")), "{:?}", one.notices);
}

#[tokio::test]
async fn a_trace_without_an_operation_says_so() {
    let fake = Fake::start(Profile::v2_20(), vec![noise(1)]).await;
    let answer = investigator(&fake).diagnosis(&Target::Trace(TraceId(1001)), Time(NOON)).await.unwrap();
    assert!(answer.diagnoses.is_empty());
    assert!(answer.notices.iter().any(|note| note.contains("no operation")), "{:?}", answer.notices);
}

/// What changed needs operations that have ended: no lookback, no follow-up searches, no reading by id. A debug build once
/// took 56 s for two hours of a real Jaeger.
#[tokio::test]
async fn what_changed_reads_the_two_ranges_and_nothing_else() {
    let start = |n: u128| NOON - 7000 * SECOND + n as i64 * 60 * SECOND;
    let mut traces: Vec<_> =
        (0..100).map(|n| trace(n + 1, &training(OPS[n as usize % 2], start(n), Some("completed")))).collect();
    traces.push(trace(500, &training(OP, NOON - 100 * SECOND, None)));
    let fake = Fake::start(Profile::v2_20(), traces).await;
    let ranges = ComparedRanges::new(hour(), None).unwrap();
    let investigator = investigator(&fake);
    let filters = Filters::default();
    let ask = || investigator.culprits(ranges, &filters, Time(NOON));
    let (first, second) = tokio::join!(ask(), ask());
    assert!(first.unwrap().comparison.culprits.is_empty() && second.is_ok());
    let mut asked: Vec<_> = fake
        .searches()
        .iter()
        .map(|s| {
            let hours =
                [s.get("start"), s.get("end")].map(|time| (time.parse::<i64>().unwrap() - NOON) / 3600 / SECOND);
            format!("{} {} {hours:?} {}", s.get("service"), s.get("operation"), s.get("limit"))
        })
        .collect();
    asked.sort();
    assert_eq!(
        asked,
        [
            "ktrdr-api POST /api/v1/trainings/start [-1, 0] 200",
            "ktrdr-api POST /api/v1/trainings/start [-2, -1] 200",
            "ktrdr-training-worker-1 operation.state_transition [-1, 0] 200",
            "ktrdr-training-worker-1 operation.state_transition [-2, -1] 200",
        ]
    );
}

/// Searches that have more are asked for twice as many, as long as the sample is not full; the others are not repeated.
#[tokio::test]
async fn what_changed_asks_for_more_where_there_is_more() {
    let transition = |service: String| {
        span(service.leak(), "operation.state_transition", NOON - 60 * SECOND, 500, &[("operation.id", OP)])
    };
    let mut traces: Vec<_> = (0..20).map(|n| trace(1000 + n, &[transition(format!("worker-{n}"))])).collect();
    let start = |n: u128| training(OPS[n as usize % 2], NOON - (n as i64 + 2) * 40 * SECOND, Some("completed"));
    traces.extend((0..60).map(|n| trace(n + 1, &start(n)[..1])));
    let fake = Fake::start(Profile::v2_20(), traces).await;
    let ranges = ComparedRanges::new(hour(), None).unwrap();
    investigator(&fake).culprits(ranges, &Filters::default(), Time(NOON)).await.unwrap();
    let searches = fake.searches();
    let limits = |service: &str| -> Vec<&str> {
        let noon = NOON.to_string();
        let of_window = searches.iter().filter(|s| s.get("end") == noon && s.get("service") == service);
        of_window.map(|search| search.get("limit")).collect()
    };
    assert_eq!((limits("ktrdr-api"), limits("worker-7")), (vec!["39", "78"], vec!["39"]));
}
