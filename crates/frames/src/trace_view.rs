//! The frame for Grafana's trace view. Grafana defines its columns and units: all times, including those of log entries, are
//! in milliseconds as floating point numbers.

use std::cmp::Reverse;

use serde_json::{Value as Json, json};

use super::{
    field::Field,
    frame::{Frame, Notice},
};
use trace::{SpanRef, Status, Trace, Value};

/// Maximum number of spans in a frame for the trace view.
pub const MAX_TRACE_SPANS: usize = 20_000;

/// The spans of an operation's traces, the main trace first.
///
/// The trace view shows one trace only, so the roots of the other traces appear beside the root of the main one. If there are
/// more than [`MAX_TRACE_SPANS`] spans, noise is left out first, then the shortest spans without an error.
#[must_use]
pub fn trace_view(traces: &[Trace], is_noise: impl Fn(SpanRef<'_>) -> bool) -> Frame {
    let total = traces.iter().map(Trace::len).sum();
    let (spans, folded) = chosen(traces, total, is_noise);
    let left_out = total - folded - spans.len();
    let mut frame = Frame::new("trace", columns(traces, &spans));
    frame.meta.preferred_visualisation_type = Some("trace");
    frame.meta.custom = Some(json!({ "traceFormat": "jaeger", "partial": folded + left_out > 0 }));
    let mut warn = |text: String| frame.meta.notices.push(Notice::warning(text));
    if folded > 0 {
        warn(format!(
            "{folded} noise spans were folded away, because the trace view is given at most {MAX_TRACE_SPANS} spans of {total}"
        ));
    }
    if left_out > 0 {
        warn(format!("{left_out} of {total} spans are not shown: the shortest ones without an error"));
    }
    for trace in traces {
        if let Some(why) = trace.partial() {
            warn(format!("trace {} is incomplete: {why}", trace.id()));
        }
    }
    if traces.len() > 1 {
        let text = format!("The spans of {} traces of this operation are shown together", traces.len());
        frame.meta.notices.push(Notice::info(text));
    }
    frame
}

/// The spans to show, and how many were folded away as noise.
fn chosen(traces: &[Trace], total: usize, is_noise: impl Fn(SpanRef<'_>) -> bool) -> (Vec<SpanRef<'_>>, usize) {
    let mut spans = Vec::with_capacity(total);
    spans.extend(traces.iter().flat_map(Trace::spans));
    if total <= MAX_TRACE_SPANS {
        return (spans, 0);
    }
    spans.retain(|span| span.is_error() || !is_noise(*span));
    let folded = total - spans.len();
    if spans.len() > MAX_TRACE_SPANS {
        let mut ranked: Vec<_> = spans.into_iter().enumerate().collect();
        ranked.sort_by_key(|(at, span)| (Reverse((span.is_error(), span.duration())), *at));
        ranked.truncate(MAX_TRACE_SPANS);
        ranked.sort_by_key(|(at, _)| *at);
        spans = ranked.into_iter().map(|(_, span)| span).collect();
    }
    (spans, folded)
}

fn columns(traces: &[Trace], spans: &[SpanRef<'_>]) -> Vec<Field> {
    let main = traces.first().map(Trace::id).unwrap_or_default();
    let non_empty = |text: &'static str, or: &'static str| if text.is_empty() { or } else { text };
    vec![
        Field::text("traceID", each(spans, |_| main.to_string())),
        Field::text("spanID", each(spans, |s| s.id().to_string())),
        Field::opt_text("parentSpanID", each(spans, |s| s.parent().map(|parent| parent.span.to_string()))),
        Field::text("operationName", each(spans, SpanRef::name)),
        // Grafana rejects a span without a service.
        Field::text("serviceName", each(spans, |s| if s.service().is_empty() { "unknown" } else { s.service() })),
        Field::text("kind", each(spans, |s| non_empty(s.kind().as_str(), "unspecified"))),
        Field::int("statusCode", each(spans, |s| status_code(s.status()))),
        Field::text("statusMessage", each(spans, SpanRef::status_message)),
        Field::text("instrumentationLibraryName", each(spans, |s| s.scope().0)),
        Field::text("instrumentationLibraryVersion", each(spans, |s| s.scope().1)),
        Field::float("startTime", each(spans, |s| s.start().millis())),
        Field::float("duration", each(spans, |s| s.duration().millis())),
        Field::json("serviceTags", each(spans, |s| pairs(s.resource_attributes()))),
        Field::json("tags", each(spans, tags)),
        Field::json("logs", each(spans, logs)),
        Field::json("references", each(spans, references)),
        Field::json("warnings", each(spans, |s| s.warnings().collect::<Vec<_>>())),
        Field::json("stackTraces", each(spans, stack_traces)),
    ]
}

fn each<'t, T>(spans: &[SpanRef<'t>], get: impl Fn(SpanRef<'t>) -> T) -> Vec<T> {
    spans.iter().map(|span| get(*span)).collect()
}

fn status_code(status: Status) -> i64 {
    match status {
        Status::Unset => 0,
        Status::Ok => 1,
        Status::Error => 2,
    }
}

fn pair(key: &str, value: &Json) -> Json {
    json!({ "key": key, "value": value })
}

fn pairs<'t>(attributes: impl Iterator<Item = (&'t str, Value<'t>)>) -> Vec<Json> {
    attributes.map(|(key, value)| pair(key, &value.to_json())).collect()
}

/// The attributes, and the tag with which the trace view marks an error.
fn tags(span: SpanRef<'_>) -> Vec<Json> {
    let mut tags = pairs(span.attributes());
    if span.is_error() && span.attribute("error").is_none() {
        tags.push(pair("error", &true.into()));
    }
    tags
}

fn logs(span: SpanRef<'_>) -> Vec<Json> {
    let log = |event: trace::EventRef<'_>| json!({ "timestamp": event.time().millis(), "name": event.name(), "fields": pairs(event.attributes()) });
    span.events().map(log).collect()
}

fn references(span: SpanRef<'_>) -> Vec<Json> {
    span.links().iter().map(|link| json!({ "traceID": link.trace, "spanID": link.span })).collect()
}

fn stack_traces(span: SpanRef<'_>) -> Vec<String> {
    let stack =
        |event: trace::EventRef<'_>| event.attribute("exception.stacktrace").map(|text| text.to_text().into_owned());
    span.events().filter_map(stack).collect()
}
