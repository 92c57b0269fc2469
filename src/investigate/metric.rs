//! Numbers over the operations of a range.

use diagnosis::{Buckets, Filters, GroupBy, Measure, MetricAnswer, TimeRange};
use trace::Time;

use super::{Error, Investigator};

/// What is measured, and for whom.
#[derive(Clone, Debug)]
pub struct MetricQuery {
    /// What.
    pub measure: Measure,
    /// For each combination of these values.
    pub by: Vec<GroupBy>,
    /// For each bucket of time too.
    pub buckets: Option<Buckets>,
    /// Who reads the numbers.
    pub reader: Reader,
    /// How many operations Jaeger is asked for. What is recorded is counted without a limit.
    pub limit: usize,
}

/// Who reads an answer, which decides how much may be missing from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Somebody who sees the notices.
    Person,
    /// An alert rule, which sees only the numbers.
    AlertRule,
}

impl Investigator {
    /// What the operations of a range measure.
    ///
    /// # Errors
    /// When Jaeger or the store cannot be read, or when not all operations of the range were recorded in time.
    pub async fn metric(
        &self,
        range: TimeRange,
        filters: &Filters,
        query: &MetricQuery,
        now: Time,
    ) -> Result<MetricAnswer, Error> {
        if let Some(history) = &self.history {
            return history.metric(range, filters, query, now, self.deadline).await;
        }
        let answer = self.newest(range, filters, query.limit, now).await?;
        Ok(MetricAnswer::over(&answer, query.measure, &query.by, query.buckets))
    }
}
