//! What the store in memory holds, and how it stays within its limit.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use serde::Serialize;
use trace::{Micros, Time};

use crate::{
    Batch, Committed, CompactTraces, Coverage, Lease, Mark, OperationFilter, OperationKey, Order, Pruned, Retention,
    SourceId, StoredOperation, Upsert,
};

/// An operation in memory takes about this much beside its texts.
const OPERATION_BYTES: usize = 1_500;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) sources: BTreeMap<SourceId, SourceState>,
}

#[derive(Debug, Default)]
pub(super) struct SourceState {
    /// The last lease, which may have expired: the next one needs a higher token.
    pub(super) lease: Option<Lease>,
    pub(super) coverage: Coverage,
    pub(super) operations: BTreeMap<OperationKey, Kept>,
    pub(super) marks: BTreeSet<OperationKey>,
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) operation: StoredOperation,
    pub(super) traces: Option<CompactTraces>,
    record_bytes: usize,
}

impl Kept {
    fn trace_bytes(&self) -> usize {
        self.traces.as_ref().map_or(0, |traces| traces.as_bytes().len())
    }

    fn bytes(&self) -> usize {
        self.record_bytes + self.trace_bytes()
    }
}

impl State {
    pub(super) fn bytes(&self) -> usize {
        self.sources.values().map(|source| source.bytes).sum()
    }

    /// The source of a lease that is still held.
    pub(super) fn held(&mut self, lease: &Lease, now: Time) -> Option<&mut SourceState> {
        let source = self.sources.get_mut(&lease.source)?;
        let held = source.lease.as_ref().is_some_and(|held| held.token == lease.token && held.expires_at > now);
        held.then_some(source)
    }

    /// Drops the oldest until a twentieth of the space is free again.
    pub(super) fn evict(&mut self, max_bytes: usize) {
        let mut bytes = self.bytes();
        if bytes <= max_bytes {
            return;
        }
        let enough = max_bytes / 20 * 19;
        let mut oldest: Vec<(bool, Time, SourceId, OperationKey)> = Vec::new();
        for (name, source) in &self.sources {
            let entry = |(key, kept): (&OperationKey, &Kept)| {
                (!kept.operation.closed, kept.operation.last_time(), name.clone(), key.clone())
            };
            oldest.extend(source.operations.iter().map(entry));
        }
        oldest.sort_unstable();
        let closed = oldest.partition_point(|(open, ..)| !open);
        let (closed, open) = oldest.split_at(closed);
        for (candidates, what) in
            [(closed, Evict::Traces), (closed, Evict::Operation), (open, Evict::Traces), (open, Evict::Operation)]
        {
            for (_, _, name, key) in candidates {
                if bytes <= enough {
                    return;
                }
                let Some(source) = self.sources.get_mut(name) else { continue };
                bytes -= source.evict(key, what);
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Evict {
    Traces,
    Operation,
}

impl SourceState {
    pub(super) fn is_empty(&self) -> bool {
        self.operations.is_empty() && self.coverage == Coverage::default()
    }

    pub(super) fn matching(&self, filter: &OperationFilter) -> impl Iterator<Item = &StoredOperation> {
        self.operations.values().map(|kept| &kept.operation).filter(|operation| filter.fits(operation))
    }

    pub(super) fn newest(&self, wanted: impl Fn(&StoredOperation) -> bool) -> Vec<StoredOperation> {
        let all = self.operations.values().map(|kept| &kept.operation);
        let mut found: Vec<_> = all.filter(|operation| wanted(operation)).cloned().collect();
        found.sort_by(|a, b| Order::Newest.compare(&a.record, &b.record));
        found
    }

    pub(super) fn apply(&mut self, batch: Batch) -> Committed {
        let mut committed = Committed::default();
        for key in &batch.remove {
            self.remove(key);
        }
        for upsert in batch.operations {
            if self.upsert(upsert) {
                committed.written += 1;
            } else {
                committed.skipped_as_older += 1;
            }
        }
        for mark in batch.marks {
            self.mark(mark);
        }
        for change in batch.coverage {
            self.coverage.apply(change);
        }
        committed
    }

    fn upsert(&mut self, upsert: Upsert) -> bool {
        let operation = upsert.operation;
        let key = operation.key.clone();
        let known = self.operations.get(&key);
        if known.is_some_and(|kept| kept.operation.engine_version > operation.engine_version) {
            return false;
        }
        let traces = upsert.traces.or_else(|| known.and_then(|kept| kept.traces.clone()));
        self.remove(&key);
        let record_bytes = OPERATION_BYTES + json_len(&operation.record) + json_len(&operation.comparable);
        let kept = Kept { operation, traces, record_bytes };
        self.bytes += kept.bytes();
        self.operations.insert(key, kept);
        true
    }

    fn remove(&mut self, key: &OperationKey) -> Option<Kept> {
        self.marks.remove(key);
        let kept = self.operations.remove(key)?;
        self.bytes -= kept.bytes();
        Some(kept)
    }

    fn mark(&mut self, mark: Mark) {
        let all = || self.operations.iter().map(|(key, kept)| (key, &kept.operation, kept));
        let marked: Vec<OperationKey> = match mark {
            Mark::Operation(key) => self.operations.contains_key(&key).then_some(key).into_iter().collect(),
            Mark::Comparable { operation_type, comparable_by, after, until } => {
                let ended = |end: Option<Time>| end.is_some_and(|end| end > after && end <= until);
                all()
                    .filter(|(_, operation, _)| operation.closed && ended(operation.record.end))
                    .filter(|(_, operation, _)| operation.record.operation_type == operation_type)
                    .filter(|(_, operation, _)| operation.comparable_by == comparable_by)
                    .map(|(key, ..)| key.clone())
                    .collect()
            }
            Mark::OtherPlaybook(hash) => all()
                .filter(|(_, operation, kept)| {
                    operation.closed && kept.traces.is_some() && operation.playbook_hash != hash
                })
                .map(|(key, ..)| key.clone())
                .collect(),
        };
        self.marks.extend(marked);
    }

    pub(super) fn prune(&mut self, retention: Retention) -> Pruned {
        let mut pruned = Pruned::default();
        let closed = self.operations.iter().filter(|(_, kept)| kept.operation.closed);
        let closed: Vec<(OperationKey, Time)> =
            closed.map(|(key, kept)| (key.clone(), kept.operation.last_time())).collect();
        for (key, last) in closed {
            if last < retention.operations_from {
                self.remove(&key);
                pruned.operations += 1;
            } else if last < retention.traces_from {
                pruned.traces += u64::from(self.drop_traces(&key) > 0);
            }
        }
        self.coverage.remove_before(retention.operations_from);
        pruned
    }

    fn drop_traces(&mut self, key: &OperationKey) -> usize {
        let Some(kept) = self.operations.get_mut(key) else { return 0 };
        let freed = kept.trace_bytes();
        kept.traces = None;
        self.bytes -= freed;
        freed
    }

    fn evict(&mut self, key: &OperationKey, what: Evict) -> usize {
        match what {
            Evict::Traces => self.drop_traces(key),
            Evict::Operation => {
                let Some(kept) = self.remove(key) else { return 0 };
                // The window of an open operation reaches to the clock, so no later time is complete without it.
                let first_complete =
                    if kept.operation.closed { kept.operation.last_time() + Micros(1) } else { Time(i64::MAX) };
                self.coverage.remove_before(first_complete);
                kept.bytes()
            }
        }
    }
}

/// How long a value is as JSON: about what its texts and lists take in memory.
fn json_len(value: &impl Serialize) -> usize {
    #[derive(Default)]
    struct Counter(usize);
    impl io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter::default();
    // Counting does not fail, and what cannot be written as JSON is not counted.
    let _ = serde_json::to_writer(&mut counter, value);
    counter.0
}
