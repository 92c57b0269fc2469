//! Tags in logfmt: `http.status_code=500 error=true message="not found"`.
//!
//! A key is a word without `=` and quotes. A value is a word without quotes, or is in double quotes, in which a
//! backslash takes the next character as it is. White space, and nothing else, separates tags. The browser side reads the
//! same grammar (`frontend/src/shared/logfmt.ts`); `tests/shared/logfmt.json` holds both to it.

/// Why a text is not a list of tags, with the word that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LogfmtError {
    /// A word alone.
    #[error("`{0}` has no value; write key=value")]
    NoValue(String),
    /// A value alone.
    #[error("`{0}` has no key; write key=value")]
    NoKey(String),
    /// A quote that nothing ends.
    #[error("the quote in `{0}` is not closed")]
    OpenQuote(String),
    /// A quote within a word, or a word right after a closing quote.
    #[error("`{0}` has a quote within a word; quote the whole value, as in key=\"a \\\"b\\\" c\"")]
    StrayQuote(String),
}

/// Reads pairs of key and value.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, LogfmtError> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let word = || rest.split(char::is_whitespace).next().unwrap_or(rest).to_owned();
        let end = rest.find(|c: char| c == '=' || c == '"' || c.is_whitespace()).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        if after.starts_with('"') {
            return Err(LogfmtError::StrayQuote(word()));
        }
        let Some(after) = after.strip_prefix('=') else {
            return Err(LogfmtError::NoValue(word()));
        };
        if key.is_empty() {
            return Err(LogfmtError::NoKey(word()));
        }
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            unquote(quoted).ok_or_else(|| LogfmtError::OpenQuote(word()))?
        } else {
            let (value, after) = after.split_at(after.find(char::is_whitespace).unwrap_or(after.len()));
            if value.contains('"') {
                return Err(LogfmtError::StrayQuote(word()));
            }
            (value.to_owned(), after)
        };
        if after.starts_with(|c: char| !c.is_whitespace()) {
            return Err(LogfmtError::StrayQuote(word()));
        }
        pairs.push((key.to_owned(), value));
        rest = after.trim_start();
    }
    Ok(pairs)
}

/// The text up to the closing quote, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The table that the browser side is tested against, too.
    fn table(of: &str) -> Vec<Value> {
        let table: Value = serde_json::from_str(include_str!("../../tests/shared/logfmt.json")).unwrap();
        table[of].as_array().unwrap().clone()
    }

    fn read(text: &str) -> Value {
        use LogfmtError as E;
        let problem = |name: &str, at: String| json!({ "problem": name, "at": at });
        match parse(text) {
            Ok(tags) => json!({ "tags": tags }),
            Err(E::NoValue(at)) => problem("noValue", at),
            Err(E::NoKey(at)) => problem("noKey", at),
            Err(E::OpenQuote(at)) => problem("openQuote", at),
            Err(E::StrayQuote(at)) => problem("strayQuote", at),
        }
    }

    /// review B18: the backend read `a="b"c=d` and quotes within a word, the browser refused them.
    #[test]
    fn texts_are_read_as_the_shared_table_says() {
        for mut case in table("parse") {
            let text = case.as_object_mut().unwrap().remove("text").unwrap();
            assert_eq!(read(text.as_str().unwrap()), case, "{text}");
        }
        for case in table("format") {
            assert_eq!(
                read(case["text"].as_str().unwrap()),
                json!({ "tags": [[case["key"], case["value"]]] }),
                "{case}"
            );
        }
    }

    #[test]
    fn mistakes_are_said_with_the_word_and_what_to_write() {
        for (text, says) in [("error", "`error` has no value; write key=value"), ("a=5\"", "`a=5\"` has a quote")] {
            assert!(parse(text).unwrap_err().to_string().starts_with(says), "{text}");
        }
    }
}
