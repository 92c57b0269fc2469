//! What the history of a data source covers and what its recorder is doing: as JSON for the settings page, and as a sentence
//! for *Save & test*.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use super::{
    now,
    recorders::{Opened, State},
};
use crate::recorder::{Activity, Status};
use trace::{Micros, Time};

/// How many gaps are listed.
const MOST_GAPS: usize = 20;
/// Over how long a time the rate of requests is measured at least.
const MEASURED: Duration = Duration::from_secs(30);

/// What the history covers and what its recorder is doing, as JSON. Times are milliseconds since 1970.
pub(super) async fn json(state: State<Opened>) -> Value {
    match state {
        State::Off => json!({ "activity": "off" }),
        State::Opening => json!({ "activity": "opening" }),
        State::Failed(error) => json!({ "activity": "failed", "error": error }),
        State::Open(opened) => {
            let status = status(&opened).await;
            status_json(&status, opened.store.place(), opened.rate(&status), now())
        }
    }
}

/// What the history covers, in one sentence; `None` without a history.
pub(super) async fn sentence(state: State<Opened>) -> Option<String> {
    let State::Open(opened) = state else { return None };
    let status = status(&opened).await;
    Some(status_sentence(&status, opened.rate(&status), now()))
}

/// The recorder's state. What is covered comes from the store, because another recorder may be writing it.
async fn status(opened: &Opened) -> Status {
    let mut status = opened.handle.status();
    if !status.is_writer
        && let Ok(coverage) = opened.store.coverage(&opened.source).await
    {
        status.coverage = coverage;
    }
    status
}

fn status_json(status: &Status, place: &str, rate: f64, now: Time) -> Value {
    let Status { activity, coverage, .. } = status;
    let millis = |time: Option<Time>| time.map(|time| time.0.div_euclid(1000));
    let seconds = |micros: Option<Micros>| micros.map(|micros| micros.0 as f64 / 1e6);
    let (activity, error, writer) = match activity {
        Activity::Starting => ("starting", None, None),
        Activity::Recording => ("recording", None, None),
        Activity::Standby { writer } => ("standby", None, Some(writer)),
        Activity::Failing { error } => ("failing", Some(error), None),
        Activity::Ended => ("ended", None, None),
    };
    let gap = |gap: &store::Gap| {
        let store::Interval { from, to } = gap.range;
        json!({ "from": millis(Some(from)), "to": millis(Some(to)), "reason": gap.reason })
    };
    json!({
        "activity": activity,
        "error": error,
        "writer": writer,
        "place": place,
        "completeSince": millis(status.complete_since()),
        "watermark": millis(coverage.watermark),
        "liveEdge": millis(coverage.live_edge),
        "lagSeconds": seconds(status.lag(now)),
        "caughtUp": status.caught_up,
        "gaps": coverage.gaps.iter().rev().take(MOST_GAPS).map(gap).collect::<Vec<_>>(),
        "gapCount": coverage.gaps.len(),
        "requests": status.requests,
        "requestsPerSecond": rate,
        "clockSkewSeconds": seconds(coverage.clock_skew),
        "unproven": coverage.unproven,
    })
}

fn status_sentence(status: &Status, rate: f64, now: Time) -> String {
    let mut parts = Vec::new();
    match status.complete_since() {
        Some(since) => parts.push(format!("complete since {}", clock_time(since))),
        None => parts.push("nothing is complete yet".to_owned()),
    }
    if let Some(lag) = status.lag(now) {
        parts.push(format!("{} s behind", lag.0.max(0) / 1_000_000));
    }
    match &status.activity {
        Activity::Standby { writer } => parts.push(format!("written by {writer}")),
        Activity::Failing { error } => parts.push(format!("the last attempt failed: {error}")),
        Activity::Starting | Activity::Recording | Activity::Ended => {
            parts.push(format!("{rate:.1} requests/s"));
        }
    }
    match status.coverage.gaps.len() {
        0 => {}
        1 => parts.push("one gap".to_owned()),
        gaps => parts.push(format!("{gaps} gaps")),
    }
    format!("History: {}", parts.join(", "))
}

fn clock_time(time: Time) -> String {
    let date = chrono::DateTime::from_timestamp_micros(time.0);
    date.map_or_else(|| "the beginning".to_owned(), |date| date.format("%Y-%m-%d %H:%M UTC").to_string())
}

/// Measures how often something happens from a count that is read now and then.
#[derive(Debug)]
pub(super) struct Rate(Mutex<[(Instant, u64); 2]>);

impl Rate {
    /// Nothing has happened yet.
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new([(now, 0); 2]))
    }

    /// How often it happened per second, lately.
    pub(super) fn per_second(&self, now: Instant, count: u64) -> f64 {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [_, latest] = *samples;
        if now.saturating_duration_since(latest.0) >= MEASURED {
            *samples = [latest, (now, count)];
        }
        let [(since, before), _] = *samples;
        let seconds = now.saturating_duration_since(since).as_secs_f64();
        if seconds > 0.0 { count.saturating_sub(before) as f64 / seconds } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::{CoverageChange, Gap, Interval};

    const NOW: Time = Time(1_795_342_000_000_000);

    fn ago(seconds: i64) -> Time {
        NOW - Micros::from_secs(seconds)
    }

    fn recording() -> Status {
        let mut status = Status { activity: Activity::Recording, requests: 7, ..Status::default() };
        for change in [
            CoverageChange::Covered(Interval { from: ago(9000), to: ago(8000) }),
            CoverageChange::Covered(Interval { from: ago(3600), to: ago(300) }),
            CoverageChange::Gap(Gap { range: Interval { from: ago(8000), to: ago(7000) }, reason: "too large".into() }),
            CoverageChange::LiveEdge(ago(12)),
            CoverageChange::Watermark(ago(300)),
        ] {
            status.coverage.apply(change);
        }
        status
    }

    #[test]
    fn the_settings_page_learns_everything() {
        let json = status_json(&recording(), "a file", 2.5, NOW);
        assert_eq!(json["activity"], "recording");
        assert_eq!((json["place"].as_str(), json["requestsPerSecond"].as_f64()), (Some("a file"), Some(2.5)));
        assert_eq!(json["completeSince"], ago(3600).0 / 1000);
        assert_eq!(json["lagSeconds"], 12.0);
        assert_eq!(
            json["gaps"],
            json!([{"from": ago(8000).0 / 1000, "to": ago(7000).0 / 1000, "reason": "too large"}])
        );
        assert_eq!((json["requests"].as_u64(), json["unproven"].as_bool()), (Some(7), Some(false)));
        let failing = Status { activity: Activity::Failing { error: "no route".into() }, ..recording() };
        assert_eq!(status_json(&failing, "a file", 0.0, NOW)["error"], "no route");
    }

    #[test]
    fn save_and_test_says_it_in_a_sentence() {
        let since = clock_time(ago(3600));
        let expected = format!("History: complete since {since}, 12 s behind, 2.0 requests/s, one gap");
        assert_eq!(status_sentence(&recording(), 2.0, NOW), expected);
        let standby = Status { activity: Activity::Standby { writer: "w".into() }, ..Status::default() };
        assert_eq!(status_sentence(&standby, 0.0, NOW), "History: nothing is complete yet, written by w");
    }

    #[test]
    fn a_rate_is_measured_over_half_a_minute_at_least() {
        let start = Instant::now();
        let rate = Rate::new(start);
        let at = |seconds| start + Duration::from_secs(seconds);
        let after = |seconds, count| format!("{:.1}", rate.per_second(at(seconds), count));
        assert_eq!(after(0, 0), "0.0");
        assert_eq!(after(10, 30), "3.0");
        assert_eq!(after(30, 60), "2.0");
        assert_eq!(after(59, 118), "2.0", "since the start");
        assert_eq!(after(60, 150), "3.0", "since the sample at 30 s");
    }
}
