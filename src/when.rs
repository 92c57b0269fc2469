//! Times as a person types them on the command line or in a query: `now`, `now-48h`, `now-1h30m`, RFC 3339, seconds or milliseconds of the Unix epoch.
//!
//! Seconds since September 2001 have ten digits until 2286, milliseconds thirteen. Any other number could be a date
//! written without dashes, microseconds, or a slip of the finger: it is refused.

use std::str::FromStr;

use diagnosis::playbook::{Duration, DurationError};
use trace::{Micros, Time};

/// A point in time that may hang on the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// That long before the clock (negative: after it).
    Before(Micros),
    /// Exactly then.
    At(Time),
}

impl When {
    /// The point in time for this clock.
    pub(crate) fn at(self, now: Time) -> Time {
        match self {
            Self::Before(ago) => now - ago,
            Self::At(time) => time,
        }
    }
}

/// The clock of this machine.
pub(crate) fn wall_clock() -> Time {
    Time(chrono::Utc::now().timestamp_micros())
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let unknown = || {
            format!(
                "`{text}` is not a time; write `now`, `now-48h`, `now-1h30m`, `2026-11-22T10:05:00Z`, or seconds (10 \
                 digits) or milliseconds (13 digits) since 1970{}",
                if is_micros(text) { "; these look like microseconds: leave the last 3 digits out" } else { "" }
            )
        };
        if let Some(rest) = text.strip_prefix("now") {
            let (sign, span) = match rest.split_at_checked(1) {
                None => return Ok(Self::Before(Micros(0))),
                Some(("-", span)) => (1, span),
                Some(("+", span)) => (-1, span),
                Some(_) => return Err(unknown()),
            };
            let Micros(ago) = duration(span).map_err(|_| unknown())?;
            return Ok(Self::Before(Micros(sign * ago)));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number: i64 = text.parse().map_err(|_| unknown())?;
            return match number {
                1_000_000_000..10_000_000_000 => Ok(Self::At(Time(number.saturating_mul(1_000_000)))),
                1_000_000_000_000..10_000_000_000_000 => Ok(Self::At(Time(number.saturating_mul(1000)))),
                _ => Err(unknown()),
            };
        }
        Time::parse_rfc3339(text).map(Self::At).ok_or_else(unknown)
    }
}

/// Jaeger's own unit: 16 digits.
fn is_micros(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads `1h30m`, `90s`, `2d`, `250ms`.
pub(crate) fn duration(text: &str) -> Result<Micros, DurationError> {
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

    /// Review B16: microseconds were taken for milliseconds, and large numbers overflowed.
    #[test]
    fn numbers_that_could_mean_something_else_are_refused() {
        for (first, last) in [("1000000000", "9999999999"), ("1000000000000", "9999999999999")] {
            assert!(first.parse::<When>().is_ok() && last.parse::<When>().is_ok());
        }
        for ambiguous in [
            "999999999",
            "10000000000",
            "999999999999",
            "10000000000000",
            "0",
            "20261122",
            "20261122100500",
            "1763802900000000",
            "1795342000000000000",
            "9223372036854775807",
            "99999999999999999999",
            "-1795342000",
            "1795342000.5",
        ] {
            let message = ambiguous.parse::<When>().unwrap_err();
            assert!(message.contains("10 digits"), "{ambiguous}: {message}");
        }
        assert!("1763802900000000".parse::<When>().unwrap_err().contains("microseconds"));
    }

    #[test]
    fn nonsense_is_refused_and_the_message_shows_what_is_allowed() {
        for bad in ["", "yesterday", "now-", "now-5", "now*2h", "nowhere", "2026-13-01T00:00:00Z", "now-2 fortnights"] {
            let message = bad.parse::<When>().unwrap_err();
            assert!(message.contains("now-48h"), "{bad}: {message}");
        }
    }
}
