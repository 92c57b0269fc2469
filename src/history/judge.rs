//! Judges one operation from its compact traces, as the recorder does, but at the time of a question.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Duration,
};

use diagnosis::{Context, Detail, Diagnosis, diagnose};
use store::{CompactTraces, ComparableQuery, OperationKey, StoredOperation};
use trace::Trace;

use super::{History, question::Clocks};

/// How long a verdict of an open operation is cached: the questions of one moment come together.
pub(super) const CACHED_FOR: Duration = Duration::from_secs(5);

/// Everything that the verdict of an operation depends on, the playbook aside.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct JudgedKey {
    operation: OperationKey,
    /// A hash of its compact traces and of the operations that it is compared with.
    inputs: u64,
    clocks: Clocks,
}

impl History {
    /// An open operation as it is at these clocks, without lists; `None` if its traces are not kept.
    pub(super) async fn judge_open(
        &self,
        operation: &StoredOperation,
        clocks: Clocks,
    ) -> Result<Option<Arc<Diagnosis>>, store::Error> {
        let Some(compact) = self.compact_traces(&operation.key).await? else { return Ok(None) };
        let context = self.context(operation, clocks, Detail::Record).await?;
        let mut inputs = DefaultHasher::new();
        (&compact, &context.history).hash(&mut inputs);
        let key = JudgedKey { operation: operation.key.clone(), inputs: inputs.finish(), clocks };
        let work = async {
            let traces = self.decode(&operation.key, &compact)?;
            let mut judged = self.diagnose(traces, context, operation.key.clone()).await?;
            // Stored operations come without lists.
            judged.workers.clear();
            Some(Arc::new(judged))
        };
        Ok(self.shared.judged.get_with(key, work).await)
    }

    pub(super) async fn compact_traces(&self, key: &OperationKey) -> Result<Option<CompactTraces>, store::Error> {
        self.shared.store.compact_traces(&self.shared.source, key).await
    }

    /// The traces, or `None` if they cannot be read any more.
    pub(super) fn decode(&self, key: &OperationKey, compact: &CompactTraces) -> Option<Vec<Trace>> {
        let place = self.shared.store.place();
        let failed = |error| tracing::warn!(%key, %error, place, "compact traces cannot be read");
        compact.decode().map_err(failed).ok()
    }

    /// The context in which an operation is judged, with the operations that it is compared with.
    pub(super) async fn context(
        &self,
        operation: &StoredOperation,
        clocks: Clocks,
        detail: Detail,
    ) -> Result<Context, store::Error> {
        let shared = &self.shared;
        let query = ComparableQuery {
            operation_type: operation.record.operation_type.clone(),
            comparable_by: operation.comparable_by.clone(),
            before: operation.record.end.unwrap_or(clocks.now),
            window: shared.options.baseline_window_with(&shared.playbook),
            except: Some(operation.key.clone()),
            limit: shared.playbook.thresholds().baseline_max_operations,
        };
        Ok(Context {
            now: clocks.now,
            latest: Some(clocks.latest),
            history: shared.store.comparables(&shared.source, &query).await?,
            baseline_window: shared.options.baseline_window,
            stall_threshold: shared.options.stall_threshold,
            detail,
            ..Context::default()
        })
    }

    /// Applies the playbook on a blocking thread; `None` if the traces do not hold the operation.
    pub(super) async fn diagnose(&self, traces: Vec<Trace>, context: Context, key: OperationKey) -> Option<Diagnosis> {
        let playbook = Arc::clone(&self.shared.playbook);
        let work = move || {
            let found = diagnose(&traces, &playbook, &context).diagnoses;
            found.into_iter().find(|one| OperationKey::of(one).as_ref() == Some(&key))
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|why| {
            tracing::error!(%why, "a diagnosis did not finish");
            None
        })
    }
}
