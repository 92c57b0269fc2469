//! From JSON to traces, in one pass over the bytes and without a tree in between.
//!
//! [`legacy`] and [`otlp`] know the shapes of the two dialects, [`sink`] brings both into the one form of a
//! [`Trace`].

mod error;
mod fast;
mod json_text;
mod legacy;
mod otlp;
mod scalar;
mod scan;
mod shape;
mod sink;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

pub use error::DecodeError;
pub(super) use error::at as explain;
pub(crate) use sink::service_name;

use self::{
    legacy::{Element, Processes, Spans},
    otlp::ResourceSpans,
    scalar::{Texts, WireTraceId, any_seed},
    shape::{List, Object},
    sink::Sink,
};
use crate::trace::Trace;

/// Decodes a Jaeger UI export, an answer of either API, or plain OTLP JSON (one object, an array, or one per line).
///
/// # Errors
/// When it is none of these; says what was seen instead and where.
pub fn decode(json: &[u8]) -> Result<Vec<Trace>, DecodeError> {
    let answer = read(json)?;
    match answer.errors.into_iter().next() {
        Some(error) if answer.traces.is_empty() => Err(DecodeError::Refused(error.message)),
        _ => Ok(answer.traces),
    }
}

/// An answer with the errors that Jaeger put beside (or in place of) the traces.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) traces: Vec<Trace>,
    pub(super) errors: Vec<ApiError>,
}

/// An error in an envelope of Jaeger: legacy `{code, msg, traceID}`, v3 `{httpCode, message}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub(super) struct ApiError {
    #[serde(alias = "httpCode", deserialize_with = "lenient_code")]
    pub(super) code: Option<u16>,
    #[serde(rename = "msg", alias = "message")]
    pub(super) message: String,
}

fn lenient_code<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u16>, D::Error> {
    let code = <scalar::Whole as serde::Deserialize>::deserialize(from)?;
    Ok(code.0.and_then(|code| u16::try_from(code).ok()))
}

pub(super) fn read(json: &[u8]) -> Result<Answer, DecodeError> {
    read_to(json, None)
}

/// Reads the start of an answer; its traces are partial for the reason `why`.
pub(super) fn read_cut(json: &[u8], why: &str) -> Result<Answer, DecodeError> {
    read_to(json, Some(why))
}

fn read_to(json: &[u8], cut: Option<&str>) -> Result<Answer, DecodeError> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    error::sniff(json)?;
    // Checked once for all texts, which is faster than each on its own; a wrong byte spoils only its own text.
    let text = match std::str::from_utf8(json) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(json),
    };
    let mut sink = Sink::new();
    if cut.is_none() && fast::read(&text, &mut sink).is_some() {
        return Ok(Answer { traces: sink.finish(), errors: Vec::new() });
    }
    let mut reader = Reader { sink: Sink::new(), errors: Vec::new(), seen: Seen::default() };
    let mut from = serde_json::Deserializer::from_str(&text);
    loop {
        match Document(&mut reader).deserialize(&mut from) {
            Ok(()) if from.end().is_ok() => break,
            Ok(()) => {}
            Err(why) if cut.is_some() && why.is_eof() => break,
            Err(why) => return Err(error::at(&why, json)),
        }
    }
    let Reader { sink, errors, seen } = reader;
    let mut traces = sink.finish();
    if let Some(why) = cut {
        for trace in &mut traces {
            trace.mark_partial(why);
        }
    }
    if traces.is_empty() && errors.is_empty() {
        seen.check()?;
    }
    Ok(Answer { traces, errors })
}

struct Reader {
    sink: Sink,
    errors: Vec<ApiError>,
    seen: Seen,
}

/// What was met, to say it when there are no traces.
#[derive(Default)]
struct Seen {
    traces: bool,
    tempo: bool,
    scalars: bool,
    others: Vec<String>,
}

impl Seen {
    fn check(self) -> Result<(), DecodeError> {
        if self.tempo {
            Err(DecodeError::Tempo)
        } else if self.scalars {
            Err(DecodeError::Names)
        } else if self.traces {
            Ok(())
        } else {
            Err(DecodeError::NoTraces { keys: self.others.join(", ") })
        }
    }

    fn other(&mut self, key: &str) {
        if self.others.len() < 6 {
            self.others.push(key.chars().take(40).collect());
        }
    }
}

enum Field {
    Data,
    ResourceSpans,
    TraceId,
    Spans,
    Processes,
    Warnings,
    Errors,
    Error,
    Tempo,
    Other(String),
}

impl<'de> serde::Deserialize<'de> for Field {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Field;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_str<E>(self, key: &str) -> Result<Field, E> {
                Ok(match key {
                    "data" | "result" => Field::Data,
                    "resourceSpans" | "resource_spans" => Field::ResourceSpans,
                    "traceID" | "traceId" => Field::TraceId,
                    "spans" => Field::Spans,
                    "processes" => Field::Processes,
                    "warnings" => Field::Warnings,
                    "errors" => Field::Errors,
                    "error" => Field::Error,
                    "batches" | "trace" => Field::Tempo,
                    other => Field::Other(other.to_owned()),
                })
            }
        }
        from.deserialize_identifier(Read)
    }
}

/// Anything that may hold traces: an envelope, a list, a trace.
struct Document<'r>(&'r mut Reader);
any_seed!(Document<'_> => ());

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("traces")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.0.seen.scalars = true;
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.0.seen.traces = true;
        while seq.next_element_seed(Document(&mut *self.0))?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut element = Element::default();
        let read = self.0.object(&mut map, &mut element);
        // Also after an error: what was read of a cut answer counts.
        element.finish(&mut self.0.sink);
        read
    }
}

impl Reader {
    fn object<'de, A: MapAccess<'de>>(&mut self, map: &mut A, element: &mut Element) -> Result<(), A::Error> {
        while let Some(field) = map.next_key()? {
            let (sink, element) = (&mut self.sink, &mut *element);
            match field {
                Field::Other(key) => {
                    self.seen.other(&key);
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                Field::Tempo => {
                    self.seen.tempo = true;
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                Field::Errors => {
                    let errors: Option<Vec<ApiError>> = map.next_value()?;
                    self.errors.extend(errors.unwrap_or_default());
                }
                Field::Error => self.errors.extend(map.next_value::<Option<ErrorValue>>()?.map(ApiError::from)),
                Field::Data => map.next_value_seed(Document(&mut *self))?,
                Field::ResourceSpans => map.next_value_seed(List(ResourceSpans { sink }))?,
                Field::TraceId => element.id = map.next_value::<WireTraceId>()?.0,
                Field::Spans => map.next_value_seed(List(Spans { sink, element }))?,
                Field::Processes => map.next_value_seed(Object(Processes { sink, element }))?,
                Field::Warnings => {
                    map.next_value_seed(Texts { strings: &mut sink.strings, into: &mut element.warnings })?;
                }
            }
            self.seen.traces = true;
        }
        Ok(())
    }
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum ErrorValue {
    Object(ApiError),
    Text(String),
    Other(IgnoredAny),
}

impl From<ErrorValue> for ApiError {
    fn from(value: ErrorValue) -> Self {
        match value {
            ErrorValue::Object(error) => error,
            ErrorValue::Text(message) => Self { code: None, message },
            ErrorValue::Other(_) => Self { code: None, message: "an error without a message".to_owned() },
        }
    }
}
