//! The error that an operation itself wrote down, and the faults that it did not mean by it.

use std::borrow::Cow;

use hashbrown::HashMap;

use super::{
    errors::{Cause, Fault, cause_in, is_wrapper},
    origin::{Origin, Proof, step},
};
use crate::{
    playbook::{Attr, SpanRole},
    read::class_name::{class_and_message, short_class},
    slice::operation_spans::{Member, OperationSpans},
};
use trace::{StrId, Time};

/// What the operation itself wrote down last as its error.
#[derive(Clone, Debug)]
pub(crate) struct RecordedError<'t, 'p> {
    text: Cow<'t, str>,
    attr: Attr,
    member: Member<'t, 'p>,
    pub(crate) wrapper: bool,
}

impl<'t, 'p> RecordedError<'t, 'p> {
    /// The error text that the operation wrote last in its last attempt.
    pub(crate) fn of(operation: &OperationSpans<'t, 'p>, last_attempt: Option<Time>) -> Option<Self> {
        let recent = |m: &&Member<'_, '_>| last_attempt.is_none_or(|start| m.span.end() >= start);
        operation.members.iter().rev().filter(recent).find_map(|member| {
            let text = |attr| Some((operation.scan(member).text(member.span, attr)?, attr));
            let coordinator = member.is(SpanRole::Coordinator);
            let outcome = || if coordinator { text(Attr::OutcomeError) } else { None };
            let (text, attr) = text(Attr::OperationError).or_else(outcome)?;
            let (class, message) = class_and_message(&text, operation.playbook);
            let wrapper = is_wrapper(operation.playbook, class.map(short_class), Some(message));
            Some(Self { text, attr, member: *member, wrapper })
        })
    }

    /// Whether they quote the message of a fault, or at least its class.
    pub(crate) fn names(&self, fault: &Fault<'_, '_>) -> bool {
        let quoted = |text: &str| !text.is_empty() && self.text.contains(text);
        fault.message.as_deref().is_some_and(|message| quoted(message.trim()))
            || fault.class.as_deref().is_some_and(quoted)
    }

    /// `ValueError: text` names its class; plain text is classified by the playbook.
    pub(crate) fn origin(&self, operation: &OperationSpans<'t, 'p>) -> Origin<'t, 'p> {
        let (class, message) = class_and_message(&self.text, operation.playbook);
        let class = class.map(|class| short_class(class).to_owned());
        self.origin_from(operation, &Cause { class, message: Some(message.to_owned()) })
    }

    /// The error that they only wrap, if they name it.
    pub(crate) fn wrapped(&self, operation: &OperationSpans<'t, 'p>) -> Option<Origin<'t, 'p>> {
        let (_, message) = class_and_message(&self.text, operation.playbook);
        cause_in(operation.playbook, &[Some(message)]).map(|cause| self.origin_from(operation, &cause))
    }

    fn origin_from(&self, operation: &OperationSpans<'t, 'p>, cause: &Cause) -> Origin<'t, 'p> {
        Origin {
            stacktrace: None,
            member: Some(self.member),
            at: Some(self.member.span.start()),
            path: vec![step(self.member.span)],
            proof: Proof::Attribute(self.attr),
            ..Origin::of(operation, cause.class.as_deref(), cause.message.as_deref())
        }
    }
}

/// Faults that the operation went on after and that are not what it died of by its own words: a request that was
/// repeated, a worker that did not answer before another did.
pub(crate) struct RecoveredFaults<'s, 't, 'p> {
    pub(crate) recorded: Option<&'s RecordedError<'t, 'p>>,
    /// When each service last began something that went well.
    good: HashMap<StrId, Time>,
}

impl<'s, 't, 'p> RecoveredFaults<'s, 't, 'p> {
    pub(crate) fn new(operation: &OperationSpans<'t, 'p>, recorded: Option<&'s RecordedError<'t, 'p>>) -> Self {
        let recorded = recorded.filter(|recorded| !recorded.wrapper);
        let mut good: HashMap<StrId, Time> = HashMap::new();
        for member in operation.members.iter().filter(|_| recorded.is_some()) {
            let says = member.is(SpanRole::Transition) || member.is(SpanRole::Marker);
            if !says && !member.span.is_error() {
                let last = good.entry(member.span.service_id()).or_insert(member.span.start());
                *last = member.span.start().max(*last);
            }
        }
        Self { recorded, good }
    }

    pub(crate) fn contains(&self, fault: &Fault<'_, '_>) -> bool {
        let later = self.good.get(&fault.member.span.service_id()).is_some_and(|last| *last >= fault.member.span.end());
        later && self.recorded.is_some_and(|recorded| !recorded.names(fault))
    }
}
