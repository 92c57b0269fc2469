//! The real executable, started and queried as Grafana does it, with a Jaeger full of example traces.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "tests end by panicking")]
#![allow(clippy::indexing_slicing, reason = "tests end by panicking")]

mod culprits;
mod failures;
mod history;
mod history_answers;
mod http_gateway;
mod life;
mod live;
#[allow(dead_code, reason = "these tests use a part of it")]
#[path = "../../crates/store/tests/store/postgres.rs"]
mod postgres_server;
mod queries;
mod resources;
mod setup;
