//! Recording from the start to the end, over restarts, signals and a kill.

use std::{collections::BTreeSet, path::Path};

use diagnosis::Severity;
use serde_json::Value;
use store::{Acquired, LEASE_TTL, SourceId, SqliteOptions, open_sqlite};

use crate::process::{HOUR, Watch, jaeger, kept, now, open, sqlite, traces, trouble};

const ONCE: [&str; 5] = ["--history-window", "2h", "--format", "json", "--until-caught-up"];

/// Operation and verdict of each line.
fn printed(lines: &[String]) -> Vec<(String, String)> {
    let pair = |line: &String| {
        let fields: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| fields[name].as_str().map(str::to_owned);
        (text("operation_id").or_else(|| text("trace_id")).unwrap(), text("verdict").unwrap())
    };
    let mut pairs: Vec<_> = lines.iter().map(pair).collect();
    pairs.sort();
    pairs
}

/// Operation and verdict of everything that went wrong in a file.
async fn wrong(file: &Path) -> Vec<(String, String)> {
    let operations = kept(&*open(file).await).await;
    let wrong = operations.iter().filter(|one| one.record.severity >= Severity::Warning);
    wrong.map(|one| (one.key.to_string(), one.record.verdict.as_str().to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_catches_up_prints_each_troubled_operation_once_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new/history.db");
    let jaeger = jaeger(trouble()).await;
    let lines = Watch::start(&jaeger.url, &sqlite(&file), &ONCE).succeeds();

    assert_eq!(printed(&lines), wrong(&file).await);
    let verdicts: BTreeSet<String> = printed(&lines).into_iter().map(|(_, verdict)| verdict).collect();
    assert_eq!(verdicts.iter().map(String::as_str).collect::<Vec<_>>(), ["failed", "missing_data", "no_workers"]);
    let store = open(&file).await;
    let operations = kept(&*store).await;
    assert!(operations.len() > lines.len(), "healthy operations are kept too");
    for line in &lines {
        // The record of the line is the record of the store, without its lists.
        let fields: Value = serde_json::from_str(line).unwrap();
        let one = operations
            .iter()
            .find(|one| fields["operation_id"] == one.key.as_str() || fields["trace_id"] == one.key.as_str());
        let mut record = serde_json::to_value(&*one.unwrap().record).unwrap();
        let lists = ["flow", "errors", "http", "workers"];
        record.as_object_mut().unwrap().retain(|name, _| !lists.contains(&name.as_str()));
        assert_eq!(fields, record);
    }
    let sources = store.sources().await.unwrap();
    assert_eq!(format!("http://{}", sources[0]), jaeger.url);
    let coverage = store.coverage(&sources[0]).await.unwrap();
    let past =
        store::Interval { from: now() - HOUR - HOUR + trace::Micros::from_secs(60), to: coverage.watermark.unwrap() };
    assert!(coverage.covered.contains(past), "{coverage:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_and_repeats_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    let jaeger = jaeger(trouble()).await;
    let first = Watch::start(&jaeger.url, &sqlite(&file), &ONCE).succeeds();
    assert_eq!(first.len(), 3, "{first:#?}");
    jaeger.store.add(traces(&[("4b-no-workers-training", 0)]));
    let second = Watch::start(&jaeger.url, &sqlite(&file), &ONCE).succeeds();
    assert_eq!(second.len(), 1, "{second:#?}");
    let mut both = printed(&[first, second].concat());
    both.dedup();
    assert_eq!(both, wrong(&file).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_for_people_have_time_verdict_id_and_summary() {
    let jaeger = jaeger(trouble()).await;
    let lines = Watch::start(&jaeger.url, "memory", &["--history-window", "1h", "--until-caught-up"]).succeeds();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    let missing = lines.iter().find(|line| line.contains("  missing_data  op_training_")).unwrap();
    assert!(!missing.contains('\x1b'), "a pipe gets plain text");
    let time: String = missing.chars().take(19).collect();
    assert!(trace::Time::parse_rfc3339(&format!("{}Z", time.replace(' ', "T"))).is_some(), "{time}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_changes_nothing_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, killed) = (folder.path().join("whole.db"), folder.path().join("killed.db"));
    let jaeger = jaeger(testbed::demo(now(), 3)).await;
    let window = ["--history-window", "12h"];
    let until = [&window[..], &["--until-caught-up"]].concat();

    let mut middle = Watch::slowed(&jaeger.url, &sqlite(&killed), &window);
    middle.prints("no_workers");
    assert!(middle.is_running());
    middle.signal("KILL");
    let (status, ..) = middle.end();
    assert_eq!(status.code(), None, "a signal ended it");
    let before = kept(&*open(&killed).await).await;

    Watch::start(&jaeger.url, &sqlite(&whole), &until).succeeds();
    let again = Watch::start(&jaeger.url, &sqlite(&killed), &until);
    again.remarks("another recorder writes already");
    again.succeeds();

    let (whole, killed) = (kept(&*open(&whole).await).await, kept(&*open(&killed).await).await);
    assert!(!before.is_empty() && before.len() < whole.len(), "{} of {}", before.len(), whole.len());
    let keys = |of: &[store::StoredOperation]| of.iter().map(|one| one.key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&killed), keys(&whole));
    let mut compared = 0;
    for (is, should) in killed.iter().zip(&whole) {
        // Those that still run depend on the clock.
        if is.closed && should.closed {
            assert_eq!(is.record, should.record);
            compared += 1;
        }
    }
    assert!(compared * 2 > whole.len(), "{compared} of {}", whole.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_cleanly_and_gives_the_lease_back() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history.db");
        let jaeger = jaeger(trouble()).await;
        let watch = Watch::start(&jaeger.url, &sqlite(&file), &["--history-window", "1h", "--source", "mine"]);
        watch.remarks("complete since");
        watch.signal(signal);
        assert_eq!(watch.succeeds().len(), 3);
        assert!(!file.with_extension("db-wal").exists(), "everything is in the file itself");
        let store = open_sqlite(&file, SqliteOptions::default()).await.unwrap();
        let next = store.acquire(&SourceId::new("mine"), "next", LEASE_TTL, now()).await.unwrap();
        assert!(matches!(next, Acquired::Held(_)), "{next:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_later_is_printed_within_seconds() {
    let jaeger = jaeger(trouble()).await;
    let watch = Watch::start(&jaeger.url, "memory", &["--history-window", "1h"]);
    watch.remarks("complete since");
    jaeger.store.add(traces(&[("7-worker-refused", 0)]));
    watch.prints("unreachable");
    watch.signal("TERM");
    assert_eq!(watch.succeeds().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_writer_says_so_once_and_takes_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = sqlite(&folder.path().join("history.db"));
    let jaeger = jaeger(trouble()).await;
    let first = Watch::start(&jaeger.url, &file, &["--history-window", "1h"]);
    first.remarks("complete since");
    let second = Watch::start(&jaeger.url, &file, &["--history-window", "1h"]);
    let remark = second.remarks("another recorder writes already");
    assert!(remark.contains("watch, process "), "{remark}");
    first.signal("TERM");
    first.succeeds();
    second.remarks("this recorder writes now");
    assert_eq!(second.remarked("another recorder"), 1);
    second.signal("TERM");
    assert_eq!(second.succeeds(), Vec::<String>::new(), "the first has printed them");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_end_does_not_wait_forever_for_another_writer() {
    let folder = tempfile::tempdir().unwrap();
    let file = sqlite(&folder.path().join("history.db"));
    let jaeger = jaeger(trouble()).await;
    let first = Watch::start(&jaeger.url, &file, &["--history-window", "1h"]);
    first.remarks("complete since");
    let (status, out, err) = Watch::start(&jaeger.url, &file, &ONCE).end();
    assert_eq!((status.code(), out.len()), (Some(1), 0));
    assert!(err.last().unwrap().contains("does not end"), "{err:#?}");
}
