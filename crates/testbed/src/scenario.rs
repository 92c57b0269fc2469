//! The definition of a scenario: one example of what can happen to an operation.
//!
//! A scenario is a function that generates spans, together with the [`Expectation`] of what a diagnosis must say about
//! them. [`scenarios`](fn@super::scenarios) lists all of them.

use super::{scenario_builder::ScenarioBuilder, telemetry::Telemetry};
use diagnosis::{OperationStatus, Verdict, WorkerStatus};

/// The expected value of one field of a diagnosis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected<T> {
    /// Any value is correct.
    Any,
    /// The field is `null`.
    Null,
    /// The field has this value.
    Is(T),
}

/// The expected bottleneck of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bottleneck {
    /// The self time of spans with this name.
    Span(&'static str),
    /// A time that no span covers.
    Gap,
    /// The network below client spans with this name.
    Network(&'static str),
}

/// What a diagnosis of the scenario's main operation must say, whichever rule decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Number of operations in the traces, refused starts included; 0 for noise.
    pub operations: usize,
    /// Type of the main operation.
    pub operation_type: &'static str,
    /// Verdict of the main operation.
    pub verdict: Expected<Verdict>,
    /// Status of the main operation.
    pub status: Expected<OperationStatus>,
    /// Class of the error at its origin.
    pub error_type: Expected<&'static str>,
    /// Result of the worker selection.
    pub worker_status: Expected<WorkerStatus>,
    /// Where most of the time was spent.
    pub bottleneck: Expected<Bottleneck>,
}

/// One example of what can happen to an operation.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Unique name, such as `4-no-workers-backtest`.
    pub name: &'static str,
    /// Number in the list of known situations.
    pub number: &'static str,
    /// What happens, in one line.
    pub title: &'static str,
    /// The generations of telemetry in which the scenario can be generated.
    pub telemetry: &'static [Telemetry],
    /// Whether the expectation holds only at the clock that [`super::now`] returns, because the operation is still
    /// running or has been silent since then.
    pub live: bool,
    pub(super) expect: fn(Telemetry) -> Expectation,
    pub(super) generate: fn(&mut ScenarioBuilder),
}

impl Scenario {
    /// What a diagnosis must say about the scenario in this generation of telemetry.
    #[must_use]
    pub fn expect(&self, telemetry: Telemetry) -> Expectation {
        (self.expect)(telemetry)
    }
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scenario").field("name", &self.name).field("telemetry", &self.telemetry).finish_non_exhaustive()
    }
}
