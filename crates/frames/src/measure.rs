//! Display names and units of measures and groups.

use super::display;
use diagnosis::{GroupBy, Measure};

/// Display name of a measure.
pub(super) fn title(measure: Measure) -> String {
    let title = match measure {
        Measure::Count => "Operations",
        Measure::Failed => "Failed",
        Measure::Verdict(verdict) => return display::label(verdict.as_str()),
        Measure::NotHealthy => "In trouble",
        Measure::FailureRatio => "Failure ratio",
        Measure::P50Duration => "p50 duration",
        Measure::P95Duration => "p95 duration",
        Measure::MaxDuration => "Longest duration",
        Measure::Slowdown => "Slowdown",
    };
    title.to_owned()
}

/// Id of a measure's unit in Grafana.
pub(super) fn unit(measure: Measure) -> &'static str {
    match measure {
        Measure::P50Duration | Measure::P95Duration | Measure::MaxDuration => "ms",
        Measure::FailureRatio => "percentunit",
        Measure::Slowdown => "suffix:×",
        _ => "short",
    }
}

/// Display name of a group.
pub(super) fn group_title(group: GroupBy) -> &'static str {
    match group {
        GroupBy::OperationType => "Type",
        GroupBy::Verdict => "Verdict",
        GroupBy::ErrorType => "Error",
        GroupBy::BottleneckSpan => "Most time in",
        GroupBy::WorkerStatus => "Worker selection",
        GroupBy::Service => "Bottleneck service",
        GroupBy::Rule => "Rule",
    }
}
