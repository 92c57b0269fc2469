//! The recorder over a simulated KTRDR and a virtual clock: hours pass in seconds, spans arrive when they end, and the result
//! is compared with the diagnosis of all traces at once.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod honesty;
#[path = "../support/hooked_store.rs"]
mod hooked_store;
mod model;
mod mortal;
mod simulated;
mod truth;
