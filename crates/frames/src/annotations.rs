//! Annotations: operations as marks on the time axis of other panels.

use super::{display, field::Field, frame::Frame, record::describe};
use diagnosis::Answer;
use diagnosis::{Diagnosis, Severity};
use trace::Time;

/// One annotation per operation with at least this severity. The annotation of an operation without an end ends at `now`.
#[must_use]
pub fn annotations(answer: &Answer, least: Severity, now: Time) -> Frame {
    let rows: Vec<(Time, &Diagnosis)> = answer
        .diagnoses
        .iter()
        .filter(|d| d.severity >= least)
        .filter_map(|d| Some((d.start.or(d.end).or(d.last_activity)?, &**d)))
        .collect();
    let id = |d: &Diagnosis| d.operation_id.clone().or_else(|| d.trace_id.map(|id| id.to_string())).unwrap_or_default();
    let fields = vec![
        Field::time("time", rows.iter().map(|(start, _)| *start)),
        Field::time("timeEnd", rows.iter().map(|(start, d)| d.end.unwrap_or(now).max(*start))),
        Field::text("title", rows.iter().map(|(_, d)| title(d))),
        Field::text("text", rows.iter().map(|(_, d)| text(d))),
        Field::text("tags", rows.iter().map(|(_, d)| tags(d))),
        Field::text("id", rows.iter().map(|(_, d)| id(d))),
        Field::text("color", rows.iter().map(|(_, d)| display::verdict_color(d.verdict))),
    ];
    let mut frame = Frame::new("annotations", fields);
    describe(&mut frame, answer);
    frame
}

fn title(diagnosis: &Diagnosis) -> String {
    let verdict = display::label(diagnosis.verdict.as_str());
    match &diagnosis.operation_id {
        Some(id) => format!("{verdict}: {id}"),
        None => format!("{verdict}: {}", diagnosis.operation_type),
    }
}

/// Grafana shows the text as HTML, and error messages may contain any characters.
fn text(diagnosis: &Diagnosis) -> String {
    let parts = [Some(&diagnosis.summary), diagnosis.root_cause.as_ref(), diagnosis.solution.as_ref()];
    parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .map(|part| escaped(part))
        .collect::<Vec<_>>()
        .join("<br>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Grafana separates tags by commas, so a tag must not contain any.
fn tags(diagnosis: &Diagnosis) -> String {
    let parts =
        [Some(diagnosis.operation_type.as_str()), Some(diagnosis.verdict.as_str()), diagnosis.error_type.as_deref()];
    parts.into_iter().flatten().map(|tag| tag.replace(',', " ")).collect::<Vec<_>>().join(",")
}
