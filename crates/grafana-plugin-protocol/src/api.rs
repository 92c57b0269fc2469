//! What Grafana asks of the plugin, free of the wire's types.

use std::{collections::BTreeMap, fmt, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::Stream;

/// A text that must not be seen: it has no `Display`, and `Debug` shows none of it.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one who sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a user may do. Grafana also knows users without any role, and may learn new ones: those may the least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// No basic role, or one that is not known here.
    #[default]
    None,
    /// Looks.
    Viewer,
    /// Changes dashboards.
    Editor,
    /// Changes everything.
    Admin,
}

impl Role {
    /// Reads Grafana's word, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "viewer" => Self::Viewer,
            "editor" => Self::Editor,
            "admin" | "grafana admin" => Self::Admin,
            _ => Self::None,
        }
    }
}

/// A data source as it was configured, before anything of it is understood.
#[derive(Clone, Debug, Default)]
pub struct Instance {
    /// Its uid.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Address of Jaeger.
    pub url: String,
    /// User name of basic authentication, when that is on.
    pub basic_auth_user: Option<String>,
    /// The other settings (JSON).
    pub json: Vec<u8>,
    /// The secret settings.
    pub secrets: BTreeMap<String, Secret>,
    /// When it was changed last (ms since the epoch).
    pub updated_ms: i64,
}

/// Who asks, of which data source.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// Organisation.
    pub org_id: i64,
    /// What the user may do; none for alert rules.
    pub role: Role,
    /// The data source.
    pub instance: Instance,
    /// Headers that came along, by lower-case name.
    pub headers: BTreeMap<String, Secret>,
    /// How long the caller waits for an answer; `None` when it did not say.
    pub timeout: Option<Duration>,
}

impl Caller {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(Secret::reveal)
    }

    /// Whether an alert rule asks.
    #[must_use]
    pub fn is_alert(&self) -> bool {
        self.header("fromalert").is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// A range of time as Grafana sends it, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryRange {
    /// Start.
    pub from_ms: i64,
    /// End.
    pub to_ms: i64,
}

/// One query of a panel, an alert rule or Explore.
#[derive(Clone, Debug, Default)]
pub struct RawQuery {
    /// What the answer is filed under.
    pub ref_id: String,
    /// Query type as the envelope tells it; the model may tell it too.
    pub query_type: String,
    /// The model.
    pub json: Vec<u8>,
    /// The dashboard's range.
    pub range: Option<QueryRange>,
    /// Wanted distance of points.
    pub interval: Duration,
    /// Wanted number of points.
    pub max_points: i64,
}

/// Whose fault a failure is, for Grafana's own metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorSource {
    /// The user's or Jaeger's.
    Downstream,
    /// Ours.
    Plugin,
}

impl ErrorSource {
    /// Grafana's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Downstream => "downstream",
            Self::Plugin => "plugin",
        }
    }
}

/// Why a question was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// HTTP status.
    pub status: u16,
    /// What went wrong and what to do.
    pub message: String,
    /// Whose fault it is.
    pub source_of: ErrorSource,
}

impl Failure {
    /// The user asked for something that cannot be.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::downstream(400, message)
    }

    /// The user's or Jaeger's fault.
    #[must_use]
    pub fn downstream(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), source_of: ErrorSource::Downstream }
    }

    /// Our fault.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self { status: 500, message: message.into(), source_of: ErrorSource::Plugin }
    }
}

/// The encoded frames that answer a query.
pub type Frames = Vec<Bytes>;

/// What the button "Save & test" shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// Whether it works.
    pub ok: bool,
    /// One or two sentences.
    pub message: String,
    /// An object with more; `verboseMessage` can be unfolded.
    pub details: serde_json::Value,
}

/// An HTTP request to the data source's own resources.
#[derive(Clone, Debug, Default)]
pub struct ResourceRequest {
    /// `GET`, `POST` …
    pub method: String,
    /// Path without leading slash.
    pub path: String,
    /// What follows the question mark.
    pub query: String,
    /// Body.
    pub body: Bytes,
}

/// Its answer: always JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceReply {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: serde_json::Value,
}

/// Whether a live channel can be followed.
#[derive(Clone, Debug, PartialEq)]
pub enum Subscription {
    /// Yes; the frame as it is now, if at hand.
    Ok(Option<Vec<u8>>),
    /// There is no such channel.
    NotFound,
}

/// Frames as JSON, until the operation ends.
pub type LiveStream = Pin<Box<dyn Stream<Item = Result<Vec<u8>, Failure>> + Send>>;

/// What the plugin offers to Grafana. The wire calls it; it never sees the wire.
#[tonic::async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Answers one query.
    async fn query(&self, caller: Arc<Caller>, query: RawQuery) -> Result<Frames, Failure>;
    /// Tries the data source.
    async fn health(&self, caller: Arc<Caller>) -> Health;
    /// The plugin's own metrics as Prometheus text.
    fn metrics(&self) -> String;
    /// Answers an HTTP request.
    async fn resource(&self, caller: Arc<Caller>, request: ResourceRequest) -> ResourceReply;
    /// Whether a live channel of this path exists.
    async fn subscribe(&self, caller: Arc<Caller>, path: String) -> Subscription;
    /// The frames of a live channel.
    fn follow(&self, caller: Arc<Caller>, path: String) -> LiveStream;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let mut caller = Caller::default();
        caller.headers.insert("authorization".into(), Secret::new("hunter2"));
        caller.instance.secrets.insert("basicAuthPassword".into(), Secret::new("hunter2"));
        let text = format!("{caller:?}");
        assert!(!text.contains("hunter2") && text.contains("authorization"), "{text}");
    }

    #[test]
    fn unknown_roles_may_the_least() {
        for (text, role) in [("Admin", Role::Admin), ("editor", Role::Editor), ("None", Role::None), ("", Role::None)] {
            assert_eq!(Role::parse(text), role);
        }
        assert!(Role::None < Role::Viewer && Role::Viewer < Role::Editor);
    }
}
