//! Operations as a store keeps them: each with what filters and later comparisons need beside its diagnosis.

use std::collections::BTreeSet;

use crate::{
    Comparable, Context, Diagnosis, LargestSections, gather::facts::Facts, judge_all, playbook::Playbook,
    record::assemble,
};
use trace::{Trace, Value};

/// How many attributes of one operation are kept.
const MOST_ATTRIBUTES: usize = 256;
/// The longest value that is kept, in bytes. A cut value would match no filter.
const LONGEST_VALUE: usize = 256;

/// An operation with its diagnosis and what a store keeps beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedOperation {
    /// The diagnosis, without the lists that [`Context::detail`] leaves out.
    pub diagnosis: Diagnosis,
    /// The largest sections of its path.
    pub sections: LargestSections,
    /// The playbook's stored attributes of its spans and their resources: key and value as text, sorted, each pair once,
    /// at most 256.
    pub attributes: Vec<(String, String)>,
    /// Values of the playbook's `comparable_by` attributes.
    pub comparable_by: Vec<Option<String>>,
    /// What later operations are compared with, if it completed.
    pub comparable: Option<Comparable>,
}

/// Finds all operations in `traces` as [`diagnose`](super::diagnose) does, newest start first.
#[must_use]
pub fn record_operations(traces: &[Trace], playbook: &Playbook, context: &Context) -> Vec<RecordedOperation> {
    let (judged, _) = judge_all(traces, playbook, context, kept_beside);
    let operation = |(diagnosis, (sections, attributes, comparable_by, comparable))| RecordedOperation {
        diagnosis,
        sections,
        attributes,
        comparable_by,
        comparable,
    };
    judged.into_iter().map(operation).collect()
}

type Beside = (LargestSections, Vec<(String, String)>, Vec<Option<String>>, Option<Comparable>);

fn kept_beside(facts: &Facts<'_, '_, '_>, _: &Diagnosis) -> Beside {
    let path = facts.path.as_ref();
    let sections = path.map(|path| LargestSections::of_path(&path.sums, facts.operation.playbook)).unwrap_or_default();
    (sections, stored_attributes(facts), facts.comparable.clone(), assemble::comparable(facts))
}

fn stored_attributes(facts: &Facts<'_, '_, '_>) -> Vec<(String, String)> {
    let playbook = facts.operation.playbook;
    let mut kept = BTreeSet::new();
    let mut keep = |key: &str, value: Value<'_>| {
        if playbook.is_stored_attribute(key) {
            let text = value.to_text();
            if text.len() <= LONGEST_VALUE {
                kept.insert((key.to_owned(), text.into_owned()));
            }
        }
    };
    for member in facts.operation.members.iter().chain(&facts.operation.context) {
        member.span.attributes().for_each(|(key, value)| keep(key, value));
        member.span.resource_attributes().for_each(|(key, value)| keep(key, value));
    }
    kept.into_iter().take(MOST_ATTRIBUTES).collect()
}
