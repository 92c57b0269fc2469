//! Every type of query.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::setup::{Setup, on_demo};

fn distinct(values: &[Value]) -> Vec<&str> {
    let mut words: Vec<_> = values.iter().filter_map(Value::as_str).collect();
    words.sort_unstable();
    words.dedup();
    words
}

#[test]
fn operations_are_listed_newest_first() {
    on_demo(async |setup| {
        let frames = setup.frames(json!({"queryType": "operations", "limit": 1000})).await;
        let [operations] = frames.as_slice() else { panic!("{} frames", frames.len()) };
        assert_eq!(operations.meta()["preferredVisualisationType"], "table");
        assert!(operations.meta()["executedQueryString"].as_str().is_some_and(|text| !text.is_empty()));
        let verdicts = operations.column("verdict");
        let verdicts = distinct(&verdicts);
        for expected in ["failed", "healthy", "missing_data", "no_workers", "slow", "stuck", "unreachable"] {
            assert!(verdicts.contains(&expected), "{expected} is not among {verdicts:?}");
        }
        let starts: Vec<_> = operations.column("start").iter().filter_map(Value::as_i64).collect();
        assert!(starts.is_sorted_by(|a, b| a >= b), "{starts:?}");
    });
}

#[test]
fn filters_and_limits_hold() {
    on_demo(async |setup| {
        let filters = json!({"verdicts": ["no_workers"], "types": ["training"]});
        let frames = setup.frames(json!({"queryType": "operations", "filters": filters})).await;
        assert!(frames[0].rows() > 0);
        assert_eq!(distinct(&frames[0].column("verdict")), ["no_workers"]);
        assert_eq!(distinct(&frames[0].column("operation_type")), ["training"]);
        let frames = setup.frames(json!({"queryType": "operations", "limit": 2})).await;
        assert_eq!(frames[0].rows(), 2);
    });
}

#[test]
fn a_diagnosis_has_its_frames_and_views_choose_among_them() {
    on_demo(async |setup| {
        let id = setup.operation("failed").await;
        let frames = setup.frames(json!({"queryType": "diagnosis", "operationId": id})).await;
        let names: Vec<_> = frames.iter().map(super::setup::Frame::name).collect();
        assert_eq!(names, ["diagnosis", "flow", "evidence", "errors", "http", "workers"]);
        assert_eq!(frames[0].column("operation_id"), [id.as_str()]);
        assert_eq!(frames[0].column("verdict"), ["failed"]);
        assert!(frames[1].rows() > 0 && frames[2].rows() > 0 && frames[3].rows() > 0);
        for frame in &frames {
            assert_eq!(frame.meta()["preferredVisualisationPluginId"], "ktrdr-diagnosis-panel");
        }
        let views = json!({"queryType": "diagnosis", "operationId": id, "views": ["flow", "diagnosis"]});
        assert_eq!(setup.frames(views).await.len(), 2);

        // by trace id: all operations of the trace
        let trace = frames[0].column("trace_id")[0].clone();
        let by_trace =
            setup.frames(json!({"queryType": "diagnosis", "operationId": trace, "views": ["diagnosis"]})).await;
        assert_eq!(by_trace[0].column("operation_id")[0], id.as_str());
    });
}

#[test]
fn an_id_that_nobody_knows_is_one_row_saying_so() {
    on_demo(async |setup| {
        let id = "op_training_20261122_100505_deadbeef";
        let frames = setup.frames(json!({"queryType": "diagnosis", "operationId": id, "views": ["diagnosis"]})).await;
        assert_eq!(frames[0].column("verdict"), ["not_found"]);
        let (status, message, source) = setup.failure(json!({"query": id})).await;
        assert_eq!((status, source.as_str()), (404, "downstream"));
        assert!(message.contains("no trace"), "{message}");
    });
}

#[test]
fn a_trace_is_found_by_the_links_of_other_data_sources() {
    on_demo(async |setup| {
        let id = setup.operation("healthy").await;
        let view = setup.frames(json!({"queryType": "trace", "query": id})).await;
        assert_eq!(view[0].meta()["preferredVisualisationType"], "trace");
        let trace = view[0].column("traceID")[0].clone();
        for query in [json!({"query": trace}), json!({"queryType": "traceql", "query": trace})] {
            let frames = setup.frames(query).await;
            assert_eq!(frames.len(), 1);
            assert!(
                frames[0].column("serviceName").iter().all(|name| name.as_str().is_some_and(|name| !name.is_empty()))
            );
            let ago = setup.now as f64 - frames[0].column("startTime")[0].as_f64().unwrap();
            assert!((0.0..3.0 * 86_400_000.0).contains(&ago), "times are milliseconds: {ago}");
        }
    });
}

#[test]
fn a_service_map_has_a_node_for_every_end_of_an_edge() {
    on_demo(async |setup| {
        let id = setup.operation("healthy").await;
        let frames = setup.frames(json!({"queryType": "serviceMap", "operationId": id})).await;
        let [nodes, edges] = frames.as_slice() else { panic!("{} frames", frames.len()) };
        let ids = nodes.column("id");
        assert!(!ids.is_empty());
        for end in edges.column("source").iter().chain(&edges.column("target")) {
            assert!(ids.contains(end), "{end}");
        }
        for (path, rest) in nodes.column("arc__path").iter().zip(nodes.column("arc__rest")) {
            assert!((path.as_f64().unwrap() + rest.as_f64().unwrap() - 1.0).abs() < 1e-9);
        }
    });
}

#[test]
fn an_alert_rule_gets_text_columns_and_one_number() {
    on_demo(async |setup| {
        let query = json!({
            "refId": "A", "queryType": "metric", "measure": "failed", "groupBy": ["operation_type", "error_type"],
        });
        let headers = HashMap::from([("FromAlert".to_owned(), "true".to_owned())]);
        let answer = setup.plugin.query(&setup.source, setup.range(), vec![query], headers).await.unwrap();
        let frame =
            super::setup::Frame(testbed::grafana_harness::frame_json(&answer.responses["A"].frames[0]).unwrap());
        assert_eq!(frame.names(), ["operation_type", "error_type", "failed"]);
        let types: Vec<_> = frame.fields().iter().map(|field| field["type"].clone()).collect();
        assert_eq!(types, ["string", "string", "number"]);
        assert_eq!(frame.meta()["type"], "numeric-long");
        assert!(frame.column("failed").iter().any(|value| value.as_f64() > Some(0.0)));
        let labels: Vec<_> = frame.column("operation_type").into_iter().zip(frame.column("error_type")).collect();
        for (at, label) in labels.iter().enumerate() {
            assert!(!labels[..at].contains(label), "{label:?} stands twice");
        }
    });
}

#[test]
fn an_alert_rule_on_a_table_gets_the_query_type_to_use() {
    on_demo(async |setup| {
        let headers = HashMap::from([("FromAlert".to_owned(), "true".to_owned())]);
        let query = json!({"refId": "A", "queryType": "operations"});
        let answer = setup.plugin.query(&setup.source, setup.range(), vec![query], headers).await.unwrap();
        let answer = &answer.responses["A"];
        assert_eq!((answer.status, answer.error_source.as_str()), (400, "downstream"));
        assert!(answer.error.contains("`metric`"), "{}", answer.error);
    });
}

#[test]
fn a_series_counts_what_the_table_shows() {
    on_demo(async |setup| {
        let count = setup.frames(json!({"queryType": "metric", "measure": "count"})).await;
        let total = count[0].column("count")[0].as_f64().unwrap();
        assert!(total > 10.0, "{total}");
        let series = json!({
            "queryType": "metric", "measure": "count", "groupBy": ["verdict"], "format": "timeseries",
            "intervalMs": 3_600_000, "maxDataPoints": 100,
        });
        let series = setup.frames(series).await;
        let sum: f64 = series[0].0["data"]["values"].as_array().unwrap()[1..]
            .iter()
            .flat_map(|column| column.as_array().unwrap())
            .map(|value| value.as_f64().expect("buckets are filled with zeros"))
            .sum();
        assert!((sum - total).abs() < 1e-9, "{sum} {total}");
        assert_eq!(series[0].meta()["type"], "timeseries-wide");
    });
}

#[test]
fn annotations_mark_what_is_severe() {
    on_demo(async |setup| {
        let frames = setup.frames(json!({"queryType": "annotations"})).await;
        assert_eq!(frames[0].names(), ["time", "timeEnd", "title", "text", "tags", "id", "color"]);
        let severe = frames[0].rows();
        let all = setup.frames(json!({"queryType": "annotations", "minSeverity": 0})).await;
        assert!(0 < severe && severe < all[0].rows(), "{severe} of {}", all[0].rows());
    });
}

#[tokio::test]
async fn an_empty_jaeger_is_zero_and_no_rows() {
    let setup = Setup::empty().await;
    assert_eq!(setup.frames(json!({"queryType": "operations"})).await[0].rows(), 0);
    let count = setup.frames(json!({"queryType": "metric", "measure": "failed", "groupBy": ["verdict"]})).await;
    assert_eq!(count[0].0["data"]["values"], json!([["none"], [0.0]]));
    let health = setup.plugin.health(&setup.source).await.unwrap();
    assert_eq!(health.status, 1, "{}", health.message);
    assert!(health.message.contains("No KTRDR operations"), "{}", health.message);
}
