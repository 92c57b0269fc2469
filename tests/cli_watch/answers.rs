//! `operation` and `operations` from a store, after the Jaeger is gone.

use serde_json::Value;

use crate::process::{Watch, jaeger, run, sqlite, traces, trouble};

fn json(args: &[&str]) -> Vec<Value> {
    let (status, out, err) = run(args);
    assert_eq!(status, Some(0), "{err}");
    serde_json::from_str(&out).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_operations_answer_as_jaeger_does() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(&folder.path().join("history.db"));
    let mut all = trouble();
    all.extend(traces(&[("10b-still-running", 5)]));
    let jaeger = jaeger(all).await;
    Watch::start(&jaeger.url, &store, &["--history-window", "3h", "--until-caught-up"]).succeeds();
    let list = |from: &[&str]| json(&[&["operations", "--format", "json", "--from", "now-2h"], from].concat());
    let live = list(&["--jaeger", &jaeger.url]);
    let url = jaeger.url.clone();
    jaeger.stop().await;
    let recorded = list(&["--store", &store]);

    let summary = |all: &[Value]| -> Vec<Value> {
        let fields = ["operation_id", "trace_id", "verdict", "rule", "status", "start", "end", "summary"];
        let is_over = |one: &&Value| one["verdict"] != "running";
        all.iter().filter(is_over).map(|one| fields.map(|field| one[field].clone()).to_vec().into()).collect()
    };
    assert_eq!(live.len(), 5);
    assert_eq!(summary(&recorded), summary(&live));
    let (_, out, _) =
        run(&["operations", "--store", &store, "--from", "now-2h", "--verdict", "missing_data", "--format", "table"]);
    assert_eq!(out.lines().count(), 2, "a heading and an operation: {out}");

    // Those that are closed, those that are open, and those by trace, each with its lists.
    for one in &recorded {
        let id = one["operation_id"].as_str().or(one["trace_id"].as_str()).unwrap();
        let answer = json(&["operation", id, "--store", &store, "--format", "json"]);
        assert_eq!(answer.len(), 1);
        assert_eq!((&answer[0]["operation_id"], &answer[0]["verdict"]), (&one["operation_id"], &one["verdict"]));
        assert!(!answer[0]["flow"].as_array().unwrap().is_empty(), "{}", answer[0]);
    }
    let (status, _, err) = run(&["operation", "op_training_20200101_000000_deadbeef", "--store", &store]);
    assert_eq!(status, Some(0));
    assert!(err.contains("recorded operations of"), "{err}");
    let gone = json(&["operation", "op_training_20200101_000000_deadbeef", "--store", &store, "--format", "json"]);
    assert_eq!(gone[0]["verdict"], "not_found");
    assert!(gone[0]["summary"].as_str().unwrap().contains("history.db"), "{}", gone[0]);

    // What is not covered is said.
    let (status, _, err) = run(&["operations", "--store", &store, "--from", "now-24h"]);
    assert_eq!(status, Some(0));
    assert!(err.contains("operations are missing") && err.contains("no recorder runs here"), "{err}");
    let (status, _, err) = run(&["operations", "--jaeger", &url]);
    assert_eq!(status, Some(1), "the Jaeger is gone: {err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_store_holds_several_sources_one_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(&folder.path().join("history.db"));
    let jaeger = jaeger(trouble()).await;
    for source in ["east", "west"] {
        let options = ["--history-window", "1h", "--until-caught-up", "--source", source];
        Watch::start(&jaeger.url, &store, &options).succeeds();
    }
    let (status, _, err) = run(&["operations", "--store", &store]);
    assert_eq!(status, Some(2));
    assert!(err.contains("`east`, `west`") && err.contains("--source"), "{err}");
    let (status, _, err) = run(&["operations", "--store", &store, "--source", "north"]);
    assert_eq!(status, Some(2));
    assert!(err.contains("`north`") && err.contains("`east`, `west`"), "{err}");
    assert_eq!(json(&["operations", "--store", &store, "--source", "west", "--format", "json"]).len(), 4);
}
