//! Writes a scenario of the corpus as a trace file: `cargo run --example corpus -- 4-no-workers-backtest > trace.json`.
//! Without a name it lists what there is. `s1` to `s3` write the workloads of the benches.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

mod workloads;

use std::io::Write as _;

use testbed::{Dialect, Form, build, jaeger_json, now, scenarios};
use trace::Time;

const BASE: Time = Time(1_795_341_900_000_000);

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let Some(name) = args.next() else {
        for scenario in scenarios() {
            println!("{:26} {:?} {}", scenario.name, scenario.forms, scenario.title);
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
    let form = match args.next().as_deref() {
        Some("seed") => Form::Seed,
        Some("older") => Form::Older,
        _ => Form::Wire,
    };
    let known = scenarios().iter().find(|scenario| scenario.name == name && scenario.forms.contains(&form));
    let Some(scenario) = known else {
        return Err(std::io::Error::other(format!("no scenario {name} in this form; without a name all are listed")));
    };
    eprintln!("the clock of its expectation: --now {}", now(scenario, form, BASE));
    std::io::stdout().write_all(&jaeger_json(&build(scenario, form, BASE, 1), Dialect::V1_53))
}
