//! The server side of hashicorp/go-plugin, with which Grafana starts, watches and stops its plugins.
//!
//! [`serve`] opens a socket, writes its address to standard output, and answers calls until Grafana stops the plugin,
//! Grafana ends, or the process receives a signal.

mod listen;
mod messages;
#[allow(clippy::result_large_err, reason = "gRPC's own error type")]
mod services;
mod stop;

use std::{io::Write, sync::Arc, time::Duration};

use tokio_stream::wrappers::TcpListenerStream;

use crate::{
    api::Backend,
    services::{DataServer, Services},
};
use listen::Listener;
pub(crate) use messages::{ConnInfo, Empty, StdioData};
pub(crate) use services::{BROKER_PATH, SHUTDOWN_PATH, STDIO_PATH};
pub(crate) use stop::StopSignal;

/// The environment variable that Grafana sets for a plugin, and its value. go-plugin calls it the magic cookie.
pub(crate) const MAGIC_COOKIE: (&str, &str) = ("grafana_plugin_type", "datasource");

/// How long running calls and the backend's own work may take after a stop. Grafana kills a plugin after 2 s and logs that as an error.
const STOP_DEADLINE: Duration = Duration::from_millis(1500);

/// Why the server could not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Neither a Unix socket nor a port could be opened.
    #[error("cannot listen for Grafana: {0}")]
    Listen(#[source] std::io::Error),
    /// Standard output is closed, so Grafana does not learn the address.
    #[error("cannot write the address for Grafana to standard output: {0}")]
    Handshake(#[source] std::io::Error),
    /// The connection was interrupted.
    #[error("the connection to Grafana failed: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Whether Grafana started this process.
#[must_use]
pub fn started_by_grafana() -> bool {
    std::env::var(MAGIC_COOKIE.0).is_ok_and(|value| value == MAGIC_COOKIE.1)
}

/// Answers Grafana's calls until Grafana stops the plugin or has ended.
///
/// # Errors
/// If no socket can be opened, standard output is closed, or the connection is interrupted.
pub async fn serve<B: Backend>(backend: Arc<B>) -> Result<(), ServeError> {
    let stop = StopSignal::default();
    let services = Services::new(Arc::clone(&backend), stop.clone());
    let (mut health, health_service) = tonic_health::server::health_reporter();
    health.set_service_status("plugin", tonic_health::ServingStatus::Serving).await;
    let router = tonic::transport::Server::builder()
        .add_service(health_service)
        .add_service(services::Controller::new(stop.clone()))
        .add_service(services::Stdio::new(stop.clone()))
        .add_service(services::Broker::new(stop.clone()))
        .add_service(DataServer::new(Arc::clone(&backend)))
        .add_service(services.diagnostics())
        .add_service(services.resource())
        .add_service(services.stream());

    let listener = Listener::bind().await.map_err(ServeError::Listen)?;
    announce(&listener).map_err(ServeError::Handshake)?;
    stop::watch(&stop);
    let stopped = stop.clone().stopped();
    let served = async {
        let served = match listener {
            Listener::Tcp(listener) => {
                router.serve_with_incoming_shutdown(TcpListenerStream::new(listener), stopped).await
            }
            #[cfg(unix)]
            Listener::Unix(socket) => router.serve_with_incoming_shutdown(socket.incoming(), stopped).await,
        };
        stop.stop();
        served
    };
    let ended = async {
        stop.clone().stopped().await;
        backend.stop().await;
    };
    let late = async {
        stop.clone().stopped().await;
        tokio::time::sleep(STOP_DEADLINE).await;
    };
    tokio::select! {
        (served, ()) = futures_util::future::join(served, ended) => served.map_err(Into::into),
        () = late => Ok(()),
    }
}

/// Writes the line that go-plugin reads from standard output: core protocol 1, Grafana's protocol 2. Nothing else may be
/// written there.
fn announce(listener: &Listener) -> std::io::Result<()> {
    let (network, address) = listener.address()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "1|2|{network}|{address}|grpc|")?;
    out.flush()
}
