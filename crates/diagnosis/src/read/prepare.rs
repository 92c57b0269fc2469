//! Traces as the rules may read them: nothing lies after the clock, and what the playbook reads as a text is a text,
//! though some systems write ids and states as numbers. Traces that are so already, which is the rule, are not copied.

use std::{borrow::Cow, sync::Arc};

use crate::playbook::{Attr, Playbook};
use trace::{StrSet, Strings, Time, Trace};

/// Attributes that are compared or counted as numbers, or are true or false.
const NUMBERS: [Attr; 9] = [
    Attr::WorkerTotal,
    Attr::WorkerCapable,
    Attr::WorkerAvailable,
    Attr::ProgressPercent,
    Attr::ProgressAt,
    Attr::HttpStatus,
    Attr::ItemsReceived,
    Attr::ItemsRequested,
    Attr::CheckPassed,
];

/// The traces up to the clock, copied where they must be changed.
pub(crate) fn prepare<'t>(traces: &'t [Trace], playbook: &Playbook, clock: Time) -> Cow<'t, [Trace]> {
    with_texts(until(traces, clock), playbook)
}

fn until(traces: &[Trace], clock: Time) -> Cow<'_, [Trace]> {
    let mut traces = Cow::Borrowed(traces);
    for ix in 0..traces.len() {
        if let Some(cut) = traces.get(ix).and_then(|trace| trace.as_of(clock))
            && let Some(slot) = traces.to_mut().get_mut(ix)
        {
            *slot = cut;
        }
    }
    traces
}

fn with_texts<'t>(traces: Cow<'t, [Trace]>, playbook: &Playbook) -> Cow<'t, [Trace]> {
    let keys = |strings: &Strings| -> StrSet {
        let texts = Attr::ALL.iter().filter(|attr| !NUMBERS.contains(attr)).flat_map(|attr| playbook.keys(*attr));
        let words = playbook.words().iter().flat_map(|word| &word.keys);
        texts.chain(words).filter_map(|key| strings.find(key)).collect()
    };
    // All traces of an answer share one table, which is made larger once.
    let mut tables: Vec<(&Arc<Strings>, StrSet)> = Vec::new();
    let mut odd = false;
    for trace in &*traces {
        if !tables.iter().any(|(known, _)| Arc::ptr_eq(known, trace.strings())) {
            tables.push((trace.strings(), keys(trace.strings())));
        }
        let own = tables.iter().rfind(|(known, _)| Arc::ptr_eq(known, trace.strings()));
        odd |= own.is_some_and(|(_, keys)| trace.has_non_text_values(keys));
    }
    if !odd {
        return traces;
    }
    let mut changed: Vec<Trace> = Vec::with_capacity(traces.len());
    for (table, keys) in &tables {
        let mut strings = Strings::clone(table);
        let own = traces.iter().filter(|trace| Arc::ptr_eq(table, trace.strings()));
        let texts: Vec<Trace> = own.map(|trace| trace.with_texts(keys, &mut strings)).collect();
        let strings = Arc::new(strings);
        changed.extend(texts.into_iter().map(|trace| trace.with_strings(&strings)));
    }
    Cow::Owned(changed)
}
