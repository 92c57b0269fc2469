//! What a history costs: a simulated KTRDR works for a day and goes on working, a recorder in the plugin reads it from a
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
    self, Flavour, RawTrace, Store,
    grafana_harness::{PluginProcess, data_source},
    otlp_json,
    simulation::{Activity, BATCH, EndedSpans, Simulation, TraceSender, batches},
};
use trace::{Micros, Time};

use self::{process::Usage, proxy::Proxy};

type Failure = Box<dyn Error + Send + Sync>;

/// How long the day may take to be covered.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(900);
const DAY: Micros = Micros::from_secs(86_400);
/// Deployments that work side by side: together about 5 000 operations a day.
const SEEDS: [u64; 2] = [1, 2];
/// How often a dashboard is refreshed, and how many are open.
const REFRESH: Duration = Duration::from_secs(10);
const DASHBOARDS: usize = 4;
/// How often rules are evaluated, and how many there are.
const EVALUATION: Duration = Duration::from_secs(60);
const RULES: usize = 6;

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
    println!(
        "a day: {} traces of work, {:.1} MB as OTLP, {} traces of noise",
        ended.work.len(),
        mega(distinct),
        ended.noise.len()
    );
    let embedded;
    let (url, sender) = if let Some((url, otlp)) = &setup.jaeger {
        let sender = TraceSender::new(otlp)?;
        send(&sender, ended.work).await?;
        send(&sender, ended.noise).await?;
        (url.clone(), Some(sender))
    } else {
        embedded =
            testbed::serve(Store::new(ended.work.into_iter().chain(ended.noise).collect()), Flavour::Both).await?;
        (embedded.url.clone(), None)
    };
    let proxy = Proxy::start(&url).await?;
    let folder = tempfile::tempdir()?;
    let folder_text = folder.path().to_string_lossy().into_owned();
    let binary = Path::new(env!("CARGO_BIN_EXE_gpx_ktrdr_diagnosis"));
    let plugin = PluginProcess::start(binary, &[("GF_PLUGIN_HISTORY_DIR", folder_text.as_str())]).await?;
    let mut source = data_source("bench", &proxy.url);
    source.json = json!({"history": "sqlite", "historyWindow": "24h"});

    let started = Instant::now();
    let hour = (now().0 / 1000 - 3_600_000, now().0 / 1000);
    let list = json!({"queryType": "operations", "limit": 500});
    let rows = loop {
        match ask(&plugin, &source, hour, &list).await {
            Ok(rows) => break rows,
            Err(error) if started.elapsed() > GIVEN_UP_AFTER => return Err(error),
            Err(error) => println!("  after {:.1} s: {error}", started.elapsed().as_secs_f64()),
        }
    };
    println!("first table of the last hour: {:.1} s, {rows} rows", started.elapsed().as_secs_f64());
    let day = || (begin.0 / 1000 + 60_000, now().0 / 1000);
    let caught_up = loop {
        let coverage = plugin.resource(&source, "GET", "coverage", bytes::Bytes::new()).await?;
        let coverage: Value = serde_json::from_slice(&coverage.body)?;
        if coverage["caughtUp"] == true {
            break started.elapsed();
        }
        if started.elapsed() > GIVEN_UP_AFTER {
            return Err(format!("the day is not covered in time: {coverage}").into());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let filling = proxy.counted();
    println!(
        "a day covered: {:.0} s, {} requests, {:.1} MB = {:.2} × the distinct traces of work",
        caught_up.as_secs_f64(),
        filling.requests,
        mega(filling.bytes),
        filling.bytes as f64 / distinct as f64
    );

    let (mut lists, mut counts, mut rules) = (Vec::new(), Vec::new(), Vec::new());
    let (plugin_before, jaeger_before) = (Usage::of(plugin.pid()), Usage::of(setup.jaeger_pid));
    let watched = Instant::now();
    let (mut next_refresh, mut next_evaluation) = (Instant::now(), Instant::now());
    let mut sent = 0_usize;
    while watched.elapsed() < setup.watched {
        let fresh = advance(&mut deployments);
        sent += otlp_json(&fresh.work).len();
        if let Some(sender) = &sender {
            send(sender, fresh.work).await?;
            send(sender, fresh.noise).await?;
        }
        if Instant::now() >= next_refresh {
            next_refresh += REFRESH;
            for nth in 0..DASHBOARDS {
                let order = ["newest", "worst", "longest", "newest"][nth % 4];
                let query = json!({"queryType": "operations", "limit": 100, "order": order});
                lists.push(timed(&plugin, &source, day(), &query).await?);
                let query =
                    json!({"queryType": "metric", "measure": "count", "groupBy": ["verdict"], "format": "timeseries"});
                counts.push(timed(&plugin, &source, day(), &query).await?);
            }
        }
        if Instant::now() >= next_evaluation {
            next_evaluation += EVALUATION;
            for nth in 0..RULES {
                let measure = ["failed", "stuck", "not_healthy", "failure_ratio", "p95_duration", "slowdown"][nth % 6];
                let query = json!({"queryType": "metric", "measure": measure, "groupBy": ["operation_type"], "format": "numeric"});
                rules.push(timed(&plugin, &source, hour_until_now(), &query).await?);
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let (after, seconds) = (proxy.counted(), watched.elapsed().as_secs_f64());
    let bytes = after.bytes - filling.bytes;
    println!("{seconds:.0} s of {DASHBOARDS} dashboards and {RULES} rules:");
    println!(
        "  {:.2} requests a second to Jaeger, {:.1} MB = {:.1} × the distinct new traces",
        (after.requests - filling.requests) as f64 / seconds,
        mega(bytes),
        bytes as f64 / sent.max(1) as f64
    );
    for (what, times) in [("list", &mut lists), ("count", &mut counts), ("alert query", &mut rules)] {
        times.sort_by(f64::total_cmp);
        println!(
            "  {what:<12} p50 {:6.1} ms, p95 {:6.1} ms ({} queries)",
            rank(times, 0.5),
            rank(times, 0.95),
            times.len()
        );
    }
    let (plugin_after, jaeger_after) = (Usage::of(plugin.pid()), Usage::of(setup.jaeger_pid));
    println!(
        "  plugin: {:.0} MB resident, {:.1} % of a core",
        mega(plugin_after.resident),
        plugin_after.share_since(plugin_before, seconds)
    );
    if setup.jaeger_pid.is_some() {
        println!("  Jaeger: {:.1} % of a core", jaeger_after.share_since(jaeger_before, seconds));
    }
    plugin.stop().await;
    Ok(())
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

fn hour_until_now() -> (i64, i64) {
    let to = now().0 / 1000;
    (to - 3_600_000, to)
}

async fn send(sender: &TraceSender, traces: Vec<RawTrace>) -> Result<(), Failure> {
    for batch in batches(traces, BATCH) {
        sender.send(&batch).await?;
    }
    Ok(())
}

/// The rows of the first frame.
async fn ask(
    plugin: &PluginProcess,
    source: &testbed::grafana_harness::DataSource,
    range: (i64, i64),
    query: &Value,
) -> Result<usize, Failure> {
    let mut query = query.clone();
    query["refId"] = json!("A");
    let answer = plugin.query(source, range, vec![query.clone()], HashMap::new()).await?;
    let answer = answer.responses.get("A").ok_or("no answer")?;
    if !answer.error.is_empty() {
        return Err(format!("{query}: {}", answer.error).into());
    }
    let frame = answer.frames.first().ok_or("no frame")?;
    let (_, columns) = testbed::grafana_harness::check_frame(frame)?;
    Ok(columns.first().map_or(0, |column| column.len()))
}

/// Milliseconds until the answer.
async fn timed(
    plugin: &PluginProcess,
    source: &testbed::grafana_harness::DataSource,
    range: (i64, i64),
    query: &Value,
) -> Result<f64, Failure> {
    let started = Instant::now();
    ask(plugin, source, range, query).await?;
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

fn rank(sorted: &[f64], p: f64) -> f64 {
    let at = (p * sorted.len() as f64).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or_default()
}

fn mega(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
