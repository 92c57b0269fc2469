//! Attributes: keys with a value whose type is the name of its field.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::super::{
    json_text,
    normalize::attribute,
    scalar::{Any, Scalar, Text, any_seed},
    shape::{Object, ReadObject, fields, push_next},
};
use trace::{Attribute, StrId, Strings};

/// Reads `attributes`: a list of keys with values, or an object as SDKs print it.
pub(in super::super) struct Attributes<'s> {
    pub(in super::super) strings: &'s mut Strings,
    pub(in super::super) into: &'s mut Vec<Attribute>,
}
any_seed!(Attributes<'_> => ());

impl<'de> Visitor<'de> for Attributes<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of attributes")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while push_next(&mut seq, KeyValue(&mut *self.strings), self.into)? {}
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
