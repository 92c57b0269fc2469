//! Counters of the client's requests, for export as metrics.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Upper bounds of the duration buckets in seconds. One more bucket has the longer durations.
pub const DURATION_BUCKETS: [f64; 8] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0];

/// Counters of the requests to one Jaeger, shared by all copies of a client.
#[derive(Debug, Default)]
pub struct Stats {
    calls: AtomicU64,
    errors: AtomicU64,
    retries: AtomicU64,
    bytes: AtomicU64,
    micros: AtomicU64,
    buckets: [AtomicU64; DURATION_BUCKETS.len() + 1],
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Requests, retries included.
    pub calls: u64,
    /// Requests without a usable answer.
    pub errors: u64,
    /// Repeated requests.
    pub retries: u64,
    /// Bytes of all bodies, decompressed.
    pub bytes: u64,
    /// Total time of all requests.
    pub duration: Duration,
    /// Requests by duration, not cumulative; see [`DURATION_BUCKETS`].
    pub buckets: [u64; DURATION_BUCKETS.len() + 1],
}

impl Stats {
    /// The counters now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            calls: self.calls.load(Relaxed),
            errors: self.errors.load(Relaxed),
            retries: self.retries.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            duration: Duration::from_micros(self.micros.load(Relaxed)),
            buckets: std::array::from_fn(|ix| self.buckets.get(ix).map_or(0, |bucket| bucket.load(Relaxed))),
        }
    }

    pub(super) fn record(&self, took: Duration, bytes: usize, failed: bool) {
        self.calls.fetch_add(1, Relaxed);
        self.errors.fetch_add(u64::from(failed), Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
        let ix = DURATION_BUCKETS.iter().position(|&bound| took.as_secs_f64() <= bound);
        if let Some(bucket) = self.buckets.get(ix.unwrap_or(DURATION_BUCKETS.len())) {
            bucket.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn record_retry(&self) {
        self.retries.fetch_add(1, Relaxed);
    }
}
