//! The page for Prometheus: its form, and that its numbers are those of the store.

use std::collections::{BTreeMap, BTreeSet};

use diagnosis::{GroupBy, Measure, TimeRange};
use regex::Regex;
use store::{AggregateQuery, OperationFilter};
use trace::Micros;

use crate::process::{HOUR, Watch, jaeger, now, open, sqlite, traces, trouble};

/// The samples of a page by name with labels. Checks what `promtool check metrics` and `OpenMetrics` ask for.
fn parse(page: &str) -> BTreeMap<String, f64> {
    let (name, label) = ("[a-z_][a-z0-9_]*", r#"[a-z_]+="(?:[^"\\\n]|\\["\\n])*""#);
    let sample = Regex::new(&format!(r"^({name})(\{{{label}(?:,{label})*\}})? (-?[0-9.]+(?:e-?[0-9]+)?)$")).unwrap();
    let mut lines: Vec<&str> = page.lines().collect();
    assert_eq!(lines.pop(), Some("# EOF"), "{page}");
    let (mut types, mut helped, mut samples) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
    let mut current = String::new();
    for line in lines {
        if let Some(help) = line.strip_prefix("# HELP ") {
            current = String::from(help.split(' ').next().unwrap());
            assert!(helped.insert(current.clone()), "{current} has two descriptions");
            assert!(help.len() > current.len() + 10, "{line}");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, current, "the type follows the description");
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} has two types");
        } else {
            let parts = sample.captures(line).unwrap_or_else(|| panic!("{line:?} is not a sample"));
            let suffix = if types[&current] == "counter" { "_total" } else { "" };
            assert_eq!(&parts[1], format!("{current}{suffix}"), "samples stand below their type");
            let labels = parts.get(2).map_or("", |labels| labels.as_str());
            let value = parts[3].parse().unwrap();
            assert!(samples.insert(format!("{}{labels}", &parts[1]), value).is_none(), "{line} is there twice");
        }
    }
    samples
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_has_the_form_that_prometheus_reads_and_the_numbers_of_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    let mut all = trouble();
    all.extend(traces(&[("2-backtest-success", 90), ("10b-still-running", 5)]));
    let jaeger = jaeger(all).await;
    let options = ["--history-window", "3h", "--metrics", "127.0.0.1:0", "--source", "a\"b"];
    let watch = Watch::start(&jaeger.url, &sqlite(&file), &options);
    watch.remarks("complete since");
    let url = watch.metrics();
    let answer = reqwest::get(&url).await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let samples = parse(&answer.text().await.unwrap());
    let of = |name: &str| samples[&format!("ktrdr_diagnosis_history_{name}{{source=\"a\\\"b\"}}")];

    assert_eq!(
        [of("writer"), of("caught_up"), of("store_up"), of("gaps"), of("failures_total")],
        [1.0, 1.0, 1.0, 0.0, 0.0]
    );
    assert!((0.0..60.0).contains(&of("live_edge_lag_seconds")), "{samples:#?}");
    assert!((299.0..400.0).contains(&of("watermark_lag_seconds")), "{samples:#?}");
    assert!((of("complete_since_timestamp_seconds") - (now() - HOUR - HOUR - HOUR).0 as f64 / 1e6).abs() < 60.0);
    assert!(of("requests_total") > 3.0 && of("commits_total") > 2.0 && of("traces_read_total") > 4.0, "{samples:#?}");

    let store = open(&file).await;
    let source = &store.sources().await.unwrap()[0];
    let range = TimeRange { from: now() - Micros(HOUR.0 * 24), to: now() };
    let query = AggregateQuery {
        filter: OperationFilter::all(range, now()),
        measure: Measure::Count,
        group_by: vec![GroupBy::OperationType, GroupBy::Verdict, GroupBy::Rule],
        buckets: None,
        beside: Vec::new(),
    };
    let rows = store.aggregate(source, &query).await.unwrap();
    let expected: BTreeMap<String, f64> = rows
        .iter()
        .map(|row| {
            let [kind, verdict, rule] = &row.labels[..] else { panic!("{row:?}") };
            let labels = format!(r#"source="a\"b",operation_type="{kind}",verdict="{verdict}",rule="{rule}""#);
            (format!("ktrdr_diagnosis_history_operations{{{labels}}}"), row.count as f64)
        })
        .collect();
    let counted: BTreeMap<String, f64> =
        samples.into_iter().filter(|(name, _)| name.contains("_history_operations{")).collect();
    assert_eq!(counted, expected);
    assert_eq!(counted.values().sum::<f64>(), 6.0);

    let elsewhere = reqwest::get(url.replace("/metrics", "/other")).await.unwrap();
    assert_eq!(elsewhere.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_has_the_marks_of_the_store_and_is_not_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let file = sqlite(&folder.path().join("history.db"));
    let jaeger = jaeger(trouble()).await;
    let options = ["--history-window", "1h", "--metrics", "127.0.0.1:0", "--source", "s"];
    let first = Watch::start(&jaeger.url, &file, &options);
    first.remarks("complete since");
    let second = Watch::start(&jaeger.url, &file, &options);
    second.remarks("another recorder writes already");
    let samples = parse(&reqwest::get(second.metrics()).await.unwrap().text().await.unwrap());
    assert_eq!(samples["ktrdr_diagnosis_history_writer{source=\"s\"}"], 0.0);
    assert!(samples["ktrdr_diagnosis_history_live_edge_lag_seconds{source=\"s\"}"] < 60.0);
    assert!(samples.keys().any(|name| name.starts_with("ktrdr_diagnosis_history_operations{")));
}
