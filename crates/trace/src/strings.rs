//! One table of distinct texts for all traces of an answer.
//!
//! Names, keys and most values occur thousands of times in trace data. Each text is stored once. This makes spans small, and
//! two texts can be compared by their ids.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// The id of a text in its [`Strings`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StrId(pub(crate) u32);

impl StrId {
    /// The empty text, the same in every table.
    pub const EMPTY: Self = Self(0);

    /// As an index into a side table of [`Strings::len`] entries.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A table of distinct texts. Texts are added while an answer is decoded and only read afterwards.
#[derive(Clone)]
pub struct Strings {
    text: String,
    /// Where each text ends; it starts where the one before ends.
    ends: Vec<u32>,
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Default for Strings {
    fn default() -> Self {
        let mut strings = Self {
            text: String::new(),
            ends: Vec::new(),
            table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        };
        strings.intern("");
        strings
    }
}

impl Strings {
    /// The id of `text`, which is added if it is new. A table can have up to 4 GiB of text, more than any accepted body;
    /// beyond that, new texts become empty.
    pub fn intern(&mut self, text: &str) -> StrId {
        let hash = self.hasher.hash_one(text);
        let (all, ends) = (&self.text, &self.ends);
        if let Some(&id) = self.table.find(hash, |&id| slice(all, ends, id) == text) {
            return StrId(id);
        }
        let (Ok(id), Ok(end)) = (u32::try_from(self.ends.len()), u32::try_from(self.text.len() + text.len())) else {
            return StrId::EMPTY;
        };
        self.text.push_str(text);
        self.ends.push(end);
        let (all, ends, hasher) = (&self.text, &self.ends, &self.hasher);
        self.table.insert_unique(hash, id, |&id| hasher.hash_one(slice(all, ends, id)));
        StrId(id)
    }

    /// The id of `text`, if the table has it.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<StrId> {
        let hash = self.hasher.hash_one(text);
        self.table.find(hash, |&id| slice(&self.text, &self.ends, id) == text).map(|&id| StrId(id))
    }

    /// The text with this id. An id of another table that is out of range here gives the empty text.
    #[must_use]
    pub fn get(&self, id: StrId) -> &str {
        slice(&self.text, &self.ends, id.0)
    }

    /// The number of distinct texts. Every [`StrId::index`] is smaller.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the table has only the empty text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.len() <= 1
    }

    /// All texts in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (StrId, &str)> {
        (0u32..).take(self.ends.len()).map(|id| (StrId(id), slice(&self.text, &self.ends, id)))
    }
}

/// A set of texts of a table, for fast lookups by id.
#[derive(Clone, Debug, Default)]
pub struct StrSet(Vec<bool>);

impl StrSet {
    /// Whether a text is in the set.
    #[must_use]
    pub fn contains(&self, id: StrId) -> bool {
        self.0.get(id.index()).copied().unwrap_or(false)
    }
}

impl FromIterator<StrId> for StrSet {
    fn from_iter<I: IntoIterator<Item = StrId>>(ids: I) -> Self {
        let mut set = Vec::new();
        for id in ids {
            if set.len() <= id.index() {
                set.resize(id.index() + 1, false);
            }
            if let Some(slot) = set.get_mut(id.index()) {
                *slot = true;
            }
        }
        Self(set)
    }
}

fn slice<'t>(text: &'t str, ends: &[u32], id: u32) -> &'t str {
    let id = id as usize;
    let end = ends.get(id).map_or(0, |&end| end as usize);
    let start = id.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |&start| start as usize);
    text.get(start..end).unwrap_or_default()
}

impl std::fmt::Debug for Strings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Strings({} texts, {} bytes)", self.ends.len(), self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once_and_found_again() {
        let mut strings = Strings::default();
        let a = strings.intern("operation.id");
        assert_eq!(strings.intern("operation.id"), a);
        assert_ne!(strings.intern("operation.type"), a);
        assert_eq!(strings.get(a), "operation.id");
        assert_eq!(strings.find("operation.type").map(|id| strings.get(id)), Some("operation.type"));
        assert_eq!(strings.find("nowhere"), None);
        assert_eq!(strings.get(StrId::EMPTY), "");
        assert_eq!(strings.len(), 3);
    }
}
