//! The conditions of the playbook's rules. Each file holds those of one subject; words, severities and thresholds are in
//! the playbook.

mod data;
mod ends;
mod services;
mod slow;
mod stuck;
mod traces;
mod workers;

use super::draft::Draft;
use crate::gather::{baseline::Baseline, facts::Facts, surrounding_traces::SurroundingTraces};

/// All rules that apply.
pub(crate) fn apply<'p>(
    facts: &Facts<'_, '_, 'p>,
    surroundings: &SurroundingTraces<'_, 'p>,
    baseline: Option<&Baseline<'_>>,
) -> Vec<Draft<'p>> {
    let mut drafts = Vec::new();
    workers::apply(facts, &mut drafts);
    services::apply(facts, surroundings, &mut drafts);
    stuck::apply(facts, surroundings, baseline.map(|baseline| baseline.duration), &mut drafts);
    slow::apply(facts, baseline, &mut drafts);
    data::apply(facts, &mut drafts);
    traces::apply(facts, &mut drafts);
    ends::apply(facts, &mut drafts);
    drafts
}
