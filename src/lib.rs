//! Diagnoses operations of KTRDR from their Jaeger traces.
//!
//! Data flows one way through these rooms; none reaches back:
//!
//! 1. [`jaeger`] talks HTTP and decodes answers into [`trace::Trace`]s,
//! 2. [`trace`] knows spans, their tree and their critical path,
//! 3. [`diagnosis`] finds operations and applies the [`playbook`],
//! 4. [`investigate`] plans what to ask and puts 1 to 3 together for a question,
//! 5. [`frames`] turns answers into Grafana's data frames,
//! 6. [`plugin`] and [`cli`] are the two doors.
//!
//! [`corpus`] makes example traces for the demo and the tests, and [`host`] starts the plugin as Grafana does.

#![forbid(unsafe_code)]

pub mod cli;
pub mod corpus;
pub mod diagnosis;
pub mod frames;
pub mod host;
pub mod investigate;
pub mod jaeger;
pub mod playbook;
pub mod plugin;
pub mod trace;
