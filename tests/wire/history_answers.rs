//! Questions to a data source with a history: the same answers as without one, and honest ones when something is missing.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use diagnosis::playbook::Playbook;
use ktrdr_diagnosis::recorder::{Clock, JaegerSource, Options, Recorder, playbook_hash};
use serde_json::{Value, json};
use store::{SourceId, SqliteOptions, open_sqlite};
use testbed::grafana_harness::DataSource;
use tokio::sync::watch;
use trace::{Micros, Time};

use crate::{
    history::{recording, restarted, setup},
    setup::{Frame, Setup},
};

const DAY_MS: i64 = 86_400_000;

/// The columns that do not depend on the moment of the question.
const COLUMNS: [&str; 8] =
    ["operation_type", "status", "verdict", "severity", "start", "error_type", "rule", "trace_id"];

impl Setup {
    /// The same plugin and Jaeger, asked through this data source.
    fn with_source(&self, source: DataSource) -> Self {
        Self { source, ..self.clone() }
    }

    /// A data source beside the usual one, whose history covers what the Jaeger knows.
    async fn recorded(&self, kind: &str) -> Self {
        let recorded = self.with_source(DataSource { uid: kind.to_owned(), ..recording(self, kind) });
        recorded.caught_up().await;
        recorded
    }

    /// Waits until a table has these operations: what explains open ones is searched for one pass after another.
    async fn table_like(&self, query: &Value, expected: &BTreeMap<String, Vec<Value>>) {
        let mut found = BTreeMap::new();
        for _ in 0..40 {
            found = operations(&self.frames(query.clone()).await[0]);
            if found == *expected {
                return;
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        for (id, row) in expected {
            assert_eq!(found.get(id), Some(row), "{id}");
        }
        assert_eq!(found.len(), expected.len());
    }
}

/// The operations of a table by their ids; operations without one are left out.
fn operations(frame: &Frame) -> BTreeMap<String, Vec<Value>> {
    let columns: Vec<_> = COLUMNS.iter().map(|name| frame.column(name)).collect();
    let row = |at: usize| columns.iter().map(|column| column[at].clone()).collect();
    let ids = frame.column("operation_id");
    ids.iter().enumerate().filter_map(|(at, id)| Some((id.as_str()?.to_owned(), row(at)))).collect()
}

fn notices(frame: &Frame) -> String {
    frame.meta()["notices"].to_string()
}

/// The rows of a metric, in the order of their text.
fn rows(frame: &Frame) -> Vec<String> {
    let columns: Vec<_> = frame.names().into_iter().map(|name| frame.column(name)).collect();
    let row = |at: usize| columns.iter().map(|column| column[at].to_string() + " ").collect();
    let mut rows: Vec<String> = (0..frame.rows()).map(row).collect();
    rows.sort();
    rows
}

#[tokio::test]
async fn a_history_answers_as_jaeger_does() {
    let folder = tempfile::tempdir().unwrap();
    let live = setup(Some(folder.path())).await;
    let histories = tokio::join!(live.recorded("memory"), live.recorded("sqlite"));
    let histories: [Setup; 2] = histories.into();
    let table = json!({"queryType": "operations", "limit": 1000});
    let expected = operations(&live.frames(table.clone()).await[0]);
    assert!(expected.len() > 10, "{}", expected.len());
    for recorded in &histories {
        recorded.table_like(&table, &expected).await;
    }

    for measure in ["count", "failed", "not_healthy", "stuck"] {
        let query = json!({"queryType": "metric", "measure": measure, "groupBy": ["verdict", "operation_type"]});
        let expected = rows(&live.frames(query.clone()).await[0]);
        for recorded in &histories {
            assert_eq!(rows(&recorded.frames(query.clone()).await[0]), expected, "{query}");
        }
    }

    for verdict in ["failed", "healthy", "stuck", "cancelled"] {
        let id = live.operation(verdict).await;
        let query = json!({"queryType": "diagnosis", "operationId": id, "follow": false});
        let expected = live.frames(query.clone()).await;
        for recorded in &histories {
            let found = recorded.frames(query.clone()).await;
            assert_eq!(found.len(), expected.len());
            assert_eq!(operations(&found[0]), operations(&expected[0]));
            for (found, expected) in found.iter().zip(&expected).skip(1) {
                assert_eq!(
                    (found.names(), found.rows()),
                    (expected.names(), expected.rows()),
                    "{id}: {}",
                    found.name()
                );
            }
        }
    }

    let annotations = json!({"queryType": "annotations", "limit": 1000});
    let titles = |frame: &Frame| {
        let mut titles: Vec<String> = frame.column("title").iter().map(Value::to_string).collect();
        titles.sort();
        titles
    };
    let expected = titles(&live.frames(annotations.clone()).await[0]);
    assert!(!expected.is_empty());
    for recorded in &histories {
        assert_eq!(titles(&recorded.frames(annotations.clone()).await[0]), expected);
    }

    let (from, to) = live.range();
    for list in ["operation-types", "error-types", "workers"] {
        let path = format!("{list}?from={from}&to={to}");
        let expected = live.resource("GET", &path, "").await;
        assert_ne!(expected.1, json!([]), "{list}");
        for recorded in &histories {
            assert_eq!(recorded.resource("GET", &path, "").await, expected, "{list}");
        }
    }
}

#[tokio::test]
async fn lists_and_numbers_of_a_covered_range_ask_jaeger_nothing() {
    let live = setup(None).await;
    let recorded = live.recorded("memory").await;
    let before = recorded.coverage().await["requests"].as_u64().unwrap();
    let sent = live.jaeger.requests().len();
    for _ in 0..5 {
        recorded.frames(json!({"queryType": "operations", "limit": 1000})).await;
        recorded.frames(json!({"queryType": "metric", "measure": "count"})).await;
        recorded.frames(json!({"queryType": "annotations"})).await;
    }
    let recorder = recorded.coverage().await["requests"].as_u64().unwrap() - before;
    let asked = live.jaeger.requests().len() - sent;
    // The recorder goes on meanwhile, and a request may have been counted before it was sent.
    assert!(asked as u64 <= recorder + 4, "{asked} requests, {recorder} of them by the recorder");
}

/// A moment that does not pass.
#[derive(Debug)]
struct Stopped(Time);

impl Clock for Stopped {
    fn now(&self) -> Time {
        self.0
    }
}

/// Records in the file of the data source `ktrdr` what was known some minutes ago.
async fn record_until(setup: &Setup, folder: &Path, minutes_ago: i64) {
    let store = open_sqlite(&folder.join("1-ktrdr.db"), SqliteOptions::default()).await.unwrap();
    let config = jaeger::Config { url: setup.jaeger.url.clone(), ..jaeger::Config::default() };
    let playbook = Arc::new(Playbook::ktrdr());
    let day = Micros::from_secs(86_400);
    let options = Options {
        history_window: Micros(2 * day.0),
        retention: Micros(90 * day.0),
        lookback: Micros(2 * day.0),
        baseline_window: Micros(7 * day.0),
        stall_threshold: None,
        discovery_services: Vec::new(),
        playbook_hash: playbook_hash(&playbook),
    };
    let clock = Arc::new(Stopped(Time::from_millis(setup.now) - Micros::from_secs(60 * minutes_ago)));
    let jaeger = Arc::new(JaegerSource::new(jaeger::Client::new(&config).unwrap()));
    let recorder = Recorder::new(jaeger, store, SourceId::new("1-ktrdr"), playbook, options, clock, "test");
    let (_keep, stop) = watch::channel(false);
    recorder.run(stop, true).await.unwrap();
}

#[tokio::test]
async fn while_jaeger_is_down_the_covered_history_answers_and_rules_learn_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = setup(Some(folder.path())).await;
    record_until(&setup, folder.path(), 30).await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    setup.source = DataSource { url: format!("http://{closed}"), ..recording(&setup, "sqlite") };
    setup.coverage_like(|coverage| coverage["activity"] == "failing").await;

    let frames = setup.frames(json!({"queryType": "operations", "limit": 1000})).await;
    assert!(frames[0].rows() > 10, "{}", frames[0].rows());
    let notices = notices(&frames[0]);
    assert!(notices.contains("are missing") && notices.contains(&closed.port().to_string()), "{notices}");

    // What is covered is still true.
    let count = json!({"queryType": "metric", "measure": "count"});
    let old = setup.over_hours((24, 1), count.clone(), true).await;
    assert_eq!((old.error.as_str(), old.frames.len()), ("", 1));

    // A rule about what is not covered gets an error instead of a low count.
    let fresh = setup.over_hours((24, 0), count, true).await;
    assert_eq!(fresh.frames.len(), 0);
    assert!(fresh.error.contains("recording fails") && fresh.error.contains("127.0.0.1"), "{}", fresh.error);
}

#[tokio::test]
async fn a_rule_about_what_was_never_recorded_is_an_error_that_says_so() {
    let live = setup(None).await;
    let mut recorded = live.recorded("memory").await;
    recorded.now -= 5 * DAY_MS;
    let answer = recorded.over_hours((24, 0), json!({"queryType": "metric", "measure": "count"}), true).await;
    assert_eq!(answer.frames.len(), 0);
    assert!(answer.error.contains("historyWindow"), "{}", answer.error);
}

#[tokio::test]
async fn after_a_restart_the_file_answers_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = setup(Some(folder.path())).await;
    first.source = recording(&first, "sqlite");
    first.caught_up().await;
    let expected = first.frames(json!({"queryType": "operations", "limit": 1000})).await;
    let second = restarted(&first, Some(folder.path())).await;
    first.into_plugin().stop().await;
    let found = second.frames(json!({"queryType": "operations", "limit": 1000})).await;
    assert_eq!(operations(&found[0]), operations(&expected[0]));
}
