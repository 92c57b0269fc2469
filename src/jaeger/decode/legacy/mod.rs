//! The legacy form: `{traceID, spans, processes}` with everything about a span in tags.

mod element;
mod process;
mod span;
mod tag;

pub(super) use element::Element;
pub(super) use process::Processes;
pub(super) use span::Spans;
pub(super) use tag::{Claim, typed};
