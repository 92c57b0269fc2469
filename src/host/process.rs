//! Starting, calling and stopping a plugin.

use std::{
    collections::HashMap,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use tonic::{Request, Status, Streaming, codec::ProstCodec, transport::Channel};

use super::{connect::Address, data_source::DataSource};
use crate::plugin::{
    goplugin::{self, ConnInfo, Empty, StdioData},
    wire::{DATA_PATH, QueryDataRequest, QueryDataResponse, v2},
};

const START_TIMEOUT: Duration = Duration::from_secs(60);
/// After this Grafana kills.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a plugin could not be started or asked.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The process did not start.
    #[error("cannot start the plugin: {0}")]
    Start(#[from] std::io::Error),
    /// It did not say where to connect.
    #[error("the plugin's handshake failed: {0}")]
    Handshake(String),
    /// It does not listen there.
    #[error("cannot connect to the plugin: {0}")]
    Connect(String),
    /// A call failed as a whole.
    #[error("the plugin refused a call: {0}")]
    Call(Box<Status>),
}

impl From<Status> for HostError {
    fn from(status: Status) -> Self {
        Self::Call(Box::new(status))
    }
}

/// How a plugin stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Its exit status; none when it had to be killed.
    pub status: Option<ExitStatus>,
    /// How long it took.
    pub took: Duration,
}

/// A running plugin.
#[derive(Debug)]
pub struct Host {
    child: Child,
    channel: Channel,
    log: Arc<Mutex<Vec<String>>>,
    /// Behind a lock only because streams cannot be shared; nobody reads them.
    held: Mutex<Held>,
}

/// The two streams that go-plugin opens at once and holds.
#[derive(Debug)]
struct Held {
    _stdio: Streaming<StdioData>,
    _broker: Streaming<ConnInfo>,
}

impl Host {
    /// Starts a plugin as Grafana does and connects to it.
    ///
    /// # Errors
    /// When it does not start, its first line is no handshake, or nobody listens there.
    pub async fn start(binary: &Path, environment: &[(&str, &str)]) -> Result<Self, HostError> {
        let mut child = Command::new(binary)
            .env(goplugin::COOKIE.0, goplugin::COOKIE.1)
            .env("PLUGIN_MIN_PORT", "10000")
            .env("PLUGIN_MAX_PORT", "25000")
            .env("PLUGIN_PROTOCOL_VERSIONS", "2")
            .env("GF_VERSION", "12.3.0")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let log = Arc::new(Mutex::new(Vec::new()));
        if let Some(stderr) = child.stderr.take() {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut lines = BufReader::new(stderr).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    log.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
            });
        }
        let stdout = child.stdout.take().ok_or_else(|| HostError::Handshake("it has no stdout".to_owned()))?;
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(START_TIMEOUT, lines.next_line()).await;
        let line = line.map_err(|_| HostError::Handshake("no word within 60 s".to_owned()))??;
        let line = line.ok_or_else(|| HostError::Handshake("it ended before it said where to connect".to_owned()))?;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let channel = Address::parse(&line)?.connect().await?;
        let held = Held { _stdio: open_stdio(&channel).await?, _broker: open_broker(&channel).await? };
        Ok(Self { child, channel, log, held: Mutex::new(held) })
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it has written to its log so far.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

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
        let mut grpc = ready(&self.channel).await?.max_decoding_message_size(usize::MAX);
        let codec = ProstCodec::<QueryDataRequest, QueryDataResponse>::default();
        Ok(grpc.unary(Request::new(request), path(DATA_PATH), codec).await?.into_inner())
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

    /// Stops it as Grafana does: a call, two seconds of patience, then a kill.
    pub async fn stop(self) -> Stopped {
        let Self { mut child, channel, held, .. } = self;
        let since = Instant::now();
        if let Ok(mut grpc) = ready(&channel).await {
            let codec = ProstCodec::<Empty, Empty>::default();
            let path = path(goplugin::SHUTDOWN_PATH);
            // an error changes nothing: what counts is whether it ends
            let _ = grpc.unary(Request::new(Empty {}), path, codec).await;
        }
        drop((held, channel));
        let status = if let Ok(status) = tokio::time::timeout(STOP_TIMEOUT, child.wait()).await {
            status.ok()
        } else {
            // it may have ended meanwhile, which is as good
            let _ = child.kill().await;
            None
        };
        Stopped { status, took: since.elapsed() }
    }

    /// Goes away without a word, as a killed Grafana does, and gives the process that stays behind.
    #[must_use]
    pub fn vanish(self) -> Child {
        self.child
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

fn path(path: &'static str) -> http::uri::PathAndQuery {
    http::uri::PathAndQuery::from_static(path)
}

async fn ready(channel: &Channel) -> Result<tonic::client::Grpc<Channel>, HostError> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.map_err(|error| HostError::Connect(error.to_string()))?;
    Ok(grpc)
}

async fn open_stdio(channel: &Channel) -> Result<Streaming<StdioData>, HostError> {
    let codec = ProstCodec::<Empty, StdioData>::default();
    let opened =
        ready(channel).await?.server_streaming(Request::new(Empty {}), path(goplugin::STDIO_PATH), codec).await;
    Ok(opened?.into_inner())
}

async fn open_broker(channel: &Channel) -> Result<Streaming<ConnInfo>, HostError> {
    let codec = ProstCodec::<ConnInfo, ConnInfo>::default();
    let nothing = Request::new(tokio_stream::pending());
    Ok(ready(channel).await?.streaming(nothing, path(goplugin::BROKER_PATH), codec).await?.into_inner())
}
