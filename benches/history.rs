//! What a history costs: a simulated KTRDR works for a day and keeps working, a recorder in the plugin reads it from a
//! Jaeger, and dashboards and alert rules ask the plugin meanwhile. `scripts/measure-history.sh` runs it.

#![allow(clippy::print_stdout, reason = "a bench reports")]

#[path = "history/process.rs"]
mod process;
#[path = "history/proxy.rs"]
mod proxy;

use std::{
    collections::HashMap,
    error::Error,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testbed::{
    self, Flavour, Store,
    grafana_harness::{DataSource, PluginProcess, check_frame, data_source},
    otlp_json,
    simulation::{Activity, BATCH, EndedSpans, Simulation, TraceSender, batches},
};
use trace::{Micros, Time};

use self::{
    process::Usage,
    proxy::{Counted, Proxy},
};

type Failure = Box<dyn Error + Send + Sync>;

/// How long the day may take to be covered.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(900);
const DAY: Micros = Micros::from_secs(86_400);
/// Deployments that work side by side: together about 5 000 operations a day.
const SEEDS: [u64; 2] = [1, 2];
/// How often a dashboard is refreshed.
const REFRESH: Duration = Duration::from_secs(10);
/// The order of each dashboard's list.
const DASHBOARDS: [&str; 4] = ["newest", "worst", "longest", "newest"];
/// How often rules are evaluated.
const EVALUATION: Duration = Duration::from_secs(60);
/// The measure of each rule.
const RULES: [&str; 6] = ["failed", "stuck", "not_healthy", "failure_ratio", "p95_duration", "slowdown"];

/// What is measured, from the environment.
struct Setup {
    /// Where a real Jaeger answers and receives traces; else the embedded one is used.
    jaeger: Option<(String, String)>,
    /// Its process, whose CPU time is reported.
    jaeger_pid: Option<u32>,
    /// How long dashboards are watched after the day is covered.
    watched: Duration,
}

impl Setup {
    fn from_env() -> Result<Self, Failure> {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let number = |name: &str| text(name).map(|value| value.parse::<u64>()).transpose();
        Ok(Self {
            jaeger: text("KTRDR_BENCH_JAEGER").zip(text("KTRDR_BENCH_OTLP")),
            jaeger_pid: number("KTRDR_BENCH_JAEGER_PID")?.map(u32::try_from).transpose()?,
            watched: Duration::from_secs(number("KTRDR_BENCH_SECONDS")?.unwrap_or(300)),
        })
    }
}

fn now() -> Time {
    Time(chrono::Utc::now().timestamp_micros())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let setup = Setup::from_env()?;
    let begin = now() - DAY;
    let mut deployments = SEEDS.map(|seed| Simulation::new(Activity::Everyday, begin, seed));
    let ended = advance(&mut deployments);
    let distinct = otlp_json(&ended.work).len();
    let (work, noise) = (ended.work.len(), ended.noise.len());
    println!("a day: {work} traces of work, {:.1} MB as OTLP, {noise} traces of noise", mega(distinct));
    let embedded;
    let (url, sender) = if let Some((url, otlp)) = &setup.jaeger {
        let sender = TraceSender::new(otlp)?;
        send(&sender, ended).await?;
        (url.clone(), Some(sender))
    } else {
        let traces = ended.work.into_iter().chain(ended.noise).collect();
        embedded = testbed::serve(Store::new(traces), Flavour::Both).await?;
        (embedded.url.clone(), None)
    };
    let proxy = Proxy::start(&url).await?;
    let folder = tempfile::tempdir()?;
    let folder_text = folder.path().to_string_lossy().into_owned();
    let binary = Path::new(env!("CARGO_BIN_EXE_gpx_ktrdr_diagnosis"));
    let plugin = PluginProcess::start(binary, &[("GF_PLUGIN_HISTORY_DIR", folder_text.as_str())]).await?;
    let mut source = data_source("bench", &proxy.url);
    source.json = json!({"history": "sqlite", "historyWindow": "24h"});
    let grafana = Grafana { plugin, source, begin };

    grafana.fill(&proxy, distinct).await?;
    grafana.watch(&setup, &proxy, &mut deployments, sender.as_ref()).await?;
    grafana.plugin.stop().await;
    Ok(())
}

/// The plugin with one data source.
struct Grafana {
    plugin: PluginProcess,
    source: DataSource,
    /// When the deployments began to work.
    begin: Time,
}

impl Grafana {
    /// Waits until the day is covered.
    async fn fill(&self, proxy: &Proxy, distinct: usize) -> Result<(), Failure> {
        let started = Instant::now();
        let list = json!({"refId": "A", "queryType": "operations", "limit": 500});
        let rows = loop {
            match self.rows(last_hour(), &list).await {
                Ok(rows) => break rows,
                Err(error) if started.elapsed() > GIVEN_UP_AFTER => return Err(error),
                Err(error) => println!("  after {:.1} s: {error}", started.elapsed().as_secs_f64()),
            }
        };
        println!("first table of the last hour: {:.1} s, {rows} rows", started.elapsed().as_secs_f64());
        loop {
            let reply = self.plugin.resource(&self.source, "GET", "coverage", bytes::Bytes::new()).await?;
            let coverage: Value = serde_json::from_slice(&reply.body)?;
            if coverage.get("caughtUp") == Some(&json!(true)) {
                break;
            }
            if started.elapsed() > GIVEN_UP_AFTER {
                return Err(format!("the day is not covered in time: {coverage}").into());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let Counted { requests, bytes } = proxy.counted();
        println!(
            "a day covered: {:.0} s, {requests} requests, {:.1} MB = {:.2} × the distinct traces of work",
            started.elapsed().as_secs_f64(),
            mega(bytes),
            bytes as f64 / distinct as f64
        );
        Ok(())
    }

    /// Refreshes dashboards and evaluates rules while the deployments work.
    async fn watch(
        &self,
        setup: &Setup,
        proxy: &Proxy,
        deployments: &mut [Simulation],
        sender: Option<&TraceSender>,
    ) -> Result<(), Failure> {
        let (mut lists, mut counts, mut rules) = (Vec::new(), Vec::new(), Vec::new());
        let (plugin_before, jaeger_before) = (Usage::of(self.plugin.pid()), Usage::of(setup.jaeger_pid));
        let (before, watched) = (proxy.counted(), Instant::now());
        let (mut next_refresh, mut next_evaluation) = (Instant::now(), Instant::now());
        let mut sent = 0_usize;
        while watched.elapsed() < setup.watched {
            let fresh = advance(deployments);
            sent += otlp_json(&fresh.work).len();
            if let Some(sender) = sender {
                send(sender, fresh).await?;
            }
            if Instant::now() >= next_refresh {
                next_refresh += REFRESH;
                for order in DASHBOARDS {
                    let list = json!({"refId": "A", "queryType": "operations", "limit": 100, "order": order});
                    lists.push(self.timed(self.day(), &list).await?);
                    counts.push(self.timed(self.day(), &metric("count", "verdict", "timeseries")).await?);
                }
            }
            if Instant::now() >= next_evaluation {
                next_evaluation += EVALUATION;
                for measure in RULES {
                    rules.push(self.timed(last_hour(), &metric(measure, "operation_type", "numeric")).await?);
                }
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let (after, seconds) = (proxy.counted(), watched.elapsed().as_secs_f64());
        let (requests, bytes) = (after.requests - before.requests, after.bytes - before.bytes);
        println!("{seconds:.0} s of {} dashboards and {} rules:", DASHBOARDS.len(), RULES.len());
        println!(
            "  {:.2} requests a second to Jaeger, {:.1} MB = {:.1} × the distinct new traces",
            requests as f64 / seconds,
            mega(bytes),
            bytes as f64 / sent.max(1) as f64
        );
        for (what, times) in [("list", &mut lists), ("count", &mut counts), ("alert query", &mut rules)] {
            times.sort_by(f64::total_cmp);
            let (p50, p95) = (rank(times, 0.5), rank(times, 0.95));
            println!("  {what:<12} p50 {p50:6.1} ms, p95 {p95:6.1} ms ({} queries)", times.len());
        }
        let usage = Usage::of(self.plugin.pid());
        let share = usage.share_since(plugin_before, seconds);
        println!("  plugin: {:.0} MB resident, {share:.1} % of a core", mega(usage.resident));
        if setup.jaeger_pid.is_some() {
            let share = Usage::of(setup.jaeger_pid).share_since(jaeger_before, seconds);
            println!("  Jaeger: {share:.1} % of a core");
        }
        Ok(())
    }

    /// The day up to now, without its first minute, which moves out of the recorded window.
    fn day(&self) -> (i64, i64) {
        (self.begin.0 / 1000 + 60_000, now().0 / 1000)
    }

    /// How many rows the first frame has.
    async fn rows(&self, range: (i64, i64), query: &Value) -> Result<usize, Failure> {
        let answer = self.plugin.query(&self.source, range, vec![query.clone()], HashMap::new()).await?;
        let answer = answer.responses.get("A").ok_or("no answer")?;
        if !answer.error.is_empty() {
            return Err(format!("{query}: {}", answer.error).into());
        }
        let frame = answer.frames.first().ok_or("no frame")?;
        let (_, columns) = check_frame(frame)?;
        Ok(columns.first().map_or(0, |column| column.len()))
    }

    /// Milliseconds until the answer.
    async fn timed(&self, range: (i64, i64), query: &Value) -> Result<f64, Failure> {
        let started = Instant::now();
        self.rows(range, query).await?;
        Ok(started.elapsed().as_secs_f64() * 1e3)
    }
}

fn metric(measure: &str, group: &str, format: &str) -> Value {
    json!({"refId": "A", "queryType": "metric", "measure": measure, "groupBy": [group], "format": format})
}

/// What ended in the deployments since the last call; the noise of one of them is enough.
fn advance(deployments: &mut [Simulation]) -> EndedSpans {
    let mut all = EndedSpans::default();
    for deployment in deployments {
        let ended = deployment.advance(now());
        all.work.extend(ended.work);
        if all.noise.is_empty() {
            all.noise = ended.noise;
        }
    }
    all
}

fn last_hour() -> (i64, i64) {
    let to = now().0 / 1000;
    (to - 3_600_000, to)
}

async fn send(sender: &TraceSender, ended: EndedSpans) -> Result<(), Failure> {
    for batch in batches(ended.work, BATCH).into_iter().chain(batches(ended.noise, BATCH)) {
        sender.send(&batch).await?;
    }
    Ok(())
}

fn rank(sorted: &[f64], p: f64) -> f64 {
    let at = (p * sorted.len() as f64).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or_default()
}

fn mega(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
