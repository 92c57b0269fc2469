//! A frame as JSON: `{schema, data}`, the format of live streams and of `/api/ds/query`.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{
        DataType, Field as ArrowField, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Schema,
        TimeUnit, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use serde_json::{Map, Value, json};

use super::frame::{EncodeError, Frame};

const NANOS_PER_MILLI: i64 = 1_000_000;

impl Frame {
    /// The frame as JSON.
    ///
    /// # Errors
    /// If the metadata cannot be written as JSON.
    pub fn to_json(&self) -> Result<Value, EncodeError> {
        let schema = self.schema().map_err(|source| EncodeError::Json { frame: self.name.clone(), source })?;
        let columns: Vec<_> = self.fields.iter().map(|field| ArrayRef::clone(&field.values)).collect();
        Ok(to_json(&schema, &columns))
    }

    /// The frame as JSON text. Its keys are in the order of Grafana's own writer, because Grafana's Go reader relies on it:
    /// the schema before the data, and the values first in the data.
    ///
    /// # Errors
    /// If the metadata cannot be written as JSON.
    pub fn to_json_text(&self) -> Result<String, EncodeError> {
        let json = self.to_json()?;
        let in_order = |of: &Value, keys: &[&str]| {
            let parts = keys.iter().filter_map(|key| Some((key, of.get(key)?)));
            parts.map(|(key, value)| format!("\"{key}\":{value}")).collect::<Vec<_>>().join(",")
        };
        let data = in_order(json.get("data").unwrap_or(&Value::Null), &["values", "entities", "nanos"]);
        Ok(format!("{{{},\"data\":{{{data}}}}}", in_order(&json, &["schema"])))
    }
}

/// A decoded Arrow table with Grafana's metadata as JSON.
#[must_use]
pub fn to_json(schema: &Schema, columns: &[ArrayRef]) -> Value {
    let mut head = Map::new();
    for key in ["name", "refId"] {
        if let Some(text) = schema.metadata().get(key).filter(|text| !text.is_empty()) {
            head.insert(key.to_owned(), text.as_str().into());
        }
    }
    if let Some(meta) = parsed(schema.metadata().get("meta")) {
        head.insert("meta".to_owned(), meta);
    }
    head.insert("fields".to_owned(), schema.fields().iter().map(|field| field_head(field)).collect());
    let columns: Vec<_> = columns.iter().map(Column::of).collect();
    let mut data = Map::new();
    data.insert("values".to_owned(), columns.iter().map(|column| column.values.clone()).collect());
    if columns.iter().any(|column| !column.entities.is_null()) {
        data.insert("entities".to_owned(), columns.iter().map(|column| column.entities.clone()).collect());
    }
    if columns.iter().any(|column| !column.nanos.is_null()) {
        data.insert("nanos".to_owned(), columns.iter().map(|column| column.nanos.clone()).collect());
    }
    json!({ "schema": head, "data": data })
}

fn parsed(text: Option<&String>) -> Option<Value> {
    text.and_then(|text| serde_json::from_str(text).ok())
}

fn field_head(field: &ArrowField) -> Value {
    let (kind, frame) = match field.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, _) => ("time", "time.Time"),
        DataType::Utf8 => ("string", "string"),
        DataType::Boolean => ("boolean", "bool"),
        DataType::Binary => ("other", "json.RawMessage"),
        DataType::Float64 => ("number", "float64"),
        DataType::Float32 => ("number", "float32"),
        DataType::Int8 => ("number", "int8"),
        DataType::Int16 => ("number", "int16"),
        DataType::Int32 => ("number", "int32"),
        DataType::Int64 => ("number", "int64"),
        DataType::UInt8 => ("number", "uint8"),
        DataType::UInt16 => ("number", "uint16"),
        DataType::UInt32 => ("number", "uint32"),
        DataType::UInt64 => ("number", "uint64"),
        _ => ("other", "unknown"),
    };
    let info =
        if field.is_nullable() { json!({ "frame": frame, "nullable": true }) } else { json!({ "frame": frame }) };
    let mut head = Map::new();
    head.insert("name".to_owned(), field.name().as_str().into());
    head.insert("type".to_owned(), kind.into());
    head.insert("typeInfo".to_owned(), info);
    for key in ["labels", "config"] {
        head.extend(parsed(field.metadata().get(key)).map(|value| (key.to_owned(), value)));
    }
    head.into()
}

/// The values of a column, and separately what JSON numbers cannot express.
#[derive(Default)]
struct Column {
    values: Value,
    /// Rows whose value is NaN or infinite.
    entities: Value,
    /// Nanoseconds of each time beyond its milliseconds.
    nanos: Value,
}

impl Column {
    fn of(array: &ArrayRef) -> Self {
        macro_rules! numbers {
            ($kind:ty) => {
                plain(array.as_primitive::<$kind>().iter())
            };
        }
        match array.data_type() {
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                times(array.as_primitive::<TimestampNanosecondType>().iter())
            }
            DataType::Utf8 => plain(array.as_string::<i32>().iter()),
            DataType::Boolean => plain(array.as_boolean().iter()),
            DataType::Binary => plain(array.as_binary::<i32>().iter().map(|bytes| bytes.map(raw))),
            DataType::Float64 => floats(array.as_primitive::<Float64Type>().iter()),
            DataType::Float32 => floats(array.as_primitive::<Float32Type>().iter().map(|x| x.map(f64::from))),
            DataType::Int8 => numbers!(Int8Type),
            DataType::Int16 => numbers!(Int16Type),
            DataType::Int32 => numbers!(Int32Type),
            DataType::Int64 => numbers!(Int64Type),
            DataType::UInt8 => numbers!(UInt8Type),
            DataType::UInt16 => numbers!(UInt16Type),
            DataType::UInt32 => numbers!(UInt32Type),
            DataType::UInt64 => numbers!(UInt64Type),
            _ => Self { values: vec![Value::Null; array.len()].into(), ..Self::default() },
        }
    }
}

fn raw(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or(Value::Null)
}

fn plain<T: Into<Value>>(values: impl Iterator<Item = Option<T>>) -> Column {
    Column { values: values.map(|value| value.map_or(Value::Null, Into::into)).collect(), ..Column::default() }
}

fn floats(values: impl Iterator<Item = Option<f64>>) -> Column {
    let values: Vec<_> = values.collect();
    let mut entities = Map::new();
    let rows = |test: &dyn Fn(f64) -> bool| -> Vec<usize> {
        (0..).zip(&values).filter(|(_, value)| value.is_some_and(test)).map(|(row, _)| row).collect()
    };
    for (name, rows) in [
        ("NaN", rows(&f64::is_nan)),
        ("Inf", rows(&|x| x == f64::INFINITY)),
        ("NegInf", rows(&|x| x == f64::NEG_INFINITY)),
    ] {
        if !rows.is_empty() {
            entities.insert(name.to_owned(), rows.into());
        }
    }
    let entities = if entities.is_empty() { Value::Null } else { entities.into() };
    Column { entities, ..plain(values.into_iter()) }
}

fn times(values: impl Iterator<Item = Option<i64>>) -> Column {
    let values: Vec<_> = values.collect();
    let nanos: Vec<_> = values.iter().map(|time| time.map_or(0, |ns| ns.rem_euclid(NANOS_PER_MILLI))).collect();
    let nanos = if nanos.iter().all(|ns| *ns == 0) { Value::Null } else { nanos.into() };
    Column { nanos, ..plain(values.into_iter().map(|time| time.map(|ns| ns.div_euclid(NANOS_PER_MILLI)))) }
}
