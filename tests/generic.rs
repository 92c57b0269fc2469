//! A Jaeger of any system under the playbook `generic`: a bounded sample of its traces, and every answer says so.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod fake;

use std::sync::Arc;

use diagnosis::{Answer, Filters, TimeRange, playbook::Playbook};
use fake::{Fake, Profile, span, trace};
use jaeger::{Client, Config};
use ktrdr_diagnosis::investigate::{Investigator, Options, Target};
use serde_json::Value;
use trace::Time;

const NOON: i64 = 1_795_341_600_000_000;
const SECOND: i64 = 1_000_000;

fn investigator(fake: &Fake) -> Investigator {
    let config = Config { url: fake.url.clone(), ..Config::default() };
    Investigator::new(Client::new(&config).unwrap(), Arc::new(Playbook::generic()), Options::default())
}

/// So many requests of a service, one each second before noon.
fn requests(service: &'static str, first: u128, count: u128) -> Vec<Value> {
    let at = |nth: u128| NOON - (nth as i64 + 1) * SECOND;
    (0..count).map(|nth| trace(first + nth, &[span(service, "GET /a", at(nth), 500, &[])])).collect()
}

async fn hour(fake: &Fake) -> Answer {
    let range = TimeRange { from: Time(NOON - 3600 * SECOND), to: Time(NOON) };
    investigator(fake).operations(range, &Filters::default(), 1000, Time(NOON)).await.unwrap()
}

fn sample_notice(answer: &Answer) -> &str {
    answer.notices.iter().find(|notice| notice.starts_with("a sample: ")).unwrap()
}

#[tokio::test]
async fn each_service_is_searched_for_its_latest_traces_within_the_range() {
    let fake = Fake::start(Profile::v2_20(), [requests("front", 1, 3), requests("stock", 100, 2)].concat()).await;
    let answer = hour(&fake).await;
    let mut types: Vec<&str> = answer.diagnoses.iter().map(|d| d.operation_type.as_str()).collect();
    types.sort_unstable();
    assert_eq!(types, ["front: GET /a", "front: GET /a", "front: GET /a", "stock: GET /a", "stock: GET /a"]);
    assert_eq!(
        sample_notice(&answer),
        "a sample: 5 traces of the time range were read (at most 200); the time range has no others"
    );
    let first = &fake.searches()[0];
    assert_eq!((first.get("start"), first.get("operation")), ((NOON - 3600 * SECOND).to_string().as_str(), ""));
    assert_eq!(first.get("limit"), "100", "each of two services has its share of the sample");
}

#[tokio::test]
async fn more_than_two_hundred_traces_are_a_sample_of_the_newest() {
    let fake = Fake::start(Profile::v2_20(), requests("front", 1, 230)).await;
    let answer = hour(&fake).await;
    assert_eq!(answer.diagnoses.len(), 200);
    assert!(sample_notice(&answer).ends_with("there are more, and every number is about the sample"));
    let oldest = answer.diagnoses.iter().filter_map(|d| d.start).min().unwrap();
    assert_eq!(oldest, Time(NOON - 200 * SECOND), "the newest were read");
    let few = Fake::start(Profile::v2_20(), requests("front", 1, 199)).await;
    assert_eq!(hour(&few).await.diagnoses.len(), 199);
}

/// A second look takes what the share of a service with few traces left.
#[tokio::test]
async fn the_share_of_a_service_with_few_traces_goes_to_others() {
    let fake = Fake::start(Profile::v2_20(), [requests("front", 1, 180), requests("stock", 1000, 2)].concat()).await;
    let answer = hour(&fake).await;
    assert_eq!(answer.diagnoses.len(), 182);
    assert!(sample_notice(&answer).ends_with("the time range has no others"), "{}", sample_notice(&answer));
}

#[tokio::test]
async fn one_trace_is_read_whole_by_its_id() {
    let fake = Fake::start(Profile::v2_20(), requests("front", 1, 3)).await;
    let answer = investigator(&fake)
        .diagnosis(&Target::parse("00000000000000000000000000000002").unwrap(), Time(NOON))
        .await
        .unwrap();
    let [one] = answer.diagnoses.as_slice() else { unreachable!("one operation") };
    assert_eq!((one.operation_type.as_str(), one.status.as_str()), ("front: GET /a", "completed"));
}
