//! The list of an operation's errors with the part each plays.

use hashbrown::HashSet;

use super::rows::{ErrorEntry, ErrorRole};
use crate::gather::{errors::Fault, origin::Origin};

/// The list of all errors with the part each plays.
pub(crate) fn entries(faults: &[Fault<'_, '_>], origin: Option<&Origin<'_, '_>>) -> Vec<ErrorEntry> {
    let decided = origin.and_then(|o| o.member.map(|m| (m.scan, m.span.ix(), o)));
    let path: HashSet<_> = origin.iter().flat_map(|o| o.path.iter().skip(1)).map(|step| step.span_id).collect();
    let on_path = |f: &Fault<'_, '_>| {
        decided.is_some_and(|(scan, ..)| scan == f.member.scan && path.contains(&f.member.span.id()))
    };
    let is_origin = |f: &Fault<'_, '_>| {
        decided.is_some_and(|(scan, ix, o)| (scan, ix) == (f.member.scan, f.member.span.ix()) && o.is_fault(f))
    };
    let entry = |f: &Fault<'_, '_>| ErrorEntry {
        time: Some(f.at),
        service: f.member.span.service().to_owned(),
        span: f.member.span.name().to_owned(),
        span_id: f.member.span.id(),
        trace_id: f.member.span.trace().id(),
        error_type: f.class.clone(),
        error_message: f.message.as_deref().map(str::to_owned),
        role: if is_origin(f) {
            ErrorRole::Origin
        } else if f.wrapper {
            ErrorRole::Wrapper
        } else if on_path(f) {
            ErrorRole::Propagated
        } else {
            ErrorRole::Suppressed
        },
        stacktrace: f.stacktrace.as_deref().map(str::to_owned),
    };
    let mut entries: Vec<ErrorEntry> = faults.iter().map(entry).collect();
    // An operation that only wrote its error down has no failing span, and a wrapper's cause none of its own: the span
    // that says it gets a row.
    if let Some((_, _, o)) = decided
        && !entries.iter().any(|e| e.role == ErrorRole::Origin)
        && let Some(member) = o.member
    {
        entries.push(ErrorEntry {
            time: Some(o.at.unwrap_or(member.span.start())),
            service: member.span.service().to_owned(),
            span: member.span.name().to_owned(),
            span_id: member.span.id(),
            trace_id: member.span.trace().id(),
            error_type: Some(o.error_type.clone()),
            error_message: o.message.clone(),
            role: ErrorRole::Origin,
            stacktrace: None,
        });
        entries.sort_by_key(|e| (e.time, e.trace_id, e.span_id));
    }
    entries
}
