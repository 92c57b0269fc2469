//! Decides when the recorder of one data source starts, is replaced and ends. Pure: requests, results and the clock go in,
//! the next step comes out.
//!
//! A plugin receives the settings only with a request, and never learns that a data source was deleted. So a recorder runs
//! from the first request until an hour after the last one. Newer settings replace the running recorder after it has ended;
//! older ones, from a request that was on its way, never do.

use std::time::Duration;

use tokio::time::Instant;

/// How long after the last request a recorder ends.
pub(super) const IDLE: Duration = Duration::from_secs(3600);
/// How long after a failure the store is opened again.
pub(super) const RETRY: Duration = Duration::from_secs(10);

/// When settings were saved, in milliseconds since 1970: larger is newer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::plugin) struct Version(pub(in crate::plugin) i64);

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<R> {
    /// Open the store of these settings and record into it.
    Start(Version, R),
    /// End what was started last.
    End,
    /// Nothing before this time, unless something happens.
    Wait(Option<Instant>),
    /// Nothing runs and nobody asks: forget the data source.
    Retire,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Started(Version),
    Ending,
    Failed { version: Version, retry_at: Instant },
}

/// The state of one data source's recorder as far as it decides what comes next. `R` is what the settings say to record.
#[derive(Clone, Debug)]
pub(super) struct Life<R> {
    newest: Version,
    recording: Option<R>,
    asked_at: Instant,
    is_stopping: bool,
    phase: Phase,
}

impl<R: Clone> Life<R> {
    /// Of a data source that was asked for the first time.
    pub(super) fn new(version: Version, recording: Option<R>, now: Instant) -> Self {
        Self { newest: version, recording, asked_at: now, is_stopping: false, phase: Phase::Idle }
    }

    /// A request came with these settings. Returns whether they are newer than all before.
    pub(super) fn asked(&mut self, version: Version, recording: Option<R>, now: Instant) -> bool {
        self.asked_at = self.asked_at.max(now);
        let is_newer = version > self.newest;
        if is_newer {
            (self.newest, self.recording) = (version, recording);
        }
        is_newer
    }

    /// The plugin ends.
    pub(super) fn stop(&mut self) {
        self.is_stopping = true;
    }

    /// What was started has ended on request.
    pub(super) fn ended(&mut self) {
        self.phase = Phase::Idle;
    }

    /// What was started could not start, or has ended unasked.
    pub(super) fn failed(&mut self, now: Instant) {
        self.phase = match self.phase {
            Phase::Started(version) => Phase::Failed { version, retry_at: now + RETRY },
            _ => Phase::Idle,
        };
    }

    /// The next step, which counts as taken.
    pub(super) fn next(&mut self, now: Instant) -> Step<R> {
        let idle_at = self.asked_at + IDLE;
        let is_over = self.is_stopping || now >= idle_at;
        let wanted = self.recording.clone().filter(|_| !is_over).map(|recording| (self.newest, recording));
        let step = match (self.phase, wanted) {
            (Phase::Started(version), Some((wanted, _))) if version == wanted => Step::Wait(Some(idle_at)),
            (Phase::Started(_), _) => Step::End,
            (Phase::Ending, _) => Step::Wait(None),
            (Phase::Failed { version, retry_at }, Some((wanted, _))) if version == wanted && now < retry_at => {
                Step::Wait(Some(retry_at.min(idle_at)))
            }
            (Phase::Idle | Phase::Failed { .. }, Some((wanted, recording))) => Step::Start(wanted, recording),
            (Phase::Idle | Phase::Failed { .. }, None) if is_over => Step::Retire,
            (Phase::Idle | Phase::Failed { .. }, None) => Step::Wait(Some(idle_at)),
        };
        match &step {
            Step::Start(version, _) => self.phase = Phase::Started(*version),
            Step::End => self.phase = Phase::Ending,
            Step::Wait(_) | Step::Retire => {}
        }
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Version = Version(1);
    const NEW: Version = Version(2);
    const TICK: Duration = Duration::from_millis(1);

    fn started(version: Version, now: Instant) -> Life<()> {
        let mut life = Life::new(version, Some(()), now);
        assert_eq!(life.next(now), Step::Start(version, ()));
        life
    }

    #[test]
    fn the_first_request_starts_and_an_hour_without_requests_ends() {
        let start = Instant::now();
        let mut life = started(OLD, start);
        assert_eq!(life.next(start), Step::Wait(Some(start + IDLE)), "it starts once");
        let later = start + IDLE - TICK;
        assert_eq!(life.next(later), Step::Wait(Some(start + IDLE)));
        life.asked(OLD, Some(()), later);
        assert_eq!(life.next(start + IDLE), Step::Wait(Some(later + IDLE)));
        assert_eq!(life.next(later + IDLE - TICK), Step::Wait(Some(later + IDLE)));
        assert_eq!(life.next(later + IDLE), Step::End);
        assert_eq!(life.next(later + IDLE), Step::Wait(None), "it ends once");
        life.ended();
        assert_eq!(life.next(later + IDLE), Step::Retire);
    }

    #[test]
    fn a_request_while_it_ends_starts_it_again_afterwards() {
        let start = Instant::now();
        let mut life = started(OLD, start);
        let late = start + IDLE;
        assert_eq!(life.next(late), Step::End);
        life.asked(OLD, Some(()), late);
        assert_eq!(life.next(late), Step::Wait(None));
        life.ended();
        assert_eq!(life.next(late), Step::Start(OLD, ()));
    }

    #[test]
    fn newer_settings_replace_after_the_end_and_older_ones_never() {
        let now = Instant::now();
        let mut life = started(NEW, now);
        assert!(!life.asked(OLD, Some(()), now) && !life.asked(NEW, None, now));
        assert_eq!(life.next(now), Step::Wait(Some(now + IDLE)));
        let newest = Version(3);
        assert!(life.asked(newest, Some(()), now));
        assert_eq!(life.next(now), Step::End);
        assert_eq!(life.next(now), Step::Wait(None), "the running recorder has not ended");
        life.ended();
        assert_eq!(life.next(now), Step::Start(newest, ()));
        assert!(!life.asked(NEW, Some(()), now));
        assert_eq!(life.next(now), Step::Wait(Some(now + IDLE)));
    }

    #[test]
    fn older_settings_keep_a_recorder_alive() {
        let start = Instant::now();
        let mut life = started(NEW, start);
        life.asked(OLD, None, start + TICK);
        assert_eq!(life.next(start + IDLE), Step::Wait(Some(start + TICK + IDLE)));
    }

    #[test]
    fn settings_without_a_history_end_the_recorder_and_keep_older_ones_from_starting_one() {
        let now = Instant::now();
        let mut life = started(OLD, now);
        life.asked(NEW, None, now);
        assert_eq!(life.next(now), Step::End);
        life.ended();
        assert_eq!(life.next(now), Step::Wait(Some(now + IDLE)));
        life.asked(OLD, Some(()), now);
        assert_eq!(life.next(now), Step::Wait(Some(now + IDLE)));
        assert_eq!(life.next(now + IDLE), Step::Retire);
    }

    #[test]
    fn a_failure_is_repeated_after_a_pause_and_at_once_with_other_settings() {
        let now = Instant::now();
        let mut life = started(OLD, now);
        life.failed(now);
        assert_eq!(life.next(now + RETRY - TICK), Step::Wait(Some(now + RETRY)));
        assert_eq!(life.next(now + RETRY), Step::Start(OLD, ()));
        life.failed(now + RETRY);
        life.asked(NEW, Some(()), now + RETRY);
        assert_eq!(life.next(now + RETRY), Step::Start(NEW, ()));
        life.failed(now + IDLE);
        assert_eq!(life.next(now + IDLE), Step::Wait(Some(now + IDLE + RETRY)), "the last request was later");
        assert_eq!(life.next(now + RETRY + IDLE), Step::Retire, "nobody asks any more");
    }

    #[test]
    fn one_that_fails_while_it_ends_has_ended() {
        let now = Instant::now();
        let mut life = started(OLD, now);
        life.asked(NEW, Some(()), now);
        assert_eq!(life.next(now), Step::End);
        life.failed(now);
        assert_eq!(life.next(now), Step::Start(NEW, ()));
    }

    #[test]
    fn the_plugin_s_end_ends_everything() {
        let now = Instant::now();
        let mut life = started(OLD, now);
        life.stop();
        assert_eq!(life.next(now), Step::End);
        life.asked(NEW, Some(()), now);
        life.ended();
        assert_eq!(life.next(now), Step::Retire);
        let mut failed = started(OLD, now);
        failed.failed(now);
        failed.stop();
        assert_eq!(failed.next(now), Step::Retire);
    }
}
