//! A Jaeger that runs inside a test: it holds traces in the legacy form, searches them as real storages do, and can be
//! configured with the quirks of a version or a storage.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::struct_excessive_bools, reason = "a quirk each")]

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{RawQuery, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};

/// The behaviour of a fake server.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    /// Has `/api/services`, `/api/operations` and the search `/api/traces`.
    pub(crate) legacy: bool,
    /// Has `/api/v3/…`.
    pub(crate) v3: bool,
    /// v3 searches filter by attributes.
    pub(crate) v3_attributes: bool,
    /// Has `/api/operations` (`VictoriaTraces` has not).
    pub(crate) operations_route: bool,
    /// A search without service is refused.
    pub(crate) service_required: bool,
    /// Unknown routes answer with the user interface.
    pub(crate) html_for_unknown: bool,
    /// Answers are compressed.
    pub(crate) gzip: bool,
    /// Cassandra: a search by duration and tags is refused.
    pub(crate) no_duration_with_tags: bool,
    /// Memory: a limit above this is refused.
    pub(crate) max_limit: usize,
    /// Elasticsearch: `.` in a wanted value matches any character.
    pub(crate) regex: bool,
    /// Path before `/api`.
    pub(crate) base: String,
    /// Header `x-tenant` must be there.
    pub(crate) tenant: bool,
    /// Lists that are empty are null.
    pub(crate) null_when_empty: bool,
    /// The legacy form cannot be written.
    pub(crate) nan: bool,
    /// Most spans of a trace in an answer to a search (Elasticsearch's time padding).
    pub(crate) spans_in_search: usize,
    /// Traces by id are gone.
    pub(crate) by_id: bool,
}

impl Profile {
    pub(crate) fn v2_20() -> Self {
        Self {
            legacy: true,
            v3: true,
            v3_attributes: true,
            operations_route: true,
            service_required: true,
            html_for_unknown: false,
            gzip: false,
            no_duration_with_tags: false,
            max_limit: usize::MAX,
            regex: false,
            base: String::new(),
            tenant: false,
            null_when_empty: false,
            nan: false,
            spans_in_search: usize::MAX,
            by_id: true,
        }
    }

    pub(crate) fn v1_62() -> Self {
        Self { gzip: true, html_for_unknown: true, null_when_empty: true, v3_attributes: false, ..Self::v2_20() }
    }

    pub(crate) fn v2_21() -> Self {
        Self { legacy: false, service_required: false, ..Self::v2_20() }
    }
}

/// A request as the fake saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: HeaderMap,
}

impl Seen {
    pub(crate) fn get(&self, key: &str) -> &str {
        self.query.get(key).map_or("", String::as_str)
    }
}

type Script = Box<dyn Fn(&Seen, usize) -> Option<Response> + Send + Sync>;

/// The running server; it ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    profile: Mutex<Profile>,
    traces: Mutex<Vec<Value>>,
    seen: Mutex<Vec<Seen>>,
    script: Option<Script>,
}

impl Fake {
    pub(crate) async fn start(profile: Profile, traces: Vec<Value>) -> Self {
        Self::launch(profile, traces, None).await
    }

    /// A server that answers by `script` (request, number of requests before) where that gives an answer.
    pub(crate) async fn scripted(
        profile: Profile,
        traces: Vec<Value>,
        script: impl Fn(&Seen, usize) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        Self::launch(profile, traces, Some(Box::new(script))).await
    }

    async fn launch(profile: Profile, traces: Vec<Value>, script: Option<Script>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            profile: Mutex::new(profile.clone()),
            traces: Mutex::new(traces),
            seen: Mutex::default(),
            script,
        });
        let app = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url: format!("http://{address}{}", profile.base), shared }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// The searches, of either dialect.
    pub(crate) fn searches(&self) -> Vec<Seen> {
        let search = |seen: &Seen| seen.path.ends_with("/traces") && seen.get("query.attributes") != "x";
        self.seen().into_iter().filter(search).collect()
    }

    pub(crate) fn become_(&self, profile: Profile) {
        *self.shared.profile.lock().unwrap() = profile;
    }

    pub(crate) fn add(&self, trace: Value) {
        self.shared.traces.lock().unwrap().push(trace);
    }

    pub(crate) fn clear(&self) {
        self.shared.traces.lock().unwrap().clear();
    }
}

pub(crate) fn text(status: u16, kind: &str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert("content-type", kind.parse().unwrap());
    response
}

pub(crate) fn legacy_error(status: u16, message: &str) -> Response {
    let body = json!({"data": null, "total": 0, "errors": [{"code": status, "msg": message}]});
    text(status, "text/plain; charset=utf-8", format!("{body}\n"))
}

fn v3_error(status: u16, message: &str) -> Response {
    text(status, "text/plain", json!({"error": {"httpCode": status, "message": message}}).to_string())
}

async fn answer(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let pairs = reqwest::Url::parse(&format!("http://h/?{}", query.unwrap_or_default())).unwrap();
    let query = pairs.query_pairs().into_owned().collect();
    let seen = Seen { path, query, headers: request.headers().clone() };
    let before = {
        let mut all = shared.seen.lock().unwrap();
        all.push(seen.clone());
        all.len() - 1
    };
    if let Some(response) = shared.script.as_ref().and_then(|script| script(&seen, before)) {
        return response;
    }
    let profile = shared.profile.lock().unwrap().clone();
    let traces = shared.traces.lock().unwrap().clone();
    let response = route(&profile, &traces, &seen);
    if profile.gzip { compress(response).await } else { response }
}

async fn compress(response: Response) -> Response {
    use std::io::Write as _;
    let (mut parts, body) = response.into_parts();
    let bytes: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&bytes).unwrap();
    parts.headers.insert("content-encoding", "gzip".parse().unwrap());
    parts.headers.remove("content-length");
    Response::from_parts(parts, Body::from(encoder.finish().unwrap()))
}

fn route(profile: &Profile, traces: &[Value], seen: &Seen) -> Response {
    let unknown = || {
        if profile.html_for_unknown {
            let page = "<!doctype html><html><head><title>Jaeger UI</title><script>const JAEGER_VERSION = \
                        {\"gitCommit\":\"x\",\"gitVersion\":\"v1.62.0\",\"buildDate\":\"\"};</script></head></html>";
            text(200, "text/html", page)
        } else {
            text(404, "text/plain; charset=utf-8", "404 page not found\n")
        }
    };
    if profile.tenant && !seen.headers.contains_key("x-tenant") {
        return text(401, "text/plain; charset=utf-8", "missing tenant header\n");
    }
    let Some(path) = seen.path.strip_prefix(&profile.base) else { return unknown() };
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    let list = |mut names: Vec<Value>| {
        names.sort_by_key(Value::to_string);
        names.dedup();
        let data = if names.is_empty() && profile.null_when_empty { Value::Null } else { Value::from(names) };
        json_text(&json!({"data": data, "total": 0, "limit": 0, "offset": 0, "errors": null}))
    };
    let services = || traces.iter().flat_map(services_of).map(Value::from).collect::<Vec<_>>();
    let names = |service: &str| -> Vec<Value> {
        let of = |trace: &Value| {
            let spans = trace["spans"].as_array().unwrap().clone();
            spans.into_iter().filter(|s| service_of(trace, s) == service).map(|s| s["operationName"].clone()).collect()
        };
        traces.iter().flat_map(|trace| -> Vec<Value> { of(trace) }).collect()
    };
    match parts.as_slice() {
        ["api", "services"] if profile.legacy => list(services()),
        ["api", "operations"] if profile.legacy && profile.operations_route => {
            let names = names(seen.get("service"));
            list(names.into_iter().map(|name| json!({"name": name, "spanKind": "internal"})).collect())
        }
        ["api", "services", service, "operations"] if profile.legacy => list(names(service)),
        ["api", "traces"] if profile.legacy => search(profile, traces, seen, false),
        ["api", "v3", "traces"] if profile.v3 => search(profile, traces, seen, true),
        ["api", "traces", id] => by_id(profile, traces, id, false),
        ["api", "v3", "traces", id] if profile.v3 => by_id(profile, traces, id, true),
        ["api", "v3", "services"] if profile.v3 => json_text(&json!({"services": services()})),
        ["api", "v3", "operations"] if profile.v3 => {
            let names = names(seen.get("service"));
            let all: Vec<_> = names.into_iter().map(|name| json!({"name": name, "spanKind": "server"})).collect();
            json_text(&json!({"operations": all}))
        }
        _ => unknown(),
    }
}

fn by_id(profile: &Profile, traces: &[Value], id: &str, v3: bool) -> Response {
    let id = format!("{id:0>32}");
    let found = traces.iter().find(|trace| format!("{:0>32}", trace["traceID"].as_str().unwrap()) == id);
    match found.filter(|_| profile.by_id) {
        None if v3 => v3_error(404, "No traces found"),
        None => legacy_error(404, "trace not found"),
        Some(_) if profile.nan && !v3 => unwritable(),
        Some(trace) => wrap(std::slice::from_ref(trace), v3),
    }
}

fn unwritable() -> Response {
    legacy_error(500, "failed writing HTTP response: json: unsupported value: NaN")
}

fn wrap(traces: &[Value], v3: bool) -> Response {
    if v3 {
        let blocks: Vec<_> = traces.iter().flat_map(otlp).collect();
        return json_text(&json!({"result": {"resourceSpans": blocks}}));
    }
    json_text(&json!({"data": traces, "total": 0, "limit": 0, "offset": 0, "errors": null}))
}

fn json_text(value: &Value) -> Response {
    text(200, "application/json", value.to_string())
}

fn search(profile: &Profile, traces: &[Value], seen: &Seen, v3: bool) -> Response {
    let get = |legacy: &str, newer: &str| seen.get(if v3 { newer } else { legacy }).to_owned();
    let refuse = |status, message: &str| if v3 { v3_error(status, message) } else { legacy_error(status, message) };
    let service = get("service", "query.serviceName");
    let attributes = get("tags", "query.attributes");
    let attributes = if v3 && !profile.v3_attributes { String::new() } else { attributes };
    let wanted: BTreeMap<String, String> = match attributes.as_str() {
        "" => BTreeMap::new(),
        text => match serde_json::from_str(text) {
            Ok(map) => map,
            Err(why) => return refuse(400, &format!("malformed parameter tags: {why}")),
        },
    };
    if service.is_empty() && profile.service_required {
        let v3_message =
            "this storage backend requires a service name to search; searching all services is not supported";
        return refuse(400, if v3 { v3_message } else { "parameter 'service' is required" });
    }
    let (least, most) = (get("minDuration", "query.durationMin"), get("maxDuration", "query.durationMax"));
    if profile.no_duration_with_tags && !wanted.is_empty() && !(least.is_empty() && most.is_empty()) {
        return refuse(500, "cannot query for duration and tags simultaneously");
    }
    let limit: usize = get("limit", "query.searchDepth").parse().unwrap();
    if limit > profile.max_limit {
        return refuse(500, "search depth must be greater than 0 and less than max traces");
    }
    let time = |name: String| -> i64 {
        if v3 { chrono::DateTime::parse_from_rfc3339(&name).unwrap().timestamp_micros() } else { name.parse().unwrap() }
    };
    let from = time(get("start", "query.startTimeMin"));
    let to = time(get("end", "query.startTimeMax"));
    let micros = |text: &str| text.strip_suffix("us").map(|n| n.parse::<u64>().unwrap());
    let operation = get("operation", "query.operationName");
    let matches = |trace: &Value, span: &Value| {
        let start = span["startTime"].as_i64().unwrap();
        let duration = span["duration"].as_u64().unwrap();
        (service.is_empty() || service_of(trace, span) == service)
            && (operation.is_empty() || span["operationName"] == *operation)
            && (from..=to).contains(&start)
            && micros(&least).is_none_or(|least| duration >= least)
            && micros(&most).is_none_or(|most| duration <= most)
            && wanted.iter().all(|(key, value)| tags_of(span).any(|(k, v)| k == *key && like(profile, value, &v)))
    };
    let mut found: Vec<Value> = traces
        .iter()
        .filter(|trace| trace["spans"].as_array().unwrap().iter().any(|span| matches(trace, span)))
        .cloned()
        .collect();
    found.sort_by_key(|trace| std::cmp::Reverse(trace["spans"][0]["startTime"].as_i64()));
    found.truncate(limit);
    for trace in &mut found {
        let spans = trace["spans"].as_array_mut().unwrap();
        spans.truncate(profile.spans_in_search);
    }
    if found.is_empty() && v3 {
        return v3_error(404, "No traces found");
    }
    if profile.nan && !v3 && !found.is_empty() {
        return unwritable();
    }
    wrap(&found, v3)
}

fn like(profile: &Profile, wanted: &str, value: &str) -> bool {
    if !profile.regex {
        return wanted == value;
    }
    regex::Regex::new(&format!("^(?:{wanted})$")).is_ok_and(|regex| regex.is_match(value))
}

pub(crate) fn service_of(trace: &Value, span: &Value) -> String {
    let process = span["processID"].as_str().unwrap_or_default();
    trace["processes"][process]["serviceName"].as_str().unwrap_or_default().to_owned()
}

fn services_of(trace: &Value) -> Vec<String> {
    let processes = trace["processes"].as_object().cloned().unwrap_or_default();
    processes.values().map(|process| process["serviceName"].as_str().unwrap().to_owned()).collect()
}

fn tags_of(span: &Value) -> impl Iterator<Item = (String, String)> {
    let tags = span["tags"].as_array().cloned().unwrap_or_default();
    tags.into_iter().map(|tag| {
        let value = &tag["value"];
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (tag["key"].as_str().unwrap().to_owned(), text)
    })
}

/// The same trace as `/api/v3` returns it, one block per span as `ClickHouse` does.
fn otlp(trace: &Value) -> Vec<Value> {
    let spans = trace["spans"].as_array().unwrap();
    spans.iter().map(|span| otlp_span(trace, span)).collect()
}

fn attribute(tag: &Value) -> Value {
    let value = &tag["value"];
    let value = match tag["type"].as_str().unwrap() {
        "int64" => json!({"intValue": value.as_str().map_or_else(|| value.to_string(), str::to_owned)}),
        "float64" => json!({"doubleValue": value}),
        "bool" => json!({"boolValue": value}),
        _ => json!({"stringValue": value}),
    };
    json!({"key": tag["key"], "value": value})
}

fn otlp_span(trace: &Value, span: &Value) -> Value {
    let tag = |name: &str| tags_of(span).find(|(key, _)| key == name).map(|(_, value)| value);
    let kinds = ["", "internal", "server", "client", "producer", "consumer"];
    let kind = tag("span.kind").and_then(|kind| kinds.iter().position(|known| *known == kind)).unwrap_or(0);
    let code = match tag("otel.status_code").as_deref() {
        Some("ERROR") => 2,
        Some("OK") => 1,
        _ if tag("error").as_deref() == Some("true") => 2,
        _ => 0,
    };
    let folded = [
        "span.kind",
        "otel.status_code",
        "otel.status_description",
        "otel.scope.name",
        "otel.scope.version",
        "otel.library.name",
        "otel.library.version",
        "internal.span.format",
    ];
    let own = |tag: &&Value| {
        let is_status = tag["key"] == "error" && tag["value"] == true;
        !is_status && !folded.contains(&tag["key"].as_str().unwrap())
    };
    let tags = span["tags"].as_array().cloned().unwrap_or_default();
    let process = &trace["processes"][span["processID"].as_str().unwrap_or_default()];
    let mut resource = vec![json!({"key": "service.name", "value": {"stringValue": process["serviceName"]}})];
    resource.extend(process["tags"].as_array().into_iter().flatten().map(attribute));
    let start = span["startTime"].as_u64().unwrap() * 1000;
    let end = start + span["duration"].as_u64().unwrap() * 1000;
    let references = span["references"].as_array().cloned().unwrap_or_default();
    let is_parent = |r: &Value| r["refType"] == "CHILD_OF" && r["traceID"] == span["traceID"];
    let parent = references.iter().find(|r| is_parent(r)).map_or(json!(""), |r| r["spanID"].clone());
    let pad = |id: &Value| format!("{:0>32}", id.as_str().unwrap());
    let links: Vec<_> = references
        .iter()
        .filter(|r| !is_parent(r))
        .map(|r| json!({"traceId": pad(&r["traceID"]), "spanId": r["spanID"]}))
        .collect();
    let events: Vec<_> = span["logs"].as_array().into_iter().flatten().map(event).collect();
    let scope = tag("otel.scope.name").or_else(|| tag("otel.library.name")).unwrap_or_default();
    let version = tag("otel.scope.version").or_else(|| tag("otel.library.version")).unwrap_or_default();
    json!({"resource": {"attributes": resource}, "scopeSpans": [{"scope": {"name": scope, "version": version}, "spans": [{
        "traceId": pad(&span["traceID"]), "spanId": span["spanID"], "parentSpanId": parent, "name": span["operationName"],
        "kind": kind, "startTimeUnixNano": start.to_string(), "endTimeUnixNano": end.to_string(),
        "attributes": tags.iter().filter(own).map(attribute).collect::<Vec<_>>(), "links": links, "events": events,
        "status": {"code": code, "message": tag("otel.status_description").unwrap_or_default()}}]}]})
}

fn event(log: &Value) -> Value {
    let fields = log["fields"].as_array().cloned().unwrap_or_default();
    let name = fields.iter().find(|field| field["key"] == "event").map(|field| field["value"].clone());
    let others: Vec<_> = fields.iter().filter(|field| field["key"] != "event").map(attribute).collect();
    let nanos = log["timestamp"].as_u64().unwrap() * 1000;
    json!({"timeUnixNano": nanos.to_string(), "name": name.unwrap_or_default(), "attributes": others})
}

/// A span of [`trace`].
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) service: &'static str,
    pub(crate) name: &'static str,
    pub(crate) parent: Option<u64>,
    pub(crate) start: i64,
    pub(crate) duration: i64,
    pub(crate) tags: Vec<Value>,
}

pub(crate) fn span(
    service: &'static str,
    name: &'static str,
    start: i64,
    duration: i64,
    tags: &[(&str, &str)],
) -> Span {
    let tags = tags.iter().map(|(key, value)| json!({"key": key, "type": "string", "value": value})).collect();
    Span { service, name, parent: None, start, duration, tags }
}

/// A trace in the legacy form; spans are numbered from 1, each but the first a child of the first.
pub(crate) fn trace(id: u128, spans: &[Span]) -> Value {
    let id = format!("{id:x}");
    let mut processes = serde_json::Map::new();
    let mut list = Vec::new();
    for (ix, span) in spans.iter().enumerate() {
        let known = processes.iter().find(|(_, p)| p["serviceName"] == span.service).map(|(key, _)| key.clone());
        let process = known.unwrap_or_else(|| {
            let key = format!("p{}", processes.len() + 1);
            processes.insert(key.clone(), json!({"serviceName": span.service, "tags": []}));
            key
        });
        let parent = span.parent.or((ix > 0).then_some(1));
        let references: Vec<_> = parent
            .map(|parent| json!({"refType": "CHILD_OF", "traceID": id, "spanID": format!("{parent:016x}")}))
            .into_iter()
            .collect();
        list.push(json!({"traceID": id, "spanID": format!("{:016x}", ix + 1), "operationName": span.name,
            "references": references, "startTime": span.start, "duration": span.duration, "tags": span.tags,
            "logs": [], "processID": process, "warnings": null}));
    }
    json!({"traceID": id, "spans": list, "processes": processes, "warnings": null})
}

/// A response that is shorter than its declared length.
pub(crate) fn cut_off() -> Response {
    let chunks = futures_util::stream::iter([
        Ok::<_, std::io::Error>(Bytes::from_static(b"{\"data\":[")),
        Err(std::io::Error::other("the connection breaks")),
    ]);
    Body::from_stream(chunks).into_response()
}

/// A response that never ends.
pub(crate) fn endless() -> Response {
    use futures_util::StreamExt as _;
    let start = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{\"data\":["))]);
    Body::from_stream(start.chain(futures_util::stream::pending())).into_response()
}

/// A response of many megabytes, generated while it is sent.
pub(crate) fn huge() -> Response {
    let chunk = Bytes::from(vec![b' '; 1 << 16]);
    let chunks = futures_util::stream::iter((0..4096).map(move |_| Ok::<_, std::io::Error>(chunk.clone())));
    Body::from_stream(chunks).into_response()
}
