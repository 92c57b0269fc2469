//! Writes spans as JSON, in the formats of Jaeger and OpenTelemetry.

mod legacy;
mod otlp;

pub use legacy::{JaegerVersion, JaegerWriter, jaeger_json};
pub use otlp::otlp_json;

/// Appends a JSON string.
fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for ch in text.chars() {
        match ch {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            control if control < ' ' => out.extend_from_slice(format!("\\u{:04x}", control as u32).as_bytes()),
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

/// Appends a text that needs no escaping.
fn raw(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends a float as Go and JavaScript write it: without an exponent in the usual range, and whole numbers without a decimal
/// point.
fn float(out: &mut Vec<u8>, number: f64) {
    raw(out, &format!("{number}"));
}

/// Appends a comma before every item except the first.
fn comma(out: &mut Vec<u8>, nth: usize) {
    if nth > 0 {
        out.push(b',');
    }
}
