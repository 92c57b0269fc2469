//! The rules of the playbook, each by a trace in which it applies, and what holds for every answer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::format_collect,
    clippy::float_cmp,
    reason = "tests"
)]

mod baseline;
mod cases;
mod durations;
mod errors;
#[cfg(debug_assertions)]
mod growth;
mod incomplete;
mod laws;
mod origins;
mod pairs;
mod path;
mod picture;
mod properties;
mod related;
mod review;
mod scenes;
mod size;
mod table;
mod words;
