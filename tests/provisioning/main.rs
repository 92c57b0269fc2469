//! The dashboards, alert rules and data sources in `provisioning/`: their files and their queries.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "tests end by panicking")]
#![allow(clippy::indexing_slicing, reason = "tests end by panicking")]

mod alerting;
mod dashboards;
mod files;
mod links;
mod queries;

#[path = "../support/mod.rs"]
mod support;
