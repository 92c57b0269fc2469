//! The scenarios, family by family; [`table`] says what each is and what a diagnosis must find.

mod agent;
mod backtest;
mod broken;
mod download;
mod failures;
mod lifecycle;
mod refused;
mod seed;
mod table;
mod training;

pub(crate) use broken::giant;
pub use table::scenarios;
