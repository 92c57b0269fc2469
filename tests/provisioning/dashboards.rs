//! The format of the dashboards: what Grafana requires of a file, and what users expect of a dashboard.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::files::{Dashboard, OURS, PANEL, items, text, texts};

#[test]
fn the_four_dashboards_have_what_grafana_wants_of_a_file() {
    let found: BTreeMap<String, String> =
        Dashboard::all().iter().map(|d| (d.file.clone(), d.uid().to_owned())).collect();
    let expected = [
        ("diagnosis.json", "ktrdr-diagnosis"),
        ("operations.json", "ktrdr-operations"),
        ("system-overview.json", "ktrdr-system-overview"),
        ("worker-status.json", "ktrdr-worker-status"),
    ];
    assert_eq!(found, expected.map(|(file, uid)| (file.to_owned(), uid.to_owned())).into());
    for dashboard in Dashboard::all() {
        let (file, json) = (&dashboard.file, &dashboard.json);
        // Grafana rejects a file in the newer format of dashboards, without a title at the top
        assert!(!text(&json["title"]).is_empty() && !text(&json["description"]).is_empty(), "{file}");
        assert!(json["schemaVersion"].as_i64().is_some_and(|version| (39..=42).contains(&version)), "{file}");
        assert_eq!((text(&json["timezone"]), text(&json["refresh"])), ("browser", "30s"), "{file}");
        assert!(json.get("id").is_none_or(Value::is_null), "{file}: an id belongs to one installation");
        assert!(text(&json["time"]["from"]).starts_with("now-"), "{file}");
    }
}

#[test]
fn panels_neither_overlap_nor_leave_the_grid() {
    for dashboard in Dashboard::all() {
        let mut taken: BTreeMap<(i64, i64), &str> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for panel in dashboard.panels() {
            let title = text(&panel["title"]);
            let at = |name: &str| panel["gridPos"][name].as_i64().unwrap_or_else(|| panic!("{title}: no {name}"));
            let (x, y, w, h) = (at("x"), at("y"), at("w"), at("h"));
            assert!(x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= 24, "{}: {title}", dashboard.file);
            assert!(ids.insert(panel["id"].as_i64().expect("an id")), "{}: {title}", dashboard.file);
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                if let Some(other) = taken.insert(cell, title) {
                    panic!("{}: {title} lies over {other}", dashboard.file);
                }
            }
        }
        let bottom = taken.keys().map(|(_, y)| *y).max().unwrap_or_default();
        let gap = (0..=bottom).find(|y| !taken.keys().any(|(_, at)| at == y));
        assert_eq!(gap, None, "{}: an empty line", dashboard.file);
    }
}

#[test]
fn every_panel_says_what_to_do() {
    for dashboard in Dashboard::all() {
        for panel in dashboard.panels().into_iter().filter(|panel| panel["type"] != "row") {
            let title = text(&panel["title"]);
            assert!(!title.is_empty(), "{}: a panel without title", dashboard.file);
            assert!(text(&panel["description"]).len() > 40, "{}: {title} lacks a description", dashboard.file);
        }
    }
}

#[test]
fn data_sources_are_chosen_by_variables_that_stand_at_the_provisioned_ones() {
    for dashboard in Dashboard::all() {
        let file = &dashboard.file;
        let variable = |name: &str| dashboard.variable(name).unwrap_or_else(|| panic!("{file}: no variable {name}"));
        for panel in dashboard.panels().into_iter().filter(|panel| panel["type"] != "row") {
            let title = text(&panel["title"]);
            for source in
                std::iter::once(&panel["datasource"]).chain(items(&panel["targets"]).iter().map(|t| &t["datasource"]))
            {
                let name = match text(&source["type"]) {
                    OURS => "diagnosis",
                    "prometheus" => "prometheus",
                    other => panic!("{file}: {title} asks a {other}"),
                };
                assert_eq!(source["uid"], format!("${{{name}}}"), "{file}: {title}");
                assert_eq!(variable(name)["query"], source["type"], "{file}: {title}");
            }
        }
        let provisioned = |uid: &str| {
            ["ktrdr-diagnosis", "ktrdr-stack"].iter().any(|name| {
                let sources = crate::files::yaml(&format!("provisioning/datasources/{name}.yaml"));
                items(&sources["datasources"]).iter().any(|source| source["uid"] == uid)
            })
        };
        for variable in dashboard.variables().iter().filter(|variable| variable["type"] == "datasource") {
            assert!(provisioned(text(&variable["current"]["value"])), "{file}: {}", variable["name"]);
        }
    }
}

#[test]
fn variables_that_are_used_exist_and_those_that_exist_are_used() {
    // `$1` is a reference in a value mapping, not a variable
    let word = regex::Regex::new(r"\$(?:\{([A-Za-z_]\w*)[^}]*\}|([A-Za-z_]\w*))").expect("a regular expression");
    for dashboard in Dashboard::all() {
        let mut without = dashboard.json.clone();
        without["description"] = Value::Null;
        let used: BTreeSet<String> = texts(&without)
            .into_iter()
            .flat_map(|text| word.captures_iter(text).collect::<Vec<_>>())
            .filter_map(|found| Some(found.get(1).or_else(|| found.get(2))?.as_str().to_owned()))
            .filter(|name| !name.starts_with("__"))
            .collect();
        let defined: BTreeSet<String> =
            dashboard.variables().iter().map(|variable| text(&variable["name"]).to_owned()).collect();
        assert_eq!(used, defined, "{}", dashboard.file);
    }
}

/// acceptance G10: the worst comes first, even if there are more operations than a panel shows or a variable lists.
#[test]
fn operations_come_worst_first() {
    let mut lists = 0;
    for dashboard in Dashboard::all() {
        for (place, query) in dashboard.queries().iter().filter(|(_, query)| query["queryType"] == "operations") {
            assert_eq!(query["orderBy"], "worst", "{place}");
            lists += 1;
        }
        for variable in dashboard.variables().iter().filter(|variable| variable["query"]["kind"] == "operation-ids") {
            assert_eq!(variable["sort"], 0, "{}: Grafana must keep the order", dashboard.file);
            assert_eq!(text(&variable["current"]["value"]), "", "{}: the first is taken", dashboard.file);
        }
    }
    assert!(lists >= 4, "only {lists}");
}

/// acceptance G7: these are the usual names of percentiles.
#[test]
fn percentiles_are_called_p50_p95_p99() {
    let quantile = regex::Regex::new(r"histogram_quantile\(0\.(\d+)").expect("a regular expression");
    let mut seen = BTreeSet::new();
    for dashboard in Dashboard::all() {
        for panel in dashboard.panels() {
            for target in items(&panel["targets"]) {
                let Some(found) = quantile.captures(text(&target["expr"])) else { continue };
                let name = if &found[1] == "5" { "p50".to_owned() } else { format!("p{}", &found[1]) };
                let legend = text(&target["legendFormat"]);
                assert!(legend.ends_with(&name), "{}: {legend} is {name}", text(&panel["title"]));
                seen.insert(name);
            }
        }
    }
    assert_eq!(seen, ["p50", "p95", "p99"].map(str::to_owned).into());
}

#[test]
fn every_dashboard_has_a_diagnosis_panel() {
    for dashboard in Dashboard::all() {
        let panels = dashboard.panels();
        let ours: Vec<_> = panels.iter().filter(|panel| panel["type"] == PANEL).collect();
        assert!(!ours.is_empty(), "{}", dashboard.file);
        for panel in ours {
            let size = &panel["gridPos"];
            assert!(size["h"].as_i64() >= Some(10) && size["w"].as_i64() >= Some(18), "{}: too small", dashboard.file);
        }
    }
    let diagnosis = Dashboard::with_uid("ktrdr-diagnosis").expect("the dashboard of one operation");
    let types: Vec<_> = diagnosis.panels().iter().map(|panel| text(&panel["type"])).collect();
    for kind in ["stat", "timeseries", "table", PANEL, "traces", "nodeGraph"] {
        assert!(types.contains(&kind), "{kind} is not among {types:?}");
    }
}

/// Both compare the time range with the time before it, above the details.
#[test]
fn two_dashboards_say_what_changed() {
    for (uid, before) in
        [("ktrdr-diagnosis", "One operation: $operation"), ("ktrdr-system-overview", "Requests by route")]
    {
        let dashboard = Dashboard::with_uid(uid).expect("a dashboard");
        let panels = dashboard.panels();
        let named =
            |title: &str| panels.iter().find(|panel| panel["title"] == title).unwrap_or_else(|| panic!("{title}"));
        let panel = named("What changed");
        assert_eq!((text(&panel["type"]), text(&panel["targets"][0]["queryType"])), (PANEL, "culprits"), "{uid}");
        assert_eq!(panel["targets"][0].get("baseline"), None, "{uid}");
        assert!(panel["gridPos"]["y"].as_i64() < named(before)["gridPos"]["y"].as_i64(), "{uid}");
    }
}

/// Defects of KTRDR's own dashboards, which these replace.
#[test]
fn known_defects_do_not_come_back() {
    for dashboard in Dashboard::all() {
        let panels = dashboard.panels();
        let expressions: Vec<(&Value, &str)> = panels
            .iter()
            .flat_map(|panel| items(&panel["targets"]).iter().map(|target| (*panel, text(&target["expr"]))))
            .filter(|(_, expr)| !expr.is_empty())
            .collect();
        for (panel, expr) in expressions {
            let title = text(&panel["title"]);
            assert!(!expr.contains(":500["), "{title}: workers are known by their job, ports differ");
            assert!(!expr.contains(r#""backend|"#) && !expr.contains(r#"="backend""#), "{title}: no job has that name");
            assert!(!expr.contains("orchestrator_"), "{title}: nothing emits those");
            let duration = title.to_lowercase().contains("duration");
            assert!(!(duration && expr.contains("http_server")), "{title}: a start request is not the operation");
            let rate = expr.contains("rate(") || expr.contains("increase(");
            assert!(!rate || expr.contains("[$__r") || expr.contains("[1h]"), "{title}: a fixed short range: {expr}");
        }
    }
}
