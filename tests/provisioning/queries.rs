//! Sends every query of the dashboards to the plugin, over the example traces.

use std::{collections::HashMap, path::Path};

use serde_json::{Map, Value};
use testbed::grafana_harness::{PluginProcess, data_source, frame_json};
use testbed::{Flavour, Server, Store, demo, incident, serve};
use trace::Time;

use crate::{
    files::{Dashboard, OURS, items, text, yaml},
    support::frame::Frame,
};

/// Replaces variables as the data source's browser side does: a list set to "All" is left out, the chosen operation is
/// inserted.
fn filled(query: &Map<String, Value>, operation: &str) -> Value {
    let mut query = Value::Object(query.clone());
    query["datasource"]["uid"] = "ktrdr-diagnosis".into();
    for field in ["operationId", "query"] {
        if query[field] == "$operation" {
            query[field] = operation.into();
        }
    }
    if let Some(filters) = query["filters"].as_object_mut() {
        filters.retain(|_, value| !items(value).iter().any(|item| text(item).starts_with('$')));
    }
    assert!(!query.to_string().contains('$'), "not filled in: {query}");
    query
}

/// A Jaeger with the example traces that end at this time (ms), and the plugin.
async fn bad_day(now: i64) -> (Server, PluginProcess) {
    let jaeger = serve(Store::new(demo(Time::from_millis(now), 1)), Flavour::Both).await.expect("a port is free");
    let plugin = PluginProcess::start(Path::new(env!("CARGO_BIN_EXE_gpx_ktrdr_diagnosis")), &[])
        .await
        .expect("the plugin starts");
    (jaeger, plugin)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_the_dashboards_answers_rows() {
    let now = chrono::Utc::now().timestamp_millis();
    let range = (now - 86_400_000, now);
    let (jaeger, plugin) = bad_day(now).await;
    let source = data_source("ktrdr-diagnosis", &jaeger.url);
    let all = plugin.resource(&source, "GET", &format!("operation-ids?from={}&to={now}", range.0), "".into()).await;
    let ids: Vec<String> = serde_json::from_slice(&all.expect("the call succeeds").body).expect("a list of ids");
    let operation = ids.first().expect("an operation");

    let incident = Store::new(incident(Time::from_millis(now), 1));
    let incident = serve(incident, Flavour::Both).await.expect("a port is free");
    let changed = data_source("changed", &incident.url);
    let mut asked = 0;
    for dashboard in Dashboard::all() {
        for (place, query) in dashboard.queries() {
            let mut query = filled(query, operation);
            query["refId"] = "A".into();
            // Something changed in the last hour of another Jaeger.
            let (source, range) =
                if query["queryType"] == "culprits" { (&changed, (now - 3_600_000, now)) } else { (&source, range) };
            let answer =
                plugin.query(source, range, vec![query.clone()], HashMap::new()).await.expect("the call succeeds");
            let answer = &answer.responses["A"];
            assert_eq!(answer.error, "", "{place}: {query}");
            let frames: Vec<Value> =
                answer.frames.iter().map(|frame| frame_json(frame).expect("Grafana takes it")).collect();
            assert!(
                frames.first().is_some_and(|frame| !Frame::read(frame).rows.is_empty()),
                "{place} answers nothing: {query}"
            );
            asked += 1;
        }
        for variable in dashboard.variables().iter().filter(|variable| variable["datasource"]["type"] == OURS) {
            let kind = text(&variable["query"]["kind"]);
            if kind == "verdicts" {
                continue; // answered in the browser
            }
            let path = format!("{kind}?from={}&to={now}", range.0);
            let answer = plugin.resource(&source, "GET", &path, "".into()).await.expect("the call succeeds");
            let values: Vec<String> = serde_json::from_slice(&answer.body).expect("a list of texts");
            assert!(!values.is_empty(), "{}: {} has no values", dashboard.file, variable["name"]);
        }
    }
    assert!(asked >= 20, "only {asked} queries");
    plugin.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provisioned_settings_pass_save_and_test() {
    let (jaeger, plugin) = bad_day(chrono::Utc::now().timestamp_millis()).await;
    let file = yaml("provisioning/datasources/ktrdr-diagnosis.yaml");
    let [provisioned] = items(&file["datasources"]) else { panic!("one data source") };
    assert_eq!((text(&provisioned["type"]), text(&provisioned["uid"])), (OURS, "ktrdr-diagnosis"));
    assert_eq!(provisioned["url"], "${KTRDR_JAEGER_URL}", "Grafana fills it in");
    let mut source = data_source(text(&provisioned["uid"]), &jaeger.url);
    source.json = provisioned["jsonData"].clone();
    assert_eq!(source.json["history"], "${KTRDR_HISTORY}", "Grafana fills it in");
    for history in ["", "memory"] {
        source.json["history"] = history.into();
        source.updated_ms += 1;
        let health = plugin.health(&source).await.expect("the call succeeds");
        assert!(health.message.contains("KTRDR operations"), "{}", health.message);
        assert_eq!(health.message.contains("History: "), history == "memory", "{}", health.message);
        assert_eq!(health.status().as_str_name(), "OK", "{}", health.message);
    }

    // the variable was not set: the message must help
    source.url = String::new();
    source.updated_ms += 1;
    let health = plugin.health(&source).await.expect("the call succeeds");
    assert_eq!(health.status().as_str_name(), "ERROR");
    assert!(health.message.to_lowercase().contains("url") || health.message.contains("address"), "{}", health.message);
    plugin.stop().await;
}
