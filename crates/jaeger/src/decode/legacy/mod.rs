//! The legacy form: `{traceID, spans, processes}` with everything about a span in tags.

mod process;
mod span;
mod trace_object;

pub(super) use process::{ProcessMap, Processes};
pub(super) use span::{Span, Spans, is_follows_from};
pub(super) use trace_object::TraceObject;
