//! A client for both dialects of Jaeger's query API, and a decoder that turns answers and files into traces. This crate
//! does not know KTRDR or Grafana.
//!
//! Legacy (`/api/traces`: up to v2.20, `VictoriaTraces`, `GreptimeDB`, Quickwit) is used where it is there: it can filter by
//! attributes everywhere. `/api/v3/traces` is for servers that no longer have it. What a server speaks is probed, never
//! read from a version.

#![forbid(unsafe_code)]

mod client;
mod config;
mod decode;
mod dns;
mod error;
mod http;
mod matching;
mod reply;
mod search;
mod server;
mod stats;

pub use client::{Client, ServerInfo};
pub use config::{Auth, Config, Secret, Tls};
pub use decode::{DecodeError, Decoded, LeftOut, Reason, decode};
pub use dns::HostResolver;
pub use error::{Error, ErrorKind};
pub use search::{abbreviated_list, merge};
pub use stats::{DURATION_BUCKETS, Snapshot, Stats};

use trace::{Micros, Time, Trace};

/// Which of Jaeger's APIs a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `/api/traces`: v1.35 to v2.20.
    Legacy,
    /// `/api/v3/traces`: v2.19 and later.
    V3,
}

/// What to search for; all attributes on one span.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Search {
    /// Only this service; `None` asks all (bounded fan-out where the server wants a service).
    pub service: Option<String>,
    /// Exact name of a span.
    pub operation: Option<String>,
    /// Exact attributes, value as text.
    pub attributes: Vec<(String, String)>,
    /// Start of the window.
    pub from: Time,
    /// End of the window.
    pub to: Time,
    /// Shortest duration of the matching span.
    pub min_duration: Option<Micros>,
    /// Longest duration of the matching span.
    pub max_duration: Option<Micros>,
    /// Most traces wanted, 1 to 1000.
    pub limit: usize,
}

/// An answer to a search.
#[derive(Clone, Debug, Default)]
pub struct SearchResult {
    /// The traces, newest first.
    pub traces: Vec<Trace>,
    /// Whether there may be more than were given.
    pub truncated: bool,
    /// Whether something is missing for another reason: spans that cannot be read, errors beside the traces.
    pub partial: bool,
    /// What was cut or not asked, for people.
    pub notes: Vec<String>,
    /// The addresses that were asked, without credentials.
    pub asked: Vec<String>,
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
