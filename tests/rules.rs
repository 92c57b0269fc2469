//! The rules of the playbook, each by a trace in which it applies, and what holds for every answer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::format_collect,
    reason = "tests"
)]

#[path = "rules/baseline.rs"]
mod baseline;
#[path = "rules/cases.rs"]
mod cases;
#[path = "rules/durations.rs"]
mod durations;
#[path = "rules/errors.rs"]
mod errors;
#[cfg(debug_assertions)]
#[path = "rules/growth.rs"]
mod growth;
#[path = "rules/incomplete.rs"]
mod incomplete;
#[path = "rules/laws.rs"]
mod laws;
#[path = "rules/origins.rs"]
mod origins;
#[path = "rules/pairs.rs"]
mod pairs;
#[path = "rules/path.rs"]
mod path;
#[path = "rules/picture.rs"]
mod picture;
#[path = "rules/properties.rs"]
mod properties;
#[path = "rules/related.rs"]
mod related;
#[path = "rules/review.rs"]
mod review;
#[path = "rules/scenes.rs"]
mod scenes;
#[path = "rules/size.rs"]
mod size;
#[path = "rules/table.rs"]
mod table;
#[path = "rules/words.rs"]
mod words;
