//! A store that passes everything on to another one, with places where a test can interfere.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use diagnosis::Comparable;
use store::{
    Acquired, AggregateQuery, AggregateRow, Batch, Committed, CompactTraces, ComparableQuery, Coverage, Field, Lease,
    OperationFilter, OperationKey, Order, Page, Pruned, Result, Retention, SourceId, Store, StoredOperation,
};
use trace::{Micros, Time, TraceId};

/// What a test does at calls of the store; nothing unless it says otherwise.
pub(crate) trait Hooks: fmt::Debug + Send + Sync {
    /// Runs a write. Giving a lease back is none.
    fn write<T: Send>(&self, write: impl Future<Output = Result<T>> + Send) -> impl Future<Output = Result<T>> + Send {
        write
    }

    /// After a commit that succeeded.
    fn committed(&self, _coverage: &Coverage) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Before operations are listed or counted.
    fn before_read(&self, _filter: &OperationFilter) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// A store with hooks.
#[derive(Debug)]
pub(crate) struct HookedStore<H> {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) hooks: H,
}

#[async_trait]
impl<H: Hooks> Store for HookedStore<H> {
    fn place(&self) -> &str {
        self.store.place()
    }

    async fn acquire(&self, source: &SourceId, holder: &str, ttl: Micros, now: Time) -> Result<Acquired> {
        self.hooks.write(self.store.acquire(source, holder, ttl, now)).await
    }

    async fn renew(&self, lease: &Lease, ttl: Micros, now: Time) -> Result<Lease> {
        self.hooks.write(self.store.renew(lease, ttl, now)).await
    }

    async fn release(&self, lease: &Lease, now: Time) -> Result<()> {
        self.store.release(lease, now).await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed> {
        let committed = self.hooks.write(self.store.commit(batch)).await?;
        self.hooks.committed(&committed.coverage).await;
        Ok(committed)
    }

    async fn prune(&self, lease: &Lease, retention: Retention, now: Time) -> Result<Pruned> {
        self.hooks.write(self.store.prune(lease, retention, now)).await
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
        self.hooks.before_read(filter).await;
        self.store.operations(source, filter, order, limit).await
    }

    async fn aggregate(&self, source: &SourceId, query: &AggregateQuery) -> Result<Vec<AggregateRow>> {
        self.hooks.before_read(&query.filter).await;
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
