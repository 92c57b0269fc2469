//! Compares the server's clock with ours by the `Date` header of its answers.
//!
//! The header has whole seconds, and the server wrote it at an unknown moment between the request and the answer. So the
//! difference of the clocks is an estimate with an uncertainty, and only a difference beyond it is certain. A proxy before
//! Jaeger may write the header itself; then the clock is the proxy's.

use trace::{Micros, Time};

/// The precision of a `Date` header.
const DATE_STEP: Micros = Micros::from_secs(1);

/// The server's clock, as of the last answer with a `Date` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerClock {
    /// How far the server's clock is ahead of ours; negative if it is behind.
    pub ahead: Micros,
    /// How much larger or smaller `ahead` may be.
    pub uncertainty: Micros,
    /// When the answer came, by our clock.
    pub measured: Time,
}

impl ServerClock {
    /// Estimates the clock from the date of an answer, and from when the request was sent and the answer received.
    pub(super) fn estimate(date: Time, sent: Time, received: Time) -> Self {
        // The server's time was from `date` to a second later, and ours from `sent` to `received`.
        let (least, most) = ((date - received).0, (date + DATE_STEP - sent).0);
        let ahead = Micros(least.midpoint(most));
        Self { ahead, uncertainty: Micros(most.saturating_sub(ahead.0)), measured: received }
    }

    /// How far the clocks differ at least, whatever the uncertainty. Zero if they may be equal.
    #[must_use]
    pub fn certain_difference(&self) -> Micros {
        Micros((self.ahead.0.saturating_abs() - self.uncertainty.0).max(0))
    }
}

/// Reads a `Date` header.
pub(super) fn parse_date(value: &str) -> Option<Time> {
    chrono::DateTime::parse_from_rfc2822(value.trim()).ok().map(|date| Time(date.timestamp_micros()))
}

/// The time of our clock.
pub(super) fn now() -> Time {
    Time(chrono::Utc::now().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Time = Time(1_795_341_600_000_000);

    fn seconds(secs: f64) -> Micros {
        Micros((secs * 1e6) as i64)
    }

    #[test]
    fn a_date_is_the_start_of_a_second() {
        assert_eq!(parse_date("Sun, 22 Nov 2026 10:00:00 GMT"), Some(NOON));
        assert_eq!(parse_date("now"), None);
    }

    #[test]
    fn the_estimate_lies_between_what_the_times_allow() {
        // An answer within 0.2 s that is dated 10 s later: the server is ahead by 9.8 s to 11 s.
        let clock = ServerClock::estimate(NOON + seconds(10.0), NOON, NOON + seconds(0.2));
        assert_eq!((clock.ahead, clock.uncertainty), (seconds(10.4), seconds(0.6)));
        assert_eq!((clock.certain_difference(), clock.measured), (seconds(9.8), NOON + seconds(0.2)));
        let behind = ServerClock::estimate(NOON - seconds(10.0), NOON, NOON + seconds(0.2));
        assert_eq!((behind.ahead, behind.certain_difference()), (seconds(-9.6), seconds(9.0)));
    }

    #[test]
    fn clocks_that_may_be_equal_do_not_differ_for_certain() {
        let difference = |date: f64, took: f64| {
            ServerClock::estimate(NOON + seconds(date), NOON, NOON + seconds(took)).certain_difference()
        };
        // The date may be up to a second too early, and the answer may have been written at once.
        assert_eq!((difference(-1.0, 0.0), difference(-1.1, 0.0)), (Micros(0), seconds(0.1)));
        assert_eq!((difference(0.5, 0.5), difference(0.6, 0.5)), (Micros(0), seconds(0.1)));
        assert_eq!(difference(20.0, 30.0), Micros(0), "a slow answer");
    }
}
