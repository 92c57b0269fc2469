//! Every scenario of the test bed, in every generation of telemetry, as if read from a file: decode, diagnose, and compare with
//! what the scenario expects.

#![allow(clippy::expect_used, reason = "a test")]

use std::sync::LazyLock;

use diagnosis::playbook::Playbook;
use diagnosis::{Context, Diagnosis, MAX_LIST_ROWS, SectionKind, StepStatus, diagnose};
use jaeger::decode;
use testbed::{
    Bottleneck, Expectation, Expected, Generated, JaegerVersion, RawSpan, Scenario, Telemetry, demo, generate,
    jaeger_json, noise, otlp_json, scenarios,
};
use trace::{Micros, SpanId, Status, Time};

static PLAYBOOK: LazyLock<Playbook> = LazyLock::new(Playbook::ktrdr);

const BASE: Time = Time(1_795_341_900_000_000);

fn diagnoses(json: &[u8], now: Time) -> Vec<Diagnosis> {
    let traces = decode(json).expect("the corpus writes what Jaeger writes").traces;
    diagnose(&traces, &PLAYBOOK, &Context { now, ..Context::default() }).diagnoses
}

fn check<T: PartialEq + Copy + std::fmt::Debug>(
    what: &str,
    (expected, is): (Expected<T>, Option<T>),
    wrong: &mut Vec<String>,
) {
    let right = match expected {
        Expected::Any => true,
        Expected::Null => is.is_none(),
        Expected::Is(value) => is == Some(value),
    };
    if !right {
        wrong.push(format!("{what}: expected {expected:?}, found {is:?}"));
    }
}

fn compare(expect: &Expectation, generated: &Generated, found: &[Diagnosis]) -> Vec<String> {
    let mut wrong = Vec::new();
    if found.len() != expect.operations {
        let ids: Vec<_> = found.iter().map(|d| (&d.operation_id, &d.operation_type, d.verdict)).collect();
        wrong.push(format!("{} operations expected, found {ids:?}", expect.operations));
    }
    if expect.operations == 0 {
        return wrong;
    }
    let Some(main) = found.iter().find(|d| d.operation_id == generated.operation_id) else {
        wrong.push(format!("no diagnosis of {:?}", generated.operation_id));
        return wrong;
    };
    if main.operation_type != expect.operation_type {
        wrong.push(format!("type: expected {}, found {}", expect.operation_type, main.operation_type));
    }
    check("verdict", (expect.verdict, Some(main.verdict)), &mut wrong);
    check("status", (expect.status, Some(main.status)), &mut wrong);
    check("error type", (expect.error_type, main.error_type.as_deref()), &mut wrong);
    check("worker status", (expect.worker_status, main.worker_status), &mut wrong);
    let name = main.bottleneck_span.as_deref();
    let right = match expect.bottleneck {
        Expected::Is(Bottleneck::Span(span)) => name == Some(span) && main.bottleneck_kind == Some(SectionKind::Span),
        Expected::Is(Bottleneck::Network(span)) => {
            name == Some(span) && main.bottleneck_kind == Some(SectionKind::Network)
        }
        Expected::Is(Bottleneck::Gap) => main.bottleneck_kind == Some(SectionKind::Gap),
        Expected::Null => name.is_none(),
        Expected::Any => true,
    };
    if !right {
        let (expected, kind) = (expect.bottleneck, main.bottleneck_kind);
        wrong.push(format!("bottleneck: expected {expected:?}, found {kind:?} {name:?}"));
    }
    if main.evidence.is_empty() {
        wrong.push("no evidence".to_owned());
    }
    if !wrong.is_empty() {
        wrong.push(format!("it says ({}): {}", main.rule, main.summary));
    }
    wrong
}

/// The mismatches of every scenario in every generation of telemetry.
fn all(find: impl Fn(&Generated) -> Vec<Diagnosis>) -> Vec<(&'static Scenario, Telemetry, Vec<String>)> {
    let all =
        scenarios().iter().flat_map(|scenario| scenario.telemetry.iter().map(move |&telemetry| (scenario, telemetry)));
    all.filter_map(|(scenario, telemetry)| {
        let generated = generate(scenario, telemetry, BASE, 1);
        let wrong = compare(&scenario.expect(telemetry), &generated, &find(&generated));
        (!wrong.is_empty()).then_some((scenario, telemetry, wrong))
    })
    .collect()
}

fn assert_none(wrong: &[(&'static Scenario, Telemetry, Vec<String>)]) {
    let lines: Vec<_> = wrong
        .iter()
        .map(|(scenario, telemetry, wrong)| format!("{} {telemetry:?}\n    {}", scenario.name, wrong.join("\n    ")))
        .collect();
    assert!(lines.is_empty(), "{} of the stories are misread:\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn every_scenario_is_read_right_from_jaegers_own_json() {
    assert_none(&all(|generated| diagnoses(&jaeger_json(&generated.traces, JaegerVersion::V1_53), generated.now)));
}

#[test]
fn every_scenario_is_read_right_from_otlp_json() {
    assert_none(&all(|generated| diagnoses(&otlp_json(&generated.traces), generated.now)));
}

#[test]
fn noise_around_an_operation_changes_nothing() {
    assert_none(&all(|generated| {
        let mut traces = noise(generated.now - Micros::from_secs(60), generated.now, 2);
        traces.extend(generated.traces.iter().cloned());
        diagnoses(&jaeger_json(&traces, JaegerVersion::V2), generated.now)
    }));
}

#[test]
fn the_order_of_spans_and_traces_changes_nothing() {
    let mut differing = Vec::new();
    for scenario in scenarios() {
        let telemetry = scenario.telemetry.first().copied().unwrap_or(Telemetry::Current);
        let mut generated = generate(scenario, telemetry, BASE, 1);
        let read = |generated: &Generated| {
            let found = diagnoses(&jaeger_json(&generated.traces, JaegerVersion::V1_53), generated.now);
            serde_json::to_string_pretty(&found).expect("a record is JSON")
        };
        let before = read(&generated);
        generated.traces.reverse();
        generated.traces.iter_mut().for_each(|trace| trace.spans.reverse());
        let after = read(&generated);
        let line = before.lines().zip(after.lines()).find(|(before, after)| before != after);
        differing.extend(line.map(|line| (scenario.name, line.0.to_owned(), line.1.to_owned())));
    }
    assert!(differing.is_empty(), "{differing:#?}");
}

#[test]
fn scenarios_side_by_side_keep_their_verdicts() {
    let now = BASE + Micros::from_secs(86_400);
    let found = diagnoses(&jaeger_json(&demo(now, 7), JaegerVersion::V1_53), now);
    let mut missing = Vec::new();
    for scenario in scenarios().iter().filter(|scenario| scenario.telemetry.contains(&Telemetry::Current)) {
        let expect = scenario.expect(Telemetry::Current);
        let (Expected::Is(verdict), true) = (expect.verdict, expect.operations > 0) else { continue };
        if !found.iter().any(|d| d.verdict == verdict && d.operation_type == expect.operation_type) {
            missing.push(format!("{}: {verdict:?}", scenario.name));
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

/// Lists end at 10 000 rows wherever they are shown; the most important ones are among them.
#[test]
fn the_flow_of_a_giant_operation_is_cut_and_says_so() {
    let backtest = scenarios().iter().find(|scenario| scenario.number == "2").expect("a backtest");
    let mut generated = generate(backtest, Telemetry::Current, BASE, 1);
    let features = |span: &&RawSpan| span.name == "backtest.feature_compute";
    let trace = generated.traces.iter_mut().find(|trace| trace.spans.iter().any(|s| features(&s))).expect("its trace");
    let parent = trace.spans.iter().find(features).expect("the span").clone();
    for nth in 0..12_000_i64 {
        trace.spans.push(RawSpan {
            id: SpanId(0x1000_0000 + nth as u64),
            parent: Some(parent.id),
            name: "feature".into(),
            start: parent.start + Micros(nth),
            duration: Micros(1),
            status: if nth == 11_999 { Status::Error } else { Status::Unset },
            ..parent.clone()
        });
    }
    let found = diagnoses(&otlp_json(&generated.traces), generated.now);
    let operation = found.iter().find(|d| d.operation_id == generated.operation_id).expect("the backtest");
    assert_eq!(operation.flow.len(), MAX_LIST_ROWS);
    assert!(operation.flow.is_sorted_by_key(|step| step.start));
    assert!(operation.partial && operation.remarks.iter().any(|remark| remark.starts_with("flow: 10000 of ")));
    assert!(operation.flow.iter().any(|step| step.status == StepStatus::Error), "the error came last and is kept");
    assert!(operation.flow.iter().any(|step| step.is_bottleneck), "{:?}", operation.bottleneck_span);
    assert_eq!(operation.verdict.as_str(), "healthy", "cutting a list is no reason to doubt: {}", operation.summary);
}
