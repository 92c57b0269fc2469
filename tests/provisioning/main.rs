//! What `provisioning/` gives Grafana: dashboards, alert rules and data sources, as files and as what they ask.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "tests end by panicking")]
#![allow(clippy::indexing_slicing, reason = "tests end by panicking")]

mod alerting;
mod dashboards;
mod files;
mod links;
mod queries;

#[path = "../support/mod.rs"]
mod support;
