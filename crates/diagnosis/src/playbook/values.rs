//! Values that playbook tables are made of: globs, regular expressions, durations.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de::Error as _};

use trace::{Micros, SpanKind};

/// A name pattern in which `*` stands for any text and `?` for one character.
#[derive(Clone, PartialEq)]
pub struct Glob(wildmatch::WildMatch);

impl Glob {
    /// A pattern from its text.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(wildmatch::WildMatch::new(pattern))
    }

    /// Whether the whole name fits.
    #[must_use]
    pub fn fits(&self, name: &str) -> bool {
        self.0.matches(name)
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self::new(&text))
    }
}

/// The kind of a span by its name: `producer`, `consumer` …
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanKindName(pub SpanKind);

impl<'de> Deserialize<'de> for SpanKindName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let kind = SpanKind::parse(&text).filter(|kind| *kind != SpanKind::Unspecified);
        kind.map(Self).ok_or_else(|| {
            D::Error::custom(format!(
                "'{text}' is not a kind of span; it may be one of: client, server, producer, consumer, internal"
            ))
        })
    }
}

/// Whether a name fits one of several patterns.
#[must_use]
pub fn any_fits(globs: &[Glob], name: &str) -> bool {
    globs.iter().any(|glob| glob.fits(name))
}

/// An attribute with one of several values.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeMatch {
    /// The attribute's keys; the first that is present counts.
    pub keys: Vec<String>,
    /// Patterns of its values, compared as text.
    pub values: Vec<Glob>,
}

/// A regular expression over an error message.
#[derive(Clone, Debug)]
pub struct Pattern(pub regex::Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        // Above the reason, the error draws the expression again.
        let reason = |error: &regex::Error| {
            let text = error.to_string();
            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        };
        regex::Regex::new(&text)
            .map(Self)
            .map_err(|error| D::Error::custom(format!("'{text}' is not a regular expression: {}", reason(&error))))
    }
}

/// A duration as people write it: `90s`, `1h30m`, `250ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration(pub Micros);

/// A text that is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a duration; write for example 90s, 1h30m or 250ms (units: ns, us, ms, s, m, h, d, w)")]
pub struct DurationError(String);

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let refuse = || DurationError(text.to_owned());
        let mut rest = text.trim();
        let mut total = 0.0;
        if rest.is_empty() {
            return Err(refuse());
        }
        while !rest.is_empty() {
            let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(refuse)?;
            let (digits, tail) = rest.split_at(number);
            // `.5s` and `1.s` are refused: a digit stands on both sides of the point.
            if !(digits.starts_with(|c: char| c.is_ascii_digit()) && digits.ends_with(|c: char| c.is_ascii_digit())) {
                return Err(refuse());
            }
            let value: f64 = digits.parse().map_err(|_| refuse())?;
            let unit = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(unit);
            let micros = match unit.trim() {
                "ns" => 1e-3,
                "us" | "µs" | "μs" => 1.0,
                "ms" => 1e3,
                "s" => 1e6,
                "m" => 60e6,
                "h" => 3600e6,
                "d" => 86_400e6,
                "w" => 604_800e6,
                _ => return Err(refuse()),
            };
            total += value * micros;
            rest = tail;
        }
        if total < 1e17 { Ok(Self(Micros(total.round() as i64))) } else { Err(refuse()) }
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_take_the_whole_name() {
        assert!(Glob::new("* http send").fits("GET /health http send"));
        assert!(!Glob::new("cli.*").fits("my cli.train"));
    }
}
