//! Back from Grafana's frames to diagnoses, as a panel reads them.

use serde_json::{Map, Value};

use diagnosis::{
    Confidence, Diagnosis, ErrorEntry, ErrorRole, Evidence, EvidenceKind, Finding, FlowStep, HttpCall, OperationStatus,
    PathStep, SectionKind, Severity, Verdict, WorkerSelection, WorkerStatus,
};
use trace::{SpanId, Time, TraceId};

/// The rows of a frame's JSON, each as an object of column names.
pub(super) fn rows(frame: &Value) -> Vec<Map<String, Value>> {
    let names: Vec<&str> = list(at(frame, "/schema/fields")).filter_map(|field| at(field, "/name").as_str()).collect();
    let columns: Vec<&Vec<Value>> = list(at(frame, "/data/values")).filter_map(Value::as_array).collect();
    let nanos: Vec<&Value> = list(at(frame, "/data/nanos")).collect();
    let is_time: Vec<bool> = list(at(frame, "/schema/fields")).map(|field| at(field, "/type") == "time").collect();
    let length = columns.first().map_or(0, |column| column.len());
    (0..length)
        .map(|row| {
            let cell = |(ix, name): (usize, &&str)| {
                let value = columns.get(ix).and_then(|column| column.get(row)).cloned().unwrap_or_default();
                let value = match (is_time.get(ix), value.as_i64()) {
                    (Some(true), Some(ms)) => {
                        let ns = nanos.get(ix).and_then(|column| column.get(row)).and_then(Value::as_i64).unwrap_or(0);
                        Time(ms * 1000 + ns / 1000).to_string().into()
                    }
                    _ => value,
                };
                ((*name).to_owned(), value)
            };
            names.iter().enumerate().map(cell).collect()
        })
        .collect()
}

/// What a JSON pointer points at; null when there is nothing.
pub(super) fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A row or an object of a JSON column.
#[derive(Clone, Copy)]
struct Row<'v>(&'v Map<String, Value>);

impl<'v> Row<'v> {
    fn value(self, key: &str) -> &'v Value {
        self.0.get(key).unwrap_or(&Value::Null)
    }
    fn text(self, key: &str) -> Option<&'v str> {
        self.value(key).as_str()
    }
    fn opt(self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }
    fn string(self, key: &str) -> String {
        self.opt(key).unwrap_or_default()
    }
    fn float(self, key: &str) -> Option<f64> {
        self.value(key).as_f64()
    }
    fn ms(self, key: &str) -> f64 {
        self.float(key).unwrap_or(0.0)
    }
    fn int(self, key: &str) -> Option<i64> {
        self.value(key).as_i64()
    }
    fn count(self, key: &str) -> u32 {
        self.int(key).and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
    }
    fn flag(self, key: &str) -> bool {
        self.value(key).as_bool().unwrap_or(false)
    }
    fn time(self, key: &str) -> Option<Time> {
        self.text(key).and_then(Time::parse_rfc3339)
    }
    fn span(self, key: &str) -> Option<SpanId> {
        self.text(key).and_then(SpanId::parse)
    }
    fn trace(self, key: &str) -> Option<TraceId> {
        self.text(key).and_then(TraceId::parse)
    }
    fn texts(self, key: &str) -> Vec<String> {
        list(self.value(key)).filter_map(Value::as_str).map(str::to_owned).collect()
    }
    /// The word among `all` that `key` holds.
    fn word<T: Copy>(self, key: &str, all: &[T], as_str: fn(T) -> &'static str) -> Option<T> {
        let word = self.text(key)?;
        all.iter().copied().find(|known| as_str(*known) == word)
    }
    fn objects<T>(self, key: &str, read: fn(Row<'v>) -> T) -> Vec<T> {
        list(self.value(key)).filter_map(Value::as_object).map(|object| read(Row(object))).collect()
    }
    fn verdict(self) -> Verdict {
        self.text("verdict").and_then(Verdict::parse).unwrap_or_default()
    }
    fn severity(self) -> Severity {
        self.int("severity").and_then(|n| u8::try_from(n).ok()).and_then(Severity::from_level).unwrap_or_default()
    }
    fn worker_status(self) -> Option<WorkerStatus> {
        use WorkerStatus::{AllWorkersBusy, NoCapableWorkers, NoWorkersAvailable, NoWorkersStarted, Success};
        let all = [Success, NoWorkersStarted, NoCapableWorkers, AllWorkersBusy, NoWorkersAvailable];
        self.word("worker_status", &all, WorkerStatus::as_str)
    }
}

/// A diagnosis from a row of the frames `operations` and `diagnosis`; the lists of one operation are empty.
pub(super) fn diagnosis(row: &Map<String, Value>) -> Diagnosis {
    let row = Row(row);
    Diagnosis {
        operation_id: row.opt("operation_id"),
        operation_type: row.string("operation_type"),
        status: row.text("status").and_then(OperationStatus::parse).unwrap_or_default(),
        verdict: row.verdict(),
        rule: row.string("rule"),
        severity: row.severity(),
        summary: row.string("summary"),
        root_cause: row.opt("root_cause"),
        solution: row.opt("solution"),
        confidence: row
            .word("confidence", &[Confidence::Low, Confidence::Medium, Confidence::High], Confidence::as_str)
            .unwrap_or(Confidence::Low),
        confidence_reason: row.opt("confidence_reason"),
        evidence: row.objects("evidence", evidence),
        findings: row.objects("findings", finding),
        bottleneck_span: row.opt("bottleneck_span"),
        bottleneck_service: row.opt("bottleneck_service"),
        bottleneck_span_id: row.span("bottleneck_span_id"),
        bottleneck_kind: row.word(
            "bottleneck_kind",
            &[SectionKind::Span, SectionKind::Network, SectionKind::Gap],
            SectionKind::as_str,
        ),
        bottleneck_ms: row.float("bottleneck_ms"),
        bottleneck_share: row.float("bottleneck_share"),
        worker_status: row.worker_status(),
        worker_id: row.opt("worker_id"),
        workers_total: row.int("workers_total"),
        workers_capable: row.int("workers_capable"),
        workers_available: row.int("workers_available"),
        error_type: row.opt("error_type"),
        error_message: row.opt("error_message"),
        error_span: row.opt("error_span"),
        error_service: row.opt("error_service"),
        error_span_id: row.span("error_span_id"),
        error_stacktrace: row.opt("error_stacktrace"),
        error_path: row.objects("error_path", |step| PathStep {
            service: step.string("service"),
            span: step.string("span"),
            span_id: step.span("span_id").unwrap_or_default(),
        }),
        start: row.time("start"),
        end: row.time("end"),
        duration_ms: row.float("duration_ms"),
        progress_percent: row.float("progress_percent"),
        progress_phase: row.opt("progress_phase"),
        progress_at: row.time("progress_at"),
        last_activity: row.time("last_activity"),
        baseline_ms: row.float("baseline_ms"),
        slowdown: row.float("slowdown"),
        attempts: row.count("attempts"),
        services: row.texts("services"),
        span_count: row.count("span_count"),
        error_count: row.count("error_count"),
        folded_spans: row.count("folded_spans"),
        trace_id: row.trace("trace_id"),
        trace_ids: row.texts("trace_ids").iter().filter_map(|id| TraceId::parse(id)).collect(),
        partial: row.flag("partial"),
        remarks: row.texts("remarks"),
        ..Diagnosis::default()
    }
}

/// Puts the rows of a list into the diagnosis it belongs to.
pub(super) fn add_list(to: &mut Diagnosis, name: &str, rows: &[Map<String, Value>]) {
    let rows = || rows.iter().map(Row);
    match name {
        "flow" => to.flow = rows().map(flow_step).collect(),
        "errors" => to.errors = rows().map(error).collect(),
        "http" => to.http = rows().map(http_call).collect(),
        "workers" => to.workers = rows().map(worker).collect(),
        _ => {}
    }
}

fn evidence(row: Row<'_>) -> Evidence {
    use EvidenceKind::{Absence, Attribute, Comparison, Count, Event, Status};
    let kinds = [Attribute, Event, Status, Absence, Count, Comparison];
    Evidence {
        rule: row.string("rule"),
        kind: row.word("kind", &kinds, EvidenceKind::as_str).unwrap_or(Attribute),
        trace_id: row.trace("trace_id"),
        span_id: row.span("span_id"),
        service: row.opt("service"),
        span: row.opt("span"),
        key: row.string("key"),
        value: row.string("value"),
        at: row.time("at"),
    }
}

fn finding(row: Row<'_>) -> Finding {
    Finding {
        rule: row.string("rule"),
        verdict: row.verdict(),
        severity: row.severity(),
        summary: row.string("summary"),
        root_cause: row.opt("root_cause"),
        solution: row.opt("solution"),
        evidence: row.objects("evidence", evidence),
    }
}

fn flow_step(row: Row<'_>) -> FlowStep {
    let one_of = |key, words: &[&'static str]| row.word(key, words, |word| word).unwrap_or_default();
    FlowStep {
        span: row.string("span"),
        service: row.string("service"),
        span_id: row.span("span_id"),
        trace_id: row.trace("trace_id"),
        depth: row.count("depth"),
        kind: one_of("kind", &["client", "server", "producer", "consumer", "internal", "gap"]),
        status: one_of("status", &["ok", "error", "unset", "missing"]),
        start: row.time("start"),
        offset_ms: row.ms("offset_ms"),
        duration_ms: row.ms("duration_ms"),
        self_ms: row.ms("self_ms"),
        path_ms: row.ms("path_ms"),
        baseline_ms: row.float("baseline_ms"),
        is_bottleneck: row.flag("is_bottleneck"),
        folded: row.count("folded"),
        error_type: row.opt("error_type"),
    }
}

fn error(row: Row<'_>) -> ErrorEntry {
    let roles = [ErrorRole::Origin, ErrorRole::Propagated, ErrorRole::Suppressed, ErrorRole::Wrapper];
    ErrorEntry {
        time: row.time("time"),
        service: row.string("service"),
        span: row.string("span"),
        span_id: row.span("span_id").unwrap_or_default(),
        trace_id: row.trace("trace_id").unwrap_or_default(),
        error_type: row.opt("error_type"),
        error_message: row.opt("error_message"),
        role: row.word("role", &roles, ErrorRole::as_str).unwrap_or(ErrorRole::Propagated),
        stacktrace: row.opt("stacktrace"),
    }
}

fn http_call(row: Row<'_>) -> HttpCall {
    HttpCall {
        time: row.time("time"),
        method: row.opt("method"),
        url: row.opt("url"),
        route: row.opt("route"),
        service: row.string("service"),
        target_service: row.opt("target_service"),
        status_code: row.int("status_code"),
        duration_ms: row.ms("duration_ms"),
        error_type: row.opt("error_type"),
        span_id: row.span("span_id").unwrap_or_default(),
        trace_id: row.trace("trace_id").unwrap_or_default(),
    }
}

fn worker(row: Row<'_>) -> WorkerSelection {
    WorkerSelection {
        time: row.time("time"),
        span: row.string("span"),
        operation_type: row.string("operation_type"),
        worker_type: row.opt("worker_type"),
        worker_status: row.worker_status(),
        total: row.int("total"),
        capable: row.int("capable"),
        available: row.int("available"),
        worker_id: row.opt("worker_id"),
        duration_ms: row.ms("duration_ms"),
        span_id: row.span("span_id").unwrap_or_default(),
        trace_id: row.trace("trace_id").unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::tests::{healthy, no_workers, stuck};
    use diagnosis::Answer;
    use frames::{self, Source, View};

    #[test]
    fn what_the_plugin_sends_is_what_is_printed() {
        for sent in [no_workers(), healthy(), stuck()] {
            let source = Source { uid: "u".into(), name: "n".into() };
            let answer = Answer { diagnoses: vec![Arc::new(sent.clone())], ..Answer::default() };
            let table = frames::operations(&answer, &source).to_json().unwrap();
            let mut read = diagnosis(&rows(&table)[0]);
            for list in frames::lists(&sent, &View::ALL, &source) {
                let list = list.to_json().unwrap();
                add_list(&mut read, list["schema"]["name"].as_str().unwrap(), &rows(&list));
            }
            assert_eq!(read, sent);
        }
    }
}
