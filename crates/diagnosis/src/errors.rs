//! The errors of an operation: what each of its spans says, which only wrap or follow from others, and the list of all.

use std::borrow::Cow;

use hashbrown::HashSet;

use super::{
    ErrorEntry, ErrorRole,
    case::{Case, Member},
    class_name::short_class,
    http::Request,
    origin::Origin,
    reported::{self, Reported, Source},
};
use crate::playbook::{Attr, Effect, ErrorClass, Fill, Playbook, SpanRole};
use trace::{Status, Time};

/// Something that went wrong at one span.
#[derive(Clone, Debug)]
pub(super) struct Fault<'t, 'p> {
    pub(super) member: Member<'t, 'p>,
    /// Short class: as it was written, else the playbook's for its message, else the code of the answer.
    pub(super) class: Option<String>,
    pub(super) message: Option<Cow<'t, str>>,
    pub(super) stacktrace: Option<Cow<'t, str>>,
    pub(super) at: Time,
    pub(super) source: Source,
    /// It only wraps the real error, or is a consequence of it.
    pub(super) wrapper: bool,
    /// What a wrapper says it wraps.
    pub(super) cause: Option<Cause>,
    /// How many spans are above it.
    pub(super) depth: u32,
    /// The span that waited for it ended well all the same.
    pub(super) handled: bool,
    /// It happened above the operation, in the command.
    pub(super) outside: bool,
}

/// An error that another one names as its cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    /// Short class.
    pub(super) class: Option<String>,
    pub(super) message: Option<String>,
}

/// The playbook's class of an error, and what its message fills in.
pub(super) fn classify<'p>(
    playbook: &'p Playbook,
    class: Option<&str>,
    message: Option<&str>,
) -> Option<(&'p ErrorClass, Fill)> {
    let message = message.unwrap_or_default();
    let rows = || playbook.errors().iter().filter(|row| row.effect != Effect::Wraps);
    let by_message = rows().find_map(|row| {
        row.messages.iter().find_map(|pattern| {
            let found = pattern.captures(message)?;
            let mut fill = Fill::default();
            for name in pattern.capture_names().flatten() {
                if let Some(text) = found.name(name) {
                    fill.quote_group(name, text.as_str());
                }
            }
            Some((row, fill))
        })
    });
    let by_class = || {
        let class = class?;
        rows().find(|row| row.names(class)).map(|row| (row, Fill::default()))
    };
    by_message.or_else(by_class)
}

/// Whether an error only wraps another one, or follows from it, by its class or its message.
pub(super) fn is_wrapper(playbook: &Playbook, class: Option<&str>, message: Option<&str>) -> bool {
    playbook.errors().iter().any(|row| row.effect == Effect::Wraps && row.fits(class, message))
}

/// The error that a wrapper names in one of these texts, if it certainly does: the first that is not a wrapper itself.
pub(super) fn cause_in(playbook: &Playbook, texts: &[Option<&str>]) -> Option<Cause> {
    let patterns = || playbook.errors().iter().flat_map(|row| &row.causes);
    let found = texts.iter().flatten().flat_map(|text| patterns().flat_map(|pattern| pattern.captures_iter(text)));
    found.into_iter().find_map(|captures| {
        let group = |name| captures.name(name).map(|text| text.as_str().trim()).filter(|text| !text.is_empty());
        let class = group("class").map(short_class);
        let message = group("message");
        let real = (class.is_some() || message.is_some()) && !is_wrapper(playbook, class, message);
        real.then(|| Cause { class: class.map(str::to_owned), message: message.map(str::to_owned) })
    })
}

/// All faults of an operation and of the command above it.
pub(super) fn faults<'t, 'p>(case: &Case<'t, 'p>) -> Vec<Fault<'t, 'p>> {
    let inside = case.members.iter().flat_map(|m| faults_of(case, m, false));
    let outside = case.context.iter().flat_map(|m| faults_of(case, m, true));
    let mut faults: Vec<_> = inside.chain(outside).collect();
    faults.sort_by_key(|f| (f.at, f.member.span.trace().id(), f.member.span.ix()));
    faults
}

fn faults_of<'t, 'p>(case: &Case<'t, 'p>, member: &Member<'t, 'p>, outside: bool) -> Vec<Fault<'t, 'p>> {
    let (scan, span) = (case.scan(member), member.span);
    if !span.is_error() && span.events().len() == 0 && scan.get(span, Attr::ExceptionType).is_none() {
        return Vec::new();
    }
    let reported = reported::errors(scan, span);
    if reported.is_empty() {
        return Vec::new();
    }
    let depth = scan.depth(span.ix());
    let handled = is_handled(case, member);
    let fault = |error: Reported<'t>| {
        let class = class_of(case, member, &error);
        let message = error.message.filter(|text| !text.is_empty());
        let wrapper = is_wrapper(case.playbook, class.as_deref(), message.as_deref());
        let texts = [message.as_deref(), error.stacktrace.as_deref()];
        let cause = if wrapper { cause_in(case.playbook, &texts) } else { None };
        Fault {
            member: *member,
            class,
            message,
            stacktrace: error.stacktrace,
            at: error.at,
            source: error.source,
            wrapper,
            cause,
            depth,
            handled,
            outside,
        }
    };
    reported.into_iter().map(fault).collect()
}

/// Short class of an error: as it was written, else the playbook's for its message, else the code of the answer.
fn class_of<'t>(case: &Case<'t, '_>, member: &Member<'t, '_>, error: &Reported<'_>) -> Option<String> {
    let lexicon = &case.scan(member).lexicon;
    let written = error.class.as_deref().map(|class| short_class(class).to_owned());
    let by_message =
        || classify(case.playbook, None, error.message.as_deref()).and_then(|(row, _)| row.error_type.clone());
    let by_answer = || Request::of(member.span, lexicon).and_then(|request| request.error_class());
    written.or_else(by_message).or_else(by_answer)
}

/// Whether the span above waited for this one and says that it went well all the same.
fn is_handled(case: &Case<'_, '_>, member: &Member<'_, '_>) -> bool {
    let scan = case.scan(member);
    let Some(above) = scan.tree.parent(member.span.ix()) else { return false };
    let sight = scan.sight(above);
    let loops = sight.is(SpanRole::Wrapper) || sight.is(SpanRole::Coordinator);
    let ended_well = |above: trace::SpanRef<'_>| above.status() == Status::Ok && above.end() >= member.span.end();
    !loops && scan.trace.span(above).is_some_and(ended_well)
}

/// Short class of what a span itself says went wrong: the first that is not a wrapper.
pub(super) fn own_class<'t, 'p>(case: &Case<'t, 'p>, member: &Member<'t, 'p>) -> Option<String> {
    let faults = faults_of(case, member, false);
    let real = faults.iter().find(|fault| !fault.wrapper).or(faults.first());
    real.and_then(|fault| fault.class.clone())
}

/// The list of all errors with the part each plays.
pub(super) fn entries(faults: &[Fault<'_, '_>], origin: Option<&Origin<'_, '_>>) -> Vec<ErrorEntry> {
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
