//! PostgreSQL in trouble: restarted, unreachable, refusing, locked, too new. Each is a clear error, and nothing is lost.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use store::{CoverageChange, Error, LEASE_TTL, PlainConnector, Store, open_postgres};
use tokio_postgres::{Client, Config, NoTls};
use trace::Time;

use crate::{
    faults::{check_batches, numbered},
    operations::{NOON, operation},
    postgres::Server,
    suite::{batch, keys, lease, source},
};

async fn open(config: &Config) -> Result<Arc<dyn Store>, Error> {
    open_postgres(config.clone(), Arc::new(PlainConnector)).await
}

async fn client(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_loses_nothing_that_was_committed() {
    let mut server = Server::start();
    let config = server.new_database().await;
    let store = open(&config).await.unwrap();
    let lease = lease(&*store, &source()).await;
    let commit = |number: usize| {
        let mut batch = batch(&lease, numbered(number));
        batch.coverage = vec![CoverageChange::Watermark(Time(number as i64))];
        store.commit(batch)
    };
    let mut committed = 0;
    for round in 0..2 {
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(300) {
            commit(committed + 1).await.unwrap();
            committed += 1;
        }
        // The server ends while a commit is under way.
        let (outcome, ()) = tokio::join!(commit(committed + 1), async {
            tokio::time::sleep(Duration::from_millis(round * 4)).await;
            tokio::task::block_in_place(|| server.stop());
        });
        if let Err(error) = &outcome {
            assert!(matches!(error, Error::Unreachable { .. } | Error::Failed { .. }), "{error:?}");
        }
        let down = store.coverage(&source()).await.unwrap_err();
        assert!(matches!(down, Error::Unreachable { .. }), "{down:?}");
        let down = commit(committed + 1).await.unwrap_err();
        assert!(matches!(down, Error::Unreachable { .. }), "{down:?}");
        tokio::task::block_in_place(|| server.restart());
        // A connection that the restart has broken causes no error.
        let found = check_batches(&*store, committed + usize::from(outcome.is_ok())).await;
        assert!(found <= committed + 1);
        committed = found;
    }
    commit(committed + 1).await.unwrap();
    check_batches(&*store, committed + 1).await;
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_named_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new();
    config.host_path(folder.path()).user("postgres").password("s3cret").dbname("history");
    let refused = open(&config).await.unwrap_err();
    assert!(matches!(refused, Error::Unreachable { .. }), "{refused:?}");
    let text = format!("{refused} {refused:?}");
    assert!(text.contains("history") && text.contains(&*folder.path().to_string_lossy()), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
}

#[tokio::test]
async fn a_user_without_rights_is_refused() {
    let config = Server::shared().new_database().await;
    client(&config).await.batch_execute("CREATE ROLE nobody_here LOGIN").await.unwrap();
    let refused = open(config.clone().user("nobody_here")).await.unwrap_err();
    assert!(matches!(refused, Error::Refused { .. }), "{refused:?}");
    let unknown = open(config.clone().user("unknown")).await.unwrap_err();
    assert!(matches!(unknown, Error::Refused { .. }), "{unknown:?}");
    let missing = open(config.clone().dbname("missing")).await.unwrap_err();
    assert!(matches!(missing, Error::Unreachable { .. }), "{missing:?}");
}

#[tokio::test]
async fn a_locked_row_is_an_error_until_it_is_free() {
    let config = Server::shared().new_database().await;
    let store = open(&config).await.unwrap();
    let lease = lease(&*store, &source()).await;
    let mut other = client(&config).await;
    let writing = other.transaction().await.unwrap();
    writing.batch_execute("UPDATE history_lease SET expires_us = expires_us").await.unwrap();
    let refused = store.commit(batch(&lease, [operation("op", 4)])).await.unwrap_err();
    assert!(matches!(refused, Error::Locked { .. }), "{refused:?}");
    assert_eq!(keys(&*store, &source()).await, Vec::<String>::new(), "reading goes on");
    writing.rollback().await.unwrap();
    store.commit(batch(&lease, [operation("op", 4)])).await.unwrap();
}

#[tokio::test]
async fn a_read_only_server_is_not_written() {
    let config = Server::shared().new_database().await;
    let store = open(&config).await.unwrap();
    let database = config.get_dbname().unwrap();
    let setting = format!("ALTER DATABASE {database} SET default_transaction_read_only = on");
    client(&config).await.batch_execute(&setting).await.unwrap();
    drop(store);
    let refused = open(&config).await.unwrap_err();
    assert!(matches!(refused, Error::ReadOnly { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let config = Server::shared().new_database().await;
    drop(open(&config).await.unwrap());
    client(&config).await.batch_execute("INSERT INTO history_schema (version) VALUES (99)").await.unwrap();
    let refused = open(&config).await.unwrap_err();
    assert!(matches!(refused, Error::NewerSchema { found: 99, known: 1, .. }), "{refused:?}");
}

#[tokio::test]
async fn programs_that_start_together_make_the_tables_once() {
    let config = Server::shared().new_database().await;
    let stores = futures_util::future::join_all((0..4).map(|_| open(&config))).await;
    for store in &stores {
        store.as_ref().unwrap().acquire(&source(), "a", LEASE_TTL, NOON).await.unwrap();
    }
}
