//! Parts of a span with fixed values: kind, status, relation to its parent, and links.

use super::ids::{SpanId, TraceId};

/// What a span does in a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// Unknown.
    #[default]
    Unspecified,
    /// Work inside a process.
    Internal,
    /// Answers a request.
    Server,
    /// Sends a request.
    Client,
    /// Sends a message without waiting for its effect.
    Producer,
    /// Receives a message.
    Consumer,
}

impl SpanKind {
    /// The name in lower case, as Grafana's trace view expects it; empty if unknown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }

    /// Reads the names of both APIs and of the Python SDK (`server`, `SPAN_KIND_SERVER`, `SpanKind.SERVER`), in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let name = ["SPAN_KIND_", "SpanKind."].into_iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
        [Self::Internal, Self::Server, Self::Client, Self::Producer, Self::Consumer]
            .into_iter()
            .find(|kind| name.eq_ignore_ascii_case(kind.as_str()))
    }
}

/// The outcome of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Not set. Most spans of automatic instrumentation end well in this way.
    #[default]
    Unset,
    /// Explicitly successful.
    Ok,
    /// An error.
    Error,
}

/// The relation of a span to its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The parent usually waits for the span.
    ChildOf,
    /// The parent started the span and does not wait for it.
    FollowsFrom,
}

/// The parent of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its span id, in the same trace.
    pub span: SpanId,
    /// Whether the parent waits for the span.
    pub relation: Relation,
}

/// A reference to another span that is not its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The other span's trace.
    pub trace: TraceId,
    /// The other span.
    pub span: SpanId,
}
