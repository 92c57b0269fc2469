//! Ids as exporters and storages write them. Two different ids must never become one. So an id that cannot be read with
//! certainty is unreadable, and spans with such an id are left out with that reason.

use std::fmt;

use base64::Engine as _;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use trace::{SpanId, TraceId};

/// How much of an unreadable id a message shows, in characters.
const SHOWN: usize = 60;

/// The value of a field that should have an id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum WireId<T> {
    /// No value, or zero, which means none.
    #[default]
    Missing,
    /// An id.
    Known(T),
    /// Something else: its beginning, for people.
    Unreadable(String),
}

impl<T: Copy> WireId<T> {
    pub(super) fn known(&self) -> Option<T> {
        match self {
            Self::Known(id) => Some(*id),
            Self::Missing | Self::Unreadable(_) => None,
        }
    }
}

/// An id that is written in several ways.
pub(super) trait ReadId: Sized + PartialEq {
    /// How an absent id is written.
    const NOTHING: Self;

    fn from_wire(text: &str) -> Option<Self>;
}

/// A trace id in the digits that Jaeger writes: up to 16, or 32.
pub(super) fn trace_digits(text: &str) -> Option<TraceId> {
    match text.len() {
        32 => {
            let (high, low) = text.as_bytes().split_at(16);
            Some(TraceId(u128::from(hex(high)?) << 64 | u128::from(hex(low)?)))
        }
        1..=16 => Some(TraceId(hex(text.as_bytes())?.into())),
        _ => TraceId::parse(text),
    }
}

/// A span id in up to 16 digits.
pub(super) fn span_digits(text: &str) -> Option<SpanId> {
    if matches!(text.len(), 1..=16) { hex(text.as_bytes()).map(SpanId) } else { None }
}

/// Up to 16 hexadecimal digits.
fn hex(digits: &[u8]) -> Option<u64> {
    let mut wrong = false;
    let value = digits.iter().fold(0u64, |value, &byte| {
        let letter = (byte | 0x20).wrapping_sub(b'a');
        let digit = byte.wrapping_sub(b'0');
        wrong |= digit > 9 && letter > 5;
        value << 4 | u64::from(if digit > 9 { letter.wrapping_add(10) } else { digit })
    });
    (!wrong).then_some(value)
}

impl ReadId for TraceId {
    const NOTHING: Self = Self(0);

    /// 1 to 32 hexadecimal digits in either case, with `0x` before them, as a UUID with dashes, or as base64 of 16 or
    /// 8 bytes (the JSON form of protobuf).
    fn from_wire(text: &str) -> Option<Self> {
        let other = || trace_digits(without_prefix(text)).or_else(|| trace_digits(&without_dashes(text)?));
        let wide = || base64::<16>(text).map(|bytes| Self(u128::from_be_bytes(bytes)));
        let narrow = || base64::<8>(text).map(|bytes| Self(u64::from_be_bytes(bytes).into()));
        trace_digits(text).or_else(other).or_else(wide).or_else(narrow)
    }
}

impl ReadId for SpanId {
    const NOTHING: Self = Self(0);

    /// 1 to 16 hexadecimal digits in either case, also with leading zeros or `0x` before them, or base64 of 8 bytes.
    fn from_wire(text: &str) -> Option<Self> {
        let other = || {
            let digits = Some(without_prefix(text)).filter(|digits| digits.len() <= 32)?;
            let short = digits.trim_start_matches('0');
            if short.is_empty() && !digits.is_empty() { Some(Self::NOTHING) } else { span_digits(short) }
        };
        let narrow = || base64::<8>(text).map(|bytes| Self(u64::from_be_bytes(bytes)));
        span_digits(text).or_else(other).or_else(narrow)
    }
}

fn without_prefix(text: &str) -> &str {
    text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text)
}

/// The digits of a UUID.
fn without_dashes(text: &str) -> Option<String> {
    let groups: Vec<&str> = text.split('-').collect();
    let is_uuid = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]);
    is_uuid.then(|| groups.concat())
}

fn base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()?.try_into().ok()
}

impl<'de, T: ReadId> de::Deserialize<'de> for WireId<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Read(std::marker::PhantomData))
    }
}

struct Read<T>(std::marker::PhantomData<T>);

impl<'de, T: ReadId> Visitor<'de> for Read<T> {
    type Value = WireId<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id")
    }
    fn visit_str<E>(self, text: &str) -> Result<WireId<T>, E> {
        let text = text.trim();
        Ok(match T::from_wire(text) {
            Some(id) if id == T::NOTHING => WireId::Missing,
            Some(id) => WireId::Known(id),
            None if text.is_empty() => WireId::Missing,
            None => WireId::Unreadable(text.chars().take(SHOWN).collect()),
        })
    }
    fn visit_unit<E>(self) -> Result<WireId<T>, E> {
        Ok(WireId::Missing)
    }
    // A number may be decimal, may be rounded, or may be hexadecimal digits without quotes. There is no way to know.
    fn visit_u64<E>(self, number: u64) -> Result<WireId<T>, E> {
        Ok(if number == 0 { WireId::Missing } else { WireId::Unreadable(format!("the number {number}")) })
    }
    fn visit_i64<E>(self, number: i64) -> Result<WireId<T>, E> {
        Ok(WireId::Unreadable(format!("the number {number}")))
    }
    fn visit_f64<E>(self, number: f64) -> Result<WireId<T>, E> {
        Ok(WireId::Unreadable(format!("the number {number}")))
    }
    fn visit_bool<E>(self, value: bool) -> Result<WireId<T>, E> {
        Ok(WireId::Unreadable(value.to_string()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<WireId<T>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(WireId::Unreadable("a list".to_owned()))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WireId<T>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(WireId::Unreadable("an object".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(json: &str) -> WireId<TraceId> {
        serde_json::from_str(json).unwrap()
    }

    fn span(json: &str) -> WireId<SpanId> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_id_is_read_in_every_form_that_leaves_no_doubt() {
        let id = WireId::Known(TraceId(0x5296_9a89_5557_1a3f));
        for text in [
            "52969a8955571a3f",
            "52969A8955571A3F",
            "0x52969a8955571a3f",
            "000000000000000052969a8955571a3f",
            "00000000-0000-0000-5296-9a8955571a3f",
            " 52969a8955571a3f ",
            "AAAAAAAAAABSlpqJVVcaPw==",
            "UpaaiVVXGj8=",
        ] {
            assert_eq!(trace(&format!("{text:?}")), id, "{text}");
        }
        let id = WireId::Known(SpanId(0x0064_7d98));
        for text in ["647d98", "647D98", "0x0000000000647d98", "00000000000000000000000000647d98", "AAAAAABkfZg="] {
            assert_eq!(span(&format!("{text:?}")), id, "{text}");
        }
    }

    #[test]
    fn nothing_and_zero_are_missing() {
        for json in ["null", "\"\"", "0", "\"0\"", "\"0000000000000000\"", "\"0x0\"", "\"AAAAAAAAAAA=\""] {
            assert_eq!(span(json), WireId::Missing, "{json}");
            assert_eq!(trace(json), WireId::Missing, "{json}");
        }
        assert_eq!(span(&format!("\"{}\"", "0".repeat(32))), WireId::Missing);
    }

    #[test]
    fn everything_else_is_unreadable_and_shown() {
        for json in [
            "\"req20250628143730004\"",
            "\"+1\"",
            "\"1-2\"",
            "\"123456789012345678901234567890123\"",
            "4711",
            "-1",
            "1.5",
            "true",
            "[1,[2]]",
            "{\"a\":{\"b\":1}}",
        ] {
            assert!(matches!(trace(json), WireId::Unreadable(_)), "{json}");
        }
        assert!(matches!(span("\"12345678901234567\""), WireId::Unreadable(_)), "more than 64 bits");
        assert_eq!(trace("\"req20250628143730004\""), WireId::Unreadable("req20250628143730004".to_owned()));
        assert_eq!(trace("4711"), WireId::Unreadable("the number 4711".to_owned()));
    }
}
