//! What changed: compares the requests of a window with those of a baseline and ranks what deviates.
//!
//! One request's bottleneck says where *its* time went. When many requests are slow or fail, the question is which part
//! of the system behaves differently than before. The answer takes four steps, one file each:
//!
//! 1. [`observe()`] reduces each request to what can be compared ([`RequestProfile`]): the time on its critical path by
//!    place, the errors that arise there, and the children that spans have;
//! 2. `times`, `errors` and `children` hold the window's requests against the baseline's, place by place;
//! 3. `shared_delay` recognises a service whose calls to everybody became slow: then the service is the culprit, not
//!    those that it calls;
//! 4. `rank` keeps what deviates more often than chance explains, scores it, and words the rows.
//!
//! The time of a caller that its remote callee does not cover belongs to the callee, and own time excludes the time of
//! children, so a service that only waits for a culprit never deviates itself. The answer is deterministic and does not
//! depend on the order of requests. `docs/culprits.md` gives the formula with an example, and how it was chosen.

mod cell;
mod children;
mod errors;
mod observe;
mod parameters;
mod profile;
mod ranges;
mod rank;
mod row;
mod sections;
mod shared_delay;
mod statistics;
mod summary;
mod times;
mod timing;
mod what_changed;

pub(super) use observe::observe_patterns;
pub use observe::{observe, profiles};
pub use parameters::{HighConfidence, Parameters};
pub use profile::{Children, Place, RequestProfile, Section, Visit};
pub use ranges::{ComparedRanges, RangesError};
pub use row::{Culprit, CulpritKind};
pub use what_changed::{Compared, Side, WhatChanged};

use cell::Sides;

/// What changed between two windows, and how much was compared to find out.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Comparison {
    /// Requests of the window that could be compared: the baseline knows their type.
    pub operations: usize,
    /// All requests of the baseline.
    pub baseline_operations: usize,
    /// Types of requests in the window that the baseline does not have, so that nothing can be said about them.
    pub unknown_types: Vec<String>,
    /// What deviates, highest score first; empty when nothing does.
    pub culprits: Vec<Culprit>,
}

/// Compares the requests of a window with those of a baseline.
///
/// Requests are compared with those of the same operation type only. Takes time in proportion to the number of sections
/// (times its logarithm).
#[must_use]
pub fn culprits(window: &[RequestProfile], baseline: &[RequestProfile], parameters: &Parameters) -> Comparison {
    let sides = Sides::new(window, baseline);
    let mut cells = times::cells(&sides, parameters);
    cells.extend(errors::cells(&sides));
    cells.extend(children::cells(&sides, parameters));
    let cells = rank::significant(cells, parameters);
    let cells = shared_delay::attribute(cells, parameters);
    Comparison {
        operations: sides.operations(),
        baseline_operations: baseline.len(),
        unknown_types: sides.unknown_types(),
        culprits: rank::rows(&cells, &sides, parameters),
    }
}
