//! One operation in full, for a terminal.

mod bars;
mod flow;

pub(super) use flow::important;

use super::{
    operations_table::name,
    table::{self, Cell, Column},
    text::{BAD, BOLD, CODE, DIM, Layout, line, ms, one_line, paint, percent, prose, second, severity_style, solution},
};
use diagnosis::{Diagnosis, ErrorRole, HttpCall, Severity};

/// Rows of a list before the rest is only counted; JSON has them all.
const ROWS: usize = 20;

/// The report of one operation.
pub(super) fn render(diagnosis: &Diagnosis, layout: Layout) -> String {
    let mut out = String::new();
    headline(&mut out, diagnosis, layout);
    facts(&mut out, diagnosis, layout);
    cause(&mut out, diagnosis, layout);
    bars::render(&mut out, diagnosis, layout);
    flow::render(&mut out, diagnosis, layout);
    workers(&mut out, diagnosis, layout);
    errors(&mut out, diagnosis, layout);
    http(&mut out, diagnosis, layout);
    findings(&mut out, diagnosis, layout);
    evidence(&mut out, diagnosis, layout);
    remarks(&mut out, diagnosis, layout);
    out
}

fn title(out: &mut String, title: &str) {
    out.push('\n');
    out.push_str(&paint(BOLD, title));
    out.push('\n');
}

fn more(out: &mut String, hidden: usize, what: &str) {
    if hidden > 0 {
        out.push_str(&paint(DIM, format!("  … {hidden} more {what}; `--format json` has them all\n")));
    }
}

fn headline(out: &mut String, d: &Diagnosis, layout: Layout) {
    let verdict = format!("{}{}", layout.symbol(d.verdict), d.verdict.as_str().to_uppercase().replace('_', " "));
    let style = severity_style(d.severity);
    line(out, format_args!("{}  {}", paint(style.bold(), verdict), paint(BOLD, name(d))));
    prose(out, 2, &d.summary, layout.prose());
}

fn facts(out: &mut String, d: &Diagnosis, layout: Layout) {
    let mut rows: Vec<(&str, String)> = Vec::new();
    let mut fact = |name, value: Option<String>| rows.extend(value.map(|value| (name, value)));
    fact("Operation", Some(format!("{}, {}", d.operation_type, d.status.as_str())));
    fact("Severity", Some(format!("{} ({})", d.severity.level(), severity_word(d.severity))));
    let reason = d.confidence_reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    fact("Confidence", Some(format!("{}{reason}", d.confidence.as_str())));
    fact("Rule", Some(d.rule.clone()).filter(|rule| !rule.is_empty()));
    fact(
        "Time",
        d.start.map(|start| {
            let took = d.duration_ms.map(ms).unwrap_or_default();
            match d.end {
                Some(end) => format!("{} to {} UTC, {took}", second(start), second(end)),
                None => format!("since {} UTC, no end seen, {took} so far", second(start)),
            }
        }),
    );
    fact(
        "Baseline",
        d.baseline_ms.map(|baseline| {
            let slowdown = d.slowdown.map(|by| format!("; this one took {by:.1} times that")).unwrap_or_default();
            format!("{} for comparable operations{slowdown}", ms(baseline))
        }),
    );
    fact("Bottleneck", d.bottleneck_span.as_ref().map(|span| bottleneck(d, span)));
    fact(
        "Progress",
        d.progress_percent.map(|percent| {
            let phase = d.progress_phase.as_ref().map(|phase| format!(" ({phase})")).unwrap_or_default();
            let at = d.progress_at.map(|at| format!(", last written {}", second(at))).unwrap_or_default();
            format!("{percent:.0} %{phase}{at}")
        }),
    );
    fact("Last activity", d.last_activity.filter(|_| d.end.is_none()).map(|at| format!("{} UTC", second(at))));
    fact("Attempts", Some(d.attempts).filter(|&n| n > 1).map(|n| n.to_string()));
    fact("Services", Some(d.services.join(", ")).filter(|services| !services.is_empty()));
    fact(
        "Spans",
        Some(d.span_count).filter(|&n| n > 0).map(|n| {
            let folded =
                if d.folded_spans > 0 { format!(", {} of noise folded away", d.folded_spans) } else { String::new() };
            format!("{n}, {} with an error{folded}", d.error_count)
        }),
    );
    let traces: Vec<String> = d.trace_ids.iter().take(4).map(ToString::to_string).collect();
    let rest = d.trace_ids.len().saturating_sub(traces.len());
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    fact("Traces", Some(format!("{}{rest}", traces.join(", "))).filter(|_| !traces.is_empty()));
    out.push('\n');
    for (name, value) in rows {
        let mut text = String::new();
        prose(&mut text, 17, &value, layout.prose());
        let label = paint(DIM, format!("  {name:<13}"));
        out.push_str(&label);
        out.push_str(text.get(15..).unwrap_or_default());
    }
}

fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Fine => "fine",
        Severity::Notice => "notice",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

fn bottleneck(d: &Diagnosis, span: &str) -> String {
    let kind = d.bottleneck_kind.map(|kind| format!(" ({})", kind.as_str())).unwrap_or_default();
    let service = d.bottleneck_service.as_ref().map(|service| format!(" in {service}")).unwrap_or_default();
    let share = match (d.bottleneck_ms, d.bottleneck_share) {
        (Some(took), Some(share)) => format!(": {}, {} of the time", ms(took), percent(share)),
        (Some(took), None) => format!(": {}", ms(took)),
        _ => String::new(),
    };
    format!("{span}{kind}{service}{share}")
}

fn cause(out: &mut String, d: &Diagnosis, layout: Layout) {
    if let Some(cause) = &d.root_cause {
        title(out, "ROOT CAUSE");
        prose(out, 2, cause, layout.prose());
    }
    if let Some(text) = &d.solution {
        title(out, "SOLUTION");
        solution(out, 2, text, layout.prose());
    }
}

fn workers(out: &mut String, d: &Diagnosis, layout: Layout) {
    const COLUMNS: [Column; 7] = [
        Column::new("TIME").rank(1),
        Column::new("SPAN").shrinks_to(12),
        Column::new("WANTED").rank(2),
        Column::new("OUTCOME"),
        Column::new("REGISTERED").right(),
        Column::new("CAPABLE").right(),
        Column::new("FREE").right(),
    ];
    if d.workers.is_empty() && d.worker_status.is_none() {
        return;
    }
    title(out, "WORKER SELECTION");
    let status = d.worker_status.map_or("not asked for", |status| status.as_str());
    let chosen = d.worker_id.as_ref().map(|id| format!(", worker {id}")).unwrap_or_default();
    prose(out, 2, &format!("{status}{chosen}"), layout.prose());
    let number = |n: Option<i64>| Cell::from(n.map(|n| n.to_string()).unwrap_or_default());
    let row = |w: &diagnosis::WorkerSelection| {
        let mut row: Vec<Cell> = vec![
            Cell::styled(w.time.map(second).unwrap_or_default(), DIM),
            w.span.as_str().into(),
            w.worker_type.as_deref().unwrap_or_default().into(),
            w.worker_status.map_or("", |status| status.as_str()).into(),
        ];
        row.extend([number(w.total), number(w.capable), number(w.available)]);
        row
    };
    let rows: Vec<Vec<Cell>> = d.workers.iter().take(ROWS).map(row).collect();
    if !rows.is_empty() {
        table::render(out, &COLUMNS, &rows, 2, layout);
    }
    more(out, d.workers.len().saturating_sub(ROWS), "selections");
}

fn errors(out: &mut String, d: &Diagnosis, layout: Layout) {
    if d.error_type.is_none() && d.error_path.is_empty() && d.errors.is_empty() {
        return;
    }
    title(out, "ERROR");
    let class = d.error_type.as_deref().unwrap_or("error");
    let place = match (&d.error_span, &d.error_service) {
        (Some(span), Some(service)) => format!(" in {span} ({service})"),
        (Some(span), None) => format!(" in {span}"),
        _ => String::new(),
    };
    line(out, format_args!("  {}{place}", paint(BAD, class)));
    if let Some(message) = &d.error_message {
        prose(out, 2, message, layout.prose());
    }
    for (at, step) in d.error_path.iter().enumerate() {
        let arrow = if at == 0 { "origin " } else { "   ↳   " };
        line(
            out,
            format_args!("  {}{} {}", paint(DIM, arrow), one_line(&step.span), paint(DIM, one_line(&step.service))),
        );
    }
    let others = |role| d.errors.iter().filter(|error| error.role == role).count();
    for (role, what) in
        [(ErrorRole::Suppressed, "did not reach the operation"), (ErrorRole::Wrapper, "only wrap the real error")]
    {
        let count = others(role);
        if count > 0 {
            out.push_str(&paint(DIM, format!("  {count} further: {what}\n")));
        }
    }
}

fn http(out: &mut String, d: &Diagnosis, layout: Layout) {
    const COLUMNS: [Column; 5] = [
        Column::new("CALL").shrinks_to(20),
        Column::new("FROM").shrinks_to(10).rank(1),
        Column::new("TO").shrinks_to(10).rank(2),
        Column::new("STATUS"),
        Column::new("DURATION").right(),
    ];
    if d.http.is_empty() {
        return;
    }
    title(out, "HTTP CALLS");
    // The failed ones are what a reader looks for.
    let mut calls: Vec<&HttpCall> = d.http.iter().collect();
    if calls.len() > ROWS {
        calls.sort_by_key(|call| (!failed(call), call.time));
        calls.truncate(ROWS);
        calls.sort_by_key(|call| call.time);
    }
    let rows: Vec<Vec<Cell>> = calls
        .into_iter()
        .map(|call| {
            let target = call.url.as_deref().or(call.route.as_deref()).unwrap_or("?");
            let status = match (call.status_code, &call.error_type) {
                (Some(code), _) => code.to_string(),
                (None, Some(error)) => format!("no answer: {error}"),
                (None, None) => "no status".into(),
            };
            let style = if failed(call) { BAD } else { anstyle::Style::new() };
            vec![
                format!("{} {target}", call.method.as_deref().unwrap_or("?")).into(),
                call.service.as_str().into(),
                call.target_service.as_deref().unwrap_or_default().into(),
                Cell::styled(status, style),
                ms(call.duration_ms).into(),
            ]
        })
        .collect();
    table::render(out, &COLUMNS, &rows, 2, layout);
    more(out, d.http.len().saturating_sub(ROWS), "calls");
}

fn failed(call: &HttpCall) -> bool {
    call.status_code.is_none_or(|code| code >= 400) || call.error_type.is_some()
}

fn findings(out: &mut String, d: &Diagnosis, layout: Layout) {
    if d.findings.is_empty() {
        return;
    }
    title(out, "ALSO FOUND");
    for finding in &d.findings {
        let style = severity_style(finding.severity);
        line(out, format_args!("  {} {}", paint(style, finding.verdict.as_str()), paint(DIM, &finding.rule)));
        prose(out, 4, &finding.summary, layout.prose());
        if let Some(cause) = &finding.root_cause {
            prose(out, 4, cause, layout.prose());
        }
        if let Some(text) = &finding.solution {
            solution(out, 4, text, layout.prose());
        }
    }
}

fn evidence(out: &mut String, d: &Diagnosis, layout: Layout) {
    const COLUMNS: [Column; 6] = [
        Column::new("WHAT").rank(2),
        Column::new("SPAN").shrinks_to(18).rank(4),
        Column::new("SERVICE").shrinks_to(10).rank(3),
        Column::new("KEY").shrinks_to(24),
        Column::new("VALUE").shrinks_to(24),
        Column::new("RULE").rank(0),
    ];
    if d.evidence.is_empty() {
        return;
    }
    title(out, "EVIDENCE");
    let row = |e: &diagnosis::Evidence| -> Vec<Cell> {
        vec![
            e.kind.as_str().into(),
            e.span.as_deref().unwrap_or_default().into(),
            Cell::styled(e.service.as_deref().unwrap_or_default(), DIM),
            e.key.as_str().into(),
            Cell::styled(&e.value, CODE),
            Cell::styled(&e.rule, DIM),
        ]
    };
    let rows: Vec<Vec<Cell>> = d.evidence.iter().take(ROWS).map(row).collect();
    table::render(out, &COLUMNS, &rows, 2, layout);
    more(out, d.evidence.len().saturating_sub(ROWS), "pieces");
}

fn remarks(out: &mut String, d: &Diagnosis, layout: Layout) {
    if d.remarks.is_empty() && !d.partial {
        return;
    }
    title(out, "REMARKS");
    if d.partial {
        prose(
            out,
            2,
            "- Not everything is here: spans, parents or pages are missing, or a limit cut the answer.",
            layout.prose(),
        );
    }
    for remark in &d.remarks {
        prose(out, 2, &format!("- {remark}"), layout.prose());
    }
}
