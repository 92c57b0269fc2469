//! Limits how fast a recorder asks Jaeger: a token bucket that refills at a steady rate, and a number of requests at a time.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jaeger::{Search, SearchResult, ServerClock};
use tokio::{sync::Semaphore, time::Instant};
use trace::{Trace, TraceId};

use super::source::{Source, SourceError};

/// How many requests may run at a time.
const AT_ONCE: usize = 4;
/// How many requests may be sent at once after a pause.
const BURST: f64 = 30.0;

/// A token bucket: each request takes a token, and tokens come back at a steady rate.
#[derive(Debug)]
pub struct Budget {
    per_second: f64,
    tokens: f64,
    at: Instant,
}

impl Budget {
    /// A full bucket that refills with so many tokens a second.
    #[must_use]
    pub fn new(per_second: f64, now: Instant) -> Self {
        Self { per_second: per_second.max(0.001), tokens: BURST, at: now }
    }

    /// Takes a token. Returns how long to wait before the request may be sent.
    pub fn take(&mut self, now: Instant) -> Duration {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + elapsed * self.per_second).min(BURST);
        self.at = self.at.max(now);
        self.tokens -= 1.0;
        Duration::from_secs_f64((-self.tokens).max(0.0) / self.per_second)
    }
}

/// A source whose requests keep to a budget.
#[derive(Debug)]
pub struct Paced<S> {
    source: S,
    budget: Mutex<Budget>,
    running: Semaphore,
}

impl<S> Paced<S> {
    /// The same source, asked at most `per_second` times a second in the long run.
    #[must_use]
    pub fn new(source: S, per_second: f64) -> Self {
        let budget = Mutex::new(Budget::new(per_second, Instant::now()));
        Self { source, budget, running: Semaphore::new(AT_ONCE) }
    }

    async fn within_budget<T>(&self, request: impl Future<Output = T>) -> T {
        let wait = self.budget.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
        tokio::time::sleep(wait).await;
        // The semaphore is never closed.
        let _running = self.running.acquire().await.ok();
        request.await
    }
}

#[async_trait]
impl<S: Source> Source for Paced<S> {
    fn address(&self) -> &str {
        self.source.address()
    }

    async fn services(&self) -> Result<Vec<String>, SourceError> {
        self.within_budget(self.source.services()).await
    }

    async fn span_names(&self, service: &str) -> Result<Vec<String>, SourceError> {
        self.within_budget(self.source.span_names(service)).await
    }

    async fn search(&self, search: &Search) -> Result<SearchResult, SourceError> {
        self.within_budget(self.source.search(search)).await
    }

    async fn search_truncated(&self, search: &Search) -> Result<SearchResult, SourceError> {
        self.within_budget(self.source.search_truncated(search)).await
    }

    async fn trace(&self, id: TraceId) -> Result<Option<Trace>, SourceError> {
        self.within_budget(self.source.trace(id)).await
    }

    fn server_clock(&self) -> Option<ServerClock> {
        self.source.server_clock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_sent_at_once_and_then_the_rate_holds() {
        let start = Instant::now();
        let mut budget = Budget::new(5.0, start);
        for _ in 0..30 {
            assert_eq!(budget.take(start), Duration::ZERO);
        }
        assert_eq!(budget.take(start), Duration::from_millis(200));
        assert_eq!(budget.take(start), Duration::from_millis(400));
        // After a second five tokens have come back; two of them were owed.
        let later = start + Duration::from_secs(1);
        assert_eq!([budget.take(later), budget.take(later), budget.take(later)], [Duration::ZERO; 3]);
        assert_eq!(budget.take(later), Duration::from_millis(200));
    }

    #[test]
    fn a_pause_fills_the_bucket_no_further_than_the_burst() {
        let start = Instant::now();
        let mut budget = Budget::new(5.0, start);
        let later = start + Duration::from_secs(3600);
        let at_once = (0..100).take_while(|_| budget.take(later) == Duration::ZERO).count();
        assert_eq!(at_once, 30);
    }
}
