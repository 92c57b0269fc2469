//! Times and durations as exporters and storages write them: numbers, texts, RFC 3339, Go's and protobuf's durations, and
//! pairs of seconds and nanoseconds. A plain number is in the unit of its format: microseconds in Jaeger's, nanoseconds in
//! OTLP.

use std::fmt;

use chrono::DateTime;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// 2^63. This number and larger ones are negative numbers that were written as unsigned.
const WRAPPED: i128 = 1 << 63;
/// Far beyond every time, and small enough that sums and products of a few do not overflow.
const FARTHEST: i128 = 1 << 90;

/// A time or a duration as it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum WireTime {
    /// Nothing, or nothing that can be read.
    #[default]
    Missing,
    /// A whole number in the unit of the format.
    Whole(i128),
    /// A number with a fraction or beyond 64 bits, as JavaScript writes them.
    Float(f64),
    /// Nanoseconds.
    Nanos(i128),
}

impl WireTime {
    /// In microseconds, in a format whose plain numbers are microseconds.
    pub(super) fn micros(self) -> Option<i64> {
        match self {
            Self::Missing => None,
            Self::Whole(number) => Some(clamped(unwrapped(number))),
            Self::Float(number) => Some(clamped(unwrapped(number.round() as i128))),
            Self::Nanos(nanos) => Some(clamped(nanos.div_euclid(1000))),
        }
    }

    /// In nanoseconds, in a format whose plain numbers are nanoseconds. A float is not precise enough for today's time in
    /// nanoseconds, so it is rounded to microseconds.
    pub(super) fn nanos(self) -> Option<i128> {
        match self {
            Self::Missing => None,
            Self::Whole(number) => Some(unwrapped(number)),
            Self::Float(number) => Some(unwrapped(limited((number / 1000.0).round() as i128) * 1000)),
            Self::Nanos(nanos) => Some(nanos),
        }
    }
}

fn limited(number: i128) -> i128 {
    number.clamp(-FARTHEST, FARTHEST)
}

fn unwrapped(number: i128) -> i128 {
    if number >= WRAPPED { (number - 2 * WRAPPED).min(-1) } else { number }
}

/// The nearest number that fits into 64 bits.
pub(super) fn clamped(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

impl<'de> de::Deserialize<'de> for WireTime {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Read)
    }
}

struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = WireTime;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time")
    }
    fn visit_u64<E>(self, number: u64) -> Result<WireTime, E> {
        Ok(WireTime::Whole(number.into()))
    }
    fn visit_i64<E>(self, number: i64) -> Result<WireTime, E> {
        Ok(WireTime::Whole(number.into()))
    }
    fn visit_f64<E>(self, number: f64) -> Result<WireTime, E> {
        Ok(if number.is_finite() { WireTime::Float(number) } else { WireTime::Missing })
    }
    fn visit_str<E>(self, text: &str) -> Result<WireTime, E> {
        Ok(parse(text.trim()).unwrap_or_default())
    }
    fn visit_unit<E>(self) -> Result<WireTime, E> {
        Ok(WireTime::Missing)
    }
    fn visit_bool<E>(self, _: bool) -> Result<WireTime, E> {
        Ok(WireTime::Missing)
    }
    /// Seconds and nanoseconds, as OpenTelemetry's JavaScript SDK writes them.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<WireTime, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = seq.next_element::<serde_json::Value>()? {
            parts.push(part.as_i64());
        }
        Ok(match parts.as_slice() {
            [Some(seconds), Some(nanos)] => WireTime::Nanos(joined(*seconds, *nanos)),
            _ => WireTime::Missing,
        })
    }
    /// Protobuf's `{seconds, nanos}`, or the halves of a 64-bit number as JavaScript's OTLP exporters once wrote them.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WireTime, A::Error> {
        let (mut seconds, mut nanos, mut low, mut high) = (None, None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            let slot = match key.as_str() {
                "seconds" | "secs" => &mut seconds,
                "nanos" | "nanoseconds" => &mut nanos,
                "low" => &mut low,
                "high" => &mut high,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if let WireTime::Whole(number) = map.next_value()? {
                *slot = i64::try_from(number).ok();
            }
        }
        Ok(match (seconds, low, high) {
            (Some(seconds), _, _) => WireTime::Nanos(joined(seconds, nanos.unwrap_or(0))),
            (None, Some(low), Some(high)) => {
                let half = |half: i64| i128::from(half.cast_unsigned() & 0xffff_ffff);
                WireTime::Whole(half(high) << 32 | half(low))
            }
            _ => WireTime::Missing,
        })
    }
}

fn joined(seconds: i64, nanos: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanos)
}

fn parse(text: &str) -> Option<WireTime> {
    if let Ok(number) = text.parse() {
        return Some(WireTime::Whole(limited(number)));
    }
    if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
        && let Ok(number) = text.parse::<f64>()
    {
        return number.is_finite().then_some(WireTime::Float(number));
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(WireTime::Nanos(joined(at.timestamp(), at.timestamp_subsec_nanos().into())));
    }
    duration(text).map(WireTime::Nanos)
}

/// `0.022938s` as protobuf writes durations, `1m2.5s` as Go does.
fn duration(text: &str) -> Option<i128> {
    let (sign, mut rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let mut nanos = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let (unit, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len()));
        let in_nanos = match unit {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            _ => return None,
        };
        nanos += number.parse::<f64>().ok()? * in_nanos;
        rest = tail;
    }
    Some(sign * limited(nanos.round() as i128))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> WireTime {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn numbers_are_in_the_unit_of_their_form_and_floats_are_rounded() {
        assert_eq!(read("1795342000000000").micros(), Some(1_795_342_000_000_000));
        assert_eq!(read("\"1795342000000000123\"").nanos(), Some(1_795_342_000_000_000_123));
        for json in ["1008.9999999999999", "\"1008.9999999999999\"", "1.009e3", "1008.5", "1009.4999"] {
            assert_eq!(read(json).micros(), Some(1009), "{json}");
        }
        assert_eq!(read("1795342000002008832.0").nanos(), Some(1_795_342_000_002_009_000));
        assert_eq!(read("\"NaN\""), WireTime::Missing);
        assert_eq!(read("\"inf\""), WireTime::Missing);
    }

    /// jaeger#8165, jaeger#4801: Jaeger writes a negative duration as 2^64 − n; JavaScript rounds that.
    #[test]
    fn a_wrapped_number_is_negative() {
        assert_eq!(read("18446744073709551425").micros(), Some(-191));
        assert_eq!(read("\"18446744073709551425\"").micros(), Some(-191));
        for json in ["18446744073709552000", "9223372036854775808", "1.8446744073709552e19", "1e300"] {
            assert!(read(json).micros().is_some_and(|micros| micros < 0), "{json}");
            assert!(read(json).nanos().is_some_and(|nanos| nanos < 0), "{json}");
        }
        assert_eq!(read("9223372036854775807").micros(), Some(i64::MAX));
        assert_eq!(read("-5").micros(), Some(-5));
    }

    #[test]
    fn times_and_durations_with_a_unit_of_their_own_are_read() {
        let at = Some(1_795_342_000_022_938);
        for json in [
            "\"2026-11-22T10:06:40.022938Z\"",
            "\"2026-11-22T11:06:40.022938999+01:00\"",
            "[1795342000, 22938000]",
            "{\"seconds\": 1795342000, \"nanos\": 22938000}",
            "{\"seconds\": \"1795342000\", \"nanos\": 22938000, \"other\": [1]}",
        ] {
            assert_eq!(read(json).micros(), at, "{json}");
        }
        assert_eq!(read("\"0.022938s\"").micros(), Some(22_938));
        assert_eq!(read("\"1m2.5s\"").micros(), Some(62_500_000));
        assert_eq!(read("\"-3ms\"").micros(), Some(-3000));
        assert_eq!(read("{\"low\": -1, \"high\": 1}").nanos(), Some(0x1_ffff_ffff));
    }

    #[test]
    fn what_cannot_be_read_is_missing() {
        for json in [
            "null",
            "true",
            "\"\"",
            "\"soon\"",
            "\"5 s\"",
            "\"2026-11-22\"",
            "[1]",
            "[1,\"x\"]",
            "{}",
            "\"s\"",
            "\"-\"",
        ] {
            assert_eq!(read(json), WireTime::Missing, "{json}");
        }
    }
}
