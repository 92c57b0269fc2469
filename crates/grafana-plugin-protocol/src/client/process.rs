//! The process of a plugin, from its start to its end.
//!
//! Starts the executable with the environment that Grafana gives it, reads the handshake, opens the streams that
//! go-plugin holds open, collects the log, and stops the process as Grafana does.

use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use tonic::{Request, Streaming, codec::ProstCodec, transport::Channel};

use super::{connect::Address, error::ClientError};
use crate::go_plugin::{self, ConnInfo, Empty, StdioData};

const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long Grafana waits for a plugin to stop before it kills it.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// How a plugin stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Its exit status; `None` if it had to be killed.
    pub status: Option<ExitStatus>,
    /// How long it took to stop.
    pub took: Duration,
}

/// A plugin that runs as a child process. Dropping it kills the process.
#[derive(Debug)]
pub struct PluginProcess {
    child: Child,
    pub(super) channel: Channel,
    log: Arc<Mutex<Vec<String>>>,
    /// In a mutex only because streams are not `Sync`. They are never read.
    open_streams: Mutex<OpenStreams>,
}

/// The two streams that go-plugin opens after the handshake and holds open while the plugin runs.
#[derive(Debug)]
struct OpenStreams {
    _stdio: Streaming<StdioData>,
    _broker: Streaming<ConnInfo>,
}

impl PluginProcess {
    /// Starts a plugin as Grafana does and connects to it.
    ///
    /// # Errors
    /// If it does not start, its first line is not a valid handshake, or nothing listens at that address.
    pub async fn start(binary: &Path, environment: &[(&str, &str)]) -> Result<Self, ClientError> {
        let mut child = Command::new(binary)
            .env(go_plugin::MAGIC_COOKIE.0, go_plugin::MAGIC_COOKIE.1)
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
        let stdout =
            child.stdout.take().ok_or_else(|| ClientError::Handshake("it has no standard output".to_owned()))?;
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(START_TIMEOUT, lines.next_line()).await;
        let line = line.map_err(|_| ClientError::Handshake("it wrote nothing within 60 s".to_owned()))??;
        let line = line.ok_or_else(|| ClientError::Handshake("it ended before it said where to connect".to_owned()))?;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let channel = Address::parse(&line)?.connect().await?;
        let streams = OpenStreams { _stdio: open_stdio(&channel).await?, _broker: open_broker(&channel).await? };
        Ok(Self { child, channel, log, open_streams: Mutex::new(streams) })
    }

    /// Its process id while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// The lines of its log so far (standard error).
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops the plugin as Grafana does: calls its shutdown method, waits two seconds, then kills it.
    pub async fn stop(self) -> Stopped {
        let Self { mut child, channel, open_streams, .. } = self;
        let since = Instant::now();
        if let Ok(mut grpc) = ready(&channel).await {
            let codec = ProstCodec::<Empty, Empty>::default();
            let path = path(go_plugin::SHUTDOWN_PATH);
            // The answer does not matter, only whether the process ends.
            let _ = grpc.unary(Request::new(Empty {}), path, codec).await;
        }
        drop((open_streams, channel));
        let status = if let Ok(status) = tokio::time::timeout(STOP_TIMEOUT, child.wait()).await {
            status.ok()
        } else {
            // An error means that the process has ended by itself in the meantime.
            let _ = child.kill().await;
            None
        };
        Stopped { status, took: since.elapsed() }
    }

    /// Closes all connections without a call, as a Grafana that is killed does. Returns the process, which still runs.
    #[must_use]
    pub fn abandon(self) -> Child {
        self.child
    }
}

pub(super) fn path(path: &'static str) -> http::uri::PathAndQuery {
    http::uri::PathAndQuery::from_static(path)
}

pub(super) async fn ready(channel: &Channel) -> Result<tonic::client::Grpc<Channel>, ClientError> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.map_err(|error| ClientError::Connect(error.to_string()))?;
    Ok(grpc)
}

async fn open_stdio(channel: &Channel) -> Result<Streaming<StdioData>, ClientError> {
    let codec = ProstCodec::<Empty, StdioData>::default();
    let opened =
        ready(channel).await?.server_streaming(Request::new(Empty {}), path(go_plugin::STDIO_PATH), codec).await;
    Ok(opened?.into_inner())
}

async fn open_broker(channel: &Channel) -> Result<Streaming<ConnInfo>, ClientError> {
    let codec = ProstCodec::<ConnInfo, ConnInfo>::default();
    let no_offers = Request::new(tokio_stream::pending());
    Ok(ready(channel).await?.streaming(no_offers, path(go_plugin::BROKER_PATH), codec).await?.into_inner())
}
