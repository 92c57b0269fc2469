//! Repairs what some programs write that is not quite JSON: half of a surrogate pair (`\ud83d` alone, from a text that was
//! truncated in the middle of a character), control characters inside texts, and Python's `NaN` and `Infinity`. In each
//! case the meaning is unambiguous.

use std::fmt::Write as _;

/// The repaired text; `None` if there is nothing to repair.
pub(super) fn repair(text: &str) -> Option<String> {
    let mut repaired: Option<String> = None;
    // Where the text begins that was not copied yet.
    let mut clean = 0;
    let mut at = 0;
    let mut in_text = false;
    let bytes = text.as_bytes();
    while let Some(&byte) = bytes.get(at) {
        let (passed, right) = match (in_text, byte) {
            (_, b'"') => {
                in_text = !in_text;
                (1, None)
            }
            (true, b'\\') => escape(bytes.get(at..).unwrap_or_default()),
            (true, 0..0x20) => (1, Some(format!("\\u{byte:04x}"))),
            (false, b'N' | b'I' | b'-') => number(text.get(at..).unwrap_or_default()),
            _ => (1, None),
        };
        if let Some(right) = right {
            let repaired = repaired.get_or_insert_with(|| String::with_capacity(text.len() + 64));
            repaired.push_str(text.get(clean..at).unwrap_or_default());
            // Writing to a string cannot fail.
            let _ = write!(repaired, "{right}");
            clean = at + passed;
        }
        at += passed;
    }
    let mut repaired = repaired?;
    repaired.push_str(text.get(clean..).unwrap_or_default());
    Some(repaired)
}

/// The length of an escape, and its replacement if it is half of a surrogate pair.
fn escape(rest: &[u8]) -> (usize, Option<String>) {
    match code_unit(rest) {
        Some(0xd800..0xdc00) => match rest.get(6..).and_then(code_unit) {
            Some(0xdc00..0xe000) => (12, None),
            _ => (6, Some("\\ufffd".to_owned())),
        },
        Some(0xdc00..0xe000) => (6, Some("\\ufffd".to_owned())),
        Some(_) => (6, None),
        None => (2, None),
    }
}

/// The value of `\uXXXX`.
fn code_unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

/// The length of `NaN` or an infinity, and the text that replaces it.
fn number(rest: &str) -> (usize, Option<String>) {
    let found = ["NaN", "Infinity", "-Infinity"].into_iter().find(|name| rest.starts_with(name));
    found.map_or((1, None), |name| (name.len(), Some(format!("{name:?}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// trigger.dev#2594, serde-rs/json#495.
    #[test]
    fn half_a_surrogate_pair_becomes_the_replacement_character() {
        let right = |text: &str| repair(text).map(|text| serde_json::from_str::<String>(&text).unwrap());
        assert_eq!(right(r#""cut \ud83d""#).unwrap(), "cut \u{fffd}");
        assert_eq!(right(r#""\uDE00 first""#).unwrap(), "\u{fffd} first");
        assert_eq!(right(r#""\ud83d\ud83d\ude00""#).unwrap(), "\u{fffd}😀");
        assert_eq!(right(r#""\ud83d\n""#).unwrap(), "\u{fffd}\n");
        assert_eq!(right(r#""\ud83d\ude00 whole, \\ud83d escaped""#), None);
    }

    #[test]
    fn control_characters_in_texts_and_numbers_of_python_are_made_right() {
        let right = |text: &str| serde_json::from_str::<serde_json::Value>(&repair(text).unwrap()).unwrap();
        assert_eq!(right("[\"a\u{0}b\nc\"]"), serde_json::json!(["a\u{0}b\nc"]));
        assert_eq!(
            right("{\"a\": NaN, \"b\": [-Infinity, Infinity], \"NaN\": -1}"),
            serde_json::json!({"a": "NaN", "b": ["-Infinity", "Infinity"], "NaN": -1})
        );
    }

    #[test]
    fn what_is_right_or_cut_off_is_left_alone() {
        for text in ["", "{\"a\": \"NaN \\\" Infinity\", \"b\": -1}\n", "\"open \\", "\"\\u12", "[null, true]"] {
            assert_eq!(repair(text), None, "{text}");
        }
    }
}
