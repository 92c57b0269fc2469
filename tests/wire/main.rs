//! The real executable, started and asked as Grafana does it.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "tests end by panicking")]

mod life;
mod stand;
