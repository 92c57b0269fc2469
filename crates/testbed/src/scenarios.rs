//! The scenarios. Each module generates the scenarios of one subject; [`table`] lists all of them with what a diagnosis must
//! find.

mod agent;
mod backtest;
mod broken;
mod download;
mod everyday;
mod failures;
mod lifecycle;
mod planned;
mod refused;
mod table;
mod training;

pub(crate) use broken::giant;
pub(crate) use everyday::{Work, work};
pub use table::scenarios;
