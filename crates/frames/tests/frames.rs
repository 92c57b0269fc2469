//! Every frame as the browser receives it, for an operation whose record has a value in every field.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests end by panicking")]

use std::sync::Arc;

use diagnosis::culprits::{Compared, ComparedRanges, Place, RequestProfile, Section, Side, WhatChanged};
use diagnosis::{
    Answer, Confidence, Diagnosis, ErrorEntry, ErrorRole, Evidence, EvidenceKind, Finding, FlowStep, HttpCall,
    MetricAnswer, OperationStatus, PathStep, SectionKind, Severity, StepKind, StepStatus, TimeRange, Verdict,
    WorkerSelection, WorkerStatus,
};
use frames::{
    Buckets, Frame, GroupBy, Measure, Source, View, annotations, culprits, diagnosis, lists, numeric, operations,
    service_map, timeseries, trace_view,
};
use insta::assert_json_snapshot;
use jaeger::decode;
use serde_json::Value;
use testbed::grafana_harness::frame_json;
use testbed::{JaegerVersion, Telemetry, build, jaeger_json, scenarios};
use trace::{Micros, SpanId, Time, Trace, TraceId};

const START: Time = Time(1_795_341_900_000_000);
const TRACE: TraceId = TraceId(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);

fn at(seconds: i64) -> Time {
    START + Micros::from_secs(seconds)
}

fn evidence(rule: &str, key: &str, value: &str) -> Evidence {
    Evidence {
        rule: rule.into(),
        kind: EvidenceKind::Attribute,
        trace_id: Some(TRACE),
        span_id: Some(SpanId(0x20)),
        service: Some("ktrdr-api".into()),
        span: Some("worker_registry.select_worker".into()),
        key: key.into(),
        value: value.into(),
        at: Some(at(1)),
    }
}

fn step(span: &str, service: &str, id: u64, depth: u32, path_ms: f64) -> FlowStep {
    FlowStep {
        span: span.into(),
        service: service.into(),
        span_id: (id > 0).then_some(SpanId(id)),
        trace_id: (id > 0).then_some(TRACE),
        depth,
        kind: if id > 0 { StepKind::Internal } else { StepKind::Gap },
        status: if id == 0x30 { StepStatus::Error } else { StepStatus::Unset },
        start: Some(at(i64::from(depth))),
        offset_ms: f64::from(depth) * 1000.0,
        duration_ms: path_ms * 2.0,
        self_ms: path_ms,
        path_ms,
        baseline_ms: (id == 0x20).then_some(path_ms / 4.0),
        is_bottleneck: id == 0x20,
        folded: 2,
        error_type: (id == 0x30).then(|| "ConnectError".into()),
    }
}

/// A failed training with a value in every field.
#[allow(clippy::too_many_lines, reason = "a record has that many fields")]
fn failed() -> Diagnosis {
    Diagnosis {
        operation_id: Some("op_training_20261122_100500_ab12cd34".into()),
        operation_type: "training".into(),
        status: OperationStatus::Failed,
        verdict: Verdict::Unreachable,
        rule: "service.refused".into(),
        severity: Severity::Critical,
        summary: "The training worker did not answer".into(),
        root_cause: Some("The worker's process is not running".into()),
        solution: Some("docker compose up -d training-worker".into()),
        confidence: Confidence::Medium,
        confidence_reason: Some("the worker's own spans are missing".into()),
        evidence: vec![evidence("service.refused", "error.type", "ConnectError")],
        findings: vec![Finding {
            rule: "worker.n_plus_one".into(),
            verdict: Verdict::Slow,
            severity: Severity::Notice,
            summary: "40 equal calls in a row".into(),
            root_cause: None,
            solution: None,
            evidence: vec![evidence("worker.n_plus_one", "count", "40")],
        }],
        bottleneck_span: Some("worker_registry.select_worker".into()),
        bottleneck_service: Some("ktrdr-api".into()),
        bottleneck_span_id: Some(SpanId(0x20)),
        bottleneck_kind: Some(SectionKind::Span),
        bottleneck_ms: Some(1500.25),
        bottleneck_share: Some(0.75),
        worker_status: Some(WorkerStatus::Success),
        worker_id: Some("training-worker-1".into()),
        workers_total: Some(3),
        workers_capable: Some(2),
        workers_available: Some(1),
        error_type: Some("ConnectError".into()),
        error_message: Some("All connection attempts failed".into()),
        error_span: Some("POST".into()),
        error_service: Some("ktrdr-api".into()),
        error_span_id: Some(SpanId(0x30)),
        error_stacktrace: Some("Traceback …".into()),
        error_path: vec![PathStep { service: "ktrdr-api".into(), span: "POST".into(), span_id: SpanId(0x30) }],
        start: Some(START),
        end: Some(at(2)),
        duration_ms: Some(2000.5),
        progress_percent: Some(12.5),
        progress_phase: Some("loading".into()),
        progress_at: Some(at(1)),
        last_activity: Some(at(2)),
        baseline_ms: Some(1000.25),
        slowdown: Some(2.0),
        attempts: 2,
        services: vec!["ktrdr-api".into(), "training-worker".into()],
        span_count: 4,
        error_count: 1,
        folded_spans: 8,
        trace_id: Some(TRACE),
        trace_ids: vec![TRACE, TraceId(2)],
        partial: true,
        remarks: vec!["a parent is missing".into()],
        flow: vec![
            step("POST /api/v1/trainings/start", "ktrdr-api", 0x10, 0, 100.0),
            step("worker_registry.select_worker", "ktrdr-api", 0x20, 1, 1500.0),
            step("training loop", "", 0, 1, 300.0),
            step("POST", "ktrdr-api", 0x30, 2, 100.0),
        ],
        errors: vec![ErrorEntry {
            time: Some(at(2)),
            service: "ktrdr-api".into(),
            span: "POST".into(),
            span_id: SpanId(0x30),
            trace_id: TRACE,
            error_type: Some("ConnectError".into()),
            error_message: Some("All connection attempts failed".into()),
            role: ErrorRole::Origin,
            stacktrace: None,
        }],
        http: vec![HttpCall {
            time: Some(at(2)),
            method: Some("POST".into()),
            url: Some("http://training-worker:5004/training/start".into()),
            route: None,
            service: "ktrdr-api".into(),
            target_service: Some("training-worker".into()),
            status_code: None,
            duration_ms: 99.5,
            error_type: Some("ConnectError".into()),
            span_id: SpanId(0x30),
            trace_id: TRACE,
        }],
        workers: vec![WorkerSelection {
            time: Some(at(1)),
            span: "worker_registry.select_worker".into(),
            operation_type: "training".into(),
            worker_type: Some("training".into()),
            worker_status: Some(WorkerStatus::Success),
            total: Some(3),
            capable: Some(2),
            available: None,
            worker_id: Some("training-worker-1".into()),
            duration_ms: 1500.0,
            span_id: SpanId(0x20),
            trace_id: TRACE,
        }],
        cut_lists: Vec::new(),
    }
}

/// The failed training and an operation of which nothing is known.
fn answer() -> Answer {
    Answer {
        diagnoses: vec![Arc::new(failed()), Arc::new(Diagnosis::default())],
        notices: vec!["2 of 5 services were not asked".into()],
        partial: true,
        executed: "GET http://jaeger/api/traces?service=ktrdr-api".into(),
        basis: None,
    }
}

fn source() -> Source {
    Source { uid: "ktrdr".into(), name: "KTRDR Diagnosis".into() }
}

/// A frame as the browser receives it: encoded, checked by the rules of Grafana's decoder, and written as JSON.
fn received(mut frame: Frame) -> Value {
    frame.ref_id = "A".into();
    frame_json(&frame.encode().expect("the columns fit together")).expect("Grafana accepts it")
}

fn all_received(frames: Vec<Frame>) -> Vec<Value> {
    frames.into_iter().map(received).collect()
}

#[test]
fn operations_are_a_table_of_records() {
    assert_json_snapshot!(received(operations(&answer(), &source())));
}

/// The eight most important columns come first, the others are in the order of the record.
#[test]
fn the_columns_are_the_record_s_fields() {
    let frame = diagnosis(&answer(), &source());
    let record = serde_json::to_value(failed()).unwrap();
    let record = record.as_object().unwrap();
    let lists = ["flow", "errors", "http", "workers"];
    assert_eq!(frame.fields.len(), record.len() - lists.len());
    assert!(frame.fields.iter().all(|field| record.contains_key(&field.name)));
    let text = serde_json::to_string(&failed()).unwrap();
    let mut from = 0;
    for field in &frame.fields[8..] {
        let key = format!("\"{}\":", field.name);
        from += text[from..].find(&key).unwrap_or_else(|| panic!("{key} is not where the record has it"));
    }
    assert_eq!(frame.meta.preferred_visualisation_plugin_id, Some("ktrdr-diagnosis-panel"));
}

#[test]
fn an_operation_has_its_lists() {
    assert_json_snapshot!(all_received(lists(&failed(), &View::ALL, &source())));
}

#[test]
fn services_and_calls_are_a_graph_whose_edges_have_both_nodes() {
    assert_json_snapshot!(all_received(service_map(&answer())));
}

#[test]
fn operations_can_be_annotations() {
    assert_json_snapshot!(received(annotations(&answer(), Severity::Warning, at(60))));
}

#[test]
fn numbers_for_alert_rules() {
    let by = [GroupBy::OperationType, GroupBy::ErrorType, GroupBy::WorkerStatus];
    let measured = MetricAnswer::over(&answer(), Measure::NotHealthy, &by, None);
    assert_json_snapshot!(received(numeric(&measured, Measure::NotHealthy, &by)));
}

#[test]
fn numbers_over_time() {
    let range = TimeRange { from: at(-60), to: at(60) };
    let buckets = Buckets::new(range, Micros::from_secs(30), 100);
    let by = [GroupBy::OperationType];
    let measured = MetricAnswer::over(&answer(), Measure::Failed, &by, Some(buckets));
    assert_json_snapshot!(received(timeseries(&measured, Measure::Failed, &by, buckets)));
}

/// Requests of a shop: the cart takes `cart` ms by itself.
fn cart(n: u64, first: u64, cart: i64) -> Side {
    let place = |service: &str, caller: Option<&str>| Place {
        service: service.into(),
        caller: caller.map(Into::into),
        span: "Cart/Get".into(),
    };
    let section = |place: Place, ms: i64, id: u64| Section {
        kind: SectionKind::Span,
        place,
        calls: 1,
        time: Micros::from_millis(ms),
        span_id: Some(SpanId(id)),
        waiting: None,
    };
    let request = |at: u64| RequestProfile {
        operation_type: "frontend: GET /cart".into(),
        trace_id: TraceId(u128::from(first + at)),
        start: START + Micros::from_secs(at as i64),
        duration: Micros::from_millis(20 + cart),
        sections: vec![section(place("frontend", None), 20, 1), section(place("cart", Some("frontend")), cart, 2)],
        visits: Vec::new(),
    };
    Side { profiles: (0..n).map(request).collect(), executed: vec!["GET /api/traces".into()], ..Side::default() }
}

#[test]
fn culprits_are_a_ranked_table() {
    let window = TimeRange { from: START, to: at(60) };
    let ranges = ComparedRanges::new(window, None).unwrap();
    let changed = WhatChanged::new(Compared::Requests, Some(ranges), cart(30, 1, 90), cart(60, 1000, 10));
    assert_json_snapshot!(received(culprits(&changed, &source())));
}

#[test]
fn a_trace_is_shown_by_grafana_s_own_view() {
    let scenario = scenarios().iter().find(|scenario| scenario.number == "5").expect("a start without a free worker");
    let raw = build(scenario, Telemetry::Current, START, 7);
    let traces: Vec<Trace> = decode(&jaeger_json(&raw, JaegerVersion::V1_53)).unwrap().traces;
    assert_json_snapshot!(received(trace_view(&traces[..1], |_| false)));
}
