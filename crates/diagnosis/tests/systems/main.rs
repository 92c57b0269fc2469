//! Systems other than KTRDR: what a person reads in the recorded traces of `tests/systems`, and what holds for any trace
//! under the playbook `generic`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod celery;
mod laws;
mod numbers;
mod requests;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use diagnosis::{Context, Diagnosis, diagnose, playbook::Playbook};
use trace::{Micros, Time, Trace};

fn generic() -> &'static Playbook {
    static GENERIC: LazyLock<Playbook> = LazyLock::new(Playbook::generic);
    &GENERIC
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/systems")
}

/// The traces of a recorded case, from the answer of the legacy API or (`.v3`) of API v3.
fn recorded(case: &str) -> Vec<Trace> {
    let bytes = std::fs::read(folder().join(format!("{case}.json"))).unwrap_or_else(|error| panic!("{case}: {error}"));
    jaeger::decode(&bytes).unwrap_or_else(|error| panic!("{case}: {error}")).traces
}

/// The operations of traces, oldest first, judged so long after the last span.
fn operations(traces: &[Trace], playbook: &Playbook, after: Micros) -> Vec<Diagnosis> {
    let end = traces.iter().filter_map(Trace::end).max().unwrap_or(Time(0));
    let context = Context { now: end + after, ..Context::default() };
    let mut found = diagnose(traces, playbook, &context).diagnoses;
    found.reverse();
    found
}

/// An operation in one line: verdict, type, error with its place, bottleneck, findings.
fn line(d: &Diagnosis) -> String {
    let place = |service: &Option<String>, span: &Option<String>| {
        format!("{} / {}", service.as_deref().unwrap_or("?"), span.as_deref().unwrap_or("?"))
    };
    let error = match &d.error_type {
        Some(class) => format!("{class} in {}", place(&d.error_service, &d.error_span)),
        None => "-".to_owned(),
    };
    let bottleneck = place(&d.bottleneck_service, &d.bottleneck_span);
    let kind = d.bottleneck_kind.map_or("?", |kind| kind.as_str());
    let findings: Vec<&str> = d.findings.iter().map(|finding| finding.rule.as_str()).collect();
    let mut parts =
        vec![d.verdict.as_str().to_owned(), d.operation_type.clone(), error, format!("{kind} {bottleneck}")];
    if !findings.is_empty() {
        parts.push(findings.join(", "));
    }
    parts.join(" | ")
}

/// What a case should say, line by line.
type Expected = (&'static str, &'static [&'static str]);

/// Compares all cases of a system with what they should say, through both APIs.
fn compare(system: &str, playbook: &Playbook, after: Micros, cases: &[Expected]) {
    let mut wrong = Vec::new();
    for (case, expected) in cases {
        for form in ["", ".v3"] {
            let found: Vec<String> =
                operations(&recorded(&format!("{system}/{case}{form}")), playbook, after).iter().map(line).collect();
            if found != *expected {
                wrong.push(format!(
                    "{system}/{case}{form}:\n{}",
                    found.iter().map(|l| format!("            {l:?},")).collect::<Vec<_>>().join("\n")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "these say something else:\n{}", wrong.join("\n"));
    let known: BTreeSet<&str> = cases.iter().map(|(case, _)| *case).collect();
    let recorded: BTreeSet<String> = std::fs::read_dir(folder().join(system))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".v3.json").map(str::to_owned))
        .collect();
    assert_eq!(known, recorded.iter().map(String::as_str).collect(), "every recorded case of {system} is read");
}
