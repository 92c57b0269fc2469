//! What one span says went wrong. An exception that it recorded says most; else the text beside its status does, or an
//! attribute, or the code of the answer. Many instrumentations (Go, gRPC, .NET, `set_status`) leave the text alone, and a
//! client whose request nobody answered may leave nothing at all: the error status without a word.

use std::borrow::Cow;

use hashbrown::HashSet;

use super::{
    class_name::{class_and_message, short_class},
    scan::Scan,
};
use crate::playbook::Attr;
use trace::{EventRef, SpanKind, SpanRef, Time, Value};

/// Where a span says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// In an exception event.
    Event,
    /// In attributes of an exception, as older instrumentation writes them.
    Attributes,
    /// In the text beside its status.
    Status,
    /// In attributes of an error.
    ErrorAttributes,
    /// In the code of the answer.
    Answer,
    /// Nowhere: the request got no answer.
    NoAnswer,
    /// Nowhere: the span has the status of an error.
    Flag,
}

impl Source {
    /// Whether an exception was recorded.
    pub(crate) fn is_exception(self) -> bool {
        matches!(self, Self::Event | Self::Attributes)
    }

    /// Whether something says in words what went wrong.
    pub(crate) fn is_described(self) -> bool {
        matches!(self, Self::Event | Self::Attributes | Self::Status | Self::ErrorAttributes)
    }
}

/// An error as a span says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReportedError<'t> {
    pub(crate) source: Source,
    /// Class as it was written, usually qualified.
    pub(crate) class: Option<Cow<'t, str>>,
    pub(crate) message: Option<Cow<'t, str>>,
    pub(crate) stacktrace: Option<Cow<'t, str>>,
    pub(crate) at: Time,
}

/// Names of the events that hold an exception, now and in older tracers.
const EVENTS: [&str; 2] = ["exception", "error"];

/// A span's errors: its exceptions by time, else the one thing that its status says.
pub(crate) fn errors<'t>(scan: &Scan<'t, '_>, span: SpanRef<'t>) -> Vec<ReportedError<'t>> {
    let found = exceptions(scan, span);
    // Beside an event without a class the text of the status says at least as much.
    let nameless = found.iter().all(|error| error.class.is_none());
    if span.is_error() && nameless && (found.is_empty() || !span.status_message().trim().is_empty()) {
        return vec![by_status(scan, span)];
    }
    found
}

/// A span's exceptions by time; what instrumentation records twice counts once.
fn exceptions<'t>(scan: &Scan<'t, '_>, span: SpanRef<'t>) -> Vec<ReportedError<'t>> {
    let mut found: Vec<ReportedError<'t>> = span.events().filter_map(|event| in_event(scan, event)).collect();
    // Events of one moment come in any order.
    found.sort_by(|a, b| (a.at, &a.class, &a.message).cmp(&(b.at, &b.class, &b.message)));
    let mut known = HashSet::new();
    found.retain(|error| known.insert((error.class.clone(), error.message.clone())));
    if let Some(class) = scan.text(span, Attr::ExceptionType)
        && !found.iter().any(|e| e.class.as_deref().map(short_class) == Some(short_class(&class)))
    {
        found.push(ReportedError {
            source: Source::Attributes,
            class: Some(class),
            message: scan.text(span, Attr::ExceptionMessage).or_else(|| scan.text(span, Attr::ErrorMessage)),
            stacktrace: scan.text(span, Attr::ExceptionStacktrace),
            at: span.end(),
        });
    }
    found
}

fn in_event<'t>(scan: &Scan<'t, '_>, event: EventRef<'t>) -> Option<ReportedError<'t>> {
    let text = |attr| {
        let keys = scan.playbook().keys(attr).iter();
        let texts = keys.filter_map(|key| event.attribute(key)).map(Value::to_text);
        texts.into_iter().find(|text| !text.is_empty())
    };
    let class = text(Attr::ExceptionType);
    let message = text(Attr::ExceptionMessage);
    let holds = class.is_some() || EVENTS.contains(&event.name()) && (message.is_some() || event.name() == EVENTS[0]);
    holds.then(|| ReportedError {
        source: Source::Event,
        class,
        message,
        stacktrace: text(Attr::ExceptionStacktrace),
        at: event.time(),
    })
}

/// What the status of a failed span says, with the attributes that go with it.
fn by_status<'t>(scan: &Scan<'t, '_>, span: SpanRef<'t>) -> ReportedError<'t> {
    let playbook = scan.playbook();
    let text = span.status_message().trim();
    let (class, described) = class_and_message(text, playbook);
    let named = scan.text(span, Attr::ErrorType).filter(|class| names_a_class(class));
    let class = class.map(Cow::Borrowed).or(named);
    let written = scan.text(span, Attr::ErrorMessage);
    let message = written.or_else(|| Some(described).filter(|text| !text.is_empty()).map(Cow::Borrowed));
    let request = scan.request(span);
    // The text beside the status of an RPC is the message that came with it.
    let refused = request.is_some_and(|request| request.refused());
    let is_message = request.is_some_and(|request| request.status.is_none());
    // Beside a code, a text that nobody knows (`Service Unavailable`) says nothing more than the code.
    let known = || is_message || playbook.errors().iter().any(|row| row.fits(None, message.as_deref()));
    let source = if class.is_none() && (message.is_none() || refused && !known()) {
        match request {
            _ if refused => Source::Answer,
            Some(request) if span.kind() == SpanKind::Client && !request.answered() && scan.callee(span).is_none() => {
                Source::NoAnswer
            }
            _ => Source::Flag,
        }
    } else if text.is_empty() {
        Source::ErrorAttributes
    } else {
        Source::Status
    };
    ReportedError { source, class, message, stacktrace: None, at: span.end() }
}

/// `error.type` holds a class, or the code of the answer, or `_OTHER` where the instrumentation knows none; exceptions of
/// browsers and Node may have a number.
pub(crate) fn names_a_class(text: &str) -> bool {
    text != "_OTHER" && text.parse::<u16>().is_err()
}
