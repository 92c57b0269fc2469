//! The conditions of the playbook's rules. Each file holds those of one subject; words, severities and thresholds are in
//! the playbook.

mod data;
mod ends;
mod services;
mod slow;
mod stuck;
mod traces;
mod workers;

use super::{
    Confidence, Evidence, EvidenceKind, Finding, Severity, Verdict, baseline::Baseline, case::Member, facts::Facts,
    world::World,
};
use crate::{
    playbook::{Attr, Fill, Rule, Template},
    trace::Time,
};

/// A rule that applies, not yet put into words.
#[derive(Debug)]
pub(super) struct Draft<'p> {
    pub(super) rule: &'p Rule,
    /// Whether it may be the verdict (or only a finding beside it).
    pub(super) decides: bool,
    fill: Fill,
    evidence: Vec<Evidence>,
    root_cause: Option<&'p Template>,
    confidence: Option<(Confidence, String)>,
}

impl<'p> Draft<'p> {
    /// The rule with this id; `None` when the playbook does not have it.
    fn of(facts: &Facts<'_, '_, 'p>, rule: &str) -> Option<Self> {
        let rule = facts.case.playbook.rule(rule)?;
        Some(Self {
            rule,
            decides: true,
            fill: Fill::default(),
            evidence: Vec::new(),
            root_cause: rule.root_cause.as_ref(),
            confidence: None,
        })
    }

    fn set(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.fill.set(key, value);
        self
    }

    fn words(mut self, more: &Fill) -> Self {
        self.fill = self.fill.with(more);
        self
    }

    /// A finding that never decides.
    fn aside(mut self) -> Self {
        self.decides = false;
        self
    }

    fn because(mut self, root_cause: Option<&'p Template>) -> Self {
        self.root_cause = root_cause.or(self.root_cause);
        self
    }

    fn sure(mut self, confidence: Confidence, reason: impl Into<String>) -> Self {
        self.confidence = Some((confidence, reason.into()));
        self
    }

    /// Proof by an attribute of a span, if the span has it.
    fn attribute(mut self, facts: &Facts<'_, '_, '_>, member: &Member<'_, '_>, attr: Attr) -> Self {
        let mut keys = facts.case.playbook.keys(attr).iter();
        let found = keys.find_map(|key| Some((key, member.span.attribute(key)?)));
        if let Some((key, value)) = found {
            self.evidence.push(at_span(self.rule, EvidenceKind::Attribute, member, key, &value.to_text()));
        }
        self
    }

    /// Proof by a span itself: its status, its duration.
    fn span(mut self, member: &Member<'_, '_>, key: &str, value: &str) -> Self {
        self.evidence.push(at_span(self.rule, EvidenceKind::Span, member, key, value));
        self
    }

    /// Proof by an event of a span.
    fn event(mut self, member: &Member<'_, '_>, key: &str, value: &str) -> Self {
        self.evidence.push(at_span(self.rule, EvidenceKind::Event, member, key, value));
        self
    }

    /// Proof by something that is not there, seen from the last span that is.
    fn absence(mut self, member: Option<&Member<'_, '_>>, key: &str, value: &str, at: Time) -> Self {
        let mut evidence = match member {
            Some(member) => at_span(self.rule, EvidenceKind::Absence, member, key, value),
            None => nowhere(self.rule, EvidenceKind::Absence, key, value),
        };
        evidence.at = Some(at);
        self.evidence.push(evidence);
        self
    }

    /// Proof by comparing what a span stands for; without a span (a gap) the comparison stands alone.
    fn comparison_at(mut self, member: Option<&Member<'_, '_>>, key: &str, value: &str) -> Self {
        let Some(member) = member else { return self.comparison(key, value) };
        self.evidence.push(at_span(self.rule, EvidenceKind::Comparison, member, key, value));
        self
    }

    /// Proof by comparing.
    fn comparison(mut self, key: &str, value: &str) -> Self {
        self.evidence.push(nowhere(self.rule, EvidenceKind::Comparison, key, value));
        self
    }

    /// The finding in words.
    pub(super) fn finding(&self, facts: &Facts<'_, '_, '_>) -> Finding {
        let fill = facts.fill.clone().with(&self.fill);
        let words =
            |template: Option<&Template>| template.map(|t| capitalised(&t.fill(&fill))).filter(|text| !text.is_empty());
        Finding {
            rule: self.rule.id.clone(),
            verdict: self.rule.verdict,
            severity: self.rule.severity,
            summary: capitalised(&self.rule.summary.fill(&fill)),
            root_cause: words(self.root_cause),
            solution: words(self.rule.solution.as_ref()),
            evidence: self.evidence.clone(),
        }
    }

    /// How sure the rule is, with the reason when not highly.
    pub(super) fn confidence(&self, facts: &Facts<'_, '_, '_>) -> (Confidence, Option<String>) {
        if let Some((confidence, reason)) = &self.confidence {
            return (*confidence, (*confidence != Confidence::High).then(|| reason.clone()));
        }
        let reason = self.rule.confidence_reason.as_ref().map(|t| t.fill(&facts.fill.clone().with(&self.fill)));
        match self.rule.confidence {
            Confidence::High => (Confidence::High, None),
            level => (level, Some(reason.unwrap_or_else(|| "the evidence is indirect".to_owned()))),
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        self.rule.verdict
    }

    pub(super) fn severity(&self) -> Severity {
        self.rule.severity
    }
}

/// A sentence may begin with a word that was filled in.
fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
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

/// All rules that apply.
pub(super) fn apply<'p>(
    facts: &Facts<'_, '_, 'p>,
    world: &World<'_, 'p>,
    baseline: Option<&Baseline<'_>>,
) -> Vec<Draft<'p>> {
    let mut drafts = Vec::new();
    workers::apply(facts, &mut drafts);
    services::apply(facts, world, &mut drafts);
    stuck::apply(facts, world, baseline.map(|baseline| baseline.duration), &mut drafts);
    slow::apply(facts, baseline, &mut drafts);
    data::apply(facts, &mut drafts);
    traces::apply(facts, &mut drafts);
    ends::apply(facts, &mut drafts);
    drafts
}

/// Whether the operation still goes on as far as the traces tell.
fn is_open(facts: &Facts<'_, '_, '_>) -> bool {
    use super::OperationStatus::{Pending, Running};
    facts.case.id.is_some() && matches!(facts.status, Running | Pending)
}
