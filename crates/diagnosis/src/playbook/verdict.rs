//! The words that rules argue with: verdict, severity, confidence.

use serde::Serialize;

/// What is wrong with an operation, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Completed and nothing to say.
    Healthy,
    /// Started, no end yet, recent activity.
    Running,
    /// Ended in failure and no sharper verdict applies.
    Failed,
    /// Started, no end, silent longer than allowed; or its worker is gone.
    Stuck,
    /// Above its baseline or over an absolute threshold.
    Slow,
    /// A worker could not be selected.
    NoWorkers,
    /// Data was not there, or less came than was asked for.
    MissingData,
    /// A service did not answer.
    Unreachable,
    /// Ended by user, parent or shutdown.
    Cancelled,
    /// The spans cannot carry a verdict.
    TraceBroken,
    /// Not enough evidence.
    #[default]
    Unknown,
    /// No trace has this id.
    NotFound,
}

impl Verdict {
    /// All verdicts, in the order of the documentation.
    pub const ALL: [Self; 12] = [
        Self::Healthy,
        Self::Running,
        Self::Failed,
        Self::Stuck,
        Self::Slow,
        Self::NoWorkers,
        Self::MissingData,
        Self::Unreachable,
        Self::Cancelled,
        Self::TraceBroken,
        Self::Unknown,
        Self::NotFound,
    ];

    /// The word on the wire, as `no_workers`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Stuck => "stuck",
            Self::Slow => "slow",
            Self::NoWorkers => "no_workers",
            Self::MissingData => "missing_data",
            Self::Unreachable => "unreachable",
            Self::Cancelled => "cancelled",
            Self::TraceBroken => "trace_broken",
            Self::Unknown => "unknown",
            Self::NotFound => "not_found",
        }
    }

    /// Reads the word on the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == text)
    }
}

/// A state that an operation writes into its spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Registered, not started.
    Pending,
    /// Started.
    Running,
    /// Started again after an end.
    Resuming,
    /// Ended well.
    Completed,
    /// Ended in failure.
    Failed,
    /// Ended by request.
    Cancelled,
}

impl State {
    /// All states.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Running, Self::Resuming, Self::Completed, Self::Failed, Self::Cancelled];

    /// Its name in a playbook.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Resuming => "resuming",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads a name, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| text.trim().eq_ignore_ascii_case(state.as_str()))
    }
}

/// How bad it is; serialized as 0 to 3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// 0: nothing to do.
    #[default]
    Fine,
    /// 1: good to know.
    Notice,
    /// 2: look at it today.
    Warning,
    /// 3: look at it now.
    Critical,
}

impl Severity {
    /// 0 to 3.
    #[must_use]
    pub fn level(self) -> u8 {
        self as u8
    }

    /// From 0 to 3.
    #[must_use]
    pub fn from_level(level: u8) -> Option<Self> {
        [Self::Fine, Self::Notice, Self::Warning, Self::Critical].into_iter().find(|s| s.level() == level)
    }
}

impl Serialize for Severity {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(self.level())
    }
}

impl<'de> serde::Deserialize<'de> for Severity {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let level = u8::deserialize(from)?;
        Self::from_level(level)
            .ok_or_else(|| serde::de::Error::custom(format!("{level} is not a severity from 0 to 3")))
    }
}

/// How sure the verdict is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A guess with a reason.
    Low,
    /// The evidence points there, something is missing.
    Medium,
    /// The spans say so themselves.
    #[default]
    High,
}

impl Confidence {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}
