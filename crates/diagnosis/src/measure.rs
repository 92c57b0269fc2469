//! What a `metric` query measures, and the columns by which it groups operations.

use crate::{Diagnosis, OperationStatus, Verdict, WorkerStatus};

/// A number that is computed from a group of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Number of operations.
    Count,
    /// Number of operations with the status `failed`.
    Failed,
    /// Number of operations with this verdict.
    Verdict(Verdict),
    /// Number of operations whose verdict is neither `healthy` nor `running`.
    NotHealthy,
    /// Share of failed operations, from 0 to 1.
    FailureRatio,
    /// Median duration in milliseconds.
    P50Duration,
    /// 95th percentile of the duration in milliseconds.
    P95Duration,
    /// Longest duration in milliseconds.
    MaxDuration,
    /// Largest ratio of a duration to its baseline.
    Slowdown,
}

impl Measure {
    const NAMES: [(&'static str, Self); 7] = [
        ("count", Self::Count),
        ("not_healthy", Self::NotHealthy),
        ("failure_ratio", Self::FailureRatio),
        ("p50_duration", Self::P50Duration),
        ("p95_duration", Self::P95Duration),
        ("max_duration", Self::MaxDuration),
        ("slowdown", Self::Slowdown),
    ];

    /// Parses the name of a measure in a query. `failed` counts by status, the names of all other verdicts by verdict.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "failed" {
            return Some(Self::Failed);
        }
        let named = Self::NAMES.into_iter().find(|(name, _)| *name == text).map(|(_, measure)| measure);
        named.or_else(|| Verdict::parse(text).map(Self::Verdict))
    }

    /// Name of the measure in queries, and of the column with its values.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Verdict(verdict) => verdict.as_str(),
            other => Self::NAMES.into_iter().find(|(_, measure)| *measure == other).map_or("count", |(name, _)| name),
        }
    }

    /// The names of all measures.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let verdicts = Verdict::ALL.into_iter().filter(|verdict| *verdict != Verdict::Failed).map(Verdict::as_str);
        Self::NAMES.into_iter().map(|(name, _)| name).chain(["failed"]).chain(verdicts)
    }

    /// The value for a group without operations: 0 for a count or ratio, `None` for a duration.
    #[must_use]
    pub fn when_empty(self) -> Option<f64> {
        match self {
            Self::P50Duration | Self::P95Duration | Self::MaxDuration | Self::Slowdown => None,
            _ => Some(0.0),
        }
    }

    /// The nearest-rank percentile of these durations (0.5 for the median), which is always one of them. Sorts them.
    #[must_use]
    pub fn percentile(p: f64, durations: &mut [f64]) -> Option<f64> {
        durations.sort_by(f64::total_cmp);
        let rank = (p * durations.len() as f64).ceil() as usize;
        durations.get(rank.saturating_sub(1)).copied()
    }

    /// The value for these operations.
    #[must_use]
    pub fn over(self, group: &[&Diagnosis]) -> Option<f64> {
        let count = |test: &dyn Fn(&Diagnosis) -> bool| group.iter().filter(|d| test(d)).count() as f64;
        let failed = |d: &Diagnosis| d.status == OperationStatus::Failed;
        if group.is_empty() {
            return self.when_empty();
        }
        match self {
            Self::Count => Some(group.len() as f64),
            Self::Failed => Some(count(&failed)),
            Self::Verdict(verdict) => Some(count(&|d| d.verdict == verdict)),
            Self::NotHealthy => Some(count(&|d| !matches!(d.verdict, Verdict::Healthy | Verdict::Running))),
            Self::FailureRatio => Some(count(&failed) / group.len() as f64),
            Self::P50Duration => percentile(group, 0.5),
            Self::P95Duration => percentile(group, 0.95),
            Self::MaxDuration => percentile(group, 1.0),
            Self::Slowdown => group.iter().filter_map(|d| d.slowdown).reduce(f64::max),
        }
    }
}

fn percentile(group: &[&Diagnosis], p: f64) -> Option<f64> {
    Measure::percentile(p, &mut group.iter().filter_map(|d| d.duration_ms).collect::<Vec<_>>())
}

/// A column by which operations are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupBy {
    /// Operation type.
    OperationType,
    /// Verdict.
    Verdict,
    /// Class of the error.
    ErrorType,
    /// Where most of the time was spent.
    BottleneckSpan,
    /// Result of the worker selection.
    WorkerStatus,
    /// Service of the bottleneck.
    Service,
    /// The deciding rule.
    Rule,
}

impl GroupBy {
    /// The label for missing values.
    pub const NONE: &'static str = "none";

    /// All columns.
    pub const ALL: [Self; 7] = [
        Self::OperationType,
        Self::Verdict,
        Self::ErrorType,
        Self::BottleneckSpan,
        Self::WorkerStatus,
        Self::Service,
        Self::Rule,
    ];

    /// Name in queries, and of the column.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OperationType => "operation_type",
            Self::Verdict => "verdict",
            Self::ErrorType => "error_type",
            Self::BottleneckSpan => "bottleneck_span",
            Self::WorkerStatus => "worker_status",
            Self::Service => "service",
            Self::Rule => "rule",
        }
    }

    /// Parses the name in a query.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.as_str() == text)
    }

    /// The value of an operation. A missing value is `none`, because the labels of an alert must not be empty.
    #[must_use]
    pub fn of(self, diagnosis: &Diagnosis) -> &str {
        let value = match self {
            Self::OperationType => Some(diagnosis.operation_type.as_str()),
            Self::Verdict => Some(diagnosis.verdict.as_str()),
            Self::ErrorType => diagnosis.error_type.as_deref(),
            Self::BottleneckSpan => diagnosis.bottleneck_span.as_deref(),
            Self::WorkerStatus => diagnosis.worker_status.map(WorkerStatus::as_str),
            Self::Service => diagnosis.bottleneck_service.as_deref(),
            Self::Rule => Some(diagnosis.rule.as_str()),
        };
        value.filter(|text| !text.is_empty()).unwrap_or(Self::NONE)
    }
}
