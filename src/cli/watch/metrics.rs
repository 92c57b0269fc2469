//! Serves the metrics of a recorder to Prometheus.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::encoding::text::encode_eof;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    cli::error::Error,
    recorder::{Handle, Observed, write_metrics},
    when::wall_clock,
};
use store::{SourceId, Store};

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A server that ends when it is dropped.
#[derive(Debug)]
pub(super) struct MetricsServer {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

#[derive(Clone, Debug)]
struct Recording {
    source: SourceId,
    handle: Handle,
    store: Arc<dyn Store>,
}

impl MetricsServer {
    /// Serves the metrics of a recorder on this address.
    pub(super) async fn start(
        address: &str,
        source: SourceId,
        handle: Handle,
        store: Arc<dyn Store>,
    ) -> Result<Self, Error> {
        let refused = |error: std::io::Error| {
            Error::System(format!("--metrics: cannot listen on {address}: {error}; write it as `127.0.0.1:9464`"))
        };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let bound = listener.local_addr().map_err(refused)?;
        let app = Router::new().route("/metrics", get(page)).with_state(Recording { source, handle, store });
        let serving = tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { address: bound, serving })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn page(State(recording): State<Recording>) -> Response {
    let Recording { source, handle, store } = recording;
    let now = wall_clock();
    let observed = Observed::read(source, handle.status(), &*store, now).await;
    let mut page = String::new();
    match write_metrics(&mut page, &[observed], now).and_then(|()| encode_eof(&mut page)) {
        Ok(()) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], page).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
