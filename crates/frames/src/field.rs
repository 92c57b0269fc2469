//! Columns of a frame.

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, StringArray, TimestampNanosecondArray,
};
use serde::Serialize;

use super::config::Config;
use trace::Time;

/// A column with what Grafana should know about it.
#[derive(Clone, Debug)]
pub struct Field {
    /// Name of the column.
    pub name: String,
    /// What tells it from its siblings in a wide time series.
    pub labels: BTreeMap<String, String>,
    /// How to show it.
    pub config: Config,
    /// Whether a value may be missing: a promise about the column, whatever the rows at hand are.
    pub nullable: bool,
    /// The values.
    pub values: ArrayRef,
}

impl Field {
    /// A column over any array; see [`is_accepted`](super::is_accepted) for the types Grafana reads.
    #[must_use]
    pub fn new(name: impl Into<String>, values: ArrayRef, nullable: bool) -> Self {
        Self { name: name.into(), labels: BTreeMap::new(), config: Config::default(), nullable, values }
    }

    /// Texts that are always there.
    #[must_use]
    pub fn text<T: AsRef<str>>(name: &str, values: impl IntoIterator<Item = T>) -> Self {
        Self::new(name, Arc::new(StringArray::from_iter_values(values)), false)
    }

    /// Texts that may be missing.
    #[must_use]
    pub fn opt_text<T: AsRef<str>>(name: &str, values: impl IntoIterator<Item = Option<T>>) -> Self {
        Self::new(name, Arc::new(values.into_iter().collect::<StringArray>()), true)
    }

    /// Numbers that are always there.
    #[must_use]
    pub fn float(name: &str, values: impl IntoIterator<Item = f64>) -> Self {
        Self::new(name, Arc::new(Float64Array::from_iter_values(values)), false)
    }

    /// Numbers that may be missing.
    #[must_use]
    pub fn opt_float(name: &str, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        Self::new(name, Arc::new(values.into_iter().collect::<Float64Array>()), true)
    }

    /// Whole numbers that are always there.
    #[must_use]
    pub fn int(name: &str, values: impl IntoIterator<Item = i64>) -> Self {
        Self::new(name, Arc::new(Int64Array::from_iter_values(values)), false)
    }

    /// Whole numbers that may be missing.
    #[must_use]
    pub fn opt_int(name: &str, values: impl IntoIterator<Item = Option<i64>>) -> Self {
        Self::new(name, Arc::new(values.into_iter().collect::<Int64Array>()), true)
    }

    /// Truth values.
    #[must_use]
    pub fn bool(name: &str, values: impl IntoIterator<Item = bool>) -> Self {
        Self::new(name, Arc::new(BooleanArray::from(values.into_iter().collect::<Vec<_>>())), false)
    }

    /// Points in time. Grafana reads the numbers of an Arrow timestamp as nanoseconds whatever the unit says.
    #[must_use]
    pub fn time(name: &str, values: impl IntoIterator<Item = Time>) -> Self {
        let nanos = values.into_iter().map(Time::nanos);
        Self::new(name, Arc::new(TimestampNanosecondArray::from_iter_values(nanos)), false)
    }

    /// Points in time that may be missing.
    #[must_use]
    pub fn opt_time(name: &str, values: impl IntoIterator<Item = Option<Time>>) -> Self {
        let nanos = values.into_iter().map(|time| time.map(Time::nanos));
        Self::new(name, Arc::new(nanos.collect::<TimestampNanosecondArray>()), true)
    }

    /// JSON values: a binary column, which is how Grafana takes JSON.
    #[must_use]
    pub fn json<T: Serialize>(name: &str, values: impl IntoIterator<Item = T>) -> Self {
        let texts = values.into_iter().map(|value| serde_json::to_vec(&value).unwrap_or_else(|_| b"null".to_vec()));
        Self::new(name, Arc::new(BinaryArray::from_iter_values(texts)), false)
    }

    /// With labels.
    #[must_use]
    pub fn labels(mut self, labels: BTreeMap<String, String>) -> Self {
        self.labels = labels;
        self
    }

    /// With a configuration.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// With a changed configuration.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(Config) -> Config) -> Self {
        self.config = change(self.config);
        self
    }

    /// With a unit of Grafana (`ms`, `percentunit`, `suffix:×` …).
    #[must_use]
    pub fn unit(self, unit: &'static str) -> Self {
        self.with(|config| Config { unit: Some(unit), ..config })
    }

    /// With a name for people in place of the column's.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        self.with(|config| Config { display_name: Some(name.into()), ..config })
    }

    /// As a column that is this wide in tables, in pixels.
    #[must_use]
    pub fn width(self, pixels: u32) -> Self {
        self.with(|config| config.width(pixels))
    }

    /// With a sentence that the column's header shows.
    #[must_use]
    pub fn describe(self, description: &'static str) -> Self {
        self.with(|config| Config { description: Some(description), ..config })
    }
}
