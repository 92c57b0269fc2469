//! Grafana's messages.
//!
//! Those of `pluginv2.Data` are defined here with the field numbers of Grafana's public `backend.proto`, because the SDK's
//! lack the source of an error. All others are the SDK's ([`v2`]).

use std::collections::HashMap;

use bytes::Bytes;

pub use grafana_plugin_sdk::pluginv2 as v2;

/// Who sends a request, and to which data source.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PluginContext {
    /// Id of the organisation.
    #[prost(int64, tag = "1")]
    pub org_id: i64,
    /// Id of this plugin.
    #[prost(string, tag = "2")]
    pub plugin_id: String,
    /// The user; `None` for alert rules.
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

/// The queries of one panel or alert rule.
#[derive(Clone, PartialEq, prost::Message)]
pub struct QueryDataRequest {
    /// Who sends the request, and to which data source.
    #[prost(message, optional, tag = "1")]
    pub plugin_context: Option<PluginContext>,
    /// Headers of the request.
    #[prost(map = "string, string", tag = "2")]
    pub headers: HashMap<String, String>,
    /// The queries.
    #[prost(message, repeated, tag = "3")]
    pub queries: Vec<v2::DataQuery>,
}

/// The answers to the queries of a request.
#[derive(Clone, PartialEq, prost::Message)]
pub struct QueryDataResponse {
    /// Answers by `refId`.
    #[prost(map = "string, message", tag = "1")]
    pub responses: HashMap<String, DataResponse>,
}

/// The answer to one query.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DataResponse {
    /// Data frames, each encoded as an Arrow IPC file.
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub frames: Vec<Bytes>,
    /// Error message; empty without an error.
    #[prost(string, tag = "2")]
    pub error: String,
    /// HTTP status.
    #[prost(int32, tag = "4")]
    pub status: i32,
    /// `plugin` or `downstream`.
    #[prost(string, tag = "5")]
    pub error_source: String,
}
