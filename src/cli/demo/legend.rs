//! What the verdicts of a list mean.

use std::sync::Arc;

use diagnosis::{Diagnosis, Verdict};

use super::super::text::{DIM, Layout, line, paint, width};

/// What the verdicts in the list mean, in two columns.
pub(super) fn legend(out: &mut String, diagnoses: &[Arc<Diagnosis>], layout: Layout) {
    let there = Verdict::ALL.into_iter().filter(|verdict| diagnoses.iter().any(|d| d.verdict == *verdict));
    let entries: Vec<String> =
        there.map(|verdict| format!("{}{}: {}", layout.symbol(verdict), verdict.as_str(), meaning(verdict))).collect();
    let (left, right) = entries.split_at(entries.len().div_ceil(2));
    let indent = left.iter().map(|entry| width(entry)).max().unwrap_or(0) + 3;
    let widest = right.iter().map(|entry| width(entry)).max().unwrap_or(0);
    let lines: Vec<String> = if layout.columns.is_some_and(|columns| indent + widest > columns) {
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
        Verdict::Healthy => "completed without problems",
        Verdict::Running => "running, with recent activity",
        Verdict::Failed => "ended in failure",
        Verdict::Stuck => "no activity for too long",
        Verdict::Slow => "took longer than it should",
        Verdict::NoWorkers => "no worker was available",
        Verdict::MissingData => "data is missing, or a part of it",
        Verdict::Unreachable => "a service did not answer",
        Verdict::Cancelled => "ended by a user or a shutdown",
        Verdict::TraceBroken => "traces too incomplete for a verdict",
        Verdict::Unknown => "not enough evidence",
        Verdict::NotFound => "no trace has this id",
    }
}
