//! One operation as a report for a ticket or a chat, in the form that people who debug KTRDR know.

use std::fmt::Write;

use super::{
    operations_table::name,
    report::important,
    text::{Step, ms, one_line, percent, second, steps},
};
use diagnosis::{Diagnosis, Evidence, OperationStatus, Severity, StepKind, StepStatus};

/// The Markdown report of one diagnosis.
#[must_use]
pub fn markdown(d: &Diagnosis) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_report(&mut out, d);
    out
}

fn write_report(out: &mut String, d: &Diagnosis) -> std::fmt::Result {
    match &d.operation_id {
        Some(id) => writeln!(out, "🔍 **Trace Analysis for operation_id: {id}**\n")?,
        None => writeln!(out, "🔍 **Trace Analysis for {} (no operation_id)**\n", name(d))?,
    }
    summary(out, d)?;
    flow(out, d)?;
    writeln!(out, "**Diagnosis**: `{}` (rule `{}`, severity {})\n", d.verdict.as_str(), d.rule, d.severity.level())?;
    writeln!(out, "{}\n", plain(&d.summary))?;
    for evidence in &d.evidence {
        writeln!(out, "- {}", proof(evidence))?;
    }
    if !d.evidence.is_empty() {
        writeln!(out)?;
    }
    error(out, d)?;
    let unknown = "Not known: the traces do not show it.";
    let cause = match (&d.root_cause, d.severity) {
        (Some(cause), _) => plain(cause),
        (None, Severity::Fine) => "None: nothing is wrong.".into(),
        (None, _) => unknown.into(),
    };
    writeln!(out, "**Root Cause**:\n\n{cause}\n")?;
    writeln!(out, "**Solution**:\n")?;
    solution(out, d.solution.as_deref().unwrap_or("Nothing to do."))?;
    let why = d.confidence_reason.as_ref().map(|why| format!(" ({})", plain(why))).unwrap_or_default();
    writeln!(out, "**Confidence**: {}{why}", d.confidence.as_str())?;
    if !d.findings.is_empty() {
        writeln!(out, "\n**Also Found**:\n")?;
    }
    for finding in &d.findings {
        writeln!(out, "- `{}` ({}): {}", finding.rule, finding.verdict.as_str(), plain(&finding.summary))?;
    }
    if !d.remarks.is_empty() {
        writeln!(out, "\n**Remarks**:\n")?;
    }
    for remark in &d.remarks {
        writeln!(out, "- {}", plain(remark))?;
    }
    Ok(())
}

/// Commands become blocks of code that can be copied.
fn solution(out: &mut String, text: &str) -> std::fmt::Result {
    let mut fenced = false;
    for step in steps(text) {
        let (is_code, line) = match step {
            Step::Say(sentence) => (false, plain(sentence)),
            Step::Run(command) => (true, one_line(command)),
        };
        match (fenced, is_code) {
            (false, true) => writeln!(out, "\n```sh")?,
            (true, false) => writeln!(out, "```\n")?,
            _ => {}
        }
        fenced = is_code;
        writeln!(out, "{line}")?;
    }
    if fenced { writeln!(out, "```\n") } else { writeln!(out) }
}

fn summary(out: &mut String, d: &Diagnosis) -> std::fmt::Result {
    writeln!(out, "**Trace Summary**:\n")?;
    let trace = d.trace_id.map_or_else(|| "none".into(), |id| id.to_string());
    let others = d.trace_ids.len().saturating_sub(1);
    let others = if others > 0 { format!(" (and {others} more)") } else { String::new() };
    writeln!(out, "- Trace ID: {trace}{others}")?;
    match d.duration_ms {
        Some(took) => writeln!(out, "- Total Duration: {took:.0}ms ({})", ms(took))?,
        None => writeln!(out, "- Total Duration: unknown")?,
    }
    if let Some(start) = d.start {
        writeln!(out, "- Started: {} UTC", second(start))?;
    }
    writeln!(out, "- Services: {}", d.services.join(", "))?;
    let bad = d.error_count > 0 || d.status == OperationStatus::Failed;
    writeln!(out, "- Status: {} ({})", if bad { "ERROR" } else { "OK" }, d.status.as_str())?;
    if let (Some(span), Some(took), Some(share)) = (&d.bottleneck_span, d.bottleneck_ms, d.bottleneck_share) {
        writeln!(out, "- Bottleneck: {} - {took:.0}ms ({} of the time)", plain(span), percent(share))?;
    }
    if let Some(status) = d.worker_status {
        let number = |n: Option<i64>| n.map_or_else(|| "?".into(), |n| n.to_string());
        let [total, capable, free] = [d.workers_total, d.workers_capable, d.workers_available].map(number);
        let chosen = d.worker_id.as_ref().map(|id| format!(", chosen: {}", plain(id))).unwrap_or_default();
        let known = d.workers_total.is_some() || d.workers_capable.is_some() || d.workers_available.is_some();
        let counts =
            if known { format!(" (registered {total}, capable {capable}, free {free})") } else { String::new() };
        writeln!(out, "- Worker Selection: {}{counts}{chosen}", status.as_str())?;
    }
    writeln!(out)
}

fn flow(out: &mut String, d: &Diagnosis) -> std::fmt::Result {
    if d.flow.is_empty() {
        return Ok(());
    }
    writeln!(out, "**Execution Flow**:\n")?;
    let shown = important(&d.flow);
    for (at, step) in shown.iter().enumerate() {
        let error = match (&step.error_type, step.status) {
            (Some(class), _) => format!(" **{}**", plain(class)),
            (None, StepStatus::Error) => " **error**".into(),
            _ => String::new(),
        };
        let bottleneck = if step.is_bottleneck { " ← bottleneck" } else { "" };
        let usual =
            step.baseline_ms.map(|usual| (step.path_ms, usual)).filter(|(path, usual)| *path > 0.0 || *usual > 0.0);
        let usual = usual.map(|(path, usual)| format!(", on the path {path:.0}ms (usually {usual:.0}ms)"));
        let usual = usual.unwrap_or_default();
        let service = if step.kind == StepKind::Gap { "no span" } else { &step.service };
        writeln!(
            out,
            "{}. {} ({}) - {:.0}ms{usual}{error}{bottleneck}",
            at + 1,
            plain(&step.span),
            plain(service),
            step.duration_ms
        )?;
    }
    let hidden = d.flow.len().saturating_sub(shown.len());
    if hidden > 0 {
        writeln!(out, "\n… and {hidden} shorter steps")?;
    }
    writeln!(out)
}

fn error(out: &mut String, d: &Diagnosis) -> std::fmt::Result {
    let Some(class) = &d.error_type else { return Ok(()) };
    let message = d.error_message.as_ref().map(|text| format!(": {}", plain(text))).unwrap_or_default();
    writeln!(out, "Error: `{}`{message}\n", plain(class))?;
    for (at, step) in d.error_path.iter().enumerate() {
        let role = if at == 0 { "arose in" } else { "passed through" };
        writeln!(out, "- {role} {} ({})", plain(&step.span), plain(&step.service))?;
    }
    if d.error_path.is_empty() { Ok(()) } else { writeln!(out) }
}

pub(super) fn proof(e: &Evidence) -> String {
    let place = match (&e.span, &e.service) {
        (Some(span), Some(service)) => format!("{} ({}): ", plain(span), plain(service)),
        (Some(span), None) => format!("{}: ", plain(span)),
        _ => String::new(),
    };
    let value = one_line(&e.value).replace('`', "'");
    let id = e.span_id.map(|id| format!(", span {id}")).unwrap_or_default();
    format!("{place}`{}` = `{value}`{id}", one_line(&e.key).replace('`', "'"))
}

/// One line; nothing in it becomes a heading, a link or HTML by accident. `code` between backticks stays as it is.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    for (at, piece) in one_line(text).split('`').enumerate() {
        if at > 0 {
            out.push('`');
        }
        if at % 2 == 1 {
            out.push_str(piece);
            continue;
        }
        for c in piece.chars() {
            match c {
                '<' => out.push_str("&lt;"),
                '[' | '*' | '|' => out.extend(['\\', c]),
                c => out.push(c),
            }
        }
    }
    out
}
