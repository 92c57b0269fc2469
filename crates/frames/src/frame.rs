//! A data frame and its encoding as an Arrow IPC file.
//!
//! Grafana's metadata is JSON in the metadata of the Arrow schema (for the frame) and of its fields (for the columns).
//! Grafana rejects a whole response if one column has a type that it does not read, so [`is_accepted`] lists the types.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{RecordBatch, RecordBatchOptions},
    datatypes::{DataType, Field as ArrowField, Schema, TimeUnit},
    error::ArrowError,
    ipc::writer::{FileWriter, IpcWriteOptions},
};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::field::Field;

/// A table with Grafana's metadata.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Its name.
    pub name: String,
    /// `refId` of the query that it answers.
    pub ref_id: String,
    /// Metadata of the whole frame.
    pub meta: Meta,
    /// Its columns, all of the same length.
    pub fields: Vec<Field>,
}

/// Why a frame could not be encoded. This is always a bug in the code that built the frame.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The columns differ in length, or a column has missing values although it is not nullable.
    #[error("frame {frame}: {source}")]
    Arrow {
        /// Name of the frame.
        frame: String,
        /// Arrow's error.
        source: ArrowError,
    },
    /// The metadata cannot be written as JSON.
    #[error("metadata of frame {frame}: {source}")]
    Json {
        /// Name of the frame.
        frame: String,
        /// The JSON writer's error.
        source: serde_json::Error,
    },
}

/// Grafana's metadata of a frame.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// Type of the frame in Grafana's data plane contract.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// Version of that type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_version: Option<[u8; 2]>,
    /// Data for the Diagnosis panel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<Value>,
    /// Notices that the panel's header shows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// Live channel that sends updates of the frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Built-in visualisation that Explore uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_visualisation_type: Option<&'static str>,
    /// Panel plugin that Explore uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_visualisation_plugin_id: Option<&'static str>,
    /// The requests that were sent to Jaeger.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub executed_query_string: String,
    /// Indices of the columns that identify a row.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unique_row_id_fields: Vec<usize>,
}

/// A notice in the panel's header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Its severity, which sets its colour.
    pub severity: NoticeSeverity,
    /// Its text.
    pub text: String,
}

/// The severity of a notice. Grafana rejects the whole response if a notice has any other value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeSeverity {
    /// Additional information.
    Info,
    /// The answer is incomplete.
    Warning,
}

impl Notice {
    /// A notice with additional information.
    #[must_use]
    pub fn info(text: impl Into<String>) -> Self {
        Self { severity: NoticeSeverity::Info, text: text.into() }
    }

    /// A notice that the answer is incomplete.
    #[must_use]
    pub fn warning(text: impl Into<String>) -> Self {
        Self { severity: NoticeSeverity::Warning, text: text.into() }
    }
}

/// Whether Grafana reads columns of this type. A column of another type makes the answers to all queries of a request
/// fail.
#[must_use]
pub fn is_accepted(kind: &DataType) -> bool {
    use DataType as T;
    matches!(
        kind,
        T::Utf8
            | T::Boolean
            | T::Binary
            | T::Float32
            | T::Float64
            | T::Int8
            | T::Int16
            | T::Int32
            | T::Int64
            | T::UInt8
            | T::UInt16
            | T::UInt32
            | T::UInt64
            | T::Timestamp(TimeUnit::Nanosecond, _)
    )
}

impl Frame {
    /// A frame with these columns.
    #[must_use]
    pub fn new(name: impl Into<String>, fields: Vec<Field>) -> Self {
        Self { name: name.into(), fields, ..Self::default() }
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.fields.first().map_or(0, |field| field.values.len())
    }

    /// The column with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Changes the metadata.
    #[must_use]
    pub fn with_meta(mut self, change: impl FnOnce(&mut Meta)) -> Self {
        change(&mut self.meta);
        self
    }

    /// Encodes the frame as an Arrow IPC file, the format that Grafana expects.
    ///
    /// # Errors
    /// If the columns differ in length, or a column has missing values although it is not nullable.
    pub fn encode(&self) -> Result<Bytes, EncodeError> {
        debug_assert!(
            self.fields.iter().all(|field| is_accepted(field.values.data_type())),
            "frame {} has a column of a type that Grafana does not read",
            self.name
        );
        let arrow = |source| EncodeError::Arrow { frame: self.name.clone(), source };
        let schema = Arc::new(self.schema().map_err(|source| EncodeError::Json { frame: self.name.clone(), source })?);
        let columns: Vec<_> = self.fields.iter().map(|field| Arc::clone(&field.values)).collect();
        let size: usize = columns.iter().map(|column| column.get_buffer_memory_size()).sum();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &options).map_err(arrow)?;
        let buffer = Vec::with_capacity(size + 8192);
        let mut writer =
            FileWriter::try_new_with_options(buffer, &schema, IpcWriteOptions::default()).map_err(arrow)?;
        if !self.fields.is_empty() {
            writer.write(&batch).map_err(arrow)?;
        }
        writer.finish().map_err(arrow)?;
        Ok(Bytes::from(writer.into_inner().map_err(arrow)?))
    }

    pub(super) fn schema(&self) -> Result<Schema, serde_json::Error> {
        let fields = self.fields.iter().map(|field| {
            let mut metadata = HashMap::new();
            if !field.labels.is_empty() {
                metadata.insert("labels".to_owned(), serde_json::to_string(&field.labels)?);
            }
            if !field.config.is_default() {
                metadata.insert("config".to_owned(), serde_json::to_string(&field.config)?);
            }
            let kind = field.values.data_type().clone();
            Ok(ArrowField::new(&field.name, kind, field.nullable).with_metadata(metadata))
        });
        let fields = fields.collect::<Result<Vec<_>, serde_json::Error>>()?;
        let mut metadata =
            HashMap::from([("name".to_owned(), self.name.clone()), ("refId".to_owned(), self.ref_id.clone())]);
        if self.meta != Meta::default() {
            metadata.insert("meta".to_owned(), serde_json::to_string(&self.meta)?);
        }
        Ok(Schema::new_with_metadata(fields, metadata))
    }
}
