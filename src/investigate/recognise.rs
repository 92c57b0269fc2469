//! Which playbook a trace file is diagnosed with where nobody chose one.

use std::sync::Arc;

use diagnosis::{
    holds_vocabulary,
    playbook::{Embedded, Playbook},
};
use trace::Trace;

/// The playbook for the traces of a file, with what a reader must know where it is not `default`: traces without anything
/// by which `default` finds operations are diagnosed with the playbook for any system.
#[must_use]
pub fn playbook_for_file(traces: &[Trace], default: &Arc<Playbook>) -> (Arc<Playbook>, Option<String>) {
    if traces.iter().all(Trace::is_empty) || holds_vocabulary(traces, default) {
        return (Arc::clone(default), None);
    }
    let notice = format!(
        "this file holds no operation id, start request or other span by which operations of {} are found, so the playbook \
         `{}` was applied: every root request is an operation",
        default.name(),
        Embedded::Generic.name()
    );
    (Arc::new(Playbook::generic()), Some(notice))
}
