use serde_json::{Value, json};

use super::*;
use crate::{Telemetry, build, otlp_json, scenarios};
use trace::Time;

const BASE: Time = Time(1_795_341_900_000_000);

async fn running(flavour: Flavour) -> Server {
    let picked = scenarios().iter().filter(|scenario| ["2", "4"].contains(&scenario.number));
    serve(Store::new(picked.flat_map(|scenario| build(scenario, Telemetry::Current, BASE, 1)).collect()), flavour)
        .await
        .unwrap()
}

async fn ask(server: &Server, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("{}{path}", server.url)).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn ask_json(server: &Server, path: &str) -> Value {
    let (status, body) = ask(server, path).await;
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

const WINDOW: &str = "start=1795341000000000&end=1795345000000000";
const WINDOW3: &str = "query.startTimeMin=2026-11-22T09:00:00Z&query.startTimeMax=2026-11-22T12:00:00Z";

#[tokio::test]
async fn the_legacy_api_lists_searches_and_fetches() {
    let server = running(Flavour::Both).await;
    let services = ask_json(&server, "/api/services").await;
    assert!(services["data"].as_array().unwrap().contains(&json!("ktrdr-api")), "{services}");
    let operations = ask_json(&server, "/api/operations?service=ktrdr-cli").await;
    assert!(operations["data"].as_array().unwrap().contains(&json!({"name": "POST", "spanKind": "client"})));
    let names = ask_json(&server, "/api/services/ktrdr-api/operations").await;
    assert!(names["data"].as_array().unwrap().contains(&json!("POST /api/v1/backtests/start")));

    let tags = "tags=%7B%22worker.total_workers%22%3A%220%22%7D";
    let found = ask_json(&server, &format!("/api/traces?service=ktrdr-api&{WINDOW}&{tags}")).await;
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    let id = found["data"][0]["traceID"].as_str().unwrap();
    let fetched = ask_json(&server, &format!("/api/traces/{id}")).await;
    assert_eq!(fetched["data"][0], found["data"][0]);
    let both = ask_json(&server, &format!("/api/traces?traceID={id}&traceID=1f")).await;
    assert_eq!(both["data"].as_array().unwrap().len(), 1);
    assert_eq!(both["errors"][0]["msg"], "trace not found");
    server.stop().await;
}

#[tokio::test]
async fn the_legacy_api_rejects_what_jaeger_rejects() {
    let server = running(Flavour::Both).await;
    for (path, status, message) in [
        ("/api/traces", 400, "parameter 'service' is required"),
        ("/api/operations", 400, "parameter 'service' is required"),
        ("/api/traces?service=a&tags=%7B%22error%22%3Atrue%7D", 400, "malformed 'tags'"),
        ("/api/traces?service=a&tag=nocolon", 400, "expecting key:value"),
        ("/api/traces?service=a&minDuration=5", 400, "minDuration"),
        ("/api/traces?service=a&minDuration=5s&maxDuration=1s", 400, "maxDuration"),
        ("/api/traces?service=a&start=soon", 400, "start"),
        ("/api/traces/zz", 400, "invalid syntax"),
        ("/api/traces/1f", 404, "trace not found"),
    ] {
        let (is, body) = ask(&server, path).await;
        assert_eq!(is, status, "{path}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert!(body["errors"][0]["msg"].as_str().unwrap().contains(message), "{path}: {body}");
    }
}

#[tokio::test]
async fn the_v3_api_searches_and_fetches() {
    let server = running(Flavour::V3Only).await;
    assert!(ask_json(&server, "/api/v3/services").await["services"].as_array().unwrap().len() > 2);
    let attributes = "query.attributes=%7B%22worker.total_workers%22%3A%220%22%7D";
    let found = ask_json(&server, &format!("/api/v3/traces?{WINDOW3}&{attributes}")).await;
    let span = &found["result"]["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    let id = span["traceId"].as_str().unwrap();
    assert_eq!(ask_json(&server, &format!("/api/v3/traces/{id}")).await, found);
    for (path, status, message) in [
        ("/api/v3/traces".to_owned(), 400, "are required"),
        (format!("/api/v3/traces?{WINDOW3}&query.serviceName=nobody"), 404, "No traces found"),
        ("/api/v3/traces/1f".to_owned(), 404, "trace not found"),
    ] {
        let (is, body) = ask(&server, &path).await;
        assert_eq!(is, status, "{path}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert!(body["error"]["message"].as_str().unwrap().contains(message), "{path}: {body}");
    }
}

#[tokio::test]
async fn each_flavour_serves_its_own_routes() {
    let old = running(Flavour::LegacyOnly).await;
    let (status, body) = ask(&old, "/api/v3/services").await;
    assert!(status == 200 && body.starts_with("<!doctype html>"), "{status} {body}");
    let new = running(Flavour::V3Only).await;
    for gone in ["/api/services", "/api/traces?service=ktrdr-api", "/api/operations?service=a"] {
        assert_eq!(ask(&new, gone).await, (404, "404 page not found\n".to_owned()), "{gone}");
    }
    assert_eq!(ask(&new, "/api/traces/1f").await.0, 404);
    assert_eq!(new.requests().first().map(String::as_str), Some("GET /api/services"));
}

#[tokio::test]
async fn spans_sent_as_otlp_are_found() {
    let server = serve(Store::default(), Flavour::Both).await.unwrap();
    let traces = build(&scenarios()[0], Telemetry::Current, BASE, 9);
    let client = reqwest::Client::new();
    let to = format!("{}/v1/traces", server.url);
    let sent = client.post(&to).body(otlp_json(&traces)).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    assert_eq!(client.post(&to).body("nonsense").send().await.unwrap().status(), 400);
    let found = ask_json(&server, &format!("/api/traces?service=ktrdr-cli&{WINDOW}")).await;
    assert_eq!(found["data"][0]["spans"].as_array().unwrap().len(), traces[0].spans.len());
    assert_eq!(server.store.len(), 1);
}
