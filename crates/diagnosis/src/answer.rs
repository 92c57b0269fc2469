//! The answer to a question about operations.

use std::sync::Arc;

use super::{Diagnosis, TimeRange};
use trace::Time;

/// Diagnoses and what to know about them.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Newest first; for a trace its main operation first.
    pub diagnoses: Vec<Arc<Diagnosis>>,
    /// What a reader must know: limits reached, services not asked.
    pub notices: Vec<String>,
    /// Whether something is missing.
    pub partial: bool,
    /// What was asked of Jaeger, in a form a person can repeat.
    pub executed: String,
    /// What was recorded, if the answer comes from recorded operations.
    pub basis: Option<Basis>,
}

/// The recorded times that an answer is based on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Basis {
    /// The parts of the range that were read, in order.
    pub covered: Vec<TimeRange>,
    /// Every span that started before it was asked for once.
    pub live_edge: Option<Time>,
    /// Every span that started before it was asked for again after it had settled.
    pub watermark: Option<Time>,
}
