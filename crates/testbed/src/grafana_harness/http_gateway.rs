//! Serves Grafana's HTTP paths on loopback and passes requests on to the plugin, so the browser side can be tested without
//! Grafana.

use std::{collections::HashMap, convert::Infallible, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, RawQuery, State},
    http::{Method, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{any, get, post},
};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use super::frame_check::frame_json;
use grafana_plugin_protocol::{
    client::{ClientError, DataSource, PluginProcess},
    messages::{DataResponse, v2},
};

/// A running plugin with its data sources.
#[derive(Debug)]
pub struct HttpGateway {
    plugin: PluginProcess,
    sources: Vec<DataSource>,
}

impl HttpGateway {
    /// Serves these data sources of the plugin.
    #[must_use]
    pub fn new(plugin: PluginProcess, sources: Vec<DataSource>) -> Self {
        Self { plugin, sources }
    }

    fn source(&self, uid: &str) -> Result<&DataSource, ErrorResponse> {
        let found = self.sources.iter().find(|source| source.uid == uid);
        found.ok_or_else(|| ErrorResponse(StatusCode::NOT_FOUND, format!("there is no data source `{uid}`")))
    }
}

/// An error as Grafana's HTTP API reports it.
struct ErrorResponse(StatusCode, String);

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "message": self.1 }))).into_response()
    }
}

impl From<ClientError> for ErrorResponse {
    fn from(error: ClientError) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

type Shared = State<Arc<HttpGateway>>;

/// Serves requests until the future is dropped.
///
/// # Errors
/// If the listener fails.
pub async fn serve(listener: TcpListener, gateway: Arc<HttpGateway>) -> std::io::Result<()> {
    let router = Router::new()
        .route("/api/ds/query", post(query))
        .route("/api/datasources/uid/:uid/resources/*path", any(resource))
        .route("/api/datasources/uid/:uid/health", get(health))
        .route("/api/live/ds/:uid/*path", get(live))
        .route("/metrics/plugins/ktrdr-diagnosis-datasource", get(metrics))
        .layer(DefaultBodyLimit::max(80 << 20))
        .with_state(gateway);
    axum::serve(listener, router).await
}

async fn query(State(gateway): Shared, Json(request): Json<Value>) -> Result<Response, ErrorResponse> {
    let now = chrono::Utc::now().timestamp_millis();
    let time = |key: &str| {
        let value = request.get(key).unwrap_or(&Value::Null);
        millis(value, now)
            .ok_or_else(|| ErrorResponse(StatusCode::BAD_REQUEST, format!("`{key}` is not a valid time: {value}")))
    };
    let range = (time("from")?, time("to")?);
    let mut by_source: HashMap<String, Vec<Value>> = HashMap::new();
    for query in request.get("queries").and_then(Value::as_array).into_iter().flatten() {
        let uid = query.pointer("/datasource/uid").and_then(Value::as_str).unwrap_or_default();
        by_source.entry(uid.to_owned()).or_default().push(query.clone());
    }
    let mut results = Map::new();
    let mut status = StatusCode::OK;
    for (uid, queries) in by_source {
        let answer = gateway.plugin.query(gateway.source(&uid)?, range, queries, HashMap::new()).await?;
        for (ref_id, response) in answer.responses {
            if !response.error.is_empty() {
                status = StatusCode::BAD_REQUEST;
            }
            results.insert(ref_id, result(&response)?);
        }
    }
    Ok((status, Json(json!({ "results": results }))).into_response())
}

fn result(response: &DataResponse) -> Result<Value, ErrorResponse> {
    let frames = response.frames.iter().map(|frame| frame_json(frame)).collect::<Result<Vec<_>, _>>();
    let frames = frames.map_err(|error| ErrorResponse(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    if response.error.is_empty() {
        return Ok(json!({ "status": response.status, "frames": frames }));
    }
    let (error, source) = (&response.error, &response.error_source);
    Ok(json!({ "status": response.status, "frames": frames, "error": error, "errorSource": source }))
}

/// Parses a time: milliseconds as number or text, `now`, or `now-6h`.
fn millis(value: &Value, now: i64) -> Option<i64> {
    let text = match value {
        Value::Number(number) => return number.as_i64(),
        Value::String(text) => text.trim(),
        _ => return None,
    };
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    match text.strip_prefix("now")? {
        "" => Some(now),
        offset => {
            let offset = offset.strip_prefix('-')?;
            let unit = offset.chars().last()?;
            let count: i64 = offset.strip_suffix(unit)?.parse().ok()?;
            let length = match unit {
                's' => 1_000,
                'm' => 60_000,
                'h' => 3_600_000,
                'd' => 86_400_000,
                _ => return None,
            };
            Some(now - count * length)
        }
    }
}

async fn resource(
    State(gateway): Shared,
    Path((uid, path)): Path<(String, String)>,
    RawQuery(parameters): RawQuery,
    method: Method,
    body: Bytes,
) -> Result<Response, ErrorResponse> {
    let path = match parameters {
        Some(parameters) => format!("{path}?{parameters}"),
        None => path,
    };
    let answer = gateway.plugin.resource(gateway.source(&uid)?, method.as_str(), &path, body).await?;
    let status = u16::try_from(answer.code).ok().and_then(|code| StatusCode::from_u16(code).ok());
    let headers = [("content-type", "application/json")];
    Ok((status.unwrap_or(StatusCode::BAD_GATEWAY), headers, answer.body).into_response())
}

async fn health(State(gateway): Shared, Path(uid): Path<String>) -> Result<Response, ErrorResponse> {
    let health = gateway.plugin.health(gateway.source(&uid)?).await?;
    let (status, word) = match health.status() {
        v2::check_health_response::HealthStatus::Ok => (StatusCode::OK, "OK"),
        v2::check_health_response::HealthStatus::Error => (StatusCode::BAD_REQUEST, "ERROR"),
        v2::check_health_response::HealthStatus::Unknown => (StatusCode::BAD_REQUEST, "UNKNOWN"),
    };
    let details: Value = serde_json::from_slice(&health.json_details).unwrap_or_default();
    Ok((status, Json(json!({ "status": word, "message": health.message, "details": details }))).into_response())
}

/// A live channel as server-sent events instead of Grafana Live's websocket: the frame of the subscription, then those of the
/// stream.
async fn live(
    State(gateway): Shared,
    Path((uid, path)): Path<(String, String)>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ErrorResponse> {
    let source = gateway.source(&uid)?;
    let subscribed = gateway.plugin.subscribe(source, &path).await?;
    if subscribed.status() != v2::subscribe_stream_response::Status::Ok {
        return Err(ErrorResponse(StatusCode::NOT_FOUND, format!("there is no channel `{path}`")));
    }
    let packets = gateway.plugin.run_stream(source, &path).await?;
    let event = |data: &[u8]| Ok(Event::default().data(String::from_utf8_lossy(data)));
    let first = (!subscribed.data.is_empty()).then(|| event(&subscribed.data));
    let rest = packets.filter_map(move |packet| async move { packet.ok().map(|packet| event(&packet.data)) });
    Ok(Sse::new(stream::iter(first).chain(rest)).keep_alive(KeepAlive::default()))
}

async fn metrics(State(gateway): Shared) -> Result<String, ErrorResponse> {
    Ok(gateway.plugin.metrics().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_grafana_sends_them() {
        let now = 10_000_000;
        let cases =
            [(json!(5), Some(5)), (json!("7"), Some(7)), (json!("now"), Some(now)), (json!("now-1h"), Some(6_400_000))];
        for (value, expected) in cases {
            assert_eq!(millis(&value, now), expected, "{value}");
        }
        for bad in [json!(null), json!("soon"), json!("now-1y"), json!("now+1h")] {
            assert_eq!(millis(&bad, now), None, "{bad}");
        }
    }
}
