//! A proxy that makes a real Jaeger v2.13 answer like v2.21: removed routes are missing, and the search of the new API
//! takes the parameter names of v2.19 and filters by `query.attributes` as v2.19 does, which v2.13 ignores. The bodies are Jaeger's
//! own. Newer Jaegers than v2.13 cannot be built as Go modules (see docs/development.md).
//!
//! With any version, a Jaeger v2 that stores in memory gets one request at a time: it sorts the attributes of stored spans
//! in place while it answers, and two concurrent answers corrupt them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value, json};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, sync::Mutex, task::JoinHandle};

/// A running proxy; it stops when the value is dropped.
#[derive(Debug)]
pub struct VersionProxy {
    /// Base address of the query API.
    pub url: String,
    server: JoinHandle<()>,
}

impl Drop for VersionProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Which version a Jaeger v2.13 appears to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImitatedVersion {
    /// As it is.
    Own,
    /// v2.21.
    V3Only,
}

struct Behind {
    root: String,
    base: String,
    version: ImitatedVersion,
    one_at_a_time: Mutex<()>,
}

/// Puts it before a Jaeger v2.13 with this base address.
pub async fn start(jaeger: &str, version: ImitatedVersion) -> VersionProxy {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port on loopback");
    let address = listener.local_addr().expect("its address");
    let (root, base) = jaeger.split_at(jaeger.rfind('/').expect("Jaeger has a base path"));
    let url = format!("http://{address}{base}");
    let behind = Behind { root: root.to_owned(), base: base.to_owned(), version, one_at_a_time: Mutex::new(()) };
    let app = Router::new().fallback(forward).with_state(Arc::new(behind));
    let server = tokio::spawn(async move {
        let _ = axum::serve(listener, app).await;
    });
    VersionProxy { url, server }
}

async fn forward(State(jaeger): State<Arc<Behind>>, uri: Uri, RawQuery(query): RawQuery) -> Response {
    let Behind { root, base, .. } = jaeger.as_ref();
    let route = uri.path().strip_prefix(base.as_str()).unwrap_or(uri.path());
    if jaeger.version == ImitatedVersion::Own {
        let (status, kind, body) = jaeger.ask(&format!("{root}{uri}")).await;
        return (status, [(header::CONTENT_TYPE, kind)], body).into_response();
    }
    let service_operations = route.starts_with("/api/services/") && route.ends_with("/operations");
    if matches!(route, "/api/services" | "/api/operations" | "/api/traces") || service_operations {
        return (StatusCode::NOT_FOUND, "404 page not found\n").into_response();
    }
    let asked = Asked::read(&query.unwrap_or_default());
    let Ok(asked) = asked else {
        let body = json!({"error": {"httpCode": 400, "message": "malformed parameter query.attributes: invalid JSON"}});
        return (StatusCode::BAD_REQUEST, body.to_string()).into_response();
    };
    let (status, kind, mut body) = jaeger.ask(&format!("{root}{}?{}", uri.path(), asked.pairs)).await;
    if route == "/api/v3/traces" && status.is_success() {
        let Some(left) = asked.filter(&body) else {
            let body = json!({"error": {"httpCode": 404, "message": "No traces found"}});
            return (StatusCode::NOT_FOUND, body.to_string()).into_response();
        };
        body = left;
    }
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

impl Behind {
    async fn ask(&self, url: &str) -> (StatusCode, header::HeaderValue, Vec<u8>) {
        let _one = self.one_at_a_time.lock().await;
        let answer = reqwest::get(url).await.expect("Jaeger answers");
        let (status, kind) = (answer.status(), answer.headers().get(header::CONTENT_TYPE).cloned());
        let body = answer.bytes().await.expect("Jaeger's answer is whole").to_vec();
        (status, kind.unwrap_or_else(|| header::HeaderValue::from_static("text/plain")), body)
    }
}

/// A search: the parameters that v2.13 understands, and those it does not.
#[derive(Default)]
struct Asked {
    pairs: String,
    attributes: BTreeMap<String, String>,
    service: Option<String>,
    operation: Option<String>,
    depth: usize,
}

impl Asked {
    /// Reads the parameters of v2.19.
    fn read(query: &str) -> Result<Self, serde_json::Error> {
        let mut asked = Self { depth: 100, ..Self::default() };
        // all traces, so that the filter does not miss those that come late
        let mut pairs = vec!["query.num_traces=9999".to_owned()];
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let text = percent_decode(value);
            let name = match name {
                "query.serviceName" | "query.service_name" => {
                    asked.service = Some(text);
                    "query.service_name"
                }
                "query.operationName" | "query.operation_name" => {
                    asked.operation = Some(text);
                    "query.operation_name"
                }
                "query.searchDepth" | "query.search_depth" | "query.num_traces" => {
                    asked.depth = text.parse().unwrap_or(asked.depth);
                    continue;
                }
                "query.attributes" => {
                    asked.attributes = serde_json::from_str(&text)?;
                    continue;
                }
                "query.startTimeMin" => "query.start_time_min",
                "query.startTimeMax" => "query.start_time_max",
                "query.durationMin" => "query.duration_min",
                "query.durationMax" => "query.duration_max",
                other => other,
            };
            pairs.push(format!("{name}={value}"));
        }
        asked.pairs = pairs.join("&");
        Ok(asked)
    }

    /// The traces with a span that has all attributes, at most `depth` of them; `None` when there are none.
    fn filter(&self, body: &[u8]) -> Option<Vec<u8>> {
        let mut answer: Value = serde_json::from_slice(body).expect("Jaeger answers with JSON");
        let mut found: Vec<String> = Vec::new();
        for_each_span(&mut answer, |resource, span| {
            let id = span["traceId"].as_str().unwrap_or_default();
            if !found.iter().any(|known| known == id) && self.matches(resource, span) {
                found.push(id.to_owned());
            }
            true
        });
        let kept: BTreeSet<String> = found.into_iter().take(self.depth).collect();
        for_each_span(&mut answer, |_, span| kept.contains(span["traceId"].as_str().unwrap_or_default()));
        (!kept.is_empty()).then(|| answer.to_string().into_bytes())
    }

    fn matches(&self, resource: &Value, span: &Value) -> bool {
        let service = attribute(resource, "service.name");
        let wrong_service = self.service.as_ref().is_some_and(|wanted| service.as_ref() != Some(wanted));
        let wrong_name = self.operation.as_ref().is_some_and(|wanted| span["name"] != wanted.as_str());
        let has = |(key, value): (&String, &String)| {
            let event = span["events"].as_array().into_iter().flatten().find_map(|event| attribute(event, key));
            attribute(span, key).or_else(|| attribute(resource, key)).or(event).as_ref() == Some(value)
        };
        !wrong_service && !wrong_name && self.attributes.iter().all(has)
    }
}

/// Keeps the spans for which `keep` returns true, given the span and its resource.
fn for_each_span(answer: &mut Value, mut keep: impl FnMut(&Value, &Value) -> bool) {
    for part in answer["result"]["resourceSpans"].as_array_mut().into_iter().flatten() {
        let resource = part["resource"].clone();
        for scope in part["scopeSpans"].as_array_mut().into_iter().flatten() {
            if let Some(spans) = scope["spans"].as_array_mut() {
                spans.retain(|span| keep(&resource, span));
            }
        }
    }
}

/// An attribute as the text that searches compare.
fn attribute(of: &Value, key: &str) -> Option<String> {
    let pair = of["attributes"].as_array()?.iter().find(|pair| pair["key"] == key)?;
    let value = pair["value"].as_object()?.values().next()?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
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
