//! The executable, and a Jaeger that it watches.

use std::{
    io::{BufRead as _, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use store::{OperationFilter, Order, SqliteOptions, Store, StoredOperation, open_sqlite};
use testbed::{Flavour, RawTrace, Scenario, Server, Telemetry};
use trace::{Micros, Time};

/// Longer than a recorder waits for the lease of one that was killed.
const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) const HOUR: Micros = Micros::from_secs(3600);

pub(crate) fn now() -> Time {
    Time(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as i64)
}

/// The traces of scenarios, each with how many minutes ago it started.
pub(crate) fn traces(scenarios: &[(&str, i64)]) -> Vec<RawTrace> {
    let now = now();
    let traces = scenarios.iter().flat_map(|(name, minutes)| {
        let scenario: Scenario = *testbed::scenarios().iter().find(|scenario| scenario.name == *name).unwrap();
        let base = now - Micros::from_secs(minutes * 60);
        testbed::generate(&scenario, Telemetry::Current, base, minutes.unsigned_abs()).traces
    });
    traces.collect()
}

/// Three operations that went wrong within the last hour, and one that did not.
pub(crate) fn trouble() -> Vec<RawTrace> {
    traces(&[
        ("9-data-not-found", 40),
        ("4-no-workers-backtest", 30),
        ("8-value-error", 20),
        ("1-training-success", 50),
    ])
}

pub(crate) async fn jaeger(traces: Vec<RawTrace>) -> Server {
    testbed::serve(testbed::Store::new(traces), Flavour::Both).await.unwrap()
}

/// A command without the environment of this machine.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ktrdr-diagnose"));
    command.args(args).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command to its end: status, standard output, standard error.
pub(crate) fn run(args: &[&str]) -> (Option<i32>, String, String) {
    said(command(args).output().unwrap())
}

pub(crate) fn said(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Lines as they are written.
#[derive(Clone, Default)]
struct Lines(Arc<(Mutex<Written>, Condvar)>);

/// Lines, and whether there will be no more.
type Written = (Vec<String>, bool);

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let written = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                written.0.0.lock().unwrap().0.push(line);
                written.0.1.notify_all();
            }
            written.0.0.lock().unwrap().1 = true;
            written.0.1.notify_all();
        });
        lines
    }

    /// The first line that contains `part`.
    fn find(&self, part: &str) -> String {
        let until = Instant::now() + PATIENCE;
        let mut lines = self.0.0.lock().unwrap();
        loop {
            if let Some(line) = lines.0.iter().find(|line| line.contains(part)) {
                return line.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !lines.1, "{part:?} is not in {:#?}", lines.0);
            lines = self.0.1.wait_timeout(lines, left.min(Duration::from_millis(500))).unwrap().0;
        }
    }

    fn all(&self) -> Vec<String> {
        self.0.0.lock().unwrap().0.clone()
    }

    /// All lines, after the stream has ended.
    fn complete(&self) -> Vec<String> {
        let mut lines = self.0.0.lock().unwrap();
        while !lines.1 {
            lines = self.0.1.wait(lines).unwrap();
        }
        lines.0.clone()
    }
}

/// A running `watch`. Dropping it kills the process.
pub(crate) struct Watch {
    process: Child,
    out: Lines,
    err: Lines,
}

impl Watch {
    /// Watches a Jaeger; requests are not slowed down.
    pub(crate) fn start(jaeger: &str, store: &str, more: &[&str]) -> Self {
        Self::slowed(jaeger, store, &[&["--max-requests-per-second", "1000"], more].concat())
    }

    /// Watches a Jaeger at the default rate of requests.
    pub(crate) fn slowed(jaeger: &str, store: &str, more: &[&str]) -> Self {
        Self::spawn(&[&["watch", "--jaeger", jaeger, "--store", store], more].concat())
    }

    pub(crate) fn spawn(args: &[&str]) -> Self {
        let mut process = command(args).spawn().unwrap();
        let (out, err) = (process.stdout.take().unwrap(), process.stderr.take().unwrap());
        Self { process, out: Lines::of(out), err: Lines::of(err) }
    }

    /// Waits for a line on standard output.
    pub(crate) fn prints(&self, part: &str) -> String {
        self.out.find(part)
    }

    /// Waits for a line on standard error.
    pub(crate) fn remarks(&self, part: &str) -> String {
        self.err.find(part)
    }

    /// How often something was said on standard error so far.
    pub(crate) fn remarked(&self, part: &str) -> usize {
        self.err.all().iter().filter(|line| line.contains(part)).count()
    }

    /// The address of its metrics.
    pub(crate) fn metrics(&self) -> String {
        let line = self.remarks("metrics are on ");
        line.split("metrics are on ").nth(1).unwrap().to_owned()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }

    /// Sends a signal, as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for the end: status, lines of standard output and of standard error.
    pub(crate) fn end(mut self) -> (ExitStatus, Vec<String>, Vec<String>) {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "it does not end: {:#?}", self.err.all());
            std::thread::sleep(Duration::from_millis(50));
        };
        (status, self.out.complete(), self.err.complete())
    }

    /// Waits for a successful end; the lines of standard output.
    pub(crate) fn succeeds(self) -> Vec<String> {
        let (status, out, err) = self.end();
        assert_eq!(status.code(), Some(0), "{err:#?}");
        out
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn sqlite(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

pub(crate) async fn open(file: &Path) -> Arc<dyn Store> {
    open_sqlite(file, SqliteOptions { read_only: true, ..SqliteOptions::default() }).await.unwrap()
}

/// Everything that is kept, in a file with one source.
pub(crate) async fn kept(store: &dyn Store) -> Vec<StoredOperation> {
    let sources = store.sources().await.unwrap();
    assert_eq!(sources.len(), 1, "{sources:?}");
    let all = OperationFilter::all(diagnosis::TimeRange { from: now() - Micros(HOUR.0 * 24 * 30), to: now() }, now());
    let mut page = store.operations(&sources[0], &all, Order::Newest, 10_000).await.unwrap();
    page.operations.sort_by(|a, b| a.key.cmp(&b.key));
    page.operations
}
