//! The tables of a playbook text. Every field may be left out, so that the same types read a whole playbook and an
//! overlay; [`super::compile`] says what is missing after both are laid together.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    values::{AttributeMatch, Duration, Glob, Pattern, SpanKindName},
    verdict::{Confidence, Verdict},
};

/// The source of a template, with its place in the playbook's text.
pub(super) type Text = toml::Spanned<String>;

/// Declares a table with an id: its fields, optional, and how another table with the same id is laid over it.
macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident { $($field:ident : $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct $name {
            pub(super) id: String,
            pub(super) enabled: Option<bool>,
            $(pub(super) $field: Option<$type>,)*
        }

        impl Table for $name {
            fn id(&self) -> &str {
                &self.id
            }
            fn is_enabled(&self) -> bool {
                self.enabled.unwrap_or(true)
            }
            fn lay(&mut self, over: Self) {
                if over.enabled.is_some() {
                    self.enabled = over.enabled;
                }
                $(if over.$field.is_some() {
                    self.$field = over.$field;
                })*
            }
        }
    )*};
}

/// Like [`tables`], with the words that every rule has.
macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident { $($field:ident : $type:ty),* $(,)? })*) => {
        tables! {$(
            $(#[$doc])*
            $name {
                doc: String,
                verdict: Verdict,
                severity: u8,
                confidence: Level,
                confidence_reason: Text,
                summary: Text,
                root_cause: Text,
                solution: Text,
                $($field: $type,)*
            }
        )*}
        $(impl $name {
            pub(super) fn words(&self) -> Words<'_> {
                Words {
                    id: &self.id,
                    doc: self.doc.as_deref(),
                    verdict: self.verdict,
                    severity: self.severity,
                    confidence: self.confidence,
                    confidence_reason: self.confidence_reason.as_ref(),
                    summary: self.summary.as_ref(),
                    root_cause: self.root_cause.as_ref(),
                    solution: self.solution.as_ref(),
                }
            }
        })*
    };
}

/// The fields that every rule has, borrowed from its table.
pub(super) struct Words<'t> {
    pub(super) id: &'t str,
    pub(super) doc: Option<&'t str>,
    pub(super) verdict: Option<Verdict>,
    pub(super) severity: Option<u8>,
    pub(super) confidence: Option<Level>,
    pub(super) confidence_reason: Option<&'t Text>,
    pub(super) summary: Option<&'t Text>,
    pub(super) root_cause: Option<&'t Text>,
    pub(super) solution: Option<&'t Text>,
}

impl<'t> Words<'t> {
    fn texts(&self) -> impl Iterator<Item = &'t Text> + use<'t> {
        [self.summary, self.root_cause, self.solution, self.confidence_reason].into_iter().flatten()
    }
}

/// A table that can be laid over another with the same id.
pub(super) trait Table {
    fn id(&self) -> &str;
    fn is_enabled(&self) -> bool;
    fn lay(&mut self, over: Self);
}

/// Confidence as it is written in a playbook.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Low,
    Medium,
    High,
}

impl From<Level> for Confidence {
    fn from(level: Level) -> Self {
        match level {
            Level::Low => Self::Low,
            Level::Medium => Self::Medium,
            Level::High => Self::High,
        }
    }
}

/// A whole text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tables {
    pub(super) extends: Option<String>,
    pub(super) name: Option<String>,
    pub(super) version: Option<u32>,
    pub(super) vague_classes: Vec<String>,
    pub(super) attributes: BTreeMap<String, Vec<String>>,
    pub(super) words: BTreeMap<String, Vec<String>>,
    pub(super) spans: BTreeMap<String, Vec<Glob>>,
    pub(super) discovery: Discovery,
    pub(super) operation: OperationTable,
    pub(super) worker: WorkerTable,
    pub(super) route: Vec<RouteTable>,
    pub(super) phase: Vec<PhaseTable>,
    pub(super) silence: Vec<SilenceTable>,
    pub(super) cancellation: Vec<CancellationTable>,
    pub(super) thresholds: Thresholds,
    pub(super) verdicts: Verdicts,
    pub(super) rule: Vec<RuleTable>,
    pub(super) step: Vec<StepTable>,
    pub(super) service: Vec<ServiceTable>,
    pub(super) correlation: Vec<CorrelationTable>,
    pub(super) error: Vec<ErrorTable>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Discovery {
    pub(super) sample: Option<usize>,
    pub(super) spans: Vec<String>,
    pub(super) secondary: Vec<String>,
    pub(super) mentions: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OperationTable {
    pub(super) source: Option<OperationSource>,
    pub(super) most_types: Option<usize>,
    pub(super) other_type: Option<String>,
    pub(super) id_pattern: Option<Pattern>,
    pub(super) id_time: Option<String>,
    pub(super) comparable_by: Option<Vec<String>>,
    pub(super) stored_attributes: Option<Vec<Glob>>,
    pub(super) called_directly: Option<Vec<Glob>>,
    pub(super) error_words: Option<Vec<String>>,
    pub(super) types: Vec<String>,
    pub(super) aliases: BTreeMap<String, String>,
    pub(super) states: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WorkerTable {
    pub(super) accepted: Option<Vec<String>>,
    pub(super) busy: Option<Vec<i64>>,
    pub(super) name: Option<String>,
    pub(super) local_name: Option<String>,
    pub(super) statuses: BTreeMap<String, String>,
    pub(super) types: BTreeMap<String, String>,
    pub(super) containers: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Thresholds {
    pub(super) export_delay: Option<Duration>,
    pub(super) worker_lost_after: Option<Duration>,
    pub(super) health_gap: Option<Duration>,
    pub(super) pending_for: Option<Duration>,
    pub(super) progress_frozen: Option<Duration>,
    pub(super) slow_factor: Option<f64>,
    pub(super) slow_excess: Option<Duration>,
    pub(super) silence_factor: Option<f64>,
    pub(super) correlation_window: Option<Duration>,
    pub(super) chatty_calls: Option<usize>,
    pub(super) chatty_spread: Option<u32>,
    pub(super) chatty_alike_percent: Option<usize>,
    pub(super) chatty_overlap_percent: Option<usize>,
    pub(super) failing_calls: Option<usize>,
    pub(super) timed_out_polls: Option<usize>,
    pub(super) health_checks: Option<usize>,
    pub(super) baseline_min_operations: Option<usize>,
    pub(super) baseline_max_operations: Option<usize>,
    pub(super) baseline_window: Option<Duration>,
    pub(super) lookback: Option<Duration>,
    pub(super) clock_skew: Option<Duration>,
    pub(super) start_window: Option<Duration>,
    pub(super) context_window: Option<Duration>,
    pub(super) poll_window: Option<Duration>,
    pub(super) id_margin: Option<Duration>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Verdicts {
    pub(super) precedence: Option<Vec<Verdict>>,
}

/// Where operations come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationSource {
    /// Spans that carry an operation's id, and start requests.
    #[default]
    Ids,
    /// Beside those, every root span with what is below it.
    RootRequests,
}

/// What a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteRole {
    /// Starts an operation, asked of the backend.
    Start,
    /// Hands the work to a worker.
    WorkStart,
    /// Resumes an operation.
    Resume,
    /// Cancels an operation.
    Cancel,
    /// Reports a state to the backend from outside.
    StatusUpdate,
    /// Asks how an operation stands.
    Poll,
    /// Asks whether a service lives.
    Health,
    /// Says nothing about operations.
    Noise,
}

tables! {
    /// An HTTP route.
    RouteTable { role: RouteRole, method: String, path: Glob, r#type: String }
    /// A name for a gap.
    PhaseTable {
        types: Vec<String>, after: Glob, before: Glob, after_kind: SpanKindName, before_kind: SpanKindName, name: String,
    }
    /// An allowed silence.
    SilenceTable { r#type: Glob, after: Glob, allowed: Duration }
    /// Who cancelled, by the reason that was written down.
    CancellationTable { doc: String, reason: Pattern, rule: String }
    /// A failing span elsewhere that explains a missing answer.
    CorrelationTable { doc: String, span: Glob, waiting_on: String, explains: String, host: String, port: String }
}

rules! {
    /// A rule whose condition is code.
    RuleTable {
        ports: Vec<u16>, hosts: Vec<Glob>, ignore: Vec<Glob>, general: bool, hidden_beside: Vec<Verdict>,
    }
    /// A step with a threshold of its own.
    StepTable {
        spans: Vec<Glob>, phases: Vec<String>, types: Vec<String>, milliseconds: Vec<String>, over: Duration, share: f64,
        unless_ports: Vec<u16>, unless_hosts: Vec<Glob>, unless_attribute: AttributeMatch,
        certain_attribute: AttributeMatch,
    }
    /// A service, and the words for when it does not answer.
    ServiceTable {
        name: String, names: Vec<Glob>, routes: Vec<Glob>, ports: Vec<u16>, hosts: Vec<Glob>,
        preferred: bool, root_cause_timeout: Text,
    }
    /// An error class.
    ErrorTable {
        wrapper: bool, classes: Vec<String>, messages: Vec<Pattern>, causes: Vec<Pattern>, error_type: String,
        rule: String, unreachable: bool, timeout: bool, lost_worker: bool,
    }
}

impl Tables {
    /// All templates.
    pub(super) fn texts(&self) -> impl Iterator<Item = &Text> {
        let words = self.rule.iter().map(RuleTable::words).chain(self.step.iter().map(StepTable::words));
        let words = words.chain(self.service.iter().map(ServiceTable::words));
        let words = words.chain(self.error.iter().map(ErrorTable::words));
        words.flat_map(|words| words.texts()).chain(self.service.iter().filter_map(|s| s.root_cause_timeout.as_ref()))
    }

    /// Names of the placeholders that errors' messages fill.
    pub(super) fn groups(&self) -> impl Iterator<Item = &str> {
        let patterns = self.error.iter().flat_map(|error| error.messages.iter().flatten());
        patterns.flat_map(|pattern| pattern.0.capture_names().flatten())
    }

    /// Lays another text over this one.
    pub(super) fn lay(&mut self, over: Self) {
        set(&mut self.name, over.name);
        set(&mut self.version, over.version);
        self.vague_classes.extend(over.vague_classes);
        join_maps(&mut self.attributes, over.attributes);
        join_maps(&mut self.words, over.words);
        join_maps(&mut self.spans, over.spans);
        set(&mut self.discovery.sample, over.discovery.sample);
        self.discovery.spans.extend(over.discovery.spans);
        self.discovery.secondary.extend(over.discovery.secondary);
        self.discovery.mentions.extend(over.discovery.mentions);
        set(&mut self.operation.source, over.operation.source);
        set(&mut self.operation.most_types, over.operation.most_types);
        set(&mut self.operation.other_type, over.operation.other_type);
        set(&mut self.operation.id_pattern, over.operation.id_pattern);
        set(&mut self.operation.id_time, over.operation.id_time);
        set(&mut self.operation.comparable_by, over.operation.comparable_by);
        set(&mut self.operation.stored_attributes, over.operation.stored_attributes);
        set(&mut self.operation.called_directly, over.operation.called_directly);
        set(&mut self.operation.error_words, over.operation.error_words);
        self.operation.types.extend(over.operation.types);
        self.operation.aliases.extend(over.operation.aliases);
        self.operation.states.extend(over.operation.states);
        self.worker.lay(over.worker);
        set(&mut self.verdicts.precedence, over.verdicts.precedence);
        self.thresholds.lay(&over.thresholds);
        lay_all(&mut self.route, over.route);
        lay_all(&mut self.phase, over.phase);
        lay_all(&mut self.silence, over.silence);
        lay_all(&mut self.cancellation, over.cancellation);
        lay_all(&mut self.rule, over.rule);
        lay_all(&mut self.step, over.step);
        lay_all(&mut self.service, over.service);
        lay_all(&mut self.correlation, over.correlation);
        lay_all(&mut self.error, over.error);
    }

    /// Completes a text that stands alone: what belongs to the conditions in code and not to a system is that of `base`
    /// where the text leaves it out.
    pub(super) fn complete(&mut self, base: &Self) {
        let mut thresholds = base.thresholds.clone();
        thresholds.lay(&self.thresholds);
        self.thresholds = thresholds;
        let worker = base.worker.clone();
        let own = std::mem::take(&mut self.worker);
        self.worker =
            WorkerTable { statuses: BTreeMap::new(), types: BTreeMap::new(), containers: BTreeMap::new(), ..worker };
        self.worker.lay(own);
        for rule in &mut self.rule {
            if let Some(known) = base.rule.iter().find(|known| known.id == rule.id) {
                rule.general = rule.general.or(known.general);
                rule.hidden_beside = rule.hidden_beside.take().or_else(|| known.hidden_beside.clone());
            }
        }
    }
}

impl WorkerTable {
    fn lay(&mut self, over: Self) {
        set(&mut self.accepted, over.accepted);
        set(&mut self.busy, over.busy);
        set(&mut self.name, over.name);
        set(&mut self.local_name, over.local_name);
        self.statuses.extend(over.statuses);
        self.types.extend(over.types);
        self.containers.extend(over.containers);
    }
}

impl Thresholds {
    fn lay(&mut self, over: &Self) {
        set(&mut self.export_delay, over.export_delay);
        set(&mut self.worker_lost_after, over.worker_lost_after);
        set(&mut self.health_gap, over.health_gap);
        set(&mut self.pending_for, over.pending_for);
        set(&mut self.progress_frozen, over.progress_frozen);
        set(&mut self.slow_factor, over.slow_factor);
        set(&mut self.slow_excess, over.slow_excess);
        set(&mut self.silence_factor, over.silence_factor);
        set(&mut self.correlation_window, over.correlation_window);
        set(&mut self.chatty_calls, over.chatty_calls);
        set(&mut self.chatty_spread, over.chatty_spread);
        set(&mut self.chatty_alike_percent, over.chatty_alike_percent);
        set(&mut self.chatty_overlap_percent, over.chatty_overlap_percent);
        set(&mut self.failing_calls, over.failing_calls);
        set(&mut self.timed_out_polls, over.timed_out_polls);
        set(&mut self.health_checks, over.health_checks);
        set(&mut self.baseline_min_operations, over.baseline_min_operations);
        set(&mut self.baseline_max_operations, over.baseline_max_operations);
        set(&mut self.baseline_window, over.baseline_window);
        set(&mut self.lookback, over.lookback);
        set(&mut self.clock_skew, over.clock_skew);
        set(&mut self.start_window, over.start_window);
        set(&mut self.context_window, over.context_window);
        set(&mut self.poll_window, over.poll_window);
        set(&mut self.id_margin, over.id_margin);
    }
}

fn set<T>(to: &mut Option<T>, over: Option<T>) {
    if over.is_some() {
        *to = over;
    }
}

/// Words of an overlay come first, so that they count before the embedded ones.
fn join_maps<T>(to: &mut BTreeMap<String, Vec<T>>, over: BTreeMap<String, Vec<T>>) {
    for (key, mut words) in over {
        let known = to.entry(key).or_default();
        words.append(known);
        *known = words;
    }
}

/// Tables with a known id are laid over it, new ones come first: an overlay's rows are tried before the embedded ones.
fn lay_all<T: Table>(to: &mut Vec<T>, over: Vec<T>) {
    let mut new = Vec::new();
    for table in over {
        match to.iter_mut().chain(&mut new).find(|known| known.id() == table.id()) {
            Some(known) => known.lay(table),
            None => new.push(table),
        }
    }
    new.append(to);
    *to = new;
}
