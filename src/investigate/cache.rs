//! What is kept, how long, and under which key. Questions that are asked while the same one is being answered wait for
//! that answer; when the one who asked first goes away, another goes on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use moka::future::Cache;

use super::{Case, Target};
use diagnosis::Comparable;
use diagnosis::TimeRange;
use trace::{Time, TraceId};

/// Questions whose times differ by less are the same.
const BUCKET_US: i64 = 5_000_000;
/// How many spans all kept cases may have together.
const MOST_SPANS: u64 = 400_000;

/// The number of the few seconds that a time lies in.
pub(super) fn bucket(at: Time) -> i64 {
    at.0.div_euclid(BUCKET_US)
}

/// Names a list of operations.
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

type SingleKey = (u64, Target);

#[derive(Debug)]
pub(super) struct Caches {
    pub(super) services: Cache<u64, Arc<Vec<String>>>,
    pub(super) names: Cache<(u64, String), Arc<Vec<String>>>,
    pub(super) lists: Cache<ListKey, Arc<Case>>,
    /// Operations that may still change.
    pub(super) single: Cache<(SingleKey, i64), Arc<Case>>,
    /// Operations that have ended, with the clock by which they were judged.
    pub(super) finished: Cache<SingleKey, (Arc<Case>, Time)>,
    pub(super) history: Cache<(u64, String), Arc<Vec<Comparable>>>,
    /// Questions asked, and those that Jaeger had to be asked for.
    pub(super) questions: AtomicU64,
    pub(super) answered_anew: AtomicU64,
    /// How many spans a trace had when it was read by its id.
    pub(super) whole: Cache<(u64, TraceId), usize>,
    /// How often in a row a trace that was read by its id had no more spans than the search had given.
    pub(super) useless_reads: AtomicU32,
}

/// How often an answer was there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// Questions asked.
    pub questions: u64,
    /// Questions that were answered from the cache, or by the answer that another caller was waiting for.
    pub hits: u64,
}

impl Caches {
    pub(super) fn tell(&self) -> CacheUse {
        let (questions, anew) = (self.questions.load(Relaxed), self.answered_anew.load(Relaxed));
        CacheUse { questions, hits: questions.saturating_sub(anew) }
    }
}

impl Default for Caches {
    fn default() -> Self {
        Self {
            services: plain(15, 1000),
            names: plain(30, 20_000),
            lists: weighed(5, |_, case| case.weight()),
            single: weighed(3, |_, case| case.weight()),
            finished: weighed(60, |_, (case, _)| case.weight()),
            history: plain(600, 1000),
            questions: AtomicU64::new(0),
            answered_anew: AtomicU64::new(0),
            whole: plain(30, 20_000),
            useless_reads: AtomicU32::new(0),
        }
    }
}

fn plain<K, V>(seconds: u64, most: u64) -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder().max_capacity(most).time_to_live(Duration::from_secs(seconds)).build()
}

/// A cache of cases, which are weighed by their spans.
fn weighed<K, V>(seconds: u64, weight: fn(&K, &V) -> u32) -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    let ttl = Duration::from_secs(seconds);
    Cache::builder().max_capacity(MOST_SPANS).time_to_live(ttl).weigher(weight).build()
}

impl Case {
    fn weight(&self) -> u32 {
        let spans: usize = self.traces.iter().map(trace::Trace::len).sum();
        let rows: usize = self.diagnoses.iter().map(|d| d.flow.len() + 10).sum();
        u32::try_from(spans + rows).unwrap_or(u32::MAX).max(1)
    }
}
