//! A frame and its form on the wire.

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

/// A table with metadata.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Its name.
    pub name: String,
    /// The query that it answers.
    pub ref_id: String,
    /// What Grafana should know about the whole.
    pub meta: Meta,
    /// Its columns, all of one length.
    pub fields: Vec<Field>,
}

/// A frame that cannot be written: a mistake in this program, not of its user.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Columns of unequal length, or nulls in a column that promises none.
    #[error("frame {frame}: {source}")]
    Arrow {
        /// Name of the frame.
        frame: String,
        /// What Arrow says.
        source: ArrowError,
    },
    /// Metadata that is no JSON.
    #[error("metadata of frame {frame}: {source}")]
    Json {
        /// Name of the frame.
        frame: String,
        /// What the writer says.
        source: serde_json::Error,
    },
}

/// Grafana's metadata of a frame.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// Shape by Grafana's data plane contract.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// Version of that contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_version: Option<[u8; 2]>,
    /// Anything for our own panel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<Value>,
    /// What the reader must know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// Where the frame can be followed live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Built-in visualisation for Explore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_visualisation_type: Option<&'static str>,
    /// Panel plugin for Explore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_visualisation_plugin_id: Option<&'static str>,
    /// What was asked of Jaeger.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub executed_query_string: String,
    /// Columns that name a row.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unique_row_id_fields: Vec<usize>,
}

/// A notice in the panel's header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// How it is coloured.
    pub severity: NoticeSeverity,
    /// What it says.
    pub text: String,
}

/// Grafana refuses the whole answer on any other word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeSeverity {
    /// Good to know.
    Info,
    /// Something is missing.
    Warning,
}

impl Notice {
    /// Good to know.
    #[must_use]
    pub fn info(text: impl Into<String>) -> Self {
        Self { severity: NoticeSeverity::Info, text: text.into() }
    }

    /// Something is missing.
    #[must_use]
    pub fn warning(text: impl Into<String>) -> Self {
        Self { severity: NoticeSeverity::Warning, text: text.into() }
    }
}

/// Whether Grafana reads a column of this type. One that it does not read spoils the answers to all queries of a
/// request.
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
    /// A frame of these columns.
    #[must_use]
    pub fn new(name: impl Into<String>, fields: Vec<Field>) -> Self {
        Self { name: name.into(), fields, ..Self::default() }
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.fields.first().map_or(0, |field| field.values.len())
    }

    /// The column with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// With changed metadata.
    #[must_use]
    pub fn with_meta(mut self, change: impl FnOnce(&mut Meta)) -> Self {
        change(&mut self.meta);
        self
    }

    /// The frame as Grafana takes it: an Arrow IPC file.
    ///
    /// # Errors
    /// When the columns do not fit together.
    pub fn encode(&self) -> Result<Bytes, EncodeError> {
        debug_assert!(
            self.fields.iter().all(|field| is_accepted(field.values.data_type())),
            "frame {} has a column of a type that Grafana refuses",
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
