//! Traces that lost spans (acceptance G14): whatever is missing, no wrong verdict is given with high confidence.

use std::collections::HashSet;

use diagnosis::{Confidence, Context, Diagnosis, Verdict, diagnose};
use jaeger::decode;
use serde_json::Value;
use trace::{Micros, Time, Trace};

use crate::{picture::*, scenes::*};

/// Recordings of real KTRDR processes.
pub(crate) const REAL: [&str; 5] = ["backtest_ok", "data_ibdown", "train_noworkers", "train_ok", "train_valueerror"];

pub(crate) fn real(name: &str) -> Value {
    let path = format!("{}/../../tests/traces/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).expect("a recording")).expect("JSON")
}

/// A small generator of its own, so that the same spans are lost every time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit.max(1)
    }
}

/// Loses every span with this probability.
fn lose(traces: &Value, percent: u64, dice: &mut Dice) -> Value {
    let mut left = traces.clone();
    for trace in left["data"].as_array_mut().expect("traces") {
        trace["spans"].as_array_mut().expect("spans").retain(|_| dice.below(100) >= percent);
    }
    left
}

fn read(traces: &Value) -> Vec<Trace> {
    decode(traces.to_string().as_bytes()).expect("what Jaeger answers").traces
}

fn answers(traces: &[Trace], now: Time) -> Vec<Diagnosis> {
    diagnose(traces, playbook(), &Context { now, ..Context::default() }).diagnoses
}

/// How often each share of the spans is lost.
const ROUNDS: u64 = 2;

#[test]
fn no_wrong_verdict_is_high_when_real_traces_lose_spans() {
    let mut wrong = Vec::new();
    for name in REAL {
        let whole = real(name);
        let traces = read(&whole);
        let end = traces.iter().filter_map(Trace::end).max().expect("an end");
        let right: HashSet<_> = answers(&traces, end).iter().map(|d| d.verdict).collect();
        let mut dice = Dice(7);
        for percent in (1..=60).flat_map(|percent| [percent; ROUNDS as usize]) {
            let traces = read(&lose(&whole, percent, &mut dice));
            for after in [0, 600, 86_400].map(Micros::from_secs) {
                for d in answers(&traces, end + after) {
                    if d.confidence == Confidence::High && !right.contains(&d.verdict) {
                        wrong.push(format!(
                            "{name} -{percent} % +{after}: {} {} ({})",
                            d.verdict.as_str(),
                            d.rule,
                            d.summary
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Acceptance G14: the span that ends an operation is lost, and others with it.
#[test]
fn a_lost_end_leaves_a_running_operation_in_doubt() {
    let ended = training("train | running->completed {T} | 9m");
    let lost = ended.replace("            train | running->completed {T} | 9m\n", "");
    assert_eq!(one(&ended, "10m").confidence, Confidence::High);
    let d = one(&lost, "10m");
    assert_eq!((d.verdict, d.confidence), (Verdict::Running, Confidence::Medium), "{:?}", d.confidence_reason);
}

/// What a span shows stays certain where others are missing; what rests on missing spans does not.
#[test]
fn only_what_is_shown_is_certain_in_an_incomplete_trace() {
    let orphan = |lines: &str| {
        format!(
            "?train | < POST /training/start 200 | 52ms +6ms\n  train | register {{T}} training | 60ms\n  train | pending->running {{T}} | 62ms\n{lines}"
        )
    };
    let raised = "  train | training.fit | 1s +1s | !a.DataNotFoundError: gone\n";
    let failed = one(&orphan(&format!("{raised}  train | running->failed {{T}} | 3s | operation.error=gone")), "1h");
    assert_eq!((failed.verdict, failed.confidence), (Verdict::MissingData, Confidence::High));
    let healthy = one(&orphan("  train | running->completed {T} | 3s"), "1h");
    assert_eq!((healthy.verdict, healthy.confidence), (Verdict::Healthy, Confidence::Medium));
    let goes_on = orphan("  train | running->cancelled {T} | 3s\n  train | training.fit | 10s +1s");
    assert_eq!(one(&goes_on, "1h").confidence, Confidence::Medium, "it went on after its end");
}
