//! SQLite in trouble: killed, locked, read-only, full, too new, damaged. Each is a clear error, and nothing is lost.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use rusqlite::Connection;
use store::{Acquired, CoverageChange, Error, LEASE_TTL, OperationFilter, Order, SqliteOptions, Store, open_sqlite};
use trace::{Micros, Time};

use crate::{
    operations::{NOON, operation, with_record},
    suite::{batch, keys, lease, source},
};

const NO_WAITING: SqliteOptions = SqliteOptions { read_only: false, busy_timeout: Duration::from_millis(50) };
/// How many operations each batch of [`commit_until_killed`] has.
const OF_BATCH: usize = 20;

async fn open(file: &Path) -> Arc<dyn Store> {
    open_sqlite(file, SqliteOptions::default()).await.unwrap()
}

/// A file with one operation.
async fn file(folder: &Path) -> PathBuf {
    let file = folder.join("store.db");
    let store = open(&file).await;
    let lease = lease(&*store, &source()).await;
    store.commit(batch(&lease, [operation("op", 5)])).await.unwrap();
    file
}

/// Runs one of the ignored tests below in a process of its own.
fn helper(name: &str, argument: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", &format!("faults::{name}"), "--ignored", "--nocapture"]).env("STORE_HELPER", argument);
    command
}

fn argument() -> PathBuf {
    env::var_os("STORE_HELPER").unwrap().into()
}

pub(crate) fn numbered(number: usize) -> impl Iterator<Item = store::StoredOperation> {
    (0..OF_BATCH).map(move |at| {
        let stored = operation(&format!("batch {number} op {at}"), 5);
        with_record(stored, |record| record.error_type = Some(format!("{number}")))
    })
}

#[tokio::test]
#[ignore = "a helper of the test below"]
async fn commit_until_killed() {
    let store = open(&argument()).await;
    let lease = lease(&*store, &source()).await;
    for number in 1.. {
        let mut batch = batch(&lease, numbered(number));
        batch.coverage = vec![CoverageChange::Watermark(Time(number as i64))];
        store.commit(batch).await.unwrap();
        println!("{number}");
    }
}

/// Every batch is there as a whole or not at all, and the watermark is that of the last one.
pub(crate) async fn check_batches(store: &dyn Store, least: usize) -> usize {
    let watermark = store.coverage(&source()).await.unwrap().watermark.map_or(0, |at| at.0 as usize);
    assert!(watermark >= least, "{watermark} < {least}: a batch that was committed is lost");
    let mut found: Vec<String> = keys(store, &source()).await;
    let mut expected: Vec<String> =
        (1..=watermark).flat_map(numbered).map(|operation| operation.key.as_str().to_owned()).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    watermark
}

#[tokio::test]
async fn a_killed_process_leaves_whole_batches() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..8 {
        let file = folder.path().join(format!("{round}.db"));
        let mut child = helper("commit_until_killed", &file).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut committed = lines.map_while(Result::ok).filter_map(|line| line.parse::<usize>().ok());
        let last = committed.nth(3 + round as usize * 2).unwrap();
        // Not right after a commit, but somewhere in the next ones.
        tokio::time::sleep(Duration::from_micros(700 * round)).await;
        child.kill().unwrap();
        let last = committed.last().unwrap_or(last);
        child.wait().unwrap();
        let store = open(&file).await;
        check_batches(&*store, last).await;
        // The dead process still holds the lease, until it expires.
        let taken = store.acquire(&source(), "next", LEASE_TTL, NOON + Micros(1)).await.unwrap();
        assert!(matches!(taken, Acquired::HeldByOther { .. }));
        let Acquired::Held(lease) = store.acquire(&source(), "next", LEASE_TTL, NOON + LEASE_TTL).await.unwrap() else {
            panic!("the lease has expired")
        };
        let mut batch = batch(&lease, [operation("next", 5)]);
        batch.now = NOON + LEASE_TTL;
        store.commit(batch).await.unwrap();
    }
}

#[tokio::test]
async fn a_locked_file_is_an_error_until_it_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path()).await;
    let store = open_sqlite(&file, NO_WAITING).await.unwrap();
    let lease = lease(&*store, &source()).await;
    let mut other = Connection::open(&file).unwrap();
    let writing = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let refused = store.commit(batch(&lease, [operation("second", 4)])).await.unwrap_err();
    assert!(matches!(refused, Error::Locked { .. }), "{refused:?}");
    assert!(refused.to_string().contains("store.db is locked by another program"), "{refused}");
    assert_eq!(keys(&*store, &source()).await, ["op"], "reading goes on");
    assert!(matches!(open_sqlite(&file, NO_WAITING).await, Err(Error::Locked { .. })));
    writing.rollback().unwrap();
    store.commit(batch(&lease, [operation("second", 4)])).await.unwrap();
    assert_eq!(keys(&*store, &source()).await, ["second", "op"]);
}

#[tokio::test]
async fn a_file_opened_for_reading_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path()).await;
    let options = SqliteOptions { read_only: true, ..SqliteOptions::default() };
    let store = open_sqlite(&file, options).await.unwrap();
    assert_eq!(keys(&*store, &source()).await, ["op"]);
    let refused = store.acquire(&source(), "other", LEASE_TTL, NOON).await.unwrap_err();
    assert!(matches!(refused, Error::ReadOnly { .. }), "{refused:?}");
    let missing = folder.path().join("missing.db");
    let refused = open_sqlite(&missing, options).await.unwrap_err();
    assert!(matches!(refused, Error::Unreachable { .. }), "{refused:?}");
    assert!(refused.to_string().contains("missing.db") && !missing.exists(), "{refused}");
}

#[tokio::test]
#[ignore = "a helper of the test below"]
async fn write_without_the_right_to() {
    let file = argument();
    let refused = open_sqlite(&file, NO_WAITING).await.unwrap_err();
    assert!(matches!(refused, Error::ReadOnly { .. } | Error::Unreachable { .. }), "{refused:?}");
    println!("refused: {refused}");
}

#[test]
fn a_file_of_another_user_is_read_only() {
    use std::os::unix::{fs::PermissionsExt as _, process::CommandExt as _};
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let file = runtime.block_on(file(folder.path()));
    drop(runtime);
    for (path, mode) in [(folder.path(), 0o555), (&*file, 0o444)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let mut command = helper("write_without_the_right_to", &file);
    // Root may write everything, so the helper runs as another user, who must be able to read this program.
    let program = tempfile::Builder::new().prefix("store-helper").tempfile().unwrap().into_temp_path();
    if fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0) {
        fs::copy(env::current_exe().unwrap(), &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let args: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        command = Command::new(&program);
        command.args(args).env("STORE_HELPER", &file).uid(65_534).gid(65_534).current_dir("/");
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("refused: SQLite file ") && said.contains("store.db"), "{said}");
}

#[tokio::test]
#[ignore = "a helper of the test below"]
async fn fill_the_disk() {
    let file = argument();
    let store = open(&file).await;
    let lease = lease(&*store, &source()).await;
    let mut committed = 0;
    let full = loop {
        let mut batch = batch(&lease, numbered(committed + 1));
        batch.coverage = vec![CoverageChange::Watermark(Time(committed as i64 + 1))];
        match store.commit(batch).await {
            Ok(_) => committed += 1,
            Err(error) => break error,
        }
        assert!(committed < 10_000, "the disk does not get full");
    };
    assert!(matches!(full, Error::DiskFull { .. }), "{full:?}");
    assert_eq!(check_batches(&*store, committed).await, committed);
    drop(store);
    let again = open(&file).await;
    assert_eq!(check_batches(&*again, committed).await, committed);
    println!("full: {full} after {committed}");
}

#[test]
fn a_full_disk_loses_nothing_that_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    // A tiny disk in a namespace of its own, which ends with the helper.
    let script = r#"mount -t tmpfs -o size=1500k tmpfs "$1" && shift && exec "$@""#;
    let helper = helper("fill_the_disk", &folder.path().join("store.db"));
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(folder.path());
    command.arg(helper.get_program()).args(helper.get_args());
    command.env("STORE_HELPER", folder.path().join("store.db"));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("the disk is full; free some space"), "{said}");
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path()).await;
    let other = Connection::open(&file).unwrap();
    other.execute("INSERT INTO history_schema (version) VALUES (99)", []).unwrap();
    let refused = open_sqlite(&file, SqliteOptions::default()).await.unwrap_err();
    assert!(matches!(refused, Error::NewerSchema { found: 99, .. }), "{refused:?}");
    assert!(refused.to_string().contains("store.db has schema version 99"), "{refused}");
    other.execute("DELETE FROM history_schema WHERE version = 99", []).unwrap();
    assert_eq!(keys(&*open(&file).await, &source()).await, ["op"]);
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_not_an_empty_answer() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path()).await;
    let store = open(&file).await;
    let other = Connection::open(&file).unwrap();
    other.execute("UPDATE history_record SET record = x'0102'", []).unwrap();
    let everything = diagnosis::TimeRange { from: Time(0), to: NOON };
    let refused = store.operations(&source(), &OperationFilter::all(everything, NOON), Order::Newest, 9).await;
    assert!(matches!(refused, Err(Error::Corrupt { .. })), "{refused:?}");
    let text = folder.path().join("text.db");
    fs::write(&text, "not a database, but long enough to be read as the header of one: 0123456789 0123456789").unwrap();
    let refused = open_sqlite(&text, SqliteOptions::default()).await.unwrap_err();
    assert!(matches!(refused, Error::Corrupt { .. }), "{refused:?}");
}
