//! What is kept of a completed operation, so that later ones can be compared with it.

use std::{cmp::Reverse, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use super::path::{ComparableKey, SectionKind, SectionSum};
use crate::{playbook::Playbook, slice::operation_spans::OperationSpans};
use trace::{Micros, Time};

/// A completed operation as a baseline sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Comparable {
    /// Its id, else its trace and first span, so that none counts twice.
    pub operation_id: String,
    /// Its type.
    pub operation_type: String,
    /// Values of the playbook's `comparable_by` attributes, in the playbook's order.
    pub key: Vec<Option<String>>,
    /// When it ended.
    pub end: Time,
    /// How long it took.
    pub duration: Micros,
    /// On whom it spent that time.
    pub sections: LargestSections,
}

/// The values that must be equal for two operations to be compared.
pub(crate) fn key(operation: &OperationSpans<'_, '_>) -> Vec<Option<String>> {
    let value = |nth| operation.members.iter().find_map(|m| operation.scan(m).vocabulary.comparable(m.span, nth));
    (0..operation.playbook.comparable_by().len()).map(|nth| value(nth).map(|v| v.to_text().into_owned())).collect()
}

/// The largest sections of an operation's path.
///
/// An operation of KTRDR has 5 to 25 sections, so all of them are kept. A trace with thousands of span names keeps
/// [`LargestSections::MOST`]: what is smaller took less than a thirtieth of the time, too little to make an operation
/// twice as long, and thousands of operations in memory stay below 5 KiB each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LargestSections {
    /// In the order of their keys.
    sections: Vec<ComparableSection>,
    /// Whether none was left out.
    complete: bool,
}

impl LargestSections {
    /// How many are kept.
    pub const MOST: usize = 32;

    pub(crate) fn of_path(sums: &[SectionSum<'_>], playbook: &Playbook) -> Self {
        let sections = by_comparable_key(sums, playbook);
        let complete = sections.len() <= Self::MOST;
        let mut kept: Vec<_> = sections.into_iter().collect();
        if !complete {
            kept.sort_by_key(|(key, section)| (Reverse(section.total), *key));
            kept.truncate(Self::MOST);
            kept.sort_by_key(|(key, _)| *key);
        }
        let section = |((service, span, kind), of_key): (ComparableKey<'_>, OfKey<'_, '_>)| ComparableSection {
            service: service.to_owned(),
            span: span.to_owned(),
            kind,
            total: of_key.total,
            runs: of_key.runs as u32,
        };
        Self { sections: kept.into_iter().map(section).collect(), complete }
    }

    /// The time of a section and its runs: zero where the operation had none of it, `None` where it may have been left
    /// out.
    pub(crate) fn time_of(&self, key: ComparableKey<'_>) -> Option<(Micros, u32)> {
        match self.sections.binary_search_by(|section| section.key().cmp(&key)) {
            Ok(at) => self.sections.get(at).map(|section| (section.total, section.runs)),
            Err(_) => self.complete.then_some((Micros(0), 0)),
        }
    }
}

/// What an operation spent on sections with one [`ComparableKey`]: more than one sum where two workers of a kind took
/// part.
pub(crate) struct OfKey<'s, 'a> {
    pub(crate) total: Micros,
    pub(crate) largest: &'s SectionSum<'a>,
    runs: usize,
}

pub(crate) fn by_comparable_key<'s, 'a>(
    sums: &'s [SectionSum<'a>],
    playbook: &'s Playbook,
) -> BTreeMap<ComparableKey<'s>, OfKey<'s, 'a>> {
    let mut sections: BTreeMap<ComparableKey<'s>, OfKey<'s, 'a>> = BTreeMap::new();
    for sum in sums {
        let section = sections.entry(sum.key.comparable(playbook));
        let section = section.or_insert(OfKey { total: Micros(0), largest: sum, runs: 0 });
        section.total += sum.total;
        section.runs += sum.runs;
        if sum.total > section.largest.total {
            section.largest = sum;
        }
    }
    sections
}

/// The time that an operation spent on one service, span name and kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct ComparableSection {
    /// The kind of service.
    service: String,
    /// A span's name, or a gap's phase.
    span: String,
    /// What the time belongs to.
    kind: SectionKind,
    /// All of it on the operation's path.
    total: Micros,
    /// How many spans or gaps it is made of.
    runs: u32,
}

impl ComparableSection {
    fn key(&self) -> ComparableKey<'_> {
        (&self.service, &self.span, self.kind)
    }
}
