//! The execution flow: steps in time order, indented below what called them.

use std::collections::HashSet;

use crate::{
    cli::{
        table::{self, Cell, Column},
        text::{BAD, DIM, Look, ms},
    },
    diagnosis::{Diagnosis, FlowStep},
};

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

pub(super) fn render(out: &mut String, d: &Diagnosis, look: Look) {
    if d.flow.is_empty() {
        return;
    }
    super::title(out, "EXECUTION FLOW");
    let rows: Vec<Vec<Cell>> = important(&d.flow).into_iter().map(row).collect();
    let hidden = d.flow.len().saturating_sub(rows.len());
    table::render(out, &COLUMNS, &rows, 2, look);
    super::more(out, hidden, "steps");
}

/// At most [`STEPS`] steps in their order: errors and the bottleneck first, then by their share of the path.
pub(in crate::cli) fn important(flow: &[FlowStep]) -> Vec<&FlowStep> {
    let mut ranked: Vec<(usize, &FlowStep)> = flow.iter().enumerate().collect();
    ranked.sort_by(|(_, a), (_, b)| {
        let marked = |step: &FlowStep| step.is_bottleneck || step.status == "error" || step.status == "missing";
        marked(b).cmp(&marked(a)).then(b.path_ms.total_cmp(&a.path_ms)).then(a.depth.cmp(&b.depth))
    });
    let kept: HashSet<usize> = ranked.into_iter().take(STEPS).map(|(at, _)| at).collect();
    flow.iter().enumerate().filter(|(at, _)| kept.contains(at)).map(|(_, step)| step).collect()
}

fn row(step: &FlowStep) -> Vec<Cell> {
    let indent = "  ".repeat(step.depth.min(DEEPEST) as usize);
    // A cell is trimmed, so the indent is drawn.
    let name = if step.depth == 0 {
        step.span.clone()
    } else {
        format!("{}└ {}", indent.replacen("  ", "", 1).replace("  ", "· "), step.span)
    };
    let style = match (step.kind, step.status) {
        (_, "error") => BAD,
        ("gap", _) | (_, "missing") => DIM,
        _ => anstyle::Style::new(),
    };
    vec![
        Cell::styled(name, style),
        Cell::styled(&step.service, DIM),
        Cell::styled(format!("+{}", ms(step.offset_ms)), DIM),
        ms(step.duration_ms).into(),
        Cell::styled(note(step), style),
    ]
}

fn note(step: &FlowStep) -> String {
    let mut notes: Vec<String> = Vec::new();
    if step.is_bottleneck {
        notes.push("bottleneck".into());
    }
    match (step.kind, step.status, &step.error_type) {
        (_, "error", Some(class)) => notes.push(class.clone()),
        (_, "error", None) => notes.push("error".into()),
        (_, "missing", _) => notes.push("named as a parent, but not in Jaeger".into()),
        ("gap", ..) => notes.push("no span".into()),
        _ => {}
    }
    if step.folded > 0 {
        notes.push(format!("{} folded", step.folded));
    }
    notes.join(", ")
}
