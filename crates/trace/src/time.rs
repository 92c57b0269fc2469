//! Points in time and durations, both in whole microseconds, the precision that both of Jaeger's APIs have.

use std::{
    fmt,
    ops::{Add, AddAssign, Sub},
};

use chrono::{DateTime, SecondsFormat, Utc};

/// A point in time: microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// A duration in microseconds; the difference of two [`Time`]s, so it may be negative. Serialized as a whole number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Time {
    /// From milliseconds since the epoch, as in Grafana.
    #[must_use]
    pub fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// From nanoseconds since the epoch, rounded to the nearest microsecond.
    #[must_use]
    pub fn from_nanos(ns: i128) -> Self {
        Self(i64::try_from((ns + 500).div_euclid(1000)).unwrap_or(i64::MAX))
    }

    /// Nanoseconds since the epoch, as in Arrow timestamps.
    #[must_use]
    pub fn nanos(self) -> i64 {
        self.0.saturating_mul(1000)
    }

    /// Milliseconds since the epoch with the microseconds as fraction.
    #[must_use]
    pub fn millis(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// Reads an RFC 3339 time such as `2026-11-22T10:05:05Z`.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|at| Self(at.timestamp_micros()))
    }

    /// The earlier of both.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Ord::min(self, other)
    }
}

impl Micros {
    /// A duration of whole seconds.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// A duration of whole milliseconds.
    #[must_use]
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// This duration in milliseconds, with the microseconds as fraction.
    #[must_use]
    pub fn millis(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// This duration in seconds.
    #[must_use]
    pub fn secs(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Sub for Time {
    type Output = Micros;
    fn sub(self, other: Self) -> Micros {
        Micros(self.0.saturating_sub(other.0))
    }
}

impl Add<Micros> for Time {
    type Output = Self;
    fn add(self, by: Micros) -> Self {
        Self(self.0.saturating_add(by.0))
    }
}

impl Sub<Micros> for Time {
    type Output = Self;
    fn sub(self, by: Micros) -> Self {
        Self(self.0.saturating_sub(by.0))
    }
}

impl Add for Micros {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Micros {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// RFC 3339 in UTC, with three or six digits after the second if it has a fraction.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp_micros(self.0) {
            Some(at) => f.write_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => write!(f, "{} µs", self.0),
        }
    }
}

/// For people: `3.2 ms`, `1.4 s`, `24 min 3 s`, `2 h 5 min`. The unit is chosen after rounding, so no text reads `1000 ms`
/// or `60.0 s`; `tests/shared/durations.json` has the bounds, which the browser side shares.
impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MILLISECOND: u64 = 1_000;
        const SECOND: u64 = 1_000_000;
        const MINUTE: u64 = 60 * SECOND;
        const HOUR: u64 = 60 * MINUTE;
        let us = self.0.unsigned_abs();
        let rounded = |unit: u64| us.saturating_add(unit / 2) / unit;
        let (tenths_of_ms, ms) = (rounded(MILLISECOND / 10), rounded(MILLISECOND));
        let tenths_of_s = rounded(SECOND / 10);
        let (secs, mins, hours) = (rounded(SECOND), rounded(MINUTE), rounded(HOUR));
        if self.0 < 0 {
            f.write_str("-")?;
        }
        if us == 0 {
            f.write_str("0 ms")
        } else if us < MILLISECOND {
            write!(f, "{us} µs")
        } else if tenths_of_ms < 100 {
            write!(f, "{}.{} ms", tenths_of_ms / 10, tenths_of_ms % 10)
        } else if ms < 1000 {
            write!(f, "{ms} ms")
        } else if tenths_of_s < 600 {
            write!(f, "{}.{} s", tenths_of_s / 10, tenths_of_s % 10)
        } else if secs < 3600 {
            write!(f, "{} min {} s", secs / 60, secs % 60)
        } else if mins < 24 * 60 {
            write!(f, "{} h {} min", mins / 60, mins % 60)
        } else {
            write!(f, "{} d {} h", hours / 24, hours % 24)
        }
    }
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse_rfc3339(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a time")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_are_rounded_to_the_nearest_microsecond() {
        assert_eq!(Time::from_nanos(1_499), Time(1));
        assert_eq!(Time::from_nanos(1_500), Time(2));
        assert_eq!(Time::from_nanos(-1_500), Time(-1));
    }

    #[test]
    fn times_and_durations_are_written_for_people() {
        assert_eq!(Time(1_795_342_157_811_154).to_string(), "2026-11-22T10:09:17.811154Z");
        assert_eq!(Time(0).to_string(), "1970-01-01T00:00:00Z");
        let text = |us| Micros(us).to_string();
        assert_eq!(text(999), "999 µs");
        assert_eq!(text(24 * 60_000_000 + 3_000_000), "24 min 3 s");
        assert_eq!(text(-5_000), "-5.0 ms");
    }
}
