//! OTLP JSON: the body of `POST /v1/traces`, and the value of `result` in the answer of `/api/v3/traces`.

use super::{comma, float, raw, string};
use crate::span::{RawAttributes, RawSpan, RawTrace, RawValue, Text};
use trace::{SpanKind, Status, TraceId};

/// `{"resourceSpans":[…]}` with one resource per trace and process, and one scope per instrumentation library.
#[must_use]
pub fn otlp_json<'t>(traces: impl IntoIterator<Item = &'t RawTrace>) -> Vec<u8> {
    let mut out = Vec::new();
    raw(&mut out, "{\"resourceSpans\":[");
    let mut nth = 0;
    for trace in traces {
        for (process, scopes) in by_process(trace) {
            comma(&mut out, nth);
            nth += 1;
            resource(&mut out, trace.id, process, &scopes);
        }
    }
    raw(&mut out, "]}");
    out
}

/// Service and attributes of a process.
type Process<'t> = (&'t Text, &'t RawAttributes);
type Scopes<'t> = Vec<(&'t (Text, Text), Vec<&'t RawSpan>)>;

fn by_process(trace: &RawTrace) -> Vec<(Process<'_>, Scopes<'_>)> {
    let mut processes: Vec<(Process<'_>, Scopes<'_>)> = Vec::new();
    for span in &trace.spans {
        let scopes = entry(&mut processes, (&span.service, &span.process));
        entry(scopes, &span.scope).push(span);
    }
    processes
}

/// The value for a key, which is added if it is missing. A linear search is fast enough because there are few keys.
fn entry<K: PartialEq, V: Default>(list: &mut Vec<(K, V)>, key: K) -> &mut V {
    let at = list.iter().position(|(existing, _)| *existing == key).unwrap_or_else(|| {
        list.push((key, V::default()));
        list.len() - 1
    });
    #[allow(clippy::indexing_slicing, reason = "found or pushed just above")]
    &mut list[at].1
}

fn resource(out: &mut Vec<u8>, trace: TraceId, (service, attributes): Process<'_>, scopes: &Scopes<'_>) {
    raw(out, "{\"resource\":{\"attributes\":[");
    attribute(out, 0, "service.name", &service.clone().into());
    for (key, value) in attributes {
        attribute(out, 1, key, value);
    }
    raw(out, "]},\"scopeSpans\":[");
    for (nth, ((name, version), spans)) in scopes.iter().enumerate() {
        comma(out, nth);
        raw(out, "{\"scope\":{");
        if !name.is_empty() {
            raw(out, "\"name\":");
            string(out, name);
        }
        if !version.is_empty() {
            raw(out, ",\"version\":");
            string(out, version);
        }
        raw(out, "},\"spans\":[");
        for (nth, span) in spans.iter().enumerate() {
            comma(out, nth);
            write_span(out, trace, span);
        }
        raw(out, "]}");
    }
    raw(out, "]}");
}

fn write_span(out: &mut Vec<u8>, trace: TraceId, span: &RawSpan) {
    raw(out, &format!("{{\"traceId\":\"{trace}\",\"spanId\":\"{}\",", span.id));
    if let Some(parent) = span.parent {
        raw(out, &format!("\"parentSpanId\":\"{parent}\","));
    }
    raw(out, "\"name\":");
    string(out, &span.name);
    if span.kind != SpanKind::Unspecified {
        raw(out, &format!(",\"kind\":{}", kind(span.kind)));
    }
    let (start, end) = (span.start.nanos(), span.end().nanos());
    raw(out, &format!(",\"startTimeUnixNano\":\"{start}\",\"endTimeUnixNano\":\"{end}\",\"attributes\":["));
    for (nth, (key, value)) in span.attributes.iter().enumerate() {
        attribute(out, nth, key, value);
    }
    raw(out, "],\"events\":[");
    for (nth, event) in span.events.iter().enumerate() {
        comma(out, nth);
        raw(out, &format!("{{\"timeUnixNano\":\"{}\",\"name\":", event.time.nanos()));
        string(out, &event.name);
        raw(out, ",\"attributes\":[");
        for (nth, (key, value)) in event.attributes.iter().enumerate() {
            attribute(out, nth, key, value);
        }
        raw(out, "]}");
    }
    raw(out, "],\"status\":{");
    match span.status {
        Status::Unset => {}
        Status::Ok => raw(out, "\"code\":1"),
        Status::Error => {
            raw(out, "\"code\":2");
            if !span.status_message.is_empty() {
                raw(out, ",\"message\":");
                string(out, &span.status_message);
            }
        }
    }
    raw(out, "}}");
}

fn kind(kind: SpanKind) -> u8 {
    match kind {
        SpanKind::Unspecified => 0,
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

fn attribute(out: &mut Vec<u8>, nth: usize, key: &str, value: &RawValue) {
    comma(out, nth);
    raw(out, "{\"key\":");
    string(out, key);
    raw(out, ",\"value\":{");
    match value {
        RawValue::Text(text) => {
            raw(out, "\"stringValue\":");
            string(out, text);
        }
        RawValue::Bool(yes) => raw(out, &format!("\"boolValue\":{yes}")),
        RawValue::Int(number) => raw(out, &format!("\"intValue\":\"{number}\"")),
        RawValue::Float(number) => {
            raw(out, "\"doubleValue\":");
            float(out, *number);
        }
    }
    raw(out, "}}");
}
