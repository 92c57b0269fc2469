//! The ids of operations, numbered, so that spans and operations refer to them by position.

use std::borrow::Cow;

use hashbrown::HashMap;

/// All operation ids, numbered as they appear.
#[derive(Default)]
pub(crate) struct OperationIds<'t> {
    numbers: HashMap<Cow<'t, str>, u32>,
    ids: Vec<Cow<'t, str>>,
}

impl<'t> OperationIds<'t> {
    pub(crate) fn number(&mut self, id: Cow<'t, str>) -> u32 {
        if let Some(number) = self.numbers.get(&*id) {
            return *number;
        }
        let number = self.ids.len() as u32;
        self.ids.push(id.clone());
        self.numbers.insert(id, number);
        number
    }

    /// The number of an id that is known already.
    pub(crate) fn find(&self, id: &str) -> Option<u32> {
        self.numbers.get(id).copied()
    }

    /// All ids in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(|id| &**id)
    }
}
