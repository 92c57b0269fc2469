//! The JSON text into which Jaeger's own model turns OTLP's arrays and maps.

use std::fmt::Write as _;

use serde_json::Value;

use super::fields::{Fields as _, ValueField};

/// The text of an `arrayValue`.
pub(super) fn of_array(value: &Value) -> String {
    let mut text = String::new();
    write_array(value, &mut text);
    text
}

/// The text of a `kvlistValue`.
pub(super) fn of_map(value: &Value) -> String {
    let mut text = String::new();
    write_map(value, &mut text);
    text
}

fn items(value: &Value) -> &[Value] {
    value.get("values").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn write_array(value: &Value, to: &mut String) {
    to.push('[');
    for (ix, item) in items(value).iter().enumerate() {
        if ix > 0 {
            to.push(',');
        }
        write_any(item, to);
    }
    to.push(']');
}

fn write_map(value: &Value, to: &mut String) {
    let mut pairs: Vec<_> =
        items(value).iter().map(|pair| (pair.get("key").and_then(Value::as_str).unwrap_or_default(), pair)).collect();
    pairs.sort_by_key(|(key, _)| *key);
    to.push('{');
    for (ix, (key, pair)) in pairs.into_iter().enumerate() {
        if ix > 0 {
            to.push(',');
        }
        write_text(key, to);
        to.push(':');
        write_any(pair.get("value").unwrap_or(&Value::Null), to);
    }
    to.push('}');
}

fn write_any(value: &Value, to: &mut String) {
    let Some((kind, value)) = value.as_object().and_then(|object| object.iter().next()) else {
        to.push_str("null");
        return;
    };
    match (ValueField::named(kind), value) {
        (Some(ValueField::Array), _) => write_array(value, to),
        (Some(ValueField::Map), _) => write_map(value, to),
        (Some(ValueField::Int), Value::String(number)) => to.push_str(number),
        (Some(ValueField::Double), Value::Number(number)) => match number.as_f64() {
            // Go writes whole floats without a fraction.
            Some(x) if x.fract() == 0.0 && x.abs() < 1e15 => drop(write!(to, "{x:.0}")),
            _ => drop(write!(to, "{number}")),
        },
        (
            Some(ValueField::Text | ValueField::Bool | ValueField::Int | ValueField::Double | ValueField::Bytes) | None,
            value,
        ) => match value {
            Value::String(text) => write_text(text, to),
            other => drop(write!(to, "{other}")),
        },
    }
}

/// Escapes what could end a script element, as Go does, so that both APIs give the same text.
fn write_text(text: &str, to: &mut String) {
    for c in Value::from(text).to_string().chars() {
        match c {
            '<' => to.push_str("\\u003c"),
            '>' => to.push_str("\\u003e"),
            '&' => to.push_str("\\u0026"),
            '\u{2028}' => to.push_str("\\u2028"),
            '\u{2029}' => to.push_str("\\u2029"),
            c => to.push(c),
        }
    }
}
