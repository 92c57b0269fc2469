//! The common part of all readers of JSON: an object is read field by field and a list element by element, and a value of
//! another type is an error or is replaced.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};

/// Reads an object.
pub(super) trait ReadObject<'de>: Sized {
    /// The result.
    type Value;
    /// Its name in messages.
    const WHAT: &'static str;

    /// Reads its fields.
    fn read<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error>;

    /// The result for `null`; `None` makes it an error.
    fn null(self) -> Option<Self::Value> {
        self.other("null")
    }

    /// The result for a value that is not an object; `None` makes it an error.
    fn other(self, _what: &str) -> Option<Self::Value> {
        None
    }
}

/// Makes a reader of an object usable for serde.
pub(super) struct Object<R>(pub(super) R);

impl<'de, R: ReadObject<'de>> DeserializeSeed<'de> for Object<R> {
    type Value = R::Value;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<R::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, R: ReadObject<'de>> Visitor<'de> for Object<R> {
    type Value = R::Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(R::WHAT)
    }
    fn visit_unit<E: Error>(self) -> Result<R::Value, E> {
        self.0.null().ok_or_else(|| E::invalid_type(Unexpected::Unit, &R::WHAT))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<R::Value, A::Error> {
        self.0.read(map)
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<R::Value, E> {
        self.0.other(&value.to_string()).ok_or_else(|| E::invalid_type(Unexpected::Bool(value), &R::WHAT))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<R::Value, E> {
        self.0.other(&value.to_string()).ok_or_else(|| E::invalid_type(Unexpected::Unsigned(value), &R::WHAT))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<R::Value, E> {
        self.0.other(&value.to_string()).ok_or_else(|| E::invalid_type(Unexpected::Signed(value), &R::WHAT))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<R::Value, E> {
        self.0.other(&value.to_string()).ok_or_else(|| E::invalid_type(Unexpected::Float(value), &R::WHAT))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<R::Value, E> {
        let start: String = text.chars().take(40).collect();
        self.0.other(&start).ok_or_else(|| E::invalid_type(Unexpected::Str(text), &R::WHAT))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<R::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        self.0.other("a list").ok_or_else(|| A::Error::invalid_type(Unexpected::Seq, &R::WHAT))
    }
}

/// Reads a list; `null` counts as empty.
pub(super) trait ReadList<'de> {
    /// Its name in messages.
    const WHAT: &'static str;

    /// Reads one element; `false` after the last.
    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error>;
}

/// Makes a reader of a list usable for serde.
pub(super) struct List<R>(pub(super) R);

impl<'de, R: ReadList<'de>> DeserializeSeed<'de> for List<R> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, R: ReadList<'de>> Visitor<'de> for List<R> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(R::WHAT)
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while self.0.next(&mut seq)? {}
        Ok(())
    }
}

/// Reads one element of a list into a vector; `false` after the last.
pub(super) fn push_next<'de, A: SeqAccess<'de>, R: ReadObject<'de>>(
    seq: &mut A,
    element: R,
    into: &mut Vec<R::Value>,
) -> Result<bool, A::Error> {
    let read = seq.next_element_seed(Object(element))?;
    let found = read.is_some();
    into.extend(read);
    Ok(found)
}
