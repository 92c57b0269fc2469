//! A rule on its way to a finding: what it says beyond the playbook's text, its evidence and how sure it is.

use super::finding::{Evidence, Finding};
use crate::{
    gather::facts::Facts,
    playbook::{Bindings, Confidence, Placeholder, Rule, Severity, Template, Verdict},
};

/// A rule that applies, not yet put into words.
#[derive(Debug)]
pub(crate) struct Draft<'p> {
    pub(crate) rule: &'p Rule,
    /// Whether it may be the verdict (or only a finding beside it).
    pub(crate) decides: bool,
    bindings: Bindings,
    pub(super) evidence: Vec<Evidence>,
    /// It applies because spans are not there.
    pub(super) rests_on_absence: bool,
    root_cause: Option<&'p Template>,
    confidence: Option<(Confidence, String)>,
}

impl<'p> Draft<'p> {
    /// The rule with this id; `None` when the playbook does not have it.
    pub(super) fn of(facts: &Facts<'_, '_, 'p>, rule: &str) -> Option<Self> {
        let rule = facts.operation.playbook.rule(rule)?;
        Some(Self {
            rule,
            decides: true,
            bindings: Bindings::default(),
            evidence: Vec::new(),
            rests_on_absence: false,
            root_cause: rule.root_cause.as_ref(),
            confidence: None,
        })
    }

    /// Fills a placeholder with words of our own.
    pub(super) fn set(mut self, placeholder: Placeholder, text: impl Into<String>) -> Self {
        self.bindings.set(placeholder, text);
        self
    }

    /// Fills a placeholder with a text of a trace.
    pub(super) fn quote(mut self, placeholder: Placeholder, text: &str) -> Self {
        self.bindings.quote(placeholder, text);
        self
    }

    pub(super) fn with_bindings(mut self, more: &Bindings) -> Self {
        self.bindings = self.bindings.with(more);
        self
    }

    /// A finding that never decides.
    pub(super) fn finding_only(mut self) -> Self {
        self.decides = false;
        self
    }

    pub(super) fn with_root_cause(mut self, root_cause: Option<&'p Template>) -> Self {
        self.root_cause = root_cause.or(self.root_cause);
        self
    }

    pub(super) fn with_confidence(mut self, confidence: Confidence, reason: impl Into<String>) -> Self {
        self.confidence = Some((confidence, reason.into()));
        self
    }

    /// The finding in words; `known` are the placeholders that every rule may use.
    pub(crate) fn finding(&self, known: &Bindings) -> Finding {
        let bindings = known.clone().with(&self.bindings);
        let words =
            |template: Option<&Template>| template.map(|t| t.sentence(&bindings)).filter(|text| !text.is_empty());
        Finding {
            rule: self.rule.id.clone(),
            verdict: self.rule.verdict,
            severity: self.rule.severity,
            summary: self.rule.summary.sentence(&bindings),
            root_cause: words(self.root_cause),
            solution: words(self.rule.solution.as_ref()),
            evidence: self.evidence.clone(),
        }
    }

    /// How sure the rule is, with the reason when not highly.
    pub(crate) fn confidence(&self, known: &Bindings) -> (Confidence, Option<String>) {
        if let Some((confidence, reason)) = &self.confidence {
            return (*confidence, (*confidence != Confidence::High).then(|| reason.clone()));
        }
        let reason = self.rule.confidence_reason.as_ref().map(|t| t.fill(&known.clone().with(&self.bindings)));
        match self.rule.confidence {
            Confidence::High => (Confidence::High, None),
            level => (level, Some(reason.unwrap_or_else(|| "the evidence is indirect".to_owned()))),
        }
    }

    /// Whether it applies because spans are not there: a lost span may then have made it so.
    pub(crate) fn rests_on_absence(&self) -> bool {
        self.rests_on_absence
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.rule.verdict
    }

    pub(crate) fn severity(&self) -> Severity {
        self.rule.severity
    }
}
