//! Start, watch, stop.

use std::{process::Command, time::Duration};

use testbed::grafana_harness::{PluginProcess, data_source};

use crate::setup::{binary, plugin};

#[test]
fn started_by_hand_it_says_what_it_is_and_ends() {
    let output = Command::new(binary()).env_remove("grafana_plugin_type").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("Grafana starts it") && text.contains("ktrdr-diagnose"), "{text}");
}

#[tokio::test]
async fn a_stop_is_quick_clean_and_leaves_no_socket() {
    let sockets = tempfile::tempdir().unwrap();
    let directory = sockets.path().to_str().unwrap();
    let plugin = PluginProcess::start(binary(), &[("PLUGIN_UNIX_SOCKET_DIR", directory)]).await.unwrap();
    assert!(plugin.ping().await.unwrap());
    assert_eq!(sockets.path().read_dir().unwrap().count(), 1);
    let stopped = plugin.stop().await;
    assert_eq!(stopped.status.and_then(|status| status.code()), Some(0), "{stopped:?}");
    assert_eq!(sockets.path().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn where_no_socket_can_be_made_it_listens_on_loopback() {
    let plugin = PluginProcess::start(binary(), &[("PLUGIN_UNIX_SOCKET_DIR", "/does/not/exist")]).await.unwrap();
    assert!(plugin.ping().await.unwrap());
    let warned = plugin.log().iter().any(|line| line.contains("listening on loopback"));
    assert!(warned, "{:?}", plugin.log());
    assert_eq!(plugin.stop().await.status.and_then(|status| status.code()), Some(0));
}

#[tokio::test]
async fn it_ends_when_grafana_vanishes() {
    let mut left_behind = plugin().await.abandon();
    let status = tokio::time::timeout(Duration::from_secs(10), left_behind.wait()).await.expect("it ends").unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn its_log_is_what_grafana_reads() {
    let plugin = plugin().await;
    plugin.health(&data_source("x", "")).await.unwrap();
    plugin.metrics().await.unwrap();
    let log = plugin.log();
    assert!(!log.is_empty());
    for line in log {
        let entry: serde_json::Value = serde_json::from_str(&line).expect(&line);
        assert!(entry["@message"].is_string() && entry["@level"].is_string(), "{line}");
        chrono::DateTime::parse_from_rfc3339(entry["@timestamp"].as_str().unwrap()).expect(&line);
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_jaeger_that_does_not_answer() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = data_source("slow", &format!("http://{}", silent.local_addr().unwrap()));
    let plugin = plugin().await;
    let query = serde_json::json!({"refId": "A", "queryType": "operations"});
    let asked = async {
        tokio::select! {
            _ = plugin.query(&source, (0, 1_000), vec![query], std::collections::HashMap::new()) => None,
            accepted = silent.accept() => Some(accepted.unwrap().0),
        }
    };
    // the connection stays open and silent
    let connection = asked.await.expect("Jaeger is asked");
    let stopped = plugin.stop().await;
    assert_eq!(stopped.status.and_then(|status| status.code()), Some(0), "{stopped:?}");
    drop(connection);
}

#[cfg(unix)]
#[tokio::test]
async fn a_terminal_s_interrupt_is_left_to_grafana_and_a_termination_is_obeyed() {
    let plugin = plugin().await;
    let signal = |name: &str| {
        let pid = plugin.pid().expect("it runs").to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    };
    signal("-INT");
    assert!(plugin.ping().await.unwrap());
    signal("-TERM");
    let mut child = plugin.abandon();
    let status = tokio::time::timeout(Duration::from_secs(10), child.wait()).await.expect("it ends").unwrap();
    assert_eq!(status.code(), Some(0));
}
