//! Writes a scenario of the corpus as a trace file: `cargo run --example corpus -- 4-no-workers-backtest > trace.json`.
//! Without a name it lists what there is. `s1` to `s3` write the workloads of the benches.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

mod workloads;

use std::io::Write as _;

use testbed::{JaegerVersion, Telemetry, build, jaeger_json, now, scenarios};
use trace::Time;

const BASE: Time = Time(1_795_341_900_000_000);

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let Some(name) = args.next() else {
        for scenario in scenarios() {
            println!("{:26} {:?} {}", scenario.name, scenario.telemetry, scenario.title);
        }
        return Ok(());
    };
    let workload = match name.as_str() {
        "s1" => Some(workloads::s1()),
        "s2" => Some(workloads::s2()),
        "s3" => Some(workloads::s3()),
        _ => None,
    };
    if let Some(body) = workload {
        return std::io::stdout().write_all(&body);
    }
    let telemetry = match args.next().as_deref() {
        Some("seed") => Telemetry::Planned,
        Some("older") => Telemetry::Older,
        _ => Telemetry::Current,
    };
    let known = scenarios().iter().find(|scenario| scenario.name == name && scenario.telemetry.contains(&telemetry));
    let Some(scenario) = known else {
        return Err(std::io::Error::other(format!(
            "no scenario {name} in this generation of telemetry; without a name all are listed"
        )));
    };
    eprintln!("the clock of its expectation: --now {}", now(scenario, telemetry, BASE));
    std::io::stdout().write_all(&jaeger_json(&build(scenario, telemetry, BASE, 1), JaegerVersion::V1_53))
}
