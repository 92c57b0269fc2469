//! What changed: hours with a culprit, without one, and with too little to be sure.

use serde_json::{Value, json};
use std::sync::LazyLock;
use testbed::{Store, grafana_harness::frame_json, incident};
use tokio::runtime::Runtime;
use trace::Time;

use crate::setup::{Frame, Setup};

/// The incident is expensive to generate: the tests share one.
static SHARED: LazyLock<(Runtime, Setup)> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("threads can be started");
    let now = chrono::Utc::now().timestamp_millis();
    let store = Store::new(incident(Time::from_millis(now), 1));
    let setup = runtime.block_on(Setup::over(store, now));
    (runtime, setup)
});

/// Asks about the hours from so many to so many before now.
fn ask(hours: (i64, i64), query: &Value) -> Frame {
    let (runtime, setup) = &*SHARED;
    let answer = runtime.block_on(setup.over_hours(hours, query.clone(), false));
    assert_eq!(answer.error, "", "{query}");
    let [frame] = answer.frames.as_slice() else { panic!("{} frames", answer.frames.len()) };
    Frame(frame_json(frame).expect("Grafana takes it"))
}

/// The error that a query gets.
fn refused(hours: (i64, i64), query: &Value, alert: bool) -> String {
    let (runtime, setup) = &*SHARED;
    let answer = runtime.block_on(setup.over_hours(hours, query.clone(), alert));
    assert_eq!((answer.status, answer.error_source.as_str()), (400, "downstream"), "{query}");
    answer.error
}

fn culprits() -> Value {
    json!({"queryType": "culprits"})
}

fn notices(frame: &Frame) -> String {
    let texts = frame.meta()["notices"].as_array().map(Vec::as_slice).unwrap_or_default();
    texts.iter().filter_map(|notice| notice["text"].as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_slow_gateway_is_the_first_row_with_examples_and_evidence() {
    let frame = ask((1, 0), &culprits());
    assert_eq!(frame.name(), "culprits");
    assert_eq!(frame.column("rank")[0], 1);
    assert_eq!(frame.column("service")[0], "ktrdr-ib-host-service", "{:?}", frame.column("summary"));
    assert_eq!((&frame.column("span")[0], &frame.column("kind")[0]), (&"ib.fetch_historical".into(), &"span".into()));
    assert_eq!(frame.column("operation_types")[0], json!(["data_load"]));
    assert_eq!((&frame.column("affected")[0], &frame.column("confidence")[0]), (&22.into(), &"high".into()));
    let errors = frame.column("kind").iter().position(|kind| kind == "errors").expect("trainings fail");
    assert_eq!(
        (&frame.column("operation_types")[errors], &frame.column("affected")[errors]),
        (&json!(["training"]), &9.into())
    );
    let example = frame.column("example_trace_id")[0].clone();
    assert_eq!(frame.column("example_trace_ids")[0][0], example);
    assert_eq!(frame.column("evidence")[0][0]["trace_id"], example);
    assert!(
        notices(&frame).contains("55 operations of the window were compared with 64 of the baseline"),
        "{}",
        notices(&frame)
    );
    let custom = &frame.meta()["custom"];
    assert_eq!(
        (&custom["isThin"], &custom["compared"], &custom["partial"]),
        (&json!(false), &"operations".into(), &json!(false))
    );
    assert!(frame.meta()["executedQueryString"].as_str().is_some_and(|text| text.contains("limit=")));
}

#[test]
fn an_hour_like_the_one_before_has_no_row_and_says_so() {
    let frame = ask((2, 1), &culprits());
    assert_eq!(frame.rows(), 0, "{:?}", frame.column("summary"));
    assert!(frame.names().contains(&"example_trace_ids"));
    let notices = notices(&frame);
    assert!(notices.starts_with("nothing deviates from the baseline\n64 operations of the window"), "{notices}");
}

#[test]
fn a_thin_sample_gives_low_confidence_and_says_so() {
    let frame = ask((6, 5), &culprits());
    assert_eq!(frame.column("confidence"), [json!("low")]);
    assert_eq!(frame.column("span"), [json!("ib.fetch_historical")]);
    assert_eq!(frame.meta()["custom"]["isThin"], true);
    let notices = notices(&frame);
    assert!(notices.contains("8 operations of the window were compared with 10 of the baseline"), "{notices}");
    assert!(notices.contains("too little to be sure"), "{notices}");
}

#[test]
fn hours_without_operations_are_no_row_and_a_notice() {
    let frame = ask((4, 3), &json!({"queryType": "culprits", "baseline": {"from": "now-5h", "to": "now-4h"}}));
    assert_eq!(frame.rows(), 0);
    assert!(notices(&frame).contains("0 operations of the window were compared with 0 of the baseline"));
    assert!(!notices(&frame).contains("nothing deviates"), "{}", notices(&frame));
}

#[test]
fn a_baseline_of_ones_choice_and_filters_are_taken() {
    let before = json!({"queryType": "culprits", "baseline": {"from": "now-3h", "to": "now-2h"}});
    assert_eq!(ask((1, 0), &before).column("span")[0], "ib.fetch_historical");
    let backtests = json!({"queryType": "culprits", "filters": {"types": ["backtesting"]}});
    let frame = ask((1, 0), &backtests);
    assert_eq!(frame.rows(), 0);
    assert!(notices(&frame).contains("14 operations of the window were compared with 16 of the baseline"));
}

#[test]
fn a_baseline_that_cannot_be_compared_is_named() {
    let with = |from: &str, to: &str| json!({"queryType": "culprits", "baseline": {"from": from, "to": to}});
    assert!(refused((1, 0), &with("now-40m", "now-30m"), false).contains("within the window"));
    assert!(refused((1, 0), &with("now-2h", "now-3h"), false).contains("the baseline is empty"));
    assert!(refused((1, 0), &with("yesterday", "now-1h"), false).contains("`from` of `baseline`"));
    assert!(refused((0, 0), &culprits(), false).contains("the window is empty"));
}

#[test]
fn an_alert_rule_gets_the_score_as_one_number() {
    let (runtime, setup) = &*SHARED;
    let score = |hours, group: Value| {
        let query = json!({"queryType": "metric", "measure": "culprit_score", "groupBy": group});
        let answer = runtime.block_on(setup.over_hours(hours, query, true));
        assert_eq!(answer.error, "");
        Frame(frame_json(&answer.frames[0]).expect("Grafana takes it"))
    };
    let changed = score((1, 0), json!([]));
    assert_eq!((changed.names(), changed.rows()), (vec!["culprit_score"], 1));
    assert!(changed.column("culprit_score")[0].as_f64() > Some(1000.0), "{changed:?}");
    assert_eq!(changed.meta()["type"], "numeric-long");
    let services = score((1, 0), json!(["service"])).column("service");
    assert_eq!(services[0], "ktrdr-ib-host-service");
    let nothing = score((2, 1), json!(["service"]));
    assert_eq!((nothing.column("service"), nothing.column("culprit_score")), (vec![json!("none")], vec![json!(0.0)]));
    let error = refused((1, 0), &culprits(), true);
    assert!(error.contains("`metric`") && error.contains("`culprit_score`"), "{error}");
}
