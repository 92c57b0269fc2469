//! The protocol between Grafana and its backend plugins, for plugins that are written in Rust.
//!
//! Grafana starts a plugin as a process of its own (hashicorp/go-plugin), reads one line from its standard output, and
//! then calls gRPC services. This crate has both sides: [`go_plugin::serve`] serves a [`Backend`](api::Backend) to
//! Grafana, and [`client`] starts a plugin and calls it, as Grafana does, for tests.
//!
//! The messages come from `grafana-plugin-sdk`. Three things are added: the fields of `QueryData` that the SDK lacks,
//! limits and deadlines of requests, and an orderly stop.

pub mod api;
pub mod client;
pub mod go_plugin;
pub mod services;
