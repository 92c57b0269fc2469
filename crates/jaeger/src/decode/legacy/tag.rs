//! Tags: keys with a value and the type that it claims to have.

use std::fmt;

use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::super::{
    normalize::attribute,
    scalar::{Any, Scalar, Text, any_seed},
    shape::{ReadObject, fields, push_next},
};
use trace::{Attribute, StrId, Strings};

/// Reads `tags` or `fields`: a list of tags, or an object with the values by key as some exporters write it.
pub(in super::super) struct Tags<'s> {
    pub(in super::super) strings: &'s mut Strings,
    pub(in super::super) into: &'s mut Vec<Attribute>,
}
any_seed!(Tags<'_> => ());

impl<'de> Visitor<'de> for Tags<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tags")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while push_next(&mut seq, Tag(&mut *self.strings), self.into)? {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Text(&mut *self.strings))? {
            let value = map.next_value_seed(Any(&mut *self.strings))?;
            self.into.push(attribute(key, value));
        }
        Ok(())
    }
}

/// The type that a tag claims; it only decides where JSON leaves a choice.
#[derive(Clone, Copy)]
pub(in super::super) enum TagType {
    Int,
    Float,
    Bool,
    Other,
}

impl TagType {
    pub(in super::super) fn of(name: &str) -> Self {
        match name {
            "int64" | "INT64" => Self::Int,
            "float64" | "FLOAT64" => Self::Float,
            "bool" | "boolean" | "BOOL" => Self::Bool,
            _ => Self::Other,
        }
    }

    /// What stands for a value that protobuf's JSON leaves out.
    fn default(self) -> Scalar {
        match self {
            Self::Int => Scalar::Int(0),
            Self::Float => Scalar::Float(0.0),
            Self::Bool => Scalar::Bool(false),
            Self::Other => Scalar::Text(StrId::EMPTY),
        }
    }
}

impl<'de> de::Deserialize<'de> for TagType {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match serde_json::Value::deserialize(from)? {
            serde_json::Value::String(name) => Self::of(&name),
            serde_json::Value::Number(number) => match number.as_u64() {
                Some(1) => Self::Bool,
                Some(2) => Self::Int,
                Some(3) => Self::Float,
                _ => Self::Other,
            },
            _ => Self::Other,
        })
    }
}

/// The value in the type that was claimed, where its JSON allows that.
pub(in super::super) fn typed(tag_type: TagType, value: Scalar, strings: &Strings) -> Scalar {
    match (tag_type, value) {
        (TagType::Int, Scalar::Text(id)) => strings.get(id).parse().map_or(value, Scalar::Int),
        (TagType::Float, Scalar::Text(id)) => strings.get(id).parse().map_or(value, Scalar::Float),
        (TagType::Float, Scalar::Int(n)) => Scalar::Float(n as f64),
        (TagType::Bool, Scalar::Text(id)) => strings.get(id).parse().map_or(value, Scalar::Bool),
        _ => value,
    }
}

// The second group are the names of Jaeger's gRPC model.
fields! { TagField {
    Key = "key",
    Type = "type" | "vType" | "v_type",
    Value = "value" | "vStr" | "v_str" | "vBool" | "v_bool" | "vInt64" | "v_int64" | "vFloat64" | "v_float64"
        | "vBinary" | "v_binary",
} }

struct Tag<'s>(&'s mut Strings);

impl<'de> ReadObject<'de> for Tag<'_> {
    type Value = Attribute;
    const WHAT: &'static str = "a tag";

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<Attribute, A::Error> {
        let (mut key, mut tag_type, mut value) = (StrId::EMPTY, TagType::Other, None);
        while let Some(field) = map.next_key()? {
            match field {
                TagField::Key => key = map.next_value_seed(Text(&mut *self.0))?,
                TagField::Type => tag_type = map.next_value()?,
                TagField::Value => value = Some(map.next_value_seed(Any(&mut *self.0))?),
                TagField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(attribute(key, value.map_or(tag_type.default(), |value| typed(tag_type, value, self.0))))
    }
}
