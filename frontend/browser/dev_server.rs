//! The server behind the browser tests and the demo page: a Jaeger with example traces, the real plugin, and Grafana's
//! HTTP paths in front of it, all on 127.0.0.1.
//!
//! `dev_server PLUGIN` prints one line of JSON with its address and stops when its standard input ends.
#![forbid(unsafe_code)]

use std::{
    error::Error,
    io::Write,
    path::PathBuf,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use testbed::grafana_harness::{DataSource, HttpGateway, PluginProcess, data_source};
use testbed::{
    self, Flavour, Store,
    simulation::{Activity, Clock, Simulation, keep_alive},
};
use tokio::{io::AsyncReadExt, net::TcpListener};
use trace::Time;

const SEED: u64 = 7;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let plugin = PathBuf::from(std::env::args().nth(1).ok_or("name the plugin's executable")?);
    let now = Time(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?);
    let clock = Clock::start(now);
    let traces = testbed::demo(now, SEED);
    // Health checks continue, so that running operations stay alive; no operation starts that a test does not know.
    let deployment = Simulation::new(Activity::Idle, now, SEED);
    let jaeger = testbed::serve(Store::new(traces), Flavour::Both).await?;

    // An address where nothing listens: a port that was free a moment ago.
    let dead = format!("http://{}", TcpListener::bind("127.0.0.1:0").await?.local_addr()?);
    // Something changed in the last hour of another deployment.
    let incident = testbed::serve(Store::new(testbed::incident(now, SEED)), Flavour::Both).await?;
    let viewer = DataSource { role: "Viewer".to_owned(), ..data_source("viewer", &jaeger.url) };
    let changed = data_source("changed", &incident.url);
    let history = serde_json::json!({"history": "memory", "historyWindow": "2d", "maxRequestsPerSecond": 200});
    let recorded = DataSource { json: history, ..data_source("recorded", &jaeger.url) };
    let sources = vec![data_source("ktrdr", &jaeger.url), viewer, changed, data_source("down", &dead), recorded];
    let process = PluginProcess::start(&plugin, &[]).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addresses = serde_json::json!({
        "url": format!("http://{}", listener.local_addr()?),
        "jaeger": jaeger.url,
        "startedMs": now.0 / 1000,
    });
    writeln!(std::io::stdout(), "{addresses}")?;

    let gateway = testbed::grafana_harness::serve(listener, Arc::new(HttpGateway::new(process, sources)));
    let mut end = Vec::new();
    let mut input = tokio::io::stdin();
    tokio::select! {
        served = gateway => served?,
        () = keep_alive(&jaeger.store, deployment, clock) => {}
        _ = input.read_to_end(&mut end) => {}
    }
    Ok(())
}
