//! The evidence of a rule. Each piece is found where it points: an `attribute` is on that span with that
//! value, an `event` is an event of that span, a `status` is its status. What is not there, counts and comparisons have kinds
//! of their own.

use super::{
    draft::Draft,
    finding::{Evidence, EvidenceKind},
};
use crate::{
    gather::{facts::Facts, origin::Proof},
    playbook::{Attr, Rule},
    read::reported::{self, ReportedError, Source},
    slice::operation_spans::Member,
};
use trace::{Status, Time};

/// So many pieces back a repetition is looked for.
const NEAR: usize = 4;

impl Draft<'_> {
    /// Adds a piece, unless it was just added.
    fn push(&mut self, evidence: Evidence) {
        if !self.evidence.iter().rev().take(NEAR).any(|known| *known == evidence) {
            self.evidence.push(evidence);
        }
    }

    /// An attribute of a span, if the span has it.
    pub(super) fn attribute(mut self, facts: &Facts<'_, '_, '_>, member: &Member<'_, '_>, attr: Attr) -> Self {
        if let Some((key, value)) = facts.operation.scan(member).find(member.span, attr) {
            self.push(at_span(self.rule, EvidenceKind::Attribute, member, key, &value.to_text()));
        }
        self
    }

    /// The words of the playbook that a span of an error says.
    pub(super) fn error_words(mut self, facts: &Facts<'_, '_, '_>, member: &Member<'_, '_>) -> Self {
        let words = facts.operation.playbook.words().iter().enumerate().filter(|(_, word)| word.proves_errors);
        for (nth, _) in words {
            if let Some((key, value)) = facts.operation.scan(member).word(member.span, nth) {
                self.push(at_span(self.rule, EvidenceKind::Attribute, member, key, &value.to_text()));
            }
        }
        self
    }

    /// An attribute of a span by its key, if the span has it.
    pub(super) fn attribute_named(mut self, member: &Member<'_, '_>, key: &str) -> Self {
        if let Some(value) = member.span.attribute(key) {
            self.push(at_span(self.rule, EvidenceKind::Attribute, member, key, &value.to_text()));
        }
        self
    }

    /// Where a request went, as its span says it.
    pub(super) fn address(self, facts: &Facts<'_, '_, '_>, member: &Member<'_, '_>) -> Self {
        let says = |attr: &&Attr| facts.operation.scan(member).get(member.span, **attr).is_some();
        let attrs = [Attr::HttpUrl, Attr::HttpTarget, Attr::PeerHost, Attr::PeerService];
        match attrs.iter().find(says) {
            Some(attr) => self.attribute(facts, member, *attr),
            None => self,
        }
    }

    /// The status of a span and the text beside it.
    pub(super) fn status(mut self, member: &Member<'_, '_>) -> Self {
        let status = match member.span.status() {
            Status::Unset => "unset",
            Status::Ok => "ok",
            Status::Error => "error",
        };
        self.push(at_span(self.rule, EvidenceKind::Status, member, "status", status));
        let text = member.span.status_message();
        if !text.is_empty() {
            self.push(at_span(self.rule, EvidenceKind::Status, member, "status message", text));
        }
        self
    }

    /// What the operation failed of, where the trace says it.
    pub(super) fn origin(self, facts: &Facts<'_, '_, '_>) -> Self {
        let Some((origin, member)) = facts.origin.as_ref().and_then(|origin| Some((origin, origin.member?))) else {
            return self;
        };
        match origin.proof {
            Proof::Nothing => self,
            Proof::Attribute(attr) => self.attribute(facts, &member, attr),
            Proof::Span(source) => {
                let here = reported::errors(facts.operation.scan(&member), member.span);
                match here.iter().find(|error| error.source == source && Some(error.at) == origin.at) {
                    Some(error) => self.error(facts, &member, error),
                    None => {
                        self.attribute(facts, &member, Attr::HttpStatus).attribute(facts, &member, Attr::GrpcStatus)
                    }
                }
            }
        }
    }

    /// The first thing that went wrong at a span, as the span says it.
    pub(super) fn first_error(self, facts: &Facts<'_, '_, '_>, member: &Member<'_, '_>) -> Self {
        match reported::errors(facts.operation.scan(member), member.span).first() {
            Some(error) => self.error(facts, member, error),
            None => self,
        }
    }

    /// Something that went wrong at a span, as the span says it.
    pub(super) fn error(self, facts: &Facts<'_, '_, '_>, member: &Member<'_, '_>, error: &ReportedError<'_>) -> Self {
        match error.source {
            Source::Event => self.event(facts, member, error),
            Source::Attributes => self
                .attribute(facts, member, Attr::ExceptionType)
                .attribute(facts, member, Attr::ExceptionMessage)
                .attribute(facts, member, Attr::ErrorMessage),
            Source::NoAnswer | Source::Flag => self.status(member),
            Source::Status | Source::ErrorAttributes => self
                .attribute(facts, member, Attr::ErrorType)
                .attribute(facts, member, Attr::ErrorMessage)
                .status(member),
            Source::Answer => self
                .attribute(facts, member, Attr::HttpStatus)
                .attribute(facts, member, Attr::GrpcStatus)
                .status(member),
        }
    }

    /// The event of an exception: each of its attributes that says what it was.
    fn event(mut self, facts: &Facts<'_, '_, '_>, member: &Member<'_, '_>, error: &ReportedError<'_>) -> Self {
        let playbook = facts.operation.playbook;
        let value = |event: trace::EventRef<'_>, attr| {
            let mut keys = playbook.keys(attr).iter();
            keys.find_map(|key| {
                let text = event.attribute(key)?.to_text().into_owned();
                (!text.is_empty()).then(|| (key.clone(), text))
            })
        };
        let says = |found: Option<(String, String)>, text: Option<&str>| found.map(|(_, text)| text).as_deref() == text;
        let event = member.span.events().find(|event| {
            event.time() == error.at
                && says(value(*event, Attr::ExceptionType), error.class.as_deref())
                && says(value(*event, Attr::ExceptionMessage), error.message.as_deref())
        });
        let Some(event) = event else { return self };
        let mut found: Vec<(String, String)> =
            [Attr::ExceptionType, Attr::ExceptionMessage].into_iter().filter_map(|attr| value(event, attr)).collect();
        if found.is_empty() {
            found.push(("event".to_owned(), event.name().to_owned()));
        }
        for (key, text) in found {
            let evidence = at_span(self.rule, EvidenceKind::Event, member, &key, &text);
            self.push(Evidence { at: Some(event.time()), ..evidence });
        }
        self
    }

    /// A span that is not there, seen from the last one that is.
    pub(super) fn absence(mut self, member: Option<&Member<'_, '_>>, key: &str, value: &str, at: Time) -> Self {
        let evidence = match member {
            Some(member) => at_span(self.rule, EvidenceKind::Absence, member, key, value),
            None => nowhere(self.rule, EvidenceKind::Absence, key, value),
        };
        self.push(Evidence { at: Some(at), ..evidence });
        self.rests_on_absence = true;
        self
    }

    /// Something that a span does not say.
    pub(super) fn lacks(mut self, member: &Member<'_, '_>, key: &str, value: &str) -> Self {
        let evidence = at_span(self.rule, EvidenceKind::Absence, member, key, value);
        self.push(Evidence { at: Some(member.span.end()), ..evidence });
        self
    }

    /// How many there are, the first of them at a span.
    pub(super) fn count(mut self, first: &Member<'_, '_>, key: &str, count: usize) -> Self {
        self.push(at_span(self.rule, EvidenceKind::Count, first, key, &count.to_string()));
        self
    }

    /// A comparison, made at a span where it is about one.
    pub(super) fn comparison(mut self, member: Option<&Member<'_, '_>>, key: &str, value: &str) -> Self {
        self.push(match member {
            Some(member) => at_span(self.rule, EvidenceKind::Comparison, member, key, value),
            None => nowhere(self.rule, EvidenceKind::Comparison, key, value),
        });
        self
    }
}

fn at_span(rule: &Rule, kind: EvidenceKind, member: &Member<'_, '_>, key: &str, value: &str) -> Evidence {
    Evidence {
        trace_id: Some(member.span.trace().id()),
        span_id: Some(member.span.id()),
        service: Some(member.span.service().to_owned()),
        span: Some(member.span.name().to_owned()),
        at: Some(member.span.start()),
        ..nowhere(rule, kind, key, value)
    }
}

fn nowhere(rule: &Rule, kind: EvidenceKind, key: &str, value: &str) -> Evidence {
    Evidence {
        rule: rule.id.clone(),
        kind,
        trace_id: None,
        span_id: None,
        service: None,
        span: None,
        key: key.to_owned(),
        value: value.to_owned(),
        at: None,
    }
}
