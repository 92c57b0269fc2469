//! Points in time and durations, both in whole microseconds: the precision that both Jaeger APIs share.

use std::{
    fmt,
    ops::{Add, AddAssign, Sub},
};

use chrono::{DateTime, SecondsFormat, Utc};

/// A point in time: microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// A duration in microseconds; the difference of two [`Time`]s, so it may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub i64);

impl Time {
    /// Milliseconds since the epoch, as Grafana counts.
    #[must_use]
    pub fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// Nanoseconds since the epoch, rounded to the nearest microsecond.
    #[must_use]
    pub fn from_nanos(ns: i128) -> Self {
        Self(i64::try_from((ns + 500).div_euclid(1000)).unwrap_or(i64::MAX))
    }

    /// Nanoseconds since the epoch, as Arrow timestamps want them.
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

/// RFC 3339 in UTC with as many digits as needed.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp_micros(self.0) {
            Some(at) => f.write_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => write!(f, "{} µs", self.0),
        }
    }
}

/// For people: `3.2 ms`, `1.4 s`, `24 min 3 s`, `2 h 5 min`.
impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match us {
            0..1_000 => write!(f, "{us} µs"),
            1_000..10_000 => write!(f, "{:.1} ms", us as f64 / 1e3),
            10_000..1_000_000 => write!(f, "{:.0} ms", us as f64 / 1e3),
            1_000_000..60_000_000 => write!(f, "{:.1} s", us as f64 / 1e6),
            60_000_000..3_600_000_000 => write!(f, "{} min {} s", us / 60_000_000, us / 1_000_000 % 60),
            3_600_000_000..86_400_000_000 => write!(f, "{} h {} min", us / 3_600_000_000, us / 60_000_000 % 60),
            _ => write!(f, "{} d {} h", us / 86_400_000_000, us / 3_600_000_000 % 24),
        }
    }
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
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
        assert_eq!(text(1_250), "1.2 ms");
        assert_eq!(text(24 * 60_000_000 + 3_000_000), "24 min 3 s");
        assert_eq!(text(-5_000), "-5.0 ms");
    }
}
