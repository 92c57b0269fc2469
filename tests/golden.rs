//! Golden answers: the whole record and the report of every scenario in every generation of telemetry, so that every change of an answer is
//! visible. `cargo insta review` (or `INSTA_UPDATE=always cargo test --test golden`) accepts changes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::format_collect, reason = "a test")]

use std::{fmt::Write, sync::LazyLock};

use diagnosis::playbook::Playbook;
use diagnosis::{Context, Diagnosis, diagnose};
use jaeger::decode;
use ktrdr_diagnosis::cli::markdown;
use serde_json::Value;
use testbed::{JaegerVersion, Telemetry, generate, jaeger_json, scenarios};
use trace::Time;

static PLAYBOOK: LazyLock<Playbook> = LazyLock::new(Playbook::ktrdr);

/// The record with one line for each field and each row of a list.
fn lines(diagnosis: &Diagnosis) -> String {
    let Value::Object(record) = serde_json::to_value(diagnosis).unwrap() else { panic!("a record is an object") };
    let mut text = String::new();
    for (field, value) in record {
        match value {
            Value::Array(rows) if rows.iter().any(Value::is_object) => {
                writeln!(text, "{field}:").unwrap();
                for mut row in rows {
                    // Few scenarios have comparable operations.
                    if row.get("baseline_ms").is_some_and(Value::is_null) {
                        row.as_object_mut().unwrap().remove("baseline_ms");
                    }
                    writeln!(text, "  {row}").unwrap();
                }
            }
            value => writeln!(text, "{field}: {value}").unwrap(),
        }
    }
    text
}

fn golden(telemetry: Telemetry, name: &str) {
    for scenario in scenarios().iter().filter(|scenario| scenario.telemetry.contains(&telemetry)) {
        let generated = generate(scenario, telemetry, Time(1_795_341_900_000_000), 1);
        let traces = decode(&jaeger_json(&generated.traces, JaegerVersion::V1_53)).unwrap().traces;
        let context = Context { now: generated.now, ..Context::default() };
        let report = diagnose(&traces, &PLAYBOOK, &context);
        let wanted = report.diagnoses.iter().filter(|d| d.operation_id == generated.operation_id);
        let text: String = wanted.map(|d| format!("{}\n{}\n", lines(d), markdown(d))).collect();
        insta::assert_snapshot!(format!("{name}-{}", scenario.name), text);
    }
}

#[test]
fn the_current_telemetry_is_answered_as_before() {
    golden(Telemetry::Current, "wire");
}

#[test]
fn the_older_telemetry_is_answered_as_before() {
    golden(Telemetry::Older, "older");
}

#[test]
fn the_planned_telemetry_is_answered_as_before() {
    golden(Telemetry::Planned, "seed");
}

/// Recordings of real KTRDR processes.
#[test]
fn real_traces_are_answered_as_before() {
    for name in ["backtest_ok", "data_ibdown", "train_noworkers", "train_ok", "train_valueerror"] {
        let path = format!("{}/tests/traces/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let traces = decode(&std::fs::read(path).unwrap()).unwrap().traces;
        let now = traces.iter().filter_map(trace::Trace::end).max().unwrap();
        let report = diagnose(&traces, &PLAYBOOK, &Context { now, ..Context::default() });
        let text: String = report.diagnoses.iter().map(|d| format!("{}\n{}\n", lines(d), markdown(d))).collect();
        insta::assert_snapshot!(format!("real-{name}"), text);
    }
}
