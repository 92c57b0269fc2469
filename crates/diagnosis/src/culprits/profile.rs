//! A request, reduced to what is compared.
//!
//! Profiles are small and hold no reference to their trace, so they can be made from a whole trace, from an operation
//! that spans several, or from what a store has kept of one.

use crate::SectionKind;
use trace::{Micros, SpanId, Time, TraceId};

/// A place that requests pass: all spans of one name in one service that were called from the same service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The service whose span it is.
    pub service: String,
    /// The service that called it; `None` where the parent is in the same service, or where there is no parent.
    pub caller: Option<String>,
    /// The span's name; for a gap `<span before> → <span after>`.
    pub span: String,
}

/// Time on a request's critical path that belongs to one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Own time of spans, time that callers wait for more than the callee accounts for, or time that no span covers.
    pub kind: SectionKind,
    /// Where: for [`SectionKind::Network`] the callee.
    pub place: Place,
    /// How often the request passed the place, on the critical path or not.
    pub calls: u32,
    /// The sum of its time on the critical path; zero where other work took longer.
    pub time: Micros,
    /// The span at the place that most of the time belongs to; `None` for a gap.
    pub span_id: Option<SpanId>,
    /// [`SectionKind::Network`]: the span by which the request entered the caller's service.
    pub waiting: Option<Place>,
}

/// A place that the request passed, and what happened there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Where.
    pub place: Place,
    /// Position in [`RequestProfile::visits`] of the place that led here; always a smaller one.
    pub within: Option<u32>,
    /// Of the spans here, the one with the fewest kinds of children. `None` when that proves nothing, because spans are
    /// missing from the trace or an error explains it.
    pub children: Option<Children>,
    /// The first span here with an error that none of its descendants has.
    pub error: Option<SpanId>,
}

/// The children of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Children {
    /// The span.
    pub parent: SpanId,
    /// Services and names of its children, sorted, each once.
    pub kinds: Vec<(String, String)>,
}

/// One request (or operation), reduced to what is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestProfile {
    /// Requests are compared with those of the same type.
    pub operation_type: String,
    /// The trace to show as an example.
    pub trace_id: TraceId,
    /// When it started.
    pub start: Time,
    /// From its start to the end of the last work that it caused.
    pub duration: Micros,
    /// Its time by kind and place; each pair occurs once. The times add up to the duration.
    pub sections: Vec<Section>,
    /// The places it passed; each occurs once.
    pub visits: Vec<Visit>,
}
