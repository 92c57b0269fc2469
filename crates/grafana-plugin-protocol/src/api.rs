//! What a plugin implements: the trait [`Backend`] with its requests and answers.
//!
//! These types are independent of gRPC and of Grafana's messages. The crate translates between the two, so a plugin
//! never depends on the version of the protocol.

use std::{collections::BTreeMap, fmt, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::Stream;

/// A text that must not be shown: it has no `Display`, and its `Debug` output hides it.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Use it only to send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The basic role of a user in Grafana. Unknown roles have the fewest permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// No basic role, or an unknown one.
    #[default]
    None,
    /// May view dashboards.
    Viewer,
    /// May also change dashboards.
    Editor,
    /// May change everything.
    Admin,
}

impl Role {
    /// Parses the name of a role, ignoring case.
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

/// The configuration of a data source as Grafana sends it. Its settings are not parsed yet.
#[derive(Clone, Debug, Default)]
pub struct Instance {
    /// Its unique id.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Its URL.
    pub url: String,
    /// User name for basic authentication, if it is enabled.
    pub basic_auth_user: Option<String>,
    /// The other settings, as JSON.
    pub json: Vec<u8>,
    /// The secret settings.
    pub secrets: BTreeMap<String, Secret>,
    /// Time of the last change, in milliseconds since 1970.
    pub updated_ms: i64,
}

/// Who sends a request, and to which data source.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// Id of the organisation.
    pub org_id: i64,
    /// Role of the user; [`Role::None`] for alert rules.
    pub role: Role,
    /// The data source.
    pub instance: Instance,
    /// Headers of the request, by lower-case name.
    pub headers: BTreeMap<String, Secret>,
    /// How long the caller waits for an answer; `None` if it does not set a limit.
    pub timeout: Option<Duration>,
}

impl Caller {
    /// The value of a header. `name` must be in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(Secret::expose)
    }

    /// Whether an alert rule sends the request.
    #[must_use]
    pub fn is_alert(&self) -> bool {
        self.header("fromalert").is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// A time range in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryRange {
    /// Start.
    pub from_ms: i64,
    /// End.
    pub to_ms: i64,
}

/// One query of a panel, an alert rule or Explore, before its model is parsed.
#[derive(Clone, Debug, Default)]
pub struct RawQuery {
    /// Id of the query within its request, such as `A`.
    pub ref_id: String,
    /// Query type outside of the model. The model may have one too.
    pub query_type: String,
    /// The model of the query, as JSON.
    pub json: Vec<u8>,
    /// Time range of the dashboard.
    pub range: Option<QueryRange>,
    /// Requested interval between two points.
    pub interval: Duration,
    /// Maximum number of points.
    pub max_points: i64,
}

/// Where a failure comes from. Grafana counts the two separately in its metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorSource {
    /// The request, or a service that the plugin depends on.
    Downstream,
    /// The plugin itself.
    Plugin,
}

impl ErrorSource {
    /// Name of the source in Grafana's messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Downstream => "downstream",
            Self::Plugin => "plugin",
        }
    }
}

/// Why a query or a request was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// HTTP status.
    pub status: u16,
    /// What failed and what to try.
    pub message: String,
    /// Where the failure comes from.
    pub error_source: ErrorSource,
}

impl Failure {
    /// The request is not valid (HTTP status 400).
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::downstream(400, message)
    }

    /// The request or another service is the reason.
    #[must_use]
    pub fn downstream(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), error_source: ErrorSource::Downstream }
    }

    /// The plugin has a bug (HTTP status 500).
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self { status: 500, message: message.into(), error_source: ErrorSource::Plugin }
    }
}

/// The answer to a query: data frames, each encoded as an Arrow IPC file.
pub type Frames = Vec<Bytes>;

/// What *Save & test* shows.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthResult {
    /// Whether the data source works.
    pub ok: bool,
    /// One or two sentences.
    pub message: String,
    /// A JSON object with details. Grafana shows its `verboseMessage` on request.
    pub details: serde_json::Value,
}

/// An HTTP request to the resources of a data source.
#[derive(Clone, Debug, Default)]
pub struct ResourceRequest {
    /// HTTP method.
    pub method: String,
    /// Path without a leading slash.
    pub path: String,
    /// Query string without the question mark.
    pub query: String,
    /// Body.
    pub body: Bytes,
}

/// The answer to a [`ResourceRequest`]. Its body is always JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceReply {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: serde_json::Value,
}

/// The answer to a subscription to a live channel.
#[derive(Clone, Debug, PartialEq)]
pub enum Subscription {
    /// The channel exists. The current frame as JSON, if it is available.
    Ok(Option<Vec<u8>>),
    /// The channel does not exist.
    NotFound,
}

/// The frames of a live channel as JSON.
pub type LiveStream = Pin<Box<dyn Stream<Item = Result<Vec<u8>, Failure>> + Send>>;

/// What a plugin does. A panic while it answers a query, a health check or a resource request fails only that call.
#[tonic::async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Answers one query.
    async fn query(&self, caller: Arc<Caller>, query: RawQuery) -> Result<Frames, Failure>;
    /// Checks whether the data source works.
    async fn health(&self, caller: Arc<Caller>) -> HealthResult;
    /// The plugin's own metrics in the text format of Prometheus.
    async fn metrics(&self) -> String;
    /// Answers an HTTP request to the data source's resources.
    async fn resource(&self, caller: Arc<Caller>, request: ResourceRequest) -> ResourceReply;
    /// Whether a live channel with this path exists.
    async fn subscribe(&self, caller: Arc<Caller>, path: String) -> Subscription;
    /// The frames of a live channel.
    fn follow(&self, caller: Arc<Caller>, path: String) -> LiveStream;
    /// Ends what the plugin does beside answering calls. Called once, when the plugin is to stop; Grafana kills it two
    /// seconds later.
    async fn stop(&self);
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
    fn unknown_roles_have_the_fewest_permissions() {
        for (text, role) in [("Admin", Role::Admin), ("editor", Role::Editor), ("None", Role::None), ("", Role::None)] {
            assert_eq!(Role::parse(text), role);
        }
        assert!(Role::None < Role::Viewer && Role::Viewer < Role::Editor);
    }
}
