//! The interface of all backends.

use std::fmt;

use async_trait::async_trait;
use diagnosis::Comparable;
use trace::{Micros, Time, TraceId};

use crate::{
    Acquired, AggregateQuery, AggregateRow, Batch, Committed, CompactTraces, ComparableQuery, Coverage, Field, Lease,
    OperationFilter, OperationKey, Order, Page, Pruned, Result, Retention, SourceId, StoredOperation,
};

/// Keeps operations. One writer per source, which proves itself with a [`Lease`]; any number of readers.
///
/// # Errors
/// Every method fails with an [`Error`](crate::Error) when the store cannot be read or written. A write that fails has
/// changed nothing.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// The file or server, for people and without secrets.
    fn place(&self) -> &str;

    /// Asks for the lease of a source. A holder that asks again gets a new token, so that its earlier self is fenced off.
    async fn acquire(&self, source: &SourceId, holder: &str, ttl: Micros, now: Time) -> Result<Acquired>;

    /// Extends a lease; [`Error::LostLease`](crate::Error::LostLease) if it is not held any more.
    async fn renew(&self, lease: &Lease, ttl: Micros, now: Time) -> Result<Lease>;

    /// Gives a lease back, so that another writer need not wait. Nothing happens if it is not held any more.
    async fn release(&self, lease: &Lease, now: Time) -> Result<()>;

    /// Writes a batch, all of it or nothing. [`Error::LostLease`](crate::Error::LostLease) if the lease is not held any
    /// more. An operation that a newer engine has judged is left as it is.
    async fn commit(&self, batch: Batch) -> Result<Committed>;

    /// Deletes what is older than the retention, and removes that time from the coverage.
    async fn prune(&self, lease: &Lease, retention: Retention, now: Time) -> Result<Pruned>;

    /// All sources that have operations or coverage, by name.
    async fn sources(&self) -> Result<Vec<SourceId>>;

    /// What a source was read for; nothing for a source that is not known.
    async fn coverage(&self, source: &SourceId) -> Result<Coverage>;

    /// The first `limit` operations in this order, and how many fit.
    async fn operations(&self, source: &SourceId, filter: &OperationFilter, order: Order, limit: usize)
    -> Result<Page>;

    /// Numbers over groups of operations, by labels and bucket. Groups without operations are not among them.
    async fn aggregate(&self, source: &SourceId, query: &AggregateQuery) -> Result<Vec<AggregateRow>>;

    /// The first `limit` distinct values in the order of their code points; empty texts do not count.
    async fn distinct(
        &self,
        source: &SourceId,
        field: &Field,
        filter: &OperationFilter,
        limit: usize,
    ) -> Result<Vec<String>>;

    /// The operations that are not closed, newest first.
    async fn open_operations(&self, source: &SourceId) -> Result<Vec<StoredOperation>>;

    /// An operation.
    async fn get(&self, source: &SourceId, key: &OperationKey) -> Result<Option<StoredOperation>>;

    /// The operations that a trace contributed to, newest first.
    async fn by_trace(&self, source: &SourceId, trace: TraceId) -> Result<Vec<StoredOperation>>;

    /// The compact traces of an operation, if they are still kept.
    async fn compact_traces(&self, source: &SourceId, key: &OperationKey) -> Result<Option<CompactTraces>>;

    /// The completed operations that one is compared with, latest end first.
    async fn comparables(&self, source: &SourceId, query: &ComparableQuery) -> Result<Vec<Comparable>>;

    /// Up to `limit` operations that are marked to be judged again, by key.
    async fn marked(&self, source: &SourceId, limit: usize) -> Result<Vec<OperationKey>>;
}
