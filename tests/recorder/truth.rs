//! What is recorded is what the traces say.

use std::{collections::BTreeMap, sync::atomic::Ordering::Relaxed, time::Duration};

use diagnosis::{Context, Detail, Diagnosis, TimeRange, diagnose};
use ktrdr_diagnosis::recorder::Clock as _;
use store::{OperationFilter, OperationKey, Order, SourceId};
use trace::{Micros, Time};

use crate::simulated::{BEGIN, SOURCE, Setup};

const TEN_MINUTES: Duration = Duration::from_secs(600);

/// What `file` says of all traces at the same clock, without the lists.
pub(crate) fn truth(setup: &Setup, now: Time) -> BTreeMap<OperationKey, Diagnosis> {
    let context = Context { now, detail: Detail::Record, ..Context::default() };
    let report = diagnose(&setup.jaeger.all(), &setup.playbook, &context);
    let operations = report.diagnoses.into_iter().map(|mut diagnosis| {
        diagnosis.workers.clear();
        (OperationKey::of(&diagnosis).unwrap(), diagnosis)
    });
    operations.collect()
}

pub(crate) async fn recorded(setup: &Setup, now: Time) -> BTreeMap<OperationKey, (Diagnosis, bool)> {
    let range = TimeRange { from: BEGIN - Micros::from_secs(7 * 86_400), to: now };
    let filter = OperationFilter::all(range, now);
    let page = setup.store.operations(&SourceId::new(SOURCE), &filter, Order::Newest, 10_000).await.unwrap();
    let operations = page.operations.into_iter();
    operations.map(|one| (one.key.clone(), (Diagnosis::clone(&one.record), one.closed))).collect()
}

/// The fields that differ, for the message of a failure.
fn differences(is: &Diagnosis, should: &Diagnosis) -> Vec<String> {
    let fields = |d: &Diagnosis| serde_json::to_value(d).unwrap().as_object().unwrap().clone();
    let (is, should) = (fields(is), fields(should));
    let differs = |(name, value): (&String, &serde_json::Value)| {
        (should.get(name) != Some(value)).then(|| format!("{name}: {value} instead of {}", should[name]))
    };
    is.iter().filter_map(differs).collect()
}

pub(crate) async fn compare(setup: &Setup) {
    let now = setup.clock.now();
    let (truth, recorded) = (truth(setup, now), recorded(setup, now).await);
    let mut wrong = Vec::new();
    for (key, diagnosis) in &truth {
        match recorded.get(key) {
            None => wrong.push(format!("{key} ({}) is missing", diagnosis.summary)),
            Some((is, closed)) if *closed => {
                let differ = differences(is, diagnosis);
                if !differ.is_empty() {
                    wrong.push(format!("{key}: {}", differ.join("; ")));
                }
            }
            Some(_) => {}
        }
    }
    wrong.extend(recorded.keys().filter(|key| !truth.contains_key(*key)).map(|key| format!("{key} should not exist")));
    let closed = recorded.values().filter(|(_, closed)| *closed).count();
    assert!(wrong.is_empty(), "{} of {} ({closed} closed):\n{}", wrong.len(), truth.len(), wrong.join("\n"));
    assert!(closed * 10 >= truth.len() * 8, "{closed} of {} are closed", truth.len());
}

#[tokio::test(start_paused = true)]
async fn every_closed_operation_is_as_all_traces_say_and_the_requests_are_few() {
    let setup = Setup::new(1);
    let jaeger = &setup.jaeger;
    let asked = || (jaeger.requests.load(Relaxed), jaeger.bytes.load(Relaxed));
    let (_, early) = tokio::join!(setup.record(3 * TEN_MINUTES), async {
        tokio::time::sleep(TEN_MINUTES).await;
        (asked(), jaeger.distinct_bytes(Time(0)))
    });
    let late = (asked(), jaeger.distinct_bytes(BEGIN + Micros::from_secs(600)));
    compare(&setup).await;
    let ((requests, bytes), distinct) = early;
    assert!(bytes * 2 <= distinct * 5, "{bytes} bytes for {distinct} while the past was read");
    let (requests, bytes, distinct) = (late.0.0 - requests, late.0.1 - bytes, late.1);
    assert!(requests <= 2 * 2 * TEN_MINUTES.as_secs(), "{requests} requests in 20 minutes");
    assert!(bytes <= distinct * 6, "{bytes} bytes for {distinct} in 20 minutes");
}
