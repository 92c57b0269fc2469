//! Inputs from public bug reports, and similar ones, through the real command line. The files are in
//! `tests/public-cases`; a comment or name cites the report.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy knows test code only in functions marked as tests"
)]

#[path = "../fake/mod.rs"]
mod fake;

mod command;
mod forms;
mod ids;
mod jaeger;
mod texts;
mod times;
