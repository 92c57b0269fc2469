//! `/api/v3/…`: Jaeger's v3 API, which answers with OTLP JSON. It is the only way to search in Jaeger 2.21.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::params::{self, Params};
use crate::{
    emit::otlp_json,
    span::RawTrace,
    store::{Filter, Store},
};
use trace::{Time, TraceId};

fn error(status: StatusCode, message: &str) -> Response {
    let body = json!({"error": {"httpCode": status.as_u16(), "message": message}});
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{body}\n")).into_response()
}

pub(super) async fn services(State(store): State<Arc<Store>>) -> Response {
    super::json(json!({"services": store.services()}).to_string().into())
}

pub(super) async fn operations(State(store): State<Arc<Store>>, Query(params): Query<Params>) -> Response {
    let kind = params::first(&params, &["spanKind", "span_kind"]);
    let names = store.span_names(params::first(&params, &["service"]).unwrap_or_default());
    let rows: Vec<Value> = names
        .iter()
        .filter(|(_, is)| kind.is_none_or(|kind| kind == *is))
        .map(|(name, kind)| json!({"name": name, "spanKind": if kind.is_empty() { "internal" } else { kind }}))
        .collect();
    super::json(json!({"operations": rows}).to_string().into())
}

pub(super) async fn search(State(store): State<Arc<Store>>, Query(params): Query<Params>) -> Response {
    match read(&params) {
        Ok((filter, limit)) => traces(&store.search(&filter, limit), "No traces found"),
        Err(message) => error(StatusCode::BAD_REQUEST, &message),
    }
}

pub(super) async fn trace(State(store): State<Arc<Store>>, Path(id): Path<String>) -> Response {
    let Some(parsed) = TraceId::parse(&id) else {
        let message = format!("malformed parameter trace_id: strconv.ParseUint: parsing {id:?}: invalid syntax");
        return error(StatusCode::BAD_REQUEST, &message);
    };
    let found: Vec<_> = store.get(parsed).into_iter().collect();
    traces(&found, "trace not found")
}

fn traces(found: &[Arc<RawTrace>], none: &str) -> Response {
    if found.is_empty() {
        return error(StatusCode::NOT_FOUND, none);
    }
    let mut body = b"{\"result\":".to_vec();
    body.extend(otlp_json(found.iter().map(Arc::as_ref)));
    body.push(b'}');
    super::json(body)
}

fn read(params: &Params) -> Result<(Filter, usize), String> {
    let get = |canonical: &str, alias: &str| params::first(params, &[canonical, alias]);
    let time = |canonical: &str, alias: &str| {
        let text = get(canonical, alias).ok_or("query.startTimeMin and query.startTimeMax are required")?;
        Time::parse_rfc3339(text).ok_or_else(|| format!("malformed parameter {canonical}: parsing time {text:?}"))
    };
    let (from, to) =
        (time("query.startTimeMin", "query.start_time_min")?, time("query.startTimeMax", "query.start_time_max")?);
    if from >= to {
        return Err("query.startTimeMin must be before query.startTimeMax".to_owned());
    }
    let length = |canonical: &str, alias: &str| match get(canonical, alias) {
        None => Ok(None),
        Some(text) => params::duration(text)
            .map(Some)
            .ok_or_else(|| format!("malformed parameter {canonical}: time: invalid duration {text:?}")),
    };
    let limit = match params::first(params, &["query.searchDepth", "query.search_depth", "query.num_traces"]) {
        None => 100,
        Some(text) => text.parse().map_err(|_| format!("malformed parameter query.searchDepth: {text:?}"))?,
    };
    let tags = match params::first(params, &["query.attributes"]) {
        None => Vec::new(),
        Some(text) => {
            params::object(text).ok_or("malformed parameter query.attributes: expected an object of texts")?
        }
    };
    let filter = Filter {
        service: get("query.serviceName", "query.service_name").map(str::to_owned),
        operation: get("query.operationName", "query.operation_name").map(str::to_owned),
        tags,
        from: Some(from),
        to: Some(to),
        min_duration: length("query.durationMin", "query.duration_min")?,
        max_duration: length("query.durationMax", "query.duration_max")?,
    };
    Ok((filter, limit))
}
