//! The origin of a failure: the deepest real error of the last attempt.
//!
//! What a span says in words comes first, then what the operation itself wrote down, then errors without a word: the code
//! of an answer, or an answer that never came. Wrappers and consequences are skipped as long as anything else is known. Among
//! errors of one depth the earliest is the cause: later ones follow from it.

use std::cmp::Reverse;

use hashbrown::HashSet;

use super::{
    errors::Fault,
    origin::{Origin, PathStep, Proof, step},
    recorded_error::{RecordedError, RecoveredFaults},
};
use crate::{
    playbook::RouteRole,
    read::reported::Source,
    slice::operation_spans::{Member, OperationSpans},
};
use trace::Time;

/// Finds the origin of an operation's errors; a failed operation always has one.
pub(crate) fn origin<'t, 'p>(
    operation: &OperationSpans<'t, 'p>,
    faults: &[Fault<'t, 'p>],
    failed: bool,
    last_attempt: Option<Time>,
) -> Option<Origin<'t, 'p>> {
    let recorded = if failed { RecordedError::of(operation, last_attempt) } else { None };
    let search = Search {
        operation,
        faults,
        failed,
        last_attempt,
        recovered: RecoveredFaults::new(operation, recorded.as_ref()),
    };
    let recorded_error = || {
        let recorded = recorded.as_ref()?;
        if recorded.wrapper { recorded.wrapped(operation) } else { Some(recorded.origin(operation)) }
    };
    let found = search
        .described(Attempts::Last)
        .or_else(|| search.wrapped())
        .or_else(recorded_error)
        .or_else(|| search.wordless(Attempts::Last))
        .or_else(|| search.described(Attempts::All))
        .or_else(|| search.wordless(Attempts::All));
    if found.is_some() || !failed {
        return found;
    }
    let wrapping_words = || recorded.as_ref().map(|recorded| recorded.origin(operation));
    search
        .outside()
        .or_else(wrapping_words)
        .or_else(|| search.wrapper())
        .or_else(|| search.refusal())
        .or_else(|| search.flagged())
        .or_else(|| Some(Origin::of(operation, None, None)))
}

/// Which attempts of an operation are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempts {
    Last,
    All,
}

/// Looks for the origin among the faults.
struct Search<'s, 't, 'p> {
    operation: &'s OperationSpans<'t, 'p>,
    faults: &'s [Fault<'t, 'p>],
    failed: bool,
    last_attempt: Option<Time>,
    recovered: RecoveredFaults<'s, 't, 'p>,
}

impl<'t, 'p> Search<'_, 't, 'p> {
    /// The deepest fault inside the operation that fits; one that the operation's own words name goes first, and of equal
    /// depth one that was recorded as an exception, then the earliest that nobody handled.
    fn deepest(&self, fits: impl Fn(&Fault<'t, 'p>) -> bool) -> Option<&Fault<'t, 'p>> {
        let named = |f: &Fault<'_, '_>| self.recovered.recorded.is_some_and(|recorded| recorded.names(f));
        let rank = |f: &Fault<'_, '_>| {
            let earliest = Reverse((f.at, f.member.span.ix()));
            (named(f), f.depth, f.source.is_exception(), !f.handled, earliest)
        };
        self.faults.iter().filter(|f| !f.outside && fits(f)).max_by_key(|f| rank(f))
    }

    fn real(&self, fault: &Fault<'t, 'p>, attempts: Attempts) -> bool {
        let recent = attempts == Attempts::All || self.recent(fault);
        recent && !fault.wrapper && !self.recovered.contains(fault)
    }

    fn recent(&self, fault: &Fault<'_, '_>) -> bool {
        self.last_attempt.is_none_or(|start| fault.at >= start)
    }

    fn described(&self, attempts: Attempts) -> Option<Origin<'t, 'p>> {
        self.deepest(|f| f.source.is_described() && self.real(f, attempts)).map(|fault| self.at(fault))
    }

    /// The error that a wrapper names in its message or its stack trace.
    fn wrapped(&self) -> Option<Origin<'t, 'p>> {
        let fault = self.deepest(|f| f.cause.is_some() && self.recent(f) && !self.recovered.contains(f))?;
        let cause = fault.cause.as_ref()?;
        let class = cause.class.as_deref();
        let message = cause.message.as_deref().or(fault.message.as_deref());
        Some(Origin { direct: false, ..self.placed(fault, Origin::of(self.operation, class, message)) })
    }

    /// The code of an answer, or an answer that never came.
    fn wordless(&self, attempts: Attempts) -> Option<Origin<'t, 'p>> {
        let says = |f: &Fault<'_, '_>| match f.source {
            Source::Answer => true,
            Source::NoAnswer => self.failed,
            _ => false,
        };
        self.deepest(|f| says(f) && self.real(f, attempts)).map(|fault| self.at(fault))
    }

    /// What the command above the operation says.
    fn outside(&self) -> Option<Origin<'t, 'p>> {
        let rank = |f: &Fault<'_, '_>| (f.source.is_exception(), f.source.is_described(), f.depth, Reverse(f.at));
        let real = self.faults.iter().filter(|f| f.outside && !f.wrapper && f.source != Source::Flag);
        real.max_by_key(|f| rank(f)).map(|fault| self.at(fault))
    }

    /// A wrapper, where nothing else is known.
    fn wrapper(&self) -> Option<Origin<'t, 'p>> {
        let fault = self.deepest(|f| f.wrapper && f.source.is_described())?;
        Some(Origin { wrapper: true, ..self.at(fault) })
    }

    /// A request that was refused while the span's status says nothing: servers leave it unset below 500.
    fn refusal(&self) -> Option<Origin<'t, 'p>> {
        let refused = |m: &Member<'t, 'p>| {
            let scan = self.operation.scan(m);
            let class = scan.request(m.span)?.error_class()?;
            let start = m.route_is(RouteRole::Start);
            Some(((start, scan.depth(m.span.ix()), Reverse(m.span.end())), *m, class))
        };
        let (_, member, class) = self.operation.members.iter().filter_map(refused).max_by_key(|(rank, ..)| *rank)?;
        Some(Origin {
            member: Some(member),
            at: Some(member.span.end()),
            path: vec![step(member.span)],
            proof: Proof::Span(Source::Answer),
            ..Origin::of(self.operation, Some(&class), None)
        })
    }

    /// A span that has the status of an error and nothing more.
    fn flagged(&self) -> Option<Origin<'t, 'p>> {
        self.deepest(|f| f.source == Source::Flag).map(|fault| self.at(fault))
    }

    /// The origin at a fault.
    fn at(&self, fault: &Fault<'t, 'p>) -> Origin<'t, 'p> {
        self.placed(fault, Origin::of(self.operation, fault.class.as_deref(), fault.message.as_deref()))
    }

    fn placed(&self, fault: &Fault<'t, 'p>, origin: Origin<'t, 'p>) -> Origin<'t, 'p> {
        Origin {
            stacktrace: fault.stacktrace.clone(),
            member: Some(fault.member),
            at: Some(fault.at),
            path: error_path(self.operation, &fault.member, self.faults),
            proof: Proof::Span(fault.source),
            direct: true,
            ..origin
        }
    }
}

/// The origin and every span above it that failed too.
fn error_path(operation: &OperationSpans<'_, '_>, origin: &Member<'_, '_>, faults: &[Fault<'_, '_>]) -> Vec<PathStep> {
    let scan = operation.scan(origin);
    let failed: HashSet<_> =
        faults.iter().filter(|f| f.member.scan == origin.scan).map(|f| f.member.span.ix()).collect();
    let above = scan.tree.ancestors(origin.span.ix()).filter(|ix| failed.contains(ix));
    let above = above.filter_map(|ix| scan.trace.span(ix)).map(step);
    std::iter::once(step(origin.span)).chain(above).collect()
}
