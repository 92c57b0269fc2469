//! Bad queries, bad settings, an unreachable Jaeger: each gets a clear error, nothing else is lost, no secret leaks.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use testbed::grafana_harness::{QueryDataRequest, data_query, data_source};

use crate::setup::{Setup, on_demo, plugin};

#[test]
fn one_bad_query_among_several_leaves_the_others_alone() {
    on_demo(async |setup| {
        let good = |ref_id: &str| json!({"refId": ref_id, "queryType": "operations", "limit": 3});
        let raw = |ref_id: &str, text: &str| data_query(&good(ref_id), setup.range(), text.as_bytes().to_vec());
        let request = QueryDataRequest {
            plugin_context: Some(setup.source.query_context()),
            headers: HashMap::new(),
            queries: vec![
                raw("A", &good("A").to_string()),
                raw("B", "{\"queryType\": \"operations\","),
                raw("C", &json!({"queryType": "horoscope"}).to_string()),
                raw("D", &json!({"queryType": "operations", "limit": 10_001}).to_string()),
                raw("E", &json!({"queryType": "operations", "filters": {"minDuration": "long"}}).to_string()),
                raw("F", &json!({"queryType": "operations", "filters": {"tags": "error"}}).to_string()),
                raw("G", &json!({"queryType": "diagnosis", "operationId": ""}).to_string()),
                raw("H", &good("H").to_string()),
            ],
        };
        let answer = setup.plugin.query_raw(request).await.unwrap();
        assert_eq!(answer.responses.len(), 8);
        for good in ["A", "H"] {
            assert_eq!((answer.responses[good].error.as_str(), answer.responses[good].frames.len()), ("", 1));
        }
        let words = [
            ("B", "JSON"),
            ("C", "unknown query type `horoscope`"),
            ("D", "1 to 10000"),
            ("E", "1m30s"),
            ("F", "key=value"),
            ("G", "operation id"),
        ];
        for (ref_id, word) in words {
            let answer = &answer.responses[ref_id];
            assert_eq!((answer.status, answer.error_source.as_str()), (400, "downstream"), "{ref_id}");
            assert!(answer.error.contains(word), "{ref_id}: {}", answer.error);
        }
    });
}

#[tokio::test]
async fn a_range_that_ends_before_it_starts_is_refused() {
    let setup = Setup::empty().await;
    let query = json!({"refId": "A", "queryType": "operations"});
    let answer = setup.plugin.query(&setup.source, (2_000, 1_000), vec![query], HashMap::new()).await.unwrap();
    assert_eq!(answer.responses["A"].status, 400);
}

/// A port without a listener.
async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_jaeger_that_is_down_is_an_error_and_never_emptiness() {
    let mut setup = Setup::empty().await;
    setup.source = data_source("down", &nobody().await);
    for query in [
        json!({"queryType": "metric", "measure": "failed"}),
        json!({"queryType": "operations"}),
        json!({"queryType": "diagnosis", "operationId": "op_training_1"}),
        json!({"query": "4bf92f3577b34da6a3ce929d0e0e4736"}),
    ] {
        let (status, message, source) = setup.failure(query).await;
        assert_eq!((status, source.as_str()), (502, "downstream"), "{message}");
        assert!(message.contains("cannot be reached") && message.contains("16686"), "{message}");
    }
    let health = setup.plugin.health(&setup.source).await.unwrap();
    assert_eq!(health.status, 2);
    assert!(health.message.contains("cannot be reached"), "{}", health.message);
    let details: serde_json::Value = serde_json::from_slice(&health.json_details).unwrap();
    assert!(details["verboseMessage"].is_string());
    let (status, body) = setup.resource("GET", "services", "").await;
    assert_eq!(status, 502);
    assert!(body["message"].as_str().unwrap().contains("cannot be reached"), "{body}");
}

#[test]
fn a_wrong_base_path_is_named() {
    on_demo(async |setup| {
        let mut setup = setup.clone();
        setup.source = data_source("wrong", &format!("{}/not/here", setup.jaeger.url));
        let (status, message, source) = setup.failure(json!({"queryType": "operations"})).await;
        assert_eq!(source, "downstream");
        assert!(status >= 400 && message.contains("base path"), "{status} {message}");
    });
}

#[test]
fn a_user_without_a_role_is_answered() {
    on_demo(async |setup| {
        let mut setup = setup.clone();
        for role in ["None", ""] {
            setup.source.role = role.to_owned();
            assert!(setup.frames(json!({"queryType": "operations"})).await[0].rows() > 0);
            assert_eq!(setup.plugin.health(&setup.source).await.unwrap().status, 1);
            assert_eq!(setup.resource("GET", "services", "").await.0, 200);
        }
    });
}

#[test]
fn wrong_settings_are_named_and_right_ones_are_taken_up() {
    on_demo(async |setup| {
        let mut setup = setup.clone();
        setup.source.uid = "changing".into();
        setup.source.json = json!({"lookback": "yesterday"});
        let (status, message, _) = setup.failure(json!({"queryType": "operations"})).await;
        assert_eq!(status, 400);
        assert!(message.contains("`lookback`"), "{message}");
        setup.source.json = json!({"playbook": "[spans]\nnoises = []\n"});
        setup.source.updated_ms += 1;
        let (_, message, _) = setup.failure(json!({"queryType": "operations"})).await;
        assert!(message.contains("playbook") && message.contains("line"), "{message}");
        setup.source.json = json!({"lookback": "24h"});
        setup.source.updated_ms += 1;
        assert!(setup.frames(json!({"queryType": "operations"})).await[0].rows() > 0);
    });
}

#[test]
fn secrets_reach_no_log_no_error_and_no_frame() {
    const SECRET: &str = "correct-horse-battery";
    on_demo(async |setup| {
        let mut setup = setup.clone();
        setup = setup.with_own_plugin(&[("RUST_LOG", "trace"), ("GF_PLUGIN_LOG_LEVEL", "trace")]).await;
        setup.source.basic_auth_user = Some("me".into());
        for key in ["basicAuthPassword", "httpHeaderValue1", "tlsClientKey"] {
            setup.source.secrets.insert(key.into(), SECRET.into());
        }
        let headers = HashMap::from([("Authorization".to_owned(), format!("Bearer {SECRET}"))]);
        let settings =
            [json!({"httpHeaderName1": "X-Key", "oauthPassThru": true}), json!({"lookback": 1}), json!("no object")];
        let mut seen = String::new();
        for (at, json) in settings.into_iter().enumerate() {
            setup.source.json = json;
            setup.source.role = if at == 1 { "None".into() } else { "Editor".into() };
            setup.source.updated_ms += 1;
            for url in [setup.jaeger.url.clone(), nobody().await] {
                setup.source.url = url;
                setup.source.updated_ms += 1;
                let query = json!({"refId": "A", "queryType": "operations", "limit": 2});
                let answer =
                    setup.plugin.query(&setup.source, setup.range(), vec![query], headers.clone()).await.unwrap();
                let health = setup.plugin.health(&setup.source).await.unwrap();
                let services = setup.resource("GET", "services", "").await;
                write!(seen, "{:?} {health:?} {services:?}", answer.responses["A"].error).unwrap();
                for frame in &answer.responses["A"].frames {
                    seen += &String::from_utf8_lossy(frame);
                }
            }
        }
        seen += &setup.plugin.metrics().await.unwrap();
        let log = setup.plugin.log().join("\n");
        assert!(log.contains("starts"), "the log is read: {log}");
        assert!(!seen.contains(SECRET));
        assert!(!log.contains(SECRET), "{log}");
    });
}

/// A request in progress.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_query_that_grafana_cancels_stops_asking_jaeger() {
    let open = Arc::new(AtomicUsize::new(0));
    let seen = Arc::new(AtomicUsize::new(0));
    let (counter, total) = (Arc::clone(&open), Arc::clone(&seen));
    let router = axum::Router::new().fallback(move || {
        let (counter, total) = (Arc::clone(&counter), Arc::clone(&total));
        async move {
            total.fetch_add(1, Ordering::SeqCst);
            counter.fetch_add(1, Ordering::SeqCst);
            let _open = Open(counter);
            tokio::time::sleep(Duration::from_secs(60)).await;
            "late"
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = data_source("slow", &format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let plugin = plugin().await;
    let query = json!({"refId": "A", "queryType": "operations"});
    let asking = plugin.query(&source, (0, 1_000), vec![query], HashMap::new());
    tokio::select! {
        _ = asking => panic!("nobody answers that fast"),
        () = until(|| open.load(Ordering::SeqCst) > 0) => {}
    }
    until(|| open.load(Ordering::SeqCst) == 0).await;
    assert!(seen.load(Ordering::SeqCst) > 0);
    let counted = async {
        while !plugin.metrics().await.unwrap().contains(r#"outcome="cancelled""#) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), counted).await.expect("it is counted as cancelled");
}

/// Waits until a condition holds; fails the test after 20 seconds.
async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it holds at last");
}

/// Acceptance G9: an answer comes before Grafana gives up, with our own message and Jaeger's address.
#[tokio::test]
async fn a_hanging_jaeger_is_an_error_of_ours_before_grafana_gives_up() {
    // It answers the probe and the list of services, and no other request.
    let router = axum::Router::new()
        .route("/api/services", axum::routing::get(|| async { r#"{"data":["ktrdr-api"]}"# }))
        .fallback(|| async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            "late"
        });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let source = data_source("hanging", &url);
    let plugin = plugin().await;
    let queries = [
        json!({"queryType": "metric"}),
        json!({"queryType": "diagnosis", "operationId": "op_training_1"}),
        json!({"queryType": "culprits"}),
        json!({"queryType": "metric", "measure": "culprit_score"}),
    ];
    let queries = queries.iter().zip(["A", "B", "C", "D"]).map(|(query, ref_id)| {
        let mut query = query.clone();
        query["refId"] = ref_id.into();
        data_query(&query, (0, 1_000), query.to_string().into_bytes())
    });
    let mut request = tonic::Request::new(QueryDataRequest {
        plugin_context: Some(source.query_context()),
        headers: HashMap::from([("FromAlert".to_owned(), "false".to_owned())]),
        queries: queries.collect(),
    });
    request.set_timeout(Duration::from_secs(5));
    let asked = std::time::Instant::now();
    let answer = plugin.query_request(request).await.unwrap();
    assert!((2..5).contains(&asked.elapsed().as_secs()), "{:?}", asked.elapsed());
    for ref_id in ["A", "B", "C", "D"] {
        let answer = &answer.responses[ref_id];
        assert_eq!((answer.status, answer.error_source.as_str(), answer.frames.len()), (504, "downstream", 0));
        assert!(answer.error.contains("within 3 s") && answer.error.contains(&url), "{}", answer.error);
        assert!(answer.error.contains("What to try"), "{}", answer.error);
    }
}
