//! `ktrdr-diagnose demo`: example traces, a Jaeger that serves them, and the plugin that diagnoses them, in one command.

mod frames;
mod legend;

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    args::DemoArgs,
    error::Error,
    operations_table,
    output::{self, Waiting},
    report, signal,
    text::{BOLD, CODE, DIM, Layout, line, paint, prose},
};
use diagnosis::{Diagnosis, Verdict};
use testbed::grafana_harness::{DataSource, PluginProcess, data_source, frame_json};
use testbed::{
    self, Flavour, Server, Store,
    simulation::{Activity, Clock, Simulation, keep_alive},
};
use trace::{Micros, Time};

const ABOUT: &str = "KTRDR is a system that trains trading strategies, tests them on past prices and downloads market \
    data. One such job (an operation) runs across an API, workers and helper services, and each of them reports what it \
    did as traces to a server called Jaeger. When an operation fails, hangs or is slow, the answer lies somewhere in \
    those traces. KTRDR Diagnosis reads them and says what is wrong, why, and what to do about it.";

/// How far back the example traces reach.
const RANGE: Micros = Micros::from_secs(24 * 3600);
/// Healthy operations in the table; the others are only counted.
const HEALTHY: usize = 5;
/// Width of the table without a terminal: it is meant for people, not for programs.
const COLUMNS: usize = 150;

pub(super) async fn run(args: &DemoArgs) -> Result<(), Error> {
    let layout = Layout { columns: Layout::of_stdout().columns.or(Some(COLUMNS)) };
    let plugin = plugin(args.plugin.as_deref())?;
    let now = args.clock.now();
    let clock = Clock::start(now);
    introduce(layout)?;

    let server = serve(args, now).await?;
    let demo = {
        let _waiting = Waiting::new("The plugin diagnoses the example traces");
        ask(&plugin, &server, now).await?
    };
    show(&demo, server.store.len(), layout)?;
    if args.keep {
        keep(server, Simulation::new(Activity::Everyday, now, args.seed), clock, layout).await
    } else {
        server.stop().await;
        Ok(())
    }
}

/// What the plugin answered.
struct Answers {
    health: String,
    operations: Vec<Arc<Diagnosis>>,
    one: Diagnosis,
    requests: usize,
    took: Duration,
}

fn introduce(layout: Layout) -> Result<(), Error> {
    let mut out = String::new();
    line(&mut out, format_args!("{}\n", paint(BOLD, "KTRDR Diagnosis: a demonstration")));
    prose(&mut out, 0, ABOUT, layout.prose());
    out.push('\n');
    prose(
        &mut out,
        0,
        "This demonstration generates example traces of common failures, serves them from a small built-in Jaeger on this machine, \
         and lets the real Grafana plugin diagnose them over the protocol that Grafana uses. Nothing leaves this machine.",
        layout.prose(),
    );
    out.push('\n');
    output::text(&out)
}

async fn serve(args: &DemoArgs, now: Time) -> Result<Server, Error> {
    let store = Store::new(testbed::demo(now, args.seed));
    let address = SocketAddr::from(([127, 0, 0, 1], args.port));
    testbed::serve_on(address, store, Flavour::Both)
        .await
        .map_err(|error| Error::System(format!("cannot serve on {address}: {error}; choose another port with --port")))
}

/// The plugin's executable: the one that was named, else the one beside this program.
fn plugin(named: Option<&Path>) -> Result<PathBuf, Error> {
    if let Some(path) = named {
        return Ok(path.into());
    }
    let own = std::env::current_exe()
        .map_err(|error| Error::System(format!("cannot find the path of this program: {error}")))?;
    let name = format!("{}_{}_{}", PLUGIN, std::env::consts::OS, go_arch());
    let beside = [PLUGIN, &name].into_iter().filter_map(|name| {
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        own.parent().map(|folder| folder.join(file))
    });
    beside.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        Error::System(format!(
            "the plugin's executable {PLUGIN} is not beside {}; build both with `cargo build --release`, or name it with \
             --plugin PATH",
            own.display()
        ))
    })
}

/// Name of the plugin's executable.
const PLUGIN: &str = "gpx_ktrdr_diagnosis";

/// Go's word for this machine's processor, as plugin executables are named.
fn go_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

async fn ask(plugin: &Path, server: &Server, now: Time) -> Result<Answers, Error> {
    let failed = |what: &str, error: &dyn std::fmt::Display| Error::System(format!("the plugin {what}: {error}"));
    let unreadable = |error: &serde_json::Error| failed("sent a frame that cannot be read", error);
    let started = Instant::now();
    let process = PluginProcess::start(plugin, &[]).await;
    let process = process.map_err(|error| failed(&format!("{} does not start", plugin.display()), &error))?;
    let source = data_source("ktrdr-diagnosis", &server.url);
    let health = process.health(&source).await.map_err(|error| failed("does not report its health", &error))?.message;

    let query = json!({"refId": "A", "queryType": "operations", "limit": 1000});
    let frames = frames_of(&process, &source, now, query).await?;
    let rows = frames.first().map(frames::rows).unwrap_or_default();
    let operations: Result<Vec<_>, _> = rows.into_iter().map(|row| frames::diagnosis(row).map(Arc::new)).collect();
    let mut operations = operations.map_err(|error| unreadable(&error))?;
    operations.sort_by_key(|d| (std::cmp::Reverse(d.severity), d.verdict, std::cmp::Reverse(d.start)));

    let chosen = choose(&operations).ok_or_else(|| Error::System("the plugin found no operation".into()))?;
    let query = json!({"refId": "B", "queryType": "diagnosis", "operationId": chosen});
    let mut one = Diagnosis::default();
    for frame in frames_of(&process, &source, now, query).await? {
        let mut rows = frames::rows(&frame);
        let name = frames::at(&frame, "/schema/name").as_str().unwrap_or_default();
        let read = match name {
            "diagnosis" if !rows.is_empty() => frames::diagnosis(rows.swap_remove(0)).map(|read| one = read),
            _ => frames::add_list(&mut one, name, rows),
        };
        read.map_err(|error| unreadable(&error))?;
    }
    let took = started.elapsed();
    process.stop().await;
    let requests = server.requests().len();
    Ok(Answers { health, operations, one, requests, took })
}

/// The most instructive operation: one whose root cause is in another trace, otherwise the worst with an id.
fn choose(operations: &[Arc<Diagnosis>]) -> Option<&str> {
    let with_id = || operations.iter().filter_map(|d| d.operation_id.as_deref().map(|id| (d, id)));
    let instructive =
        with_id().filter(|(d, _)| d.verdict == Verdict::Unreachable).max_by_key(|(d, _)| d.trace_ids.len());
    instructive.or_else(|| with_id().next()).map(|(_, id)| id)
}

async fn frames_of(process: &PluginProcess, source: &DataSource, now: Time, query: Value) -> Result<Vec<Value>, Error> {
    let reference = frames::at(&query, "/refId").as_str().unwrap_or_default().to_owned();
    let ms = |time: Time| time.0.div_euclid(1000);
    let answer = process
        .query(source, (ms(now - RANGE), ms(now)), vec![query], HashMap::new())
        .await
        .map_err(|error| Error::System(format!("the plugin does not answer: {error}")))?;
    let answer = answer.responses.get(&reference).cloned().unwrap_or_default();
    if !answer.error.is_empty() {
        return Err(Error::System(format!("the plugin could not answer: {}", answer.error)));
    }
    answer
        .frames
        .iter()
        .map(|bytes| frame_json(bytes).map_err(|error| Error::System(format!("Grafana would refuse a frame: {error}"))))
        .collect()
}

fn show(demo: &Answers, traces: usize, layout: Layout) -> Result<(), Error> {
    let mut out = String::new();
    line(
        &mut out,
        format_args!("{}\n", paint(BOLD, format!("1. All {} operations, the worst first", demo.operations.len()))),
    );
    let (shown, healthy) = shown(&demo.operations);
    legend::legend(&mut out, &shown, layout);
    out.push('\n');
    out.push_str(&operations_table::render(&shown, layout));
    if healthy > 0 {
        line(&mut out, format_args!("{}", paint(DIM, format!("… and {healthy} more healthy ones"))));
    }
    line(&mut out, format_args!("\n{}\n", paint(BOLD, "2. One of them in full")));
    out.push_str(&report::render(&demo.one, layout));
    line(&mut out, format_args!("\n{}\n", paint(BOLD, "3. What happened here")));
    prose(
        &mut out,
        0,
        &format!(
            "The built-in Jaeger holds {traces} traces, most of them noise. The plugin asked it {} times and answered 2 \
             queries and a health check in {}, its start included. The health check said: {}",
            demo.requests,
            Micros(i64::try_from(demo.took.as_micros()).unwrap_or(i64::MAX)),
            demo.health
        ),
        layout.prose(),
    );
    line(&mut out, format_args!("\n{}\n", paint(BOLD, "4. Now with your own Jaeger")));
    for command in [
        "ktrdr-diagnose operations --jaeger http://localhost:16686 --from now-24h",
        "ktrdr-diagnose operation OPERATION_ID --jaeger http://localhost:16686",
        "ktrdr-diagnose file exported-trace.json",
    ] {
        line(&mut out, format_args!("  {}", paint(CODE, command)));
    }
    out.push('\n');
    prose(
        &mut out,
        0,
        "The README explains how to install the plugin into Grafana. `ktrdr-diagnose demo --keep` leaves the example Jaeger \
         running.",
        layout.prose(),
    );
    output::text(&out)
}

/// All operations but the many healthy ones, and how many of those are left out.
fn shown(operations: &[Arc<Diagnosis>]) -> (Vec<Arc<Diagnosis>>, usize) {
    let mut healthy = 0;
    let shown: Vec<_> = operations
        .iter()
        .filter(|d| {
            healthy += usize::from(d.verdict == Verdict::Healthy);
            d.verdict != Verdict::Healthy || healthy <= HEALTHY
        })
        .cloned()
        .collect();
    let hidden = operations.len() - shown.len();
    (shown, hidden)
}

async fn keep(server: Server, simulation: Simulation, clock: Clock, layout: Layout) -> Result<(), Error> {
    let mut out = String::new();
    line(&mut out, format_args!("\n{}", paint(BOLD, format!("The example Jaeger serves on {}", server.url))));
    prose(
        &mut out,
        0,
        "New operations keep running in it. Point Grafana's data source or this tool at it; Ctrl-C ends it:",
        layout.prose(),
    );
    let command = format!("ktrdr-diagnose operations --jaeger {} --from now-24h", server.url);
    line(&mut out, format_args!("  {}", paint(CODE, command)));
    output::text(&out)?;
    tokio::select! {
        () = keep_alive(&server.store, simulation, clock) => {}
        () = signal::to_end() => {}
    }
    server.stop().await;
    Ok(())
}
