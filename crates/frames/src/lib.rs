//! Turns diagnoses into Grafana's data frames.
//!
//! A frame is a table with metadata for Grafana, such as units, colours, links and the panel that shows it. It is built
//! from Arrow arrays and sent as an Arrow IPC file. Columns have the names of the [record](diagnosis::Diagnosis), and
//! lists are JSON columns.

#![forbid(unsafe_code)]

mod annotations;
mod config;
mod culprits;
mod display;
mod field;
mod frame;
mod json;
mod lists;
mod measure;
mod metric;
mod node_graph;
mod record;
mod trace_view;

#[cfg(test)]
mod tests;

pub use ::diagnosis::{Buckets, GroupBy, Measure};
pub use annotations::annotations;
pub use config::{Color, Config, DataLink, InternalLink, MappedValue, Mapping};
pub use culprits::{CULPRIT_SCORE, culprit_score, culprits};
pub use display::{DASHBOARD_UID, PANEL_ID, PLUGIN_ID, Source};
pub use field::Field;
pub use frame::{EncodeError, Frame, Meta, Notice, NoticeSeverity, is_accepted};
pub use json::to_json;
pub use lists::{View, lists};
pub use metric::{numeric, timeseries};
pub use node_graph::service_map;
pub use record::{diagnosis, operations};
pub use trace_view::{MAX_TRACE_SPANS, trace_view};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
