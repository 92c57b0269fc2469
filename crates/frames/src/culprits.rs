//! What changed: a row per culprit, and the largest score as one number for alert rules.

use serde_json::json;

use super::{
    config::{Config, DataLink, Mapping},
    display::{self, Source},
    field::Field,
    frame::{Frame, Notice},
};
use diagnosis::{
    GroupBy,
    culprits::{Culprit, CulpritKind, WhatChanged},
};
use trace::TraceId;

/// The word on the wire for the largest score of all culprits, and the name of its column.
pub const CULPRIT_SCORE: &str = "culprit_score";

/// What a person reads first: where, in which way, how much, how sure.
const FIRST: [&str; 9] =
    ["rank", "service", "kind", "summary", "affected", "excess_ms", "share", "confidence", "example_trace_id"];

/// The table of culprits, highest score first. It has its columns even if nothing deviates.
#[must_use]
pub fn culprits(changed: &WhatChanged, source: &Source) -> Frame {
    let mut fields = columns(&changed.comparison.culprits, source);
    fields.sort_by_key(|field| FIRST.iter().position(|name| *name == field.name).unwrap_or(FIRST.len()));
    let mut frame = Frame::new("culprits", fields).with_meta(|meta| {
        meta.preferred_visualisation_type = Some("table");
        meta.preferred_visualisation_plugin_id = Some(display::TABLE_PANEL_ID);
    });
    describe(&mut frame, changed);
    frame
}

/// The largest score: one number, or one per service. It is 0 if nothing deviates.
#[must_use]
pub fn culprit_score(changed: &WhatChanged, by_service: bool) -> Frame {
    // The first row of a service is that of its highest score.
    let mut rows: Vec<(&str, f64)> = Vec::new();
    for culprit in &changed.comparison.culprits {
        let is_known = rows.iter().any(|(service, _)| !by_service || *service == culprit.service);
        if !is_known {
            rows.push((&culprit.service, culprit.score));
        }
    }
    if rows.is_empty() {
        rows.push((GroupBy::NONE, 0.0));
    }
    let mut fields = Vec::new();
    if by_service {
        let services = Field::text(GroupBy::Service.as_str(), rows.iter().map(|(service, _)| *service));
        fields.push(services.config(display::text(225)).named("Service"));
    }
    let scores = Field::float(CULPRIT_SCORE, rows.iter().map(|(_, score)| *score));
    fields.push(scores.config(display::number("ms", None)).width(130).named("Culprit score"));
    let mut frame = Frame::new(CULPRIT_SCORE, fields);
    describe(&mut frame, changed);
    frame.meta.kind = Some("numeric-long");
    frame.meta.type_version = Some([0, 1]);
    frame
}

/// Says on the frame what was compared.
fn describe(frame: &mut Frame, changed: &WhatChanged) {
    let notice = |text: &String| if changed.partial { Notice::warning(text) } else { Notice::info(text) };
    frame.meta.notices.extend(changed.notices.iter().map(notice));
    frame.meta.executed_query_string.clone_from(&changed.executed);
    let range = |range: diagnosis::TimeRange| json!({ "from": range.from.millis(), "to": range.to.millis() });
    frame.meta.custom = Some(json!({
        "partial": changed.partial,
        "compared": changed.compared.as_str(),
        "operations": changed.comparison.operations,
        "baselineOperations": changed.comparison.baseline_operations,
        "isThin": changed.is_thin,
        "window": changed.ranges.map(|ranges| range(ranges.window())),
        "baseline": changed.ranges.map(|ranges| range(ranges.baseline())),
    }));
}

fn columns(rows: &[Culprit], source: &Source) -> Vec<Field> {
    let mut fields = place_columns(rows);
    fields.extend(amount_columns(rows));
    fields.extend(proof_columns(rows, source));
    fields
}

fn each<'a, T>(rows: &'a [Culprit], get: impl Fn(&'a Culprit) -> T) -> Vec<T> {
    rows.iter().map(get).collect()
}

fn place_columns(rows: &[Culprit]) -> Vec<Field> {
    vec![
        Field::int("rank", each(rows, |c| c.rank as i64))
            .config(display::count())
            .width(70)
            .named("Rank")
            .describe("1 for the highest score"),
        Field::text("service", each(rows, |c| c.service.as_str()))
            .config(display::text(190))
            .named("Service")
            .describe("The service to look at"),
        Field::opt_text("caller", each(rows, |c| c.caller.as_deref()))
            .config(display::text(190))
            .named("Called by")
            .describe("Missing if the caller is in the same service"),
        Field::text("span", each(rows, |c| c.span.as_str())).config(display::text(240)).named("Span"),
        Field::text("kind", each(rows, |c| c.kind.as_str()))
            .config(kind())
            .named("Kind")
            .describe("Own time, time of calls, a gap, errors, or missing children"),
        Field::json("operation_types", each(rows, |c| &c.operation_types))
            .config(display::json_view())
            .named("Types")
            .describe("The types of the operations that are affected"),
    ]
}

fn amount_columns(rows: &[Culprit]) -> Vec<Field> {
    let ratio = || display::number("percentunit", Some(0));
    vec![
        Field::int("affected", each(rows, |c| c.affected as i64))
            .config(display::count())
            .named("Affected")
            .describe("How many operations of the window deviate there"),
        Field::opt_float("excess_ms", each(rows, |c| c.excess_ms))
            .config(display::number("ms", None))
            .named("Excess")
            .describe("By how much an affected operation exceeds the usual time: the median"),
        Field::float("share", each(rows, |c| c.share))
            .config(display::share())
            .named("Share")
            .describe("Share of the excess of all rows"),
        Field::opt_float("baseline_ms", each(rows, |c| c.baseline_ms))
            .config(display::number("ms", None))
            .named("Usually")
            .describe("Median time there per operation in the baseline"),
        Field::float("error_ratio", each(rows, |c| c.error_ratio))
            .config(ratio())
            .named("Error ratio")
            .describe("Share of the operations passing there in which an error arises there"),
        Field::float("baseline_error_ratio", each(rows, |c| c.baseline_error_ratio))
            .config(ratio())
            .width(150)
            .named("Usual error ratio"),
        Field::float("score", each(rows, |c| c.score))
            .config(display::number("ms", None))
            .named("Score")
            .describe("What it costs an operation of the window on average"),
        Field::text("confidence", each(rows, |c| c.confidence.as_str()))
            .config(display::confidence())
            .named("Confidence"),
        Field::text("summary", each(rows, |c| c.summary.as_str())).config(display::sentence()).named("What changed"),
    ]
}

fn proof_columns(rows: &[Culprit], source: &Source) -> Vec<Field> {
    let first = |c: &Culprit| c.example_trace_ids.first().map(TraceId::to_string);
    vec![
        Field::opt_text("example_trace_id", each(rows, first))
            .config(example(source))
            .named("Example")
            .describe("The trace that shows it best"),
        Field::json("example_trace_ids", each(rows, |c| &c.example_trace_ids))
            .config(display::json_view())
            .named("All examples"),
        Field::json("evidence", each(rows, |c| &c.evidence))
            .config(display::json_view())
            .named("Evidence")
            .describe("The spans in the examples"),
    ]
}

/// A trace id that leads to the diagnosis of its operations and to the trace itself.
fn example(source: &Source) -> Config {
    let links: Vec<DataLink> = source.operation_links().into_iter().chain(source.trace_links()).collect();
    Config { links, ..display::plain(275) }
}

fn kind() -> Config {
    let values = [
        (CulpritKind::Span.as_str(), "Own time", "orange"),
        (CulpritKind::Network.as_str(), "Network", "blue"),
        (CulpritKind::Gap.as_str(), "Gap", "purple"),
        (CulpritKind::Errors.as_str(), "Errors", "red"),
        (CulpritKind::Missing.as_str(), "Missing", "yellow"),
    ];
    display::mapped(Mapping::values(values), 110).cell("color-text")
}
