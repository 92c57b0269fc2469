//! A store whose recorder dies between two writes, and which checks what every commit claims.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering::Relaxed},
};

use async_trait::async_trait;
use diagnosis::Comparable;
use ktrdr_diagnosis::recorder::Clock as _;
use store::{
    Acquired, AggregateQuery, AggregateRow, Batch, Committed, CompactTraces, ComparableQuery, Coverage, Error, Field,
    Interval, Lease, OperationFilter, OperationKey, Order, Page, Pruned, Result, Retention, SourceId, Store,
    StoredOperation,
};
use tokio::sync::Notify;
use trace::{Micros, Time, TraceId};

use crate::simulated::{SOURCE, VirtualClock};

/// How the life of a recorder ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Before the write.
    Before,
    /// After the write, before the recorder learns of it.
    After,
    /// The write fails, and the recorder goes on.
    Failure,
}

/// An operation, and when the spans start by which it is found.
pub(crate) type Expected = (OperationKey, Interval);

/// One recorder's way to the store.
#[derive(Debug)]
pub(crate) struct MortalStore {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: VirtualClock,
    /// After this time nothing ends any more.
    pub(crate) until: Time,
    pub(crate) writes_left: AtomicI64,
    pub(crate) end: End,
    pub(crate) died: Notify,
    pub(crate) expected: Arc<Vec<Expected>>,
}

impl MortalStore {
    /// Runs a write, unless it is the last one.
    async fn write<T: Send>(&self, write: impl Future<Output = Result<T>> + Send) -> Result<T> {
        if self.writes_left.fetch_sub(1, Relaxed) != 1 || self.clock.now() >= self.until {
            return write.await;
        }
        if self.end == End::Failure {
            return Err(Error::Unreachable { place: "the store".to_owned(), reason: "no route to host".to_owned() });
        }
        if self.end == End::After {
            drop(write.await);
        }
        self.died.notify_one();
        std::future::pending().await
    }

    /// Every operation of the time that is covered must be there.
    async fn check(&self, coverage: &Coverage) {
        for (key, found) in self.expected.iter() {
            if coverage.covered.contains(*found) {
                let known = self.store.get(&SourceId::new(SOURCE), key).await.unwrap();
                assert!(known.is_some(), "{key} is missing, though {found:?} is covered by {coverage:?}");
            }
        }
    }
}

#[async_trait]
impl Store for MortalStore {
    fn place(&self) -> &str {
        self.store.place()
    }

    async fn acquire(&self, source: &SourceId, holder: &str, ttl: Micros, now: Time) -> Result<Acquired> {
        self.write(self.store.acquire(source, holder, ttl, now)).await
    }

    async fn renew(&self, lease: &Lease, ttl: Micros, now: Time) -> Result<Lease> {
        self.write(self.store.renew(lease, ttl, now)).await
    }

    async fn release(&self, lease: &Lease, now: Time) -> Result<()> {
        self.store.release(lease, now).await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed> {
        let committed = self.write(self.store.commit(batch)).await?;
        self.check(&committed.coverage).await;
        Ok(committed)
    }

    async fn prune(&self, lease: &Lease, retention: Retention, now: Time) -> Result<Pruned> {
        self.write(self.store.prune(lease, retention, now)).await
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
        self.store.operations(source, filter, order, limit).await
    }

    async fn aggregate(&self, source: &SourceId, query: &AggregateQuery) -> Result<Vec<AggregateRow>> {
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
