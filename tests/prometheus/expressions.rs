//! Finds PromQL in dashboards and rule files, and replaces Grafana's variables.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// PromQL without variables, and its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Expression {
    pub(crate) place: String,
    pub(crate) promql: String,
}

/// The values of Grafana's variables, for a Prometheus that scrapes every second.
const BUILT_IN: [(&str, &str); 8] = [
    ("__rate_interval", "10s"),
    ("__interval", "5s"),
    ("__interval_ms", "5000"),
    ("__range", "1h"),
    ("__range_s", "3600"),
    ("__range_ms", "3600000"),
    ("__from", "0"),
    ("__to", "0"),
];

/// All expressions of the repository.
pub(crate) fn all() -> Vec<Expression> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for file in files(&root.join("provisioning")).into_iter().chain(files(&root.join("docs/examples"))) {
        let name = file.strip_prefix(root).unwrap().display().to_string();
        let text = std::fs::read_to_string(&file).unwrap();
        found.extend(of_file(&name, &text));
    }
    found.sort();
    found
}

/// The JSON and YAML files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|end| end == "json" || end == "yaml" || end == "yml") {
            files.push(path);
        }
    }
    files
}

/// The expressions of a dashboard, an alerting file of Grafana or a rule file of Prometheus.
pub(crate) fn of_file(name: &str, text: &str) -> Vec<Expression> {
    let content: Value = serde_yaml_ng::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let variables = content["templating"]["list"].as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    collect(&content, name, &mut found);
    for variable in &variables {
        found.extend(of_variable(variable).map(|promql| (format!("{name} / ${}", text_of(&variable["name"])), promql)));
    }
    let filled = |(place, promql): (String, String)| {
        let promql = fill(&promql, &variables);
        Expression { place, promql }
    };
    found.into_iter().map(filled).collect()
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Every query of Prometheus is in a field `expr`, in panels, annotations and rules.
fn collect(value: &Value, place: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            let title = ["title", "record", "alert", "name"].iter().find_map(|key| fields.get(*key)?.as_str());
            let place = title.map_or(place.to_owned(), |title| format!("{place} / {title}"));
            if let Some(promql) = fields.get("expr").and_then(Value::as_str) {
                found.push((place.clone(), promql.to_owned()));
            }
            fields.values().for_each(|value| collect(value, &place, found));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, place, found)),
        _ => {}
    }
}

/// The Prometheus query of a variable, as an expression whose answer has the values.
fn of_variable(variable: &Value) -> Option<String> {
    if variable["type"] != "query" || variable["datasource"]["type"] != "prometheus" {
        return None;
    }
    let query = variable["query"].as_str().or_else(|| variable["query"]["query"].as_str()).unwrap_or_default().trim();
    let inside = |function: &str| query.strip_prefix(function)?.trim().strip_prefix('(')?.strip_suffix(')');
    if let Some(of) = inside("label_values") {
        // `label_values(metric{…}, label)`: the label follows the last comma.
        let (metric, label) = of.rsplit_once(',').unwrap_or_else(|| panic!("{query}: without a metric"));
        return Some(format!("count by ({}) ({metric})", label.trim()));
    }
    Some(inside("query_result").unwrap_or_else(|| panic!("{query}: not known to this test")).to_owned())
}

/// `$name`, `${name}` and `${name:format}` replaced by what the dashboard starts with.
fn fill(promql: &str, variables: &[Value]) -> String {
    let reference = regex::Regex::new(r"\$(?:\{(\w+)(?::\w+)?\}|([A-Za-z_]\w*))").unwrap();
    let filled = reference.replace_all(promql, |found: &regex::Captures<'_>| {
        let name = found.get(1).or(found.get(2)).unwrap().as_str();
        if let Some((_, value)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            return (*value).to_owned();
        }
        let variable = variables.iter().find(|variable| variable["name"] == name);
        start(variable.unwrap_or_else(|| panic!("{promql}: the dashboard has no variable {name}")))
    });
    filled.into_owned()
}

/// What a variable starts with; a choice of several becomes a regular expression, as Grafana makes of it.
fn start(variable: &Value) -> String {
    let value = &variable["current"]["value"];
    let chosen: BTreeSet<&str> = value
        .as_array()
        .map_or_else(|| BTreeSet::from([text_of(value)]), |values| values.iter().map(text_of).collect());
    if chosen.contains("$__all") {
        return variable["allValue"].as_str().unwrap_or(".*").to_owned();
    }
    let chosen: Vec<&str> = chosen.into_iter().collect();
    if let [one] = chosen.as_slice() { (*one).to_owned() } else { format!("({})", chosen.join("|")) }
}

#[test]
fn expressions_are_found_wherever_they_stand() {
    let dashboard = r#"{
        "templating": {"list": [
            {"name": "type", "type": "custom", "allValue": ".+", "current": {"value": ["$__all"]}},
            {"name": "gate", "type": "custom", "current": {"value": ["a", "b"]}},
            {"name": "worker", "type": "query", "datasource": {"type": "prometheus", "uid": "${prometheus}"},
             "query": {"query": "label_values(up{job=~\"ktrdr-.*\"}, instance)", "refId": "A"}},
            {"name": "kind", "type": "query", "datasource": {"type": "other"}, "query": "label_values(no, no)"}
        ]},
        "annotations": {"list": [{"name": "Restarts", "expr": "changes(process_start_time_seconds[$__interval]) > 0"}]},
        "panels": [{"title": "A row", "panels": [
            {"title": "Ended", "targets": [{"expr": "rate(x{t=~\"${type:regex}\",g=~\"$gate\"}[$__rate_interval])"}]}
        ]}]
    }"#;
    let found: Vec<(String, String)> =
        of_file("d.json", dashboard).into_iter().map(|found| (found.place, found.promql)).collect();
    let expected = [
        ("d.json / Restarts", "changes(process_start_time_seconds[5s]) > 0"),
        ("d.json / A row / Ended", "rate(x{t=~\".+\",g=~\"(a|b)\"}[10s])"),
        ("d.json / $worker", "count by (instance) (up{job=~\"ktrdr-.*\"})"),
    ];
    assert_eq!(found, expected.map(|(place, promql)| (place.to_owned(), promql.to_owned())));

    let rules = "groups: [{name: g, rules: [{record: a, expr: up}, {title: T, data: [{model: {expr: 'up == 0'}}]}]}]";
    let found: Vec<String> = of_file("r.yaml", rules).into_iter().map(|found| found.promql).collect();
    assert_eq!(found, ["up", "up == 0"]);
}
