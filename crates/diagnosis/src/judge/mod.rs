//! Fourth stage: which rules of the playbook apply to an operation, with evidence for each.
//!
//! The texts, severities and thresholds of a rule are in the playbook; its condition is code in `rules`, one file per
//! subject. A rule that applies becomes a `draft`, collects its evidence (`evidence`), and is worded as a `finding` with the
//! placeholders of `bindings`.
//!
//! What always holds: a rule that the playbook lacks never applies, rules do not see each other's results, and every piece
//! of evidence is found in the traces at the place that it names.

pub(crate) mod bindings;
pub(crate) mod draft;
pub(crate) mod evidence;
pub(crate) mod finding;
pub(crate) mod rules;
