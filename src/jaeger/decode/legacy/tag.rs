//! Tags: keys with a value and the type that it claims to have.

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::super::{
    scalar::{Any, Scalar, Text},
    shape::{ReadList, ReadObject, fields, push_next},
    sink::attribute,
};
use crate::trace::{Attribute, StrId, Strings};

/// Reads `tags` or `fields`.
pub(super) struct Tags<'s> {
    pub(super) strings: &'s mut Strings,
    pub(super) into: &'s mut Vec<Attribute>,
}

impl<'de> ReadList<'de> for Tags<'_> {
    const WHAT: &'static str = "a list of tags";

    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        push_next(seq, Tag(&mut *self.strings), self.into)
    }
}

/// The type that a tag claims; it only decides where JSON leaves a choice.
#[derive(Clone, Copy, serde::Deserialize)]
pub(in super::super) enum Claim {
    #[serde(rename = "int64")]
    Int,
    #[serde(rename = "float64")]
    Float,
    #[serde(rename = "bool", alias = "boolean")]
    Bool,
    #[serde(other)]
    Other,
}

impl Claim {
    pub(in super::super) fn of(name: &str) -> Self {
        match name {
            "int64" => Self::Int,
            "float64" => Self::Float,
            "bool" | "boolean" => Self::Bool,
            _ => Self::Other,
        }
    }
}

/// The value in the type that was claimed, where its JSON allows that.
pub(in super::super) fn typed(claim: Claim, value: Scalar, strings: &Strings) -> Scalar {
    match (claim, value) {
        (Claim::Int, Scalar::Text(id)) => strings.get(id).parse().map_or(value, Scalar::Int),
        (Claim::Float, Scalar::Text(id)) => strings.get(id).parse().map_or(value, Scalar::Float),
        (Claim::Float, Scalar::Int(n)) => Scalar::Float(n as f64),
        (Claim::Bool, Scalar::Text(id)) => strings.get(id).parse().map_or(value, Scalar::Bool),
        _ => value,
    }
}

fields! { TagField { Key = "key", Type = "type", Value = "value" } }

struct Tag<'s>(&'s mut Strings);

impl<'de> ReadObject<'de> for Tag<'_> {
    type Value = Attribute;
    const WHAT: &'static str = "a tag";

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<Attribute, A::Error> {
        let (mut key, mut claim, mut value) = (StrId::EMPTY, Claim::Other, Scalar::Text(StrId::EMPTY));
        while let Some(field) = map.next_key()? {
            match field {
                TagField::Key => key = map.next_value_seed(Text(&mut *self.0))?,
                TagField::Type => claim = map.next_value()?,
                TagField::Value => value = map.next_value_seed(Any(&mut *self.0))?,
                TagField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(attribute(key, typed(claim, value, self.0)))
    }
}
