//! The two frames of Grafana's node graph: the services of an operation and the calls between them.
//!
//! The node graph prints numbers with two decimals and the id of their unit, so a time of 12 ms becomes `12.00 ms` and most
//! other units are unreadable. Everything that it prints is therefore formatted as text here. Its legend and menus show the
//! display name that a user can set (`panel_name`), or else the name of the column.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    config::{Color, Config},
    field::Field,
    frame::Frame,
    record::describe,
};
use diagnosis::Answer;
use diagnosis::{Diagnosis, HttpCall, StepKind, StepStatus};
use trace::Micros;

#[derive(Default)]
struct Node {
    spans: i64,
    errors: i64,
    path_ms: f64,
}

#[derive(Default)]
struct Edge {
    calls: i64,
    errors: i64,
    total_ms: f64,
}

/// The frames `nodes` and `edges` for all operations of the answer.
#[must_use]
pub fn service_map(answer: &Answer) -> Vec<Frame> {
    let mut nodes: BTreeMap<&str, Node> = BTreeMap::new();
    let mut edges: BTreeMap<(&str, String), Edge> = BTreeMap::new();
    let mut window_ms = 0.0;
    for diagnosis in &answer.diagnoses {
        window_ms += path_length(diagnosis);
        count_spans(diagnosis, &mut nodes);
        for call in &diagnosis.http {
            count_call(call, &mut edges);
        }
    }
    let mut names: BTreeSet<&str> = nodes.keys().copied().collect();
    names.extend(edges.keys().flat_map(|(from, to)| [*from, to.as_str()]));
    let mut frames = vec![node_frame(&names, &nodes, window_ms), edge_frame(&edges)];
    for frame in &mut frames {
        frame.meta.preferred_visualisation_type = Some("nodeGraph");
    }
    if let Some(first) = frames.first_mut() {
        describe(first, answer);
    }
    frames
}

/// The length of the critical path: the sum of its sections, including gaps.
fn path_length(diagnosis: &Diagnosis) -> f64 {
    diagnosis.flow.iter().map(|step| step.path_ms).sum()
}

fn count_spans<'d>(diagnosis: &'d Diagnosis, nodes: &mut BTreeMap<&'d str, Node>) {
    let spans = diagnosis.flow.iter().filter(|step| step.kind != StepKind::Gap && !step.service.is_empty());
    for step in spans {
        let node = nodes.entry(step.service.as_str()).or_default();
        node.spans += 1 + i64::from(step.folded);
        node.errors += i64::from(step.status == StepStatus::Error);
        node.path_ms += step.path_ms;
    }
}

fn count_call<'d>(call: &'d HttpCall, edges: &mut BTreeMap<(&'d str, String), Edge>) {
    let Some(target) = call.target_service.clone().or_else(|| call.url.as_deref().and_then(authority)) else {
        return;
    };
    // The server span of a call has its own service as target.
    if target == call.service || call.service.is_empty() {
        return;
    }
    let edge = edges.entry((call.service.as_str(), target)).or_default();
    edge.calls += 1;
    edge.errors += i64::from(call.error_type.is_some() || call.status_code.is_none_or(|code| code >= 400));
    edge.total_ms += call.duration_ms;
}

/// `host:port` of a URL: the name of a callee whose service is unknown.
fn authority(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    (!host.is_empty()).then(|| host.to_owned())
}

/// Sets the name that the legend and menus show.
fn titled(name: &'static str, field: Field) -> Field {
    field.with(|config| Config { panel_name: Some(name), ..config })
}

fn node_frame(names: &BTreeSet<&str>, nodes: &BTreeMap<&str, Node>, window_ms: f64) -> Frame {
    let missing = Node::default();
    let nodes_by_name = || names.iter().map(|name| nodes.get(name).unwrap_or(&missing));
    let share = |node: &Node| if window_ms > 0.0 { (node.path_ms / window_ms).clamp(0.0, 1.0) } else { 0.0 };
    let arc = |name: &'static str, column, color, part: &dyn Fn(&Node) -> f64| {
        let config = Config { color: Some(Color::fixed(color)), unit: Some("percentunit"), ..Config::default() };
        titled(name, Field::float(column, nodes_by_name().map(part)).config(config))
    };
    let note = |name| if nodes.contains_key(name) { "" } else { "no spans" };
    let fields = vec![
        Field::text("id", names),
        titled("Service", Field::text("title", names)),
        titled("Note", Field::text("subtitle", names.iter().map(note))),
        titled("Time on the path", Field::text("mainstat", nodes_by_name().map(|node| time(node.path_ms)))),
        titled("Errors", Field::text("secondarystat", nodes_by_name().map(|node| counted(node.errors, "error")))),
        arc("On the path", "arc__path", "orange", &share),
        arc("Elsewhere", "arc__rest", "light-blue", &|node| 1.0 - share(node)),
        Field::bool("isinstrumented", names.iter().map(|name| nodes.contains_key(name))),
        titled("Spans", Field::text("detail__spans", nodes_by_name().map(|node| node.spans.to_string()))),
        titled("Share of the path", Field::text("detail__share", nodes_by_name().map(|node| percent(share(node))))),
    ];
    Frame::new("nodes", fields)
}

fn edge_frame(edges: &BTreeMap<(&str, String), Edge>) -> Frame {
    let most = edges.values().map(|edge| edge.calls).max().unwrap_or(1).max(1) as f64;
    let failed =
        |edge: &Edge| if edge.errors > 0 { format!("{} failed", edge.errors) } else { "none failed".to_owned() };
    let fields = vec![
        Field::text("id", edges.keys().map(|(from, to)| format!("{from}--{to}"))),
        Field::text("source", edges.keys().map(|(from, _)| *from)),
        Field::text("target", edges.keys().map(|(_, to)| to)),
        titled("Calls", Field::text("mainstat", edges.values().map(|edge| counted(edge.calls, "call")))),
        titled("Failed calls", Field::text("secondarystat", edges.values().map(failed))),
        Field::float("thickness", edges.values().map(|edge| 1.0 + 4.0 * edge.calls as f64 / most)),
        Field::text("color", edges.values().map(|edge| if edge.errors > 0 { "#E02F44" } else { "#8E8E8E" })),
        titled("Time in calls", Field::text("detail__total", edges.values().map(|edge| time(edge.total_ms)))),
    ];
    Frame::new("edges", fields)
}

/// `1 error`, `2 errors`, `no errors`.
fn counted(count: i64, what: &str) -> String {
    match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

fn time(ms: f64) -> String {
    if ms > 0.0 { Micros((ms * 1000.0).round() as i64).to_string() } else { "0 ms".to_owned() }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
