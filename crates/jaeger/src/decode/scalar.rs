//! Reads single values: texts, numbers, booleans, and arrays and maps as their JSON text.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use trace::{StrId, Strings};

/// Makes a visitor usable for values of any JSON type.
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

/// A value by its JSON type, with texts in the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar {
    Text(StrId),
    Bool(bool),
    Int(i64),
    Float(f64),
}

/// Reads any value by its JSON type. Arrays and objects become their JSON text.
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

/// Reads a text into the table. `null` becomes empty; numbers and booleans become their text.
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
