//! What a recorder is doing, for people and for metrics.

use store::Coverage;
use trace::{Micros, Time};

/// What a recorder is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Activity {
    /// It has not begun.
    #[default]
    Starting,
    /// It reads and writes.
    Recording,
    /// Another recorder writes; this one waits for its lease.
    Standby {
        /// Who writes.
        writer: String,
    },
    /// The last task failed; it is repeated after a pause.
    Failing {
        /// Why.
        error: String,
    },
    /// It has ended.
    Ended,
}

/// The state of a recorder at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// What it is doing.
    pub activity: Activity,
    /// Whether it has the lease, so that no other recorder writes.
    pub is_writer: bool,
    /// What is covered.
    pub coverage: Coverage,
    /// Whether the history is covered and every operation is judged.
    pub caught_up: bool,
    /// Tasks that ended with a commit.
    pub commits: u64,
    /// Operations that were added or replaced.
    pub operations_written: u64,
    /// Traces that were read, repetitions included.
    pub traces_read: u64,
    /// Requests that were sent to the source, failed ones included.
    pub requests: u64,
    /// Tasks that failed.
    pub failures: u64,
    /// When the last failure was, and why. It stays when the recorder has recovered.
    pub last_error: Option<(Time, String)>,
    /// When the last commit was.
    pub committed_at: Option<Time>,
}

impl Status {
    /// How far the live edge is behind the clock.
    #[must_use]
    pub fn lag(&self, now: Time) -> Option<Micros> {
        Some(now - self.coverage.live_edge?)
    }

    /// Since when nothing is missing up to the watermark.
    #[must_use]
    pub fn complete_since(&self) -> Option<Time> {
        let watermark = self.coverage.watermark?;
        let latest =
            self.coverage.covered.iter().find(|covered| covered.from < watermark && watermark <= covered.to)?;
        Some(latest.from)
    }
}
