//! Every PromQL expression of the dashboards, alert rules and examples, held against Prometheus's own tools and against a
//! real Prometheus that scrapes the simulated deployment. Needs Debian's package `prometheus`; without it the tests that
//! need it say so and are skipped, but never in CI.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "tests end by panicking")]
#![allow(clippy::indexing_slicing, reason = "tests end by panicking")]

mod answers;
mod expressions;
mod form;
mod selectors;
mod tools;
