//! Grafana's field configuration, as far as a backend may set it and Grafana's own decoder keeps it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

/// How a column is shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// Name to show in place of the column's, unless a panel has a name of its own for it.
    #[serde(rename = "displayNameFromDS", skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The name as if a user had set it in the panel. Grafana's node graph reads no other.
    #[serde(rename = "displayName", skip_serializing_if = "Option::is_none")]
    pub panel_name: Option<&'static str>,
    /// Sentence in the column's header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'static str>,
    /// Unit of Grafana.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
    /// Digits after the point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u16>,
    /// Lower end of a gauge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Upper end of a gauge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Milliseconds between the points of a series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<f64>,
    /// Whether tables offer to add a filter to the query by a click on a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filterable: Option<bool>,
    /// Shown where a value is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_value: Option<&'static str>,
    /// Colour of the whole column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// Texts and colours of values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<Mapping>,
    /// Links of each value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
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
    /// Always this colour of Grafana's palette.
    #[must_use]
    pub fn fixed(color: &'static str) -> Self {
        Self { mode: "fixed", fixed_color: color }
    }
}

/// A value mapping: each value has a text and a colour.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mapping {
    r#type: &'static str,
    options: BTreeMap<String, Mapped>,
}

/// What a mapped value looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mapped {
    /// Text in place of the value.
    pub text: String,
    /// Colour of Grafana's palette.
    pub color: &'static str,
    /// Order among the values.
    pub index: i32,
}

impl Mapping {
    /// `(value, text, colour)` of each value, in the order in which legends list them.
    pub fn values<V: ToString, T: ToString>(values: impl IntoIterator<Item = (V, T, &'static str)>) -> Self {
        let options = (0..)
            .zip(values)
            .map(|(index, (value, text, color))| (value.to_string(), Mapped { text: text.to_string(), color, index }));
        Self { r#type: "value", options: options.collect() }
    }
}

/// A link of a value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// What the menu says.
    pub title: &'static str,
    /// Address; empty for an internal link.
    pub url: String,
    /// A query to open instead of an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal: Option<InternalLink>,
}

/// A query to open in Explore.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InternalLink {
    /// The data source that answers.
    pub datasource_uid: String,
    /// Its name.
    pub datasource_name: String,
    /// The query's model.
    pub query: Value,
    /// State of a panel, such as the span to select.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub panels_state: Option<Value>,
}

impl Config {
    /// As a column that is this wide, in pixels.
    #[must_use]
    pub fn width(self, pixels: u32) -> Self {
        self.custom("width", pixels.into())
    }

    /// With an option of the table panel.
    #[must_use]
    pub fn custom(mut self, key: &str, value: Value) -> Self {
        self.custom.insert(key.to_owned(), value);
        self
    }

    /// With a way to draw the table's cells; only types that Grafana 11 knows, for it refuses none but shows others as
    /// plain text.
    #[must_use]
    pub fn cell(self, kind: &str) -> Self {
        self.custom("cellOptions", serde_json::json!({ "type": kind }))
    }

    /// Whether nothing was set.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
