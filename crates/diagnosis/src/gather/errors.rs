//! The errors of an operation: what each of its spans says, and which only wrap or follow from others.

use std::borrow::Cow;

use crate::{
    playbook::{Attr, Bindings, Effect, ErrorClass, Playbook, SpanRole},
    read::{
        class_name::short_class,
        reported::{self, ReportedError, Source},
        request::Request,
    },
    slice::operation_spans::{Member, OperationSpans},
};
use trace::{Status, Time};

/// Something that went wrong at one span.
#[derive(Clone, Debug)]
pub(crate) struct Fault<'t, 'p> {
    pub(crate) member: Member<'t, 'p>,
    /// Short class: as it was written, else the playbook's for its message, else the code of the answer.
    pub(crate) class: Option<String>,
    pub(crate) message: Option<Cow<'t, str>>,
    pub(crate) stacktrace: Option<Cow<'t, str>>,
    pub(crate) at: Time,
    pub(crate) source: Source,
    /// It only wraps the real error, or is a consequence of it.
    pub(crate) wrapper: bool,
    /// What a wrapper says it wraps.
    pub(crate) cause: Option<Cause>,
    /// How many spans are above it.
    pub(crate) depth: u32,
    /// The span that waited for it ended well all the same.
    pub(crate) handled: bool,
    /// It happened above the operation, in the command.
    pub(crate) outside: bool,
}

/// An error that another one names as its cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    /// Short class.
    pub(crate) class: Option<String>,
    pub(crate) message: Option<String>,
}

/// The playbook's class of an error, and what its message fills in.
pub(crate) fn classify<'p>(
    playbook: &'p Playbook,
    class: Option<&str>,
    message: Option<&str>,
) -> Option<(&'p ErrorClass, Bindings)> {
    let message = message.unwrap_or_default();
    let rows = || playbook.errors().iter().filter(|row| row.effect != Effect::Wraps);
    let by_message = rows().find_map(|row| {
        row.messages.iter().find_map(|pattern| {
            let found = pattern.captures(message)?;
            let mut bindings = Bindings::default();
            for name in pattern.capture_names().flatten() {
                if let Some(text) = found.name(name) {
                    bindings.quote_group(name, text.as_str());
                }
            }
            Some((row, bindings))
        })
    });
    let by_class = || {
        let class = class?;
        rows().find(|row| row.names(class)).map(|row| (row, Bindings::default()))
    };
    by_message.or_else(by_class)
}

/// Whether an error only wraps another one, or follows from it, by its class or its message.
pub(crate) fn is_wrapper(playbook: &Playbook, class: Option<&str>, message: Option<&str>) -> bool {
    playbook.errors().iter().any(|row| row.effect == Effect::Wraps && row.fits(class, message))
}

/// The error that a wrapper names in one of these texts, if it certainly does: the first that is not a wrapper itself.
pub(crate) fn cause_in(playbook: &Playbook, texts: &[Option<&str>]) -> Option<Cause> {
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
pub(crate) fn faults<'t, 'p>(operation: &OperationSpans<'t, 'p>) -> Vec<Fault<'t, 'p>> {
    let inside = operation.members.iter().flat_map(|m| faults_of(operation, m, false));
    let outside = operation.context.iter().flat_map(|m| faults_of(operation, m, true));
    let mut faults: Vec<_> = inside.chain(outside).collect();
    faults.sort_by_key(|f| (f.at, f.member.span.trace().id(), f.member.span.ix()));
    faults
}

fn faults_of<'t, 'p>(operation: &OperationSpans<'t, 'p>, member: &Member<'t, 'p>, outside: bool) -> Vec<Fault<'t, 'p>> {
    let (scan, span) = (operation.scan(member), member.span);
    if !span.is_error() && span.events().len() == 0 && scan.get(span, Attr::ExceptionType).is_none() {
        return Vec::new();
    }
    let reported = reported::errors(scan, span);
    if reported.is_empty() {
        return Vec::new();
    }
    let depth = scan.depth(span.ix());
    let handled = is_handled(operation, member);
    let fault = |error: ReportedError<'t>| {
        let class = class_of(operation, member, &error);
        let message = error.message.filter(|text| !text.is_empty());
        let wrapper = is_wrapper(operation.playbook, class.as_deref(), message.as_deref());
        let texts = [message.as_deref(), error.stacktrace.as_deref()];
        let cause = if wrapper { cause_in(operation.playbook, &texts) } else { None };
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
fn class_of<'t>(
    operation: &OperationSpans<'t, '_>,
    member: &Member<'t, '_>,
    error: &ReportedError<'_>,
) -> Option<String> {
    let vocabulary = &operation.scan(member).vocabulary;
    let written = error.class.as_deref().map(|class| short_class(class).to_owned());
    let by_message =
        || classify(operation.playbook, None, error.message.as_deref()).and_then(|(row, _)| row.error_type.clone());
    let by_answer = || Request::of(member.span, vocabulary).and_then(|request| request.error_class());
    let (vague, specific) = match written {
        Some(class) if operation.playbook.is_vague(&class) || !reported::names_a_class(&class) => (Some(class), None),
        written => (None, written),
    };
    specific.or_else(by_message).or_else(by_answer).or(vague)
}

/// Whether the span above waited for this one and says that it went well all the same.
fn is_handled(operation: &OperationSpans<'_, '_>, member: &Member<'_, '_>) -> bool {
    let scan = operation.scan(member);
    let Some(above) = scan.tree.parent(member.span.ix()) else { return false };
    let span_class = scan.span_class(above);
    let loops = span_class.is(SpanRole::Wrapper) || span_class.is(SpanRole::Coordinator);
    let ended_well = |above: trace::SpanRef<'_>| above.status() == Status::Ok && above.end() >= member.span.end();
    !loops && scan.trace.span(above).is_some_and(ended_well)
}

/// Short class of what a span itself says went wrong: the first that is not a wrapper.
pub(crate) fn own_class<'t, 'p>(operation: &OperationSpans<'t, 'p>, member: &Member<'t, 'p>) -> Option<String> {
    let faults = faults_of(operation, member, false);
    let real = faults.iter().find(|fault| !fault.wrapper).or(faults.first());
    real.and_then(|fault| fault.class.clone())
}
