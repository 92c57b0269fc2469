//! The answer to a question about operations.

use std::sync::Arc;

use super::Diagnosis;

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
}
