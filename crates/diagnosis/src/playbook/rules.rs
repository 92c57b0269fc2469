//! The rows of a playbook, checked and ready to use.

use std::collections::BTreeMap;

use super::{
    AttributeMatch, Glob, RouteRole, Template,
    verdict::{Confidence, Severity, Verdict, WorkerStatus},
};
use trace::{Micros, SpanKind};

/// An HTTP route and what it is for.
#[derive(Clone, Debug)]
pub struct Route {
    /// What it is for.
    pub role: RouteRole,
    /// `GET`, `POST` …
    pub method: String,
    /// Its path.
    pub path: Glob,
    /// The operation type that it starts.
    pub operation_type: Option<String>,
}

/// A name for a gap by the spans around it.
#[derive(Clone, Debug)]
pub struct Phase {
    /// Operation types it is for; empty means all.
    pub types: Vec<String>,
    /// The span before.
    pub after: Option<Glob>,
    /// The span behind.
    pub before: Option<Glob>,
    /// The kind of the span before.
    pub after_kind: Option<SpanKind>,
    /// The kind of the span behind.
    pub before_kind: Option<SpanKind>,
    /// The phase.
    pub name: String,
}

/// How long an operation may be silent.
#[derive(Clone, Debug)]
pub struct Silence {
    /// The rule's id.
    pub id: String,
    /// Its type.
    pub operation_type: Glob,
    /// Its last named span.
    pub after: Option<Glob>,
    /// That long.
    pub allowed: Micros,
}

/// Who cancelled an operation, by the reason that was written down.
#[derive(Clone, Debug)]
pub struct Cancellation {
    /// The reason, from its first character.
    pub reason: regex::Regex,
    /// Id of the rule that applies.
    pub rule: String,
}

/// A word of the system that texts may use as a placeholder, such as the symbol of a market.
#[derive(Clone, Debug)]
pub struct Word {
    /// Name of the placeholder.
    pub name: String,
    /// Keys of the attributes that carry it; the first that is present counts.
    pub keys: Vec<String>,
    /// Its attribute on the span of an error is evidence of the failure.
    pub proves_errors: bool,
}

/// What worker selections and dispatches say, and who does the work.
#[derive(Clone, Debug, Default)]
pub struct Workers {
    /// Words of a dispatch that mean that a worker took the work, in lower case.
    pub accepted: Vec<String>,
    /// HTTP status codes by which a worker says that it is busy.
    pub busy: Vec<i64>,
    /// What does the work, in a sentence.
    pub name: Option<String>,
    /// What does the work that is not handed to a worker.
    pub local_name: Option<String>,
    /// Words of a selection, in lower case.
    pub(super) statuses: BTreeMap<String, WorkerStatus>,
    /// The worker type that does an operation type.
    pub(super) types: BTreeMap<String, String>,
    /// A container by worker type.
    pub(super) containers: BTreeMap<String, String>,
}

impl Workers {
    /// The outcome that a word of a selection means: one of the playbook's own words, or an outcome's name.
    #[must_use]
    pub fn status(&self, word: &str) -> Option<WorkerStatus> {
        self.statuses.get(&word.trim().to_lowercase()).copied().or_else(|| WorkerStatus::parse(word))
    }

    /// Whether this word of a dispatch means that a worker took the work.
    #[must_use]
    pub fn is_accepted(&self, word: &str) -> bool {
        self.accepted.iter().any(|known| word.trim().eq_ignore_ascii_case(known))
    }

    /// The worker type that does an operation type.
    #[must_use]
    pub fn type_for(&self, operation_type: &str) -> Option<&str> {
        self.types.get(operation_type).map(String::as_str)
    }

    /// A container with a worker of this type.
    #[must_use]
    pub fn container(&self, worker_type: &str) -> Option<&str> {
        self.containers.get(worker_type).map(String::as_str)
    }
}

/// Numbers that rules compare with.
#[derive(Clone, Copy, Debug)]
pub struct Thresholds {
    /// How long spans may be on their way.
    pub export_delay: Micros,
    /// Allowed silence once the worker was seen gone.
    pub worker_lost_after: Micros,
    /// A pause of health checks that means they have ended.
    pub health_gap: Micros,
    /// How long an operation may be registered without being started.
    pub pending_for: Micros,
    /// How long progress may stand still while its span goes on.
    pub progress_frozen: Micros,
    /// Slower than this many baselines is slow …
    pub slow_factor: f64,
    /// … when it is also by this much slower.
    pub slow_excess: Micros,
    /// Silence of this many baselines is too long.
    pub silence_factor: f64,
    /// How far away in time a failing request elsewhere may be.
    pub correlation_window: Micros,
    /// How many similar calls in a row are fine.
    pub chatty_calls: usize,
    /// Similar calls are at most so many times as long as their median, or as much shorter.
    pub chatty_spread: u32,
    /// At least so many per cent of similar calls are alike in this sense.
    pub chatty_alike_percent: usize,
    /// At most so many per cent of similar calls overlap the one before.
    pub chatty_overlap_percent: usize,
    /// So many calls of a service without an answer, and none with one, are a service that does not answer.
    pub failing_calls: usize,
    /// So many polls in a row that time out are a worker that is gone.
    pub timed_out_polls: usize,
    /// So many health checks make a habit whose end means something.
    pub health_checks: usize,
    /// Fewer comparable operations than this are not a baseline.
    pub baseline_min_operations: usize,
    /// Of more comparable operations than this only the newest count.
    pub baseline_max_operations: usize,
    /// How far back operations are compared, unless a setting overrides it.
    pub baseline_window: Micros,
    /// How far before a time range operations that still run are searched for, unless a setting overrides it.
    pub lookback: Micros,
    /// How far the clocks of two machines may differ.
    pub clock_skew: Micros,
    /// How far from an operation's start the request that started it is searched for.
    pub start_window: Micros,
    /// How long before and after an operation another trace may explain it.
    pub context_window: Micros,
    /// How far back polls and health checks are searched for at least.
    pub poll_window: Micros,
    /// How far before the time in its id an operation is searched for.
    pub id_margin: Micros,
}

/// A rule's words.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its stable id.
    pub id: String,
    /// One line of documentation.
    pub doc: String,
    /// What it argues for.
    pub verdict: Verdict,
    /// How bad.
    pub severity: Severity,
    /// How sure at best.
    pub confidence: Confidence,
    /// Why not surer.
    pub confidence_reason: Option<Template>,
    /// One line.
    pub summary: Template,
    /// The state that explains it.
    pub root_cause: Option<Template>,
    /// What to do.
    pub solution: Option<Template>,
    /// Ports it is about.
    pub ports: Vec<u16>,
    /// Hosts it is about.
    pub hosts: Vec<Glob>,
    /// Names it leaves alone.
    pub ignore: Vec<Glob>,
    /// It says only how the operation stands, so it is not a finding beside another rule.
    pub general: bool,
    /// It is not a finding beside these verdicts.
    pub hidden_beside: Vec<Verdict>,
}

/// A step with a threshold of its own; its words are the rule of the same id.
#[derive(Clone, Debug)]
pub struct Step {
    /// Id of its rule.
    pub rule: String,
    /// Names of its spans.
    pub spans: Vec<Glob>,
    /// Phases of gaps that count as the step.
    pub phases: Vec<String>,
    /// Operation types; empty means all.
    pub types: Vec<String>,
    /// Attributes that carry the milliseconds; empty means the span's duration.
    pub milliseconds: Vec<String>,
    /// The threshold.
    pub over: Micros,
    /// The step's share of the operation must be at least this.
    pub share: f64,
    /// Not when the work went to one of these ports …
    pub unless_ports: Vec<u16>,
    /// … or hosts …
    pub unless_hosts: Vec<Glob>,
    /// … or a span has such an attribute.
    pub unless_attribute: AttributeMatch,
    /// With such an attribute the finding is certain.
    pub certain_attribute: AttributeMatch,
}

/// A service by its routes, ports and hosts; its words are the rule of the same id.
#[derive(Clone, Debug)]
pub struct Service {
    /// Id of its rule.
    pub rule: String,
    /// Name for people.
    pub name: String,
    /// Names in traces.
    pub names: Vec<Glob>,
    /// Paths it serves.
    pub routes: Vec<Glob>,
    /// Ports it listens on.
    pub ports: Vec<u16>,
    /// Hosts it runs on.
    pub hosts: Vec<Glob>,
    /// Of several services with the same route it is meant where the address does not decide.
    pub preferred: bool,
    /// Root cause when it hangs instead of refusing.
    pub root_cause_timeout: Option<Template>,
}

/// A failing span elsewhere that explains why a service did not answer.
#[derive(Clone, Debug)]
pub struct Correlation {
    /// Its id, used in evidence.
    pub id: String,
    /// Name of the failing span.
    pub span: Glob,
    /// The service (rule id) that the operation must have waited on.
    pub waiting_on: String,
    /// The service (rule id) that is the cause.
    pub explains: String,
    /// Attribute with the cause's host.
    pub host: Option<String>,
    /// Attribute with the cause's port.
    pub port: Option<String>,
}

/// What an error of a class means beside its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing more.
    Plain,
    /// It only wraps the real error.
    Wraps,
    /// A service refused the connection: the addressed service's words are used.
    Refused,
    /// A service hung instead of refusing: likewise.
    TimedOut,
    /// The worker is gone.
    WorkerLost,
}

/// A class of errors; its words are the rule of the same id (or of `rule`).
#[derive(Clone, Debug)]
pub struct ErrorClass {
    /// Id of the rule with its words.
    pub rule: String,
    /// What it means.
    pub effect: Effect,
    /// Short class names.
    pub classes: Vec<String>,
    /// Expressions over the message.
    pub messages: Vec<regex::Regex>,
    /// Where a wrapper names what it wraps, in its message or its stack trace: groups `class` and `message`.
    pub causes: Vec<regex::Regex>,
    /// Class to show when only the message is known.
    pub error_type: Option<String>,
}

impl ErrorClass {
    /// Whether it names this class; a gRPC status is known by its name.
    #[must_use]
    pub fn names(&self, class: &str) -> bool {
        let class = class.strip_prefix("gRPC ").unwrap_or(class);
        self.classes.iter().any(|known| known == class)
    }

    /// Whether an error is of this class, by its class or its message.
    #[must_use]
    pub fn fits(&self, class: Option<&str>, message: Option<&str>) -> bool {
        class.is_some_and(|class| self.names(class))
            || message.is_some_and(|message| self.messages.iter().any(|pattern| pattern.is_match(message)))
    }

    /// Whether a service did not answer.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self.effect, Effect::Refused | Effect::TimedOut)
    }
}
