//! Decodes JSON into traces, in one pass over the bytes and without a tree of values in between.
//!
//! [`fast`] reads the usual answer of the legacy API. Everything else goes through [`document`], which recognises the
//! format, and [`repair`] fixes what is almost JSON. [`legacy`], [`otlp`] and [`foreign`] read spans in their formats; the
//! names of all fields are in [`fields`]. All of them end in [`sink`], which brings spans into one form, so that the same
//! span is equal through both APIs. Nothing is lost silently: a span is in a trace, is a dropped copy, or is counted in
//! [`LeftOut`] with the reason.

mod api_error;
mod attributes;
mod cursor;
mod document;
mod error;
mod fast;
mod fields;
mod file;
mod foreign;
mod json_text;
mod left_out;
mod legacy;
mod normalize;
mod otlp;
mod repair;
mod scalar;
mod shape;
mod sink;
#[cfg(test)]
mod tests;
mod well_known_key;
mod wire_id;
mod wire_time;

use std::borrow::Cow;

use serde::de::DeserializeSeed as _;

pub(super) use api_error::ApiError;
pub use error::DecodeError;
pub(super) use error::at as explain;
pub use left_out::{LeftOut, Reason};
pub(crate) use sink::service_name;

use self::{
    document::{Document, Reader},
    sink::Sink,
};
use trace::Trace;

/// The traces of a file.
#[derive(Clone, Debug, Default)]
pub struct Decoded {
    /// In the order of the file; none is without spans.
    pub traces: Vec<Trace>,
    /// The spans that are in none of the traces.
    pub left_out: LeftOut,
    /// Errors that Jaeger reported beside the traces.
    pub errors: Vec<String>,
}

impl Decoded {
    /// Notices for people: what was left out, and the errors that Jaeger reported beside the traces.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        let errors = self.errors.iter().map(|error| format!("the file holds an error of Jaeger: {error}"));
        self.left_out.sentences().chain(errors).collect()
    }
}

/// Decodes a trace file: an export of Jaeger's user interface, an answer of either API, OTLP JSON, Jaeger's gRPC model, or a
/// list of spans in any of these formats or in those of Zipkin, Elasticsearch or the Python SDK. The file has one document
/// or several, one after the other, and may be compressed with gzip.
///
/// # Errors
/// When the file has another format, or no span that can be read. The error says what was found instead, and where.
pub fn decode(file: &[u8]) -> Result<Decoded, DecodeError> {
    let answer = read(&file::unpacked(file)?)?;
    if answer.traces.is_empty() {
        return Err(match answer.errors.into_iter().next() {
            Some(error) => DecodeError::Refused(error.message),
            None => DecodeError::NoSpans,
        });
    }
    let errors = answer.errors.into_iter().map(|error| error.message).collect();
    Ok(Decoded { traces: answer.traces, left_out: answer.left_out, errors })
}

/// An answer, with the errors that Jaeger reported beside or in place of the traces.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) traces: Vec<Trace>,
    pub(super) left_out: LeftOut,
    pub(super) errors: Vec<ApiError>,
}

pub(super) fn read(json: &[u8]) -> Result<Answer, DecodeError> {
    read_to(json, None)
}

/// Reads the beginning of an answer. Its traces are partial for the reason `why`.
pub(super) fn read_truncated(json: &[u8], why: &str) -> Result<Answer, DecodeError> {
    read_to(json, Some(why))
}

fn read_to(json: &[u8], cut: Option<&str>) -> Result<Answer, DecodeError> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    error::check_start(json)?;
    // Checking UTF-8 once is faster than for each text. An invalid byte affects only its own text.
    let text = match std::str::from_utf8(json) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(json),
    };
    match read_text(&text, cut) {
        Err(why @ DecodeError::Malformed { .. }) => match repair::repair(&text) {
            Some(repaired) => read_text(&repaired, cut),
            None => Err(why),
        },
        read => read,
    }
}

fn read_text(text: &str, cut: Option<&str>) -> Result<Answer, DecodeError> {
    let mut sink = Sink::new();
    if cut.is_none() && fast::read(text, &mut sink).is_some() {
        let (traces, left_out) = sink.finish();
        return answer(traces, left_out, Vec::new());
    }
    read_any(text, cut)
}

/// Reads any format, with the general JSON reader.
fn read_any(text: &str, cut: Option<&str>) -> Result<Answer, DecodeError> {
    let mut reader = Reader::new(cut.is_some());
    let mut from = serde_json::Deserializer::from_str(text);
    loop {
        match Document(&mut reader).deserialize(&mut from) {
            Ok(()) if from.end().is_ok() => break,
            Ok(()) => {}
            Err(why) if cut.is_some() && why.is_eof() => break,
            Err(why) => return Err(error::at(&why, text.as_bytes())),
        }
    }
    let Reader { sink, errors, seen, .. } = reader;
    let (mut traces, left_out) = sink.finish();
    if let Some(why) = cut {
        for trace in &mut traces {
            trace.mark_partial(why);
        }
        return Ok(Answer { traces, left_out, errors });
    }
    if traces.is_empty() && errors.is_empty() && left_out.total() == left_out.count(Reason::UnknownForm) {
        seen.check()?;
    }
    answer(traces, left_out, errors)
}

/// An answer none of whose spans can be read is an error, not an empty answer.
fn answer(traces: Vec<Trace>, left_out: LeftOut, errors: Vec<ApiError>) -> Result<Answer, DecodeError> {
    if traces.is_empty() && errors.is_empty() && !left_out.is_empty() {
        return Err(DecodeError::NothingReadable { left_out });
    }
    Ok(Answer { traces, left_out, errors })
}
