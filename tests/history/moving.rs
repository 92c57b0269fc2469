//! A recorder writes while questions are answered, and some operations are too many to judge at once.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use diagnosis::{Diagnosis, Filters, Measure, OperationStatus, TimeRange};
use ktrdr_diagnosis::investigate::{MetricQuery, Reader};
use store::{MemoryStore, OperationFilter, States, Store, StoredOperation, Upsert};
use trace::Micros;

use crate::{
    corpus::{DAY, HOUR, NOW, ask, commit, read},
    hooked_store::{HookedStore, Hooks},
};

/// Hooks that change the store before each of the next reads of closed operations.
#[derive(Debug)]
struct Moving {
    store: Arc<dyn Store>,
    changes: Mutex<Vec<StoredOperation>>,
    reads: AtomicUsize,
}

impl Hooks for Moving {
    async fn before_read(&self, filter: &OperationFilter) {
        if filter.states == States::Closed {
            self.reads.fetch_add(1, Relaxed);
            let change = self.changes.lock().unwrap().pop();
            if let Some(operation) = change {
                commit(&*self.store, vec![Upsert { operation, traces: None }], Vec::new()).await;
            }
        }
    }
}

fn operation(number: usize, closed: bool) -> StoredOperation {
    let record = Diagnosis {
        operation_id: Some(format!("op_{number}")),
        status: if closed { OperationStatus::Completed } else { OperationStatus::Running },
        start: Some(NOW - Micros(HOUR.0 / 2)),
        end: closed.then_some(NOW - Micros(HOUR.0 / 4)),
        ..Diagnosis::default()
    };
    let mut operation = StoredOperation::of(record).unwrap();
    operation.closed = closed;
    operation
}

fn hour() -> TimeRange {
    TimeRange { from: NOW - HOUR, to: NOW }
}

fn count() -> MetricQuery {
    let (by, buckets, reader) = (Vec::new(), None, Reader::AlertRule);
    MetricQuery { measure: Measure::Count, by, buckets, reader, limit: 1 }
}

async fn filled(operations: Vec<StoredOperation>, changes: Vec<StoredOperation>) -> Arc<HookedStore<Moving>> {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let upserts = operations.into_iter().map(|operation| Upsert { operation, traces: None }).collect();
    commit(&*store, upserts, read(NOW - Micros(7 * DAY.0), NOW)).await;
    let hooks = Moving { store: Arc::clone(&store), changes: Mutex::new(changes), reads: AtomicUsize::new(0) };
    Arc::new(HookedStore { store, hooks })
}

#[tokio::test]
async fn an_operation_that_closes_or_opens_again_meanwhile_counts_once() {
    for (before, after) in [(false, true), (true, false)] {
        for is_list in [false, true] {
            let moving = filled(vec![operation(1, before), operation(2, true)], vec![operation(1, after)]).await;
            let store: Arc<dyn Store> = Arc::clone(&moving) as Arc<dyn Store>;
            let ask = ask(&store);
            if is_list {
                let answer = ask.operations(hour(), &Filters::default(), 10, NOW).await.unwrap();
                assert_eq!(answer.diagnoses.len(), 2, "closed before: {before}");
            } else {
                let numbers = ask.metric(hour(), &Filters::default(), &count(), NOW).await.unwrap();
                assert_eq!(numbers.rows[0].count, 2, "closed before: {before}");
            }
            assert_eq!(moving.hooks.reads.load(Relaxed), 2, "it was read again");
        }
    }
}

#[tokio::test]
async fn a_store_that_never_rests_is_answered_from_all_the_same() {
    let changes = (0..20).map(|number| operation(1, number % 2 == 0)).collect();
    let moving = filled(vec![operation(1, true)], changes).await;
    let store: Arc<dyn Store> = Arc::clone(&moving) as Arc<dyn Store>;
    ask(&store).metric(hour(), &Filters::default(), &count(), NOW).await.unwrap();
    assert_eq!(moving.hooks.reads.load(Relaxed), 4);
}

#[tokio::test]
async fn more_open_operations_than_are_judged_at_once_are_counted_all_and_said() {
    for (open, notices) in [
        (2_000, vec![]),
        (
            2_001,
            vec![
                "1 of the operations that have not ended are shown as they were last judged: only the newest 2000 are judged \
                 at once"
                    .to_owned(),
            ],
        ),
    ] {
        let store: Arc<dyn Store> = filled((0..open).map(|number| operation(number, false)).collect(), Vec::new()).await;
        let numbers = ask(&store).metric(hour(), &Filters::default(), &count(), NOW).await.unwrap();
        assert_eq!((numbers.rows[0].count, numbers.notices), (open as u64, notices));
    }
}
