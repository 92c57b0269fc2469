//! Work grows in proportion to the input: looks at spans and at entries of search structures are counted, not time.

use diagnosis::{Context, diagnose};
use testbed::{Telemetry, build, scenarios};
use trace::{Micros, Time, Trace, steps_of};

use crate::{picture::*, scenes::training};

const FEW: usize = 120;
/// Four times as many take a little more than four times the steps where something is sorted, sixteen times as many
/// where each is compared with each.
const MOST: f64 = 5.0;

fn steps(traces: &[Trace], now: Time) -> u64 {
    let context = Context { now, ..Context::default() };
    steps_of(|| diagnose(traces, playbook(), &context))
}

/// Holds the steps for four times as many to be about four times as many.
fn grows_in_proportion(what: &str, steps: impl Fn(usize) -> u64) {
    let (few, many) = (steps(FEW), steps(4 * FEW));
    let times = many as f64 / few as f64;
    assert!(times < MOST, "{what}: {few} steps for {FEW}, {many} for {}: {times:.1} times as many", 4 * FEW);
}

fn picture_grows(what: &str, picture: impl Fn(usize) -> String) {
    grows_in_proportion(what, |count| steps(&traces(&draw(&picture(count))), BASE + span_of_time("3h")));
}

/// The same line, each time one level deeper.
fn chain(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(|nth| format!("{}{}\n", " ".repeat(nth), line(nth))).collect()
}

fn id(kind: &str, nth: usize) -> String {
    format!("op_{kind}_20261122_100505_{nth:08x}")
}

#[test]
fn with_operations_that_fail_at_the_same_time() {
    for name in ["15-context-lost", "7d-ib-gateway-down", "6b-all-workers-refuse", "12-resumed", "7c-backend-down"] {
        let scenario = scenarios().iter().find(|scenario| scenario.name == name).expect("a scenario");
        for apart in [0, 20_000, 2_000_000] {
            grows_in_proportion(&format!("{name}, {apart} µs apart"), |count| {
                let at = |nth: usize| BASE + Micros(nth as i64 * apart);
                let raw: Vec<_> =
                    (0..count / 3).flat_map(|nth| build(scenario, Telemetry::Current, at(nth), nth as u64)).collect();
                steps(&traces(&raw), BASE + span_of_time("3h"))
            });
        }
    }
}

#[test]
fn with_the_depth_of_an_operation() {
    picture_grows("spans that all carry the id", |count| {
        training(&chain(count, |nth| format!("train | training.epoch | {}ms +1m | operation.id={{T}}", 6000 + nth)))
    });
    picture_grows("operations below a deep chain", |count| {
        let above = chain(count, |nth| format!("api | step | {nth}ms +1h"));
        let indent = " ".repeat(count);
        let below = |nth| format!("{indent}train | register {} training | {}s\n", id("training", nth), 10 + nth);
        above + &(0..count).map(below).collect::<String>()
    });
    picture_grows("errors below a refused dispatch", |count| {
        let errors = chain(count, |nth| format!("            train | step | {}ms +20ms | !KeyError: deep", 20 + nth));
        let refused = "        api | > POST http://training-worker-2:5006/training/start 503 | 20ms +20ms\n";
        let accepted = "        api | > POST http://training-worker-1:5005/training/start 200";
        training("").replace(accepted, &format!("{refused}{errors}{accepted}"))
    });
}

#[test]
fn with_the_number_of_starts() {
    let start = |kind: &str, nth: usize| format!("api | < POST /api/v1/{kind}/start 200 | {nth}ms +1m");
    picture_grows("starts below each other", |count| chain(count, |nth| start("trainings", nth)));
    picture_grows("starts at the end of a deep chain", |count| {
        let above = chain(count, |nth| format!("api | step | {nth}ms +1h"));
        let indent = " ".repeat(count);
        above + &(0..count).map(|nth| format!("{indent}{}\n", start("trainings", nth))).collect::<String>()
    });
    for kind in ["trainings", "backtests"] {
        picture_grows(&format!("{kind} beside trainings without a start"), |count| {
            let headless = |nth| format!("?train | register {} training | {nth}ms\n", id("training", nth));
            let all = |nth| format!("{}\n{}", start(kind, nth), headless(nth));
            (0..count).map(all).collect()
        });
    }
    picture_grows("starts that each begin two operations", |count| {
        // So deep that every operation has all the spans above it that it may keep.
        let above = chain(100, |_| "api | step | 0 +1h".to_owned());
        let two = |nth: usize| {
            let indent = " ".repeat(100 + nth);
            let child =
                |which| format!("{indent} train | step | 1s | operation.id={}\n", id("training", 2 * nth + which));
            format!("{indent}{}\n{}{}", start("trainings", nth), child(0), child(1))
        };
        above + &(0..count).map(two).collect::<String>()
    });
}

#[test]
fn with_the_number_of_children() {
    picture_grows("a request with many children before its callee", |count| {
        let child = |nth| format!("    train | step | {}ms +5ms\n", 6010 + nth * 10);
        let children: String = (0..count).map(child).collect();
        let callee = format!("    ib | < POST /data | {}ms +5ms", 6010 + count * 10);
        training(&format!("train | > POST http://ib:5001/data 200 | 6s +1h\n{children}{callee}"))
    });
    picture_grows("calls one after the other", |count| {
        let call = |nth| format!("train | > POST http://ib:5001/data 200 | {}ms +9ms\n", 6000 + nth * 10);
        training(&(0..count).map(call).collect::<String>())
    });
}

#[test]
fn an_operation_keeps_the_hundred_nearest_spans_above_it() {
    let services = |above: usize| {
        let service = |nth| if nth == 0 { "far" } else { "near" };
        let name = |nth| if nth + 1 == above { "cli.train" } else { "step" };
        let above_it = chain(above, |nth| format!("{} | {} | 0 +1h", service(nth), name(nth)));
        one(&format!("{above_it}{}train | register {{T}} training | 1s", " ".repeat(above)), "1h").services
    };
    assert!(services(100).contains(&"far".to_owned()));
    assert!(!services(101).contains(&"far".to_owned()));
}
