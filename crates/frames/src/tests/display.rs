//! What people see of the frames: names, widths, colours, links, and the texts of the node graph.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{answer, changed::two, numbers, three};
use crate::{
    Field, Frame, GroupBy, Measure, Source, View, culprit_score, culprits, diagnosis, lists, operations, service_map,
};
use diagnosis::{Diagnosis, FlowStep, HttpCall, StepKind, StepStatus};
use trace::{SpanId, Time, TraceId};

/// All frames that are shown as tables.
fn tables() -> Vec<Frame> {
    let all = three();
    let mut tables = vec![operations(&all, &Source::default()), diagnosis(&all, &Source::default())];
    tables.extend(lists(&all.diagnoses[0], &View::ALL, &Source::default()));
    tables.extend([culprits(&two(), &Source::default()), culprit_score(&two(), true)]);
    tables.extend(Measure::names().filter_map(|name| Some(numbers(&all, Measure::parse(name)?, &GroupBy::ALL))));
    tables
}

/// acceptance G5: in Explore and in a table without settings, every column has a display name and a suitable width. Grafana's
/// table identifies its columns by these names, so they must be unique.
#[test]
fn every_column_of_a_table_has_a_name_and_a_width() {
    for frame in tables() {
        let mut seen = BTreeSet::new();
        for field in &frame.fields {
            let place = format!("{} {}", frame.name, field.name);
            let name = field.config.display_name.as_deref().unwrap_or_else(|| panic!("{place} has no name"));
            assert!(name.starts_with(char::is_uppercase) || name.starts_with('p'), "{place}: {name}");
            assert!(!name.contains('_'), "{place}: {name}");
            assert!(seen.insert(name), "{place}: {name} appears twice");
            let option = |key: &str| field.config.custom.get(key).and_then(Value::as_u64);
            let width = option("width").or(option("minWidth")).unwrap_or_else(|| panic!("{place} has no width"));
            // A letter in Grafana's tables is about 7.5 pixels wide, and a cell has a padding of 12 pixels.
            assert!(
                width >= 12 + name.len() as u64 * 15 / 2 || name.len() > 12,
                "{place}: {name} does not fit {width}"
            );
        }
    }
}

/// acceptance G5: the columns that Explore shows without scrolling and without "show all columns".
#[test]
fn the_columns_that_matter_most_come_first() {
    let frame = operations(&three(), &Source { uid: "u".into(), name: "n".into() });
    let first: Vec<_> = frame.fields.iter().take(8).filter_map(|field| field.config.display_name.as_deref()).collect();
    assert_eq!(first, ["Verdict", "What is wrong", "Operation", "Type", "Started", "Took", "Error", "Most time in"]);
    // Explore's built-in table overwrites the options of columns; the table panel keeps them.
    assert_eq!(frame.meta.preferred_visualisation_plugin_id, Some("table"));
    let config = |name: &str| serde_json::to_value(&frame.field(name).unwrap().config).unwrap();
    let verdict = config("verdict");
    assert_eq!(verdict["custom"]["cellOptions"]["type"], "color-background");
    assert_eq!(verdict["mappings"][0]["options"]["failed"]["color"], "red");
    let summary = config("summary");
    assert_eq!((summary["custom"]["wrapText"].clone(), summary["custom"]["width"].clone()), (json!(true), json!(null)));
    for id in ["operation_id", "trace_id"] {
        assert_eq!(config(id)["links"][0]["internal"]["datasourceUid"], "u", "{id}");
    }
}

/// A click on a cell adds a filter to the query, so only columns that a query can filter by offer it. Any other column would
/// search for an attribute with its name and find nothing.
#[test]
fn only_columns_that_a_query_can_filter_by_offer_it() {
    let offering = |frame: &Frame| -> Vec<String> {
        let offers = |field: &&Field| field.config.filterable == Some(true);
        frame.fields.iter().filter(offers).map(|field| field.name.clone()).collect()
    };
    let frame = operations(&three(), &Source::default());
    assert_eq!(offering(&frame), ["verdict", "operation_type", "error_type", "status"]);
}

/// What Grafana's node graph prints for a value: a text as it is, a number with two decimals and the id of its unit.
fn printed(frame: &Frame, name: &str) -> Vec<String> {
    let at = frame.fields.iter().position(|field| field.name == name).unwrap();
    let unit = frame.fields[at].config.unit.unwrap_or_default();
    let values = frame.to_json().unwrap()["data"]["values"][at].clone();
    let print = |value: &Value| match value.as_str() {
        Some(text) => text.to_owned(),
        None => format!("{:.2} {unit}", value.as_f64().unwrap()),
    };
    values.as_array().unwrap().iter().map(print).collect()
}

/// acceptance G4: circles showed `0.00 ms / 1.00 suffix: …`, and the legend showed `mainstat, secondarystat, arc__path`.
#[test]
fn a_node_graph_prints_texts_and_its_legend_has_names() {
    let step = |service: &str, status: StepStatus, path_ms: f64| FlowStep {
        span: "work".into(),
        service: service.into(),
        span_id: Some(SpanId(1)),
        trace_id: Some(TraceId(1)),
        depth: 0,
        kind: StepKind::Internal,
        status,
        start: Some(Time(0)),
        offset_ms: 0.0,
        duration_ms: path_ms,
        self_ms: path_ms,
        path_ms,
        baseline_ms: None,
        is_bottleneck: false,
        folded: 0,
        error_type: None,
    };
    let call = |status_code: Option<i64>| HttpCall {
        time: Some(Time(0)),
        method: None,
        url: None,
        route: None,
        service: "api".into(),
        target_service: Some("worker".into()),
        status_code,
        duration_ms: 1500.0,
        error_type: None,
        span_id: SpanId(1),
        trace_id: TraceId(1),
    };
    let flow = vec![
        step("api", StepStatus::Error, 12.0),
        step("api", StepStatus::Error, 0.0),
        step("worker", StepStatus::Unset, 90_000.0),
        step("db", StepStatus::Error, 0.0),
    ];
    let diagnosis = Diagnosis { flow, http: vec![call(Some(200)), call(None)], ..Diagnosis::default() };
    let frames = service_map(&answer(vec![diagnosis]));
    let [nodes, edges] = frames.as_slice() else { panic!("{} frames", frames.len()) };
    assert_eq!(printed(nodes, "title"), ["api", "db", "worker"]);
    assert_eq!(printed(nodes, "mainstat"), ["12 ms", "0 ms", "1 min 30 s"]);
    assert_eq!(printed(nodes, "secondarystat"), ["2 errors", "1 error", "no errors"]);
    assert_eq!(printed(nodes, "detail__share"), ["0 %", "0 %", "100 %"]);
    assert_eq!(printed(edges, "mainstat"), ["2 calls"]);
    assert_eq!(printed(edges, "secondarystat"), ["1 failed"]);
    assert_eq!(printed(edges, "detail__total"), ["3.0 s"]);
    let legend = ["mainstat", "secondarystat", "arc__path", "arc__rest"];
    let legend = legend.map(|name| nodes.field(name).unwrap().config.panel_name.unwrap());
    assert_eq!(legend, ["Time on the path", "Errors", "On the path", "Elsewhere"]);
    for frame in [nodes, edges] {
        let seen = frame.fields.iter().filter(|field| field.name.contains("stat") || field.name.contains("detail__"));
        assert!(seen.clone().count() > 2 && seen.clone().all(|field| field.config.panel_name.is_some()));
    }
}
