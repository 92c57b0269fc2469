//! The conditions of the playbook's rules. Each file holds those of one subject; words, severities and thresholds are in
//! the playbook.

mod data;
mod ends;
mod proof;
mod services;
mod slow;
mod stuck;
mod traces;
mod workers;

use super::{Confidence, Evidence, Finding, Severity, Verdict, baseline::Baseline, facts::Facts, world::World};
use crate::playbook::{Fill, Placeholder, Rule, Template};

/// A rule that applies, not yet put into words.
#[derive(Debug)]
pub(super) struct Draft<'p> {
    pub(super) rule: &'p Rule,
    /// Whether it may be the verdict (or only a finding beside it).
    pub(super) decides: bool,
    fill: Fill,
    evidence: Vec<Evidence>,
    /// It applies because spans are not there.
    rests_on_absence: bool,
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
            rests_on_absence: false,
            root_cause: rule.root_cause.as_ref(),
            confidence: None,
        })
    }

    /// Fills a placeholder with words of our own.
    fn set(mut self, placeholder: Placeholder, text: impl Into<String>) -> Self {
        self.fill.set(placeholder, text);
        self
    }

    /// Fills a placeholder with a text of a trace.
    fn quote(mut self, placeholder: Placeholder, text: &str) -> Self {
        self.fill.quote(placeholder, text);
        self
    }

    fn with_fill(mut self, more: &Fill) -> Self {
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

    /// The finding in words.
    pub(super) fn finding(&self, facts: &Facts<'_, '_, '_>) -> Finding {
        let fill = facts.fill.clone().with(&self.fill);
        let words = |template: Option<&Template>| template.map(|t| t.sentence(&fill)).filter(|text| !text.is_empty());
        Finding {
            rule: self.rule.id.clone(),
            verdict: self.rule.verdict,
            severity: self.rule.severity,
            summary: self.rule.summary.sentence(&fill),
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

    /// Whether it applies because spans are not there: a lost span may then have made it so.
    pub(super) fn rests_on_absence(&self) -> bool {
        self.rests_on_absence
    }

    pub(super) fn verdict(&self) -> Verdict {
        self.rule.verdict
    }

    pub(super) fn severity(&self) -> Severity {
        self.rule.severity
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
