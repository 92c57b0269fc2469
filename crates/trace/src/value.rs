//! Attributes and their values.

use std::borrow::Cow;

use super::strings::{StrId, Strings};

/// The value of an attribute. Arrays and maps of OTLP arrive as their JSON text, as in Jaeger's own model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'t> {
    /// A text.
    Str(&'t str),
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating point number; may be NaN.
    Float(f64),
}

impl<'t> Value<'t> {
    /// The text, if it is one.
    #[must_use]
    pub fn as_str(self) -> Option<&'t str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The value as text, as Jaeger's search compares it.
    #[must_use]
    pub fn to_text(self) -> Cow<'t, str> {
        match self {
            Self::Str(text) => Cow::Borrowed(text),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Int(n) => Cow::Owned(n.to_string()),
            Self::Float(x) => Cow::Owned(x.to_string()),
        }
    }

    /// A whole number, also from a numeric text or a whole float. Some systems write their counts as texts.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(n),
            Self::Str(text) => text.trim().parse().ok(),
            Self::Float(x) if x.fract() == 0.0 && x.abs() < 9e15 => Some(x as i64),
            Self::Float(_) | Self::Bool(_) => None,
        }
    }

    /// A finite number, also from a numeric text.
    #[must_use]
    pub fn as_f64(self) -> Option<f64> {
        match self {
            Self::Int(n) => Some(n as f64),
            Self::Float(x) => Some(x),
            Self::Str(text) => text.trim().parse().ok(),
            Self::Bool(_) => None,
        }
        .filter(|x| x.is_finite())
    }

    /// A boolean, also from `"true"` and `"false"` in any case.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(b),
            Self::Str(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::Str(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// The value as JSON. NaN and infinities become their names.
    #[must_use]
    pub fn to_json(self) -> serde_json::Value {
        match self {
            Self::Str(text) => text.into(),
            Self::Bool(b) => b.into(),
            Self::Int(n) => n.into(),
            Self::Float(x) => serde_json::Number::from_f64(x).map_or_else(|| x.to_string().into(), Into::into),
        }
    }
}

/// An attribute in 16 bytes, with texts by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attribute {
    key: StrId,
    kind: Kind,
    bits: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Str,
    Bool,
    Int,
    Float,
}

impl Attribute {
    /// An attribute whose value is a text of the same table as its key.
    #[must_use]
    pub fn text(key: StrId, value: StrId) -> Self {
        Self { key, kind: Kind::Str, bits: u64::from(value.0) }
    }

    /// An attribute whose value is a boolean.
    #[must_use]
    pub fn bool(key: StrId, value: bool) -> Self {
        Self { key, kind: Kind::Bool, bits: u64::from(value) }
    }

    /// An attribute whose value is a whole number.
    #[must_use]
    pub fn int(key: StrId, value: i64) -> Self {
        Self { key, kind: Kind::Int, bits: value.cast_unsigned() }
    }

    /// An attribute whose value is a floating point number.
    #[must_use]
    pub fn float(key: StrId, value: f64) -> Self {
        Self { key, kind: Kind::Float, bits: value.to_bits() }
    }

    /// The key's id.
    #[must_use]
    pub fn key(self) -> StrId {
        self.key
    }

    /// The id of the value's text, if the value is a text.
    #[must_use]
    pub fn text_id(self) -> Option<StrId> {
        matches!(self.kind, Kind::Str).then_some(StrId(self.bits as u32))
    }

    /// The value, with texts looked up in `strings`.
    #[must_use]
    pub fn value(self, strings: &Strings) -> Value<'_> {
        match self.kind {
            Kind::Str => Value::Str(strings.get(StrId(self.bits as u32))),
            Kind::Bool => Value::Bool(self.bits != 0),
            Kind::Int => Value::Int(self.bits.cast_signed()),
            Kind::Float => Value::Float(f64::from_bits(self.bits)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_strings_too() {
        assert_eq!(Value::Str("3").as_i64(), Some(3));
        assert_eq!(Value::Str("None").as_i64(), None);
        assert_eq!(Value::Float(2.0).as_i64(), Some(2));
        assert_eq!(Value::Float(f64::NAN).as_f64(), None);
        assert_eq!(Value::Str("True").as_bool(), Some(true));
    }

    #[test]
    fn an_attribute_is_sixteen_bytes_and_gives_its_value_back() {
        let mut strings = Strings::default();
        let (key, text) = (strings.intern("k"), strings.intern("v"));
        assert_eq!(size_of::<Attribute>(), 16);
        assert_eq!(Attribute::text(key, text).value(&strings), Value::Str("v"));
        assert_eq!(Attribute::int(key, -7).value(&strings), Value::Int(-7));
        assert_eq!(Attribute::float(key, 0.5).value(&strings), Value::Float(0.5));
        assert_eq!(Attribute::bool(key, true).value(&strings), Value::Bool(true));
    }
}
