//! The record as a table: one row per operation and one column per field.
//!
//! Columns have the names of the record's fields; Grafana shows their display names. The most important columns come first,
//! the others are in the order of the record.

use serde_json::{Value, json};

use super::{
    display::{self, Source},
    field::Field,
    frame::{Frame, Notice},
};
use diagnosis::{Answer, Basis, Diagnosis, MetricAnswer, SectionKind, WorkerStatus};
use trace::Time;

/// The table of operations.
///
/// Explore shows it with Grafana's table panel, because Explore's built-in table ignores the options of columns.
#[must_use]
pub fn operations(answer: &Answer, source: &Source) -> Frame {
    let mut frame = Frame::new("operations", columns(answer, source)).with_meta(|meta| {
        meta.preferred_visualisation_type = Some("table");
        meta.preferred_visualisation_plugin_id = Some(display::TABLE_PANEL_ID);
    });
    describe(&mut frame, answer);
    frame
}

/// The table of a `diagnosis` query: the requested operation, or all operations of a trace with the main one first.
#[must_use]
pub fn diagnosis(answer: &Answer, source: &Source) -> Frame {
    let mut frame = Frame::new("diagnosis", columns(answer, source)).with_meta(|meta| {
        meta.preferred_visualisation_plugin_id = Some(display::PANEL_ID);
    });
    describe(&mut frame, answer);
    frame
}

/// What to know about an answer.
pub(super) struct About<'a> {
    notices: &'a [String],
    partial: bool,
    executed: &'a str,
    basis: Option<&'a Basis>,
}

impl<'a> From<&'a Answer> for About<'a> {
    fn from(answer: &'a Answer) -> Self {
        let Answer { notices, partial, executed, basis, .. } = answer;
        Self { notices, partial: *partial, executed, basis: basis.as_ref() }
    }
}

impl<'a> From<&'a MetricAnswer> for About<'a> {
    fn from(answer: &'a MetricAnswer) -> Self {
        let MetricAnswer { notices, partial, executed, basis, .. } = answer;
        Self { notices, partial: *partial, executed, basis: basis.as_ref() }
    }
}

/// Adds the notices and the other metadata of an answer to its frame.
pub(super) fn describe<'a>(frame: &mut Frame, about: impl Into<About<'a>>) {
    let About { notices, partial, executed, basis } = about.into();
    let notice = |text: &String| if partial { Notice::warning(text) } else { Notice::info(text) };
    frame.meta.notices.extend(notices.iter().map(notice));
    executed.clone_into(&mut frame.meta.executed_query_string);
    frame.meta.custom = Some(match basis {
        Some(basis) => json!({ "partial": partial, "coverage": coverage(basis) }),
        None => json!({ "partial": partial }),
    });
}

/// What was recorded: times in milliseconds.
fn coverage(basis: &Basis) -> Value {
    let millis = |at: Time| at.0.div_euclid(1_000);
    let covered: Vec<Value> =
        basis.covered.iter().map(|range| json!({ "from": millis(range.from), "to": millis(range.to) })).collect();
    json!({
        "covered": covered,
        "liveEdge": basis.live_edge.map(millis),
        "watermark": basis.watermark.map(millis),
    })
}

/// The rows of the table.
struct Rows<'a>(&'a Answer);

impl<'a> Rows<'a> {
    /// The values of a column.
    fn each<T>(&self, get: impl Fn(&'a Diagnosis) -> T) -> Vec<T> {
        self.0.diagnoses.iter().map(|diagnosis| get(diagnosis)).collect()
    }
}

/// The most important columns: what is wrong, with which operation, since when, and why.
const LEADING_COLUMNS: [&str; 8] =
    ["verdict", "summary", "operation_id", "operation_type", "start", "duration_ms", "error_type", "bottleneck_span"];

fn columns(answer: &Answer, source: &Source) -> Vec<Field> {
    let rows = Rows(answer);
    let mut columns = verdict_columns(&rows, source);
    columns.extend(bottleneck_columns(&rows, source));
    columns.extend(worker_columns(&rows));
    columns.extend(error_columns(&rows, source));
    columns.extend(time_columns(&rows));
    columns.extend(trace_columns(&rows, source));
    columns.sort_by_key(|column| {
        LEADING_COLUMNS.iter().position(|name| *name == column.name).unwrap_or(LEADING_COLUMNS.len())
    });
    columns
}

fn verdict_columns(rows: &Rows<'_>, source: &Source) -> Vec<Field> {
    vec![
        Field::opt_text("operation_id", rows.each(|d| d.operation_id.as_deref()))
            .config(display::operation_id(source))
            .named("Operation")
            .describe("Missing for a start that got no id"),
        Field::text("operation_type", rows.each(|d| d.operation_type.as_str()))
            .config(display::searchable(display::text(125)))
            .named("Type"),
        Field::text("status", rows.each(|d| d.status.as_str()))
            .config(display::status())
            .named("Status")
            .describe("The last state over all traces of the operation"),
        Field::text("verdict", rows.each(|d| d.verdict.as_str())).config(display::verdict()).named("Verdict"),
        Field::text("rule", rows.each(|d| d.rule.as_str()))
            .config(display::text(190))
            .named("Rule")
            .describe("The rule of the playbook that decided"),
        Field::int("severity", rows.each(|d| i64::from(d.severity.level())))
            .config(display::severity())
            .named("Severity")
            .describe("0 fine, 1 notice, 2 warning, 3 critical"),
        Field::text("summary", rows.each(|d| d.summary.as_str())).config(display::sentence()).named("What is wrong"),
        Field::opt_text("root_cause", rows.each(|d| d.root_cause.as_deref()))
            .config(display::long_text())
            .named("Root cause")
            .describe("The state that explains the verdict"),
        Field::opt_text("solution", rows.each(|d| d.solution.as_deref()))
            .config(display::long_text())
            .named("What to do"),
        Field::text("confidence", rows.each(|d| d.confidence.as_str()))
            .config(display::confidence())
            .named("Confidence"),
        Field::opt_text("confidence_reason", rows.each(|d| d.confidence_reason.as_deref()))
            .config(display::long_text())
            .named("Confidence reason")
            .describe("Why the confidence is not high"),
        Field::json("evidence", rows.each(|d| &d.evidence))
            .config(display::json_view())
            .named("Evidence")
            .describe("The spans and attributes behind the verdict"),
        Field::json("findings", rows.each(|d| &d.findings))
            .config(display::json_view())
            .named("Also found")
            .describe("What else is true, most severe first"),
    ]
}

fn bottleneck_columns(rows: &Rows<'_>, source: &Source) -> Vec<Field> {
    vec![
        Field::opt_text("bottleneck_span", rows.each(|d| d.bottleneck_span.as_deref()))
            .config(display::text(200))
            .named("Most time in")
            .describe("Where most of the time went: a span, or the phase of a gap"),
        Field::opt_text("bottleneck_service", rows.each(|d| d.bottleneck_service.as_deref()))
            .config(display::text(225))
            .named("Bottleneck service"),
        Field::opt_text("bottleneck_span_id", rows.each(|d| d.bottleneck_span_id.map(|id| id.to_string())))
            .config(display::span_id(source))
            .named("Bottleneck span"),
        Field::opt_text("bottleneck_kind", rows.each(|d| d.bottleneck_kind.map(SectionKind::as_str)))
            .config(display::text(150))
            .named("Bottleneck kind")
            .describe("span: its own time; network: between two services; gap: no span covers it"),
        Field::opt_float("bottleneck_ms", rows.each(|d| d.bottleneck_ms))
            .config(display::number("ms", None))
            .named("Bottleneck time")
            .width(130)
            .describe("Time on the operation's critical path"),
        Field::opt_float("bottleneck_share", rows.each(|d| d.bottleneck_share))
            .config(display::share())
            .named("Bottleneck share")
            .width(140)
            .describe("Share of the operation's duration"),
    ]
}

fn worker_columns(rows: &Rows<'_>) -> Vec<Field> {
    let count = |name, values| Field::opt_int(name, values).config(display::count());
    vec![
        Field::opt_text("worker_status", rows.each(|d| d.worker_status.map(WorkerStatus::as_str)))
            .config(display::worker_status())
            .named("Worker selection")
            .describe("What the selection of a worker came to"),
        Field::opt_text("worker_id", rows.each(|d| d.worker_id.as_deref())).config(display::text(190)).named("Worker"),
        count("workers_total", rows.each(|d| d.workers_total)).named("Workers registered").width(150),
        count("workers_capable", rows.each(|d| d.workers_capable))
            .named("Workers capable")
            .width(130)
            .describe("Those of the wanted type"),
        count("workers_available", rows.each(|d| d.workers_available))
            .named("Workers free")
            .width(110)
            .describe("Those that were free"),
    ]
}

fn error_columns(rows: &Rows<'_>, source: &Source) -> Vec<Field> {
    vec![
        Field::opt_text("error_type", rows.each(|d| d.error_type.as_deref()))
            .config(display::searchable(display::text(190)))
            .named("Error")
            .describe("Class of the error where it arose"),
        Field::opt_text("error_message", rows.each(|d| d.error_message.as_deref()))
            .config(display::long_text())
            .named("Error message"),
        Field::opt_text("error_span", rows.each(|d| d.error_span.as_deref()))
            .config(display::text(200))
            .named("Error arose in"),
        Field::opt_text("error_service", rows.each(|d| d.error_service.as_deref()))
            .config(display::text(225))
            .named("Error service"),
        Field::opt_text("error_span_id", rows.each(|d| d.error_span_id.map(|id| id.to_string())))
            .config(display::span_id(source))
            .named("Error span"),
        Field::opt_text("error_stacktrace", rows.each(|d| d.error_stacktrace.as_deref()))
            .config(display::long_text())
            .named("Stack trace"),
        Field::json("error_path", rows.each(|d| &d.error_path))
            .config(display::json_view())
            .named("Error path")
            .describe("The spans the error passed through, its origin first"),
    ]
}

fn time_columns(rows: &Rows<'_>) -> Vec<Field> {
    vec![
        Field::opt_time("start", rows.each(|d| d.start)).config(display::time()).named("Started"),
        Field::opt_time("end", rows.each(|d| d.end))
            .config(display::time())
            .named("Ended")
            .describe("Missing while the operation runs"),
        Field::opt_float("duration_ms", rows.each(|d| d.duration_ms))
            .config(display::number("ms", None))
            .named("Took")
            .describe("To the clock while the operation runs"),
        Field::opt_float("progress_percent", rows.each(|d| d.progress_percent))
            .config(display::number("percent", None))
            .named("Progress"),
        Field::opt_text("progress_phase", rows.each(|d| d.progress_phase.as_deref()))
            .config(display::text(150))
            .named("Phase"),
        Field::opt_time("progress_at", rows.each(|d| d.progress_at)).config(display::time()).named("Progress at"),
        Field::opt_time("last_activity", rows.each(|d| d.last_activity))
            .config(display::time())
            .named("Last activity")
            .describe("End of the latest span or event"),
        Field::opt_float("baseline_ms", rows.each(|d| d.baseline_ms))
            .config(display::number("ms", None))
            .named("Usually takes")
            .describe("Median of comparable completed operations"),
        Field::opt_float("slowdown", rows.each(|d| d.slowdown))
            .config(display::number("suffix:×", Some(1)))
            .named("Slowdown")
            .describe("Duration by baseline"),
        Field::int("attempts", rows.each(|d| i64::from(d.attempts)))
            .config(display::count())
            .named("Attempts")
            .describe("Starts and resumes, retries included"),
    ]
}

fn trace_columns(rows: &Rows<'_>, source: &Source) -> Vec<Field> {
    let count = |name, values| Field::int(name, values).config(display::count());
    vec![
        Field::json("services", rows.each(|d| &d.services)).config(display::json_view()).named("Services"),
        count("span_count", rows.each(|d| i64::from(d.span_count))).named("Spans"),
        count("error_count", rows.each(|d| i64::from(d.error_count))).named("Errors"),
        count("folded_spans", rows.each(|d| i64::from(d.folded_spans)))
            .named("Spans folded")
            .width(115)
            .describe("Noise that was folded away"),
        Field::opt_text("trace_id", rows.each(|d| d.trace_id.map(|id| id.to_string())))
            .config(display::trace_id(source))
            .named("Trace"),
        Field::json("trace_ids", rows.each(|d| &d.trace_ids)).config(display::json_view()).named("All traces"),
        Field::bool("partial", rows.each(|d| d.partial))
            .config(display::plain(90))
            .named("Partial")
            .describe("Whether spans, parents or pages are missing"),
        Field::json("remarks", rows.each(|d| &d.remarks)).config(display::json_view()).named("Remarks"),
    ]
}
