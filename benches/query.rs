//! What a query through the plugin costs beside Jaeger's own answers: the same requests, sent by a plain client,
//! as many at once as the plugin sends.

#![allow(clippy::print_stdout, reason = "a bench reports")]

use std::{collections::HashMap, error::Error, path::Path, time::Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use testbed::grafana_harness::{PluginProcess, data_source};
use testbed::{self, Flavour, Store, Telemetry};
use trace::{Micros, Time};

const TRACES: i64 = 20;
const ROUNDS: i64 = 60;
/// As many as the plugin has on their way to one Jaeger.
const AT_ONCE: usize = 8;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let now = Time::from_millis(chrono::Utc::now().timestamp_millis());
    let backtest = testbed::scenarios().iter().find(|scenario| scenario.number == "2").ok_or("no backtest")?;
    let at = |nth: i64| now - Micros::from_secs(nth * 300 + 900);
    let traces: Vec<_> = (0..TRACES).flat_map(|nth| testbed::build(backtest, Telemetry::Current, at(nth), 1)).collect();
    let spans: usize = traces.iter().map(|trace| trace.spans.len()).sum();
    let jaeger = testbed::serve(Store::new(traces), Flavour::Both).await?;
    let plugin = PluginProcess::start(Path::new(env!("CARGO_BIN_EXE_gpx_ktrdr_diagnosis")), &[]).await?;
    let source = data_source("bench", &jaeger.url);
    let client = reqwest::Client::new();

    let (mut queries, mut alone, mut over) = (Vec::new(), Vec::new(), Vec::new());
    let mut requests = 0;
    for round in 0..ROUNDS {
        // Another range each time, so that no search is answered from the cache.
        let to = now.0 / 1000 - round * 15_000;
        let query = json!({"refId": "A", "queryType": "operations"});
        let before = jaeger.requests().len();
        let started = Instant::now();
        let answer = plugin.query(&source, (to - 7_200_000, to), vec![query], HashMap::new()).await?;
        let took = started.elapsed().as_secs_f64() * 1e3;
        if answer.responses.get("A").is_none_or(|answer| !answer.error.is_empty() || answer.frames.is_empty()) {
            return Err("the query was not answered".into());
        }

        let sent: Vec<String> = jaeger.requests().split_off(before);
        let paths = sent.iter().filter_map(|request| request.strip_prefix("GET "));
        let started = Instant::now();
        let gets = paths.map(|path| {
            let get = client.get(format!("{}{path}", jaeger.url));
            async { get.send().await?.bytes().await }
        });
        stream::iter(gets).buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?;
        let own = started.elapsed().as_secs_f64() * 1e3;
        if round > 4 {
            requests = sent.len();
            queries.push(took);
            alone.push(own);
            over.push(took - own);
        }
    }
    plugin.stop().await;
    println!(
        "{TRACES} traces, {spans} spans, {requests} requests to Jaeger for each query; medians of {}:",
        over.len()
    );
    for (what, times) in [("query through the plugin", queries), ("Jaeger alone", alone), ("the plugin's part", over)] {
        println!("  {what:<26} {:6.2} ms", median(times));
    }
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}
