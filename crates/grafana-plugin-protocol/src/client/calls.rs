//! The calls that Grafana makes: queries, health checks, metrics, resources and live channels.

use std::collections::HashMap;

use serde_json::Value;
use tonic::{Request, Status, Streaming, codec::ProstCodec};

use super::{
    data_source::DataSource,
    error::ClientError,
    process::{PluginProcess, path, ready},
};
use crate::{
    messages::{QueryDataRequest, QueryDataResponse, v2},
    services::DATA_PATH,
};

impl PluginProcess {
    /// Sends queries (models with a `refId`) for a time range in milliseconds since 1970.
    ///
    /// # Errors
    /// If the call fails as a whole. If only one query fails, its answer has the error.
    pub async fn query(
        &self,
        source: &DataSource,
        range: (i64, i64),
        queries: Vec<Value>,
        headers: HashMap<String, String>,
    ) -> Result<QueryDataResponse, ClientError> {
        let queries =
            queries.into_iter().map(|model| data_query(&model, range, model.to_string().into_bytes())).collect();
        self.query_raw(QueryDataRequest { plugin_context: Some(source.query_context()), headers, queries }).await
    }

    /// Sends this request.
    ///
    /// # Errors
    /// If the call fails as a whole.
    pub async fn query_raw(&self, request: QueryDataRequest) -> Result<QueryDataResponse, ClientError> {
        self.query_request(Request::new(request)).await
    }

    /// Sends this request with its gRPC metadata, such as a timeout.
    ///
    /// # Errors
    /// If the call fails.
    pub async fn query_request(&self, request: Request<QueryDataRequest>) -> Result<QueryDataResponse, ClientError> {
        let mut grpc = ready(&self.channel).await?.max_decoding_message_size(usize::MAX);
        let codec = ProstCodec::<QueryDataRequest, QueryDataResponse>::default();
        Ok(grpc.unary(request, path(DATA_PATH), codec).await?.into_inner())
    }

    /// Checks the health of the data source, as *Save & test* does.
    ///
    /// # Errors
    /// If the call fails.
    pub async fn health(&self, source: &DataSource) -> Result<v2::CheckHealthResponse, ClientError> {
        let mut client = v2::diagnostics_client::DiagnosticsClient::new(self.channel.clone());
        let request = v2::CheckHealthRequest { plugin_context: Some(source.context()), headers: HashMap::new() };
        Ok(client.check_health(request).await?.into_inner())
    }

    /// The metrics of the plugin in the text format of Prometheus.
    ///
    /// # Errors
    /// If the call fails.
    pub async fn metrics(&self) -> Result<String, ClientError> {
        let mut client = v2::diagnostics_client::DiagnosticsClient::new(self.channel.clone());
        let answer = client.collect_metrics(v2::CollectMetricsRequest::default()).await?.into_inner();
        let text = answer.metrics.map(|payload| payload.prometheus).unwrap_or_default();
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Sends an HTTP request to the resources of the data source. `path` may have a query (`?…`).
    ///
    /// # Errors
    /// If the call fails.
    pub async fn resource(
        &self,
        source: &DataSource,
        method: &str,
        path: &str,
        body: bytes::Bytes,
    ) -> Result<v2::CallResourceResponse, ClientError> {
        let mut client = v2::resource_client::ResourceClient::new(self.channel.clone())
            .max_decoding_message_size(usize::MAX)
            .max_encoding_message_size(usize::MAX);
        let request = v2::CallResourceRequest {
            plugin_context: Some(source.context()),
            path: path.split('?').next().unwrap_or_default().to_owned(),
            method: method.to_owned(),
            url: path.to_owned(),
            headers: HashMap::new(),
            body,
        };
        let mut answers = client.call_resource(request).await?.into_inner();
        let first = answers.message().await?;
        first.ok_or_else(|| Status::internal("the resource sent no answer").into())
    }

    /// Subscribes to a live channel. `path` is the part of its name after `ds/<uid>/`.
    ///
    /// # Errors
    /// If the call fails.
    pub async fn subscribe(&self, source: &DataSource, path: &str) -> Result<v2::SubscribeStreamResponse, ClientError> {
        let mut client = v2::stream_client::StreamClient::new(self.channel.clone());
        let request = v2::SubscribeStreamRequest {
            plugin_context: Some(source.context()),
            path: path.to_owned(),
            data: bytes::Bytes::new(),
        };
        Ok(client.subscribe_stream(request).await?.into_inner())
    }

    /// Opens the stream of a live channel.
    ///
    /// # Errors
    /// If the call fails.
    pub async fn run_stream(
        &self,
        source: &DataSource,
        path: &str,
    ) -> Result<Streaming<v2::StreamPacket>, ClientError> {
        let mut client =
            v2::stream_client::StreamClient::new(self.channel.clone()).max_decoding_message_size(usize::MAX);
        let request = v2::RunStreamRequest {
            plugin_context: Some(source.context()),
            path: path.to_owned(),
            data: bytes::Bytes::new(),
        };
        Ok(client.run_stream(request).await?.into_inner())
    }

    /// Tries to publish into a live channel.
    ///
    /// # Errors
    /// If the call fails.
    pub async fn publish(&self, source: &DataSource, path: &str) -> Result<v2::PublishStreamResponse, ClientError> {
        let mut client = v2::stream_client::StreamClient::new(self.channel.clone());
        let request = v2::PublishStreamRequest {
            plugin_context: Some(source.context()),
            path: path.to_owned(),
            data: b"{}".to_vec(),
        };
        Ok(client.publish_stream(request).await?.into_inner())
    }

    /// Whether the plugin answers go-plugin's health check.
    ///
    /// # Errors
    /// If the call fails.
    pub async fn ping(&self) -> Result<bool, ClientError> {
        let mut client = tonic_health::pb::health_client::HealthClient::new(self.channel.clone());
        let request = tonic_health::pb::HealthCheckRequest { service: "plugin".to_owned() };
        Ok(client.check(request).await?.into_inner().status == 1)
    }
}

/// The message that Grafana sends for the model of a query.
#[must_use]
pub fn data_query(model: &Value, (from_epoch_ms, to_epoch_ms): (i64, i64), json: Vec<u8>) -> v2::DataQuery {
    let text = |key: &str| model.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |key: &str, or: i64| model.get(key).and_then(Value::as_i64).unwrap_or(or);
    v2::DataQuery {
        ref_id: text("refId"),
        max_data_points: number("maxDataPoints", 100),
        interval_ms: number("intervalMs", 1000),
        time_range: Some(v2::TimeRange { from_epoch_ms, to_epoch_ms }),
        json,
        query_type: text("queryType"),
    }
}
