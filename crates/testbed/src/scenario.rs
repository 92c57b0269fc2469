//! What a scenario is.

use super::{span::RawTrace, story::Story};
use diagnosis::{OperationStatus, Verdict, WorkerStatus};
use trace::Time;

/// The generation of telemetry in which a scenario is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// What KTRDR's code emits today.
    Wire,
    /// Until the end of 2025: the API registered every operation too, and more phases had spans.
    Older,
    /// The words of the first plan: `worker_registry.*`, upper case, exceptions as tags.
    Seed,
}

/// A fact of the expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact<T> {
    /// Not settled; any answer will do.
    Open,
    /// Must be null.
    Null,
    /// Must be this.
    Is(T),
}

/// What holds most of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bottleneck {
    /// The own time of spans of this name.
    Span(&'static str),
    /// A stretch without spans.
    Gap,
    /// The network below client spans of this name.
    Network(&'static str),
}

/// What a diagnosis of the scenario's main operation must say, whatever rule it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expect {
    /// How many operations the traces hold (refused starts count); 0 for noise.
    pub operations: usize,
    /// Type of the main operation.
    pub operation_type: &'static str,
    /// Its verdict.
    pub verdict: Fact<Verdict>,
    /// Its state.
    pub status: Fact<OperationStatus>,
    /// Class of the error's origin.
    pub error_type: Fact<&'static str>,
    /// What the selection came to.
    pub worker_status: Fact<WorkerStatus>,
    /// Where the time went.
    pub bottleneck: Fact<Bottleneck>,
}

/// One example of what can happen to an operation.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Unique name, such as `4-no-workers-backtest`.
    pub name: &'static str,
    /// Number in the list of known situations.
    pub number: &'static str,
    /// What happened.
    pub title: &'static str,
    /// The forms it can be told in.
    pub forms: &'static [Form],
    /// Whether the expectation holds only at the clock of [`super::now`] (it runs, or is silent since then).
    pub live: bool,
    pub(super) expect: fn(Form) -> Expect,
    pub(super) generate: fn(&mut Story),
}

impl Scenario {
    /// What a diagnosis must say when it is told in this form.
    #[must_use]
    pub fn expect(&self, form: Form) -> Expect {
        (self.expect)(form)
    }
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scenario").field("name", &self.name).field("forms", &self.forms).finish_non_exhaustive()
    }
}

/// A scenario told.
#[derive(Clone, Debug, PartialEq)]
pub struct Generated {
    /// Its traces, in no particular order.
    pub traces: Vec<RawTrace>,
    /// The id of the operation that the expectation is about; `None` when its spans carry no id.
    pub operation_id: Option<String>,
    /// The clock at which the expectation holds.
    pub now: Time,
}
