//! Names to choose from, for query editors and variables.

use std::collections::BTreeSet;

use diagnosis::{Diagnosis, Filters, TimeRange};
use store::{Field, States, StoredOperation};
use tokio::time::Instant;
use trace::Time;

use super::{History, Need, question::Question};
use crate::investigate::Error;

impl History {
    /// The first `limit` distinct values of a field in the operations of a range, sorted.
    pub(crate) async fn distinct(
        &self,
        field: &Field,
        range: TimeRange,
        filters: &Filters,
        limit: usize,
        now: Time,
        deadline: Option<Instant>,
    ) -> Result<Vec<String>, Error> {
        self.wait(Need::List, range, now, deadline).await?;
        let question = Question::new(range, filters, &self.shared.playbook, now);
        let closed = question.filter(States::Closed);
        let (mut names, open) = self
            .with_open(&question, |_| self.shared.store.distinct(&self.shared.source, field, &closed, limit))
            .await?;
        names.extend(open.operations.iter().flat_map(|(stored, judged)| values(field, stored, judged)));
        let names: BTreeSet<String> = names.into_iter().filter(|name| !name.is_empty()).collect();
        Ok(names.into_iter().take(limit).collect())
    }
}

fn values(field: &Field, stored: &StoredOperation, judged: &Diagnosis) -> Vec<String> {
    match field {
        Field::OperationType => vec![judged.operation_type.clone()],
        Field::ErrorType => judged.error_type.iter().cloned().collect(),
        Field::Service => judged.services.clone(),
        Field::Worker => stored.workers.clone(),
        Field::TagKey => stored.tags.iter().map(|(key, _)| key.clone()).collect(),
        Field::TagValue(wanted) => {
            stored.tags.iter().filter(|(key, _)| key == wanted).map(|(_, value)| value.clone()).collect()
        }
    }
}
