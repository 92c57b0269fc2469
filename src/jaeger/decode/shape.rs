//! The frames of readers: an object field by field, a list element by element.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};

/// The names of an object's fields; a name that is not among them is `Other`.
macro_rules! fields {
    ($name:ident { $($field:ident = $key:literal $(| $alias:literal)*),* $(,)? }) => {
        #[derive(Clone, Copy, serde::Deserialize)]
        #[serde(field_identifier)]
        enum $name {
            $(#[serde(rename = $key $(, alias = $alias)*)] $field,)*
            #[serde(other)]
            Other,
        }
    };
}
pub(super) use fields;

/// Reads an object.
pub(super) trait ReadObject<'de>: Sized {
    /// What comes of it.
    type Value;
    /// What messages call it.
    const WHAT: &'static str;

    /// Reads its fields.
    fn read<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error>;

    /// What `null` stands for; an error when it stands for nothing.
    fn null(self) -> Option<Self::Value> {
        None
    }
}

/// Lets serde read an object.
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
}

/// Reads a list; `null` is an empty one.
pub(super) trait ReadList<'de> {
    /// What messages call it.
    const WHAT: &'static str;

    /// Reads one element; `false` when there is none left.
    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error>;
}

/// Lets serde read a list.
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

/// Reads one element of a list into a vector; `false` when there is none left.
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
