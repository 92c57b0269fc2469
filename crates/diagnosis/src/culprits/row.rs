//! A row of the answer.

use serde::{Deserialize, Serialize};

use crate::{Confidence, Evidence, SectionKind};
use trace::TraceId;

/// In which way a place deviates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CulpritKind {
    /// Its spans take longer by themselves.
    Span,
    /// Callers wait longer for it than it accounts for.
    Network,
    /// Time that no span covers.
    Gap,
    /// Errors arise there.
    Errors,
    /// It is usually called and now is not.
    Missing,
}

impl CulpritKind {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Span => "span",
            Self::Network => "network",
            Self::Gap => "gap",
            Self::Errors => "errors",
            Self::Missing => "missing",
        }
    }

    /// Whether it is about time.
    #[must_use]
    pub fn is_time(self) -> bool {
        matches!(self, Self::Span | Self::Network | Self::Gap)
    }
}

impl From<SectionKind> for CulpritKind {
    fn from(kind: SectionKind) -> Self {
        match kind {
            SectionKind::Span => Self::Span,
            SectionKind::Network => Self::Network,
            SectionKind::Gap => Self::Gap,
        }
    }
}

/// Something that deviates from the baseline. The service of rank 1 is the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Culprit {
    /// 1 for the highest score.
    pub rank: usize,
    /// The service to look at.
    pub service: String,
    /// The service that called it.
    pub caller: Option<String>,
    /// The span's name; for a gap `<span before> → <span after>`.
    pub span: String,
    /// In which way it deviates.
    pub kind: CulpritKind,
    /// Types of the operations that are affected, sorted.
    pub operation_types: Vec<String>,
    /// How many operations of the window deviate there.
    pub affected: usize,
    /// Times: by how many milliseconds an affected operation exceeds its median in the baseline; the median over
    /// affected operations.
    pub excess_ms: Option<f64>,
    /// Its share of the excess of all rows, 0 to 1. An operation with an error or a missing child counts with a typical
    /// operation's duration.
    pub share: f64,
    /// Times: median milliseconds per operation in the baseline; 0 for a place that it does not have.
    pub baseline_ms: Option<f64>,
    /// Share of the operations passing there with an error that arises there.
    pub error_ratio: f64,
    /// The same in the baseline.
    pub baseline_error_ratio: f64,
    /// Milliseconds that it costs the window's operations on average: the excess times the share of operations that
    /// deviate, less the share that did so in the baseline.
    pub score: f64,
    /// How sure.
    pub confidence: Confidence,
    /// One line for people.
    pub summary: String,
    /// Operations that show it best.
    pub example_trace_ids: Vec<TraceId>,
    /// The spans in them.
    pub evidence: Vec<Evidence>,
}
