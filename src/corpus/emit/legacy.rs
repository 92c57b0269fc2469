//! Jaeger's own JSON: `{"data":[{"traceID":…,"spans":[…],"processes":{…}}]}`.

use std::collections::HashMap;

use super::{comma, float, is_empty, raw, string};
use crate::{
    corpus::span::{RESOURCE, RawSpan, RawTrace, RawValue, Text},
    trace::{Status, TraceId},
};

/// How a Jaeger writes spans that came over OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// 1.53, which KTRDR deploys: the library is a tag of the process (so a service has several), ids in full.
    V1_53,
    /// 2.x: `otel.scope.*` on the span, tags in the order of their keys.
    V2,
}

/// Writes traces span by span, for answers that would not fit into memory twice.
#[derive(Debug)]
pub struct JaegerWriter {
    out: Vec<u8>,
    dialect: Dialect,
    traces: usize,
    spans: usize,
    trace: TraceId,
    processes: Vec<(Text, (&'static str, &'static str))>,
    known: HashMap<(Text, &'static str), usize>,
}

impl JaegerWriter {
    /// An empty answer; `capacity` in bytes.
    #[must_use]
    pub fn new(dialect: Dialect, capacity: usize) -> Self {
        let mut out = Vec::with_capacity(capacity);
        raw(&mut out, "{\"data\":[");
        Self { out, dialect, traces: 0, spans: 0, trace: TraceId(0), processes: Vec::new(), known: HashMap::new() }
    }

    /// Begins a trace.
    pub fn begin(&mut self, trace: TraceId) {
        comma(&mut self.out, self.traces);
        self.traces += 1;
        self.spans = 0;
        self.trace = trace;
        self.processes.clear();
        self.known.clear();
        raw(&mut self.out, &format!("{{\"traceID\":\"{trace}\",\"spans\":["));
    }

    /// Writes a span of the trace begun last.
    pub fn span(&mut self, span: &RawSpan) {
        comma(&mut self.out, self.spans);
        self.spans += 1;
        let process = self.process(span);
        let out = &mut self.out;
        raw(out, &format!("{{\"traceID\":\"{}\",\"spanID\":\"{}\",\"operationName\":", self.trace, span.id));
        string(out, &span.name);
        raw(out, ",\"references\":[");
        if let Some(parent) = span.parent {
            let trace = self.trace;
            raw(out, &format!("{{\"refType\":\"CHILD_OF\",\"traceID\":\"{trace}\",\"spanID\":\"{parent}\"}}"));
        }
        raw(out, &format!("],\"startTime\":{},\"duration\":{},\"tags\":[", span.start.0, span.duration.0));
        tags(out, span, self.dialect);
        raw(out, "],\"logs\":[");
        for (nth, event) in span.events.iter().enumerate() {
            comma(out, nth);
            raw(out, &format!("{{\"timestamp\":{},\"fields\":[", event.time.0));
            tag(out, 0, "event", &RawValue::Text(event.name.clone()));
            for (nth, (key, value)) in event.attributes.iter().enumerate() {
                tag(out, nth + 1, key, value);
            }
            raw(out, "]}");
        }
        raw(out, &format!("],\"processID\":\"p{process}\",\"warnings\":null}}"));
    }

    /// Ends the trace begun last.
    pub fn end(&mut self) {
        let out = &mut self.out;
        raw(out, "],\"processes\":{");
        for (nth, (service, scope)) in self.processes.iter().enumerate() {
            comma(out, nth);
            raw(out, &format!("\"p{}\":{{\"serviceName\":", nth + 1));
            string(out, service);
            raw(out, ",\"tags\":[");
            for (nth, (key, value)) in RESOURCE.into_iter().enumerate() {
                tag(out, nth, key, &value.into());
            }
            if self.dialect == Dialect::V1_53 {
                for (key, value) in library("otel.library", *scope) {
                    tag(out, 1, key, &value.into());
                }
            }
            raw(out, "]}");
        }
        raw(out, "},\"warnings\":null}");
    }

    /// The whole answer.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        raw(&mut self.out, "],\"total\":0,\"limit\":0,\"offset\":0,\"errors\":null}");
        self.out
    }

    /// How many bytes were written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether no trace was begun yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.traces == 0
    }

    fn process(&mut self, span: &RawSpan) -> usize {
        let scope = if self.dialect == Dialect::V1_53 { span.scope } else { ("", "") };
        let processes = &mut self.processes;
        *self.known.entry((span.service.clone(), scope.0)).or_insert_with(|| {
            processes.push((span.service.clone(), scope));
            processes.len()
        })
    }
}

/// An answer of `/api/traces`.
#[must_use]
pub fn jaeger_json(traces: &[RawTrace], dialect: Dialect) -> Vec<u8> {
    let spans: usize = traces.iter().map(|trace| trace.spans.len()).sum();
    let mut writer = JaegerWriter::new(dialect, 1024 + spans * 1100);
    for trace in traces {
        writer.begin(trace.id);
        for span in &trace.spans {
            writer.span(span);
        }
        writer.end();
    }
    writer.finish()
}

fn library(prefix: &str, (name, version): (&'static str, &'static str)) -> Vec<(&'static str, &'static str)> {
    let keys = if prefix == "otel.library" {
        ["otel.library.name", "otel.library.version"]
    } else {
        ["otel.scope.name", "otel.scope.version"]
    };
    keys.into_iter().zip([name, version]).filter(|(_, value)| !value.is_empty()).collect()
}

fn tags(out: &mut Vec<u8>, span: &RawSpan, dialect: Dialect) {
    let mut all: Vec<(&str, RawValue)> = Vec::with_capacity(span.attributes.len() + 6);
    if dialect == Dialect::V2 {
        all.extend(library("otel.scope", span.scope).into_iter().map(|(key, value)| (key, value.into())));
    }
    all.extend(span.attributes.iter().map(|(key, value)| (key.as_ref(), value.clone())));
    if !span.kind.as_str().is_empty() {
        all.push(("span.kind", span.kind.as_str().into()));
    }
    match span.status {
        Status::Unset => {}
        Status::Ok => all.push(("otel.status_code", "OK".into())),
        Status::Error => {
            all.push(("otel.status_code", "ERROR".into()));
            all.push(("error", true.into()));
        }
    }
    if !is_empty(&span.status_message) {
        all.push(("otel.status_description", span.status_message.clone().into()));
    }
    if dialect == Dialect::V2 {
        all.sort_by_key(|(key, _)| *key);
    }
    for (nth, (key, value)) in all.iter().enumerate() {
        tag(out, nth, key, value);
    }
}

fn tag(out: &mut Vec<u8>, nth: usize, key: &str, value: &RawValue) {
    comma(out, nth);
    raw(out, "{\"key\":");
    string(out, key);
    match value {
        RawValue::Text(text) => {
            raw(out, ",\"type\":\"string\",\"value\":");
            string(out, text);
        }
        RawValue::Bool(yes) => raw(out, &format!(",\"type\":\"bool\",\"value\":{yes}")),
        // Beyond 2^53 JavaScript would round, so Jaeger writes text.
        RawValue::Int(number) if number.unsigned_abs() > (1 << 53) - 1 => {
            raw(out, &format!(",\"type\":\"int64\",\"value\":\"{number}\""));
        }
        RawValue::Int(number) => raw(out, &format!(",\"type\":\"int64\",\"value\":{number}")),
        RawValue::Float(number) => {
            raw(out, ",\"type\":\"float64\",\"value\":");
            float(out, *number);
        }
    }
    raw(out, "}");
}
