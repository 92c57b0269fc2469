//! The table of operations: one row each.

use std::sync::Arc;

use anstyle::Style;

use super::{
    table::{self, Cell, Column},
    text::{BAD, DIM, Layout, minute, ms, percent, severity_style},
};
use diagnosis::{Diagnosis, OperationStatus, WorkerStatus};

// Type and start are left out before the bottleneck, because an operation id contains both. The summary says most, so
// all columns but the duration are left out before it gets short.
const COLUMNS: [Column; 9] = [
    Column::new("VERDICT"),
    Column::new("OPERATION"),
    Column::new("TYPE").rank(1),
    Column::new("STATUS").rank(3),
    Column::new("STARTED (UTC)").rank(2),
    Column::new("DURATION").right().rank(5),
    Column::new("BOTTLENECK").shrinks_to(24).rank(4),
    Column::new("ERROR").shrinks_to(12).rank(0),
    Column::new("SUMMARY").shrinks_to(48).keeps(80, 5),
];

/// The table of operations.
pub(super) fn render(diagnoses: &[Arc<Diagnosis>], layout: Layout) -> String {
    let rows: Vec<Vec<Cell>> = diagnoses.iter().map(|diagnosis| row(diagnosis, layout)).collect();
    let mut out = String::new();
    table::render(&mut out, &COLUMNS, &rows, 0, layout);
    out
}

fn row(diagnosis: &Diagnosis, layout: Layout) -> Vec<Cell> {
    let verdict = format!("{}{}", layout.symbol(diagnosis.verdict), diagnosis.verdict.as_str());
    vec![
        Cell::styled(verdict, severity_style(diagnosis.severity)),
        name(diagnosis).into(),
        diagnosis.operation_type.as_str().into(),
        Cell::styled(diagnosis.status.as_str(), status_style(diagnosis.status)),
        Cell::styled(diagnosis.start.map(minute).unwrap_or_default(), DIM),
        diagnosis.duration_ms.map(ms).unwrap_or_default().into(),
        bottleneck(diagnosis).into(),
        Cell::styled(error(diagnosis), BAD),
        diagnosis.summary.as_str().into(),
    ]
}

/// The name of an operation in lists and titles, which `ktrdr-diagnose operation` accepts.
pub(super) fn name(diagnosis: &Diagnosis) -> String {
    match (&diagnosis.operation_id, diagnosis.trace_id) {
        (Some(id), _) => id.clone(),
        (None, Some(trace)) => format!("trace {trace}"),
        (None, None) => "(no id)".into(),
    }
}

/// The error's class, else why no worker was selected.
fn error(diagnosis: &Diagnosis) -> &str {
    let worker = diagnosis.worker_status.filter(|status| *status != WorkerStatus::Success).map(WorkerStatus::as_str);
    diagnosis.error_type.as_deref().or(worker).unwrap_or_default()
}

fn bottleneck(diagnosis: &Diagnosis) -> String {
    match (&diagnosis.bottleneck_span, diagnosis.bottleneck_share) {
        (Some(span), Some(share)) => format!("{} {span}", percent(share)),
        (Some(span), None) => span.clone(),
        (None, _) => String::new(),
    }
}

fn status_style(status: OperationStatus) -> Style {
    match status {
        OperationStatus::Failed => BAD,
        OperationStatus::Unknown => DIM,
        _ => Style::new(),
    }
}
