//! A recorder writes while questions are answered, and some operations are too many to judge at once.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use diagnosis::{Comparable, Diagnosis, Filters, Measure, OperationStatus, TimeRange};
use ktrdr_diagnosis::investigate::{MetricQuery, Order, Reader};
use store::{
    Acquired, AggregateQuery, AggregateRow, Batch, Committed, CompactTraces, ComparableQuery, Coverage, Field, Lease,
    MemoryStore, OperationFilter, OperationKey, Page, Pruned, Result, Retention, SourceId, States, Store,
    StoredOperation, Upsert,
};
use trace::{Micros, Time, TraceId};

use crate::corpus::{DAY, HOUR, NOW, ask, commit, read};

/// A store in which something happens before each of the next reads of closed operations.
struct Moving {
    store: MemoryStore,
    changes: Mutex<Vec<StoredOperation>>,
    reads: AtomicUsize,
}

impl fmt::Debug for Moving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Moving")
    }
}

impl Moving {
    async fn before_closed(&self, filter: &OperationFilter) {
        if filter.states == States::Closed {
            self.reads.fetch_add(1, Relaxed);
            let change = self.changes.lock().unwrap().pop();
            if let Some(operation) = change {
                commit(&self.store, vec![Upsert { operation, traces: None }], Vec::new()).await;
            }
        }
    }
}

#[async_trait]
impl Store for Moving {
    fn place(&self) -> &str {
        self.store.place()
    }
    async fn acquire(&self, source: &SourceId, holder: &str, ttl: Micros, now: Time) -> Result<Acquired> {
        self.store.acquire(source, holder, ttl, now).await
    }
    async fn renew(&self, lease: &Lease, ttl: Micros, now: Time) -> Result<Lease> {
        self.store.renew(lease, ttl, now).await
    }
    async fn release(&self, lease: &Lease, now: Time) -> Result<()> {
        self.store.release(lease, now).await
    }
    async fn commit(&self, batch: Batch) -> Result<Committed> {
        self.store.commit(batch).await
    }
    async fn prune(&self, lease: &Lease, retention: Retention, now: Time) -> Result<Pruned> {
        self.store.prune(lease, retention, now).await
    }
    async fn sources(&self) -> Result<Vec<SourceId>> {
        self.store.sources().await
    }
    async fn coverage(&self, source: &SourceId) -> Result<Coverage> {
        self.store.coverage(source).await
    }
    async fn operations(
        &self,
        source: &SourceId,
        filter: &OperationFilter,
        order: Order,
        limit: usize,
    ) -> Result<Page> {
        self.before_closed(filter).await;
        self.store.operations(source, filter, order, limit).await
    }
    async fn aggregate(&self, source: &SourceId, query: &AggregateQuery) -> Result<Vec<AggregateRow>> {
        self.before_closed(&query.filter).await;
        self.store.aggregate(source, query).await
    }
    async fn distinct(
        &self,
        source: &SourceId,
        field: &Field,
        filter: &OperationFilter,
        limit: usize,
    ) -> Result<Vec<String>> {
        self.store.distinct(source, field, filter, limit).await
    }
    async fn open_operations(&self, source: &SourceId) -> Result<Vec<StoredOperation>> {
        self.store.open_operations(source).await
    }
    async fn get(&self, source: &SourceId, key: &OperationKey) -> Result<Option<StoredOperation>> {
        self.store.get(source, key).await
    }
    async fn by_trace(&self, source: &SourceId, trace: TraceId) -> Result<Vec<StoredOperation>> {
        self.store.by_trace(source, trace).await
    }
    async fn compact_traces(&self, source: &SourceId, key: &OperationKey) -> Result<Option<CompactTraces>> {
        self.store.compact_traces(source, key).await
    }
    async fn comparables(&self, source: &SourceId, query: &ComparableQuery) -> Result<Vec<Comparable>> {
        self.store.comparables(source, query).await
    }
    async fn marked(&self, source: &SourceId, limit: usize) -> Result<Vec<OperationKey>> {
        self.store.marked(source, limit).await
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

async fn filled(operations: Vec<StoredOperation>, changes: Vec<StoredOperation>) -> Arc<Moving> {
    let store = MemoryStore::default();
    let upserts = operations.into_iter().map(|operation| Upsert { operation, traces: None }).collect();
    commit(&store, upserts, read(NOW - Micros(7 * DAY.0), NOW)).await;
    Arc::new(Moving { store, changes: Mutex::new(changes), reads: AtomicUsize::new(0) })
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
            assert_eq!(moving.reads.load(Relaxed), 2, "it was read again");
        }
    }
}

#[tokio::test]
async fn a_store_that_never_rests_is_answered_from_all_the_same() {
    let changes = (0..20).map(|number| operation(1, number % 2 == 0)).collect();
    let moving = filled(vec![operation(1, true)], changes).await;
    let store: Arc<dyn Store> = Arc::clone(&moving) as Arc<dyn Store>;
    ask(&store).metric(hour(), &Filters::default(), &count(), NOW).await.unwrap();
    assert_eq!(moving.reads.load(Relaxed), 4);
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
