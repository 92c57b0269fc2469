//! An operation or a trace that was asked for by its id, from the traces that are kept of it.

use std::sync::Arc;

use diagnosis::{Answer, Detail, Diagnosis};
use store::{CompactTraces, OperationKey, StoredOperation};
use trace::{Time, Trace};

use super::{History, question::Clocks};
use crate::investigate::Target;

/// What is kept of the operations that a question named.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Which of its meanings the id has.
    pub(crate) target: Target,
    /// Complete, with their lists.
    pub(crate) answer: Answer,
    /// Their traces, and those that explain them.
    pub(crate) traces: Arc<Vec<Trace>>,
    /// Whether a text was cut or spans were left out.
    pub(crate) is_cut: bool,
}

impl History {
    /// The operations that an id names; `None` unless all of them are closed and their traces are kept.
    pub(crate) async fn single(&self, target: &Target, now: Time) -> Result<Option<Kept>, store::Error> {
        for meaning in target.meanings(&self.shared.playbook) {
            let named = self.named(&meaning).await?;
            if !named.is_empty() {
                return self.kept(meaning, named, now).await;
            }
        }
        Ok(None)
    }

    pub(super) async fn named(&self, target: &Target) -> Result<Vec<StoredOperation>, store::Error> {
        let (store, source) = (&self.shared.store, &self.shared.source);
        let found = match target {
            Target::Operation(id) | Target::Either(id, _) => {
                store.get(source, &OperationKey::new(id)).await?.into_iter().collect()
            }
            Target::Trace(id) => store.by_trace(source, *id).await?,
        };
        // The key of an operation without an id is that of its trace.
        Ok(found.into_iter().filter(|operation| target.includes(&operation.record)).collect())
    }

    async fn kept(
        &self,
        target: Target,
        operations: Vec<StoredOperation>,
        now: Time,
    ) -> Result<Option<Kept>, store::Error> {
        let (mut diagnoses, mut traces, mut is_cut) = (Vec::new(), Vec::new(), false);
        for operation in operations.iter().filter(|operation| operation.closed) {
            let Some(compact) = self.compact_traces(&operation.key).await? else { continue };
            let Some((diagnosis, own)) = self.judge_kept(operation, &compact, now).await? else { continue };
            is_cut |= compact.is_cut();
            diagnoses.push(Arc::new(diagnosis));
            traces.extend(own);
        }
        if diagnoses.len() < operations.len() {
            return Ok(None);
        }
        jaeger::merge(&mut traces);
        let answer = Answer { diagnoses, executed: self.asked(), ..Answer::default() };
        Ok(Some(Kept { target, answer, traces: Arc::new(traces), is_cut }))
    }

    pub(super) async fn judge_kept(
        &self,
        operation: &StoredOperation,
        compact: &CompactTraces,
        now: Time,
    ) -> Result<Option<(Diagnosis, Vec<Trace>)>, store::Error> {
        let Some(traces) = self.decode(&operation.key, compact) else { return Ok(None) };
        let clocks = Clocks { now, latest: now };
        let context = self.context(operation, clocks, Detail::Full).await?;
        let diagnosis = self.diagnose(traces.clone(), context, operation.key.clone()).await;
        Ok(diagnosis.map(|diagnosis| (diagnosis, traces)))
    }
}
