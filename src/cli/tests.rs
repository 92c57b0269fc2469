//! How hand-made records look in each format.

use std::sync::Arc;

use super::{markdown, operations_table, report, text::Layout};
use diagnosis::*;
use trace::{SpanId, Time, TraceId};

const START: Time = Time(1_795_342_000_000_000);

fn step(span: &str, service: &str, depth: u32, at: (f64, f64), path_ms: f64) -> FlowStep {
    FlowStep {
        span: span.into(),
        service: service.into(),
        span_id: Some(SpanId(7)),
        trace_id: Some(TraceId(1)),
        depth,
        kind: StepKind::Internal,
        status: StepStatus::Unset,
        start: Some(Time(START.0 + (at.0 * 1000.0) as i64)),
        offset_ms: at.0,
        duration_ms: at.1,
        self_ms: at.1,
        path_ms,
        baseline_ms: None,
        is_bottleneck: false,
        folded: 0,
        error_type: None,
    }
}

fn proof(rule: &str, span: &str, key: &str, value: &str) -> Evidence {
    Evidence {
        rule: rule.into(),
        kind: EvidenceKind::Attribute,
        trace_id: Some(TraceId(1)),
        span_id: Some(SpanId(0xab)),
        service: Some("ktrdr-api".into()),
        span: Some(span.into()),
        key: key.into(),
        value: value.into(),
        at: Some(START),
    }
}

/// A backtest that no worker could take.
pub(super) fn no_workers() -> Diagnosis {
    let mut select = step("workers.select", "ktrdr-api", 2, (12.0, 2.0), 2.0);
    select.is_bottleneck = true;
    let mut server = step("POST /api/v1/backtests/start", "ktrdr-api", 1, (5.0, 20.0), 18.0);
    server.status = StepStatus::Error;
    server.error_type = Some("HTTP 503".into());
    server.folded = 4;
    Diagnosis {
        operation_type: "backtesting".into(),
        status: OperationStatus::Failed,
        verdict: Verdict::NoWorkers,
        rule: "worker.none_registered".into(),
        severity: Severity::Critical,
        summary: "No worker could be selected: none is registered at all.".into(),
        root_cause: Some("No worker of any type is registered with the backend.".into()),
        solution: Some(
            "Start one and see it register:\n  docker compose up -d backtest-worker-1\n  ktrdr workers".into(),
        ),
        confidence: Confidence::High,
        evidence: vec![
            proof("worker.none_registered", "workers.select", "worker.total_workers", "0"),
            proof("worker.none_registered", "workers.select", "worker.selection_status", "no_workers_available"),
        ],
        bottleneck_span: Some("workers.select".into()),
        bottleneck_service: Some("ktrdr-api".into()),
        bottleneck_kind: Some(SectionKind::Span),
        bottleneck_ms: Some(2.0),
        bottleneck_share: Some(0.08),
        worker_status: Some(WorkerStatus::NoWorkersStarted),
        workers_total: Some(0),
        workers_capable: Some(0),
        workers_available: Some(0),
        error_type: Some("HTTP 503".into()),
        error_message: Some("No backtest workers available".into()),
        error_span: Some("POST /api/v1/backtests/start".into()),
        error_service: Some("ktrdr-api".into()),
        error_path: vec![
            PathStep { service: "ktrdr-api".into(), span: "POST /api/v1/backtests/start".into(), span_id: SpanId(2) },
            PathStep { service: "ktrdr-cli".into(), span: "POST".into(), span_id: SpanId(1) },
        ],
        start: Some(START),
        end: Some(Time(START.0 + 25_000)),
        duration_ms: Some(25.0),
        last_activity: Some(Time(START.0 + 25_000)),
        attempts: 4,
        services: vec!["ktrdr-api".into(), "ktrdr-cli".into()],
        span_count: 12,
        error_count: 2,
        folded_spans: 4,
        trace_id: Some(TraceId(0x1f)),
        trace_ids: vec![TraceId(0x1f), TraceId(0x2f)],
        remarks: vec!["3 retries with the same outcome were folded".into()],
        flow: vec![step("POST", "ktrdr-cli", 0, (0.0, 25.0), 5.0), server, select],
        http: vec![HttpCall {
            time: Some(START),
            method: Some("POST".into()),
            url: Some("http://localhost:8000/api/v1/backtests/start".into()),
            route: Some("/api/v1/backtests/start".into()),
            service: "ktrdr-cli".into(),
            target_service: Some("ktrdr-api".into()),
            status_code: Some(503),
            duration_ms: 25.0,
            error_type: Some("503".into()),
            span_id: SpanId(1),
            trace_id: TraceId(0x1f),
        }],
        workers: vec![WorkerSelection {
            time: Some(START),
            span: "workers.select".into(),
            operation_type: "backtesting".into(),
            worker_type: Some("backtesting".into()),
            worker_status: Some(WorkerStatus::NoWorkersStarted),
            total: Some(0),
            capable: Some(0),
            available: Some(0),
            worker_id: None,
            duration_ms: 2.0,
            span_id: SpanId(3),
            trace_id: TraceId(0x1f),
        }],
        ..Diagnosis::default()
    }
}

/// A training that is fine; most of its time no span covers.
pub(super) fn healthy() -> Diagnosis {
    let mut gap = step("training loop", "ktrdr-training-worker-178407b8", 1, (20_000.0, 1_420_000.0), 1_420_000.0);
    gap.kind = StepKind::Gap;
    gap.span_id = None;
    gap.is_bottleneck = true;
    gap.baseline_ms = Some(1_280_000.0);
    Diagnosis {
        operation_id: Some("op_training_20261122_100505_a41e50c8".into()),
        operation_type: "training".into(),
        status: OperationStatus::Completed,
        verdict: Verdict::Healthy,
        rule: "outcome.completed".into(),
        summary: "Completed; most of the time went into the training loop.".into(),
        bottleneck_span: Some("training loop".into()),
        bottleneck_service: Some("ktrdr-training-worker-178407b8".into()),
        bottleneck_kind: Some(SectionKind::Gap),
        bottleneck_ms: Some(1_420_000.0),
        bottleneck_share: Some(0.986),
        worker_status: Some(WorkerStatus::Success),
        start: Some(START),
        end: Some(Time(START.0 + 1_440_000_000)),
        duration_ms: Some(1_440_000.0),
        baseline_ms: Some(1_300_000.0),
        slowdown: Some(1.1077),
        attempts: 1,
        services: vec!["ktrdr-api".into(), "ktrdr-training-worker-178407b8".into()],
        span_count: 20,
        trace_id: Some(TraceId(0x2a)),
        trace_ids: vec![TraceId(0x2a)],
        findings: vec![Finding {
            rule: "data.wide".into(),
            verdict: Verdict::Healthy,
            severity: Severity::Notice,
            summary: "Data loading asked for [three] symbols <one> after the other.".into(),
            root_cause: None,
            solution: None,
            evidence: Vec::new(),
        }],
        flow: vec![step("POST /training/start", "ktrdr-training-worker-178407b8", 0, (0.0, 20_000.0), 20_000.0), gap],
        ..Diagnosis::default()
    }
}

/// An operation without an end, of which little is known.
pub(super) fn stuck() -> Diagnosis {
    Diagnosis {
        operation_id: Some("op_data_load_20261122_100505_0badcafe".into()),
        operation_type: "data_load".into(),
        status: OperationStatus::Running,
        verdict: Verdict::Stuck,
        rule: "stuck.silent".into(),
        severity: Severity::Critical,
        summary: "No span for 50 min after \"running\"; 数据下载 stands still.".into(),
        confidence: Confidence::Medium,
        confidence_reason: Some("progress is not written into traces".into()),
        start: Some(START),
        duration_ms: Some(3_000_000.0),
        last_activity: Some(Time(START.0 + 5_000_000)),
        progress_percent: Some(45.0),
        progress_phase: Some("downloading".into()),
        attempts: 1,
        partial: true,
        ..Diagnosis::default()
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn a_list_in_a_pipe_has_every_column_and_no_signs() {
    let all = [no_workers(), healthy(), stuck()].map(Arc::new);
    insta::assert_snapshot!(plain(&operations_table::render(&all, Layout { columns: None })));
}

#[test]
fn a_list_on_a_terminal_fits_its_width() {
    let all = [no_workers(), healthy(), stuck()].map(Arc::new);
    for columns in [80, 120, 160] {
        let text = plain(&operations_table::render(&all, Layout { columns: Some(columns) }));
        let widest = text.lines().map(super::text::width).max().unwrap_or(0);
        assert!(widest <= columns, "{widest} > {columns}\n{text}");
        assert!(text.contains("op_training_20261122_100505_a41e50c8"), "an id is never cut\n{text}");
    }
    insta::assert_snapshot!(plain(&operations_table::render(&all, Layout { columns: Some(120) })));
}

#[test]
fn severity_has_a_colour() {
    let text = operations_table::render(&[Arc::new(no_workers())], Layout { columns: Some(120) });
    assert!(text.contains("\x1b[1m\x1b[31m∅ no_workers\x1b[0m"), "{text:?}");
}

#[test]
fn a_report_shows_the_verdict_first_and_the_proof_last() {
    insta::assert_snapshot!(plain(&report::render(&no_workers(), Layout { columns: Some(100) })));
}

#[test]
fn a_report_of_a_healthy_operation_shows_where_the_time_went() {
    insta::assert_snapshot!(plain(&report::render(&healthy(), Layout { columns: Some(100) })));
}

#[test]
fn a_report_leaves_out_what_is_unknown() {
    insta::assert_snapshot!(plain(&report::render(&stuck(), Layout { columns: None })));
}

#[test]
fn no_line_of_a_report_is_wider_than_a_narrow_terminal() {
    for diagnosis in [no_workers(), healthy(), stuck()] {
        let text = plain(&report::render(&diagnosis, Layout { columns: Some(80) }));
        for line in text.lines() {
            assert!(super::text::width(line) <= 80, "{line}");
        }
    }
}

#[test]
fn the_markdown_follows_the_response_template() {
    insta::assert_snapshot!(markdown(&no_workers()));
}

#[test]
fn markdown_of_a_trace_cannot_become_links_or_html() {
    let text = markdown(&healthy());
    assert!(text.contains("\\[three] symbols &lt;one>"), "{text}");
}
