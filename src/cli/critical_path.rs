//! `ktrdr-diagnose critical-path`: the plain path of a trace, without operations or playbook.

use serde::Serialize;

use super::{
    args::{CriticalPathArgs, PathFormat},
    error::Error,
    output::{self, Waiting},
    source,
    table::{self, Cell, Column},
    text::{BOLD, DIM, Layout, line, paint, percent, prose},
};
use trace::{SpanId, SpanIx, Time, Trace, TraceId, Tree, critical_path};

/// Sections in a table before the shorter ones are only counted.
const SECTIONS: usize = 40;

/// The path of one trace.
#[derive(Debug, Serialize)]
struct Path {
    trace_id: TraceId,
    /// In time order; those of one root are contiguous and never empty.
    sections: Vec<PathSection>,
    /// Whether spans are missing, so that the true path may be another one.
    partial: bool,
    remarks: Vec<String>,
}

/// A half-open stretch of time, in microseconds since the Unix epoch.
#[derive(Debug, Serialize)]
struct PathSection {
    span_id: SpanId,
    start_us: i64,
    end_us: i64,
    #[serde(skip)]
    span: SpanIx,
}

pub(super) fn run(args: &CriticalPathArgs) -> Result<(), Error> {
    let (traces, paths) = {
        let _waiting = Waiting::new("Reading traces");
        let traces = source::traces(&args.path)?;
        let paths: Vec<Path> = traces.iter().map(path).collect();
        (traces, paths)
    };
    match args.format {
        PathFormat::Json => output::json(&paths),
        PathFormat::Table => {
            let layout = Layout::of_stdout();
            let texts = traces.iter().zip(&paths).map(|(trace, path)| render(trace, path, layout));
            output::text(&texts.collect::<Vec<_>>().join("\n"))
        }
    }
}

fn path(trace: &Trace) -> Path {
    let tree = Tree::new(trace);
    let sections = critical_path(trace, &tree)
        .into_iter()
        .filter_map(|section| {
            let span_id = trace.span(section.span)?.id();
            Some(PathSection { span_id, start_us: section.start.0, end_us: section.end.0, span: section.span })
        })
        .collect();
    let missing = tree.remarks().iter().any(|remark| remark.is_gap());
    let remarks = trace.gaps().map(str::to_owned).chain(tree.remarks().iter().map(ToString::to_string));
    Path { trace_id: trace.id(), sections, partial: missing || trace.partial().is_some(), remarks: remarks.collect() }
}

fn render(trace: &Trace, path: &Path, layout: Layout) -> String {
    const COLUMNS: [Column; 6] = [
        Column::new("AT").right(),
        Column::new("TIME").right(),
        Column::new("SHARE").right(),
        Column::new("SPAN").shrinks_to(20),
        Column::new("SERVICE").shrinks_to(14).rank(1),
        Column::new("SPAN ID").rank(0),
    ];
    let mut out = format!("{}\n", paint(BOLD, format!("Trace {}", path.trace_id)));
    let first = path.sections.first().map_or(0, |section| section.start_us);
    let total: i64 = path.sections.iter().map(|section| section.end_us - section.start_us).sum();
    let mut longest: Vec<&PathSection> = path.sections.iter().collect();
    longest.sort_by_key(|section| section.start_us - section.end_us);
    longest.truncate(SECTIONS);
    longest.sort_by_key(|section| section.start_us);
    let rows: Vec<Vec<Cell>> = longest
        .iter()
        .map(|section| {
            let time = Time(section.end_us) - Time(section.start_us);
            let span = trace.span(section.span);
            vec![
                Cell::styled(format!("+{}", Time(section.start_us) - Time(first)), DIM),
                time.to_string().into(),
                percent(time.0 as f64 / total.max(1) as f64).into(),
                span.map_or("", |span| span.name()).into(),
                Cell::styled(span.map_or("", |span| span.service()), DIM),
                Cell::styled(section.span_id.to_string(), DIM),
            ]
        })
        .collect();
    table::render(&mut out, &COLUMNS, &rows, 2, layout);
    let hidden = path.sections.len().saturating_sub(rows.len());
    if hidden > 0 {
        line(&mut out, format_args!("  … {hidden} shorter sections; `--format json` has them all"));
    }
    for remark in &path.remarks {
        prose(&mut out, 2, &format!("- {remark}"), layout.prose());
    }
    out
}
