//! Attributes: keys with a value whose type is the name of its field.

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::super::{
    json_text,
    scalar::{Any, Scalar, Text},
    shape::{Object, ReadList, ReadObject, fields, push_next},
    sink::attribute,
};
use crate::trace::{Attribute, StrId, Strings};

pub(super) struct Attributes<'s> {
    pub(super) strings: &'s mut Strings,
    pub(super) into: &'s mut Vec<Attribute>,
}

impl<'de> ReadList<'de> for Attributes<'_> {
    const WHAT: &'static str = "a list of attributes";

    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        push_next(seq, KeyValue(&mut *self.strings), self.into)
    }
}

fields! { KeyValueField { Key = "key", Value = "value" } }

struct KeyValue<'s>(&'s mut Strings);

impl<'de> ReadObject<'de> for KeyValue<'_> {
    type Value = Attribute;
    const WHAT: &'static str = "an attribute";

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<Attribute, A::Error> {
        let (mut key, mut value) = (StrId::EMPTY, Scalar::Text(StrId::EMPTY));
        while let Some(field) = map.next_key()? {
            match field {
                KeyValueField::Key => key = map.next_value_seed(Text(&mut *self.0))?,
                KeyValueField::Value => value = map.next_value_seed(Object(AnyValue(&mut *self.0)))?,
                KeyValueField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(attribute(key, value))
    }
}

fields! { ValueField {
    Text = "stringValue" | "string_value",
    Bool = "boolValue" | "bool_value",
    Int = "intValue" | "int_value",
    Double = "doubleValue" | "double_value",
    Bytes = "bytesValue" | "bytes_value",
    Array = "arrayValue" | "array_value",
    Map = "kvlistValue" | "kvlist_value",
} }

struct AnyValue<'s>(&'s mut Strings);

impl<'de> ReadObject<'de> for AnyValue<'_> {
    type Value = Scalar;
    const WHAT: &'static str = "an attribute's value";

    fn null(self) -> Option<Scalar> {
        Some(Scalar::Text(StrId::EMPTY))
    }

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        let mut value = Scalar::Text(StrId::EMPTY);
        while let Some(field) = map.next_key()? {
            match field {
                ValueField::Text | ValueField::Bytes | ValueField::Bool => {
                    value = map.next_value_seed(Any(&mut *self.0))?;
                }
                ValueField::Int => {
                    let read = map.next_value_seed(Any(&mut *self.0))?;
                    value = match read {
                        Scalar::Text(id) => self.0.get(id).parse().map_or(read, Scalar::Int),
                        other => other,
                    };
                }
                ValueField::Double => {
                    let read = map.next_value_seed(Any(&mut *self.0))?;
                    value = match read {
                        Scalar::Text(id) => self.0.get(id).parse().map_or(read, Scalar::Float),
                        Scalar::Int(n) => Scalar::Float(n as f64),
                        other => other,
                    };
                }
                ValueField::Array | ValueField::Map => {
                    let tree: serde_json::Value = map.next_value()?;
                    let text = json_text::of(&tree, matches!(field, ValueField::Map));
                    value = Scalar::Text(self.0.intern(&text));
                }
                ValueField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(value)
    }
}
