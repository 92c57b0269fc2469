//! A cursor over JSON text for [`super::fast`]. It knows just enough JSON to walk through well-formed answers, and returns
//! `None` for everything else.

use std::borrow::Cow;

/// A position in a text.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The next byte that is not white space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.rest().first()? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// Consumes this byte if it comes next.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Consumes this byte, which must come next.
    pub(super) fn expect(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }

    /// Consumes `null` if it comes next.
    pub(super) fn null(&mut self) -> bool {
        self.word(b"null")
    }

    /// Consumes these bytes if they come next.
    pub(super) fn word(&mut self, word: &[u8]) -> bool {
        self.peek();
        let found = self.rest().starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// Whether only white space is left.
    pub(super) fn is_done(&mut self) -> bool {
        self.peek().is_none()
    }

    /// Consumes a text without escapes between exactly these bytes; `after` starts with the closing quote. Consumes nothing
    /// if anything differs.
    pub(super) fn framed(&mut self, before: &[u8], after: &[u8]) -> Option<&'t str> {
        let start = self.at + before.len();
        let rest = self.rest().strip_prefix(before)?;
        let (length, plain) = quoted(rest)?;
        if !plain || !rest.get(length..)?.starts_with(after) {
            return None;
        }
        self.at = start + length + after.len();
        self.text.get(start..start + length)
    }

    /// A text.
    pub(super) fn string(&mut self) -> Option<Cow<'t, str>> {
        self.expect(b'"')?;
        let start = self.at;
        let (length, plain) = quoted(self.rest())?;
        self.at = start + length + 1;
        if plain {
            return self.text.get(start..start + length).map(Cow::Borrowed);
        }
        let quoted = self.text.get(start - 1..self.at)?;
        serde_json::from_str(quoted).ok().map(Cow::Owned)
    }

    /// The key of a member, with its colon.
    pub(super) fn key(&mut self) -> Option<Cow<'t, str>> {
        let key = self.string()?;
        self.expect(b':')?;
        Some(key)
    }

    /// The text of a number.
    pub(super) fn number(&mut self) -> Option<&'t str> {
        self.peek()?;
        let length = self
            .rest()
            .iter()
            .take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .count();
        let start = self.at;
        self.at += length;
        self.text.get(start..self.at).filter(|number| !number.is_empty())
    }

    /// Skips a value and returns its JSON text.
    pub(super) fn skip(&mut self) -> Option<&'t str> {
        self.peek()?;
        let start = self.at;
        let mut depth = 0usize;
        loop {
            let rest = self.rest();
            let byte = *rest.first()?;
            self.at += 1;
            match byte {
                b'"' => self.at += quoted(rest.get(1..)?)?.0 + 1,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.checked_sub(1)?,
                b'a'..=b'z' | b'0'..=b'9' | b'-' => {
                    self.at += rest
                        .get(1..)?
                        .iter()
                        .take_while(|byte| !matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'))
                        .count();
                }
                b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' if depth > 0 => continue,
                _ => return None,
            }
            if depth == 0 {
                return self.text.get(start..self.at);
            }
        }
    }

    /// Walks through an object. `member` reads the value of each key.
    pub(super) fn object(&mut self, mut member: impl FnMut(&mut Self, &str) -> Option<()>) -> Option<()> {
        self.expect(b'{')?;
        if self.eat(b'}') {
            return Some(());
        }
        loop {
            let key = self.key()?;
            member(self, &key)?;
            if !self.eat(b',') {
                return self.expect(b'}');
            }
        }
    }

    /// Walks through a list; `null` counts as empty.
    pub(super) fn list(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if self.null() {
            return Some(());
        }
        self.expect(b'[')?;
        if self.eat(b']') {
            return Some(());
        }
        loop {
            item(self)?;
            if !self.eat(b',') {
                return self.expect(b']');
            }
        }
    }
}

/// The length of a text up to its closing quote, and whether it has no escapes.
fn quoted(bytes: &[u8]) -> Option<(usize, bool)> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let (mut at, mut plain) = (0, true);
    loop {
        // Eight bytes at a time until a quote, a backslash or a control character is among them.
        while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
            let word = u64::from_le_bytes(*chunk);
            let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
            let found = zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\'))) | control;
            if found != 0 {
                at += (found.trailing_zeros() / 8) as usize;
                break;
            }
            at += 8;
        }
        match *bytes.get(at)? {
            b'"' => return Some((at, plain)),
            b'\\' => {
                plain = false;
                at += 2;
            }
            0..0x20 => return None,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_end_at_their_own_quote() {
        let mut cursor = Cursor::new(r#" "plain" "a\"b\\" "tab\there" "äöü — longer than eight" "#);
        assert_eq!(cursor.string().unwrap(), "plain");
        assert_eq!(cursor.string().unwrap(), "a\"b\\");
        assert_eq!(cursor.string().unwrap(), "tab\there");
        assert_eq!(cursor.string().unwrap(), "äöü — longer than eight");
        assert!(cursor.is_done());
        assert_eq!(Cursor::new("\"open").string(), None);
        assert_eq!(Cursor::new("\"raw\nline break\"").string(), None);
    }

    #[test]
    fn whole_values_are_skipped() {
        for value in ["null", "-1.5e3", "\"a]\\\"}\"", "[]", "{\"a\":[1,{\"b\":\"}\"}],\"c\":null}"] {
            let text = format!(" {value} , 1");
            let mut cursor = Cursor::new(&text);
            assert_eq!(cursor.skip(), Some(value));
            assert!(cursor.eat(b','), "{value}");
        }
        for broken in ["", "]", "{\"a\":1", ",", "\"open"] {
            assert_eq!(Cursor::new(broken).skip(), None, "{broken}");
        }
    }
}
