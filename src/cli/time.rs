//! Times as a person types them: `now`, `now-48h`, `now-1h30m`, RFC 3339, seconds or milliseconds of the Unix epoch.

use std::str::FromStr;

use crate::{
    playbook::{Duration, NoDuration},
    trace::{Micros, Time},
};

/// A point in time that may hang on the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// That long before the clock (negative: after it).
    Before(Micros),
    /// Exactly then.
    At(Time),
}

impl When {
    /// The point in time for this clock.
    pub(super) fn at(self, now: Time) -> Time {
        match self {
            Self::Before(ago) => now - ago,
            Self::At(time) => time,
        }
    }
}

/// The clock of this machine.
pub(super) fn wall_clock() -> Time {
    Time(chrono::Utc::now().timestamp_micros())
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let unknown = || {
            format!(
                "`{text}` is no time; write `now`, `now-48h`, `now-1h30m`, `2026-11-22T10:05:00Z`, or seconds or \
                 milliseconds since 1970"
            )
        };
        if let Some(rest) = text.strip_prefix("now") {
            let (sign, span) = match rest.as_bytes().first() {
                None => return Ok(Self::Before(Micros(0))),
                Some(b'-') => (1, &rest[1..]),
                Some(b'+') => (-1, &rest[1..]),
                Some(_) => return Err(unknown()),
            };
            let Micros(ago) = duration(span).map_err(|_| unknown())?;
            return Ok(Self::Before(Micros(sign * ago)));
        }
        if let Ok(number) = text.parse::<i64>() {
            // Seconds reach this size in the year 5138, milliseconds did in March 1973.
            let time = if number.abs() < 100_000_000_000 { number.saturating_mul(1_000_000) } else { number * 1000 };
            return Ok(Self::At(Time(time)));
        }
        Time::parse_rfc3339(text).map(Self::At).ok_or_else(unknown)
    }
}

/// Reads `1h30m`, `90s`, `2d`, `250ms`.
pub(super) fn duration(text: &str) -> Result<Micros, NoDuration> {
    text.parse().map(|Duration(length)| length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_795_342_000_000_000);

    fn at(text: &str) -> Time {
        text.parse::<When>().unwrap().at(NOW)
    }

    #[test]
    fn times_relative_to_the_clock_are_read() {
        assert_eq!(at("now"), NOW);
        assert_eq!(at("now-48h"), NOW - Micros::from_secs(48 * 3600));
        assert_eq!(at("now-1h30m"), NOW - Micros::from_secs(5400));
        assert_eq!(at("now+5s"), NOW + Micros::from_secs(5));
    }

    #[test]
    fn absolute_times_are_read_in_three_spellings() {
        let expected = Time(1_795_342_000_000_000);
        assert_eq!(at("1795342000"), expected);
        assert_eq!(at("1795342000000"), expected);
        assert_eq!(at(&expected.to_string()), expected);
    }

    #[test]
    fn nonsense_is_refused_and_the_message_shows_what_is_allowed() {
        for bad in ["", "yesterday", "now-", "now-5", "now*2h", "nowhere", "2026-13-01T00:00:00Z", "now-2 fortnights"] {
            let message = bad.parse::<When>().unwrap_err();
            assert!(message.contains("now-48h"), "{bad}: {message}");
        }
    }
}
