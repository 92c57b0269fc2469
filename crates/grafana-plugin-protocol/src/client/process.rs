//! Starting and stopping a plugin.

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
use tonic::{Request, Status, Streaming, codec::ProstCodec, transport::Channel};

use super::connect::Address;
use crate::go_plugin::{self, ConnInfo, Empty, StdioData};

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
    pub(super) channel: Channel,
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
            .env(go_plugin::COOKIE.0, go_plugin::COOKIE.1)
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

    /// Stops it as Grafana does: a call, two seconds of patience, then a kill.
    pub async fn stop(self) -> Stopped {
        let Self { mut child, channel, held, .. } = self;
        let since = Instant::now();
        if let Ok(mut grpc) = ready(&channel).await {
            let codec = ProstCodec::<Empty, Empty>::default();
            let path = path(go_plugin::SHUTDOWN_PATH);
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

pub(super) fn path(path: &'static str) -> http::uri::PathAndQuery {
    http::uri::PathAndQuery::from_static(path)
}

pub(super) async fn ready(channel: &Channel) -> Result<tonic::client::Grpc<Channel>, HostError> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.map_err(|error| HostError::Connect(error.to_string()))?;
    Ok(grpc)
}

async fn open_stdio(channel: &Channel) -> Result<Streaming<StdioData>, HostError> {
    let codec = ProstCodec::<Empty, StdioData>::default();
    let opened =
        ready(channel).await?.server_streaming(Request::new(Empty {}), path(go_plugin::STDIO_PATH), codec).await;
    Ok(opened?.into_inner())
}

async fn open_broker(channel: &Channel) -> Result<Streaming<ConnInfo>, HostError> {
    let codec = ProstCodec::<ConnInfo, ConnInfo>::default();
    let nothing = Request::new(tokio_stream::pending());
    Ok(ready(channel).await?.streaming(nothing, path(go_plugin::BROKER_PATH), codec).await?.into_inner())
}
