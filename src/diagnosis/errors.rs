//! Errors: which there are, where the deciding one arose and what it passed through.

use hashbrown::{HashMap, HashSet};

use super::{
    ErrorEntry, ErrorRole, PathStep,
    case::{Case, Member},
    http::Request,
    scan::Lexicon,
};
use crate::{
    playbook::{Attr, Effect, ErrorClass, Fill, Playbook, SpanRole},
    trace::{SpanRef, StrId, Time},
};

/// An exception that a span recorded, as event or (older vocabulary) as attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Exception<'t> {
    /// Qualified class.
    pub(super) class: Option<&'t str>,
    pub(super) message: Option<&'t str>,
    pub(super) stacktrace: Option<&'t str>,
    pub(super) at: Time,
}

/// The last part of a qualified class name.
pub(super) fn short_class(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
}

/// A span's exceptions by time; what instrumentation records twice counts once.
pub(super) fn exceptions<'t>(span: SpanRef<'t>, lexicon: &Lexicon<'_>) -> Vec<Exception<'t>> {
    let mut found: Vec<Exception<'t>> = Vec::new();
    for event in span.events() {
        let text = |attr| {
            let keys = lexicon.playbook().keys(attr).iter();
            keys.filter_map(|key| event.attribute(key)).find_map(crate::trace::Value::as_str).filter(|t| !t.is_empty())
        };
        let class = text(Attr::ExceptionType);
        if class.is_none() && event.name() != "exception" {
            continue;
        }
        let exception = Exception {
            class,
            message: text(Attr::ExceptionMessage),
            stacktrace: text(Attr::ExceptionStacktrace),
            at: event.time(),
        };
        if !found.iter().any(|e| (e.class, e.message) == (exception.class, exception.message)) {
            found.push(exception);
        }
    }
    let class = lexicon.text(span, Attr::ExceptionType);
    let message = lexicon.text(span, Attr::ExceptionMessage).or_else(|| lexicon.text(span, Attr::ErrorMessage));
    if let Some(class) = class
        && !found.iter().any(|e| e.class.map(short_class) == Some(short_class(class)))
    {
        let stacktrace = lexicon.text(span, Attr::ExceptionStacktrace);
        found.push(Exception { class: Some(class), message, stacktrace, at: span.end() });
    }
    found
}

/// Short class of what a span itself says went wrong.
pub(super) fn own_class(case: &Case<'_, '_>, member: &Member<'_, '_>) -> Option<String> {
    let lexicon = &case.scan(member).lexicon;
    let exceptions = exceptions(member.span, lexicon);
    if !member.span.is_error() && exceptions.is_empty() {
        return None;
    }
    let recorded = exceptions.last().and_then(|e| e.class).or_else(|| lexicon.text(member.span, Attr::ErrorType));
    recorded
        .filter(|class| class.parse::<u16>().is_err())
        .map(|class| short_class(class).to_owned())
        .or_else(|| described(member.span).map(|(class, _)| class.to_owned()))
        .or_else(|| {
            let status = Request::of(member.span, lexicon).and_then(|request| request.status)?;
            (status >= 400).then(|| format!("HTTP {status}"))
        })
}

/// `ConnectError: All connection attempts failed`: class and message in a status text.
fn described(span: SpanRef<'_>) -> Option<(&str, &str)> {
    let (class, message) = span.status_message().split_once(':')?;
    let qualified = class.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_'));
    let class = short_class(class);
    let word = qualified && class.starts_with(|c: char| c.is_ascii_uppercase());
    word.then_some((class, message.trim()))
}

/// Something that went wrong at one span.
#[derive(Clone, Debug)]
pub(super) struct Fault<'t, 'p> {
    pub(super) member: Member<'t, 'p>,
    pub(super) class: Option<String>,
    pub(super) message: Option<&'t str>,
    pub(super) stacktrace: Option<&'t str>,
    pub(super) at: Time,
    /// The class only wraps the real error.
    pub(super) wrapper: bool,
    /// An exception was recorded (an error status alone says less).
    pub(super) exception: bool,
    depth: u32,
    /// It happened above the operation, in the command.
    pub(super) outside: bool,
}

/// The playbook's class of an error, and the words that its message fills in.
pub(super) fn classify<'p>(
    playbook: &'p Playbook,
    class: Option<&str>,
    message: Option<&str>,
) -> Option<(&'p ErrorClass, Fill)> {
    let message = message.unwrap_or_default();
    let by_message = playbook.errors().iter().find_map(|row| {
        row.messages.iter().find_map(|pattern| {
            let found = pattern.captures(message)?;
            let mut fill = Fill::default();
            for name in pattern.capture_names().flatten() {
                if let Some(text) = found.name(name) {
                    fill.set(name.to_owned(), text.as_str());
                }
            }
            Some((row, fill))
        })
    });
    let by_class = || {
        let class = class?;
        playbook
            .errors()
            .iter()
            .find(|row| row.classes.iter().any(|known| known == class))
            .map(|r| (r, Fill::default()))
    };
    by_message.or_else(by_class)
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
    let recorded = exceptions(span, &scan.lexicon);
    if recorded.is_empty() && !span.is_error() {
        return Vec::new();
    }
    let depth = scan.depth(span.ix());
    let fault = |class: Option<String>, message, stacktrace, at, exception| {
        let wraps =
            |row: &ErrorClass| row.effect == Effect::Wraps && class.as_ref().is_some_and(|c| row.classes.contains(c));
        let wrapper = case.playbook.errors().iter().any(wraps);
        Fault { member: *member, class, message, stacktrace, at, wrapper, exception, depth, outside }
    };
    if recorded.is_empty() {
        let message = described(span).map(|(_, message)| message).or(Some(span.status_message()));
        let message = scan.text(span, Attr::ErrorMessage).or(message).filter(|text| !text.is_empty());
        return vec![fault(own_class(case, member), message, None, span.end(), false)];
    }
    let class = |e: &Exception<'_>| {
        let told = || described(span).map(|(class, _)| class.to_owned());
        let by_message = || classify(case.playbook, None, e.message).and_then(|(row, _)| row.error_type.clone());
        e.class.map(|class| short_class(class).to_owned()).or_else(told).or_else(by_message)
    };
    recorded.iter().map(|e| fault(class(e), e.message, e.stacktrace, e.at, true)).collect()
}

/// The deciding error of an operation.
#[derive(Clone, Debug)]
pub(super) struct Origin<'t, 'p> {
    pub(super) error_type: String,
    pub(super) message: Option<String>,
    pub(super) stacktrace: Option<&'t str>,
    pub(super) member: Option<Member<'t, 'p>>,
    /// The playbook's class.
    pub(super) class: Option<(&'p ErrorClass, Fill)>,
    pub(super) at: Option<Time>,
    pub(super) path: Vec<PathStep>,
}

/// What the last failing transition says.
#[derive(Clone, Copy)]
pub(super) struct Told<'t, 'p> {
    pub(super) text: &'t str,
    pub(super) member: Member<'t, 'p>,
}

impl Told<'_, '_> {
    /// Whether the text quotes the message of a fault, or at least its class.
    fn names(&self, fault: &Fault<'_, '_>) -> bool {
        let quoted = |text: &str| !text.is_empty() && self.text.contains(text);
        fault.message.is_some_and(|message| quoted(message.trim())) || fault.class.as_deref().is_some_and(quoted)
    }
}

/// Faults that the operation went on after and that are not what it died of by its own words: a request that was
/// repeated, a worker that did not answer before another did.
struct Overcome<'t, 'p> {
    told: Option<Told<'t, 'p>>,
    /// When each service last began something that went well.
    good: HashMap<StrId, Time>,
}

impl<'t, 'p> Overcome<'t, 'p> {
    fn new(case: &Case<'t, 'p>, told: Option<Told<'t, 'p>>) -> Self {
        let mut good: HashMap<StrId, Time> = HashMap::new();
        for member in case.members.iter().filter(|_| told.is_some()) {
            let says = member.sight.is(SpanRole::Transition) || member.sight.is(SpanRole::Marker);
            if !says && !member.span.is_error() {
                let last = good.entry(member.span.service_id()).or_insert(member.span.start());
                *last = member.span.start().max(*last);
            }
        }
        Self { told, good }
    }

    fn contains(&self, fault: &Fault<'_, '_>) -> bool {
        let later = self.good.get(&fault.member.span.service_id()).is_some_and(|last| *last >= fault.member.span.end());
        later && self.told.is_some_and(|told| !told.names(fault))
    }
}

/// The error text that the operation itself wrote last, in its last attempt.
pub(super) fn told<'t, 'p>(case: &Case<'t, 'p>, last_attempt: Option<Time>) -> Option<Told<'t, 'p>> {
    let recent = |m: &&Member<'_, '_>| last_attempt.is_none_or(|start| m.span.end() >= start);
    case.members.iter().rev().filter(recent).find_map(|member| {
        let scan = case.scan(member);
        let own = scan.text(member.span, Attr::OperationError);
        let coordinator = member.sight.is(SpanRole::Coordinator);
        let text = own.or_else(|| if coordinator { scan.text(member.span, Attr::OutcomeError) } else { None })?;
        Some(Told { text, member: *member })
    })
}

/// Finds the origin: the deepest real error of the last attempt (the operation's own words choose among several), else
/// the playbook's class of the operation's words, else the HTTP status, else `OperationError`.
pub(super) fn origin<'t, 'p>(
    case: &Case<'t, 'p>,
    faults: &[Fault<'t, 'p>],
    failed: bool,
    last_attempt: Option<Time>,
) -> Option<Origin<'t, 'p>> {
    let told = told(case, last_attempt).filter(|_| failed);
    let overcome = Overcome::new(case, told);
    let real = |f: &&Fault<'t, 'p>| !f.wrapper && f.class.is_some() && !f.outside && !overcome.contains(f);
    let recent = |f: &&Fault<'t, 'p>| last_attempt.is_none_or(|start| f.at >= start);
    let best = |f: &&Fault<'t, 'p>| {
        (told.is_some_and(|told| told.names(f)), f.depth, f.at, std::cmp::Reverse(f.member.span.ix()))
    };
    let pick = |exception: bool, also_earlier: bool| {
        let candidates = faults.iter().filter(real).filter(|f| f.exception == exception);
        candidates.filter(|f| also_earlier || recent(f)).max_by_key(best)
    };
    let outside = || {
        let calls = faults.iter().filter(|f| f.outside && !f.wrapper && f.class.is_some());
        if failed { calls.max_by_key(|f| (f.exception, f.depth, f.at)) } else { None }
    };
    if let Some(fault) = pick(true, false) {
        return Some(origin_at(case, fault, faults));
    }
    if let Some(told) = told {
        return Some(origin_told(case, told));
    }
    let earlier = || pick(true, true).or_else(|| pick(false, true));
    if let Some(fault) = pick(false, false).or_else(earlier).or_else(outside) {
        return Some(origin_at(case, fault, faults));
    }
    failed.then(|| Origin {
        error_type: "OperationError".to_owned(),
        message: None,
        stacktrace: None,
        member: None,
        class: None,
        at: None,
        path: Vec::new(),
    })
}

fn origin_at<'t, 'p>(case: &Case<'t, 'p>, fault: &Fault<'t, 'p>, faults: &[Fault<'t, 'p>]) -> Origin<'t, 'p> {
    let message = fault.message.filter(|text| !text.is_empty());
    let error_type = fault.class.clone().unwrap_or_else(|| "OperationError".to_owned());
    Origin {
        class: classify(case.playbook, Some(&error_type), message),
        error_type,
        message: message.map(str::to_owned),
        stacktrace: fault.stacktrace,
        member: Some(fault.member),
        at: Some(fault.at),
        path: error_path(case, &fault.member, faults),
    }
}

fn origin_told<'t, 'p>(case: &Case<'t, 'p>, told: Told<'t, 'p>) -> Origin<'t, 'p> {
    // `ValueError: text` names its class; plain text is classified by the playbook.
    let named = told
        .text
        .split_once(": ")
        .filter(|(class, _)| class.ends_with("Error") || class.ends_with("Exception") || class.ends_with("Timeout"));
    let named = named.filter(|(class, _)| class.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '_'));
    let (class, message) = match named {
        Some((class, rest)) => (Some(short_class(class)), rest),
        None => (None, told.text),
    };
    let found = classify(case.playbook, class, Some(message));
    let by_playbook = found.as_ref().and_then(|(row, _)| row.error_type.clone());
    Origin {
        error_type: class.map(str::to_owned).or(by_playbook).unwrap_or_else(|| "OperationError".to_owned()),
        message: Some(message.to_owned()),
        stacktrace: None,
        member: Some(told.member),
        class: found,
        at: Some(told.member.span.start()),
        path: vec![step(told.member.span)],
    }
}

fn step(span: SpanRef<'_>) -> PathStep {
    PathStep { service: span.service().to_owned(), span: span.name().to_owned(), span_id: span.id() }
}

/// The origin and every span above it that failed too.
fn error_path(case: &Case<'_, '_>, origin: &Member<'_, '_>, faults: &[Fault<'_, '_>]) -> Vec<PathStep> {
    let scan = case.scan(origin);
    let failed: HashSet<_> =
        faults.iter().filter(|f| f.member.scan == origin.scan).map(|f| f.member.span.ix()).collect();
    let above = scan.tree.ancestors(origin.span.ix()).filter(|ix| failed.contains(ix));
    let above = above.filter_map(|ix| scan.trace.span(ix)).map(step);
    std::iter::once(step(origin.span)).chain(above).collect()
}

/// The list of all errors with the part each plays.
pub(super) fn entries(faults: &[Fault<'_, '_>], origin: Option<&Origin<'_, '_>>) -> Vec<ErrorEntry> {
    let decided = origin.and_then(|o| o.member.map(|m| (m.scan, m.span.ix(), o)));
    let path: HashSet<_> = origin.iter().flat_map(|o| o.path.iter().skip(1)).map(|step| step.span_id).collect();
    let on_path = |f: &Fault<'_, '_>| {
        decided.is_some_and(|(scan, ..)| scan == f.member.scan && path.contains(&f.member.span.id()))
    };
    let is_origin = |f: &Fault<'_, '_>| {
        decided.is_some_and(|(scan, ix, o)| {
            (scan, ix) == (f.member.scan, f.member.span.ix()) && f.class.as_deref() == Some(&o.error_type)
        })
    };
    let entry = |f: &Fault<'_, '_>| ErrorEntry {
        time: Some(f.at),
        service: f.member.span.service().to_owned(),
        span: f.member.span.name().to_owned(),
        span_id: f.member.span.id(),
        trace_id: f.member.span.trace().id(),
        error_type: f.class.clone(),
        error_message: f.message.map(str::to_owned),
        role: if is_origin(f) {
            ErrorRole::Origin
        } else if f.wrapper {
            ErrorRole::Wrapper
        } else if on_path(f) {
            ErrorRole::Propagated
        } else {
            ErrorRole::Suppressed
        },
        stacktrace: f.stacktrace.map(str::to_owned),
    };
    let mut entries: Vec<ErrorEntry> = faults.iter().map(entry).collect();
    // An operation that only wrote its error down has no failing span: the writing span stands for it.
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
