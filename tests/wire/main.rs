//! The real executable, started and asked as Grafana does it, over a Jaeger that holds a bad day of KTRDR.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "tests end by panicking")]
#![allow(clippy::indexing_slicing, reason = "tests end by panicking")]

mod failures;
mod front;
mod life;
mod live;
mod queries;
mod resources;
mod stand;
