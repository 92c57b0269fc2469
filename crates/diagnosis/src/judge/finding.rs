//! What a rule says of an operation, and the evidence that it points to.

use serde::{Deserialize, Serialize};

use crate::playbook::{Severity, Verdict};
use trace::{SpanId, Time, TraceId};

/// What kind of thing a piece of evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EvidenceKind {
    /// An attribute of a span.
    Attribute,
    /// An event of a span, usually an exception.
    Event,
    /// The status of a span.
    Status,
    /// Something that should be there and is not.
    Absence,
    /// How many of something there are.
    Count,
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
            Self::Status => "status",
            Self::Absence => "absence",
            Self::Count => "count",
            Self::Comparison => "comparison",
        }
    }
}

/// A claim's proof: a place in a trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's id, such as `worker.none_registered`.
    pub rule: String,
    /// The verdict it argues for.
    pub verdict: Verdict,
    /// How bad.
    pub severity: Severity,
    /// One line.
    pub summary: String,
    /// A state of the system that explains it.
    pub root_cause: Option<String>,
    /// What to do.
    pub solution: Option<String>,
    /// The proof.
    pub evidence: Vec<Evidence>,
}
