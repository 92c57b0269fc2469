//! Reads diagnoses back from the JSON of Grafana's frames, as a panel does: `demo` prints what the plugin sent.

use serde_json::{Map, Value};

use diagnosis::Diagnosis;
use trace::Time;

/// The rows of a frame's JSON, each as an object of column names.
pub(super) fn rows(frame: &Value) -> Vec<Map<String, Value>> {
    let names: Vec<&str> = list(at(frame, "/schema/fields")).filter_map(|field| at(field, "/name").as_str()).collect();
    let columns: Vec<&Vec<Value>> = list(at(frame, "/data/values")).filter_map(Value::as_array).collect();
    let nanos: Vec<&Value> = list(at(frame, "/data/nanos")).collect();
    let is_time: Vec<bool> = list(at(frame, "/schema/fields")).map(|field| at(field, "/type") == "time").collect();
    let length = columns.first().map_or(0, |column| column.len());
    (0..length)
        .map(|row| {
            let cell = |(ix, name): (usize, &&str)| {
                let value = columns.get(ix).and_then(|column| column.get(row)).cloned().unwrap_or_default();
                let value = match (is_time.get(ix), value.as_i64()) {
                    (Some(true), Some(ms)) => {
                        let ns = nanos.get(ix).and_then(|column| column.get(row)).and_then(Value::as_i64).unwrap_or(0);
                        Time(ms * 1000 + ns / 1000).to_string().into()
                    }
                    _ => value,
                };
                ((*name).to_owned(), value)
            };
            names.iter().enumerate().map(cell).collect()
        })
        .collect()
}

/// What a JSON pointer points at; null when there is nothing.
pub(super) fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A diagnosis from a row of the frames `operations` and `diagnosis`; the lists of one operation are empty.
pub(super) fn diagnosis(row: Map<String, Value>) -> serde_json::Result<Diagnosis> {
    serde_json::from_value(Value::Object(row))
}

/// Puts the rows of a list into the diagnosis that it belongs to.
pub(super) fn add_list(to: &mut Diagnosis, name: &str, rows: Vec<Map<String, Value>>) -> serde_json::Result<()> {
    let rows = Value::Array(rows.into_iter().map(Value::Object).collect());
    match name {
        "flow" => to.flow = serde_json::from_value(rows)?,
        "errors" => to.errors = serde_json::from_value(rows)?,
        "http" => to.http = serde_json::from_value(rows)?,
        "workers" => to.workers = serde_json::from_value(rows)?,
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::tests::{healthy, no_workers, stuck};
    use diagnosis::Answer;
    use frames::{self, Source, View};

    #[test]
    fn what_the_plugin_sends_is_what_is_printed() {
        for sent in [no_workers(), healthy(), stuck()] {
            let source = Source { uid: "u".into(), name: "n".into() };
            let answer = Answer { diagnoses: vec![Arc::new(sent.clone())], ..Answer::default() };
            let table = frames::operations(&answer, &source).to_json().unwrap();
            let mut read = diagnosis(rows(&table).remove(0)).unwrap();
            for list in frames::lists(&sent, &View::ALL, &source) {
                let list = list.to_json().unwrap();
                add_list(&mut read, list["schema"]["name"].as_str().unwrap(), rows(&list)).unwrap();
            }
            assert_eq!(read, sent);
        }
    }
}
