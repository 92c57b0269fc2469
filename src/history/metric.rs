//! Numbers over all operations of a range. No limit changes them.

use diagnosis::{Filters, MetricAnswer, TimeRange};
use store::{AggregateQuery, States};
use tokio::time::Instant;
use trace::Time;

use super::{History, Need, question::Question};
use crate::investigate::{Error, MetricQuery};

impl History {
    /// What these operations measure.
    pub(crate) async fn metric(
        &self,
        range: TimeRange,
        filters: &Filters,
        query: &MetricQuery,
        now: Time,
        deadline: Option<Instant>,
    ) -> Result<MetricAnswer, Error> {
        let ready = self.wait(Need::Numbers(query.reader), range, now, deadline).await?;
        let question = Question::new(range, filters, &self.shared.playbook, now);
        let closed = question.filter(States::Closed);
        let (rows, open) = self
            .with_open(&question, |open| {
                let aggregate = AggregateQuery {
                    filter: closed.clone(),
                    measure: query.measure,
                    group_by: query.by.clone(),
                    buckets: query.buckets,
                    beside: open.records(),
                };
                async move { self.shared.store.aggregate(&self.shared.source, &aggregate).await }
            })
            .await?;
        let mut notices = ready.notices;
        notices.extend(open.notice());
        Ok(MetricAnswer { rows, notices, partial: ready.partial, executed: self.asked(), basis: Some(ready.basis) })
    }
}
