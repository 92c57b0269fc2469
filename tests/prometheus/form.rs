//! What can be said without a running Prometheus.

use std::collections::BTreeSet;

use serde_json::json;
use testbed::simulation::{Metric, MetricKind, Process, Simulation};
use trace::Time;

use crate::{
    expressions, selectors,
    tools::{promtool, said, there},
};

const NOW: Time = Time(1_795_341_900_000_000);

/// Names of all series that KTRDR's processes export, and Prometheus's own series about them.
fn known() -> BTreeSet<String> {
    let names = Metric::ALL.iter().flat_map(|metric| {
        let ends: &[&str] =
            if matches!(metric.kind(), MetricKind::Histogram(_)) { &["_bucket", "_sum", "_count"] } else { &[""] };
        ends.iter().map(move |end| format!("{}{end}", metric.name()))
    });
    names.chain(["up".to_owned()]).collect()
}

#[test]
fn every_metric_that_is_asked_for_is_one_of_ktrdrs() {
    let (all, known) = (expressions::all(), known());
    assert!(all.len() > 20, "only {} expressions were found", all.len());
    for expression in all {
        let read = selectors::of(&expression.promql);
        assert!(!read.is_empty(), "{}: reads nothing: {}", expression.place, expression.promql);
        for selector in read {
            assert!(known.contains(&selector.metric), "{}: KTRDR has no {}", expression.place, selector.metric);
        }
    }
}

#[test]
fn promtool_takes_every_expression() {
    if !there("promtool_takes_every_expression") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let check = |expressions: &[String]| {
        let rule =
            |(nth, promql): (usize, &String)| json!({"record": format!("dashboards:expression:{nth}"), "expr": promql});
        let rules: Vec<_> = expressions.iter().enumerate().map(rule).collect();
        let file = folder.path().join("rules.yml");
        std::fs::write(&file, json!({"groups": [{"name": "dashboards", "rules": rules}]}).to_string()).unwrap();
        promtool(&["check", "rules", file.to_str().unwrap()], "")
    };
    let all: Vec<String> = expressions::all().into_iter().map(|expression| expression.promql).collect();
    let output = check(&all);
    assert!(output.status.success(), "{}\n{all:#?}", said(&output));
    assert!(said(&output).contains(&format!("{} rules found", all.len())), "{}", said(&output));
    assert!(!check(&["sum(rate(up[5m])".to_owned()]).status.success(), "it would take anything");
}

#[test]
fn promtool_takes_the_scrape_configuration() {
    if !there("promtool_takes_the_scrape_configuration") {
        return;
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/prometheus.yml");
    let output = promtool(&["check", "config", file], "");
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn promtool_accepts_what_the_processes_export() {
    if !there("promtool_accepts_what_the_processes_export") {
        return;
    }
    let mut simulation = Simulation::with_backlog(NOW, 1);
    simulation.advance(NOW);
    for process in Process::ALL {
        let output = promtool(&["check", "metrics"], &simulation.metrics().write(process));
        // Names that KTRDR chose: promtool would have chosen others. Status 3 says that there are only such remarks.
        let ours = ["ktrdr_workers_registered_total ", "http_server_duration_milliseconds "];
        let said = said(&output);
        let remarks: Vec<&str> = said.lines().filter(|line| !ours.iter().any(|name| line.starts_with(name))).collect();
        assert!(remarks.is_empty(), "{}: {remarks:#?}", process.host());
        assert!(matches!(output.status.code(), Some(0 | 3)), "{}: {:?}", process.host(), output.status);
    }
    assert!(!promtool(&["check", "metrics"], "a{b=1} 2\n").status.success(), "it would take anything");
}
