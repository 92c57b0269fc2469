//! The JSON of Jaeger's legacy API: `{"data":[{"traceID":…,"spans":[…],"processes":{…}}]}`.

use std::{collections::HashMap, sync::Arc};

use super::{comma, float, raw, string};
use crate::span::{RawAttributes, RawSpan, RawTrace, RawValue, Text};
use trace::TraceId;

/// The version of Jaeger whose output is imitated. Versions differ in how they write spans that they received over OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JaegerVersion {
    /// 1.53, which KTRDR deploys: the instrumentation library is a tag of the process, so a service has several processes.
    V1_53,
    /// 2.x: the instrumentation library is `otel.scope.*` on the span, and tags are sorted by key.
    V2,
}

#[derive(Debug)]
struct Process {
    service: Text,
    attributes: Arc<RawAttributes>,
    /// Name and version of the instrumentation library, if this version writes it as a tag of the process.
    scope: (Text, Text),
}

/// Writes traces span by span, for answers that are too large to be in memory twice.
#[derive(Debug)]
pub struct JaegerWriter {
    out: Vec<u8>,
    version: JaegerVersion,
    traces: usize,
    spans: usize,
    trace: TraceId,
    processes: Vec<Process>,
    process_numbers: HashMap<(Text, Text, usize), usize>,
}

impl JaegerWriter {
    /// An empty answer. `capacity` is its expected size in bytes.
    #[must_use]
    pub fn new(version: JaegerVersion, capacity: usize) -> Self {
        let mut out = Vec::with_capacity(capacity);
        raw(&mut out, "{\"data\":[");
        Self {
            out,
            version,
            traces: 0,
            spans: 0,
            trace: TraceId(0),
            processes: Vec::new(),
            process_numbers: HashMap::new(),
        }
    }

    /// Starts a trace.
    pub fn begin(&mut self, trace: TraceId) {
        comma(&mut self.out, self.traces);
        self.traces += 1;
        self.spans = 0;
        self.trace = trace;
        self.processes.clear();
        self.process_numbers.clear();
        raw(&mut self.out, &format!("{{\"traceID\":\"{trace}\",\"spans\":["));
    }

    /// Writes a span of the current trace.
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
        tags(out, span, self.version);
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

    /// Ends the current trace.
    pub fn end(&mut self) {
        let out = &mut self.out;
        raw(out, "],\"processes\":{");
        for (nth, process) in self.processes.iter().enumerate() {
            comma(out, nth);
            raw(out, &format!("\"p{}\":{{\"serviceName\":", nth + 1));
            string(out, &process.service);
            raw(out, ",\"tags\":[");
            for (nth, (key, value)) in process.attributes.iter().enumerate() {
                tag(out, nth, key, value);
            }
            for (nth, (key, value)) in scope_tags(LIBRARY, &process.scope).enumerate() {
                tag(out, process.attributes.len() + nth, key, &value);
            }
            raw(out, "]}");
        }
        raw(out, "},\"warnings\":null}");
    }

    /// Returns the complete answer.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.finish_with(&[])
    }

    /// Returns the complete answer with these errors.
    pub(crate) fn finish_with(mut self, errors: &[serde_json::Value]) -> Vec<u8> {
        let errors = serde_json::Value::from(errors);
        let errors = if errors.as_array().is_none_or(Vec::is_empty) { serde_json::Value::Null } else { errors };
        raw(&mut self.out, &format!("],\"total\":0,\"limit\":0,\"offset\":0,\"errors\":{errors}}}"));
        self.out
    }

    /// Number of bytes written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether no trace has been started.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.traces == 0
    }

    fn process(&mut self, span: &RawSpan) -> usize {
        let scope = if self.version == JaegerVersion::V1_53 { span.scope.clone() } else { Default::default() };
        let processes = &mut self.processes;
        let key = (span.service.clone(), scope.0.clone(), Arc::as_ptr(&span.process) as usize);
        *self.process_numbers.entry(key).or_insert_with(|| {
            let (service, attributes) = (span.service.clone(), Arc::clone(&span.process));
            processes.push(Process { service, attributes, scope });
            processes.len()
        })
    }
}

/// The answer of `/api/traces` with these traces.
#[must_use]
pub fn jaeger_json<'t>(traces: impl IntoIterator<Item = &'t RawTrace>, version: JaegerVersion) -> Vec<u8> {
    let mut writer = JaegerWriter::new(version, 64 * 1024);
    for trace in traces {
        writer.begin(trace.id);
        for span in &trace.spans {
            writer.span(span);
        }
        writer.end();
    }
    writer.finish()
}

const LIBRARY: [&str; 2] = ["otel.library.name", "otel.library.version"];
const SCOPE: [&str; 2] = ["otel.scope.name", "otel.scope.version"];

fn scope_tags(
    keys: [&'static str; 2],
    (name, version): &(Text, Text),
) -> impl Iterator<Item = (&'static str, RawValue)> {
    let values = [name.clone(), version.clone()];
    keys.into_iter().zip(values).filter(|(_, value)| !value.is_empty()).map(|(key, value)| (key, value.into()))
}

fn tags(out: &mut Vec<u8>, span: &RawSpan, version: JaegerVersion) {
    if version == JaegerVersion::V1_53 {
        let own = span.kind_and_status_tags();
        for (nth, (key, value)) in span.attributes.iter().enumerate() {
            tag(out, nth, key, value);
        }
        for (nth, (key, value)) in own.iter().enumerate() {
            tag(out, span.attributes.len() + nth, key, value);
        }
        return;
    }
    let fields: Vec<_> = scope_tags(SCOPE, &span.scope).chain(span.kind_and_status_tags()).collect();
    let mut all: Vec<(&str, &RawValue)> = span.attributes.iter().map(|(key, value)| (key.as_ref(), value)).collect();
    all.extend(fields.iter().map(|(key, value)| (*key, value)));
    all.sort_by_key(|(key, _)| *key);
    for (nth, (key, value)) in all.into_iter().enumerate() {
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
        // JavaScript rounds numbers above 2^53, so Jaeger writes them as text.
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
