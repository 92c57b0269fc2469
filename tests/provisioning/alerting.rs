//! The alert rules: their format, and how Grafana's alerting evaluates the plugin's answers. The second needs Go.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testbed::{self, Flavour, Store, Telemetry};

use crate::{
    files::{Dashboard, OURS, Rule, items, text, texts},
    support::{
        example_traces::ExampleTraces,
        go,
        grafana::{self, Seen},
    },
};

const RULES: &str = "provisioning/alerting/ktrdr-diagnosis.yaml";
const RECORDING: &str = "docs/examples/recording-rules.yaml";

#[test]
fn rules_have_what_grafana_wants_of_a_file() {
    let mut uids = BTreeSet::new();
    for rule in Rule::of(RULES) {
        let (title, json) = (rule.title(), &rule.json);
        assert!(uids.insert(text(&json["uid"]).to_owned()) && text(&json["uid"]).len() <= 40, "{title}");
        assert_eq!(json["condition"], "B", "{title}");
        assert!(["OK", "Alerting"].contains(&text(&json["noDataState"])), "{title}");
        assert!(["KeepLast", "Alerting"].contains(&text(&json["execErrState"])), "{title}");
        let query = rule.step("A");
        assert_eq!((text(&query["datasourceUid"]), text(&query["model"]["queryType"])), ("ktrdr-diagnosis", "metric"));
        assert!(query.get("queryType").is_none(), "{title}: Grafana reads it inside the model");
        assert_eq!(query["model"]["datasource"], json!({"type": OURS, "uid": "ktrdr-diagnosis"}), "{title}");
        assert!(!texts(&query["model"]).iter().any(|text| text.contains('$')), "{title}: rules have no variables");
        let threshold = &rule.step("B")["model"];
        assert_eq!((text(&threshold["type"]), text(&threshold["expression"])), ("threshold", "A"), "{title}");
        let dashboard = Dashboard::with_uid(text(&json["dashboardUid"])).expect("a dashboard");
        assert!(dashboard.panels().iter().any(|panel| panel["id"] == json["panelId"]), "{title}: no such panel");
    }
    let measures: BTreeSet<String> =
        Rule::of(RULES).iter().map(|rule| text(&rule.step("A")["model"]["measure"]).to_owned()).collect();
    let expected = ["count", "failed", "no_workers", "slowdown", "stuck", "unreachable"];
    assert_eq!(measures, expected.map(str::to_owned).into());
}

#[test]
fn the_texts_of_rules_name_labels_that_their_query_has() {
    let label = regex::Regex::new(r"\$labels\.(\w+)").expect("a regular expression");
    for rule in Rule::of(RULES) {
        let (title, groups) = (rule.title(), rule.groups());
        let annotations = texts(&rule.json["annotations"]).join("\n");
        for found in label.captures_iter(&annotations) {
            assert!(groups.contains(&&found[1]), "{title}: {} is not a label of {groups:?}", &found[1]);
        }
        // newer versions of Grafana replace environment variables in braces in annotations, and any `$` in labels
        assert!(!annotations.contains("${"), "{title}");
        let labels = rule.json["labels"].as_object().expect("labels");
        assert!(!texts(&rule.json["labels"]).iter().any(|text| text.contains('$')), "{title}");
        assert!(!groups.iter().any(|group| labels.contains_key(*group)), "{title}: a fixed label hides the query's");
        let about_jaeger = groups.is_empty();
        let says = |word: &str| groups.contains(&word) || labels.contains_key(word);
        assert!(about_jaeger || says("verdict"), "{title} does not name the verdict");
        for name in ["summary", "description", "dashboard"] {
            assert!(!text(&rule.json["annotations"][name]).is_empty(), "{title}: no {name}");
        }
        let reserved = ["alertname", "grafana_folder", "datasource_uid", "ref_id"];
        assert!(!reserved.iter().any(|name| says(name)), "{title}: a label that Grafana keeps for itself");
    }
}

/// One case per rule, queried as Grafana's alerting does.
fn cases(rules: &[Rule], (from, to): (i64, i64)) -> Vec<Value> {
    let case = |rule: &Rule| {
        let expect = json!({"alert": "numbers"});
        let query = json!({"refId": "A", "model": rule.step("A")["model"], "expect": expect});
        json!({"name": rule.title(), "fromMs": from, "toMs": to, "fromAlert": true, "queries": [query]})
    };
    rules.iter().map(case).collect()
}

async fn ask(host: &std::path::Path, url: &str, queries: Vec<Value>) -> Seen {
    let host = host.to_owned();
    let cases = json!({"dataSource": grafana::data_source(url), "queries": queries});
    tokio::task::spawn_blocking(move || grafana::ask(&host, &cases)).await.expect("the Go test host ends")
}

/// The label sets for which a rule fires.
fn firing(rule: &Rule, seen: &Seen) -> Vec<String> {
    let conditions = &rule.step("B")["model"]["conditions"];
    let evaluator = &items(conditions).first().expect("a condition")["evaluator"];
    let limit = items(&evaluator["params"]).first().and_then(Value::as_f64).expect("a limit");
    let fires = |value: f64| match text(&evaluator["type"]) {
        "gt" => value > limit,
        "lt" => value < limit,
        other => panic!("{}: {other}", rule.title()),
    };
    let numbers = seen.numbers(rule.title(), "A");
    numbers.into_iter().filter(|(_, value)| value.is_some_and(fires)).map(|(labels, _)| labels).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_fires_on_a_bad_day_with_the_labels_that_it_names() {
    let Some(host) = go::or_skip("alert rules", go::grafana_host()) else { return };
    let examples = ExampleTraces::recent();
    let server = testbed::serve(Store::new(examples.traces.clone()), Flavour::Both).await.expect("a port on loopback");
    let rules = Rule::of(RULES);
    let seen = ask(&host, &server.url, cases(&rules, examples.range())).await;
    seen.assert_no_problems();
    for rule in &rules {
        let (title, firing) = (rule.title(), firing(rule, &seen));
        if rule.json["execErrState"] == "Alerting" {
            assert_eq!(firing, Vec::<String>::new(), "{title}: Jaeger answers");
            continue;
        }
        assert!(!firing.is_empty(), "{title} does not fire: {:?}", seen.numbers(title, "A"));
        let mut groups = rule.groups();
        groups.sort_unstable();
        for labels in firing {
            let names: Vec<_> = labels.split(',').filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
            assert_eq!(names, groups, "{title}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rule_fires_when_all_is_well_and_a_dead_jaeger_is_an_error() {
    let Some(host) = go::or_skip("alert rules in peace", go::grafana_host()) else { return };
    let now = trace::Time::from_millis(chrono::Utc::now().timestamp_millis());
    let good = testbed::scenarios().iter().find(|scenario| scenario.number == "1").expect("a training that works");
    let start = now - trace::Micros::from_secs(40 * 60);
    let traces = testbed::build(good, Telemetry::Current, start, 1);
    let server = testbed::serve(Store::new(traces), Flavour::Both).await.expect("a port on loopback");
    let rules = Rule::of(RULES);
    let range = (now.0 / 1000 - 3_600_000, now.0 / 1000);
    // a duration without a baseline is not a number; its rule says that this is fine
    let (counts, durations): (Vec<_>, Vec<_>) =
        Rule::of(RULES).into_iter().partition(|rule| rule.step("A")["model"]["measure"] != "slowdown");
    let seen = ask(&host, &server.url, cases(&counts, range)).await;
    seen.assert_no_problems();
    for rule in &counts {
        assert_eq!(firing(rule, &seen), Vec::<String>::new(), "{}", rule.title());
        assert!(!seen.numbers(rule.title(), "A").is_empty(), "{}: silence is not peace", rule.title());
    }
    assert!(durations.iter().all(|rule| rule.json["noDataState"] == "OK"));

    let dead = std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a free port");
    let mut queries = cases(&rules, range);
    for case in &mut queries {
        case["queries"][0]["expect"] = json!({"error": "127.0.0.1", "errorSource": "downstream"});
    }
    ask(&host, &format!("http://{dead}"), queries).await.assert_no_problems();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recording_rule_of_the_documentation_reads_numbers() {
    let rules = Rule::of(RECORDING);
    for rule in &rules {
        let record = &rule.json["record"];
        assert_eq!((text(&record["from"]), text(&record["targetDatasourceUid"])), ("A", "prometheus"));
        assert!(text(&record["metric"]).starts_with("ktrdr_diagnosis_"), "{record}");
    }
    let Some(host) = go::or_skip("recording rules", go::grafana_host()) else { return };
    let examples = ExampleTraces::recent();
    let server = testbed::serve(Store::new(examples.traces.clone()), Flavour::Both).await.expect("a port on loopback");
    let seen = ask(&host, &server.url, cases(&rules, examples.range())).await;
    seen.assert_no_problems();
    for rule in &rules {
        assert!(seen.numbers(rule.title(), "A").len() > 1, "{}", rule.title());
    }
}
