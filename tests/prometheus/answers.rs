//! A real Prometheus scrapes the simulated deployment with `deploy/prometheus.yml`, and every expression returns data.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testbed::simulation::{Exporter, Ports, Process, Simulation, serve};
use trace::{Micros, Time};

use crate::{
    expressions, selectors,
    tools::{Prometheus, there},
};

/// Expressions that may be empty, and why.
const MAY_BE_EMPTY: [(&str, &str); 0] = [];

/// The factor by which the simulation's clock is faster, so that every type of operation ends within seconds.
const SPEED: i64 = 300;
/// How long to wait for an answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// The configuration for the stack, with every target replaced by its simulated process and scraped every second.
fn config(exporters: &[Exporter]) -> Value {
    let text = include_str!("../../deploy/prometheus.yml");
    let mut config: Value = serde_yaml_ng::from_str(text).expect("YAML");
    config["global"] = json!({"scrape_interval": "1s", "scrape_timeout": "1s"});
    let mut scraped = BTreeSet::new();
    for job in config["scrape_configs"].as_array_mut().expect("a list of jobs") {
        let name = job["job_name"].as_str().expect("a name").to_owned();
        let targets: Vec<String> = job["static_configs"].as_array().expect("a list").iter().flat_map(targets).collect();
        let simulated = |target: &String| {
            let exporter = exporters.iter().find(|exporter| exporter.process.instance() == *target);
            let exporter = exporter.unwrap_or_else(|| panic!("{target} is not a process of KTRDR's local stack"));
            assert_eq!(exporter.process.job(), name, "{target}");
            json!({"targets": [exporter.address.to_string()], "labels": {"instance": target}})
        };
        job["static_configs"] = targets.iter().map(simulated).collect();
        scraped.extend(targets);
    }
    assert_eq!(scraped.len(), Process::ALL.len(), "{scraped:?}");
    config
}

fn targets(group: &Value) -> Vec<String> {
    group["targets"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|target| target.as_str().expect("a text").to_owned())
        .collect()
}

/// The running deployment. Dropping it stops it.
struct Motion(tokio::task::JoinHandle<()>);

impl Drop for Motion {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn set_in_motion(simulation: &Arc<Mutex<Simulation>>, begin: Time) -> Motion {
    let simulation = Arc::clone(simulation);
    Motion(tokio::spawn(async move {
        let started = Instant::now();
        loop {
            let gone = i64::try_from(started.elapsed().as_micros()).expect("a short test");
            simulation.lock().expect("nobody panicked").advance(begin + Micros(gone * SPEED));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_expression_answers_data() {
    if !there("every_expression_answers_data") {
        return;
    }
    let now = Time::from_millis(chrono::Utc::now().timestamp_millis());
    let simulation = Arc::new(Mutex::new(Simulation::with_backlog(now, 1)));
    simulation.lock().expect("nobody panicked").advance(now);
    let exporters = serve("127.0.0.1", Ports::Free, &simulation).await.expect("ports on loopback");
    let prometheus = Prometheus::start(&config(&exporters)).await;
    let _motion = set_in_motion(&simulation, now);

    // `a or vector(0)` always returns data, so its selectors must return data too.
    let mut open = Vec::new();
    for expression in expressions::all() {
        let of = |promql: String| (format!("{}: {promql}", expression.place), promql);
        open.extend(selectors::of(&expression.promql).into_iter().map(|selector| of(selector.promql)));
        if !MAY_BE_EMPTY.iter().any(|(promql, _)| *promql == expression.promql) {
            open.push(of(expression.promql.clone()));
        }
    }
    let asked = open.len();
    let until = Instant::now() + PATIENCE;
    loop {
        let mut empty = Vec::new();
        for (place, promql) in open {
            if !prometheus.ask(&promql).await.into_iter().any(|value| !value.is_nan()) {
                empty.push((place, promql));
            }
        }
        open = empty;
        if open.is_empty() {
            break;
        }
        let places: Vec<&str> = open.iter().map(|(place, _)| place.as_str()).collect();
        assert!(Instant::now() < until, "of {asked} these answer nothing: {places:#?}\n{}", prometheus.log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    for (promql, reason) in MAY_BE_EMPTY {
        assert!(expressions::all().iter().any(|expression| expression.promql == promql), "{promql} is gone ({reason})");
    }
    let up = prometheus.ask("up{job=~\"ktrdr-.*\"} == 1").await;
    assert_eq!(up.len(), Process::ALL.len(), "{}", prometheus.log());
}
