//! The states that an operation can be in.

use serde::{Deserialize, Serialize};

use crate::playbook::State;

/// Where an operation stands: the last state over all its traces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperationStatus {
    /// Registered, not started.
    Pending,
    /// Started (or resuming).
    Running,
    /// Ended well.
    Completed,
    /// Ended in failure.
    Failed,
    /// Ended by request.
    Cancelled,
    /// The traces do not say.
    #[default]
    Unknown,
}

impl OperationStatus {
    /// All states.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Running, Self::Completed, Self::Failed, Self::Cancelled, Self::Unknown];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }

    /// Reads a status in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| text.eq_ignore_ascii_case(status.as_str()))
    }

    /// Whether nothing comes after it (but a resume).
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl From<State> for OperationStatus {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::Running | State::Resuming => Self::Running,
            State::Completed => Self::Completed,
            State::Failed => Self::Failed,
            State::Cancelled => Self::Cancelled,
        }
    }
}
