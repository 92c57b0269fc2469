//! The execution flow: steps in time order, indented below what called them.

use std::collections::{HashMap, HashSet};

use crate::cli::{
    table::{self, Cell, Column},
    text::{BAD, DIM, Layout, ms},
};
use diagnosis::{Diagnosis, FlowStep, StepKind, StepStatus};
use trace::SpanId;

/// Steps shown; of more, the important ones are.
const STEPS: usize = 40;
/// Deeper steps are not indented further.
const DEEPEST: u32 = 16;

const COLUMNS: [Column; 5] = [
    Column::new("STEP").shrinks_to(28),
    Column::new("SERVICE").shrinks_to(10).rank(1),
    Column::new("AT").right().rank(0),
    Column::new("DURATION").right(),
    Column::new("").shrinks_to(12).rank(2),
];

pub(super) fn render(out: &mut String, d: &Diagnosis, layout: Layout) {
    if d.flow.is_empty() {
        return;
    }
    super::title(out, "EXECUTION FLOW");
    // The name of a client span is only its method.
    let called: HashMap<SpanId, &str> =
        d.http.iter().filter_map(|call| Some((call.span_id, call.url.as_deref()?))).collect();
    let address = |step: &FlowStep| {
        let url = *step.span_id.as_ref().and_then(|id| called.get(id)).filter(|_| step.kind == StepKind::Client)?;
        let (_, address) = url.split_once("://").unwrap_or(("", url));
        Some(address.split('?').next().unwrap_or(address))
    };
    let rows: Vec<Vec<Cell>> = important(&d.flow).into_iter().map(|step| row(step, address(step))).collect();
    let hidden = d.flow.len().saturating_sub(rows.len());
    table::render(out, &COLUMNS, &rows, 2, layout);
    super::more(out, hidden, "steps");
}

/// At most [`STEPS`] steps in their order: errors and the bottleneck first, then by their share of the path.
pub(in crate::cli) fn important(flow: &[FlowStep]) -> Vec<&FlowStep> {
    let mut ranked: Vec<(usize, &FlowStep)> = flow.iter().enumerate().collect();
    ranked.sort_by(|(_, a), (_, b)| {
        let marked = |step: &FlowStep| step.is_bottleneck || step.status == StepStatus::Error;
        marked(b).cmp(&marked(a)).then(b.path_ms.total_cmp(&a.path_ms)).then(a.depth.cmp(&b.depth))
    });
    let kept: HashSet<usize> = ranked.into_iter().take(STEPS).map(|(at, _)| at).collect();
    flow.iter().enumerate().filter(|(at, _)| kept.contains(at)).map(|(_, step)| step).collect()
}

fn row(step: &FlowStep, address: Option<&str>) -> Vec<Cell> {
    let indent = "  ".repeat(step.depth.min(DEEPEST) as usize);
    // A cell is trimmed, so the indent is drawn.
    let name = if step.depth == 0 {
        step.span.clone()
    } else {
        format!("{}└ {}", indent.replacen("  ", "", 1).replace("  ", "· "), step.span)
    };
    let style = match (step.kind, step.status) {
        (_, StepStatus::Error) => BAD,
        (StepKind::Gap, _) => DIM,
        _ => anstyle::Style::new(),
    };
    vec![
        Cell::styled(name, style),
        Cell::styled(&step.service, DIM),
        Cell::styled(offset(step.offset_ms), DIM),
        ms(step.duration_ms).into(),
        Cell::styled(note(step, address), style),
    ]
}

/// What called the operation may start before its window.
fn offset(at: f64) -> String {
    if at < 0.0 { ms(at) } else { format!("+{}", ms(at)) }
}

fn note(step: &FlowStep, address: Option<&str>) -> String {
    let mut notes: Vec<String> = address.map(|address| format!("→ {address}")).into_iter().collect();
    if step.is_bottleneck {
        notes.push("bottleneck".into());
    }
    match (step.kind, step.status, &step.error_type) {
        (_, StepStatus::Error, Some(class)) => notes.push(class.clone()),
        (_, StepStatus::Error, None) => notes.push("error".into()),
        (StepKind::Gap, ..) => notes.push("no span".into()),
        _ => {}
    }
    if step.folded > 0 {
        notes.push(format!("{} folded", step.folded));
    }
    notes.join(", ")
}
