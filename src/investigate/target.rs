//! What an id that a user typed means: an operation, a trace, or either.

use diagnosis::Diagnosis;
use diagnosis::playbook::Playbook;
use trace::TraceId;

/// What was meant by an id that a user typed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// An operation id.
    Operation(String),
    /// A trace id.
    Trace(TraceId),
    /// Either: an id of 16 to 32 hexadecimal digits, which some systems give to operations.
    Either(String, TraceId),
}

impl Target {
    /// Reads an operation id, a trace id (16 or more hexadecimal digits, which may be an operation id too), or the address
    /// of a trace in Jaeger's user interface; `None` when nothing was typed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_matches(['"', '\'', '`']);
        let trace = |text: &str| if text.len() >= 16 { TraceId::parse(text) } else { None };
        if let Some((_, rest)) = text.split_once("/trace/") {
            let id = rest.split(['?', '#', '/']).next().unwrap_or_default();
            return trace(id).map(Self::Trace).or_else(|| Self::parse(id));
        }
        if text.is_empty() {
            return None;
        }
        let id = text.to_owned();
        Some(match trace(text) {
            Some(trace) => Self::Either(id, trace),
            None => Self::Operation(id),
        })
    }

    /// What it may mean, in the order in which to try: as an operation first, unless the playbook knows that no operation
    /// id looks like that.
    #[must_use]
    pub fn meanings(&self, playbook: &Playbook) -> Vec<Self> {
        match self {
            Self::Either(id, trace) => {
                let mut meanings = vec![Self::Operation(id.clone()), Self::Trace(*trace)];
                if !playbook.may_be_operation_id(id) {
                    meanings.reverse();
                }
                meanings
            }
            certain => vec![certain.clone()],
        }
    }

    /// Whether a diagnosis is about it.
    #[must_use]
    pub fn includes(&self, d: &Diagnosis) -> bool {
        let is_operation = |id: &str| d.operation_id.as_deref() == Some(id);
        match self {
            Self::Operation(id) => is_operation(id),
            Self::Trace(id) => d.trace_ids.contains(id),
            Self::Either(id, trace) => is_operation(id) || d.trace_ids.contains(trace),
        }
    }
}
