//! Fills a store with the operations of one Jaeger, so that questions need not ask Jaeger.
//!
//! An operation that has ended hardly ever changes. The recorder therefore reads each one once, judges it once and keeps it.
//! Jaeger filters by the start of a span, but a span arrives only after its end. So there are two marks: everything that
//! started before the *live edge* was asked for once, and everything that started before the *watermark* was asked for again
//! after it had settled. Behind the watermark nothing is missing except reported gaps.
//!
//! `plan` decides what to do next. It is pure: coverage, clock and results in, a task out. `read` sends the searches of
//! a task, `judge` turns traces into operations to store, and `run` connects them: every task ends in one commit, so a
//! recorder that is killed resumes where the last commit left off. `budget` limits the rate of requests.

mod budget;
mod handle;
mod hash;
mod judge;
mod limits;
mod metrics;
mod open;
mod plan;
mod read;
mod run;
mod source;
mod status;
mod surroundings;

pub use budget::{Budget, Paced};
pub use handle::Handle;
pub use hash::playbook_hash;
pub use metrics::{Observed, write_metrics};
pub use read::can_record;
pub use run::{Clock, Options, Recorder, SystemClock};
pub use source::{JaegerSource, Source, SourceError};
pub use status::{Activity, Status};
