//! The playbook: domain knowledge as data.
//!
//! The embedded text `ktrdr.toml` knows KTRDR. A text of the user's is laid over it by rule id, or stands alone with
//! `extends = "none"`: that is how a system other than KTRDR is diagnosed.

mod compile;
mod load;
mod mistakes;
mod placeholders;
mod roles;
pub mod rule_ids;
mod rules;
pub(crate) mod similar;
mod tables;
mod template;
#[cfg(test)]
mod tests;
mod unreachable;
mod values;
mod verdict;

use std::{borrow::Cow, collections::BTreeMap};

use hashbrown::HashMap;

pub use placeholders::{Bindings, Placeholder, first_line};
pub use roles::{Attr, SpanRole};
pub use rules::{
    Cancellation, Correlation, Effect, ErrorClass, Phase, Route, Rule, Service, Silence, Step, Thresholds, Word,
    Workers,
};
pub use tables::{OperationSource, RouteRole};
pub use template::{Template, TemplateError};
pub use values::{AttributeMatch, Duration, DurationError, Glob, Pattern, SpanKindName, any_fits};
pub use verdict::{Confidence, Severity, State, Verdict, WorkerStatus};

use trace::{SpanKind, Time};

const KTRDR: &str = include_str!("ktrdr.toml");
const GENERIC: &str = include_str!("generic.toml");

/// All rules and vocabularies, ready to use.
#[derive(Clone, Debug)]
pub struct Playbook {
    name: String,
    extends: Option<Embedded>,
    overlay: String,
    attributes: HashMap<Attr, Vec<String>>,
    words: Vec<Word>,
    spans: Vec<(SpanRole, Vec<Glob>)>,
    sample: Option<usize>,
    discovery_spans: Vec<String>,
    primary_discovery_spans: Vec<String>,
    context_spans: Vec<String>,
    mentions: BTreeMap<String, String>,
    operation: OperationTable,
    workers: Workers,
    routes: Vec<Route>,
    phases: Vec<Phase>,
    silences: Vec<Silence>,
    cancellations: Vec<Cancellation>,
    thresholds: Thresholds,
    precedence: Vec<Verdict>,
    rules: Vec<Rule>,
    by_id: HashMap<String, usize>,
    steps: Vec<Step>,
    services: Vec<Service>,
    correlations: Vec<Correlation>,
    errors: Vec<ErrorClass>,
    vague_classes: Vec<String>,
}

#[derive(Clone, Debug)]
struct OperationTable {
    source: OperationSource,
    most_types: usize,
    other_type: String,
    pattern: Option<regex::Regex>,
    time: String,
    comparable_by: Vec<String>,
    stored_attributes: Vec<Glob>,
    called_directly: Vec<Glob>,
    types: Vec<String>,
    aliases: BTreeMap<String, String>,
    /// By the word in lower case.
    states: BTreeMap<String, State>,
}

/// A playbook that is part of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedded {
    /// For KTRDR.
    Ktrdr,
    /// For any system.
    Generic,
}

impl Embedded {
    /// All of them, the default first.
    pub const ALL: [Self; 2] = [Self::Ktrdr, Self::Generic];

    /// Its name in settings and in `extends`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ktrdr => "ktrdr",
            Self::Generic => "generic",
        }
    }

    /// Reads a name, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|embedded| embedded.name().eq_ignore_ascii_case(text.trim()))
    }

    /// Its text.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Ktrdr => KTRDR,
            Self::Generic => GENERIC,
        }
    }
}

/// A playbook text that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct PlaybookError {
    /// Line of the text, from 1.
    pub line: usize,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl Playbook {
    /// The embedded playbook for KTRDR.
    #[must_use]
    pub fn ktrdr() -> Self {
        // A test holds the embedded text to be sound, so the empty playbook never appears.
        Self::with_overlay("").unwrap_or_else(|_| compile::empty())
    }

    /// The embedded playbook for any system: every root request is an operation.
    #[must_use]
    pub fn generic() -> Self {
        Self::with_overlay("extends = \"generic\"").unwrap_or_else(|_| compile::empty())
    }

    /// The playbook that `extends` names, that for KTRDR by default, with `overlay` laid on it by rule id; with
    /// `extends = "none"`, `overlay` alone.
    ///
    /// # Errors
    /// Every mistake found, with its line.
    pub fn with_overlay(overlay: &str) -> Result<Self, Vec<PlaybookError>> {
        load::load(overlay)
    }

    /// What can never apply in a text that [`Self::with_overlay`] takes: rows behind others, rules that nothing uses,
    /// references to nothing; each with its line.
    ///
    /// # Errors
    /// Every mistake of a text that cannot be used.
    pub fn unreachable(overlay: &str) -> Result<Vec<PlaybookError>, Vec<PlaybookError>> {
        let playbook = Self::with_overlay(overlay)?;
        Ok(unreachable::find(overlay, &load::parse(overlay)?, &playbook))
    }

    /// A playbook from a setting: the name of an embedded one, else a text for [`Self::with_overlay`].
    ///
    /// # Errors
    /// Every mistake found in a text, with its line.
    pub fn from_setting(setting: &str) -> Result<Self, Vec<PlaybookError>> {
        match Embedded::parse(setting) {
            Some(Embedded::Ktrdr) => Ok(Self::ktrdr()),
            Some(Embedded::Generic) => Ok(Self::generic()),
            None => Self::with_overlay(setting),
        }
    }

    /// The text of the embedded playbook for KTRDR.
    #[must_use]
    pub fn ktrdr_text() -> &'static str {
        Embedded::Ktrdr.text()
    }

    /// The embedded playbook that it is, or is laid over; `None` for one that stands alone.
    #[must_use]
    pub fn extends(&self) -> Option<Embedded> {
        self.extends
    }

    /// The texts that it was made from, without comments and with sorted keys: equal for playbooks that say the same.
    #[must_use]
    pub fn normalized_text(&self) -> String {
        load::normalized(self.extends, &self.overlay)
    }

    /// What system it is about.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where operations come from.
    #[must_use]
    pub fn operation_source(&self) -> OperationSource {
        self.operation.source
    }

    /// How many types of root requests are distinguished; all others have the second value as type.
    #[must_use]
    pub fn most_types(&self) -> (usize, &str) {
        (self.operation.most_types, &self.operation.other_type)
    }

    /// How many traces of a time range are read where operations are not found by the names of spans.
    #[must_use]
    pub fn sample(&self) -> Option<usize> {
        self.sample
    }

    /// Names of the spans by which operations are found in Jaeger; searched per service.
    #[must_use]
    pub fn discovery_spans(&self) -> &[String] {
        &self.discovery_spans
    }

    /// Those of [`Playbook::discovery_spans`] that find every operation: the others find the same operations again.
    #[must_use]
    pub fn primary_discovery_spans(&self) -> &[String] {
        &self.primary_discovery_spans
    }

    /// Names of spans in other traces that may explain an operation of the same time.
    #[must_use]
    pub fn context_spans(&self) -> &[String] {
        &self.context_spans
    }

    /// Keys of attributes that carry an operation's id.
    #[must_use]
    pub fn operation_id_keys(&self) -> &[String] {
        self.keys(Attr::OperationId)
    }

    /// Attributes (key, value) whose spans show that somebody asked for the operation, though they do not carry its id.
    #[must_use]
    pub fn mentions(&self, operation_id: &str) -> Vec<(String, String)> {
        self.mentions.iter().map(|(key, value)| (key.clone(), value.replace("{id}", operation_id))).collect()
    }

    /// Whether an operation's id may look like this: no form of ids is known, or it is of that form.
    #[must_use]
    pub fn may_be_operation_id(&self, text: &str) -> bool {
        self.operation.pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
    }

    /// The time written in an operation id, if its form is known and carries one.
    #[must_use]
    pub fn time_in_id(&self, operation_id: &str) -> Option<Time> {
        let found = self.operation.pattern.as_ref()?.captures(operation_id)?;
        let time = chrono::NaiveDateTime::parse_from_str(found.name("time")?.as_str(), &self.operation.time).ok()?;
        Some(Time(time.and_utc().timestamp_micros()))
    }

    /// The type written in an operation id, if its form is known.
    #[must_use]
    pub fn type_in_id(&self, operation_id: &str) -> Option<String> {
        let found = self.operation.pattern.as_ref()?.captures(operation_id)?;
        let written = found.name("type")?.as_str();
        // A prefix before the type is allowed: op_<prefix>_<type>_…
        let known = |name: &str| self.operation.types.iter().any(|t| t == name);
        let suffix = self.operation.types.iter().find(|t| written.ends_with(&format!("_{t}")));
        let name = if known(written) { written } else { suffix.map_or(written, String::as_str) };
        Some(self.fold_type(name))
    }

    /// A type in its one spelling: lower case, the playbook's aliases folded.
    #[must_use]
    pub fn fold_type(&self, written: &str) -> String {
        let lower = written.trim().to_lowercase();
        self.operation.aliases.get(&lower).cloned().unwrap_or(lower)
    }

    /// The state that a word means: one of the playbook's own words, or a state's name. `None` for a word that nobody knows.
    #[must_use]
    pub fn state(&self, word: &str) -> Option<State> {
        self.operation.states.get(&word.trim().to_lowercase()).copied().or_else(|| State::parse(word))
    }

    /// Operation types it knows, for suggestions.
    #[must_use]
    pub fn operation_types(&self) -> Vec<String> {
        self.operation.types.clone()
    }

    /// Keys of the attributes whose values must be equal for two operations to be compared.
    #[must_use]
    pub fn comparable_by(&self) -> &[String] {
        &self.operation.comparable_by
    }

    /// The keys that carry a meaning, the first that is present counts.
    #[must_use]
    pub fn keys(&self, attr: Attr) -> &[String] {
        self.attributes.get(&attr).map_or(&[], Vec::as_slice)
    }

    /// Words of the system that texts may use as placeholders.
    #[must_use]
    pub fn words(&self) -> &[Word] {
        &self.words
    }

    /// What worker selections and dispatches say, and who does the work.
    #[must_use]
    pub fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Whether an attribute of this key is kept with a stored operation, so that it can be filtered by.
    #[must_use]
    pub fn is_stored_attribute(&self, key: &str) -> bool {
        any_fits(&self.operation.stored_attributes, key)
    }

    /// Whether an operation with this id was requested from a worker itself, so that its first span has no caller.
    #[must_use]
    pub fn is_called_directly(&self, operation_id: &str) -> bool {
        any_fits(&self.operation.called_directly, operation_id)
    }

    /// Whether some spans play this part.
    #[must_use]
    pub fn has_span_role(&self, role: SpanRole) -> bool {
        self.spans.iter().any(|(known, globs)| *known == role && !globs.is_empty())
    }

    /// The parts that a span of this name plays.
    pub fn span_roles(&self, name: &str) -> impl Iterator<Item = SpanRole> {
        self.spans.iter().filter(move |(_, globs)| any_fits(globs, name)).map(|(role, _)| *role)
    }

    /// The route of a request, if it is known.
    #[must_use]
    pub fn route(&self, method: &str, path: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.method.eq_ignore_ascii_case(method) && route.path.fits(path))
    }

    /// The known routes, in the order in which they are tried.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The names of gaps, in the order in which they are tried.
    #[must_use]
    pub fn phases(&self) -> &[Phase] {
        &self.phases
    }

    /// Who cancelled, by the reason; in the order in which they are tried.
    #[must_use]
    pub fn cancellations(&self) -> &[Cancellation] {
        &self.cancellations
    }

    /// The name of a gap between two spans, each with its kind.
    #[must_use]
    pub fn phase(
        &self,
        operation_type: &str,
        after: Option<(&str, SpanKind)>,
        before: Option<(&str, SpanKind)>,
    ) -> Option<&str> {
        let side = |glob: &Option<Glob>, kind: Option<SpanKind>, span: Option<(&str, SpanKind)>| {
            glob.as_ref().is_none_or(|glob| span.is_some_and(|(name, _)| glob.fits(name)))
                && kind.is_none_or(|kind| span.is_some_and(|(_, of_span)| of_span == kind))
        };
        let fits = |phase: &&Phase| {
            (phase.types.is_empty() || phase.types.iter().any(|t| t == operation_type))
                && side(&phase.after, phase.after_kind, after)
                && side(&phase.before, phase.before_kind, before)
        };
        self.phases.iter().find(fits).map(|phase| phase.name.as_str())
    }

    /// How long an operation may be silent after its last named span.
    #[must_use]
    pub fn silence(&self, operation_type: &str, after: Option<&str>) -> Option<&Silence> {
        self.silences.iter().find(|silence| {
            silence.operation_type.fits(operation_type)
                && silence.after.as_ref().is_none_or(|glob| after.is_some_and(|name| glob.fits(name)))
        })
    }

    /// The rule for an operation that was cancelled for this reason; `None` when no pattern fits.
    #[must_use]
    pub fn cancellation_rule(&self, reason: &str) -> Option<&str> {
        let found = self.cancellations.iter().find(|cancellation| cancellation.reason.is_match(reason));
        found.map(|cancellation| cancellation.rule.as_str())
    }

    /// Numbers that rules compare with.
    #[must_use]
    pub fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// Where a verdict stands in the order of precedence; lower wins.
    #[must_use]
    pub fn precedence(&self, verdict: Verdict) -> usize {
        self.precedence.iter().position(|v| *v == verdict).unwrap_or(usize::MAX)
    }

    /// A rule by id; `None` when the playbook does not have it or it is disabled.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.by_id.get(id).and_then(|ix| self.rules.get(*ix))
    }

    /// All rules.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Steps with a threshold of their own.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Known services.
    #[must_use]
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Failing spans that explain missing answers.
    #[must_use]
    pub fn correlations(&self) -> &[Correlation] {
        &self.correlations
    }

    /// Known classes of errors.
    #[must_use]
    pub fn errors(&self) -> &[ErrorClass] {
        &self.errors
    }

    /// Whether a class says nothing: every error of a library or language has it.
    #[must_use]
    pub fn is_vague(&self, class: &str) -> bool {
        self.vague_classes.iter().any(|vague| vague == class)
    }

    /// What processes of one kind have in common: the rule of the known service with this name in traces, else the name
    /// itself. Workers have a new name after every start.
    #[must_use]
    pub fn service_kind<'s>(&'s self, name: &'s str) -> &'s str {
        self.services.iter().find(|s| any_fits(&s.names, name)).map_or(name, |service| service.rule.as_str())
    }

    /// The name that a service keeps over restarts: the pattern of the known service that fits its name in traces, as
    /// `ktrdr-training-worker-*`, else the name itself.
    #[must_use]
    pub fn service_pattern<'s>(&self, name: &'s str) -> Cow<'s, str> {
        let fitting = self.services.iter().flat_map(|service| &service.names).find(|pattern| pattern.fits(name));
        let pattern = fitting.map(ToString::to_string).filter(|pattern| pattern != name);
        pattern.map_or(Cow::Borrowed(name), Cow::Owned)
    }

    /// The service behind an address: by route first, then by the name of its host or of itself, then by port.
    #[must_use]
    pub fn service_at(&self, address: Address<'_>) -> Option<&Service> {
        let named = |s: &&Service| {
            address.host.is_some_and(|host| any_fits(&s.hosts, host))
                || address.peer.is_some_and(|peer| any_fits(&s.names, peer) || any_fits(&s.hosts, peer))
        };
        let listens = |s: &&Service| address.port.is_some_and(|port| s.ports.contains(&port));
        let by_route = || self.services.iter().filter(|s| address.path.is_some_and(|path| any_fits(&s.routes, path)));
        // A route that several services share goes to the one at this address; without one, to the preferred one.
        by_route()
            .find(named)
            .or_else(|| by_route().find(listens))
            .or_else(|| by_route().find(|s| s.preferred))
            .or_else(|| by_route().next())
            .or_else(|| self.services.iter().find(named))
            .or_else(|| self.services.iter().find(listens))
    }
}

/// Where a request was sent, as far as it says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Address<'t> {
    /// Path of the URL.
    pub path: Option<&'t str>,
    /// Host without port.
    pub host: Option<&'t str>,
    /// Port.
    pub port: Option<u16>,
    /// Name of the service that was called.
    pub peer: Option<&'t str>,
}
