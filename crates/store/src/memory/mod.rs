//! The store in memory: bounded, and gone with the process.
//!
//! It evaluates every question on the records themselves, with the code of the `diagnosis` crate. The other backends must
//! give the same answers, which the tests check.

mod state;

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use diagnosis::Comparable;
use trace::{Micros, Time, TraceId};

use self::state::{Kept, SourceState, State};
use crate::{
    Acquired, AggregateQuery, AggregateRow, Batch, Committed, CompactTraces, ComparableQuery, Coverage, Error, Field,
    Lease, LeaseToken, OperationFilter, OperationKey, Order, Page, Pruned, Result, Retention, SourceId, Store,
    StoredOperation, aggregate::Groups,
};

/// Keeps operations in memory, at most so many bytes of them.
///
/// When it is full, compact traces go first and then operations, closed before open ones and the oldest first. The
/// coverage shrinks with the operations.
#[derive(Debug)]
pub struct MemoryStore {
    state: Mutex<State>,
    max_bytes: usize,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(Self::DEFAULT_MAX_BYTES)
    }
}

impl MemoryStore {
    /// How much is kept unless a limit is given: 64 MiB.
    pub const DEFAULT_MAX_BYTES: usize = 64 * 1024 * 1024;

    /// An empty store that keeps about so many bytes.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self { state: Mutex::default(), max_bytes }
    }

    /// About how many bytes the kept operations and traces take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.state().bytes()
    }

    /// No code that holds the lock panics, and every change of the state is complete before the next begins.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T: Default>(&self, source: &SourceId, read: impl FnOnce(&SourceState) -> T) -> T {
        self.state().sources.get(source).map(read).unwrap_or_default()
    }

    fn lost(&self, lease: &Lease) -> Error {
        Error::LostLease { place: self.place().to_owned(), of: lease.source.clone() }
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn place(&self) -> &'static str {
        "the store in memory"
    }

    async fn acquire(&self, source: &SourceId, holder: &str, ttl: Micros, now: Time) -> Result<Acquired> {
        let mut state = self.state();
        let known = &mut state.sources.entry(source.clone()).or_default().lease;
        if let Some(other) = known.as_ref().filter(|lease| lease.holder != holder && lease.expires_at > now) {
            return Ok(Acquired::HeldByOther { holder: other.holder.clone(), expires_at: other.expires_at });
        }
        let token = LeaseToken(known.as_ref().map_or(0, |lease| lease.token.0) + 1);
        let lease = Lease { source: source.clone(), holder: holder.to_owned(), token, expires_at: now + ttl };
        *known = Some(lease.clone());
        Ok(Acquired::Held(lease))
    }

    async fn renew(&self, lease: &Lease, ttl: Micros, now: Time) -> Result<Lease> {
        let mut state = self.state();
        let held = state.held(lease, now).ok_or_else(|| self.lost(lease))?;
        let renewed = Lease { expires_at: now + ttl, ..lease.clone() };
        held.lease = Some(renewed.clone());
        Ok(renewed)
    }

    async fn release(&self, lease: &Lease, now: Time) -> Result<()> {
        if let Some(held) = self.state().held(lease, now) {
            held.lease = Some(Lease { expires_at: now, ..lease.clone() });
        }
        Ok(())
    }

    async fn commit(&self, batch: Batch) -> Result<Committed> {
        let mut state = self.state();
        let lease = batch.lease.clone();
        let held = state.held(&lease, batch.now).ok_or_else(|| self.lost(&lease))?;
        let mut committed = held.apply(batch);
        state.evict(self.max_bytes);
        committed.coverage = state.sources.get(&lease.source).map(|source| source.coverage.clone()).unwrap_or_default();
        Ok(committed)
    }

    async fn prune(&self, lease: &Lease, retention: Retention, now: Time) -> Result<Pruned> {
        let mut state = self.state();
        let held = state.held(lease, now).ok_or_else(|| self.lost(lease))?;
        Ok(held.prune(retention))
    }

    async fn sources(&self) -> Result<Vec<SourceId>> {
        let state = self.state();
        let known = state.sources.iter().filter(|(_, source)| !source.is_empty());
        Ok(known.map(|(name, _)| name.clone()).collect())
    }

    async fn coverage(&self, source: &SourceId) -> Result<Coverage> {
        Ok(self.read(source, |source| source.coverage.clone()))
    }

    async fn operations(
        &self,
        source: &SourceId,
        filter: &OperationFilter,
        order: Order,
        limit: usize,
    ) -> Result<Page> {
        Ok(self.read(source, |source| {
            let mut fitting: Vec<_> = source.matching(filter).collect();
            fitting.sort_by(|a, b| order.compare(&a.record, &b.record));
            let total = fitting.len() as u64;
            Page { operations: fitting.into_iter().take(limit).cloned().collect(), total }
        }))
    }

    async fn aggregate(&self, source: &SourceId, query: &AggregateQuery) -> Result<Vec<AggregateRow>> {
        let found = self.read(source, |source| {
            let (mut found, by) = (Groups::default(), query.groups());
            for operation in source.matching(&query.filter) {
                let labels = by.iter().map(|group| group.of(&operation.record).to_owned()).collect();
                let bucket = query.buckets.map(|buckets| buckets.of(&operation.record));
                found.entry((labels, bucket)).or_default().add(query.measure, &operation.record);
            }
            found
        });
        Ok(query.rows(found))
    }

    async fn distinct(
        &self,
        source: &SourceId,
        field: &Field,
        filter: &OperationFilter,
        limit: usize,
    ) -> Result<Vec<String>> {
        Ok(self.read(source, |source| {
            let mut values: Vec<String> =
                source.matching(filter).flat_map(|operation| field.values(operation)).collect();
            values.sort_unstable();
            values.dedup();
            values.truncate(limit);
            values
        }))
    }

    async fn open_operations(&self, source: &SourceId) -> Result<Vec<StoredOperation>> {
        Ok(self.read(source, |source| source.newest(|operation| !operation.closed)))
    }

    async fn get(&self, source: &SourceId, key: &OperationKey) -> Result<Option<StoredOperation>> {
        Ok(self.read(source, |source| source.operations.get(key).map(|kept| kept.operation.clone())))
    }

    async fn by_trace(&self, source: &SourceId, trace: TraceId) -> Result<Vec<StoredOperation>> {
        Ok(self.read(source, |source| source.newest(|operation| operation.record.trace_ids.contains(&trace))))
    }

    async fn compact_traces(&self, source: &SourceId, key: &OperationKey) -> Result<Option<CompactTraces>> {
        Ok(self.read(source, |source| source.operations.get(key).and_then(|kept| kept.traces.clone())))
    }

    async fn comparables(&self, source: &SourceId, query: &ComparableQuery) -> Result<Vec<Comparable>> {
        Ok(self.read(source, |source| {
            let wanted = |kept: &&Kept| query.except.as_ref() != Some(&kept.operation.key);
            let known = source.operations.values().filter(wanted).filter_map(|kept| kept.operation.comparable.as_ref());
            let mut found: Vec<&Comparable> = known
                .filter(|c| c.operation_type == query.operation_type && c.key == query.comparable_by)
                .filter(|c| c.end <= query.before && c.end + query.window >= query.before)
                .collect();
            found.sort_by(|a, b| (b.end, &a.operation_id).cmp(&(a.end, &b.operation_id)));
            found.into_iter().take(query.limit).cloned().collect()
        }))
    }

    async fn marked(&self, source: &SourceId, limit: usize) -> Result<Vec<OperationKey>> {
        Ok(self.read(source, |source| source.marks.iter().take(limit).cloned().collect()))
    }
}
