//! Attributes: keys with values. Jaeger's legacy API writes them as tags, which name the type of their value, and OTLP as
//! pairs whose value is in a field that is named after the type. Both come as a list, or as an object with the values by
//! key, as some exporters write them.

use std::{fmt, marker::PhantomData};

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    fields::{AttributeField, Key, ValueField},
    json_text,
    normalize::attribute,
    scalar::{Any, Scalar, Text},
    shape::{Object, ReadObject},
};
use trace::{Attribute, StrId, Strings};

/// One attribute in one of the formats.
pub(super) trait ReadAttribute {
    /// The list of such attributes, for messages.
    const LIST: &'static str;
    /// One such attribute, for messages.
    const WHAT: &'static str;

    fn read<'de, A: MapAccess<'de>>(map: A, strings: &mut Strings) -> Result<Attribute, A::Error>;
}

/// Reads tags: `tags` and `fields` of the legacy API.
pub(super) type Tags<'s> = AttributeList<'s, Tag>;
/// Reads `attributes` of OTLP.
pub(super) type KeyValues<'s> = AttributeList<'s, KeyValue>;

/// Reads attributes into a list.
pub(super) struct AttributeList<'s, F> {
    strings: &'s mut Strings,
    into: &'s mut Vec<Attribute>,
    format: PhantomData<F>,
}

impl<'s, F> AttributeList<'s, F> {
    pub(super) fn new(strings: &'s mut Strings, into: &'s mut Vec<Attribute>) -> Self {
        Self { strings, into, format: PhantomData }
    }
}

impl<'de, F: ReadAttribute> DeserializeSeed<'de> for AttributeList<'_, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, F: ReadAttribute> Visitor<'de> for AttributeList<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(F::LIST)
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(attribute) = seq.next_element_seed(Object(Element::<F>(&mut *self.strings, PhantomData)))? {
            self.into.push(attribute);
        }
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

/// An element of a list of attributes.
struct Element<'s, F>(&'s mut Strings, PhantomData<F>);

impl<'de, F: ReadAttribute> ReadObject<'de> for Element<'_, F> {
    type Value = Attribute;
    const WHAT: &'static str = F::WHAT;

    fn read<A: MapAccess<'de>>(self, map: A) -> Result<Attribute, A::Error> {
        F::read(map, self.0)
    }
}

/// A tag of the legacy API.
pub(super) enum Tag {}

impl ReadAttribute for Tag {
    const LIST: &'static str = "a list of tags";
    const WHAT: &'static str = "a tag";

    fn read<'de, A: MapAccess<'de>>(mut map: A, strings: &mut Strings) -> Result<Attribute, A::Error> {
        let (mut key, mut tag_type, mut value) = (StrId::EMPTY, TagType::Other, None);
        while let Some(Key(field)) = map.next_key()? {
            match field {
                Some(AttributeField::Key) => key = map.next_value_seed(Text(&mut *strings))?,
                Some(AttributeField::Type) => tag_type = map.next_value()?,
                Some(AttributeField::Value | AttributeField::TypedValue) => {
                    value = Some(map.next_value_seed(Any(&mut *strings))?);
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(attribute(key, value.map_or(tag_type.default(), |value| tag_type.convert(value, strings))))
    }
}

/// The type that a tag names. It only decides where JSON leaves a choice.
#[derive(Clone, Copy)]
pub(super) enum TagType {
    Int,
    Float,
    Bool,
    Other,
}

impl TagType {
    pub(super) fn named(name: &str) -> Self {
        match name {
            "int64" | "INT64" => Self::Int,
            "float64" | "FLOAT64" => Self::Float,
            "bool" | "boolean" | "BOOL" => Self::Bool,
            _ => Self::Other,
        }
    }

    /// The value of a tag without one: protobuf's JSON omits zero values.
    fn default(self) -> Scalar {
        match self {
            Self::Int => Scalar::Int(0),
            Self::Float => Scalar::Float(0.0),
            Self::Bool => Scalar::Bool(false),
            Self::Other => Scalar::Text(StrId::EMPTY),
        }
    }

    /// The value in this type if its JSON allows that, otherwise as it is.
    pub(super) fn convert(self, value: Scalar, strings: &Strings) -> Scalar {
        match (self, value) {
            (Self::Int, Scalar::Text(id)) => strings.get(id).parse().map_or(value, Scalar::Int),
            (Self::Float, Scalar::Text(id)) => strings.get(id).parse().map_or(value, Scalar::Float),
            (Self::Float, Scalar::Int(n)) => Scalar::Float(n as f64),
            (Self::Bool, Scalar::Text(id)) => strings.get(id).parse().map_or(value, Scalar::Bool),
            _ => value,
        }
    }
}

/// By name or, in Jaeger's gRPC model, by number.
impl<'de> de::Deserialize<'de> for TagType {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match serde_json::Value::deserialize(from)? {
            serde_json::Value::String(name) => Self::named(&name),
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

/// A pair of OTLP.
pub(super) enum KeyValue {}

impl ReadAttribute for KeyValue {
    const LIST: &'static str = "a list of attributes";
    const WHAT: &'static str = "an attribute";

    fn read<'de, A: MapAccess<'de>>(mut map: A, strings: &mut Strings) -> Result<Attribute, A::Error> {
        let (mut key, mut value) = (StrId::EMPTY, Scalar::Text(StrId::EMPTY));
        while let Some(Key(field)) = map.next_key()? {
            match field {
                Some(AttributeField::Key) => key = map.next_value_seed(Text(&mut *strings))?,
                Some(AttributeField::Value) => value = map.next_value_seed(Object(AnyValue(&mut *strings)))?,
                Some(AttributeField::Type | AttributeField::TypedValue) | None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(attribute(key, value))
    }
}

struct AnyValue<'s>(&'s mut Strings);

impl<'de> ReadObject<'de> for AnyValue<'_> {
    type Value = Scalar;
    const WHAT: &'static str = "an attribute's value";

    fn null(self) -> Option<Scalar> {
        Some(Scalar::Text(StrId::EMPTY))
    }

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        let mut value = Scalar::Text(StrId::EMPTY);
        while let Some(Key(field)) = map.next_key()? {
            let Some(field) = field else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            value = match field {
                ValueField::Text | ValueField::Bytes | ValueField::Bool => map.next_value_seed(Any(&mut *self.0))?,
                ValueField::Int => TagType::Int.convert(map.next_value_seed(Any(&mut *self.0))?, self.0),
                ValueField::Double => TagType::Float.convert(map.next_value_seed(Any(&mut *self.0))?, self.0),
                ValueField::Array => Scalar::Text(self.0.intern(&json_text::of_array(&map.next_value()?))),
                ValueField::Map => Scalar::Text(self.0.intern(&json_text::of_map(&map.next_value()?))),
            };
        }
        Ok(value)
    }
}
