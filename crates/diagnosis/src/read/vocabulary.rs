//! Where spans carry the attributes that the playbook names.
//!
//! A playbook lists several keys for one attribute, because instrumentations of different age write different ones.
//! Traces of one answer share a table of strings, so each key is looked up once per table and then compared by number.
//! A value that only says that there is none (an empty text, `None`) counts as absent everywhere.

use std::borrow::Cow;

use crate::playbook::{Attr, Playbook};
use trace::{Attribute, SpanRef, StrId, Strings, Value};

/// The playbook's words as ids of one table of strings.
pub(crate) struct Vocabulary<'p> {
    playbook: &'p Playbook,
    /// By [`Attr`] as number.
    keys: Vec<Vec<StrId>>,
    /// By position in [`Playbook::words`].
    words: Vec<Vec<StrId>>,
    /// By position in [`Playbook::comparable_by`].
    comparable: Vec<Option<StrId>>,
}

impl<'p> Vocabulary<'p> {
    pub(crate) fn new(playbook: &'p Playbook, strings: &Strings) -> Self {
        let known = |keys: &[String]| keys.iter().filter_map(|key| strings.find(key)).collect();
        let keys = Attr::ALL.iter().map(|attr| known(playbook.keys(*attr))).collect();
        let words = playbook.words().iter().map(|word| known(&word.keys)).collect();
        let comparable = playbook.comparable_by().iter().map(|key| strings.find(key)).collect();
        Self { playbook, keys, words, comparable }
    }

    /// The value that means `attr` on this span. The text `None` (a stringified absence) counts as absent.
    pub(crate) fn get<'t>(&self, span: SpanRef<'t>, attr: Attr) -> Option<Value<'t>> {
        let keys = self.keys.get(attr as usize)?;
        keys.iter().find_map(|key| span.attribute_by_id(*key)).filter(|value| !is_absent(*value))
    }

    /// Like [`Self::get`], with the key that carries it here.
    pub(crate) fn find<'t>(&self, span: SpanRef<'t>, attr: Attr) -> Option<(&'t str, Value<'t>)> {
        first_present(span, self.keys.get(attr as usize)?)
    }

    /// The `nth` word of the playbook on this span, with the key that carries it here.
    pub(crate) fn word<'t>(&self, span: SpanRef<'t>, nth: usize) -> Option<(&'t str, Value<'t>)> {
        first_present(span, self.words.get(nth)?)
    }

    /// The value as text; numbers and truth values are read as what they look like.
    pub(crate) fn text<'t>(&self, span: SpanRef<'t>, attr: Attr) -> Option<Cow<'t, str>> {
        self.get(span, attr).map(Value::to_text)
    }

    /// The value if it is a text.
    pub(crate) fn str<'t>(&self, span: SpanRef<'t>, attr: Attr) -> Option<&'t str> {
        self.get(span, attr).and_then(Value::as_str)
    }

    /// The value of the `nth` attribute that operations are compared by.
    pub(crate) fn comparable<'t>(&self, span: SpanRef<'t>, nth: usize) -> Option<Value<'t>> {
        let key = self.comparable.get(nth).copied().flatten()?;
        span.attribute_by_id(key).filter(|value| !is_absent(*value))
    }

    /// Number of the text that means `attr` on this span; of nothing where it is none.
    pub(crate) fn raw_id(&self, span: SpanRef<'_>, attr: Attr) -> StrId {
        let raw: &[Attribute] = span.raw_attributes();
        let keys = self.keys.get(attr as usize).map_or(&[][..], Vec::as_slice);
        let found = keys.iter().find_map(|key| raw.iter().find(|a| a.key() == *key));
        found.and_then(|a| a.text_id()).unwrap_or(StrId::EMPTY)
    }

    pub(crate) fn playbook(&self) -> &'p Playbook {
        self.playbook
    }
}

fn first_present<'t>(span: SpanRef<'t>, keys: &[StrId]) -> Option<(&'t str, Value<'t>)> {
    let found = keys.iter().find_map(|key| Some((*key, span.attribute_by_id(*key).filter(|v| !is_absent(*v))?)));
    found.map(|(key, value)| (span.trace().strings().get(key), value))
}

fn is_absent(value: Value<'_>) -> bool {
    matches!(value, Value::Str("" | "None" | "null"))
}
