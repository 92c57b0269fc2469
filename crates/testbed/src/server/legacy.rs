//! `/api/…`: Jaeger's legacy API, which exists up to 2.20.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::Utc;
use serde_json::{Value, json};

use super::params::{self, Params};
use crate::{
    emit::{JaegerVersion, JaegerWriter},
    span::RawTrace,
    store::{Filter, Store},
};
use trace::{Micros, Time, TraceId};

const TWO_DAYS: Micros = Micros::from_secs(48 * 3600);

fn envelope(data: &Value, total: usize) -> Response {
    super::json(json!({"data": data, "total": total, "limit": 0, "offset": 0, "errors": null}).to_string().into())
}

/// An error as Go's `http.Error` sends it: JSON with the content type of plain text.
fn error(status: StatusCode, message: &str) -> Response {
    let errors = json!([{"code": status.as_u16(), "msg": message}]);
    let body = json!({"data": null, "total": 0, "limit": 0, "offset": 0, "errors": errors});
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{body}\n")).into_response()
}

pub(super) async fn services(State(store): State<Arc<Store>>) -> Response {
    let services = store.services();
    envelope(&json!(services), services.len())
}

pub(super) async fn operations(State(store): State<Arc<Store>>, Query(params): Query<Params>) -> Response {
    let Some(service) = params::first(&params, &["service"]) else { return no_service() };
    let kind = params::first(&params, &["spanKind"]);
    let names = store.span_names(service);
    let rows: Vec<Value> = names
        .iter()
        .filter(|(_, is)| kind.is_none_or(|kind| kind == *is))
        .map(|(name, kind)| json!({"name": name, "spanKind": kind}))
        .collect();
    envelope(&json!(rows), rows.len())
}

pub(super) async fn operation_names(State(store): State<Arc<Store>>, Path(service): Path<String>) -> Response {
    let names: BTreeSet<String> = store.span_names(&service).into_iter().map(|(name, _)| name).collect();
    envelope(&json!(names), names.len())
}

fn no_service() -> Response {
    error(StatusCode::BAD_REQUEST, "parameter 'service' is required")
}

pub(super) async fn search(State(store): State<Arc<Store>>, Query(params): Query<Params>) -> Response {
    let ids: Vec<&str> = params::all(&params, "traceID").filter(|id| !id.is_empty()).collect();
    if !ids.is_empty() {
        return by_ids(&store, &ids);
    }
    match read(&params) {
        Ok((filter, limit)) => traces(&store.search(&filter, limit), &[]),
        Err(message) => error(StatusCode::BAD_REQUEST, &message),
    }
}

fn by_ids(store: &Store, ids: &[&str]) -> Response {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for text in ids {
        let Some(id) = TraceId::parse(text) else { return error(StatusCode::BAD_REQUEST, &bad_id(text)) };
        match store.get(id) {
            Some(trace) => found.push(trace),
            None => missing.push(json!({"msg": "trace not found", "traceID": id})),
        }
    }
    traces(&found, &missing)
}

fn bad_id(text: &str) -> String {
    format!("strconv.ParseUint: parsing {text:?}: invalid syntax")
}

pub(super) async fn trace(State(store): State<Arc<Store>>, Path(id): Path<String>) -> Response {
    let Some(id) = TraceId::parse(&id) else { return error(StatusCode::BAD_REQUEST, &bad_id(&id)) };
    match store.get(id) {
        Some(trace) => traces(&[trace], &[]),
        None => error(StatusCode::NOT_FOUND, "trace not found"),
    }
}

fn traces(found: &[Arc<RawTrace>], missing: &[Value]) -> Response {
    let mut writer = JaegerWriter::new(JaegerVersion::V1_53, 64 * 1024);
    for trace in found {
        writer.begin(trace.id);
        for span in &trace.spans {
            writer.span(span);
        }
        writer.end();
    }
    super::json(writer.finish_with(missing))
}

fn read(params: &Params) -> Result<(Filter, usize), String> {
    let service = params::first(params, &["service"]).ok_or("parameter 'service' is required")?;
    let micros = |name: &str, default: Time| match params::first(params, &[name]) {
        None => Ok(default),
        Some(text) => text.parse().map(Time).map_err(|_| format!("unable to parse param '{name}': {text:?}")),
    };
    let now = Time(Utc::now().timestamp_micros());
    let length = |name: &str| match params::first(params, &[name]) {
        None => Ok(None),
        Some(text) => params::duration(text)
            .map(Some)
            .ok_or_else(|| format!("unable to parse param '{name}': time: invalid duration {text:?}")),
    };
    let limit = match params::first(params, &["limit"]) {
        None => 100,
        Some(text) => {
            text.parse::<i64>().map_err(|_| format!("unable to parse param 'limit': {text:?}"))?.max(0) as usize
        }
    };
    let mut tags = Vec::new();
    for text in params::all(params, "tags") {
        let more = params::object(text).ok_or("malformed 'tags' parameter, cannot unmarshal JSON")?;
        tags.extend(more);
    }
    for text in params::all(params, "tag") {
        let (key, value) = text
            .split_once(':')
            .ok_or_else(|| format!("malformed 'tag' parameter, expecting key:value, received: {text}"))?;
        tags.push((key.to_owned(), value.to_owned()));
    }
    let (min_duration, max_duration) = (length("minDuration")?, length("maxDuration")?);
    if max_duration.is_some_and(|most| min_duration.is_some_and(|least| most < least)) {
        return Err("'maxDuration' should be greater than 'minDuration'".to_owned());
    }
    let filter = Filter {
        service: Some(service.to_owned()),
        operation: params::first(params, &["operation"]).map(str::to_owned),
        tags,
        from: Some(micros("start", now - TWO_DAYS)?),
        to: Some(micros("end", now)?),
        min_duration,
        max_duration,
    };
    Ok((filter, limit))
}
