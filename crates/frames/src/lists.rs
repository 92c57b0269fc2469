//! The lists of one operation: its flow, errors, HTTP calls, worker selections and evidence.

use serde_json::json;

use super::{
    config::{Config, Mapping},
    field::Field,
    frame::{Frame, Notice},
    look::{self, Source},
};
use diagnosis::{CutList, Diagnosis, Evidence, MAX_LIST_ROWS, WorkerStatus};

/// What a `diagnosis` query can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum View {
    /// The record itself.
    Diagnosis,
    /// What happened, in time order.
    Flow,
    /// The proof.
    Evidence,
    /// All errors.
    Errors,
    /// All HTTP calls.
    Http,
    /// All worker selections.
    Workers,
}

impl View {
    /// All of them, in the order in which a person reads them.
    pub const ALL: [Self; 6] = [Self::Diagnosis, Self::Flow, Self::Evidence, Self::Errors, Self::Http, Self::Workers];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Diagnosis => "diagnosis",
            Self::Flow => "flow",
            Self::Evidence => "evidence",
            Self::Errors => "errors",
            Self::Http => "http",
            Self::Workers => "workers",
        }
    }
}

/// The wanted lists of one operation, at most [`MAX_LIST_ROWS`] rows each.
#[must_use]
pub fn lists(diagnosis: &Diagnosis, views: &[View], source: &Source) -> Vec<Frame> {
    let list = |view: &View| {
        let known = diagnosis.cut_lists.iter().find(|cut| cut.list == view.as_str()).copied();
        let (fields, cut) = match view {
            View::Diagnosis => return None,
            View::Flow => (flow(diagnosis, source), known),
            View::Evidence => evidence(diagnosis, source),
            View::Errors => (errors(diagnosis, source), known),
            View::Http => (http(diagnosis, source), known),
            View::Workers => (workers(diagnosis, source), known),
        };
        Some(Frame::new(view.as_str(), fields).with_meta(|meta| {
            meta.preferred_visualisation_plugin_id = Some(look::PANEL_ID);
            meta.custom = Some(json!({
                "operationId": diagnosis.operation_id,
                "traceId": diagnosis.trace_id,
                "partial": cut.is_some() || diagnosis.partial,
            }));
            meta.notices.extend(cut.map(|cut| Notice::warning(cut.to_string())));
        }))
    };
    views.iter().filter_map(list).collect()
}

fn each<'a, R, T>(rows: &'a [R], get: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(get).collect()
}

fn flow(diagnosis: &Diagnosis, source: &Source) -> Vec<Field> {
    let rows = diagnosis.flow.as_slice();
    let ms = || look::number("ms", None);
    vec![
        Field::text("span", each(rows, |r| r.span.as_str())).config(look::text(260)).named("Span"),
        Field::text("service", each(rows, |r| r.service.as_str())).config(look::text(225)).named("Service"),
        Field::opt_text("span_id", each(rows, |r| r.span_id.map(|id| id.to_string())))
            .config(look::span_id(source))
            .named("Span id"),
        Field::opt_text("trace_id", each(rows, |r| r.trace_id.map(|id| id.to_string())))
            .config(look::trace_id(source))
            .named("Trace"),
        Field::int("depth", each(rows, |r| i64::from(r.depth))).config(look::count()).named("Depth"),
        Field::text("kind", each(rows, |r| r.kind.as_str())).config(look::text(100)).named("Kind"),
        Field::text("status", each(rows, |r| r.status.as_str())).config(span_status()).named("Status"),
        Field::opt_time("start", each(rows, |r| r.start)).config(look::time()).named("Started"),
        Field::float("offset_ms", each(rows, |r| r.offset_ms)).config(ms()).named("Offset"),
        Field::float("duration_ms", each(rows, |r| r.duration_ms)).config(ms()).named("Took"),
        Field::float("self_ms", each(rows, |r| r.self_ms))
            .config(ms())
            .named("Self time")
            .describe("Time that no child covers"),
        Field::float("path_ms", each(rows, |r| r.path_ms))
            .config(ms())
            .named("On the path")
            .describe("Time on the operation's critical path"),
        Field::opt_float("baseline_ms", each(rows, |r| r.baseline_ms))
            .config(ms())
            .named("Usually")
            .describe("What such a step usually takes there: median of comparable operations"),
        Field::bool("is_bottleneck", each(rows, |r| r.is_bottleneck)).config(look::plain(110)).named("Bottleneck"),
        Field::int("folded", each(rows, |r| i64::from(r.folded)))
            .config(look::count())
            .named("Folded")
            .describe("Noise spans below it that were folded away"),
        error_type(each(rows, |r| r.error_type.as_deref())),
    ]
}

fn span_status() -> Config {
    let values = [("ok", "ok", "green"), ("unset", "unset", "text"), ("error", "error", "red")];
    look::mapped(Mapping::values(values), 100).cell("color-text")
}

fn error_type(values: Vec<Option<&str>>) -> Field {
    Field::opt_text("error_type", values).config(look::text(190)).named("Error")
}

fn span_of(ids: Vec<String>, source: &Source) -> Field {
    Field::text("span_id", ids).config(look::span_id(source)).named("Span id")
}

fn trace_of(ids: Vec<String>, source: &Source) -> Field {
    Field::text("trace_id", ids).config(look::trace_id(source)).named("Trace")
}

fn errors(diagnosis: &Diagnosis, source: &Source) -> Vec<Field> {
    let rows = diagnosis.errors.as_slice();
    vec![
        Field::opt_time("time", each(rows, |r| r.time)).config(look::time()).named("Time"),
        Field::text("service", each(rows, |r| r.service.as_str())).config(look::text(225)).named("Service"),
        Field::text("span", each(rows, |r| r.span.as_str())).config(look::text(260)).named("Span"),
        span_of(each(rows, |r| r.span_id.to_string()), source),
        trace_of(each(rows, |r| r.trace_id.to_string()), source),
        error_type(each(rows, |r| r.error_type.as_deref())),
        Field::opt_text("error_message", each(rows, |r| r.error_message.as_deref()))
            .config(look::long_text())
            .named("Error message"),
        Field::text("role", each(rows, |r| r.role.as_str()))
            .config(look::text(110))
            .named("Role")
            .describe("origin, propagated, suppressed (did not reach the operation) or wrapper"),
        Field::opt_text("stacktrace", each(rows, |r| r.stacktrace.as_deref()))
            .config(look::long_text())
            .named("Stack trace"),
    ]
}

fn http(diagnosis: &Diagnosis, source: &Source) -> Vec<Field> {
    let rows = diagnosis.http.as_slice();
    vec![
        Field::opt_time("time", each(rows, |r| r.time)).config(look::time()).named("Time"),
        Field::opt_text("method", each(rows, |r| r.method.as_deref())).config(look::text(90)).named("Method"),
        Field::opt_text("url", each(rows, |r| r.url.as_deref())).config(look::long_text()).named("Address"),
        Field::opt_text("route", each(rows, |r| r.route.as_deref())).config(look::text(220)).named("Route"),
        Field::text("service", each(rows, |r| r.service.as_str())).config(look::text(225)).named("Service"),
        Field::opt_text("target_service", each(rows, |r| r.target_service.as_deref()))
            .config(look::text(225))
            .named("Target"),
        Field::opt_int("status_code", each(rows, |r| r.status_code))
            .config(look::text(90))
            .named("Status")
            .describe("Missing when no answer came"),
        Field::float("duration_ms", each(rows, |r| r.duration_ms)).config(look::number("ms", None)).named("Took"),
        error_type(each(rows, |r| r.error_type.as_deref())),
        span_of(each(rows, |r| r.span_id.to_string()), source),
        trace_of(each(rows, |r| r.trace_id.to_string()), source),
    ]
}

fn workers(diagnosis: &Diagnosis, source: &Source) -> Vec<Field> {
    let rows = diagnosis.workers.as_slice();
    let count = |name, values| Field::opt_int(name, values).config(look::count());
    vec![
        Field::opt_time("time", each(rows, |r| r.time)).config(look::time()).named("Time"),
        Field::text("span", each(rows, |r| r.span.as_str())).config(look::text(260)).named("Span"),
        Field::text("operation_type", each(rows, |r| r.operation_type.as_str())).config(look::text(125)).named("Type"),
        Field::opt_text("worker_type", each(rows, |r| r.worker_type.as_deref()))
            .config(look::text(125))
            .named("Worker type"),
        Field::opt_text("worker_status", each(rows, |r| r.worker_status.map(WorkerStatus::as_str)))
            .config(look::worker_status())
            .named("Worker selection"),
        count("total", each(rows, |r| r.total)).named("Registered"),
        count("capable", each(rows, |r| r.capable)).named("Capable"),
        count("available", each(rows, |r| r.available)).named("Free"),
        Field::opt_text("worker_id", each(rows, |r| r.worker_id.as_deref())).config(look::text(190)).named("Worker"),
        Field::float("duration_ms", each(rows, |r| r.duration_ms)).config(look::number("ms", None)).named("Took"),
        span_of(each(rows, |r| r.span_id.to_string()), source),
        trace_of(each(rows, |r| r.trace_id.to_string()), source),
    ]
}

/// The verdict's evidence, then that of the other findings, each with the summary of what it proves.
fn evidence(diagnosis: &Diagnosis, source: &Source) -> (Vec<Field>, Option<CutList>) {
    let of_findings =
        diagnosis.findings.iter().flat_map(|finding| finding.evidence.iter().map(|e| (e, finding.summary.as_str())));
    let mut rows: Vec<(&Evidence, &str)> =
        diagnosis.evidence.iter().map(|e| (e, diagnosis.summary.as_str())).chain(of_findings).collect();
    let cut = (rows.len() > MAX_LIST_ROWS).then(|| CutList { list: View::Evidence.as_str(), rows: rows.len() });
    rows.truncate(MAX_LIST_ROWS);
    let fields = vec![
        Field::text("rule", each(&rows, |(e, _)| e.rule.as_str())).config(look::text(190)).named("Rule"),
        Field::text("kind", each(&rows, |(e, _)| e.kind.as_str())).config(look::text(100)).named("Kind"),
        Field::opt_text("trace_id", each(&rows, |(e, _)| e.trace_id.map(|id| id.to_string())))
            .config(look::trace_id(source))
            .named("Trace"),
        Field::opt_text("span_id", each(&rows, |(e, _)| e.span_id.map(|id| id.to_string())))
            .config(look::span_id(source))
            .named("Span id"),
        Field::opt_text("service", each(&rows, |(e, _)| e.service.as_deref())).config(look::text(225)).named("Service"),
        Field::opt_text("span", each(&rows, |(e, _)| e.span.as_deref())).config(look::text(260)).named("Span"),
        Field::text("key", each(&rows, |(e, _)| e.key.as_str())).config(look::text(200)).named("Key"),
        Field::text("value", each(&rows, |(e, _)| e.value.as_str())).config(look::long_text()).named("Value"),
        Field::opt_time("at", each(&rows, |(e, _)| e.at)).config(look::time()).named("Time"),
        Field::text("summary", each(&rows, |(_, summary)| *summary)).config(look::long_text()).named("Proves"),
    ];
    (fields, cut)
}
