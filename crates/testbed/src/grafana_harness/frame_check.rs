//! Checks frames by the rules of Grafana's own decoder (`data.UnmarshalArrowFrame` in its Go SDK).
//!
//! The decoder rejects a whole response because of one invalid frame, and silently drops metadata that it does not know. Both
//! are errors here. `tests/grafana_decoder.rs` runs the real decoder.

use std::collections::BTreeMap;

use arrow::{array::ArrayRef, datatypes::Schema, error::ArrowError, ipc::reader::FileReader};
use serde_json::Value;

use frames::{is_accepted, to_json};

/// Why Grafana would reject a frame, and with it the answers to all queries of the request.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The bytes are not an Arrow file.
    #[error("not an Arrow IPC file: {0}")]
    Arrow(#[from] ArrowError),
    /// A column has a type that Grafana does not read.
    #[error("column {column}: Grafana does not read the Arrow type {kind}")]
    Type {
        /// Name of the column.
        column: String,
        /// Arrow type of the column.
        kind: String,
    },
    /// Grafana rejects or drops some of the metadata.
    #[error("{place}: {problem}")]
    Metadata {
        /// Which metadata.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// The keys of `meta` that Grafana keeps. It drops all others.
const META_KEYS: [&str; 12] = [
    "type",
    "typeVersion",
    "path",
    "custom",
    "stats",
    "notices",
    "channel",
    "preferredVisualisationType",
    "preferredVisualisationPluginId",
    "executedQueryString",
    "dataTopic",
    "uniqueRowIdFields",
];

/// The keys of a field's `config` that Grafana keeps. It drops all others.
const CONFIG_KEYS: [&str; 16] = [
    "displayName",
    "displayNameFromDS",
    "description",
    "path",
    "filterable",
    "interval",
    "unit",
    "decimals",
    "min",
    "max",
    "mappings",
    "thresholds",
    "color",
    "links",
    "noValue",
    "custom",
];

/// Decodes a frame and checks it by Grafana's rules.
///
/// # Errors
/// If Grafana would reject the frame or drop some of its metadata.
pub fn check_frame(bytes: &[u8]) -> Result<(Schema, Vec<ArrayRef>), FrameError> {
    let reader = FileReader::try_new(std::io::Cursor::new(bytes), None)?;
    let schema = reader.schema();
    if let Some(meta) = schema.metadata().get("meta") {
        check_meta(meta)?;
    }
    for field in schema.fields() {
        if !is_accepted(field.data_type()) {
            return Err(FrameError::Type { column: field.name().clone(), kind: field.data_type().to_string() });
        }
        let place = |what: &str| format!("{what} of column {}", field.name());
        if let Some(labels) = field.metadata().get("labels") {
            let labels = serde_json::from_str::<BTreeMap<String, String>>(labels);
            labels.map_err(|error| FrameError::Metadata { place: place("labels"), problem: error.to_string() })?;
        }
        if let Some(config) = field.metadata().get("config") {
            check_config(&place("config"), config)?;
        }
    }
    let batches = reader.collect::<Result<Vec<_>, _>>()?;
    let columns = match batches.as_slice() {
        [] => schema.fields().iter().map(|field| arrow::array::new_empty_array(field.data_type())).collect(),
        [batch] => batch.columns().to_vec(),
        _ => return Err(problem("frame", "it has several record batches")),
    };
    Ok((schema.as_ref().clone(), columns))
}

/// Checks a frame and returns the JSON that Grafana would send to the browser.
///
/// # Errors
/// See [`check_frame`].
pub fn frame_json(bytes: &[u8]) -> Result<Value, FrameError> {
    let (schema, columns) = check_frame(bytes)?;
    Ok(to_json(&schema, &columns))
}

fn problem(place: &str, problem: impl Into<String>) -> FrameError {
    FrameError::Metadata { place: place.to_owned(), problem: problem.into() }
}

fn object(place: &str, text: &str) -> Result<Value, FrameError> {
    let value: Value = serde_json::from_str(text).map_err(|error| problem(place, error.to_string()))?;
    if value.is_object() { Ok(value) } else { Err(problem(place, "it is not an object")) }
}

fn check_keys(place: &str, value: &Value, known: &[&str]) -> Result<(), FrameError> {
    let unknown =
        value.as_object().into_iter().flatten().map(|(key, _)| key).find(|key| !known.contains(&key.as_str()));
    unknown.map_or(Ok(()), |key| Err(problem(place, format!("Grafana drops the key `{key}`"))))
}

fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn check_meta(text: &str) -> Result<(), FrameError> {
    let meta = object("meta", text)?;
    check_keys("meta", &meta, &META_KEYS)?;
    for notice in items(&meta, "notices") {
        let severity = notice.get("severity").and_then(Value::as_str);
        if !matches!(severity, Some("info" | "warning" | "error")) {
            return Err(problem("meta", format!("a notice has the severity {severity:?}")));
        }
        if notice.get("inspect").is_some_and(|inspect| !inspect.is_u64()) {
            return Err(problem("meta", "a notice's `inspect` must be a number"));
        }
    }
    let version = meta.get("typeVersion");
    let pair = |version: &Value| version.as_array().is_some_and(|v| v.len() == 2 && v.iter().all(Value::is_u64));
    if version.is_some_and(|version| !pair(version)) {
        return Err(problem("meta", "`typeVersion` must be two whole numbers"));
    }
    Ok(())
}

fn check_config(place: &str, text: &str) -> Result<(), FrameError> {
    let config = object(place, text)?;
    check_keys(place, &config, &CONFIG_KEYS)?;
    for mapping in items(&config, "mappings") {
        let kind = mapping.get("type").and_then(Value::as_str);
        if !matches!(kind, Some("value" | "range" | "special")) {
            return Err(problem(place, format!("a mapping has the type {kind:?}")));
        }
    }
    for link in items(&config, "links") {
        check_keys(place, link, &["title", "targetBlank", "url", "internal"])?;
        if let Some(internal) = link.get("internal") {
            check_keys(
                place,
                internal,
                &["query", "datasourceUid", "datasourceName", "panelsState", "transformations"],
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use arrow::{
        array::{Int64Array, LargeStringArray, RecordBatch},
        datatypes::Field,
        ipc::writer::FileWriter,
    };

    use super::*;

    fn frame(meta: Option<&str>, config: Option<&str>, column: ArrayRef) -> Vec<u8> {
        let map = |key: &str, value: Option<&str>| -> HashMap<String, String> {
            value.map(|v| (key.to_owned(), v.to_owned())).into_iter().collect()
        };
        let field = Field::new("x", column.data_type().clone(), true).with_metadata(map("config", config));
        let schema = Arc::new(Schema::new_with_metadata(vec![field], map("meta", meta)));
        let mut writer = FileWriter::try_new(Vec::new(), &schema).unwrap();
        writer.write(&RecordBatch::try_new(schema, vec![column]).unwrap()).unwrap();
        writer.finish().unwrap();
        writer.into_inner().unwrap()
    }

    #[test]
    fn what_grafana_rejects_is_rejected() {
        let numbers = || Arc::new(Int64Array::from(vec![1])) as ArrayRef;
        let bad = [
            frame(None, None, Arc::new(LargeStringArray::from(vec!["a"]))),
            frame(Some(r#"{"notices":[{"severity":"fatal","text":""}]}"#), None, numbers()),
            frame(Some(r#"{"typeVersion":"0.1"}"#), None, numbers()),
            frame(Some(r#"{"colour":"red"}"#), None, numbers()),
            frame(None, Some(r#"{"mappings":[{"type":"regex"}]}"#), numbers()),
            frame(None, Some(r#"{"links":[{"oneClick":true}]}"#), numbers()),
            b"not arrow".to_vec(),
        ];
        for bytes in bad {
            check_frame(&bytes).unwrap_err();
        }
        check_frame(&frame(Some(r#"{"typeVersion":[0,1]}"#), Some(r#"{"unit":"ms"}"#), numbers())).unwrap();
    }
}
