//! The two frames of Grafana's node graph: the services of an operation and the calls between them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    config::{Color, Config},
    field::Field,
    frame::Frame,
    look,
    record::describe,
};
use crate::{
    diagnosis::{Diagnosis, HttpCall, SectionKind},
    investigate::Answer,
};

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

/// The frames `nodes` and `edges` over all operations of the answer.
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

/// The length of the path: all its sections, gaps included.
fn path_length(diagnosis: &Diagnosis) -> f64 {
    diagnosis.flow.iter().map(|step| step.path_ms).sum()
}

fn count_spans<'d>(diagnosis: &'d Diagnosis, nodes: &mut BTreeMap<&'d str, Node>) {
    let spans = diagnosis.flow.iter().filter(|step| step.kind != SectionKind::Gap.as_str() && !step.service.is_empty());
    for step in spans {
        let node = nodes.entry(step.service.as_str()).or_default();
        node.spans += 1 + i64::from(step.folded);
        node.errors += i64::from(step.status == "error");
        node.path_ms += step.path_ms;
    }
}

fn count_call<'d>(call: &'d HttpCall, edges: &mut BTreeMap<(&'d str, String), Edge>) {
    let Some(target) = call.target_service.clone().or_else(|| call.url.as_deref().and_then(authority)) else {
        return;
    };
    // the server's side of a call names its own service as target
    if target == call.service || call.service.is_empty() {
        return;
    }
    let edge = edges.entry((call.service.as_str(), target)).or_default();
    edge.calls += 1;
    edge.errors += i64::from(call.error_type.is_some() || call.status_code.is_none_or(|code| code >= 400));
    edge.total_ms += call.duration_ms;
}

/// `host:port` of an address, as the name of a callee that has none.
fn authority(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    (!host.is_empty()).then(|| host.to_owned())
}

fn node_frame(names: &BTreeSet<&str>, nodes: &BTreeMap<&str, Node>, window_ms: f64) -> Frame {
    let missing = Node::default();
    let each = |get: &dyn Fn(&Node) -> f64| -> Vec<f64> {
        names.iter().map(|name| get(nodes.get(name).unwrap_or(&missing))).collect()
    };
    let share = |node: &Node| if window_ms > 0.0 { (node.path_ms / window_ms).clamp(0.0, 1.0) } else { 0.0 };
    let arc = |color, text: &str| Config {
        display_name: Some(text.to_owned()),
        color: Some(Color::fixed(color)),
        ..look::number("percentunit", Some(0))
    };
    let titled = |text: &str, config: Config| Config { display_name: Some(text.to_owned()), ..config };
    let fields = vec![
        Field::text("id", names),
        Field::text("title", names),
        Field::text("subtitle", names.iter().map(|name| if nodes.contains_key(name) { "" } else { "no spans" })),
        Field::float("mainstat", each(&|node| node.path_ms))
            .config(titled("Time on the path", look::number("ms", None))),
        Field::float("secondarystat", each(&|node| node.errors as f64))
            .config(titled("Errors", look::number("suffix: errors", Some(0)))),
        Field::float("arc__path", each(&share)).config(arc("orange", "Share of the path")),
        Field::float("arc__rest", each(&|node| 1.0 - share(node))).config(arc("light-blue", "Not on the path")),
        Field::bool("isinstrumented", names.iter().map(|name| nodes.contains_key(name))),
        Field::float("detail__spans", each(&|node| node.spans as f64)).config(titled("Spans", Config::default())),
        Field::float("detail__share", each(&share))
            .config(titled("Share of the path", look::number("percentunit", Some(1)))),
    ];
    Frame::new("nodes", fields)
}

fn edge_frame(edges: &BTreeMap<(&str, String), Edge>) -> Frame {
    let most = edges.values().map(|edge| edge.calls).max().unwrap_or(1).max(1) as f64;
    let titled = |text: &str, config: Config| Config { display_name: Some(text.to_owned()), ..config };
    let fields = vec![
        Field::text("id", edges.keys().map(|(from, to)| format!("{from}--{to}"))),
        Field::text("source", edges.keys().map(|(from, _)| *from)),
        Field::text("target", edges.keys().map(|(_, to)| to)),
        Field::float("mainstat", edges.values().map(|edge| edge.calls as f64))
            .config(titled("Calls", look::number("suffix: calls", Some(0)))),
        Field::float("secondarystat", edges.values().map(|edge| edge.errors as f64))
            .config(titled("Failed calls", look::number("suffix: failed", Some(0)))),
        Field::float("thickness", edges.values().map(|edge| 1.0 + 4.0 * edge.calls as f64 / most)),
        Field::text("color", edges.values().map(|edge| if edge.errors > 0 { "#E02F44" } else { "#8E8E8E" })),
        Field::float("detail__total", edges.values().map(|edge| edge.total_ms))
            .config(titled("Time in calls", look::number("ms", None))),
    ];
    Frame::new("edges", fields)
}
