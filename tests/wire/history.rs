//! Data sources with a history: what they record, where, and what happens when something is wrong with it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testbed::{Store, demo, grafana_harness::DataSource};
use tokio_postgres::config::Host;
use trace::Time;

use crate::{postgres_server::Server, setup::Setup};

/// How long the example traces may take to be recorded.
const RECORDED_WITHIN: Duration = Duration::from_secs(60);

/// A plugin of its own with the demo's Jaeger. SQLite files go to `folder`.
pub(crate) async fn setup(folder: Option<&Path>) -> Setup {
    let now = chrono::Utc::now().timestamp_millis();
    let setup = Setup::over(Store::new(demo(Time::from_millis(now), 1)), now).await;
    restarted(&setup, folder).await
}

/// The same Jaeger and data source with a new plugin.
pub(crate) async fn restarted(setup: &Setup, folder: Option<&Path>) -> Setup {
    let folder = folder.map(|folder| folder.to_str().unwrap().to_owned());
    let environment: Vec<_> = folder.iter().map(|folder| ("GF_PLUGIN_HISTORY_DIR", folder.as_str())).collect();
    setup.with_own_plugin(&environment).await
}

/// The data source with a history, which is recorded as fast as it can be.
pub(crate) fn recording(setup: &Setup, kind: &str) -> DataSource {
    let json = json!({"history": kind, "historyWindow": "2d", "maxRequestsPerSecond": 1000});
    DataSource { json, ..setup.source.clone() }
}

impl Setup {
    pub(crate) async fn coverage(&self) -> Value {
        let (status, body) = self.resource("GET", "coverage", "").await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Waits until the history is covered like this.
    pub(crate) async fn coverage_like(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let since = Instant::now();
        loop {
            let coverage = self.coverage().await;
            if wanted(&coverage) {
                return coverage;
            }
            assert!(since.elapsed() < RECORDED_WITHIN, "{coverage}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub(crate) async fn caught_up(&self) -> Value {
        self.coverage_like(|coverage| coverage["caughtUp"] == true).await
    }
}

#[tokio::test]
async fn without_the_setting_nothing_is_recorded() {
    let setup = setup(None).await;
    assert_eq!(setup.coverage().await, json!({"activity": "off"}));
}

#[tokio::test]
async fn a_history_in_memory_is_recorded_and_says_what_it_covers() {
    let mut setup = setup(None).await;
    setup.source = recording(&setup, "memory");
    let coverage = setup.caught_up().await;
    assert_eq!(coverage["activity"], "recording", "{coverage}");
    let two_days_ago = setup.now - 2 * 86_400_000;
    let since = coverage["completeSince"].as_i64().unwrap();
    assert!((since - two_days_ago).abs() < 60_000, "{coverage}");
    assert!(coverage["lagSeconds"].as_f64().unwrap() < 40.0, "{coverage}");
    assert!(coverage["requests"].as_u64().unwrap() > 0 && coverage["gaps"] == json!([]), "{coverage}");
    let metrics = setup.plugin.metrics().await.unwrap();
    assert!(metrics.contains("ktrdr_diagnosis_history_caught_up{source=\"1-ktrdr\"} 1"), "{metrics}");
    assert!(metrics.contains("ktrdr_diagnosis_history_operations{"), "{metrics}");
    assert!(metrics.ends_with("# EOF\n") && metrics.matches("# EOF").count() == 1, "{metrics}");
    let health = setup.plugin.health(&setup.source).await.unwrap();
    assert!(health.message.contains("History: complete since 20"), "{}", health.message);
    assert!(health.message.contains("s behind") && health.message.contains("requests/s"), "{}", health.message);
}

#[tokio::test]
async fn a_restart_goes_on_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = setup(Some(folder.path())).await;
    setup.source = recording(&setup, "sqlite");
    let before = setup.caught_up().await;
    let file = folder.path().join("1-ktrdr.db");
    assert_eq!(before["place"], format!("SQLite file {}", file.display()));
    let again = restarted(&setup, Some(folder.path())).await;
    let stopped = setup.into_plugin().stop().await;
    assert_eq!(stopped.status.and_then(|status| status.code()), Some(0), "{stopped:?}");
    // The lease was given back: otherwise the new recorder waits for half a minute.
    let since = Instant::now();
    let after = again.coverage_like(|coverage| coverage["activity"] == "recording").await;
    assert!(since.elapsed() < Duration::from_secs(8), "it waited {:?}", since.elapsed());
    assert!(after["completeSince"].as_i64() <= before["completeSince"].as_i64(), "{after}");
    assert!(after["requests"].as_u64() < before["requests"].as_u64(), "it was all read again: {after}");
}

#[tokio::test]
async fn of_two_plugins_on_one_file_one_writes_and_the_other_takes_over_when_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = setup(Some(folder.path())).await;
    writer.source = recording(&writer, "sqlite");
    let reader = restarted(&writer, Some(folder.path())).await;
    writer.caught_up().await;
    let standby = reader.coverage_like(|coverage| coverage["activity"] == "standby").await;
    assert!(standby["completeSince"].is_i64(), "it sees what the other one has written: {standby}");
    assert!(standby["writer"].as_str().unwrap().starts_with("grafana-plugin-"), "{standby}");
    writer.into_plugin().stop().await;
    let since = Instant::now();
    reader.coverage_like(|coverage| coverage["activity"] == "recording").await;
    assert!(since.elapsed() < Duration::from_secs(10), "it waited {:?}", since.elapsed());
}

#[tokio::test]
async fn newer_settings_replace_the_recorder_and_older_ones_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = setup(Some(folder.path())).await;
    setup.source = recording(&setup, "memory");
    let in_memory = setup.coverage_like(|coverage| coverage["activity"] == "recording").await;
    let old = setup.source.clone();
    setup.source = DataSource { updated_ms: old.updated_ms + 1, ..recording(&setup, "sqlite") };
    let in_file = setup.coverage_like(|coverage| coverage["activity"] == "recording").await;
    assert_ne!(in_file["place"], in_memory["place"]);
    let new = std::mem::replace(&mut setup.source, old);
    assert_eq!(setup.coverage().await["place"], in_file["place"], "an older request changes nothing");
    setup.source = DataSource { json: json!({}), updated_ms: new.updated_ms + 1, ..new };
    assert_eq!(setup.coverage().await["activity"], "off");
}

#[tokio::test]
async fn a_history_that_cannot_be_kept_is_an_error_that_names_the_setting() {
    let mut setup = setup(None).await;
    setup.source = recording(&setup, "sqlite");
    let (status, message, source) = setup.failure(json!({"queryType": "operations"})).await;
    assert_eq!((status, source.as_str()), (400, "downstream"));
    assert!(message.contains("history_dir"), "{message}");
    let health = setup.plugin.health(&setup.source).await.unwrap();
    assert!(health.message.contains("history_dir"), "{}", health.message);
    setup.source =
        DataSource { json: json!({"history": "memory", "oauthPassThru": true}), updated_ms: 2, ..setup.source.clone() };
    let (_, message, _) = setup.failure(json!({"queryType": "operations"})).await;
    assert!(message.contains("`history`") && message.contains("oauthPassThru"), "{message}");
    setup.source =
        DataSource { json: json!({"history": "memory", "playbook": "generic"}), updated_ms: 3, ..setup.source.clone() };
    let (_, message, _) = setup.failure(json!({"queryType": "operations"})).await;
    assert!(message.contains("`history`") && message.contains("a sample of the traces"), "{message}");
}

#[tokio::test]
async fn a_store_that_cannot_be_used_is_an_error_of_its_own_data_source_only() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("1-ktrdr.db"), "this is not a database, but a text that is long enough").unwrap();
    let mut setup = setup(Some(folder.path())).await;
    setup.source = recording(&setup, "sqlite");
    for query in [json!({"queryType": "operations"}), json!({"queryType": "metric"})] {
        let (status, message, source) = setup.failure(query).await;
        assert_eq!((status, source.as_str()), (503, "downstream"));
        assert!(message.contains("history") && message.contains("1-ktrdr.db"), "{message}");
    }
    let health = setup.plugin.health(&setup.source).await.unwrap();
    assert!(health.message.contains("1-ktrdr.db"), "{}", health.message);
    let coverage = setup.coverage().await;
    assert_eq!(coverage["activity"], "failed");

    setup.source = DataSource { uid: "other".to_owned(), ..setup.source.clone() };
    setup.coverage_like(|coverage| coverage["activity"] == "recording").await;

    // Once the file is out of the way, nobody needs to restart anything.
    setup.source = DataSource { uid: "ktrdr".to_owned(), ..setup.source.clone() };
    std::fs::remove_file(folder.path().join("1-ktrdr.db")).unwrap();
    setup.coverage_like(|coverage| coverage["activity"] == "recording").await;
}

#[tokio::test]
async fn a_database_that_is_down_is_an_error_without_its_password() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut setup = setup(None).await;
    setup.source = recording(&setup, "postgres");
    let url = format!("postgres://ktrdr:hunter2@{closed}/history?sslmode=disable");
    setup.source.secrets.insert("historyUrl".to_owned(), url);
    let (status, message, _) = setup.failure(json!({"queryType": "operations"})).await;
    assert_eq!(status, 503, "{message}");
    assert!(!message.contains("hunter2") && message.contains("127.0.0.1"), "{message}");
    let shown = format!("{} {:?}", setup.coverage().await, setup.plugin.log());
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn two_servers_share_a_database_and_survive_its_restart() {
    let mut server = Server::start();
    let database = server.new_database().await;
    let Some(Host::Unix(socket)) = database.get_hosts().first() else { panic!("{database:?}") };
    let name = database.get_dbname().unwrap();
    let mut writer = setup(None).await;
    writer.source = recording(&writer, "postgres");
    let url = format!("postgres:///{name}?host={}&user=postgres", socket.display());
    writer.source.secrets.insert("historyUrl".to_owned(), url);
    writer.caught_up().await;
    let reader = restarted(&writer, None).await;
    let standby = reader.coverage_like(|coverage| coverage["activity"] == "standby").await;
    assert!(standby["completeSince"].is_i64(), "{standby}");
    let query = json!({"queryType": "operations", "limit": 1000});
    let rows = writer.frames(query.clone()).await[0].rows();
    assert!(rows > 10, "{rows}");
    assert_eq!(reader.frames(query.clone()).await[0].rows(), rows);

    server.stop();
    let (_, message, _) = reader.failure(query.clone()).await;
    assert!(message.contains(name), "{message}");
    server.restart();
    writer.coverage_like(|coverage| coverage["activity"] == "recording").await;
    assert_eq!(reader.frames(query.clone()).await[0].rows(), rows);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_jaeger_that_is_silent() {
    let folder = tempfile::tempdir().unwrap();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut setup = setup(Some(folder.path())).await;
    setup.source = recording(&setup, "sqlite");
    setup.source.url = format!("http://{}", silent.local_addr().unwrap());
    setup.coverage_like(|coverage| coverage["activity"] == "recording").await;
    let stopped = setup.into_plugin().stop().await;
    assert_eq!(stopped.status.and_then(|status| status.code()), Some(0), "{stopped:?}");
}
