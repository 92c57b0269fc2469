#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod api;
pub mod client;
mod go_plugin;
mod services;

pub use go_plugin::{ServeError, serve, started_by_grafana};
pub use services::messages;
