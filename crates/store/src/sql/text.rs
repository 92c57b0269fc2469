//! Texts in columns. PostgreSQL does not accept the character NUL, and lists are texts whose items are separated by line
//! breaks, so both are escaped.

use std::borrow::Cow;

const ESCAPE: char = '\u{1}';

/// A text without NUL and line breaks.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', '\n', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match char {
            '\0' => escaped.extend([ESCAPE, '0']),
            '\n' => escaped.extend([ESCAPE, 'n']),
            ESCAPE => escaped.extend([ESCAPE, '1']),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

/// The text that was escaped.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains(ESCAPE) {
        return Cow::Borrowed(text);
    }
    let mut chars = text.chars();
    let mut plain = String::with_capacity(text.len());
    while let Some(char) = chars.next() {
        match (char, if char == ESCAPE { chars.next() } else { None }) {
            (ESCAPE, Some('0')) => plain.push('\0'),
            (ESCAPE, Some('n')) => plain.push('\n'),
            (ESCAPE, _) => plain.push(ESCAPE),
            (other, _) => plain.push(other),
        }
    }
    Cow::Owned(plain)
}

/// A list as a text in which [`item`] finds each of its items.
pub(super) fn list<'t>(items: impl IntoIterator<Item = Cow<'t, str>>) -> String {
    let mut text = String::new();
    for item in items {
        if text.is_empty() {
            text.push('\n');
        }
        text.push_str(&item);
        text.push('\n');
    }
    text
}

/// What the text of a list contains if the list contains this item.
pub(super) fn item(item: &str) -> String {
    format!("\n{item}\n")
}

/// The items of a list, as they were put in.
pub(super) fn items(list: &str) -> impl Iterator<Item = &str> {
    list.strip_prefix('\n').into_iter().flat_map(|items| items.split_terminator('\n'))
}

/// A tag as the item of a list.
pub(super) fn tag(key: &str, value: &str) -> String {
    format!("{}{ESCAPE}={}", escape(key), escape(value))
}

/// Key and value of a tag.
pub(super) fn key_and_value(tag: &str) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let (key, value) = tag.split_once("\u{1}=")?;
    Some((unescape(key), unescape(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn awkward() -> impl Strategy<Value = String> {
        "[a=\n\u{0}\u{1}0n1]{0,6}"
    }

    proptest! {
        #[test]
        fn texts_lists_and_tags_read_back(texts in proptest::collection::vec(awkward(), 0..4), other in awkward()) {
            for text in &texts {
                let escaped = escape(text);
                prop_assert!(!escaped.contains(['\0', '\n']));
                prop_assert_eq!(unescape(&escaped), text.as_str());
                let tag = tag(text, &other);
                let (key, value) = key_and_value(&tag).unwrap();
                prop_assert_eq!((key.as_ref(), value.as_ref()), (text.as_str(), other.as_str()));
            }
            let list = list(texts.iter().map(|text| escape(text)));
            prop_assert_eq!(items(&list).map(|item| unescape(item).into_owned()).collect::<Vec<_>>(), texts.clone());
            prop_assert_eq!(list.contains(&item(&escape(&other))), texts.contains(&other));
        }
    }
}
