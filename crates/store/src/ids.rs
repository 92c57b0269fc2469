//! Identifiers of what a store keeps.

use std::fmt;

use diagnosis::Diagnosis;
use serde::{Deserialize, Serialize};

/// Whose operations these are: `<org>-<uid>` of a data source, or the name that `watch` was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(String);

/// Names an operation within its source: its id, else its main trace's id in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationKey(String);

/// Fences off writers: every time a lease changes hands its token grows, and a commit with an older token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseToken(pub i64);

/// The playbook that judged an operation, as a hash of its text and of the settings that change its answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlaybookHash(pub i64);

/// The rules in code that judged an operation. It grows with every release that judges differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EngineVersion(pub u32);

impl SourceId {
    /// A source of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl OperationKey {
    /// The key of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The key of a diagnosed operation; `None` for one that has neither an id nor a trace.
    #[must_use]
    pub fn of(diagnosis: &Diagnosis) -> Option<Self> {
        let trace = || diagnosis.trace_id.map(|id| id.to_string());
        diagnosis.operation_id.clone().or_else(trace).map(Self)
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for OperationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
