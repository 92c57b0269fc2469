//! The trace room: what a trace is, its tree and its critical path. Pure: no I/O, no clock, nothing of KTRDR or Grafana.

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
pub use path::{Forest, Node, Section, Stretch, critical_path};
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
