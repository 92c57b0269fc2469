//! Choosing and ordering diagnoses: the types to compare, and the main operation of a trace.

use std::{borrow::Borrow, collections::BTreeMap};

use diagnosis::Diagnosis;
use trace::TraceId;

/// The types of these operations, each with the services it was seen in; the most frequent type first.
pub(super) fn types(selected: &[&Diagnosis]) -> Vec<(String, Vec<String>)> {
    let mut all: BTreeMap<&str, (usize, Vec<String>)> = BTreeMap::new();
    for d in selected.iter().filter(|d| d.operation_type != "unknown") {
        let (count, services) = all.entry(&d.operation_type).or_default();
        *count += 1;
        services.extend(d.services.iter().filter(|s| !services.contains(s)).cloned().collect::<Vec<_>>());
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    all.into_iter().map(|(name, (_, services))| (name.to_owned(), services)).collect()
}

/// Puts a trace's main operation first: the one it is the main trace of, that started first.
pub(super) fn main_first<D: Borrow<Diagnosis>>(diagnoses: &mut [D], trace: TraceId) {
    diagnoses.sort_by(|a, b| {
        let (a, b) = (a.borrow(), b.borrow());
        let key = |d: &Diagnosis| (d.trace_id != Some(trace), d.start.is_none(), d.start);
        key(a).cmp(&key(b)).then_with(|| a.operation_id.cmp(&b.operation_id))
    });
}
