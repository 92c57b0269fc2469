//! The legacy form: `{traceID, spans, processes}` with everything about a span in tags.

mod element;
mod process;
mod span;
mod tag;

pub(super) use element::Element;
pub(super) use process::{ProcessMap, Processes};
pub(super) use span::{Span, Spans, is_follows_from};
pub(super) use tag::{Claim, Tags, typed};
