//! `ktrdr-diagnose watch`, and `--store` of the other commands, through the real executable.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy knows test code only in functions marked as tests"
)]
#![allow(clippy::float_cmp, reason = "the numbers of metrics are whole where they are compared exactly")]

mod answers;
mod failures;
mod metrics;
mod postgres;
mod process;
mod recording;

#[allow(dead_code, reason = "these tests use a part of it")]
#[path = "../../crates/store/tests/store/postgres.rs"]
mod postgres_server;
