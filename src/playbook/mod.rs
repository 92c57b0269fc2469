//! The playbook room: domain knowledge as data.
//!
//! The embedded text `ktrdr.toml` knows KTRDR. A text of the user's is laid over it by rule id, or stands alone with
//! `extends = "none"`: that is how a system other than KTRDR is diagnosed.

mod compile;
mod tables;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use hashbrown::HashMap;

pub use tables::RouteRole;
pub use words::{Duration, Fill, Glob, NoDuration, Pattern, Template, any_fits};

use crate::{
    diagnosis::{Confidence, Severity, Verdict},
    trace::{Micros, Time},
};

const KTRDR: &str = include_str!("ktrdr.toml");

/// What an attribute means, whatever its key is called.
macro_rules! attribute_roles {
    ($($role:ident $name:literal),* $(,)?) => {
        /// What an attribute means; the playbook says which keys carry it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "named by what they mean; docs/playbook.md describes each")]
        pub enum Attr { $($role),* }

        impl Attr {
            /// All roles.
            pub const ALL: &[Self] = &[$(Self::$role),*];

            /// The role's name in a playbook.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$role => $name),* }
            }
        }
    };
}

attribute_roles! {
    OperationId "operation_id", OperationType "operation_type", OperationStatus "operation_status",
    FromStatus "from_status", ToStatus "to_status", OperationError "operation_error",
    CancellationReason "cancellation_reason", Outcome "outcome", OutcomeError "outcome_error",
    WorkerType "worker_type", WorkerTotal "worker_total", WorkerCapable "worker_capable",
    WorkerAvailable "worker_available", WorkerSelected "worker_selected", WorkerStatus "worker_status",
    DispatchStatus "dispatch_status", ProgressPercent "progress_percent", ProgressPhase "progress_phase",
    ProgressAt "progress_at", Instance "instance", HttpMethod "http_method", HttpUrl "http_url",
    HttpTarget "http_target", HttpRoute "http_route", HttpStatus "http_status", ErrorType "error_type",
    ErrorMessage "error_message", ExceptionType "exception_type", ExceptionMessage "exception_message",
    ExceptionStacktrace "exception_stacktrace", Symbol "symbol", Timeframe "timeframe", StartDate "start_date",
    EndDate "end_date", Strategy "strategy", BarsReceived "bars_received", BarsRequested "bars_requested",
    LatencyMs "latency_ms", Device "device", GateName "gate_name", GatePassed "gate_passed",
    GateReason "gate_reason",
}

/// What part a span plays by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpanRole {
    /// Registers an operation.
    Register,
    /// Changes an operation's state.
    Transition,
    /// Chooses a worker.
    Selection,
    /// Hands the work over (older vocabulary).
    Dispatch,
    /// The worker's span of the whole work (older vocabulary).
    Work,
    /// A command around an operation.
    Wrapper,
    /// A loop that holds several operations.
    Coordinator,
    /// Written when a phase has ended.
    Marker,
    /// Folded away.
    Noise,
    /// May explain operations of the same time from its own trace.
    Context,
}

impl SpanRole {
    /// All roles with their names in a playbook.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::Register, "register"),
        (Self::Transition, "transition"),
        (Self::Selection, "selection"),
        (Self::Dispatch, "dispatch"),
        (Self::Work, "work"),
        (Self::Wrapper, "wrapper"),
        (Self::Coordinator, "coordinator"),
        (Self::Marker, "marker"),
        (Self::Noise, "noise"),
        (Self::Context, "context"),
    ];
}

/// All rules and vocabularies, ready to use.
#[derive(Clone, Debug)]
pub struct Playbook {
    name: String,
    attributes: HashMap<Attr, Vec<String>>,
    spans: Vec<(SpanRole, Vec<Glob>)>,
    discovery_spans: Vec<String>,
    context_spans: Vec<String>,
    mentions: BTreeMap<String, String>,
    operation: OperationIds,
    routes: Vec<Route>,
    phases: Vec<Phase>,
    silences: Vec<Silence>,
    thresholds: Thresholds,
    precedence: Vec<Verdict>,
    rules: Vec<Rule>,
    by_id: HashMap<String, usize>,
    steps: Vec<Step>,
    services: Vec<Service>,
    correlations: Vec<Correlation>,
    errors: Vec<ErrorClass>,
}

#[derive(Clone, Debug)]
struct OperationIds {
    pattern: Option<regex::Regex>,
    time: String,
    comparable_by: Vec<String>,
    types: Vec<String>,
    aliases: BTreeMap<String, String>,
}

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
    /// The state of the world behind it.
    pub root_cause: Option<Template>,
    /// What to do.
    pub solution: Option<Template>,
    /// Ports it is about.
    pub ports: Vec<u16>,
    /// Hosts it is about.
    pub hosts: Vec<Glob>,
    /// Names it leaves alone.
    pub ignore: Vec<Glob>,
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
    /// Where the milliseconds are read, if not from the span's duration.
    pub attribute: Option<Attr>,
    /// The threshold.
    pub over: Micros,
    /// The step's share of the operation must be at least this.
    pub share: f64,
    /// Not when the work went to one of these ports …
    pub unless_ports: Vec<u16>,
    /// … or hosts …
    pub unless_hosts: Vec<Glob>,
    /// … or the device attribute says this.
    pub unless_device: Vec<Glob>,
    /// With this device the finding is certain.
    pub certain_device: Vec<Glob>,
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

/// A class of errors; its words are the rule of the same id (or of `rule`).
#[derive(Clone, Debug)]
pub struct ErrorClass {
    /// Id of the rule with its words.
    pub rule: String,
    /// Only wraps the real error.
    pub wrapper: bool,
    /// Short class names.
    pub classes: Vec<String>,
    /// Expressions over the message.
    pub messages: Vec<regex::Regex>,
    /// Class to show when only the message is known.
    pub error_type: Option<String>,
    /// A service did not answer: the addressed service's words are used.
    pub unreachable: bool,
    /// It hung instead of refusing.
    pub timeout: bool,
    /// The worker is gone.
    pub lost_worker: bool,
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

    /// The embedded playbook with `overlay` laid on it by rule id (or, with `extends = "none"`, `overlay` alone).
    ///
    /// # Errors
    /// Every mistake found, with its line.
    pub fn with_overlay(overlay: &str) -> Result<Self, Vec<PlaybookError>> {
        compile::load(KTRDR, overlay)
    }

    /// The embedded playbook's text.
    #[must_use]
    pub fn ktrdr_text() -> &'static str {
        KTRDR
    }

    /// What system it is about.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names of the spans by which operations are found in Jaeger; searched per service.
    #[must_use]
    pub fn discovery_spans(&self) -> &[String] {
        &self.discovery_spans
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

    /// The parts that a span of this name plays.
    pub fn span_roles(&self, name: &str) -> impl Iterator<Item = SpanRole> {
        self.spans.iter().filter(move |(_, globs)| any_fits(globs, name)).map(|(role, _)| *role)
    }

    /// The route of a request, if it is known.
    #[must_use]
    pub fn route(&self, method: &str, path: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.method.eq_ignore_ascii_case(method) && route.path.fits(path))
    }

    /// The name of a gap between two spans.
    #[must_use]
    pub fn phase(&self, operation_type: &str, after: Option<&str>, before: Option<&str>) -> Option<&str> {
        let side = |glob: &Option<Glob>, name: Option<&str>| {
            glob.as_ref().is_none_or(|glob| name.is_some_and(|name| glob.fits(name)))
        };
        let fits = |phase: &&Phase| {
            (phase.types.is_empty() || phase.types.iter().any(|t| t == operation_type))
                && side(&phase.after, after)
                && side(&phase.before, before)
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

    /// The service behind an address: route first, then port and host among those.
    #[must_use]
    pub fn service_at(&self, path: &str, host: &str, port: Option<u16>) -> Option<&Service> {
        let here = |s: &&Service| port.is_some_and(|p| s.ports.contains(&p)) || any_fits(&s.hosts, host);
        let by_route = || self.services.iter().filter(|s| any_fits(&s.routes, path));
        // A route that several services share (a GPU host and a worker) goes to the one at this port; without one, to
        // the service with most ports, which is the kind that is deployed most.
        by_route()
            .find(here)
            .or_else(|| by_route().max_by_key(|s| s.ports.len()))
            .or_else(|| self.services.iter().find(here))
    }
}
