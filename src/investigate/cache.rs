//! The caches of an investigator: what they hold, for how long, and under which key. A question that arrives while the
//! same one is being answered waits for that answer; if the first caller goes away, another one continues the work.
//! Every key starts with the caller's identity, so that no caller sees what another is allowed to see.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use moka::future::Cache;

use super::{CachedAnswer, Target};
use diagnosis::culprits::{ComparedRanges, WhatChanged};
use diagnosis::{Comparable, Filters, TimeRange};
use trace::{Time, TraceId};

/// Questions whose times fall into the same bucket of this length share an answer.
const BUCKET_US: i64 = 5_000_000;
/// How many spans all cached answers may have together.
const MOST_SPANS: u64 = 400_000;

/// The number of the bucket that a time falls into.
pub(super) fn bucket(at: Time) -> i64 {
    at.0.div_euclid(BUCKET_US)
}

/// The key of a list of operations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ListKey {
    identity: u64,
    from: i64,
    to: i64,
    now: i64,
    tags: Vec<(String, String)>,
    limit: usize,
}

impl ListKey {
    pub(super) fn new(identity: u64, range: TimeRange, tags: &[(String, String)], limit: usize, now: Time) -> Self {
        let (from, to, now) = (bucket(range.from), bucket(range.to), bucket(now));
        Self { identity, from, to, now, tags: tags.to_vec(), limit }
    }
}

/// The key of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct CulpritsKey {
    identity: u64,
    window: (i64, i64),
    baseline: (i64, i64),
    now: i64,
    filters: Filters,
}

impl CulpritsKey {
    pub(super) fn new(identity: u64, ranges: ComparedRanges, filters: &Filters, now: Time) -> Self {
        let buckets = |range: TimeRange| (bucket(range.from), bucket(range.to));
        let (window, baseline) = (buckets(ranges.window()), buckets(ranges.baseline()));
        Self { identity, window, baseline, now: bucket(now), filters: filters.clone() }
    }
}

type SingleKey = (u64, Target);

#[derive(Debug)]
pub(super) struct Caches {
    pub(super) services: Cache<u64, Arc<Vec<String>>>,
    pub(super) names: Cache<(u64, String), Arc<Vec<String>>>,
    pub(super) lists: Cache<ListKey, Arc<CachedAnswer>>,
    /// Operations that may still change.
    pub(super) single: Cache<(SingleKey, i64), Arc<CachedAnswer>>,
    /// Operations that have ended, with the clock at which they were judged.
    pub(super) finished: Cache<SingleKey, (Arc<CachedAnswer>, Time)>,
    pub(super) history: Cache<(u64, String, Time), Arc<Vec<Comparable>>>,
    pub(super) culprits: Cache<CulpritsKey, Arc<WhatChanged>>,
    /// Questions asked, and how many of them needed requests to Jaeger.
    pub(super) questions: AtomicU64,
    pub(super) fetched: AtomicU64,
    /// How many spans a trace had when it was read by its id.
    pub(super) span_counts: Cache<(u64, TraceId), usize>,
    /// How often in a row a trace that was read by its id had no more spans than the search had given.
    pub(super) useless_reads: AtomicU32,
}

/// How often the caches answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// Questions asked.
    pub questions: u64,
    /// Questions answered from a cache, or together with another caller's question.
    pub hits: u64,
}

impl Caches {
    pub(super) fn usage(&self) -> CacheUse {
        let (questions, anew) = (self.questions.load(Relaxed), self.fetched.load(Relaxed));
        CacheUse { questions, hits: questions.saturating_sub(anew) }
    }
}

impl Default for Caches {
    fn default() -> Self {
        Self {
            services: timed(15, 1000),
            names: timed(30, 20_000),
            lists: weighed(5, |_, cached| cached.weight()),
            single: weighed(3, |_, cached| cached.weight()),
            finished: weighed(60, |_, (cached, _)| cached.weight()),
            history: timed(600, 1000),
            culprits: timed(5, 200),
            questions: AtomicU64::new(0),
            fetched: AtomicU64::new(0),
            span_counts: timed(30, 20_000),
            useless_reads: AtomicU32::new(0),
        }
    }
}

fn timed<K, V>(seconds: u64, most: u64) -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder().max_capacity(most).time_to_live(Duration::from_secs(seconds)).build()
}

/// A cache whose capacity counts the spans of the answers.
fn weighed<K, V>(seconds: u64, weight: fn(&K, &V) -> u32) -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    let ttl = Duration::from_secs(seconds);
    Cache::builder().max_capacity(MOST_SPANS).time_to_live(ttl).weigher(weight).build()
}

impl CachedAnswer {
    fn weight(&self) -> u32 {
        let spans: usize = self.traces.iter().map(trace::Trace::len).sum();
        let rows: usize = self.diagnoses.iter().map(|d| d.flow.len() + 10).sum();
        u32::try_from(spans + rows).unwrap_or(u32::MAX).max(1)
    }
}
