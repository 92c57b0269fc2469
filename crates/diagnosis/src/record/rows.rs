//! Rows of the lists that a diagnosis carries: flow, errors, HTTP calls, worker selections.

use serde::{Deserialize, Serialize};

use crate::playbook::WorkerStatus;
use trace::{SpanId, SpanKind, Status, Time, TraceId};

/// What a step of the flow is: the kind of its span, or a gap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepKind {
    /// A call to another service.
    Client,
    /// The handling of a call.
    Server,
    /// A message that is sent.
    Producer,
    /// A message that is received.
    Consumer,
    /// Work within a service.
    Internal,
    /// Time that no span covers.
    Gap,
    /// The span does not say.
    #[default]
    #[serde(rename = "")]
    Unspecified,
}

impl StepKind {
    /// The word on the wire; empty when the span does not say.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
            Self::Internal => "internal",
            Self::Gap => "gap",
            Self::Unspecified => "",
        }
    }
}

impl From<SpanKind> for StepKind {
    fn from(kind: SpanKind) -> Self {
        match kind {
            SpanKind::Client => Self::Client,
            SpanKind::Server => Self::Server,
            SpanKind::Producer => Self::Producer,
            SpanKind::Consumer => Self::Consumer,
            SpanKind::Internal => Self::Internal,
            SpanKind::Unspecified => Self::Unspecified,
        }
    }
}

/// How a step of the flow ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// The span says that it succeeded.
    Ok,
    /// The span says that it failed.
    Error,
    /// The span does not say; gaps never do.
    #[default]
    Unset,
}

impl StepStatus {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Unset => "unset",
        }
    }
}

impl From<Status> for StepStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Ok => Self::Ok,
            Status::Error => Self::Error,
            Status::Unset => Self::Unset,
        }
    }
}

/// A step of the execution flow: a span or a gap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// What it is.
    pub kind: StepKind,
    /// How it ended.
    pub status: StepStatus,
    /// When it started; `None` when its span came without a usable start.
    pub start: Option<Time>,
    /// Milliseconds after the start of the window.
    pub offset_ms: f64,
    /// Its length in milliseconds.
    pub duration_ms: f64,
    /// Milliseconds not covered by its children.
    pub self_ms: f64,
    /// Milliseconds on the operation's path.
    pub path_ms: f64,
    /// What such a step usually takes on the path in comparable operations (median, in milliseconds); `None` with too few
    /// of them.
    pub baseline_ms: Option<f64>,
    /// Whether the bottleneck is made of it.
    pub is_bottleneck: bool,
    /// How many noise spans below it were folded away.
    pub folded: u32,
    /// Short class of its error.
    pub error_type: Option<String>,
}

/// What part an error plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// An error that a span of the operation reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorEntry {
    /// When; `None` when its span came without a usable start.
    pub time: Option<Time>,
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpCall {
    /// When it was sent; `None` when its span came without a usable start.
    pub time: Option<Time>,
    /// `GET`, `POST` …
    pub method: Option<String>,
    /// Full address.
    pub url: Option<String>,
    /// Route template, if the callee's span says so.
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerSelection {
    /// When; `None` when its span came without a usable start.
    pub time: Option<Time>,
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
