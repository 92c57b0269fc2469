//! The real executable, started and called as Grafana does, with a Jaeger that holds the example traces.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "tests end by panicking")]
#![allow(clippy::indexing_slicing, reason = "tests end by panicking")]

mod failures;
mod front;
mod life;
mod live;
mod queries;
mod resources;
mod stand;
