//! Reads the OTLP JSON of `POST /v1/traces` into plain spans.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;

use super::span::{RawAttributes, RawEvent, RawSpan, RawTrace, RawValue, Text};
use trace::{SpanId, SpanKind, Status, Time, TraceId};

/// Why a body could not be read as OTLP JSON.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The body is not the JSON of an export request.
    #[error("not OTLP JSON: {0}; expected {{\"resourceSpans\":[…]}}")]
    Json(#[from] serde_json::Error),
    /// An id that is not hexadecimal.
    #[error("span {name:?} has the id {id:?}; expected hexadecimal digits")]
    Id {
        /// Name of the span.
        name: String,
        /// The id as sent.
        id: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(default)]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    #[serde(default)]
    resource: Resource,
    #[serde(default)]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Deserialize, Default)]
struct Resource {
    #[serde(default)]
    attributes: Vec<KeyValue>,
}

#[derive(Deserialize)]
struct ScopeSpans {
    #[serde(default)]
    scope: Scope,
    #[serde(default)]
    spans: Vec<Span>,
}

#[derive(Deserialize, Default)]
struct Scope {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
#[allow(clippy::struct_field_names, reason = "OTLP's own names")]
struct Span {
    trace_id: String,
    span_id: String,
    parent_span_id: String,
    name: String,
    kind: u8,
    start_time_unix_nano: Number,
    end_time_unix_nano: Number,
    attributes: Vec<KeyValue>,
    events: Vec<Event>,
    status: SpanStatus,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SpanStatus {
    code: u8,
    message: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Event {
    time_unix_nano: Number,
    name: String,
    attributes: Vec<KeyValue>,
}

#[derive(Deserialize)]
struct KeyValue {
    key: String,
    #[serde(default)]
    value: serde_json::Map<String, serde_json::Value>,
}

/// A 64-bit number. In OTLP JSON it is a text, but some senders write a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Number(i64),
    Text(String),
}

impl Default for Number {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl Number {
    fn time(&self) -> Time {
        Time::from_nanos(match self {
            Self::Number(number) => i128::from(*number),
            Self::Text(text) => text.parse().unwrap_or_default(),
        })
    }
}

/// The traces of an OTLP JSON export request.
///
/// Links are dropped. Arrays and maps become their JSON text, as in Jaeger.
///
/// # Errors
/// If the body is not OTLP JSON, or an id is not hexadecimal.
pub fn from_otlp_json(body: &[u8]) -> Result<Vec<RawTrace>, IngestError> {
    let request: Request = serde_json::from_slice(body)?;
    let mut traces: BTreeMap<TraceId, Vec<RawSpan>> = BTreeMap::new();
    for resource in request.resource_spans {
        let (names, process): (Vec<_>, Vec<_>) =
            attributes(resource.resource.attributes).into_iter().partition(|(key, _)| key == "service.name");
        let service =
            names.first().map_or("OTLPResourceNoServiceName".into(), |(_, value)| value.to_text().into_owned());
        let process = Arc::new(process);
        for ScopeSpans { scope, spans } in resource.scope_spans {
            for span in spans {
                let trace = TraceId::parse(&span.trace_id)
                    .ok_or_else(|| IngestError::Id { name: span.name.clone(), id: span.trace_id.clone() })?;
                let scope = (scope.name.clone().into(), scope.version.clone().into());
                let span = raw_span(span, service.clone().into(), Arc::clone(&process), scope)?;
                traces.entry(trace).or_default().push(span);
            }
        }
    }
    Ok(traces.into_iter().map(|(id, spans)| RawTrace { id, spans }).collect())
}

fn raw_span(
    span: Span,
    service: Text,
    process: Arc<RawAttributes>,
    scope: (Text, Text),
) -> Result<RawSpan, IngestError> {
    let id = |text: &str| {
        SpanId::parse(text).ok_or_else(|| IngestError::Id { name: span.name.clone(), id: text.to_owned() })
    };
    let parent = if span.parent_span_id.is_empty() { None } else { Some(id(&span.parent_span_id)?) };
    let start = span.start_time_unix_nano.time();
    let event = |event: Event| RawEvent {
        time: event.time_unix_nano.time(),
        name: event.name.into(),
        attributes: attributes(event.attributes),
    };
    Ok(RawSpan {
        id: id(&span.span_id)?,
        parent,
        service,
        kind: match span.kind {
            1 => SpanKind::Internal,
            2 => SpanKind::Server,
            3 => SpanKind::Client,
            4 => SpanKind::Producer,
            5 => SpanKind::Consumer,
            _ => SpanKind::Unspecified,
        },
        status: match span.status.code {
            1 => Status::Ok,
            2 => Status::Error,
            _ => Status::Unset,
        },
        status_message: span.status.message.into(),
        start,
        duration: span.end_time_unix_nano.time() - start,
        process,
        scope,
        attributes: attributes(span.attributes),
        events: span.events.into_iter().map(event).collect(),
        name: span.name.into(),
    })
}

fn attributes(pairs: Vec<KeyValue>) -> RawAttributes {
    pairs.into_iter().map(|pair| (pair.key.into(), value(&pair.value))).collect()
}

fn value(any: &serde_json::Map<String, serde_json::Value>) -> RawValue {
    let Some((kind, value)) = any.iter().next() else { return "".into() };
    let text = || value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match kind.as_str() {
        "boolValue" => value.as_bool().unwrap_or_default().into(),
        "intValue" => match value.as_i64().or_else(|| text().parse().ok()) {
            Some(number) => number.into(),
            None => text().into(),
        },
        "doubleValue" => value.as_f64().map_or_else(|| text().into(), RawValue::from),
        _ => text().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Telemetry, build, otlp_json, scenarios};

    #[test]
    fn spans_are_read_back_as_they_were_written() {
        for scenario in scenarios() {
            let mut generated = build(scenario, scenario.telemetry[0], Time(1_795_341_900_000_000), 1);
            let mut read = from_otlp_json(&otlp_json(&generated)).unwrap();
            for trace in generated.iter_mut().chain(&mut read) {
                trace.spans.sort_by_key(|span| span.id);
            }
            generated.sort_by_key(|trace| trace.id);
            for (generated, read) in generated.iter().zip(&read) {
                for (generated, read) in generated.spans.iter().zip(&read.spans) {
                    assert_eq!(generated, read, "{}", scenario.name);
                }
            }
            assert_eq!(generated.len(), read.len(), "{}", scenario.name);
        }
        assert!(scenarios().iter().any(|scenario| scenario.telemetry[0] == Telemetry::Planned));
    }

    #[test]
    fn a_body_that_is_not_otlp_json_is_rejected() {
        let error = from_otlp_json(b"<html>").unwrap_err().to_string();
        assert!(error.contains("resourceSpans"), "{error}");
        let bad = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"nothex","spanId":"1","name":"n"}]}]}]}"#;
        assert!(from_otlp_json(bad).unwrap_err().to_string().contains("nothex"));
    }
}
