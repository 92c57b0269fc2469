//! Grafana's field configuration: how a column is displayed.
//!
//! It has only the keys that a backend may set. Grafana's decoder drops all others.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

/// How a column is displayed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// Display name, unless the panel sets one.
    #[serde(rename = "displayNameFromDS", skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Display name as if a user had set it in the panel. It is the only one that Grafana's node graph reads.
    #[serde(rename = "displayName", skip_serializing_if = "Option::is_none")]
    pub panel_name: Option<&'static str>,
    /// Description, which the column's header shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'static str>,
    /// Id of one of Grafana's units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
    /// Number of digits after the decimal point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u16>,
    /// Minimum of a gauge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Maximum of a gauge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Interval between two points of a series, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<f64>,
    /// Whether a click on a value in a table offers to add a filter to the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filterable: Option<bool>,
    /// Text for missing values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_value: Option<&'static str>,
    /// Colour of the whole column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// Text and colour for particular values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<Mapping>,
    /// Links from each value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<DataLink>,
    /// Options of the table panel (`width`, `cellOptions` …).
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub custom: Map<String, Value>,
}

/// A fixed colour.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Color {
    mode: &'static str,
    fixed_color: &'static str,
}

impl Color {
    /// This colour of Grafana's palette.
    #[must_use]
    pub fn fixed(color: &'static str) -> Self {
        Self { mode: "fixed", fixed_color: color }
    }
}

/// A value mapping: a text and a colour for each value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mapping {
    r#type: &'static str,
    options: BTreeMap<String, MappedValue>,
}

/// Text and colour of a mapped value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MappedValue {
    /// Text that is shown for the value.
    pub text: String,
    /// Colour of Grafana's palette.
    pub color: &'static str,
    /// Position of the value in legends.
    pub index: i32,
}

impl Mapping {
    /// A mapping of `(value, text, colour)`, in the order in which legends list them.
    pub fn values<V: ToString, T: ToString>(values: impl IntoIterator<Item = (V, T, &'static str)>) -> Self {
        let options = (0..).zip(values).map(|(index, (value, text, color))| {
            (value.to_string(), MappedValue { text: text.to_string(), color, index })
        });
        Self { r#type: "value", options: options.collect() }
    }
}

/// A link from a value. Grafana calls it a data link.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataLink {
    /// Title in the menu.
    pub title: &'static str,
    /// URL; empty for an internal link.
    pub url: String,
    /// A query to open in Explore instead of a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal: Option<InternalLink>,
}

/// A query to open in Explore.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InternalLink {
    /// Uid of the data source.
    pub datasource_uid: String,
    /// Name of the data source.
    pub datasource_name: String,
    /// Model of the query.
    pub query: Value,
    /// State of a panel, such as the span to select.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub panels_state: Option<Value>,
}

impl Config {
    /// Sets the width of the column in tables, in pixels.
    #[must_use]
    pub fn width(self, pixels: u32) -> Self {
        self.custom("width", pixels.into())
    }

    /// Sets an option of the table panel.
    #[must_use]
    pub fn custom(mut self, key: &str, value: Value) -> Self {
        self.custom.insert(key.to_owned(), value);
        self
    }

    /// Sets the type of the table's cells. Use only types that Grafana 11 supports, because it shows others as plain text
    /// without a warning.
    #[must_use]
    pub fn cell(self, kind: &str) -> Self {
        self.custom("cellOptions", serde_json::json!({ "type": kind }))
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
