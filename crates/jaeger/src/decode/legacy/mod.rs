//! Jaeger's own format: `{traceID, spans, processes}`, with everything about a span in its tags. The legacy API, exports of
//! the user interface and the gRPC model use it.

mod process;
mod span;
mod trace_object;

pub(super) use process::{ProcessMap, Processes};
pub(super) use span::{Span, Spans, is_follows_from};
pub(super) use trace_object::TraceObject;
