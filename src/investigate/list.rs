//! Lists of operations: from recorded ones, or else from Jaeger.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use super::{CachedAnswer, Error, Investigator, Order, cache, select};
use diagnosis::{Answer, Context, Detail, Diagnosis, Filters, Severity, TimeRange};
use trace::Time;

/// How many operations a list may hold that Jaeger is searched for.
const MOST_OPERATIONS: usize = 1000;

impl Investigator {
    /// The operations whose window overlaps `range`, newest first, at most `limit`.
    ///
    /// # Errors
    /// When Jaeger or the store cannot be read, or when nothing was recorded yet.
    pub async fn operations(
        &self,
        range: TimeRange,
        filters: &Filters,
        limit: usize,
        now: Time,
    ) -> Result<Answer, Error> {
        self.ranked(range, filters, Order::Newest, limit, now).await
    }

    /// The first `limit` operations in an order. Without a history, the first among the newest that Jaeger was asked for.
    ///
    /// # Errors
    /// As [`Investigator::operations`].
    pub async fn ranked(
        &self,
        range: TimeRange,
        filters: &Filters,
        order: Order,
        limit: usize,
        now: Time,
    ) -> Result<Answer, Error> {
        if let Some(history) = &self.history {
            return history.operations(range, filters, order, limit, now, self.deadline).await;
        }
        // Jaeger can only be searched for the newest.
        let fetched = if order == Order::Newest { limit } else { MOST_OPERATIONS };
        let mut answer = self.newest(range, filters, fetched, now).await?;
        if order != Order::Newest {
            keep_first(&mut answer, order, limit);
        }
        Ok(answer)
    }

    /// The operations of a range with at least this severity, newest first. Without a history, those among the newest `limit`.
    ///
    /// # Errors
    /// As [`Investigator::operations`].
    pub async fn annotations(
        &self,
        range: TimeRange,
        filters: &Filters,
        least: Severity,
        limit: usize,
        now: Time,
    ) -> Result<Answer, Error> {
        if let Some(history) = &self.history {
            return history.annotations(range, filters, least, limit, now, self.deadline).await;
        }
        let mut answer = self.newest(range, filters, limit, now).await?;
        answer.diagnoses.retain(|diagnosis| diagnosis.severity >= least);
        Ok(answer)
    }

    /// The newest operations of a range, from Jaeger.
    pub(super) async fn newest(
        &self,
        range: TimeRange,
        filters: &Filters,
        limit: usize,
        now: Time,
    ) -> Result<Answer, jaeger::Error> {
        let limit = limit.clamp(1, MOST_OPERATIONS);
        let cached = self.list(range, &filters.tags, limit, now).await?;
        let clock = range.to.min(now);
        let mut answer = cached.answer(
            cached
                .diagnoses
                .iter()
                .filter(|d| range.overlaps(d, clock) && filters.fit(d, &self.shared.playbook))
                .cloned()
                .collect(),
        );
        keep_first(&mut answer, Order::Newest, limit);
        Ok(answer)
    }

    /// All operations of a range, from the cache or from Jaeger.
    pub(super) async fn list(
        &self,
        range: TimeRange,
        tags: &[(String, String)],
        limit: usize,
        now: Time,
    ) -> Result<Arc<CachedAnswer>, jaeger::Error> {
        // Filters apply after fetching, so a small limit still fetches enough operations to choose from.
        let limit = limit.clamp(100, 1000);
        self.caches().questions.fetch_add(1, Relaxed);
        let key = cache::ListKey::new(self.client.identity(), range, tags, limit, now);
        // Boxed, because the cache embeds the future several times.
        let work = Box::pin(self.fetch_list(range, tags.to_vec(), limit, now));
        self.caches().lists.try_get_with(key, work).await.map_err(|error| jaeger::Error::clone(&error))
    }

    async fn fetch_list(
        &self,
        range: TimeRange,
        tags: Vec<(String, String)>,
        limit: usize,
        now: Time,
    ) -> Result<Arc<CachedAnswer>, jaeger::Error> {
        self.caches().fetched.fetch_add(1, Relaxed);
        let clock = range.to.min(now);
        let mut gathered = match self.shared.playbook.sample() {
            Some(most) => self.sample(range, most, clock).await?,
            None => self.discover(range, limit, clock).await?,
        };
        let context = Context { detail: Detail::Record, latest: Some(now), ..self.context(clock, tags) };
        let mut report = self.diagnose(&mut gathered, context.clone()).await;
        let selected: Vec<&Diagnosis> =
            report.diagnoses.iter().filter(|d| range.overlaps(d, clock)).take(limit).collect();
        let mut follow_ups = self.follow_ups(&selected, clock).await;
        follow_ups.extend(self.other_traces_of_open(&selected, clock).await);
        let (added, history) =
            tokio::join!(self.run_follow_ups(follow_ups, &mut gathered), self.history(select::types(&selected), clock));
        let context = Context { history, ..context };
        if added || !context.history.is_empty() {
            report = self.diagnose(&mut gathered, context.clone()).await;
        }
        let selected = |d: &Diagnosis| range.overlaps(d, clock);
        self.reread_doubtful(&mut gathered, &mut report.diagnoses, selected, &context).await;
        Ok(Arc::new(Self::cached_answer(gathered, report, None)))
    }
}

/// Sorts an answer, and keeps the first `limit` of it.
pub(super) fn keep_first(answer: &mut Answer, order: Order, limit: usize) {
    if order != Order::Newest {
        order.sort(&mut answer.diagnoses);
    }
    let all = answer.diagnoses.len();
    if all > limit {
        answer.diagnoses.truncate(limit);
        let word = order.as_str();
        answer.notices.push(format!("the {word} {limit} of {all} operations are shown: raise the limit to see more"));
    }
}
