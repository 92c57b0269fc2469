//! Turns traces into operations to store.
//!
//! Traces that were read are put together with those that the store keeps of the same operations. Then every operation is
//! judged alone, from exactly the traces that will be kept of it and from the comparable operations in the store. So what is
//! stored does not depend on what happened to be read in one go, and judging it again gives the same record.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use diagnosis::{
    Comparable, Context, Detail, Diagnosis, RecordedOperation, Severity, playbook::Playbook, record_operations,
};
use jaeger::merge;
use store::{
    CompactTraces, ComparableQuery, EngineVersion, Mark, OperationKey, PlaybookHash, SourceId, Store, StoredOperation,
    Upsert,
};
use trace::{Micros, Time, Trace, TraceId};

use super::{plan::SETTLED_AFTER, surroundings::explaining};

/// The version of the rules in code. It grows with every release that judges differently.
pub(super) const ENGINE_VERSION: EngineVersion = EngineVersion(1);

/// Judges the operations of one source.
#[derive(Clone, Debug)]
pub(super) struct Judge {
    pub(super) store: Arc<dyn Store>,
    pub(super) source: SourceId,
    pub(super) playbook: Arc<Playbook>,
    pub(super) playbook_hash: PlaybookHash,
    pub(super) baseline_window: Micros,
    pub(super) stall_threshold: Option<Micros>,
    /// An operation that has been silent for longer is closed as it is.
    pub(super) lookback: Micros,
}

/// What traces change in the store.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) operations: Vec<Upsert>,
    pub(super) remove: Vec<OperationKey>,
    pub(super) marks: Vec<Mark>,
    /// The operations whose verdict differs from what was stored, with the new one.
    pub(super) changed: Vec<Arc<Diagnosis>>,
}

/// An operation, and what is known of it.
#[derive(Debug)]
struct Candidate {
    first: RecordedOperation,
    key: OperationKey,
    traces: Vec<Trace>,
    stored: Option<(StoredOperation, Option<CompactTraces>)>,
    observed_at: Time,
}

/// The time now, and the mark behind which everything was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    pub(super) now: Time,
    pub(super) watermark: Option<Time>,
}

type Known = BTreeMap<OperationKey, (StoredOperation, Option<CompactTraces>)>;

impl Judge {
    /// What these traces change. `surroundings` are traces without operations that may explain some of them.
    pub(super) async fn absorb(
        &self,
        fresh: Vec<Trace>,
        surroundings: Vec<Trace>,
        marks: Marks,
    ) -> Result<Changes, store::Error> {
        if fresh.is_empty() && surroundings.is_empty() {
            return Ok(Changes::default());
        }
        let read: BTreeSet<TraceId> = fresh.iter().map(Trace::id).collect();
        let mut known = Known::new();
        for id in &read {
            for operation in self.store.by_trace(&self.source, *id).await? {
                self.load(operation, &mut known).await?;
            }
        }
        let mut pool = fresh;
        let mut found = self.find(&mut pool, &known, marks.now).await?;
        let mut more = false;
        let keys: Vec<OperationKey> = found.iter().filter_map(|one| OperationKey::of(&one.diagnosis)).collect();
        for key in keys {
            if !known.contains_key(&key)
                && let Some(operation) = self.store.get(&self.source, &key).await?
            {
                self.load(operation, &mut known).await?;
                more = true;
            }
        }
        if more {
            found = self.find(&mut pool, &known, marks.now).await?;
        }
        let keys: BTreeSet<OperationKey> = found.iter().filter_map(|one| OperationKey::of(&one.diagnosis)).collect();
        let remove = known.keys().filter(|key| !keys.contains(*key)).cloned().collect();
        let candidates = self.candidates(found, &pool, &surroundings, &read, known, marks.now);
        let mut changes = self.judge(candidates, marks).await?;
        changes.remove = remove;
        Ok(changes)
    }

    /// Judges operations again from what is kept of them.
    pub(super) async fn rejudge(&self, keys: &[OperationKey], marks: Marks) -> Result<Changes, store::Error> {
        let mut candidates = Vec::new();
        for key in keys {
            let Some(operation) = self.store.get(&self.source, key).await? else { continue };
            let mut known = Known::new();
            self.load(operation, &mut known).await?;
            let Some((operation, compact)) = known.remove(key) else { continue };
            let traces = self.decode(compact.as_ref(), key);
            let found = self.record(traces.clone(), Vec::new(), marks.now).await;
            if let Some(first) = pick(found, key) {
                let observed_at = operation.observed_at;
                let stored = Some((operation, compact));
                candidates.push(Candidate { first, key: key.clone(), traces, stored, observed_at });
            } else {
                // Its traces are kept no longer: it stays as it is, without its mark.
                candidates.push(Candidate::unchanged(operation));
            }
        }
        self.judge(candidates, marks).await
    }

    async fn load(&self, operation: StoredOperation, known: &mut Known) -> Result<(), store::Error> {
        if !known.contains_key(&operation.key) {
            let compact = self.store.compact_traces(&self.source, &operation.key).await?;
            known.insert(operation.key.clone(), (operation, compact));
        }
        Ok(())
    }

    fn decode(&self, compact: Option<&CompactTraces>, key: &OperationKey) -> Vec<Trace> {
        let traces = compact.map_or_else(|| Ok(Vec::new()), CompactTraces::decode);
        traces.unwrap_or_else(|error| {
            tracing::warn!(%key, %error, place = self.store.place(), "compact traces cannot be read");
            Vec::new()
        })
    }

    /// The operations in these traces and in those that are kept of them.
    async fn find(
        &self,
        pool: &mut Vec<Trace>,
        known: &Known,
        now: Time,
    ) -> Result<Vec<RecordedOperation>, store::Error> {
        for (key, (_, compact)) in known {
            pool.extend(self.decode(compact.as_ref(), key));
        }
        // Of two copies with equally many spans the first is kept: what was read, before what was kept of it.
        merge(pool);
        Ok(self.record(pool.clone(), Vec::new(), now).await)
    }

    /// Applies the playbook on a blocking thread.
    async fn record(&self, traces: Vec<Trace>, history: Vec<Comparable>, now: Time) -> Vec<RecordedOperation> {
        let playbook = Arc::clone(&self.playbook);
        let context = Context {
            now,
            history,
            baseline_window: Some(self.baseline_window),
            stall_threshold: self.stall_threshold,
            detail: Detail::Record,
            ..Context::default()
        };
        let work = move || record_operations(&traces, &playbook, &context);
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|why| {
            tracing::error!(%why, "a diagnosis did not finish");
            Vec::new()
        })
    }

    fn candidates(
        &self,
        found: Vec<RecordedOperation>,
        pool: &[Trace],
        surroundings: &[Trace],
        read: &BTreeSet<TraceId>,
        mut known: Known,
        now: Time,
    ) -> Vec<Candidate> {
        let of_operations: BTreeSet<TraceId> =
            found.iter().flat_map(|one| one.diagnosis.trace_ids.iter().copied()).collect();
        let without_operation = || pool.iter().chain(surroundings).filter(|trace| !of_operations.contains(&trace.id()));
        let mut candidates = Vec::new();
        for first in found {
            let Some(key) = OperationKey::of(&first.diagnosis) else { continue };
            let own: BTreeSet<TraceId> = first.diagnosis.trace_ids.iter().copied().collect();
            let mut traces: Vec<Trace> = pool.iter().filter(|trace| own.contains(&trace.id())).cloned().collect();
            if may_need_explanation(&first.diagnosis) {
                let (from, to) = self.around(&first.diagnosis, now);
                let near = without_operation().filter(|trace| trace.start() <= Some(to) && trace.end() >= Some(from));
                let mut near: Vec<Trace> = near.cloned().collect();
                merge(&mut near);
                traces.extend(explaining(near, first.diagnosis.end.unwrap_or(now)));
            }
            let stored = known.remove(&key);
            let is_fresh = own.iter().any(|id| read.contains(id));
            let before = stored.as_ref().map(|(operation, _)| operation.observed_at);
            let observed_at = if is_fresh { now } else { before.unwrap_or(now) };
            candidates.push(Candidate { first, key, traces, stored, observed_at });
        }
        candidates
    }

    fn around(&self, diagnosis: &Diagnosis, now: Time) -> (Time, Time) {
        let around = self.playbook.thresholds().context_window;
        let from = diagnosis.start.unwrap_or(now);
        (from - around, diagnosis.end.unwrap_or(now) + around)
    }

    /// Judges each operation alone, earlier ends first, because those that ended before are what later ones are compared
    /// with.
    async fn judge(&self, mut candidates: Vec<Candidate>, marks: Marks) -> Result<Changes, store::Error> {
        candidates.sort_by_key(|one| (one.first.diagnosis.end.unwrap_or(marks.now), one.key.clone()));
        let mut changes = Changes::default();
        let mut ended: Vec<Comparable> = Vec::new();
        for candidate in candidates {
            let before = candidate.first.diagnosis.end.unwrap_or(marks.now);
            let query = ComparableQuery {
                operation_type: candidate.first.diagnosis.operation_type.clone(),
                comparable_by: candidate.first.comparable_by.clone(),
                before,
                window: self.baseline_window,
                except: Some(candidate.key.clone()),
                limit: self.playbook.thresholds().baseline_max_operations,
            };
            let mut history = self.store.comparables(&self.source, &query).await?;
            // What this batch has judged replaces what is stored of it.
            history.retain(|known| ended.iter().all(|newer| newer.operation_id != known.operation_id));
            let fits = |known: &&Comparable| {
                known.operation_type == query.operation_type && known.key == query.comparable_by && known.end <= before
            };
            history.extend(ended.iter().filter(fits).cloned());
            let (upsert, comparable) = self.judge_one(candidate, history, marks, &mut changes).await;
            ended.extend(comparable);
            changes.operations.extend(upsert);
        }
        Ok(changes)
    }

    async fn judge_one(
        &self,
        candidate: Candidate,
        history: Vec<Comparable>,
        marks: Marks,
        changes: &mut Changes,
    ) -> (Option<Upsert>, Option<Comparable>) {
        let Candidate { first, key, traces, stored, observed_at } = candidate;
        if traces.is_empty() {
            let comparable = first.comparable;
            return (stored.map(|(operation, _)| Upsert { operation, traces: None }), comparable);
        }
        let compact = CompactTraces::encode(&traces, &self.playbook);
        // The record is what the kept traces say, so that judging them again changes nothing.
        let kept = self.decode(Some(&compact), &key);
        let recorded = pick(self.record(kept, history, marks.now).await, &key).unwrap_or(first);
        let comparable = recorded.comparable.clone();
        let Some(mut operation) = StoredOperation::of(recorded.diagnosis) else { return (None, comparable) };
        operation.sections = recorded.sections;
        operation.tags = recorded.attributes;
        operation.comparable_by = recorded.comparable_by;
        operation.comparable.clone_from(&comparable);
        operation.closed = self.is_closed(&operation.record, observed_at, marks);
        operation.playbook_hash = self.playbook_hash;
        operation.engine_version = ENGINE_VERSION;
        operation.observed_at = observed_at;
        let before = stored.as_ref().map(|(operation, _)| operation);
        if before.and_then(|before| before.comparable.as_ref()) != comparable.as_ref()
            && let Some(added) = &comparable
        {
            changes.marks.push(Mark::Comparable {
                operation_type: added.operation_type.clone(),
                comparable_by: added.key.clone(),
                after: added.end,
                until: added.end + self.baseline_window,
            });
        }
        if before.is_none_or(|before| before.record.verdict != operation.record.verdict) {
            changes.changed.push(Arc::clone(&operation.record));
        }
        let same_traces = stored.as_ref().is_some_and(|(_, known)| known.as_ref() == Some(&compact));
        (Some(Upsert { operation, traces: (!same_traces).then_some(compact) }), comparable)
    }

    /// Whether the operation is expected to stay as it is.
    fn is_closed(&self, record: &Diagnosis, observed_at: Time, marks: Marks) -> bool {
        let last = record.end.or(record.last_activity).or(record.start).unwrap_or(marks.now);
        if record.status.is_terminal() || record.operation_id.is_none() {
            let explained = last + self.playbook.thresholds().correlation_window;
            marks.watermark.is_some_and(|watermark| explained <= watermark) && observed_at >= last + SETTLED_AFTER
        } else {
            last + self.lookback < marks.now
        }
    }
}

impl Candidate {
    /// An operation of which nothing is kept but its record.
    fn unchanged(operation: StoredOperation) -> Self {
        let first = RecordedOperation {
            diagnosis: Diagnosis::clone(&operation.record),
            sections: operation.sections.clone(),
            attributes: operation.tags.clone(),
            comparable_by: operation.comparable_by.clone(),
            comparable: operation.comparable.clone(),
        };
        let (key, observed_at) = (operation.key.clone(), operation.observed_at);
        Self { first, key, traces: Vec::new(), stored: Some((operation, None)), observed_at }
    }
}

/// Whether traces of other work may matter for the verdict.
fn may_need_explanation(diagnosis: &Diagnosis) -> bool {
    !diagnosis.status.is_terminal() || diagnosis.severity >= Severity::Warning
}

fn pick(found: Vec<RecordedOperation>, key: &OperationKey) -> Option<RecordedOperation> {
    found.into_iter().find(|one| OperationKey::of(&one.diagnosis).as_ref() == Some(key))
}
