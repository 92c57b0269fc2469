//! The small values of both dialects: texts, numbers, ids, and the JSON text of arrays and maps.

use std::fmt;

use base64::Engine as _;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::trace::{SpanId, StrId, Strings, TraceId};

/// Reads whatever JSON comes and lets the visitor decide.
macro_rules! any_seed {
    ($name:ident $(<$life:lifetime>)? => $value:ty) => {
        impl<'de> serde::de::DeserializeSeed<'de> for $name $(<$life>)? {
            type Value = $value;
            fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<$value, D::Error> {
                from.deserialize_any(self)
            }
        }
    };
}
pub(super) use any_seed;

/// A value as JSON wrote it, texts in the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar {
    Text(StrId),
    Bool(bool),
    Int(i64),
    Float(f64),
}

/// Reads any value by its JSON type; arrays and objects become their text.
pub(super) struct Any<'s>(pub(super) &'s mut Strings);
any_seed!(Any<'_> => Scalar);

impl<'de> Visitor<'de> for Any<'_> {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(self.0.intern(text)))
    }
    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Int(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(i64::try_from(value).map_or_else(|_| Scalar::Text(self.0.intern(&value.to_string())), Scalar::Int))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Float(value))
    }
    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Text(StrId::EMPTY))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Scalar, A::Error> {
        let value: serde_json::Value = de::Deserialize::deserialize(de::value::SeqAccessDeserializer::new(seq))?;
        Ok(Scalar::Text(self.0.intern(&value.to_string())))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scalar, A::Error> {
        let value: serde_json::Value = de::Deserialize::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(Scalar::Text(self.0.intern(&value.to_string())))
    }
}

/// Reads a text into the table; null is empty, numbers and truth values are written out.
pub(super) struct Text<'s>(pub(super) &'s mut Strings);

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = StrId;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<StrId, D::Error> {
        Ok(match Any(&mut *self.0).deserialize(from)? {
            Scalar::Text(id) => id,
            Scalar::Bool(b) => self.0.intern(&b.to_string()),
            Scalar::Int(n) => self.0.intern(&n.to_string()),
            Scalar::Float(x) => self.0.intern(&x.to_string()),
        })
    }
}

/// Reads a list of texts.
pub(super) struct Texts<'s> {
    pub(super) strings: &'s mut Strings,
    pub(super) into: &'s mut Vec<StrId>,
}
any_seed!(Texts<'_> => ());

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.into.push(self.strings.intern(text));
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(text) = seq.next_element_seed(Text(&mut *self.strings))? {
            self.into.push(text);
        }
        Ok(())
    }
}

/// A whole number that may be written as a text or a float; null and nonsense are none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole(pub(super) Option<i128>);

impl<'de> de::Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Whole;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }
            fn visit_u64<E>(self, n: u64) -> Result<Whole, E> {
                Ok(Whole(Some(n.into())))
            }
            fn visit_i64<E>(self, n: i64) -> Result<Whole, E> {
                Ok(Whole(Some(n.into())))
            }
            fn visit_f64<E>(self, x: f64) -> Result<Whole, E> {
                Ok(Whole(x.is_finite().then_some(x as i128)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Whole, E> {
                let text = text.trim();
                let float = || text.parse::<f64>().ok().filter(|x| x.is_finite()).map(|x| x as i128);
                Ok(Whole(text.parse().ok().or_else(float)))
            }
            fn visit_unit<E>(self) -> Result<Whole, E> {
                Ok(Whole(None))
            }
        }
        from.deserialize_any(Read)
    }
}

impl Whole {
    /// As microseconds; what does not fit is the nearest that does.
    pub(super) fn micros(self) -> i64 {
        clamp(self.0.unwrap_or(0))
    }
}

pub(super) fn clamp(n: i128) -> i64 {
    i64::try_from(n).unwrap_or(if n < 0 { i64::MIN } else { i64::MAX })
}

/// A trace id as hexadecimal digits or, up to v1.53, base64; zero when it is neither.
#[derive(Clone, Copy, Debug)]
pub(super) struct WireTraceId(pub(super) TraceId);

/// A span id, likewise.
#[derive(Clone, Copy, Debug)]
pub(super) struct WireSpanId(pub(super) Option<SpanId>);

macro_rules! from_text {
    ($name:ident, $parse:expr) => {
        impl<'de> de::Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Read;
                impl Visitor<'_> for Read {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an id")
                    }
                    fn visit_str<E>(self, text: &str) -> Result<$name, E> {
                        let parse: fn(&str) -> $name = $parse;
                        Ok(parse(text))
                    }
                    fn visit_unit<E>(self) -> Result<$name, E> {
                        let parse: fn(&str) -> $name = $parse;
                        Ok(parse(""))
                    }
                }
                from.deserialize_any(Read)
            }
        }
    };
}

from_text!(WireTraceId, |text| {
    let id = TraceId::parse(text).or_else(|| base64::<16>(text).map(|bytes| TraceId(u128::from_be_bytes(bytes))));
    WireTraceId(id.unwrap_or_default())
});
from_text!(WireSpanId, |text| {
    WireSpanId(SpanId::parse(text).or_else(|| base64::<8>(text).map(|bytes| SpanId(u64::from_be_bytes(bytes)))))
});

fn base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()?.try_into().ok()
}
