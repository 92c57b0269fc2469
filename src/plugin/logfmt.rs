//! Tags in logfmt: `http.status_code=500 error=true message="not found"`.

/// Why a text is no list of tags.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LogfmtError {
    /// A word alone.
    #[error("`{0}` has no value; write key=value")]
    NoValue(String),
    /// A value alone.
    #[error("`={0}` has no key; write key=value")]
    NoKey(String),
    /// A quote that nothing ends.
    #[error("the quote after `{0}=` is not closed")]
    OpenQuote(String),
}

/// Reads pairs of key and value; values with spaces stand in double quotes, `\"` and `\\` inside them.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, LogfmtError> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let Some(after) = after.strip_prefix('=') else {
            return Err(LogfmtError::NoValue(key.to_owned()));
        };
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            unquote(quoted).ok_or_else(|| LogfmtError::OpenQuote(key.to_owned()))?
        } else {
            let (value, after) = after.split_at(after.find(char::is_whitespace).unwrap_or(after.len()));
            (value.to_owned(), after)
        };
        if key.is_empty() {
            return Err(LogfmtError::NoKey(value));
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
    use super::*;

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn pairs_are_read_with_and_without_quotes() {
        let text = r#" error=true  note="a \"b\" c" empty= url=http://x/?a=b "#;
        let pairs = [("error", "true"), ("note", r#"a "b" c"#), ("empty", ""), ("url", "http://x/?a=b")];
        assert_eq!(parse(text), Ok(owned(&pairs)));
        assert_eq!(parse(""), Ok(vec![]));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parse("error"), Err(LogfmtError::NoValue("error".into())));
        assert_eq!(parse("=x"), Err(LogfmtError::NoKey("x".into())));
        assert_eq!(parse(r#"a="b"#), Err(LogfmtError::OpenQuote("a".into())));
    }
}
