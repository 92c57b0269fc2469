//! Prints the diagnosis of every operation in a trace file, by the built-in playbook for KTRDR.
//!
//! ```sh
//! cargo run -p diagnosis --example diagnose -- traces.json
//! ```
//!
//! The file is an export of Jaeger's UI, an answer of its API, or OTLP JSON. Operations without an end are judged as of
//! the last span in the file.

use std::{
    env,
    error::Error,
    fs,
    io::{self, Write as _},
};

use diagnosis::{Context, diagnose, playbook::Playbook};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: diagnose FILE")?;
    let file = fs::read(&path).map_err(|error| format!("cannot read {path}: {error}"))?;
    let decoded = jaeger::decode(&file).map_err(|error| format!("cannot decode {path}: {error}"))?;

    let mut out = io::stdout().lock();
    for notice in decoded.notices() {
        writeln!(out, "note: {notice}")?;
    }
    let now = decoded.traces.iter().filter_map(trace::Trace::end).max().unwrap_or_default();
    let context = Context { now, ..Context::default() };
    let report = diagnose(&decoded.traces, &Playbook::ktrdr(), &context);
    for found in &report.diagnoses {
        let id = found.operation_id.as_deref().unwrap_or("(no id)");
        writeln!(out, "{id}: {} ({}, confidence {})", found.verdict.as_str(), found.rule, found.confidence.as_str())?;
        writeln!(out, "  {}", found.summary)?;
        for (label, text) in [("root cause", &found.root_cause), ("solution", &found.solution)] {
            if let Some(text) = text {
                writeln!(out, "  {label}: {}", text.replace('\n', "\n    "))?;
            }
        }
        for evidence in &found.evidence {
            let span = evidence.span.as_deref().unwrap_or("-");
            writeln!(out, "  evidence: {span}: {} = {}", evidence.key, evidence.value)?;
        }
    }
    if report.diagnoses.is_empty() {
        writeln!(out, "no operation in {path}")?;
    }
    Ok(())
}
