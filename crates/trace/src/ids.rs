//! Identifiers of traces and spans.

use std::fmt;

/// A 128-bit trace id. Jaeger writes some ids without leading zeros; here they are padded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(pub u128);

/// A 64-bit span id. In transmitted data, zero means "none", so it is never the id of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(pub u64);

impl TraceId {
    /// Reads 1 to 32 hexadecimal digits, the way Jaeger's user interface accepts them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        hex(text, 32).map(Self)
    }
}

impl SpanId {
    /// Reads 1 to 16 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        hex(text, 16).and_then(|id| u64::try_from(id).ok()).map(Self)
    }
}

fn hex(text: &str, most: usize) -> Option<u128> {
    let digits = !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_hexdigit());
    if digits { u128::from_str_radix(text, 16).ok() } else { None }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

macro_rules! as_text {
    ($($id:ty),*) => {$(
        impl serde::Serialize for $id {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $id {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not an id")))
            }
        }
    )*};
}
as_text!(TraceId, SpanId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_are_padded_and_nonsense_is_refused() {
        assert_eq!(TraceId::parse("1f").unwrap().to_string(), format!("{:0>32}", "1f"));
        assert_eq!(SpanId::parse("0A").unwrap().to_string(), "000000000000000a");
        for bad in ["", "xyz", "+1", "123456789012345678901234567890123"] {
            assert_eq!(TraceId::parse(bad), None, "{bad}");
        }
    }
}
