//! The jaeger room: talks HTTP in both dialects of Jaeger's query API and decodes answers into traces. It knows nothing
//! of KTRDR or Grafana.

mod decode;

pub use decode::{DecodeError, decode};

use crate::trace::{Micros, Time, Trace, TraceId};

/// How to reach a Jaeger.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Base address with its path, such as `http://jaeger:16686/jaeger`.
    pub url: String,
}

/// One Jaeger.
#[derive(Clone, Debug)]
pub struct Client {}

/// Why Jaeger gave no usable answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("placeholder")]
pub struct Error {}

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
    /// Most traces wanted, at least 1.
    pub limit: usize,
}

/// An answer to a search.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The traces, newest first.
    pub traces: Vec<Trace>,
    /// Whether there may be more than were given.
    pub truncated: bool,
    /// What was cut or not asked, for people.
    pub notes: Vec<String>,
}

impl Client {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// When the address or a certificate cannot be used.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let _ = config;
        Ok(Self {})
    }

    /// Searches for traces.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn search(&self, search: &Search) -> Result<Found, Error> {
        let _ = search;
        Ok(Found::default())
    }

    /// One trace by id; `None` when there is none.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn trace(&self, id: TraceId) -> Result<Option<Trace>, Error> {
        let _ = id;
        Ok(None)
    }
}
