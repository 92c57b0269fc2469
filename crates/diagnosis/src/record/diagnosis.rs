//! The answer: one [`Diagnosis`] per operation, field by field as `docs/reading-a-diagnosis.md` explains them.

use serde::{Deserialize, Serialize};

use super::rows::{ErrorEntry, FlowStep, HttpCall, WorkerSelection};
use crate::{
    gather::{operation_status::OperationStatus, origin::PathStep, path::SectionKind},
    judge::finding::{Evidence, Finding},
    playbook::{Confidence, Severity, Verdict, WorkerStatus},
};
use trace::{SpanId, Time, TraceId};

/// One operation's diagnosis. `None` is "unknown", never an invented value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Diagnosis {
    /// The id, absent for a start request whose trace carries none.
    pub operation_id: Option<String>,
    /// `training`, `backtesting`, `data_load`, `agent_research` …, `unknown` when the traces do not say.
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
    /// A state of the system, never the symptom again.
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
    /// Every trace that contributed, main one first. Requests for the state of an operation that has ended do not count.
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
    /// Lists that hold fewer rows than there are; `remarks` names them too.
    #[serde(skip)]
    pub cut_lists: Vec<CutList>,
}

/// Most rows of one list of an operation.
pub const MAX_LIST_ROWS: usize = 10_000;

/// A list that was cut down to [`MAX_LIST_ROWS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutList {
    /// `flow`, `errors`, `http` or `workers`.
    pub list: &'static str,
    /// How many rows there are.
    pub rows: usize,
}

impl std::fmt::Display for CutList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {MAX_LIST_ROWS} of {} rows are listed", self.list, self.rows)
    }
}
