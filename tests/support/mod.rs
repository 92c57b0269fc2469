//! Shared by the tests that need Go: Grafana's decoder, real Jaegers, and reading frames.

#![allow(dead_code, unreachable_pub, reason = "each test target uses its own part")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is test code, which clippy sees only in functions marked as tests"
)]

pub mod example_traces;
pub mod frame;
pub mod go;
pub mod grafana;
pub mod jaeger;
pub mod version_proxy;
