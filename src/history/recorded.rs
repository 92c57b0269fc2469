//! An operation or a trace that was asked for by its id, where there is only the store to ask.

use std::sync::Arc;

use diagnosis::{Answer, Diagnosis};
use store::StoredOperation;
use trace::Time;

use super::History;
use crate::investigate::{Target, not_found};

impl History {
    /// The operations that an id names: with their lists, as they are now, where their traces are kept; else as they were
    /// last judged.
    pub(crate) async fn recorded(&self, target: &Target, now: Time) -> Result<Answer, store::Error> {
        let mut answer = Answer { executed: self.asked(), ..Answer::default() };
        for meaning in target.meanings(&self.shared.playbook) {
            for operation in self.named(&meaning).await? {
                let (diagnosis, notice) = self.one(&operation, now).await?;
                answer.diagnoses.push(diagnosis);
                answer.notices.extend(notice);
            }
            if !answer.diagnoses.is_empty() {
                return Ok(answer);
            }
        }
        let searched = format!("it is not among the {}", self.asked());
        answer.diagnoses.push(Arc::new(not_found(&self.shared.playbook, target, &searched)));
        Ok(answer)
    }

    async fn one(
        &self,
        operation: &StoredOperation,
        now: Time,
    ) -> Result<(Arc<Diagnosis>, Option<String>), store::Error> {
        let Some(compact) = self.compact_traces(&operation.key).await? else {
            let notice = format!("the traces of {} are no longer kept, so its lists are missing", operation.key);
            return Ok((Arc::clone(&operation.record), Some(notice)));
        };
        let cut = format!("the traces of {} are kept in part, so its lists may be incomplete", operation.key);
        let notice = compact.is_cut().then_some(cut);
        let judged = self.judge_kept(operation, &compact, now).await?;
        let diagnosis = judged.map_or_else(|| Arc::clone(&operation.record), |(diagnosis, _)| Arc::new(diagnosis));
        Ok((diagnosis, notice))
    }
}
