//! The answer: one [`Diagnosis`] per operation, field by field as `docs/reading-a-diagnosis.md` explains them.

use serde::Serialize;

use crate::trace::{SpanId, Time, TraceId};

/// What is wrong with an operation, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Completed and nothing to say.
    Healthy,
    /// Started, no end yet, recent activity.
    Running,
    /// Ended in failure and no sharper verdict applies.
    Failed,
    /// Started, no end, silent longer than allowed; or its worker is gone.
    Stuck,
    /// Above its baseline or over an absolute threshold.
    Slow,
    /// A worker could not be selected.
    NoWorkers,
    /// Data was not there, or less came than was asked for.
    MissingData,
    /// A service did not answer.
    Unreachable,
    /// Ended by user, parent or shutdown.
    Cancelled,
    /// The spans cannot carry a verdict.
    TraceBroken,
    /// Not enough evidence.
    #[default]
    Unknown,
    /// No trace has this id.
    NotFound,
}

impl Verdict {
    /// All verdicts, in the order of the documentation.
    pub const ALL: [Self; 12] = [
        Self::Healthy,
        Self::Running,
        Self::Failed,
        Self::Stuck,
        Self::Slow,
        Self::NoWorkers,
        Self::MissingData,
        Self::Unreachable,
        Self::Cancelled,
        Self::TraceBroken,
        Self::Unknown,
        Self::NotFound,
    ];

    /// The word on the wire, as `no_workers`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Stuck => "stuck",
            Self::Slow => "slow",
            Self::NoWorkers => "no_workers",
            Self::MissingData => "missing_data",
            Self::Unreachable => "unreachable",
            Self::Cancelled => "cancelled",
            Self::TraceBroken => "trace_broken",
            Self::Unknown => "unknown",
            Self::NotFound => "not_found",
        }
    }

    /// Reads the word on the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == text)
    }
}

/// Where an operation stands: the last state over all its traces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OperationStatus {
    /// Registered, not started.
    Pending,
    /// Started (or resuming).
    Running,
    /// Ended well.
    Completed,
    /// Ended in failure.
    Failed,
    /// Ended by request.
    Cancelled,
    /// The traces do not say.
    #[default]
    Unknown,
}

impl OperationStatus {
    /// All states.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Running, Self::Completed, Self::Failed, Self::Cancelled, Self::Unknown];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }

    /// Reads a state in any case; `resuming` counts as running.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("resuming") {
            return Some(Self::Running);
        }
        Self::ALL.into_iter().find(|status| text.eq_ignore_ascii_case(status.as_str()))
    }

    /// Whether nothing comes after it (but a resume).
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// How bad it is; serialized as 0 to 3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// 0: nothing to do.
    #[default]
    Fine,
    /// 1: good to know.
    Notice,
    /// 2: look at it today.
    Warning,
    /// 3: look at it now.
    Critical,
}

impl Severity {
    /// 0 to 3.
    #[must_use]
    pub fn level(self) -> u8 {
        self as u8
    }

    /// From 0 to 3.
    #[must_use]
    pub fn from_level(level: u8) -> Option<Self> {
        [Self::Fine, Self::Notice, Self::Warning, Self::Critical].into_iter().find(|s| s.level() == level)
    }
}

impl Serialize for Severity {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(self.level())
    }
}

/// How sure the verdict is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A guess with a reason.
    Low,
    /// The evidence points there, something is missing.
    Medium,
    /// The spans say so themselves.
    #[default]
    High,
}

impl Confidence {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What the worker selection came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WorkerStatus {
    /// A worker was chosen, or accepted the dispatch.
    Success,
    /// None was registered at all.
    NoWorkersStarted,
    /// None of this type was registered.
    NoCapableWorkers,
    /// All of this type were busy.
    AllWorkersBusy,
    /// None could be had; the counts that would say why are missing.
    NoWorkersAvailable,
}

impl WorkerStatus {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::NoWorkersStarted => "NO_WORKERS_STARTED",
            Self::NoCapableWorkers => "NO_CAPABLE_WORKERS",
            Self::AllWorkersBusy => "ALL_WORKERS_BUSY",
            Self::NoWorkersAvailable => "NO_WORKERS_AVAILABLE",
        }
    }
}

/// To what the largest part of the time belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SectionKind {
    /// A span's own time.
    #[default]
    Span,
    /// An edge between two services: a client span's time that its callee's span does not cover.
    Network,
    /// Time that no span covers.
    Gap,
}

impl SectionKind {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Span => "span",
            Self::Network => "network",
            Self::Gap => "gap",
        }
    }
}

/// What kind of thing a piece of evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EvidenceKind {
    /// An attribute of a span.
    Attribute,
    /// An event of a span, usually an exception.
    Event,
    /// The span itself, its status or its duration.
    Span,
    /// Something that should be there and is not.
    Absence,
    /// A comparison with other operations or with a threshold.
    Comparison,
}

impl EvidenceKind {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attribute => "attribute",
            Self::Event => "event",
            Self::Span => "span",
            Self::Absence => "absence",
            Self::Comparison => "comparison",
        }
    }
}

/// A claim's proof: a place in a trace.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    /// The rule that claims it.
    pub rule: String,
    /// What kind of thing it is.
    pub kind: EvidenceKind,
    /// Trace of the span, if it is about one.
    pub trace_id: Option<TraceId>,
    /// The span.
    pub span_id: Option<SpanId>,
    /// The span's service.
    pub service: Option<String>,
    /// The span's name.
    pub span: Option<String>,
    /// The attribute, or what was looked at.
    pub key: String,
    /// Its value as text.
    pub value: String,
    /// When.
    pub at: Option<Time>,
}

/// Something that is true of the operation, as a rule of the playbook words it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The rule's id, such as `worker.none_registered`.
    pub rule: String,
    /// The verdict it argues for.
    pub verdict: Verdict,
    /// How bad.
    pub severity: Severity,
    /// One line.
    pub summary: String,
    /// A state of the world that explains it.
    pub root_cause: Option<String>,
    /// What to do.
    pub solution: Option<String>,
    /// The proof.
    pub evidence: Vec<Evidence>,
}

/// A span that an error passed through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PathStep {
    /// Its service.
    pub service: String,
    /// Its name.
    pub span: String,
    /// Its id.
    pub span_id: SpanId,
}

/// One operation's diagnosis. `None` is "unknown", never an invented value.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Diagnosis {
    /// The id, absent for a start request whose trace carries none.
    pub operation_id: Option<String>,
    /// `training`, `backtesting`, `data_load`, `agent_research` …, `unknown` when nothing tells.
    pub operation_type: String,
    /// The last state over all traces.
    pub status: OperationStatus,
    /// What is wrong.
    pub verdict: Verdict,
    /// The rule that decided.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// One line a person can act on.
    pub summary: String,
    /// A state of the world, never the symptom again.
    pub root_cause: Option<String>,
    /// What to do.
    pub solution: Option<String>,
    /// How sure.
    pub confidence: Confidence,
    /// Why not high.
    pub confidence_reason: Option<String>,
    /// The proof of all above.
    pub evidence: Vec<Evidence>,
    /// What else is true, most severe first.
    pub findings: Vec<Finding>,
    /// Where most of the time went: a span's name or a gap's phase.
    pub bottleneck_span: Option<String>,
    /// Its service.
    pub bottleneck_service: Option<String>,
    /// The largest section's span; none for a gap.
    pub bottleneck_span_id: Option<SpanId>,
    /// Span, network or gap.
    pub bottleneck_kind: Option<SectionKind>,
    /// Milliseconds on the operation's path.
    pub bottleneck_ms: Option<f64>,
    /// Share of `duration_ms`, 0 to 1.
    pub bottleneck_share: Option<f64>,
    /// Outcome of the worker selection; absent where none was asked for.
    pub worker_status: Option<WorkerStatus>,
    /// The chosen worker.
    pub worker_id: Option<String>,
    /// All registered workers.
    pub workers_total: Option<i64>,
    /// Those of the wanted type.
    pub workers_capable: Option<i64>,
    /// Those of the wanted type that were free.
    pub workers_available: Option<i64>,
    /// Short class of the error's origin.
    pub error_type: Option<String>,
    /// Its message.
    pub error_message: Option<String>,
    /// The span it arose in.
    pub error_span: Option<String>,
    /// That span's service.
    pub error_service: Option<String>,
    /// That span's id.
    pub error_span_id: Option<SpanId>,
    /// Its stack trace.
    pub error_stacktrace: Option<String>,
    /// The spans it passed through, origin first.
    pub error_path: Vec<PathStep>,
    /// Start of the window.
    pub start: Option<Time>,
    /// End of the window; absent while there is none.
    pub end: Option<Time>,
    /// Length of the window in milliseconds (to the clock while there is no end).
    pub duration_ms: Option<f64>,
    /// Last seen progress, 0 to 100.
    pub progress_percent: Option<f64>,
    /// Last seen phase.
    pub progress_phase: Option<String>,
    /// When the progress was written.
    pub progress_at: Option<Time>,
    /// End of the latest span or event.
    pub last_activity: Option<Time>,
    /// Median of comparable completed operations in milliseconds.
    pub baseline_ms: Option<f64>,
    /// `duration_ms` by `baseline_ms`.
    pub slowdown: Option<f64>,
    /// Starts and resumes, folded retries included.
    pub attempts: u32,
    /// Services with a span of it.
    pub services: Vec<String>,
    /// Its spans.
    pub span_count: u32,
    /// Its spans with an error.
    pub error_count: u32,
    /// Noise that was folded away.
    pub folded_spans: u32,
    /// The main trace.
    pub trace_id: Option<TraceId>,
    /// Every trace that contributed, main one first.
    pub trace_ids: Vec<TraceId>,
    /// Whether spans, parents or pages are missing.
    pub partial: bool,
    /// Clock skew, duplicate ids, limits …
    pub remarks: Vec<String>,
    /// The execution flow.
    pub flow: Vec<FlowStep>,
    /// All errors.
    pub errors: Vec<ErrorEntry>,
    /// All HTTP calls.
    pub http: Vec<HttpCall>,
    /// All worker selections and dispatches.
    pub workers: Vec<WorkerSelection>,
}

/// A step of the execution flow: a span or a gap.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FlowStep {
    /// The span's name or the gap's phase.
    pub span: String,
    /// Its service.
    pub service: String,
    /// None for a gap.
    pub span_id: Option<SpanId>,
    /// Its trace.
    pub trace_id: Option<TraceId>,
    /// How deep it hangs below the operation's first span.
    pub depth: u32,
    /// `client`, `server`, `internal` …, empty when the span does not say, `gap` for a gap.
    pub kind: &'static str,
    /// `ok`, `error`, `unset`; `missing` for a parent that is named but absent.
    pub status: &'static str,
    /// When it started.
    pub start: Time,
    /// Milliseconds after the start of the window.
    pub offset_ms: f64,
    /// Its length in milliseconds.
    pub duration_ms: f64,
    /// Milliseconds not covered by its children.
    pub self_ms: f64,
    /// Milliseconds on the operation's path.
    pub path_ms: f64,
    /// Whether the bottleneck is made of it.
    pub is_bottleneck: bool,
    /// How many noise spans below it were folded away.
    pub folded: u32,
    /// Short class of its error.
    pub error_type: Option<String>,
}

/// What part an error plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorRole {
    /// Where it arose.
    Origin,
    /// A span it passed through.
    Propagated,
    /// An error that did not reach the operation.
    Suppressed,
    /// A class that only wraps the real error.
    Wrapper,
}

impl ErrorRole {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Propagated => "propagated",
            Self::Suppressed => "suppressed",
            Self::Wrapper => "wrapper",
        }
    }
}

/// An error that a span of the operation tells of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorEntry {
    /// When.
    pub time: Time,
    /// The span's service.
    pub service: String,
    /// The span's name.
    pub span: String,
    /// The span.
    pub span_id: SpanId,
    /// Its trace.
    pub trace_id: TraceId,
    /// Short class.
    pub error_type: Option<String>,
    /// Message.
    pub error_message: Option<String>,
    /// Its part.
    pub role: ErrorRole,
    /// Stack trace.
    pub stacktrace: Option<String>,
}

/// An HTTP call between services (or into one from outside).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HttpCall {
    /// When it was sent.
    pub time: Time,
    /// `GET`, `POST` …
    pub method: Option<String>,
    /// Full address.
    pub url: Option<String>,
    /// Route template, if the callee's span tells.
    pub route: Option<String>,
    /// The caller.
    pub service: String,
    /// The callee: its span's service, else the playbook's name for the address.
    pub target_service: Option<String>,
    /// None when no answer came.
    pub status_code: Option<i64>,
    /// How long.
    pub duration_ms: f64,
    /// Short class of the failure.
    pub error_type: Option<String>,
    /// The caller's span.
    pub span_id: SpanId,
    /// Its trace.
    pub trace_id: TraceId,
}

/// A worker selection, or a dispatch where no selection span exists.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorkerSelection {
    /// When.
    pub time: Time,
    /// The span's name.
    pub span: String,
    /// Type of the operation.
    pub operation_type: String,
    /// Wanted worker type.
    pub worker_type: Option<String>,
    /// Outcome.
    pub worker_status: Option<WorkerStatus>,
    /// All registered.
    pub total: Option<i64>,
    /// Of the wanted type.
    pub capable: Option<i64>,
    /// Of the wanted type and free.
    pub available: Option<i64>,
    /// The chosen one, or the address it was dispatched to.
    pub worker_id: Option<String>,
    /// How long the selection took.
    pub duration_ms: f64,
    /// The span.
    pub span_id: SpanId,
    /// Its trace.
    pub trace_id: TraceId,
}
