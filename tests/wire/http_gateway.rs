//! Grafana's HTTP paths, as the browser requests them.

use std::sync::Arc;

use serde_json::{Value, json};
use testbed::grafana_harness::{HttpGateway, serve};

use crate::setup::on_demo;

#[test]
fn the_browser_s_paths_are_answered() {
    on_demo(async |setup| {
        let setup = setup.with_own_plugin(&[]).await;
        let source = setup.source.clone();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let gateway = Arc::new(HttpGateway::new(setup.into_plugin(), vec![source]));
        tokio::spawn(serve(listener, gateway));
        let http = reqwest::Client::new();

        let query = |kind: &str| {
            json!({
                "from": "now-24h", "to": "now",
                "queries": [{"refId": "A", "queryType": kind, "datasource": {"uid": "ktrdr"}}],
            })
        };
        let ask = async |kind: &str| {
            let answer = http.post(format!("{base}/api/ds/query")).json(&query(kind)).send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        };
        let (status, body) = ask("operations").await;
        assert_eq!(status, 200);
        assert_eq!(body["results"]["A"]["frames"][0]["schema"]["name"], "operations");
        let (status, body) = ask("nonsense").await;
        assert_eq!((status, &body["results"]["A"]["errorSource"]), (400, &json!("downstream")));

        let get = async |path: &str| {
            let answer = http.get(format!("{base}/api/datasources/uid/ktrdr/{path}")).send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        };
        assert!(get("resources/services").await.1.as_array().is_some_and(|names| !names.is_empty()));
        assert_eq!(get("resources/nothing").await.0, 404);
        assert_eq!(get("health").await.1["status"], "OK");
    });
}
