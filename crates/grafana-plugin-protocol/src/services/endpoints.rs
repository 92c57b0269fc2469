//! `pluginv2.Diagnostics`, `Resource` and `Stream`, based on the servers that the SDK generates.
//!
//! This module implements the generated traits and not the SDK's own traits: those reject users without a role and write
//! complete requests, including secrets, to the log.

use std::{
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt, Stream, StreamExt, stream};
use tonic::{Request, Response, Status};

use super::{MAX_REQUEST, MAX_RESOURCE_REQUEST, messages::v2, timeout};
use crate::api::{
    Backend, Caller, HealthResult, Instance, QueryRange, RawQuery, ResourceReply, ResourceRequest, Role, Secret,
    Subscription,
};
use crate::go_plugin::StopSignal;

type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The gRPC services for diagnostics, resources and streams.
#[derive(Debug)]
pub(crate) struct Services<B> {
    backend: Arc<B>,
    stop: StopSignal,
}

impl<B> Clone for Services<B> {
    fn clone(&self) -> Self {
        Self { backend: Arc::clone(&self.backend), stop: self.stop.clone() }
    }
}

impl<B: Backend> Services<B> {
    /// Passes requests to this backend. Streams end on `stop`.
    #[must_use]
    pub(crate) fn new(backend: Arc<B>, stop: StopSignal) -> Self {
        Self { backend, stop }
    }

    /// `pluginv2.Diagnostics`.
    #[must_use]
    pub(crate) fn diagnostics(&self) -> v2::diagnostics_server::DiagnosticsServer<Self> {
        v2::diagnostics_server::DiagnosticsServer::new(self.clone()).max_decoding_message_size(MAX_REQUEST)
    }

    /// `pluginv2.Resource`.
    #[must_use]
    pub(crate) fn resource(&self) -> v2::resource_server::ResourceServer<Self> {
        v2::resource_server::ResourceServer::new(self.clone())
            .max_decoding_message_size(MAX_RESOURCE_REQUEST)
            .max_encoding_message_size(usize::MAX)
    }

    /// `pluginv2.Stream`.
    #[must_use]
    pub(crate) fn stream(&self) -> v2::stream_server::StreamServer<Self> {
        v2::stream_server::StreamServer::new(self.clone()).max_decoding_message_size(MAX_REQUEST)
    }
}

/// The caller of a request. Grafana sends some headers as `Authorization` and most as `http_X-Dashboard-Uid`.
pub(super) fn caller(
    org_id: i64,
    user: Option<v2::User>,
    settings: Option<v2::DataSourceInstanceSettings>,
    headers: impl Iterator<Item = (String, String)>,
    timeout: Option<Duration>,
) -> Caller {
    let name = |name: String| name.strip_prefix("http_").unwrap_or(&name).to_ascii_lowercase();
    Caller {
        org_id,
        role: user.map(|user| Role::parse(&user.role)).unwrap_or_default(),
        instance: settings.map(instance).unwrap_or_default(),
        headers: headers.map(|(key, value)| (name(key), Secret::new(value))).collect(),
        timeout,
    }
}

fn instance(settings: v2::DataSourceInstanceSettings) -> Instance {
    let secrets = settings.decrypted_secure_json_data.into_iter();
    Instance {
        uid: settings.uid,
        name: settings.name,
        url: settings.url,
        basic_auth_user: settings.basic_auth_enabled.then_some(settings.basic_auth_user),
        json: settings.json_data,
        secrets: secrets.map(|(key, value)| (key, Secret::new(value))).collect::<BTreeMap<_, _>>(),
        updated_ms: settings.last_updated_ms,
    }
}

fn caller_of(
    context: Option<v2::PluginContext>,
    headers: impl Iterator<Item = (String, String)>,
    timeout: Option<Duration>,
) -> Arc<Caller> {
    let context = context.unwrap_or_default();
    Arc::new(caller(context.org_id, context.user, context.data_source_instance_settings, headers, timeout))
}

pub(super) fn query(query: v2::DataQuery) -> RawQuery {
    RawQuery {
        ref_id: query.ref_id,
        query_type: query.query_type,
        json: query.json,
        range: query.time_range.map(|range| QueryRange { from_ms: range.from_epoch_ms, to_ms: range.to_epoch_ms }),
        interval: Duration::from_millis(u64::try_from(query.interval_ms).unwrap_or_default()),
        max_points: query.max_data_points,
    }
}

#[tonic::async_trait]
impl<B: Backend> v2::diagnostics_server::Diagnostics for Services<B> {
    async fn check_health(
        &self,
        request: Request<v2::CheckHealthRequest>,
    ) -> Result<Response<v2::CheckHealthResponse>, Status> {
        let timeout = timeout::of(request.metadata());
        let request = request.into_inner();
        let caller = caller_of(request.plugin_context, request.headers.into_iter(), timeout);
        let panicked = |_| HealthResult {
            ok: false,
            message: "the plugin failed unexpectedly; see its log".to_owned(),
            details: serde_json::json!({}),
        };
        let health = AssertUnwindSafe(self.backend.health(caller)).catch_unwind().await.unwrap_or_else(panicked);
        let status = if health.ok {
            v2::check_health_response::HealthStatus::Ok
        } else {
            v2::check_health_response::HealthStatus::Error
        };
        let json_details = health.details.to_string().into_bytes();
        Ok(Response::new(v2::CheckHealthResponse { status: status.into(), message: health.message, json_details }))
    }

    async fn collect_metrics(
        &self,
        _: Request<v2::CollectMetricsRequest>,
    ) -> Result<Response<v2::CollectMetricsResponse>, Status> {
        let prometheus = self.backend.metrics().await.into_bytes();
        let metrics = Some(v2::collect_metrics_response::Payload { prometheus });
        Ok(Response::new(v2::CollectMetricsResponse { metrics }))
    }
}

#[tonic::async_trait]
impl<B: Backend> v2::resource_server::Resource for Services<B> {
    type CallResourceStream = BoxStream<v2::CallResourceResponse>;

    async fn call_resource(
        &self,
        request: Request<v2::CallResourceRequest>,
    ) -> Result<Response<Self::CallResourceStream>, Status> {
        let timeout = timeout::of(request.metadata());
        let request = request.into_inner();
        let first = |(key, list): (String, v2::StringList)| Some((key, list.values.into_iter().next()?));
        let caller = caller_of(request.plugin_context, request.headers.into_iter().filter_map(first), timeout);
        let query = request.url.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
        let request = ResourceRequest {
            method: request.method,
            path: request.path.trim_matches('/').to_owned(),
            query,
            body: request.body,
        };
        let panicked = |_| ResourceReply {
            status: 500,
            body: serde_json::json!({ "message": "the plugin failed unexpectedly; see its log" }),
        };
        let work = AssertUnwindSafe(self.backend.resource(caller, request));
        let reply = work.catch_unwind().await.unwrap_or_else(panicked);
        let json = v2::StringList { values: vec!["application/json".to_owned()] };
        let reply = v2::CallResourceResponse {
            code: i32::from(reply.status),
            headers: HashMap::from([("Content-Type".to_owned(), json)]),
            body: reply.body.to_string().into_bytes().into(),
        };
        Ok(Response::new(Box::pin(stream::iter([Ok(reply)]))))
    }
}

#[tonic::async_trait]
impl<B: Backend> v2::stream_server::Stream for Services<B> {
    type RunStreamStream = BoxStream<v2::StreamPacket>;

    async fn subscribe_stream(
        &self,
        request: Request<v2::SubscribeStreamRequest>,
    ) -> Result<Response<v2::SubscribeStreamResponse>, Status> {
        use v2::subscribe_stream_response::Status as ChannelStatus;
        let timeout = timeout::of(request.metadata());
        let request = request.into_inner();
        let caller = caller_of(request.plugin_context, std::iter::empty(), timeout);
        let (status, data) = match self.backend.subscribe(caller, request.path).await {
            Subscription::Ok(data) => (ChannelStatus::Ok, data.unwrap_or_default()),
            Subscription::NotFound => (ChannelStatus::NotFound, Vec::new()),
        };
        Ok(Response::new(v2::SubscribeStreamResponse { status: status.into(), data }))
    }

    async fn run_stream(
        &self,
        request: Request<v2::RunStreamRequest>,
    ) -> Result<Response<Self::RunStreamStream>, Status> {
        let request = request.into_inner();
        // A stream lasts as long as the operation runs.
        let caller = caller_of(request.plugin_context, std::iter::empty(), None);
        let packets = self.backend.follow(caller, request.path).map(|packet| match packet {
            Ok(data) => Ok(v2::StreamPacket { data }),
            // Grafana retries with a growing delay.
            Err(failure) => Err(Status::unavailable(failure.message)),
        });
        Ok(Response::new(Box::pin(packets.take_until(self.stop.clone().stopped()))))
    }

    async fn publish_stream(
        &self,
        _: Request<v2::PublishStreamRequest>,
    ) -> Result<Response<v2::PublishStreamResponse>, Status> {
        let status = v2::publish_stream_response::Status::PermissionDenied.into();
        Ok(Response::new(v2::PublishStreamResponse { status, data: Vec::new() }))
    }
}
