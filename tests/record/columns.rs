//! The columns of the frames against the fields of the record and of its lists.

use std::{collections::BTreeSet, sync::Arc};

use diagnosis::culprits::{Compared, Culprit, Side, WhatChanged};
use diagnosis::{Answer, Diagnosis, ErrorEntry, Evidence, FlowStep, HttpCall, WorkerSelection};
use frames::{Frame, Source, View};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::names::names;

/// The record's fields that are frames of their own.
pub(crate) const LISTS: [(&str, View); 4] =
    [("flow", View::Flow), ("errors", View::Errors), ("http", View::Http), ("workers", View::Workers)];

/// A column as Grafana sees it.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// `string`, `number`, `time`, `boolean`, or `other` for JSON.
    pub(crate) kind: String,
    pub(crate) nullable: bool,
}

fn columns(frame: &Frame) -> Vec<Column> {
    let json = frame.to_json().unwrap();
    let column = |field: &Value| Column {
        name: field["name"].as_str().unwrap().to_owned(),
        kind: field["type"].as_str().unwrap().to_owned(),
        nullable: field["typeInfo"]["nullable"] == true,
    };
    json["schema"]["fields"].as_array().unwrap().iter().map(column).collect()
}

/// The columns of a frame. Column types do not depend on the rows.
pub(crate) fn of_view(view: View) -> Vec<Column> {
    let frame = match view {
        View::Diagnosis => {
            let answer = Answer { diagnoses: vec![Arc::new(Diagnosis::default())], ..Answer::default() };
            frames::diagnosis(&answer, &Source::default())
        }
        view => frames::lists(&Diagnosis::default(), &[view], &Source::default()).remove(0),
    };
    columns(&frame)
}

/// The columns of the frame `culprits`.
pub(crate) fn of_culprits() -> Vec<Column> {
    let nothing = WhatChanged::new(Compared::Operations, None, Side::default(), Side::default());
    columns(&frames::culprits(&nothing, &Source::default()))
}

/// The fields of the record that are columns of its row.
pub(crate) fn record_fields() -> Vec<&'static str> {
    let is_list = |field: &&str| LISTS.iter().any(|(list, _)| list == field);
    names::<Diagnosis>().into_iter().filter(|field| !is_list(field)).collect()
}

fn column_names(view: View) -> Vec<String> {
    of_view(view).into_iter().map(|column| column.name).collect()
}

#[test]
fn the_row_of_a_diagnosis_has_a_column_for_each_field() {
    let found: BTreeSet<String> = column_names(View::Diagnosis).into_iter().collect();
    let expected: BTreeSet<String> = record_fields().into_iter().map(str::to_owned).collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    let unknown: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty(), "crates/frames/src/record.rs has no column for the fields {missing:?}");
    assert!(
        unknown.is_empty(),
        "crates/frames/src/record.rs has columns that are not fields of the record: {unknown:?}"
    );
}

#[test]
fn the_tables_of_operations_and_of_one_diagnosis_have_the_same_columns() {
    let operations = columns(&frames::operations(&Answer::default(), &Source::default()));
    let operations: Vec<_> = operations.into_iter().map(|column| column.name).collect();
    assert_eq!(operations, column_names(View::Diagnosis));
}

/// docs/queries.md: "The others follow in the order of the record."
#[test]
fn after_the_most_important_columns_the_order_is_that_of_the_record() {
    let columns = column_names(View::Diagnosis);
    let docs = crate::read("docs/queries.md");
    let first = docs.split("matter most come first:").nth(1).unwrap().split("The others").next().unwrap();
    let first: Vec<&str> = first.split('`').skip(1).step_by(2).collect();
    assert_eq!(columns[..first.len()], first, "the first columns are not those of docs/queries.md");
    let others: Vec<_> = record_fields().into_iter().filter(|field| !first.contains(field)).collect();
    assert_eq!(columns[first.len()..], others, "the order in crates/frames/src/record.rs is not that of the record");
}

fn list_has_a_column_for_each_field<T: DeserializeOwned>(view: View, more: &[&str]) {
    let expected: Vec<_> = names::<T>().into_iter().chain(more.iter().copied()).collect();
    let found = column_names(view);
    let name = view.as_str();
    assert_eq!(found, expected, "the columns of `{name}` in crates/frames/src/lists.rs are not the fields of its rows");
}

#[test]
fn each_list_has_a_column_for_each_field_of_its_rows() {
    list_has_a_column_for_each_field::<FlowStep>(View::Flow, &[]);
    list_has_a_column_for_each_field::<ErrorEntry>(View::Errors, &[]);
    list_has_a_column_for_each_field::<HttpCall>(View::Http, &[]);
    list_has_a_column_for_each_field::<WorkerSelection>(View::Workers, &[]);
    // The summary of the finding that the evidence belongs to.
    list_has_a_column_for_each_field::<Evidence>(View::Evidence, &["summary"]);
}

/// The first example is a column of its own, so that it can have links.
#[test]
fn the_table_of_culprits_has_a_column_for_each_field_of_its_rows() {
    let found: BTreeSet<String> = of_culprits().into_iter().map(|column| column.name).collect();
    let expected = names::<Culprit>().into_iter().chain(["example_trace_id"]);
    assert_eq!(found, expected.map(str::to_owned).collect(), "crates/frames/src/culprits.rs");
}

#[test]
fn each_list_of_the_record_is_a_view() {
    for (list, view) in LISTS {
        assert_eq!(list, view.as_str());
        assert!(names::<Diagnosis>().contains(&list), "{list} is not a field of the record");
    }
}
