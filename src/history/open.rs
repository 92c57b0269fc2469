//! Operations that may still change, judged at the time of a question.
//!
//! The recorder writes while questions are answered. An operation that closes between reading the open ones and reading the
//! closed ones would be counted twice or not at all. So both are read again until the open ones were the same before and
//! after.

use std::{collections::BTreeSet, sync::Arc};

use diagnosis::Diagnosis;
use futures_util::{StreamExt as _, TryStreamExt as _};
use store::{OperationKey, Order, States, StoredOperation};

use super::{History, question::Question};

/// How many open operations one question judges; the others count as they were last judged.
const MOST_JUDGED: usize = 2_000;
/// How many are judged at the same time.
const AT_ONCE: usize = 8;
/// How often a question is read again because operations closed meanwhile.
const ATTEMPTS: usize = 4;

/// The open operations that a question asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Open {
    /// Each as it is at the clock, with what is stored of it.
    pub(super) operations: Vec<(StoredOperation, Arc<Diagnosis>)>,
    /// How many were too many to judge.
    as_stored: usize,
}

impl Open {
    pub(super) fn records(&self) -> Vec<Arc<Diagnosis>> {
        self.operations.iter().map(|(_, judged)| Arc::clone(judged)).collect()
    }

    pub(super) fn notice(&self) -> Option<String> {
        let judged = format!(
            "{} of the operations that have not ended are shown as they were last judged: only the newest {MOST_JUDGED} \
             are judged at once",
            self.as_stored
        );
        (self.as_stored > 0).then_some(judged)
    }
}

impl History {
    /// What `closed` reads, together with the open operations at the same moment.
    pub(super) async fn with_open<T, F>(
        &self,
        question: &Question,
        closed: impl Fn(Open) -> F,
    ) -> Result<(T, Open), store::Error>
    where
        F: Future<Output = Result<T, store::Error>>,
    {
        let mut candidates = self.candidates(question).await?;
        let mut attempt = 1;
        loop {
            let open = self.judge_all(question, candidates.clone()).await?;
            let answer = closed(open.clone()).await?;
            let after = self.candidates(question).await?;
            if attempt == ATTEMPTS || keys(&candidates) == keys(&after) {
                return Ok((answer, open));
            }
            candidates = after;
            attempt += 1;
        }
    }

    async fn candidates(&self, question: &Question) -> Result<Vec<StoredOperation>, store::Error> {
        let filter = question.candidates();
        let page = self.shared.store.operations(&self.shared.source, &filter, Order::Newest, i32::MAX as usize).await?;
        Ok(page.operations)
    }

    async fn judge_all(&self, question: &Question, all: Vec<StoredOperation>) -> Result<Open, store::Error> {
        let clocks = question.clocks();
        let as_stored = all.len().saturating_sub(MOST_JUDGED);
        let judged: Vec<(StoredOperation, Arc<Diagnosis>)> = futures_util::stream::iter(all.into_iter().enumerate())
            .map(|(nth, operation)| async move {
                let judged = if nth < MOST_JUDGED { self.judge_open(&operation, clocks).await? } else { None };
                let record = judged.unwrap_or_else(|| Arc::clone(&operation.record));
                Ok::<_, store::Error>((operation, record))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let wanted = question.filter(States::All);
        let operations = judged.into_iter().filter(|(_, record)| wanted.fits_record(record)).collect();
        Ok(Open { operations, as_stored })
    }
}

fn keys(operations: &[StoredOperation]) -> BTreeSet<&OperationKey> {
    operations.iter().map(|operation| &operation.key).collect()
}
