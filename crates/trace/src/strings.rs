//! One table of distinct strings for all traces of an answer.
//!
//! Names, keys and most values repeat a thousand times in trace data. Keeping each text once makes a span small and a
//! comparison of two texts a comparison of two numbers.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Names a text within its [`Strings`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StrId(pub(crate) u32);

impl StrId {
    /// The empty text, the same in every table.
    pub const EMPTY: Self = Self(0);

    /// A number that can index a side table of [`Strings::len`] entries.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The table. Texts are added while an answer is decoded and only read afterwards.
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
    /// The id of `text`, which is added when it is new. A table holds up to 4 GiB of text (more than any accepted
    /// body); past that new texts become empty.
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

    /// The id of `text` if it occurs at all.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<StrId> {
        let hash = self.hasher.hash_one(text);
        self.table.find(hash, |&id| slice(&self.text, &self.ends, id) == text).map(|&id| StrId(id))
    }

    /// The text behind an id of this table (empty for an id of another one that is out of range here).
    #[must_use]
    pub fn get(&self, id: StrId) -> &str {
        slice(&self.text, &self.ends, id.0)
    }

    /// How many distinct texts there are; every [`StrId::index`] is below it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether only the empty text is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.len() <= 1
    }

    /// All texts in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (StrId, &str)> {
        (0u32..).take(self.ends.len()).map(|id| (StrId(id), slice(&self.text, &self.ends, id)))
    }
}

/// A few texts of a table, for questions about many.
#[derive(Clone, Debug, Default)]
pub struct StrSet(Vec<bool>);

impl StrSet {
    /// Whether a text is among them.
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
