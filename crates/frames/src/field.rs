//! A column of a frame: its values and how Grafana displays them.

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, StringArray, TimestampNanosecondArray,
};
use serde::Serialize;

use super::config::Config;
use trace::Time;

/// A column of a frame.
#[derive(Clone, Debug)]
pub struct Field {
    /// Name of the column.
    pub name: String,
    /// Labels that distinguish it from the other series of a wide time series.
    pub labels: BTreeMap<String, String>,
    /// How it is displayed.
    pub config: Config,
    /// Whether values may be missing. This is a property of the column, whether or not a value is missing in this frame.
    pub nullable: bool,
    /// The values.
    pub values: ArrayRef,
}

impl Field {
    /// A column of any array. See [`is_accepted`](super::is_accepted) for the types that Grafana reads.
    #[must_use]
    pub fn new(name: impl Into<String>, values: ArrayRef, nullable: bool) -> Self {
        Self { name: name.into(), labels: BTreeMap::new(), config: Config::default(), nullable, values }
    }

    /// A column of texts without missing values.
    #[must_use]
    pub fn text<T: AsRef<str>>(name: &str, values: impl IntoIterator<Item = T>) -> Self {
        Self::new(name, Arc::new(StringArray::from_iter_values(values)), false)
    }

    /// A column of texts that may have missing values.
    #[must_use]
    pub fn opt_text<T: AsRef<str>>(name: &str, values: impl IntoIterator<Item = Option<T>>) -> Self {
        Self::new(name, Arc::new(values.into_iter().collect::<StringArray>()), true)
    }

    /// A column of numbers without missing values.
    #[must_use]
    pub fn float(name: &str, values: impl IntoIterator<Item = f64>) -> Self {
        Self::new(name, Arc::new(Float64Array::from_iter_values(values)), false)
    }

    /// A column of numbers that may have missing values.
    #[must_use]
    pub fn opt_float(name: &str, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        Self::new(name, Arc::new(values.into_iter().collect::<Float64Array>()), true)
    }

    /// A column of integers without missing values.
    #[must_use]
    pub fn int(name: &str, values: impl IntoIterator<Item = i64>) -> Self {
        Self::new(name, Arc::new(Int64Array::from_iter_values(values)), false)
    }

    /// A column of integers that may have missing values.
    #[must_use]
    pub fn opt_int(name: &str, values: impl IntoIterator<Item = Option<i64>>) -> Self {
        Self::new(name, Arc::new(values.into_iter().collect::<Int64Array>()), true)
    }

    /// A column of booleans without missing values.
    #[must_use]
    pub fn bool(name: &str, values: impl IntoIterator<Item = bool>) -> Self {
        Self::new(name, Arc::new(BooleanArray::from(values.into_iter().collect::<Vec<_>>())), false)
    }

    /// A column of times without missing values. Grafana reads every Arrow timestamp as nanoseconds, regardless of its unit.
    #[must_use]
    pub fn time(name: &str, values: impl IntoIterator<Item = Time>) -> Self {
        let nanos = values.into_iter().map(Time::nanos);
        Self::new(name, Arc::new(TimestampNanosecondArray::from_iter_values(nanos)), false)
    }

    /// A column of times that may have missing values.
    #[must_use]
    pub fn opt_time(name: &str, values: impl IntoIterator<Item = Option<Time>>) -> Self {
        let nanos = values.into_iter().map(|time| time.map(Time::nanos));
        Self::new(name, Arc::new(nanos.collect::<TimestampNanosecondArray>()), true)
    }

    /// A column of JSON values. Grafana expects them as binary values.
    #[must_use]
    pub fn json<T: Serialize>(name: &str, values: impl IntoIterator<Item = T>) -> Self {
        let texts = values.into_iter().map(|value| serde_json::to_vec(&value).unwrap_or_else(|_| b"null".to_vec()));
        Self::new(name, Arc::new(BinaryArray::from_iter_values(texts)), false)
    }

    /// Sets the labels.
    #[must_use]
    pub fn labels(mut self, labels: BTreeMap<String, String>) -> Self {
        self.labels = labels;
        self
    }

    /// Sets the configuration.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Changes the configuration.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(Config) -> Config) -> Self {
        self.config = change(self.config);
        self
    }

    /// Sets the unit, by Grafana's id (`ms`, `percentunit`, `suffix:×` …).
    #[must_use]
    pub fn unit(self, unit: &'static str) -> Self {
        self.with(|config| Config { unit: Some(unit), ..config })
    }

    /// Sets the display name.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        self.with(|config| Config { display_name: Some(name.into()), ..config })
    }

    /// Sets the width of the column in tables, in pixels.
    #[must_use]
    pub fn width(self, pixels: u32) -> Self {
        self.with(|config| config.width(pixels))
    }

    /// Sets the description, which the column's header shows.
    #[must_use]
    pub fn describe(self, description: &'static str) -> Self {
        self.with(|config| Config { description: Some(description), ..config })
    }
}
