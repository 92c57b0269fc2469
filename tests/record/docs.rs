//! The tables of `docs/reading-a-diagnosis.md` and `docs/queries.md` against the record.

use std::fmt::Write;

use diagnosis::culprits::{Culprit, CulpritKind};
use diagnosis::{
    Confidence, ErrorEntry, ErrorRole, EvidenceKind, FlowStep, HttpCall, OperationStatus, SectionKind, Severity,
    Verdict, WorkerSelection, WorkerStatus,
};
use frames::{CULPRIT_SCORE, GroupBy, Measure, View};

use crate::{
    columns::{LISTS, record_fields},
    compare_or_update,
    names::names,
    read,
};

const PAGE: &str = "docs/reading-a-diagnosis.md";

/// The part of a page below a heading, up to the next heading of the same or a higher level.
fn section<'t>(page: &'t str, heading: &str) -> &'t str {
    let level = heading.split(' ').next().unwrap().len();
    let text = page.split_once(&format!("{heading}\n")).unwrap_or_else(|| panic!("no heading {heading}")).1;
    let ends = (1..=level).filter_map(|n| text.find(&format!("\n{} ", "#".repeat(n))));
    &text[..ends.min().unwrap_or(text.len())]
}

/// The rows of the tables in a part of a page, cell by cell, without the heads.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = text.lines().collect();
    let is_rule = |line: &str| line.starts_with("|---") || line.starts_with("| ---");
    let body = lines.iter().enumerate().filter(|(ix, line)| {
        let is_head = lines.get(ix + 1).is_some_and(|next| is_rule(next));
        line.starts_with('|') && !is_rule(line) && !is_head
    });
    body.map(|(_, line)| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// The words in backquotes.
fn words(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The first cells of the rows, each with one word or several.
fn first_words<'t>(rows: &[Vec<&'t str>]) -> Vec<&'t str> {
    rows.iter().flat_map(|row| words(row[0])).collect()
}

#[test]
fn each_field_has_one_row_in_the_tables_of_fields() {
    let page = read(PAGE);
    let (fields, evidence) = (section(&page, "## The fields"), section(&page, "### Evidence"));
    let kinds = first_words(&rows(evidence));
    assert_eq!(kinds, names::<EvidenceKind>(), "{PAGE}, section Evidence, does not list the kinds of evidence");
    let fields = fields.replace(evidence, "");
    let documented = first_words(&rows(&fields));
    for field in record_fields() {
        let count = documented.iter().filter(|name| **name == field).count();
        assert_eq!(count, 1, "{PAGE}, section The fields, has {count} rows for `{field}`");
    }
    for name in &documented {
        assert!(record_fields().contains(name), "{PAGE}, section The fields, explains `{name}`, which is not a field");
    }
}

#[test]
fn the_words_of_a_field_are_listed_in_its_row() {
    let page = read(PAGE);
    let table = rows(section(&page, "## The fields"));
    let lists_all = |field: &str, expected: Vec<&str>| {
        let row = table.iter().find(|row| words(row[0]).contains(&field)).unwrap();
        let found = words(row[1]);
        for word in expected {
            assert!(found.contains(&word), "{PAGE}: the row of `{field}` does not mention `{word}`");
        }
    };
    lists_all("status", names::<OperationStatus>());
    lists_all("bottleneck_kind", names::<SectionKind>());
    // The cell explains NO_WORKERS_STARTED and the others one by one.
    lists_all("worker_status", names::<WorkerStatus>());
}

#[test]
fn verdicts_severities_and_confidences_are_listed() {
    let page = read(PAGE);
    let verdicts = section(&page, "## Verdicts");
    let verdicts = verdicts.split("\n### ").next().unwrap();
    assert_eq!(first_words(&rows(verdicts)), names::<Verdict>(), "{PAGE}, section Verdicts");
    let severities = verdicts.lines().find(|line| line.starts_with("Severity: ")).unwrap();
    for level in (0..=u8::MAX).filter(|level| Severity::from_level(*level).is_some()) {
        assert!(severities.contains(&format!("{level} ")), "{PAGE} does not explain severity {level}");
    }
    let mut confidences = names::<Confidence>();
    confidences.reverse();
    assert_eq!(first_words(&rows(section(&page, "## Confidence"))), confidences, "{PAGE}, section Confidence");
}

#[test]
fn the_lists_are_listed_with_the_roles_of_errors() {
    let page = read(PAGE);
    let table = rows(section(&page, "## The lists of one operation"));
    let documented: Vec<_> = table.iter().take_while(|row| row.len() == 3).flat_map(|row| words(row[0])).collect();
    assert_eq!(documented, LISTS.map(|(list, _)| list), "{PAGE}, section The lists of one operation");
    let errors = table.iter().find(|row| row[0] == "`errors`").unwrap();
    for role in names::<ErrorRole>() {
        assert!(words(errors[2]).contains(&role), "{PAGE}: the row of `errors` does not mention the role `{role}`");
    }
}

/// The table is generated: it only repeats names.
#[test]
fn the_columns_of_the_lists_are_listed() {
    let columns = |view: View| match view {
        View::Errors => names::<ErrorEntry>(),
        View::Http => names::<HttpCall>(),
        View::Workers => names::<WorkerSelection>(),
        _ => names::<FlowStep>(),
    };
    let head = "| list | columns |\n|---|---|\n";
    let mut table = head.to_owned();
    for (list, view) in LISTS {
        let columns: Vec<String> = columns(view).iter().map(|column| format!("`{column}`")).collect();
        writeln!(table, "| `{list}` | {} |", columns.join(", ")).unwrap();
    }
    let page = read(PAGE);
    let (before, rest) = page.split_once(head).unwrap_or_else(|| panic!("{PAGE} has no table of columns"));
    let after: String =
        rest.lines().skip_while(|line| line.starts_with('|')).fold(String::new(), |text, line| text + line + "\n");
    compare_or_update(PAGE, &format!("{before}{table}{after}"));
}

#[test]
fn measures_groups_and_views_are_listed() {
    let page = read("docs/queries.md");
    let metric = rows(section(&page, "## `metric`: numbers for charts and alert rules"));
    let row = |name: &str| words(metric.iter().find(|row| row[0] == format!("`{name}`")).unwrap()[1]);
    let verdicts = names::<Verdict>();
    for measure in Measure::names().filter(|measure| *measure == "failed" || !verdicts.contains(measure)) {
        assert!(row("measure").contains(&measure), "docs/queries.md does not mention the measure `{measure}`");
    }
    assert!(row("measure").contains(&CULPRIT_SCORE), "docs/queries.md does not mention the measure `{CULPRIT_SCORE}`");
    assert_eq!(row("groupBy"), GroupBy::ALL.map(GroupBy::as_str), "docs/queries.md: the groups of a metric");
    for view in View::ALL {
        assert!(page.contains(&format!("`{}`", view.as_str())), "docs/queries.md does not mention the view {view:?}");
    }
}

/// The first example is a column of its own only in Grafana; docs/queries.md explains it.
#[test]
fn the_columns_of_culprits_are_listed() {
    let page = read("docs/culprits.md");
    let documented = first_words(&rows(section(&page, "## A row")));
    for field in names::<Culprit>() {
        assert!(documented.contains(&field), "docs/culprits.md, section A row, does not explain `{field}`");
    }
    for kind in names::<CulpritKind>() {
        assert!(documented.contains(&kind), "docs/culprits.md, section A row, does not explain the kind `{kind}`");
    }
    assert!(read("docs/queries.md").contains("`example_trace_id`"));
}
