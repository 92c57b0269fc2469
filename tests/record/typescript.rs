//! `frontend/src/shared/record.generated.ts`: the record and its words for the browser side.

use std::fmt::Write;

use diagnosis::culprits::CulpritKind;
use diagnosis::{
    Confidence, ErrorRole, EvidenceKind, Finding, OperationStatus, PathStep, SectionKind, Severity, StepKind,
    StepStatus, Verdict, WorkerStatus,
};
use frames::{CULPRIT_SCORE, GroupBy, Measure, View};

use crate::{
    columns::{Column, of_culprits, of_view},
    compare_or_update,
    names::names,
};

const FILE: &str = "frontend/src/shared/record.generated.ts";
/// The line length of `frontend/.prettierrc.json`.
const LINE: usize = 120;

const HEAD: &str = "\
// Generated from the backend's record (crates/diagnosis/src/record, crates/frames/src). Do not edit: change the record and run
// UPDATE_DOCS=1 cargo test --test record. docs/reading-a-diagnosis.md explains the fields.
";

/// Columns whose type says more than that they are text, numbers or JSON.
fn precise_type(interface: &str, column: &str) -> Option<&'static str> {
    Some(match (interface, column) {
        ("Diagnosis", "status") => "OperationStatus",
        (_, "verdict") => "Verdict",
        (_, "severity") => "Severity",
        (_, "confidence") => "Confidence",
        (_, "bottleneck_kind") => "SectionKind",
        (_, "worker_status") => "WorkerStatus",
        ("FlowStep", "kind") => "StepKind",
        ("FlowStep", "status") => "StepStatus",
        ("Evidence", "kind") => "EvidenceKind",
        ("Culprit", "kind") => "CulpritKind",
        (_, "role") => "ErrorRole",
        (_, "evidence") => "Evidence[]",
        (_, "findings") => "Finding[]",
        (_, "error_path") => "PathStep[]",
        (_, "services" | "trace_ids" | "remarks" | "operation_types" | "example_trace_ids") => "string[]",
        _ => return None,
    })
}

/// How the browser side reads a column; `?` if it may be null.
fn column_type(column: &Column) -> String {
    let kind = match column.kind.as_str() {
        "string" => "text",
        "other" => "json",
        kind => kind,
    };
    format!("{kind}{}", if column.nullable { "?" } else { "" })
}

fn typescript_type(interface: &str, column: &Column) -> String {
    let general = match column.kind.as_str() {
        "string" => "string",
        // Grafana decodes times to milliseconds since 1970.
        "number" | "time" => "number",
        "boolean" => "boolean",
        _ => "",
    };
    let kind = precise_type(interface, &column.name).unwrap_or(general);
    assert!(
        !kind.is_empty(),
        "tests/record/typescript.rs does not know the type of the JSON column {}: add it to precise_type",
        column.name
    );
    format!("{kind}{}", if column.nullable { " | null" } else { "" })
}

/// A constant with all words, formatted as Prettier does, and the type of one of them.
fn words(out: &mut String, constant: &str, name: &str, words: &[&str]) {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let line = format!("export const {constant} = [{}] as const;", quoted.join(", "));
    if line.len() <= LINE {
        writeln!(out, "\n{line}").unwrap();
    } else {
        writeln!(out, "\nexport const {constant} = [\n  {},\n] as const;", quoted.join(",\n  ")).unwrap();
    }
    writeln!(out, "export type {name} = (typeof {constant})[number];").unwrap();
}

fn interface(out: &mut String, name: &str, columns: &[Column]) {
    writeln!(out, "\nexport interface {name} {{").unwrap();
    for column in columns {
        writeln!(out, "  {}: {};", column.name, typescript_type(name, column)).unwrap();
    }
    writeln!(out, "}}").unwrap();
}

/// The columns with the names of these fields, in their order.
fn select(fields: &[&'static str], columns: &[Column]) -> Vec<Column> {
    let find = |field: &&str| {
        let found = columns.iter().find(|column| column.name == **field).cloned();
        found.unwrap_or_else(|| panic!("no column gives tests/record/typescript.rs the type of `{field}`"))
    };
    fields.iter().map(find).collect()
}

fn severities() -> String {
    let levels: Vec<String> =
        (0..=u8::MAX).filter(|n| Severity::from_level(*n).is_some()).map(|n| n.to_string()).collect();
    levels.join(" | ")
}

fn generated() -> String {
    let mut out = HEAD.to_owned();
    words(&mut out, "VERDICTS", "Verdict", &names::<Verdict>());
    words(&mut out, "STATUSES", "OperationStatus", &names::<OperationStatus>());
    words(&mut out, "CONFIDENCES", "Confidence", &names::<Confidence>());
    words(&mut out, "WORKER_STATUSES", "WorkerStatus", &names::<WorkerStatus>());
    words(&mut out, "SECTION_KINDS", "SectionKind", &names::<SectionKind>());
    words(&mut out, "EVIDENCE_KINDS", "EvidenceKind", &names::<EvidenceKind>());
    words(&mut out, "STEP_KINDS", "StepKind", &names::<StepKind>());
    words(&mut out, "STEP_STATUSES", "StepStatus", &names::<StepStatus>());
    words(&mut out, "ERROR_ROLES", "ErrorRole", &names::<ErrorRole>());
    words(&mut out, "VIEWS", "View", &View::ALL.map(View::as_str));
    words(&mut out, "CULPRIT_KINDS", "CulpritKind", &names::<CulpritKind>());
    words(&mut out, "MEASURES", "Measure", &Measure::names().chain([CULPRIT_SCORE]).collect::<Vec<_>>());
    words(&mut out, "GROUPS", "Group", &GroupBy::ALL.map(GroupBy::as_str));
    writeln!(out, "\nexport type Severity = {};", severities()).unwrap();

    let record = select(&crate::columns::record_fields(), &of_view(View::Diagnosis));
    let tables = [
        (View::Diagnosis.as_str(), "Diagnosis", record),
        (View::Flow.as_str(), "FlowStep", of_view(View::Flow)),
        (View::Evidence.as_str(), "Evidence", of_view(View::Evidence)),
        (View::Errors.as_str(), "ErrorEntry", of_view(View::Errors)),
        (View::Http.as_str(), "HttpCall", of_view(View::Http)),
        (View::Workers.as_str(), "WorkerSelection", of_view(View::Workers)),
        ("culprits", "Culprit", of_culprits()),
    ];
    let (_, _, record) = &tables[0];
    interface(&mut out, "Finding", &select(&names::<Finding>(), record));
    interface(&mut out, "PathStep", &select(&names::<PathStep>(), &of_view(View::Errors)));
    for (_, name, columns) in &tables {
        interface(&mut out, name, columns);
    }
    out.push_str("\n/** The row of each frame. */\nexport interface Rows {\n");
    for (frame, name, _) in &tables {
        writeln!(out, "  {frame}: {name};").unwrap();
    }
    out.push_str("}\n\n/** The columns of each frame and how to read them. */\nexport const COLUMNS = {\n");
    for (frame, _, columns) in &tables {
        writeln!(out, "  {frame}: {{").unwrap();
        for column in columns {
            writeln!(out, "    {}: '{}',", column.name, column_type(column)).unwrap();
        }
        out.push_str("  },\n");
    }
    out.push_str("} as const;\n");
    out
}

#[test]
fn the_browser_side_has_the_fields_and_the_words_of_the_record() {
    compare_or_update(FILE, &generated());
}
