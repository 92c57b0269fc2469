//! `demo --feed`: the simulated KTRDR, through the real executable.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy knows test code only in functions marked as tests"
)]

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    process::{Child, Command, Output, Stdio},
};

use diagnosis::playbook::Playbook;
use diagnosis::{Context, Verdict, diagnose};
use jaeger::decode;
use testbed::{Filter, Flavour, JaegerVersion, RawTrace, Store, jaeger_json, serve, serve_on, simulation::Process};
use trace::Time;

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ktrdr-diagnose"));
    command.args(args).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running feed. Dropping it kills the process.
struct Feed {
    process: Child,
    said: BufReader<Box<dyn Read + Send>>,
    remarks: BufReader<Box<dyn Read + Send>>,
}

impl Drop for Feed {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads lines up to the first that contains `part`.
fn read_to(from: &mut impl BufRead, part: &str) -> Vec<String> {
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line: &String| !line.contains(part)) {
        let mut line = String::new();
        assert!(from.read_line(&mut line).unwrap() > 0, "{part:?} was not said, only {lines:#?}");
        lines.push(line.trim_end().to_owned());
    }
    lines
}

impl Feed {
    fn start(url: &str) -> Self {
        let args = ["demo", "--feed", url, "--metrics", "127.0.0.1", "--free-ports"];
        let mut process = command(&args).spawn().unwrap();
        let said: Box<dyn Read + Send> = Box::new(process.stdout.take().unwrap());
        let remarks: Box<dyn Read + Send> = Box::new(process.stderr.take().unwrap());
        Self { process, said: BufReader::new(said), remarks: BufReader::new(remarks) }
    }

    /// Waits until the backlog has arrived.
    fn arrived(&mut self) {
        read_to(&mut self.remarks, "the past has arrived");
    }
}

fn finish(args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command(args).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_fed_is_diagnosed_and_its_metrics_can_be_scraped() {
    let jaeger = serve(Store::default(), Flavour::Both).await.unwrap();
    let mut feed = Feed::start(&jaeger.url);
    let lines = read_to(&mut feed.said, "training-worker-2");
    assert!(lines.iter().any(|line| line.contains(&jaeger.url)), "{lines:?}");
    feed.arrived();

    let fed: Vec<RawTrace> = jaeger.store.search(&Filter::default(), 0).iter().map(|trace| (**trace).clone()).collect();
    let fed = decode(&jaeger_json(&fed, JaegerVersion::V2)).unwrap().traces;
    let now = Time::from_millis(chrono::Utc::now().timestamp_millis());
    let found = diagnose(&fed, &Playbook::ktrdr(), &Context { now, ..Context::default() }).diagnoses;
    for verdict in Verdict::ALL.into_iter().filter(|verdict| !matches!(verdict, Verdict::Unknown | Verdict::NotFound)) {
        assert!(found.iter().any(|diagnosis| diagnosis.verdict == verdict), "{} is missing", verdict.as_str());
    }
    let healthy = found.iter().filter(|diagnosis| diagnosis.verdict == Verdict::Healthy).count();
    assert!(healthy > 200, "{healthy} of {}", found.len());

    for process in Process::ALL {
        let line = lines.iter().find(|line| line.contains(&process.instance())).unwrap();
        let text = reqwest::get(line.split(' ').next_back().unwrap()).await.unwrap().text().await.unwrap();
        assert!(text.contains("\nktrdr_operations_total{operation_type="), "{line}\n{text}");
        assert!(text.contains("\nktrdr_operation_duration_seconds_bucket{"), "{line}\n{text}");
    }

    // It keeps running until it receives a signal.
    let before = jaeger.store.len();
    while jaeger.store.len() == before {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let asked = Command::new("kill").args(["-TERM", &feed.process.id().to_string()]).status().unwrap();
    assert!(asked.success());
    assert_eq!(feed.process.wait().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jaeger_that_comes_up_later_gets_everything() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut feed = Feed::start(&format!("http://{free}"));
    let remark = read_to(&mut feed.remarks, "trying again").pop().unwrap();
    assert!(remark.contains(&free.to_string()) && remark.contains("refused"), "{remark}");
    let jaeger = serve_on(free, Store::default(), Flavour::Both).await.unwrap();
    let remarks = read_to(&mut feed.remarks, "the past has arrived");
    assert!(remarks.iter().any(|remark| remark.contains("accepts traces again")), "{remarks:?}");
    assert!(jaeger.store.len() > 2000, "{}", jaeger.store.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_work_is_said_at_once() {
    let (status, message) = finish(&["demo", "--feed", "jaeger:4318"]);
    assert_eq!(status, Some(2), "{message}");
    assert!(message.contains("http://HOST:4318"), "{message}");

    let jaeger = serve(Store::default(), Flavour::Both).await.unwrap();
    let (status, message) = finish(&["demo", "--feed", &format!("{}/ui", jaeger.url)]);
    assert_eq!(status, Some(1), "{message}");
    assert!(message.contains("HTTP 404") && message.contains("4318"), "{message}");

    let (status, message) = finish(&["demo", "--feed", &jaeger.url, "--metrics", "host.invalid"]);
    assert_eq!(status, Some(1), "{message}");
    assert!(message.contains("cannot serve the metrics of backend on host.invalid:8000"), "{message}");

    for wrong in [["--metrics", "127.0.0.1"], ["--feed", "http://127.0.0.1:1"]] {
        let mut args = vec!["demo", "--keep"];
        args.extend(wrong);
        assert_eq!(finish(&args).0, Some(2), "{args:?}");
    }
}
