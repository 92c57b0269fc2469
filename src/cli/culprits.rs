//! `ktrdr-diagnose culprits`: what changed between a window and a baseline.

use std::path::PathBuf;

use anstyle::Style;

use super::{
    args::{CulpritFormat, CulpritsArgs},
    culprits_markdown::markdown,
    error::Error,
    operations::investigator,
    output::{self, Waiting},
    source,
    table::{self, Cell, Column},
    text::{BAD, DIM, Layout, ms},
};
use diagnosis::culprits::{Compared, ComparedRanges, Culprit, Side, WhatChanged};
use diagnosis::{Confidence, Context, Detail, Filters, TimeRange, observe_operations};
use trace::Trace;

const COLUMNS: [Column; 9] = [
    Column::new("RANK").right(),
    Column::new("SERVICE"),
    Column::new("KIND"),
    Column::new("SPAN").shrinks_to(24),
    Column::new("CALLER").shrinks_to(12).rank(1),
    Column::new("AFFECTED").right().rank(3),
    Column::new("EXCESS").right().rank(4),
    Column::new("CONFIDENCE").rank(2),
    Column::new("SUMMARY").shrinks_to(48),
];

/// Compares two time ranges of a Jaeger.
pub(super) async fn of_ranges(args: &CulpritsArgs) -> Result<(), Error> {
    let now = args.clock.now();
    let window = TimeRange { from: args.from.at(now), to: args.to.at(now) };
    let end = args.baseline_to.map_or(window.from, |when| when.at(now));
    let baseline = args.baseline_from.map_or(end - (window.to - window.from), |when| when.at(now));
    let baseline = TimeRange { from: baseline, to: end };
    let ranges = ComparedRanges::new(window, Some(baseline)).map_err(|error| Error::Usage(error.to_string()))?;
    let filters = Filters { types: args.types.clone(), ..Filters::default() };
    let investigator = investigator(&args.jaeger, &args.rules, args.jaeger.lookback)?;
    let answer = {
        let _waiting = Waiting::new("Asking Jaeger for both time ranges");
        investigator.culprits(ranges, &filters, now).await?
    };
    print(&answer, args.format)
}

/// Compares trace files.
pub(super) fn of_files(args: &CulpritsArgs) -> Result<(), Error> {
    let playbook = source::playbook(args.rules.playbook.as_deref())?;
    let answer = {
        let _waiting = Waiting::new("Reading traces");
        let (window, baseline) = (traces(&args.files)?, traces(&args.baseline)?);
        let context = Context {
            now: args.clock.now(),
            baseline_window: args.rules.baseline_window,
            detail: Detail::Record,
            ..Context::default()
        };
        let [of_window, of_baseline] = [&window, &baseline].map(|side| observe_operations(side, &playbook, &context));
        if of_window.is_empty() && of_baseline.is_empty() {
            output::note("these files hold no operation of the playbook, so requests are compared, one per root span");
            let (window, baseline) = (Side::of_requests(&window), Side::of_requests(&baseline));
            WhatChanged::new(Compared::Requests, None, window, baseline)
        } else {
            let (window, baseline) = (Side::of_operations(of_window), Side::of_operations(of_baseline));
            WhatChanged::new(Compared::Operations, None, window, baseline)
        }
    };
    print(&answer, args.format)
}

/// The traces of all files, each trace once.
fn traces(files: &[PathBuf]) -> Result<Vec<Trace>, Error> {
    let mut all = Vec::new();
    for path in files {
        all.extend(source::traces(path)?);
    }
    jaeger::merge(&mut all);
    Ok(all)
}

fn print(answer: &WhatChanged, format: CulpritFormat) -> Result<(), Error> {
    // The Markdown report contains them.
    if format != CulpritFormat::Markdown {
        answer.notices.iter().for_each(|notice| output::note(notice));
    }
    let culprits = &answer.comparison.culprits;
    match format {
        CulpritFormat::Json => output::json(culprits),
        CulpritFormat::Markdown => output::text(&markdown(answer)),
        CulpritFormat::Table if culprits.is_empty() => Ok(()),
        CulpritFormat::Table => {
            let rows: Vec<Vec<Cell>> = culprits.iter().map(row).collect();
            let mut out = String::new();
            table::render(&mut out, &COLUMNS, &rows, 0, Layout::of_stdout());
            output::text(&out)
        }
    }
}

fn row(culprit: &Culprit) -> Vec<Cell> {
    let confidence = match culprit.confidence {
        Confidence::High => Style::new(),
        Confidence::Medium | Confidence::Low => DIM,
    };
    vec![
        culprit.rank.to_string().into(),
        Cell::styled(&culprit.service, BAD),
        culprit.kind.as_str().into(),
        culprit.span.as_str().into(),
        Cell::styled(culprit.caller.as_deref().unwrap_or_default(), DIM),
        culprit.affected.to_string().into(),
        culprit.excess_ms.map(ms).unwrap_or_default().into(),
        Cell::styled(culprit.confidence.as_str(), confidence),
        culprit.summary.as_str().into(),
    ]
}
