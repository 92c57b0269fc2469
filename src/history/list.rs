//! Lists of operations.

use std::sync::Arc;

use diagnosis::{Answer, Diagnosis, Filters, Severity, TimeRange};
use store::{Order, States};
use tokio::time::Instant;
use trace::Time;

use super::{History, Need, question::Question};
use crate::investigate::Error;

impl History {
    /// The first `limit` operations of a range in an order.
    pub(crate) async fn operations(
        &self,
        range: TimeRange,
        filters: &Filters,
        order: Order,
        limit: usize,
        now: Time,
        deadline: Option<Instant>,
    ) -> Result<Answer, Error> {
        let (mut answer, total) = self.list(range, filters, order, limit, now, deadline).await?;
        if total > limit as u64 {
            let word = order.as_str();
            answer
                .notices
                .push(format!("the {word} {limit} of {total} operations are shown: raise the limit to see more"));
        }
        Ok(answer)
    }

    /// The operations of a range with at least this severity, newest first, at most `limit` of them.
    pub(crate) async fn annotations(
        &self,
        range: TimeRange,
        filters: &Filters,
        least: Severity,
        limit: usize,
        now: Time,
        deadline: Option<Instant>,
    ) -> Result<Answer, Error> {
        // The worst ones contain all that are bad enough, however many others there are.
        let (mut answer, total) = self.list(range, filters, Order::Worst, limit, now, deadline).await?;
        let found = answer.diagnoses.len();
        answer.diagnoses.retain(|diagnosis| diagnosis.severity >= least);
        if answer.diagnoses.len() == found && total > found as u64 {
            answer.notices.push(format!("only the worst {limit} operations are shown: raise the limit to see more"));
        }
        Order::Newest.sort(&mut answer.diagnoses);
        Ok(answer)
    }

    async fn list(
        &self,
        range: TimeRange,
        filters: &Filters,
        order: Order,
        limit: usize,
        now: Time,
        deadline: Option<Instant>,
    ) -> Result<(Answer, u64), Error> {
        let ready = self.wait(Need::List, range, now, deadline).await?;
        let question = Question::new(range, filters, &self.shared.playbook, now);
        let closed_filter = question.filter(States::Closed);
        let (closed, open) = self
            .with_open(&question, |_| self.shared.store.operations(&self.shared.source, &closed_filter, order, limit))
            .await?;
        let total = closed.total + open.operations.len() as u64;
        let stored = closed.operations.into_iter().map(|operation| operation.record);
        let mut diagnoses: Vec<Arc<Diagnosis>> = stored.chain(open.records()).collect();
        order.sort(&mut diagnoses);
        diagnoses.truncate(limit);
        let mut notices = ready.notices;
        notices.extend(open.notice());
        let answer =
            Answer { diagnoses, notices, partial: ready.partial, executed: self.asked(), basis: Some(ready.basis) };
        Ok((answer, total))
    }
}
