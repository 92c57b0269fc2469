//! The server's half of hashicorp/go-plugin, by which Grafana starts, watches and stops its plugins.

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
pub use messages::{ConnInfo, Empty, StdioData};
pub use services::{BROKER_PATH, SHUTDOWN_PATH, STDIO_PATH};
pub use stop::Stop;

/// The environment variable by which Grafana tells a plugin that it is one, and its value.
pub const COOKIE: (&str, &str) = ("grafana_plugin_type", "datasource");

/// How long a stop may take. Grafana kills after 2 s, which it logs as a failure.
const STOP_DEADLINE: Duration = Duration::from_millis(1500);

/// Why the server could not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No place to listen.
    #[error("cannot listen for Grafana: {0}")]
    Listen(#[source] std::io::Error),
    /// Nobody reads the handshake.
    #[error("cannot tell Grafana where to connect: {0}")]
    Handshake(#[source] std::io::Error),
    /// The connection broke.
    #[error("the connection to Grafana failed: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Whether Grafana started this process.
#[must_use]
pub fn started_by_grafana() -> bool {
    std::env::var(COOKIE.0).is_ok_and(|value| value == COOKIE.1)
}

/// Serves until Grafana says stop or is gone.
///
/// # Errors
/// When there is no place to listen, or the connection breaks.
pub async fn serve<B: Backend>(backend: Arc<B>) -> Result<(), ServeError> {
    let stop = Stop::default();
    let services = Services::new(Arc::clone(&backend), stop.clone());
    let (mut health, health_service) = tonic_health::server::health_reporter();
    health.set_service_status("plugin", tonic_health::ServingStatus::Serving).await;
    let router = tonic::transport::Server::builder()
        .add_service(health_service)
        .add_service(services::Controller::new(stop.clone()))
        .add_service(services::Stdio::new(stop.clone()))
        .add_service(services::Broker::new(stop.clone()))
        .add_service(DataServer::new(backend))
        .add_service(services.diagnostics())
        .add_service(services.resource())
        .add_service(services.stream());

    let listener = Listener::bind().await.map_err(ServeError::Listen)?;
    announce(&listener).map_err(ServeError::Handshake)?;
    stop::watch(&stop);
    let stopped = stop.clone().stopped();
    let served = async {
        match listener {
            Listener::Tcp(listener) => {
                router.serve_with_incoming_shutdown(TcpListenerStream::new(listener), stopped).await
            }
            #[cfg(unix)]
            Listener::Unix(socket) => router.serve_with_incoming_shutdown(socket.incoming(), stopped).await,
        }
    };
    let late = async {
        stop.clone().stopped().await;
        tokio::time::sleep(STOP_DEADLINE).await;
    };
    tokio::select! {
        served = served => served.map_err(Into::into),
        () = late => Ok(()),
    }
}

/// The one line that go-plugin reads from stdout: core protocol 1, Grafana's protocol 2. Nothing else may be written
/// there.
fn announce(listener: &Listener) -> std::io::Result<()> {
    let (network, address) = listener.address()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "1|2|{network}|{address}|grpc|")?;
    out.flush()
}
