//! Data frames in the JSON that Grafana sends to browsers, read back into rows.

use serde_json::{Map, Value};

/// A decoded frame.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its name.
    pub name: String,
    /// Its metadata.
    pub meta: Value,
    /// Its rows by column name; times in milliseconds.
    pub rows: Vec<Map<String, Value>>,
}

impl Frame {
    /// Reads `{schema, data}`.
    pub fn read(json: &Value) -> Self {
        let schema = &json["schema"];
        let names: Vec<&str> =
            array(&schema["fields"]).iter().map(|field| field["name"].as_str().unwrap_or_default()).collect();
        let columns = array(&json["data"]["values"]);
        assert_eq!(names.len(), columns.len(), "as many columns as fields: {schema}");
        let length = columns.first().map_or(0, |column| array(column).len());
        let rows = (0..length)
            .map(|row| {
                names.iter().zip(columns).map(|(name, column)| ((*name).to_owned(), column[row].clone())).collect()
            })
            .collect();
        Self { name: schema["name"].as_str().unwrap_or_default().to_owned(), meta: schema["meta"].clone(), rows }
    }

    /// The only row.
    pub fn only(&self) -> &Map<String, Value> {
        assert_eq!(self.rows.len(), 1, "one row in {}", self.name);
        &self.rows[0]
    }

    /// The values of a column.
    pub fn column(&self, name: &str) -> Vec<&Value> {
        self.rows.iter().map(|row| row.get(name).unwrap_or(&Value::Null)).collect()
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
