//! A real Jaeger v2.13 in the dress of v2.21: the routes that went away are away, and the search of the new API takes the
//! parameter names of v2.19. The bodies are Jaeger's own.
//!
//! Newer Jaegers than v2.13 cannot be built as Go modules (see docs/development.md). What v2.13 lacks is done here:
//! `query.attributes` is checked for being an object of strings, as v2.19 does; filtering by it is left out, which a
//! client must bear (some storages answer with more than what was asked).

use std::sync::Arc;

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// The dress; it comes off when the value is dropped.
#[derive(Debug)]
pub struct Dressed {
    /// Base address of the query API.
    pub url: String,
    server: JoinHandle<()>,
}

impl Drop for Dressed {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Puts it before a Jaeger v2.13 with this base address.
pub async fn dress(jaeger: &str) -> Dressed {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port on loopback");
    let address = listener.local_addr().expect("its address");
    let (root, base) = jaeger.split_at(jaeger.rfind('/').expect("Jaeger has a base path"));
    let url = format!("http://{address}{base}");
    let app = Router::new().fallback(forward).with_state(Arc::new((root.to_owned(), base.to_owned())));
    let server = tokio::spawn(async move {
        let _ = axum::serve(listener, app).await;
    });
    Dressed { url, server }
}

async fn forward(State(jaeger): State<Arc<(String, String)>>, uri: Uri, RawQuery(query): RawQuery) -> Response {
    let (root, base) = jaeger.as_ref();
    let route = uri.path().strip_prefix(base.as_str()).unwrap_or(uri.path());
    let service_operations = route.starts_with("/api/services/") && route.ends_with("/operations");
    if matches!(route, "/api/services" | "/api/operations" | "/api/traces") || service_operations {
        return (StatusCode::NOT_FOUND, "404 page not found\n").into_response();
    }
    let query = query.unwrap_or_default();
    let renamed = match rename(&query) {
        Ok(renamed) => renamed,
        Err(message) => {
            let body = format!("{{\"error\":{{\"httpCode\":400,\"message\":\"{message}\"}}}}\n");
            return (StatusCode::BAD_REQUEST, body).into_response();
        }
    };
    let answer = reqwest::get(format!("{root}{}?{renamed}", uri.path())).await.expect("Jaeger answers");
    let (status, kind) = (answer.status(), answer.headers().get(header::CONTENT_TYPE).cloned());
    let body = answer.bytes().await.expect("Jaeger's answer is whole");
    (status, [(header::CONTENT_TYPE, kind.unwrap_or_else(|| header::HeaderValue::from_static("text/plain")))], body)
        .into_response()
}

/// Parameter names of v2.19 into those of v2.13.
fn rename(query: &str) -> Result<String, &'static str> {
    let mut renamed = Vec::new();
    let mut depth = false;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = match name {
            "query.serviceName" => "query.service_name",
            "query.operationName" => "query.operation_name",
            "query.startTimeMin" => "query.start_time_min",
            "query.startTimeMax" => "query.start_time_max",
            "query.durationMin" => "query.duration_min",
            "query.durationMax" => "query.duration_max",
            "query.searchDepth" | "query.search_depth" => "query.num_traces",
            "query.attributes" if !is_object(value) => {
                return Err("malformed parameter query.attributes: invalid JSON");
            }
            "query.attributes" => continue,
            other => other,
        };
        depth |= name == "query.num_traces";
        renamed.push(format!("{name}={value}"));
    }
    if !depth {
        renamed.push("query.num_traces=100".to_owned());
    }
    Ok(renamed.join("&"))
}

fn is_object(encoded: &str) -> bool {
    let text = percent_decode(encoded);
    serde_json::from_str::<std::collections::BTreeMap<String, String>>(&text).is_ok()
}

fn percent_decode(encoded: &str) -> String {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let hex = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                let text = std::str::from_utf8(&hex).unwrap_or("00");
                bytes.push(u8::from_str_radix(text, 16).unwrap_or_default());
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
