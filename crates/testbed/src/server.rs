//! An embedded Jaeger on loopback: it answers Jaeger's query APIs from a [`Store`] and receives OTLP JSON.
//!
//! Status codes, error bodies and the meaning of parameters follow the real versions, so the tests of the client also hold for
//! a real Jaeger.

mod legacy;
mod params;
mod v3;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{ingest::from_otlp_json, store::Store};

/// The version of Jaeger to imitate, which decides which query APIs it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Like 1.53: only the legacy API (`/api/traces`). Unknown paths return the page of the user interface.
    LegacyOnly,
    /// Like 2.21: the v3 API (`/api/v3/traces`), and `/api/traces/{id}` of the legacy API.
    V3Only,
    /// Like 2.20: both.
    Both,
}

/// A running server. It stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    /// Its base URL, `http://127.0.0.1:<port>`.
    pub url: String,
    /// The traces that it serves.
    pub store: Arc<Store>,
    requests: Arc<Mutex<Vec<String>>>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    /// The requests answered so far, such as `GET /api/traces?service=…`. Tests use it to check what a client requests.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops listening and waits for running requests.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let _ = (&mut self.task).await;
    }
}

/// Serves a store on a free port of the loopback interface.
///
/// # Errors
/// If no port can be opened.
pub async fn serve(store: Store, flavour: Flavour) -> io::Result<Server> {
    serve_on(SocketAddr::from(([127, 0, 0, 1], 0)), store, flavour).await
}

/// Serves a store on this address.
///
/// # Errors
/// If the address cannot be opened, for example because it is in use.
pub async fn serve_on(address: SocketAddr, store: Store, flavour: Flavour) -> io::Result<Server> {
    let listener = TcpListener::bind(address).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let (store, requests) = (Arc::new(store), Arc::new(Mutex::new(Vec::new())));
    let app = routes(Arc::clone(&store), flavour, Arc::clone(&requests));
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let wait = async move {
            let _ = stopped.await;
        };
        if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(wait).await {
            tracing::warn!(%error, "the embedded trace store stopped serving");
        }
    });
    Ok(Server { url, store, requests, stop: Some(stop), task })
}

fn routes(store: Arc<Store>, flavour: Flavour, requests: Arc<Mutex<Vec<String>>>) -> Router {
    let mut app = Router::new()
        .route("/api/traces/:id", get(legacy::trace))
        .route("/v1/traces", post(ingest).layer(DefaultBodyLimit::disable()));
    if flavour != Flavour::V3Only {
        app = app
            .route("/api/services", get(legacy::services))
            .route("/api/operations", get(legacy::operations))
            .route("/api/services/:service/operations", get(legacy::operation_names))
            .route("/api/traces", get(legacy::search));
    }
    if flavour != Flavour::LegacyOnly {
        app = app
            .route("/api/v3/services", get(v3::services))
            .route("/api/v3/operations", get(v3::operations))
            .route("/api/v3/traces", get(v3::search))
            .route("/api/v3/traces/:id", get(v3::trace));
    }
    let page = flavour == Flavour::LegacyOnly;
    app.fallback(move || async move { unknown_path(page) }).with_state(store).layer(middleware::from_fn(
        move |request: Request, next: Next| {
            let line = format!("{} {}", request.method(), request.uri());
            requests.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            next.run(request)
        },
    ))
}

/// The answer for an unknown path. Old versions send the page of the user interface with status 200, newer ones a plain 404.
fn unknown_path(page: bool) -> Response {
    if page {
        let html = "<!doctype html><html lang=\"en\"><head><title>Jaeger UI</title></head><body></body></html>";
        return ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    }
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}

async fn ingest(State(store): State<Arc<Store>>, body: Bytes) -> Response {
    match from_otlp_json(&body) {
        Ok(traces) => {
            store.add(traces);
            json("{\"partialSuccess\":{}}".into())
        }
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

fn json(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests;
