//! The messages of `pluginv2.Data`, by the field numbers of Grafana's public `backend.proto`.

use std::collections::HashMap;

use bytes::Bytes;

use super::v2;

/// Who asks.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PluginContext {
    /// Organisation.
    #[prost(int64, tag = "1")]
    pub org_id: i64,
    /// Id of this plugin.
    #[prost(string, tag = "2")]
    pub plugin_id: String,
    /// The user; none for alert rules.
    #[prost(message, optional, tag = "3")]
    pub user: Option<v2::User>,
    /// The data source.
    #[prost(message, optional, tag = "5")]
    pub data_source_instance_settings: Option<v2::DataSourceInstanceSettings>,
    /// Grafana's own settings.
    #[prost(map = "string, string", tag = "6")]
    pub grafana_config: HashMap<String, String>,
    /// Version of this plugin.
    #[prost(string, tag = "7")]
    pub plugin_version: String,
    /// Grafana's name and version.
    #[prost(string, tag = "8")]
    pub user_agent: String,
}

/// Queries of one panel or rule.
#[derive(Clone, PartialEq, prost::Message)]
pub struct QueryDataRequest {
    /// Who asks.
    #[prost(message, optional, tag = "1")]
    pub plugin_context: Option<PluginContext>,
    /// Headers that came along.
    #[prost(map = "string, string", tag = "2")]
    pub headers: HashMap<String, String>,
    /// The queries.
    #[prost(message, repeated, tag = "3")]
    pub queries: Vec<v2::DataQuery>,
}

/// The answers.
#[derive(Clone, PartialEq, prost::Message)]
pub struct QueryDataResponse {
    /// By refId.
    #[prost(map = "string, message", tag = "1")]
    pub responses: HashMap<String, DataResponse>,
}

/// One answer.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DataResponse {
    /// Encoded frames.
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub frames: Vec<Bytes>,
    /// What went wrong; empty when nothing did.
    #[prost(string, tag = "2")]
    pub error: String,
    /// HTTP status.
    #[prost(int32, tag = "4")]
    pub status: i32,
    /// `plugin` or `downstream`.
    #[prost(string, tag = "5")]
    pub error_source: String,
}
