//! Several operations: one row each.

use std::sync::Arc;

use anstyle::Style;

use super::{
    table::{self, Cell, Column},
    text::{BAD, DIM, Look, line, minute, ms, paint, percent, severity_style, width},
};
use crate::diagnosis::{Diagnosis, OperationStatus, Verdict, WorkerStatus};

// Type and start are left out before the bottleneck: an id tells them too.
const COLUMNS: [Column; 9] = [
    Column::new("VERDICT"),
    Column::new("OPERATION"),
    Column::new("TYPE").rank(1),
    Column::new("STATUS").rank(3),
    Column::new("STARTED (UTC)").rank(2),
    Column::new("DURATION").right().rank(5),
    Column::new("BOTTLENECK").shrinks_to(24).rank(4),
    Column::new("ERROR").shrinks_to(12).rank(0),
    Column::new("SUMMARY").shrinks_to(48),
];

/// The table of operations.
pub(super) fn render(diagnoses: &[Arc<Diagnosis>], look: Look) -> String {
    let rows: Vec<Vec<Cell>> = diagnoses.iter().map(|diagnosis| row(diagnosis, look)).collect();
    let mut out = String::new();
    table::render(&mut out, &COLUMNS, &rows, 0, look);
    out
}

/// What the verdicts in the list mean, in two columns.
pub(super) fn legend(out: &mut String, diagnoses: &[Arc<Diagnosis>], look: Look) {
    let there = Verdict::ALL.into_iter().filter(|verdict| diagnoses.iter().any(|d| d.verdict == *verdict));
    let entries: Vec<String> =
        there.map(|verdict| format!("{}{}: {}", look.sign(verdict), verdict.as_str(), meaning(verdict))).collect();
    let (left, right) = entries.split_at(entries.len().div_ceil(2));
    let indent = left.iter().map(|entry| width(entry)).max().unwrap_or(0) + 3;
    let widest = right.iter().map(|entry| width(entry)).max().unwrap_or(0);
    let lines: Vec<String> = if look.columns.is_some_and(|columns| indent + widest > columns) {
        entries
    } else {
        let pairs = left.iter().zip(right.iter().map(String::as_str).chain(std::iter::repeat("")));
        pairs.map(|(left, right)| format!("{left}{}{right}", " ".repeat(indent - width(left)))).collect()
    };
    for text in lines {
        line(out, format_args!("{}", paint(DIM, text.trim_end())));
    }
}

fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Healthy => "completed, nothing to complain of",
        Verdict::Running => "at work, with recent signs of life",
        Verdict::Failed => "ended in failure",
        Verdict::Stuck => "neither ended nor heard of for too long",
        Verdict::Slow => "took longer than it should",
        Verdict::NoWorkers => "nobody was there to do it",
        Verdict::MissingData => "data was not there, or not all of it",
        Verdict::Unreachable => "a service did not answer",
        Verdict::Cancelled => "ended by a user or a shutdown",
        Verdict::TraceBroken => "traces too broken for a verdict",
        Verdict::Unknown => "not enough evidence",
        Verdict::NotFound => "no trace has this id",
    }
}

fn row(diagnosis: &Diagnosis, look: Look) -> Vec<Cell> {
    let verdict = format!("{}{}", look.sign(diagnosis.verdict), diagnosis.verdict.as_str());
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

/// How the operation is called in lists and titles: what can be given to `ktrdr-diagnose operation`.
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
