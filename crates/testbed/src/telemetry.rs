//! The three generations of KTRDR's telemetry.
//!
//! The same event leaves different spans depending on the version of KTRDR that emits them: names, attributes and the
//! parts of the work that have a span have changed. A scenario can be generated for each generation that knows it, so
//! tests show that a diagnosis does not depend on one of them.

/// A generation of KTRDR's telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Telemetry {
    /// What KTRDR emits today.
    Current,
    /// What KTRDR emitted until the end of 2025: the API also registered every operation, and more phases had spans.
    Older,
    /// What KTRDR's first observability plan describes: `worker_registry.*`, upper-case values, exceptions as tags.
    Planned,
}
