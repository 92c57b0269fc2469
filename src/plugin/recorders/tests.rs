//! Recorders that only note what happens to them, over a clock that jumps.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use async_trait::async_trait;
use futures_util::FutureExt as _;

use super::{keeper::Work, *};
use crate::plugin::recorders::life::{IDLE, RETRY};

/// What the recorders of a test have done.
type Log = Arc<Mutex<Vec<String>>>;

/// How a fake recorder behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    Records,
    FailsToOpen,
    NeverOpens,
    Crashes,
    EndsSlowly,
}

struct Fake {
    name: &'static str,
    behaviour: Behaviour,
    log: Log,
    /// How many recorders run at this moment, over all settings.
    running: Arc<AtomicUsize>,
}

#[async_trait]
impl Recording for Fake {
    type Open = &'static str;

    async fn open(
        self: Arc<Self>,
        previous: Option<&'static str>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(&'static str, Work), String> {
        self.note(&match previous {
            Some(previous) => format!("opens after {previous}"),
            None => "opens".to_owned(),
        });
        match self.behaviour {
            Behaviour::FailsToOpen => return Err("the disk is full".to_owned()),
            Behaviour::NeverOpens => std::future::pending().await,
            Behaviour::Records | Behaviour::Crashes | Behaviour::EndsSlowly => {}
        }
        let name = self.name;
        let work = async move {
            assert_eq!(self.running.fetch_add(1, SeqCst), 0, "two recorders run at the same time");
            self.note("records");
            assert!(self.behaviour != Behaviour::Crashes, "a crash on purpose");
            let _ = stop.wait_for(|stop| *stop).await;
            if self.behaviour == Behaviour::EndsSlowly {
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
            self.running.fetch_sub(1, SeqCst);
            self.note("ended");
            Ok(())
        };
        Ok((name, work.boxed()))
    }

    fn place(&self) -> String {
        self.name.to_owned()
    }
}

impl Fake {
    fn note(&self, what: &str) {
        self.log.lock().unwrap().push(format!("{} {what}", self.name));
    }
}

/// One data source, asked with settings that a test makes.
#[derive(Clone, Default)]
struct Bench {
    recorders: Recorders<Fake>,
    log: Log,
    running: Arc<AtomicUsize>,
}

impl Bench {
    fn fake(&self, name: &'static str, behaviour: Behaviour) -> Arc<Fake> {
        let (log, running) = (Arc::clone(&self.log), Arc::clone(&self.running));
        Arc::new(Fake { name, behaviour, log, running })
    }

    fn ask(&self, version: i64, recording: Option<&Arc<Fake>>) -> Link<&'static str> {
        let key = Key { org_id: 1, uid: "ds".to_owned() };
        self.recorders.asked(key, Version(version), recording).expect("the plugin runs")
    }

    /// What happened since the last call.
    fn happened(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }
}

fn text(state: &State<&'static str>) -> String {
    match state {
        State::Off => "off".to_owned(),
        State::Opening => "opening".to_owned(),
        State::Open(name) => (*name).to_owned(),
        State::Failed(error) => error.clone(),
    }
}

async fn state(mut link: Link<&'static str>) -> String {
    text(&link.state().await)
}

/// Lets everything that can happen now happen.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_recorder_runs_from_the_first_request_until_an_hour_after_the_last() {
    let bench = Bench::default();
    let one = bench.fake("one", Behaviour::Records);
    assert_eq!(state(bench.ask(1, Some(&one))).await, "one");
    settle().await;
    assert_eq!(bench.happened(), ["one opens", "one records"]);
    tokio::time::sleep(IDLE / 2).await;
    bench.ask(1, Some(&one));
    tokio::time::sleep(IDLE.mul_f64(0.999)).await;
    assert!(bench.happened().is_empty());
    tokio::time::sleep(IDLE.mul_f64(0.002)).await;
    assert_eq!(bench.happened(), ["one ended"]);
    assert!(bench.recorders.states().is_empty(), "the data source is forgotten");
    assert_eq!(state(bench.ask(1, Some(&one))).await, "one");
    settle().await;
    assert_eq!(bench.happened(), ["one opens", "one records"]);
}

#[tokio::test(start_paused = true)]
async fn newer_settings_replace_a_recorder_once_it_has_ended_and_older_ones_do_not() {
    let bench = Bench::default();
    let old = bench.fake("old", Behaviour::EndsSlowly);
    let new = bench.fake("new", Behaviour::Records);
    assert_eq!(state(bench.ask(1, Some(&old))).await, "old");
    settle().await;
    let link = bench.ask(2, Some(&new));
    assert_eq!(text(&link.state_now()), "opening");
    assert_eq!(state(link).await, "new");
    settle().await;
    let expected = ["old opens", "old records", "old ended", "new opens after old", "new records"];
    assert_eq!(bench.happened(), expected);
    assert_eq!(state(bench.ask(1, Some(&old))).await, "new", "a late request is answered from the newer one");
    settle().await;
    assert!(bench.happened().is_empty());
}

#[tokio::test(start_paused = true)]
async fn settings_without_a_history_end_the_recorder() {
    let bench = Bench::default();
    let one = bench.fake("one", Behaviour::Records);
    assert_eq!(state(bench.ask(1, Some(&one))).await, "one");
    settle().await;
    assert_eq!(state(bench.ask(2, None)).await, "off");
    assert_eq!(state(bench.ask(1, Some(&one))).await, "off");
    settle().await;
    assert_eq!(bench.happened(), ["one opens", "one records", "one ended"]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_opened_is_an_error_and_is_tried_again() {
    let bench = Bench::default();
    let broken = bench.fake("broken", Behaviour::FailsToOpen);
    let other = bench.fake("other", Behaviour::Records);
    assert_eq!(state(bench.ask(1, Some(&broken))).await, "the disk is full");
    assert_eq!(bench.happened(), ["broken opens"]);
    tokio::time::sleep(RETRY + Duration::from_millis(10)).await;
    assert_eq!(bench.happened(), ["broken opens"]);
    // Another data source does not notice, and new settings are tried at once.
    let key = Key { org_id: 2, uid: "ds".to_owned() };
    let link = bench.recorders.asked(key, Version(1), Some(&other)).unwrap();
    assert_eq!(state(link).await, "other");
    bench.recorders.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_an_error_in_the_end() {
    let bench = Bench::default();
    let silent = bench.fake("silent", Behaviour::NeverOpens);
    let link = bench.ask(1, Some(&silent));
    assert_eq!(state(link.clone()).await, "opening", "a question does not wait that long");
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(state(link).await.starts_with("silent did not answer within 10 s"));
    // New settings do not wait for it.
    let one = bench.fake("one", Behaviour::Records);
    tokio::time::sleep(RETRY).await;
    assert_eq!(state(bench.ask(2, Some(&one))).await, "one");
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_crashes_is_started_again() {
    let bench = Bench::default();
    let crashing = bench.fake("crashing", Behaviour::Crashes);
    bench.ask(1, Some(&crashing));
    settle().await;
    assert!(state(bench.ask(1, Some(&crashing))).await.contains("crashed"));
    bench.running.store(0, SeqCst);
    tokio::time::sleep(RETRY).await;
    let expected = ["crashing opens", "crashing records", "crashing opens after crashing", "crashing records"];
    assert_eq!(bench.happened(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_plugin_s_end_waits_for_all_recorders() {
    let bench = Bench::default();
    let one = bench.fake("one", Behaviour::EndsSlowly);
    assert_eq!(state(bench.ask(1, Some(&one))).await, "one");
    settle().await;
    bench.recorders.stop().await;
    assert_eq!(bench.happened(), ["one opens", "one records", "one ended"]);
    let key = Key { org_id: 1, uid: "late".to_owned() };
    assert!(bench.recorders.asked(key, Version(1), Some(&one)).is_none());
}
