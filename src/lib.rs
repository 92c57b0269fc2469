//! Diagnoses operations of a distributed system from their Jaeger traces: the Grafana data source plugin and the command
//! line tool.
//!
//! The crates below this one hold what needs neither Grafana nor a terminal; data flows through them in one direction:
//!
//! 1. [`jaeger`] talks HTTP and decodes answers into [`trace::Trace`]s,
//! 2. [`trace`] knows spans, their tree and their critical path,
//! 3. [`diagnosis`] finds operations and applies the [playbook](diagnosis::playbook),
//! 4. [`frames`] turns answers into Grafana's data frames,
//! 5. [`grafana_plugin_protocol`] speaks with Grafana.
//!
//! This crate puts them together: [`investigate`] plans what to ask Jaeger and answers one question, [`recorder`] keeps
//! operations in a [`store`], from which [`history`] answers, and [`plugin`] and [`cli`] are the two interfaces to it.

#![forbid(unsafe_code)]

pub mod cli;
pub mod history;
pub mod investigate;
pub mod plugin;
pub mod recorder;
mod when;
