//! The trace room: what a trace is, its tree and its critical path. Pure: no I/O, no clock, nothing of KTRDR or Grafana.

mod ids;
mod model;
mod path;
mod strings;
mod time;
mod tree;
mod value;

pub use ids::{SpanId, TraceId};
pub use model::{
    EventDraft, EventRef, Link, Parent, Relation, ResourceIx, SpanDraft, SpanIx, SpanKind, SpanRef, Status, Trace,
    TraceBuilder,
};
pub use path::{Forest, Node, Section, Stretch, critical_path};
pub use strings::{StrId, Strings};
pub use time::{Micros, Time};
pub use tree::{Remark, Tree};
pub use value::{Attribute, Value};

#[cfg(test)]
mod tests;
