//! What changed between two windows: the rules, the numbers that decide, and the measurement on recorded faults.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "tests end by panicking")]
#![allow(clippy::indexing_slicing, clippy::print_stdout, reason = "tests end by panicking; the measurement prints")]

mod build;
mod constants;
mod dataset;
mod faults;
mod formulas;
mod invariants;
mod measure;

mod recorded;
mod rules;
