//! What an id that a user typed means.

use crate::{diagnosis::Diagnosis, trace::TraceId};

/// What was meant by an id that a user typed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// An operation id.
    Operation(String),
    /// A trace id.
    Trace(TraceId),
}

impl Target {
    /// Reads an operation id, a trace id (16 or more hexadecimal digits), or the address of a trace in Jaeger's user
    /// interface; `None` when nothing was typed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_matches(['"', '\'', '`']);
        let text = match text.split_once("/trace/") {
            Some((_, rest)) => rest.split(['?', '#', '/']).next().unwrap_or_default(),
            None => text,
        };
        if text.is_empty() {
            return None;
        }
        let trace = if text.len() >= 16 { TraceId::parse(text) } else { None };
        Some(trace.map_or_else(|| Self::Operation(text.to_owned()), Self::Trace))
    }

    /// Whether a diagnosis is about it.
    pub(super) fn includes(&self, d: &Diagnosis) -> bool {
        match self {
            Self::Operation(id) => d.operation_id.as_deref() == Some(id),
            Self::Trace(id) => d.trace_ids.contains(id),
        }
    }
}
