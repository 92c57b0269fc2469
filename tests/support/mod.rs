//! What the tests that need Go share: Grafana's decoder, real Jaegers, and reading the frames that came out.

#![allow(dead_code, unreachable_pub, reason = "each test target uses its own part")]

pub mod dressed;
pub mod frame;
pub mod go;
pub mod grafana;
pub mod jaeger;
pub mod story;
