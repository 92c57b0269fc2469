//! What the recorder is doing: a line that changes on a terminal, and remarks where something is to be known.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::{output, text::second};
use crate::recorder::{Activity, Status};
use trace::Time;

/// How long the same failure is not mentioned again.
const REMIND_EVERY: Duration = Duration::from_secs(60);
/// Over how many looks the rate of requests is averaged.
const LOOKS: usize = 10;

/// Shows the state of a recorder.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    requests: VecDeque<(Instant, u64)>,
    remarks: Remarks,
}

impl Progress {
    /// Shows it on standard error, if that is a terminal.
    pub(super) fn new() -> Self {
        let shown = io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        Self { bar, requests: VecDeque::new(), remarks: Remarks::default() }
    }

    /// Shows the state at this time, after so many requests. The state itself counts them only up to the last commit.
    pub(super) fn update(&mut self, status: &Status, requests: u64, now: Time) {
        let at = Instant::now();
        self.requests.push_back((at, requests));
        if self.requests.len() > LOOKS {
            self.requests.pop_front();
        }
        let rate = self.requests.front().map_or(0.0, |(since, before)| {
            let elapsed = at.duration_since(*since).as_secs_f64();
            requests.saturating_sub(*before) as f64 / elapsed.max(1.0)
        });
        if let Some(remark) = self.remarks.next(status, at) {
            self.suspend(|| output::note(&remark));
        }
        self.bar.set_message(message(status, rate, now));
        self.bar.tick();
    }

    /// Takes the line away while something else is printed.
    pub(super) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Takes the line away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn message(status: &Status, rate: f64, now: Time) -> String {
    if let Activity::Standby { .. } = status.activity {
        return "waiting: another recorder writes".to_owned();
    }
    let since = status.complete_since().map(|since| format!("complete since {} UTC", second(since)));
    let lag = status.lag(now).map(|lag| format!("{} s behind", lag.0.max(0) / 1_000_000));
    let gaps = Some(status.coverage.gaps.len()).filter(|gaps| *gaps > 0).map(|gaps| format!("{gaps} gaps"));
    let parts = [since, lag, gaps, Some(format!("{rate:.0} requests/s"))];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What was mentioned already.
#[derive(Debug, Default)]
struct Remarks {
    writer: Option<String>,
    failures: u64,
    failing: Option<(String, Instant)>,
    has_caught_up: bool,
}

impl Remarks {
    /// What is to be known now.
    fn next(&mut self, status: &Status, at: Instant) -> Option<String> {
        if let Activity::Standby { writer } = &status.activity
            && self.writer.as_ref() != Some(writer)
        {
            self.writer = Some(writer.clone());
            return Some(format!("another recorder writes already ({writer}); this one takes over when it ends"));
        }
        if status.is_writer && self.writer.take().is_some() {
            return Some("this recorder writes now".to_owned());
        }
        if let (Activity::Failing { error }, true) = (&status.activity, status.failures != self.failures) {
            self.failures = status.failures;
            let is_known = |(known, mentioned): &(String, Instant)| known == error && at < *mentioned + REMIND_EVERY;
            if self.failing.as_ref().is_some_and(is_known) {
                return None;
            }
            self.failing = Some((error.clone(), at));
            return Some(format!("{error}; trying again"));
        }
        if status.activity == Activity::Recording && self.failing.take().is_some() {
            return Some("recording goes on".to_owned());
        }
        if status.caught_up && !self.has_caught_up {
            self.has_caught_up = true;
            return status.complete_since().map(|since| format!("complete since {} UTC", second(since)));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use store::{CoverageChange, Interval};
    use trace::Micros;

    use super::*;

    const NOW: Time = Time(1_795_342_000_000_000);

    fn recording() -> Status {
        let mut status =
            Status { activity: Activity::Recording, is_writer: true, caught_up: true, ..Status::default() };
        for change in [
            CoverageChange::LiveEdge(NOW - Micros::from_secs(12)),
            CoverageChange::Watermark(NOW - Micros::from_secs(300)),
            CoverageChange::Covered(Interval {
                from: NOW - Micros::from_secs(7_200),
                to: NOW - Micros::from_secs(300),
            }),
        ] {
            status.coverage.apply(change);
        }
        status
    }

    #[test]
    fn the_line_says_how_complete_and_how_recent_the_history_is() {
        assert_eq!(
            message(&recording(), 2.2, NOW),
            "complete since 2026-11-22 08:06:40 UTC, 12 s behind, 2 requests/s"
        );
        assert_eq!(message(&Status::default(), 0.0, NOW), "0 requests/s");
    }

    #[test]
    fn a_failure_is_mentioned_once_and_so_is_its_end() {
        let (mut remarks, start) = (Remarks::default(), Instant::now());
        let failing = |failures| {
            let activity = Activity::Failing { error: "Jaeger does not answer".into() };
            Status { activity, failures, ..Status::default() }
        };
        assert_eq!(remarks.next(&failing(1), start).as_deref(), Some("Jaeger does not answer; trying again"));
        assert_eq!(remarks.next(&failing(2), start), None);
        let later = start + REMIND_EVERY;
        assert_eq!(remarks.next(&failing(3), later).as_deref(), Some("Jaeger does not answer; trying again"));
        assert_eq!(remarks.next(&recording(), later).as_deref(), Some("recording goes on"));
        assert_eq!(remarks.next(&recording(), later).as_deref(), Some("complete since 2026-11-22 08:06:40 UTC"));
        assert_eq!(remarks.next(&recording(), later), None);
    }

    #[test]
    fn another_writer_is_mentioned_once() {
        let (mut remarks, at) = (Remarks::default(), Instant::now());
        let standby = Status { activity: Activity::Standby { writer: "w1".into() }, ..Status::default() };
        let remark = remarks.next(&standby, at).unwrap();
        assert!(remark.contains("w1") && remark.contains("takes over"), "{remark}");
        assert_eq!(remarks.next(&standby, at), None);
        let activity = Activity::Failing { error: "the store is locked".into() };
        let failing = Status { activity, failures: 1, ..Status::default() };
        assert_eq!(remarks.next(&failing, at).as_deref(), Some("the store is locked; trying again"));
        assert_eq!(remarks.next(&standby, at), None, "it is still the same writer");
        assert_eq!(remarks.next(&recording(), at).as_deref(), Some("this recorder writes now"));
    }
}
