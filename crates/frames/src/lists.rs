//! The lists of one operation: its flow, errors, HTTP calls, worker selections and evidence.
//!
//! Each list is a frame of its own with at most [`MAX_LIST_ROWS`] rows. A notice says if rows were left out.

use serde_json::json;

use super::{
    config::{Config, Mapping},
    display::{self, Source},
    field::Field,
    frame::{Frame, Notice},
};
use diagnosis::{CutList, Diagnosis, Evidence, MAX_LIST_ROWS, WorkerStatus};

/// A part of the answer to a `diagnosis` query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum View {
    /// The record itself.
    Diagnosis,
    /// Everything that happened, in order of time.
    Flow,
    /// The evidence of all findings.
    Evidence,
    /// All errors.
    Errors,
    /// All HTTP calls.
    Http,
    /// All worker selections.
    Workers,
}

impl View {
    /// All views, in the order in which the panel shows them.
    pub const ALL: [Self; 6] = [Self::Diagnosis, Self::Flow, Self::Evidence, Self::Errors, Self::Http, Self::Workers];

    /// Name of the view in queries, and of its frame.
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

/// The requested lists of one operation.
#[must_use]
pub fn lists(diagnosis: &Diagnosis, views: &[View], source: &Source) -> Vec<Frame> {
    let list = |view: &View| {
        let record_cut = diagnosis.cut_lists.iter().find(|cut| cut.list == view.as_str()).copied();
        let (fields, cut) = match view {
            View::Diagnosis => return None,
            View::Flow => (flow(diagnosis, source), record_cut),
            View::Evidence => evidence(diagnosis, source),
            View::Errors => (errors(diagnosis, source), record_cut),
            View::Http => (http(diagnosis, source), record_cut),
            View::Workers => (workers(diagnosis, source), record_cut),
        };
        Some(Frame::new(view.as_str(), fields).with_meta(|meta| {
            meta.preferred_visualisation_plugin_id = Some(display::PANEL_ID);
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
    let ms = || display::number("ms", None);
    vec![
        Field::text("span", each(rows, |r| r.span.as_str())).config(display::text(260)).named("Span"),
        Field::text("service", each(rows, |r| r.service.as_str())).config(display::text(225)).named("Service"),
        Field::opt_text("span_id", each(rows, |r| r.span_id.map(|id| id.to_string())))
            .config(display::span_id(source))
            .named("Span id"),
        Field::opt_text("trace_id", each(rows, |r| r.trace_id.map(|id| id.to_string())))
            .config(display::trace_id(source))
            .named("Trace"),
        Field::int("depth", each(rows, |r| i64::from(r.depth))).config(display::count()).named("Depth"),
        Field::text("kind", each(rows, |r| r.kind.as_str())).config(display::text(100)).named("Kind"),
        Field::text("status", each(rows, |r| r.status.as_str())).config(span_status()).named("Status"),
        Field::opt_time("start", each(rows, |r| r.start)).config(display::time()).named("Started"),
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
        Field::bool("is_bottleneck", each(rows, |r| r.is_bottleneck)).config(display::plain(110)).named("Bottleneck"),
        Field::int("folded", each(rows, |r| i64::from(r.folded)))
            .config(display::count())
            .named("Folded")
            .describe("Noise spans below it that were folded away"),
        error_type(each(rows, |r| r.error_type.as_deref())),
    ]
}

fn span_status() -> Config {
    let values = [("ok", "ok", "green"), ("unset", "unset", "text"), ("error", "error", "red")];
    display::mapped(Mapping::values(values), 100).cell("color-text")
}

fn error_type(values: Vec<Option<&str>>) -> Field {
    Field::opt_text("error_type", values).config(display::text(190)).named("Error")
}

fn span_of(ids: Vec<String>, source: &Source) -> Field {
    Field::text("span_id", ids).config(display::span_id(source)).named("Span id")
}

fn trace_of(ids: Vec<String>, source: &Source) -> Field {
    Field::text("trace_id", ids).config(display::trace_id(source)).named("Trace")
}

fn errors(diagnosis: &Diagnosis, source: &Source) -> Vec<Field> {
    let rows = diagnosis.errors.as_slice();
    vec![
        Field::opt_time("time", each(rows, |r| r.time)).config(display::time()).named("Time"),
        Field::text("service", each(rows, |r| r.service.as_str())).config(display::text(225)).named("Service"),
        Field::text("span", each(rows, |r| r.span.as_str())).config(display::text(260)).named("Span"),
        span_of(each(rows, |r| r.span_id.to_string()), source),
        trace_of(each(rows, |r| r.trace_id.to_string()), source),
        error_type(each(rows, |r| r.error_type.as_deref())),
        Field::opt_text("error_message", each(rows, |r| r.error_message.as_deref()))
            .config(display::long_text())
            .named("Error message"),
        Field::text("role", each(rows, |r| r.role.as_str()))
            .config(display::text(110))
            .named("Role")
            .describe("origin, propagated, suppressed (did not reach the operation) or wrapper"),
        Field::opt_text("stacktrace", each(rows, |r| r.stacktrace.as_deref()))
            .config(display::long_text())
            .named("Stack trace"),
    ]
}

fn http(diagnosis: &Diagnosis, source: &Source) -> Vec<Field> {
    let rows = diagnosis.http.as_slice();
    vec![
        Field::opt_time("time", each(rows, |r| r.time)).config(display::time()).named("Time"),
        Field::opt_text("method", each(rows, |r| r.method.as_deref())).config(display::text(90)).named("Method"),
        Field::opt_text("url", each(rows, |r| r.url.as_deref())).config(display::long_text()).named("Address"),
        Field::opt_text("route", each(rows, |r| r.route.as_deref())).config(display::text(220)).named("Route"),
        Field::text("service", each(rows, |r| r.service.as_str())).config(display::text(225)).named("Service"),
        Field::opt_text("target_service", each(rows, |r| r.target_service.as_deref()))
            .config(display::text(225))
            .named("Target"),
        Field::opt_int("status_code", each(rows, |r| r.status_code))
            .config(display::text(90))
            .named("Status")
            .describe("Missing when no answer came"),
        Field::float("duration_ms", each(rows, |r| r.duration_ms)).config(display::number("ms", None)).named("Took"),
        error_type(each(rows, |r| r.error_type.as_deref())),
        span_of(each(rows, |r| r.span_id.to_string()), source),
        trace_of(each(rows, |r| r.trace_id.to_string()), source),
    ]
}

fn workers(diagnosis: &Diagnosis, source: &Source) -> Vec<Field> {
    let rows = diagnosis.workers.as_slice();
    let count = |name, values| Field::opt_int(name, values).config(display::count());
    vec![
        Field::opt_time("time", each(rows, |r| r.time)).config(display::time()).named("Time"),
        Field::text("span", each(rows, |r| r.span.as_str())).config(display::text(260)).named("Span"),
        Field::text("operation_type", each(rows, |r| r.operation_type.as_str()))
            .config(display::text(125))
            .named("Type"),
        Field::opt_text("worker_type", each(rows, |r| r.worker_type.as_deref()))
            .config(display::text(125))
            .named("Worker type"),
        Field::opt_text("worker_status", each(rows, |r| r.worker_status.map(WorkerStatus::as_str)))
            .config(display::worker_status())
            .named("Worker selection"),
        count("total", each(rows, |r| r.total)).named("Registered"),
        count("capable", each(rows, |r| r.capable)).named("Capable"),
        count("available", each(rows, |r| r.available)).named("Free"),
        Field::opt_text("worker_id", each(rows, |r| r.worker_id.as_deref())).config(display::text(190)).named("Worker"),
        Field::float("duration_ms", each(rows, |r| r.duration_ms)).config(display::number("ms", None)).named("Took"),
        span_of(each(rows, |r| r.span_id.to_string()), source),
        trace_of(each(rows, |r| r.trace_id.to_string()), source),
    ]
}

/// The evidence of the verdict, then that of the other findings, each with the summary that it supports.
fn evidence(diagnosis: &Diagnosis, source: &Source) -> (Vec<Field>, Option<CutList>) {
    let of_findings =
        diagnosis.findings.iter().flat_map(|finding| finding.evidence.iter().map(|e| (e, finding.summary.as_str())));
    let mut rows: Vec<(&Evidence, &str)> =
        diagnosis.evidence.iter().map(|e| (e, diagnosis.summary.as_str())).chain(of_findings).collect();
    let cut = (rows.len() > MAX_LIST_ROWS).then(|| CutList { list: View::Evidence.as_str(), rows: rows.len() });
    rows.truncate(MAX_LIST_ROWS);
    let fields = vec![
        Field::text("rule", each(&rows, |(e, _)| e.rule.as_str())).config(display::text(190)).named("Rule"),
        Field::text("kind", each(&rows, |(e, _)| e.kind.as_str())).config(display::text(100)).named("Kind"),
        Field::opt_text("trace_id", each(&rows, |(e, _)| e.trace_id.map(|id| id.to_string())))
            .config(display::trace_id(source))
            .named("Trace"),
        Field::opt_text("span_id", each(&rows, |(e, _)| e.span_id.map(|id| id.to_string())))
            .config(display::span_id(source))
            .named("Span id"),
        Field::opt_text("service", each(&rows, |(e, _)| e.service.as_deref()))
            .config(display::text(225))
            .named("Service"),
        Field::opt_text("span", each(&rows, |(e, _)| e.span.as_deref())).config(display::text(260)).named("Span"),
        Field::text("key", each(&rows, |(e, _)| e.key.as_str())).config(display::text(200)).named("Key"),
        Field::text("value", each(&rows, |(e, _)| e.value.as_str())).config(display::long_text()).named("Value"),
        Field::opt_time("at", each(&rows, |(e, _)| e.at)).config(display::time()).named("Time"),
        Field::text("summary", each(&rows, |(_, summary)| *summary)).config(display::long_text()).named("Proves"),
    ];
    (fields, cut)
}
