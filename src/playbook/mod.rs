//! The playbook room: domain knowledge as data.

/// All rules and vocabularies, ready to use.
#[derive(Clone, Debug)]
pub struct Playbook {}

/// A playbook text that cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct PlaybookError {
    /// Line of the text, from 1; 0 when it is about the whole.
    pub line: usize,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl Playbook {
    /// The embedded playbook for KTRDR.
    #[must_use]
    pub fn ktrdr() -> Self {
        Self {}
    }

    /// The embedded playbook with `overlay` laid on it by rule id (or, with `extends = "none"`, `overlay` alone).
    ///
    /// # Errors
    /// Every mistake found, with its line.
    pub fn with_overlay(overlay: &str) -> Result<Self, Vec<PlaybookError>> {
        let _ = overlay;
        Ok(Self {})
    }

    /// The embedded playbook's text.
    #[must_use]
    pub fn ktrdr_text() -> &'static str {
        ""
    }

    /// Names of the spans by which operations are found in Jaeger (`operation.register`, start requests …); searched
    /// per service.
    #[must_use]
    pub fn discovery_spans(&self) -> &[String] {
        &[]
    }

    /// Keys of attributes that carry an operation's id.
    #[must_use]
    pub fn operation_id_keys(&self) -> &[String] {
        &[]
    }

    /// The time written in an operation id, if its form is known.
    #[must_use]
    pub fn time_in_id(&self, operation_id: &str) -> Option<crate::trace::Time> {
        let _ = operation_id;
        None
    }

    /// Operation types it knows, for suggestions.
    #[must_use]
    pub fn operation_types(&self) -> Vec<String> {
        Vec::new()
    }

    /// Attributes (key, value) whose spans show that somebody asked for the operation with this id, though they do not
    /// carry it (`http.target=/api/v1/operations/<id>`).
    #[must_use]
    pub fn mentions(&self, operation_id: &str) -> Vec<(String, String)> {
        let _ = operation_id;
        Vec::new()
    }

    /// Names of spans in other traces that may explain an operation of this type in the same time (`ib.connect`).
    #[must_use]
    pub fn context_spans(&self) -> &[String] {
        &[]
    }
}
