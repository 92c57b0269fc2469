//! Distributed traces: the span model, the tree of a trace and its critical path.
//!
//! This crate is pure. It does no I/O, reads no clock, and knows neither KTRDR nor Grafana, so the same spans always give
//! the same tree and the same path.

#![forbid(unsafe_code)]

mod adjust;
mod builder;
mod ids;
mod model;
mod path;
mod remark;
mod span;
mod steps;
mod strings;
mod time;
mod timing;
mod tree;
mod value;
mod view;

pub use builder::{EventDraft, ResourceIx, SpanDraft, TraceBuilder};
pub use ids::{SpanId, TraceId};
pub use model::{SpanIx, Trace};
pub use path::{Forest, ForestSegment, Node, PathSegment, critical_path};
pub use remark::Remark;
pub use span::{Link, Parent, Relation, SpanKind, Status};
pub use steps::count_step;
#[cfg(debug_assertions)]
pub use steps::steps_of;
pub use strings::{StrId, StrSet, Strings};
pub use time::{Micros, Time};
pub use timing::ImpossibleTimes;
pub use tree::Tree;
pub use value::{Attribute, Value};
pub use view::{EventRef, SpanRef};

#[cfg(test)]
mod tests;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
