//! How the time of a diagnosis grows with the number of operations in one answer, for each scenario of the corpus.
//!
//!     cargo bench --bench growth                       every scenario, an operation every 17 s (5 000 a day)
//!     cargo bench --bench growth -- --burst            every scenario, all operations within ten minutes
//!     cargo bench --bench growth -- context-lost       only scenarios whose name contains this
//!
//! A line shows the CPU time of `diagnose` for 500 to 8 000 operations and the factor per doubling. The aim is linear: a
//! factor of 2. Large scenarios stop at fewer operations, so that the traces fit into memory.

#![allow(clippy::print_stdout, reason = "a bench reports")]

mod cpu;

use std::{error::Error, hint::black_box, time::Duration};

use cpu::CpuTime;
use criterion::measurement::Measurement;
use diagnosis::playbook::Playbook;
use diagnosis::{Context, Detail, diagnose};
use jaeger::decode;
use testbed::{JaegerVersion, Scenario, Telemetry, build, jaeger_json, now, scenarios};
use trace::{Micros, Time, Trace};

/// When the first operation starts.
const FIRST: Time = Time(1_795_341_900_000_000);
const OPERATIONS: [i64; 5] = [500, 1000, 2000, 4000, 8000];
/// Traces of more spans are not made: they take about 1 kB each.
const MOST_SPANS: usize = 1_500_000;
/// A factor per doubling above this is reported at the end. On a busy machine linear work reaches 2.6.
const SUSPICIOUS: f64 = 3.0;

/// How the starts of the operations are spread over time.
#[derive(Clone, Copy)]
enum Spread {
    /// As many a day, however many there are: a longer range of time.
    Steady,
    /// All within ten minutes: more operations at the same time.
    Burst,
}

impl Spread {
    fn start(self, nth: i64, of: i64) -> Time {
        FIRST
            + match self {
                Self::Steady => Micros::from_secs(17 * nth),
                Self::Burst => Micros(600_000_000 * nth / of),
            }
    }
}

/// The traces of a scenario that happens `count` times, and the clock of the last one.
fn repeated(
    scenario: &Scenario,
    telemetry: Telemetry,
    spread: Spread,
    count: i64,
) -> Result<(Vec<Trace>, Time), Box<dyn Error>> {
    let mut traces = Vec::new();
    for nth in 0..count {
        // One seed: worker services keep their names, ids differ with the start.
        let once = build(scenario, telemetry, spread.start(nth, count), 1);
        traces.extend(decode(&jaeger_json(&once, JaegerVersion::V1_53))?.traces);
    }
    Ok((traces, now(scenario, telemetry, spread.start(count - 1, count))))
}

/// The shortest of a few runs.
fn measure(traces: &[Trace], playbook: &Playbook, clock: Time) -> Duration {
    let context = Context { now: clock, detail: Detail::Record, ..Context::default() };
    let mut best = Duration::MAX;
    let mut spent = Duration::ZERO;
    while spent < Duration::from_millis(200) {
        let started = CpuTime.start();
        black_box(diagnose(black_box(traces), playbook, &context));
        let took = CpuTime.end(started);
        best = best.min(took);
        spent += took;
    }
    best
}

fn main() -> Result<(), Box<dyn Error>> {
    let (options, names): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let spread = if options.iter().any(|option| option == "--burst") { Spread::Burst } else { Spread::Steady };
    let playbook = Playbook::ktrdr();
    let mut suspicious = Vec::new();

    println!(
        "{:28} {:>6} {:>10}{}",
        "scenario",
        "spans",
        "ms at 500",
        OPERATIONS.map(|n| format!("{n:>16}")).get(1..).unwrap_or_default().concat()
    );
    for scenario in scenarios() {
        if !names.is_empty() && !names.iter().any(|name| scenario.name.contains(name.as_str())) {
            continue;
        }
        let telemetry = *scenario.telemetry.first().ok_or("a scenario without telemetry")?;
        let spans: usize = build(scenario, telemetry, FIRST, 1).iter().map(|trace| trace.spans.len()).sum();
        print!("{:28} {spans:>6}", scenario.name);
        let mut before: Option<f64> = None;
        let mut worst = 0.0_f64;
        for count in OPERATIONS {
            if spans * count as usize > MOST_SPANS {
                break;
            }
            let (traces, clock) = repeated(scenario, telemetry, spread, count)?;
            let took = measure(&traces, &playbook, clock).as_secs_f64() * 1e3;
            match before {
                None => print!(" {took:>10.1}"),
                Some(before) => {
                    print!(" {took:>9.1} {:>5}", format!("x{:.1}", took / before));
                    worst = worst.max(took / before);
                }
            }
            before = Some(took);
        }
        println!();
        if worst > SUSPICIOUS {
            suspicious.push(format!("{} x{worst:.1}", scenario.name));
        }
    }
    if suspicious.is_empty() {
        println!("every factor is at most {SUSPICIOUS}: about linear");
    } else {
        println!("more than linear (a factor above {SUSPICIOUS}): {}", suspicious.join(", "));
    }
    Ok(())
}
