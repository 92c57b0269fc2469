//! Answers from recorded operations: the same as those that all traces give, and honest about what was not read.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod changed;
mod corpus;
mod equal;
mod honest;
#[path = "../support/hooked_store.rs"]
mod hooked_store;
mod moving;
mod recorded;
#[allow(dead_code, reason = "not everything is needed here")]
#[path = "../recorder/simulated.rs"]
mod simulated;
mod single;
mod switched;
