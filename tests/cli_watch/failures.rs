//! What keeps `watch` from recording, and what the other commands say of a store that they cannot read.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
};

use crate::{
    postgres_server::{NOBODY, is_root},
    process::{Watch, command, jaeger, run, said, sqlite, trouble},
};

const PASSWORD: &str = "M4rk3r";

/// An address at which nothing listens.
fn closed() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[test]
fn wrong_usage_is_status_2() {
    for (args, reason) in [
        (&["watch"][..], "which Jaeger?"),
        (&["watch", "--jaeger", "http://127.0.0.1:1", "--store", "history.db"], "sqlite:PATH"),
        (&["watch", "--jaeger", "http://127.0.0.1:1", "--store", "mysql://u:M4rk3r@h/d"], "sqlite:PATH"),
        (&["watch", "--jaeger", "http://127.0.0.1:1", "--store", "postgres://u:a@M4rk3r@h/d"], "%40"),
        (&["watch", "--jaeger", "http://127.0.0.1:1", "--retention", "1d"], "--history-window"),
        (&["watch", "--jaeger", "http://127.0.0.1:1", "--source", ""], "--source"),
        (&["watch", "--jaeger", "http://127.0.0.1:1", "--playbook", "generic"], "sample"),
        (&["watch", "--jaeger", "http://127.0.0.1:1", "--max-requests-per-second", "0"], "--max-requests-per-second"),
        (&["operations", "--store", "memory"], "memory"),
        (&["operations", "--source", "x"], "--store"),
    ] {
        let (status, out, err) = run(args);
        assert_eq!(status, Some(2), "{args:?}: {err}");
        assert!(err.contains(reason) && !err.contains(PASSWORD), "{err}");
        assert_eq!(out, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_opened_is_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("damaged.db");
    fs::write(&damaged, "this is not a database, it only has its name".repeat(50)).unwrap();
    let newer = folder.path().join("newer.db");
    let jaeger = jaeger(trouble()).await;
    let once = ["--history-window", "1h", "--until-caught-up"];
    Watch::start(&jaeger.url, &sqlite(&newer), &once).succeeds();
    let database = rusqlite::Connection::open(&newer).unwrap();
    database.execute("INSERT INTO history_schema (version) VALUES (99)", []).unwrap();
    drop(database);
    let closed = closed();
    for (store, reason) in [
        (sqlite(&damaged), "cannot be read"),
        (sqlite(&newer), "schema version 99"),
        (sqlite(&damaged.join("history.db")), "cannot be reached"),
        (format!("postgres://u:{PASSWORD}@{closed}/d"), "cannot be reached"),
        (format!("postgres://u:{PASSWORD}@unknown.invalid/d"), "cannot be resolved"),
    ] {
        for args in [&["watch", "--jaeger", &jaeger.url, "--store", &store][..], &["operations", "--store", &store]] {
            let (status, out, err) = run(args);
            assert_eq!(status, Some(1), "{err}");
            assert!(err.contains(reason) && !err.contains(PASSWORD) && !out.contains(PASSWORD), "{err}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_without_the_right_to_write_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let jaeger = jaeger(trouble()).await;
    let file = folder.path().join("history.db");
    let mut watch = command(&["watch", "--jaeger", &jaeger.url, "--store", &sqlite(&file)]);
    if is_root() {
        // Root may write everywhere.
        watch.uid(NOBODY).gid(NOBODY).current_dir("/");
    }
    let (status, _, err) = said(watch.output().unwrap());
    assert_eq!(status, Some(1), "{err}");
    assert!(err.contains(&file.display().to_string()) && err.contains("unable to open"), "{err}");
}

#[test]
fn a_file_that_is_only_read_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("typo.db");
    let (status, _, err) = run(&["operations", "--store", &sqlite(&file)]);
    assert_eq!(status, Some(1));
    assert!(err.contains("typo.db") && err.contains("check that it exists"), "{err}");
    assert!(!file.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jaeger_that_is_down_ends_what_is_to_end_and_is_waited_for_else() {
    let address = closed();
    let url = format!("http://{address}");
    let (status, _, err) = run(&["watch", "--jaeger", &url, "--until-caught-up"]);
    assert_eq!(status, Some(1));
    assert!(err.contains(&address), "{err}");

    let watch = Watch::start(&url, "memory", &["--history-window", "1h"]);
    watch.remarks("trying again");
    let store = testbed::Store::new(trouble());
    let _jaeger = testbed::serve_on(address.parse().unwrap(), store, testbed::Flavour::Both).await.unwrap();
    watch.remarks("recording goes on");
    watch.prints("missing_data");
    watch.signal("TERM");
    assert_eq!(watch.succeeds().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_for_metrics_that_is_in_use_is_named() {
    let jaeger = jaeger(trouble()).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (status, _, err) = run(&["watch", "--jaeger", &jaeger.url, "--metrics", &address]);
    assert_eq!(status, Some(1));
    assert!(err.contains(&address) && err.contains("--metrics"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_it_without_an_error() {
    let jaeger = jaeger(trouble()).await;
    let mut watch = command(&["watch", "--jaeger", &jaeger.url, "--history-window", "1h"]).spawn().unwrap();
    drop(watch.stdout.take());
    let output = watch.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}
