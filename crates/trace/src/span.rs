//! What a span says of itself beside its attributes: kind, status, relation to its parent, links.

use super::ids::{SpanId, TraceId};

/// What a span does in a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// Not said.
    #[default]
    Unspecified,
    /// Work inside a process.
    Internal,
    /// Answers a request.
    Server,
    /// Sends a request.
    Client,
    /// Hands over a message without waiting for its effect.
    Producer,
    /// Takes a message.
    Consumer,
}

impl SpanKind {
    /// Lower-case name as Grafana's trace view wants it; empty when not said.
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

/// What a span says of its outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nothing said: how most spans of automatic instrumentation end well.
    #[default]
    Unset,
    /// Explicitly good.
    Ok,
    /// An error.
    Error,
}

/// How a span hangs on its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The parent (usually) waits for it.
    ChildOf,
    /// Started by the parent, which does not wait for it.
    FollowsFrom,
}

/// The parent of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its span id, in the same trace.
    pub span: SpanId,
    /// Whether it waits.
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
