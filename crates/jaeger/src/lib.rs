//! A client for both of Jaeger's query APIs, and a decoder that turns answers and files into traces. This crate does not
//! know KTRDR or Grafana.
//!
//! The client prefers the legacy API (`/api/traces`: Jaeger up to v2.20, `VictoriaTraces`, `GreptimeDB`, Quickwit), because
//! it can filter by attributes everywhere. It uses `/api/v3/traces` for servers that no longer have the legacy API. It
//! probes which API a server offers and never concludes it from a version.

#![forbid(unsafe_code)]

mod answer;
mod client;
mod clock;
mod config;
mod connection;
mod decode;
mod dns;
mod error;
mod http;
mod matching;
mod reply;
mod retry;
mod search;
mod server;
mod stats;

pub use client::{Client, ServerInfo};
pub use clock::ServerClock;
pub use config::{Auth, Config, Secret, Tls};
pub use decode::{DecodeError, Decoded, LeftOut, Reason, decode};
pub use dns::HostResolver;
pub use error::{Error, ErrorKind};
pub use search::{abbreviated_list, merge};
pub use stats::{DURATION_BUCKETS, Snapshot, Stats};

use trace::{Micros, Time, Trace};

/// Which of Jaeger's query APIs a server offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `/api/traces`: v1.35 to v2.20.
    Legacy,
    /// `/api/v3/traces`: v2.19 and later.
    V3,
}

/// Whether Jaeger adjusts traces before it returns them: it sorts attributes, drops copies of spans, gives spans with a
/// shared id new ids and, if configured, corrects clock skew. The decoder does what it needs of this itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TraceForm {
    /// Adjusted, as in Jaeger's user interface.
    #[default]
    Adjusted,
    /// As the storage has it. This is less work for Jaeger, and its version 2 may damage traces that it adjusts for several
    /// requests at the same time. Servers without this form (searches before v1.65 and v2.2) return adjusted traces.
    Raw,
}

/// What to search for. One span must match all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Search {
    /// The service; `None` searches all services, one by one if the server requires a service.
    pub service: Option<String>,
    /// The exact name of the span.
    pub operation: Option<String>,
    /// Exact attributes, with their values as text.
    pub attributes: Vec<(String, String)>,
    /// Start of the window.
    pub from: Time,
    /// End of the window.
    pub to: Time,
    /// The shortest duration of the span.
    pub min_duration: Option<Micros>,
    /// The longest duration of the span.
    pub max_duration: Option<Micros>,
    /// The largest number of traces to return, 1 to 1000.
    pub limit: usize,
    /// In which form to return traces.
    pub form: TraceForm,
}

/// The result of a search.
#[derive(Clone, Debug, Default)]
pub struct SearchResult {
    /// The traces, newest first.
    pub traces: Vec<Trace>,
    /// Whether there may be more traces: the limit was reached, or not all services were searched.
    pub truncated: bool,
    /// Whether Jaeger returned as many traces as the limit allows, so there may be more. A search of a shorter time range
    /// finds them; a larger limit may not.
    pub limit_reached: bool,
    /// Whether something is missing for another reason: spans that cannot be read, or errors beside the traces.
    pub partial: bool,
    /// What was left out or not searched, for people.
    pub notes: Vec<String>,
    /// The requested URLs, without credentials.
    pub asked: Vec<String>,
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
