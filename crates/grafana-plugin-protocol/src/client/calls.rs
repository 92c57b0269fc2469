//! The calls that Grafana makes.

use std::collections::HashMap;

use serde_json::Value;
use tonic::{Request, Status, Streaming, codec::ProstCodec};

use super::{
    data_source::DataSource,
    process::{Host, HostError, path, ready},
};
use crate::services::{DATA_PATH, QueryDataRequest, QueryDataResponse, v2};

impl Host {
    /// Asks queries (models with a `refId`) over a range in milliseconds.
    ///
    /// # Errors
    /// When the call fails as a whole; a query's own failure is in its answer.
    pub async fn query(
        &self,
        source: &DataSource,
        range: (i64, i64),
        queries: Vec<Value>,
        headers: HashMap<String, String>,
    ) -> Result<QueryDataResponse, HostError> {
        let queries =
            queries.into_iter().map(|model| data_query(&model, range, model.to_string().into_bytes())).collect();
        self.query_raw(QueryDataRequest { plugin_context: Some(source.query_context()), headers, queries }).await
    }

    /// Asks queries as they are.
    ///
    /// # Errors
    /// When the call fails as a whole.
    pub async fn query_raw(&self, request: QueryDataRequest) -> Result<QueryDataResponse, HostError> {
        self.query_request(Request::new(request)).await
    }

    /// Sends this request, with the metadata that it carries (such as how long its caller waits).
    ///
    /// # Errors
    /// When the call fails.
    pub async fn query_request(&self, request: Request<QueryDataRequest>) -> Result<QueryDataResponse, HostError> {
        let mut grpc = ready(&self.channel).await?.max_decoding_message_size(usize::MAX);
        let codec = ProstCodec::<QueryDataRequest, QueryDataResponse>::default();
        Ok(grpc.unary(request, path(DATA_PATH), codec).await?.into_inner())
    }

    /// "Save & test".
    ///
    /// # Errors
    /// When the call fails.
    pub async fn health(&self, source: &DataSource) -> Result<v2::CheckHealthResponse, HostError> {
        let mut client = v2::diagnostics_client::DiagnosticsClient::new(self.channel.clone());
        let request = v2::CheckHealthRequest { plugin_context: Some(source.context()), headers: HashMap::new() };
        Ok(client.check_health(request).await?.into_inner())
    }

    /// Its metrics as Prometheus text.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn metrics(&self) -> Result<String, HostError> {
        let mut client = v2::diagnostics_client::DiagnosticsClient::new(self.channel.clone());
        let answer = client.collect_metrics(v2::CollectMetricsRequest::default()).await?.into_inner();
        let text = answer.metrics.map(|payload| payload.prometheus).unwrap_or_default();
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// An HTTP request to the data source's resources; `path` may end in `?…`.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn resource(
        &self,
        source: &DataSource,
        method: &str,
        path: &str,
        body: bytes::Bytes,
    ) -> Result<v2::CallResourceResponse, HostError> {
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

    /// Subscribes to a live channel's path (what follows `ds/<uid>/`).
    ///
    /// # Errors
    /// When the call fails.
    pub async fn subscribe(&self, source: &DataSource, path: &str) -> Result<v2::SubscribeStreamResponse, HostError> {
        let mut client = v2::stream_client::StreamClient::new(self.channel.clone());
        let request = v2::SubscribeStreamRequest {
            plugin_context: Some(source.context()),
            path: path.to_owned(),
            data: bytes::Bytes::new(),
        };
        Ok(client.subscribe_stream(request).await?.into_inner())
    }

    /// Opens a live channel.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn run_stream(&self, source: &DataSource, path: &str) -> Result<Streaming<v2::StreamPacket>, HostError> {
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
    /// When the call fails.
    pub async fn publish(&self, source: &DataSource, path: &str) -> Result<v2::PublishStreamResponse, HostError> {
        let mut client = v2::stream_client::StreamClient::new(self.channel.clone());
        let request = v2::PublishStreamRequest {
            plugin_context: Some(source.context()),
            path: path.to_owned(),
            data: b"{}".to_vec(),
        };
        Ok(client.publish_stream(request).await?.into_inner())
    }

    /// go-plugin's ping.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn ping(&self) -> Result<bool, HostError> {
        let mut client = tonic_health::pb::health_client::HealthClient::new(self.channel.clone());
        let request = tonic_health::pb::HealthCheckRequest { service: "plugin".to_owned() };
        Ok(client.check(request).await?.into_inner().status == 1)
    }
}

/// A query in the envelope that Grafana puts around its model.
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
