//! Where the time went: one bar per step that the end of the operation waited for, all on one time scale.

use crate::cli::text::{BAD, DIM, Layout, cut, ms, paint, percent, width};
use diagnosis::{Diagnosis, FlowStep, StepKind};

/// Bars shown; the rest is too short to matter.
const BARS: usize = 10;
/// Columns of the whole scale at least.
const LEAST: usize = 10;

pub(super) fn render(out: &mut String, d: &Diagnosis, layout: Layout) {
    let (Some(window), false) = (d.duration_ms.filter(|&window| window > 0.0), d.flow.is_empty()) else { return };
    let mut steps: Vec<&FlowStep> = d.flow.iter().filter(|step| step.path_ms > 0.0).collect();
    steps.sort_by(|a, b| b.path_ms.total_cmp(&a.path_ms));
    let hidden: f64 = steps.iter().skip(BARS).map(|step| step.path_ms).sum();
    steps.truncate(BARS);
    steps.sort_by(|a, b| a.offset_ms.total_cmp(&b.offset_ms));
    let Some(names) = steps.iter().map(|step| width(&step.span)).max() else { return };

    // Gutters, share, duration and mark take 37 columns, what is usual 15 more.
    let compared = steps.iter().any(|step| step.baseline_ms.is_some());
    let rest = if compared { 37 + 15 } else { 37 };
    let names = names.min(layout.prose() / 3).min(layout.prose().saturating_sub(rest + LEAST));
    let bar = layout.prose().saturating_sub(names + rest).max(LEAST);
    super::title(out, "WHERE THE TIME WENT");
    for step in steps {
        let name = cut(&step.span, names);
        let pad = " ".repeat(names.saturating_sub(width(&name)));
        let (before, inside) = place(step, window, bar);
        let after = " ".repeat(bar.saturating_sub(before + inside));
        let fill = if step.kind == StepKind::Gap { "░" } else { "█" }.repeat(inside);
        let (fill, mark) =
            if step.is_bottleneck { (paint(BAD, fill), paint(BAD, "← bottleneck")) } else { (fill, String::new()) };
        let (share, took) = (percent(step.path_ms / window), ms(step.path_ms));
        let usual = match step.baseline_ms {
            Some(usual) => format!("/ {:<12} ", ms(usual)),
            None => " ".repeat(if compared { 15 } else { 0 }),
        };
        let line = format!("  {name}{pad}  {}{fill}{after}  {share:>5} {took:<12}{usual}{mark}", " ".repeat(before));
        out.push_str(line.trim_end());
        out.push('\n');
    }
    if hidden > 0.0 {
        out.push_str(&paint(DIM, format!("  other steps {}, {}\n", ms(hidden), percent(hidden / window))));
    }
    let no_span = if d.flow.iter().any(|step| step.kind == StepKind::Gap && step.path_ms > 0.0) {
        "; ░ no span covers it"
    } else {
        ""
    };
    out.push_str(&paint(DIM, format!("  the bars span {} from start to end{no_span}\n", ms(window))));
    if compared {
        out.push_str(&paint(DIM, "  after the slash: what it usually takes in comparable operations\n"));
    }
}

/// Columns before the bar and in it; every bar has at least one and stays inside.
fn place(step: &FlowStep, window: f64, columns: usize) -> (usize, usize) {
    let scale = columns as f64 / window;
    let from = (step.offset_ms.max(0.0) * scale).floor().min(columns as f64 - 1.0);
    let to = ((step.offset_ms + step.duration_ms) * scale).ceil().clamp(from + 1.0, columns as f64);
    (from as usize, (to - from) as usize)
}
