//! The error that decides a failure, and where the trace says it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::errors::{Fault, classify};
use crate::{
    playbook::{Attr, Bindings, ErrorClass},
    read::reported::Source,
    slice::operation_spans::{Member, OperationSpans},
};
use trace::{SpanId, SpanRef, Time};

/// A span that an error passed through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathStep {
    /// Its service.
    pub service: String,
    /// Its name.
    pub span: String,
    /// Its id.
    pub span_id: SpanId,
}

/// The class of an error that nothing names.
const NAMELESS: &str = "OperationError";

/// The deciding error of an operation.
#[derive(Clone, Debug)]
pub(crate) struct Origin<'t, 'p> {
    pub(crate) error_type: String,
    pub(crate) message: Option<String>,
    pub(crate) stacktrace: Option<Cow<'t, str>>,
    pub(crate) member: Option<Member<'t, 'p>>,
    /// The playbook's class.
    pub(crate) class: Option<(&'p ErrorClass, Bindings)>,
    pub(crate) at: Option<Time>,
    pub(crate) path: Vec<PathStep>,
    pub(crate) proof: Proof,
    /// It only wraps an error that nothing names.
    pub(crate) wrapper: bool,
    /// It is what the member itself says, and not the cause that a wrapper names.
    pub(crate) direct: bool,
}

/// Where the trace says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// At its span.
    Span(Source),
    /// In an attribute that the operation wrote.
    Attribute(Attr),
    /// Nowhere: the operation failed without any error.
    Nothing,
}

impl Origin<'_, '_> {
    /// Whether a fault of its span is this error.
    pub(crate) fn is_fault(&self, fault: &Fault<'_, '_>) -> bool {
        self.direct
            && (Some(fault.at), Proof::Span(fault.source)) == (self.at, self.proof)
            && fault.class.as_deref().unwrap_or(NAMELESS) == self.error_type
    }

    /// Whether it is a request that got no answer, and no word why.
    pub(crate) fn is_unanswered(&self) -> bool {
        self.proof == Proof::Span(Source::NoAnswer)
    }
}

impl<'t, 'p> Origin<'t, 'p> {
    /// An origin in words, nowhere yet.
    pub(crate) fn of(operation: &OperationSpans<'t, 'p>, class: Option<&str>, message: Option<&str>) -> Self {
        let message = message.filter(|text| !text.is_empty());
        let found = classify(operation.playbook, class, message);
        let by_playbook = || found.as_ref().and_then(|(row, _)| row.error_type.clone());
        Self {
            error_type: class.map(str::to_owned).or_else(by_playbook).unwrap_or_else(|| NAMELESS.to_owned()),
            message: message.map(str::to_owned),
            stacktrace: None,
            member: None,
            class: found,
            at: None,
            path: Vec::new(),
            proof: Proof::Nothing,
            wrapper: false,
            direct: false,
        }
    }
}

pub(crate) fn step(span: SpanRef<'_>) -> PathStep {
    PathStep { service: span.service().to_owned(), span: span.name().to_owned(), span_id: span.id() }
}
