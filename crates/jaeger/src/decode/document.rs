//! Reads JSON documents of any format that has traces: answers, exports, single traces, OTLP, and spans without an envelope.
//!
//! Only its members show what an object is: one without members of an envelope but with the id of a span is a span.
//! Members are read in the order in which they come, so the beginning of a truncated answer is still useful.

use std::fmt;

use serde::de::{DeserializeSeed as _, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, value::RawValue};

use super::{
    api_error::ApiError,
    error::DecodeError,
    fields::{EnvelopeField, Fields as _, ResourceSpansField, SpanField},
    left_out::Reason,
    legacy::{ProcessMap, Processes, Span, Spans, TraceObject},
    otlp::{ResourceSpans, ResourceSpansList},
    scalar::{Texts, any_seed},
    shape::{List, Object},
    sink::Sink,
    wire_id::WireId,
};

/// How many unknown members a message names, and how many characters of each.
const SHOWN_KEYS: (usize, usize) = (6, 40);

/// What has been read so far.
pub(super) struct Reader {
    pub(super) sink: Sink,
    pub(super) errors: Vec<ApiError>,
    pub(super) seen: Seen,
    /// Whether the text may be truncated. Then no value is kept for later.
    is_cut: bool,
}

impl Reader {
    pub(super) fn new(is_cut: bool) -> Self {
        Self { sink: Sink::new(), errors: Vec::new(), seen: Seen::default(), is_cut }
    }
}

/// What was found, for the error message if there are no traces.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// An object that only an answer or an export has.
    envelope: bool,
    tempo: bool,
    scalars: bool,
    others: Vec<String>,
}

impl Seen {
    /// Checks that a text without any span or error is an empty answer.
    pub(super) fn check(self) -> Result<(), DecodeError> {
        if self.tempo {
            Err(DecodeError::Tempo)
        } else if self.scalars {
            Err(DecodeError::Names)
        } else if self.envelope {
            Ok(())
        } else {
            let keys = if self.others.is_empty() { "none".to_owned() } else { self.others.join(", ") };
            Err(DecodeError::NoTraces { keys })
        }
    }

    fn other(&mut self, key: &str) {
        let (most, length) = SHOWN_KEYS;
        if self.others.len() < most && self.others.iter().all(|known| known != key) {
            self.others.push(key.chars().take(length).collect());
        }
    }
}

/// What the name of a member says about the object.
enum Member {
    Envelope(EnvelopeField),
    /// A span outside an envelope may have it.
    OfSpan,
    Unknown,
}

impl Member {
    fn named(name: &str) -> Self {
        if let Some(field) = EnvelopeField::named(name) {
            return Self::Envelope(field);
        }
        match SpanField::named(name) {
            // Other objects have `flags` too.
            Some(field) if field != SpanField::Flags => Self::OfSpan,
            None if is_scope_spans(name) => Self::OfSpan,
            _ => Self::Unknown,
        }
    }
}

fn is_scope_spans(name: &str) -> bool {
    matches!(ResourceSpansField::named(name), Some(ResourceSpansField::ScopeSpans))
}

/// Reads a value that may have traces in it.
pub(super) struct Document<'r>(pub(super) &'r mut Reader);
any_seed!(Document<'_> => ());

impl Document<'_> {
    fn scalar(self, text: &str) {
        self.0.seen.scalars = true;
        self.0.sink.left_out.add(Reason::UnknownForm, text);
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("traces")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.scalar(&value.to_string());
        Ok(())
    }
    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.scalar(&number.to_string());
        Ok(())
    }
    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.scalar(&number.to_string());
        Ok(())
    }
    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.scalar(&number.to_string());
        Ok(())
    }
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.scalar(&text.chars().take(SHOWN_KEYS.1).collect::<String>());
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Document(&mut *self.0))?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut object = AnyObject::default();
        match object.read(&mut map, self.0) {
            Ok(()) => object.finish(self.0).map_err(A::Error::custom),
            // Keeps what was read of a truncated answer.
            Err(why) => {
                object.cut(&mut self.0.sink);
                Err(why)
            }
        }
    }
}

/// An object of a kind that is not yet known.
#[derive(Default)]
struct AnyObject<'de> {
    object: TraceObject,
    /// Whether it has a member that only an envelope or a trace has.
    is_envelope: bool,
    /// Spans that came before the id of their trace.
    early: Vec<&'de RawValue>,
    /// Members that a span may have, with the id of its trace.
    of_span: Map<String, Value>,
    message: Option<Value>,
    code: Option<Value>,
    unknown: Vec<String>,
}

impl<'de> AnyObject<'de> {
    fn read<A: MapAccess<'de>>(&mut self, map: &mut A, reader: &mut Reader) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match Member::named(&name) {
                Member::Envelope(field) => self.read_envelope_field(field, map, reader)?,
                Member::OfSpan => drop(self.of_span.insert(name, map.next_value()?)),
                Member::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                    self.unknown.push(name);
                }
            }
        }
        Ok(())
    }

    fn read_envelope_field<A: MapAccess<'de>>(
        &mut self,
        field: EnvelopeField,
        map: &mut A,
        reader: &mut Reader,
    ) -> Result<(), A::Error> {
        let (sink, object) = (&mut reader.sink, &mut self.object);
        self.is_envelope |= !matches!(
            field,
            EnvelopeField::TraceId
                | EnvelopeField::Warnings
                | EnvelopeField::Code
                | EnvelopeField::Message
                | EnvelopeField::Tempo
        );
        match field {
            EnvelopeField::Data => map.next_value_seed(Document(&mut *reader))?,
            EnvelopeField::ResourceSpans => map.next_value_seed(List(ResourceSpansList { sink }))?,
            EnvelopeField::TraceId => {
                let id: Value = map.next_value()?;
                object.id = serde::Deserialize::deserialize(&id).map_err(A::Error::custom)?;
                self.of_span.insert("traceID".to_owned(), id);
            }
            EnvelopeField::Spans if object.id == WireId::Missing && !reader.is_cut => {
                self.early.extend(map.next_value::<Option<&'de RawValue>>()?);
            }
            EnvelopeField::Spans => map.next_value_seed(List(Spans { sink, object }))?,
            EnvelopeField::Processes => map.next_value_seed(Object(Processes { sink, object }))?,
            EnvelopeField::ProcessMap => map.next_value_seed(List(ProcessMap { sink, object }))?,
            EnvelopeField::Warnings => drop(self.of_span.insert("warnings".to_owned(), map.next_value()?)),
            EnvelopeField::Errors | EnvelopeField::Error => reader.errors.extend(ApiError::all(&map.next_value()?)),
            EnvelopeField::Code => self.code = Some(map.next_value()?),
            EnvelopeField::Message => self.message = Some(map.next_value()?),
            EnvelopeField::Tempo => {
                reader.seen.tempo = true;
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    /// Decides by its members what the object is.
    fn finish(mut self, reader: &mut Reader) -> Result<(), serde_json::Error> {
        let has_trace = self.of_span.contains_key("traceID");
        let has_others = self.of_span.keys().any(|key| key != "traceID" && key != "warnings");
        let names_span = |key: &String| matches!(SpanField::named(key), Some(SpanField::SpanId | SpanField::Context));
        let is_span = self.of_span.keys().any(names_span) || has_trace && has_others;
        let is_resource_spans = self.of_span.keys().any(|key| is_scope_spans(key));
        if self.is_envelope {
            reader.seen.envelope = true;
            self.envelope(&mut reader.sink)
        } else if is_resource_spans {
            reader.seen.envelope = true;
            // Spans that come before their resource are read later, which needs a text.
            let text = Value::Object(self.of_span).to_string();
            Object(ResourceSpans(&mut reader.sink)).deserialize(&mut serde_json::Deserializer::from_str(&text))
        } else if is_span {
            reader.seen.envelope = true;
            let mut object = TraceObject::default();
            let span = Span { sink: &mut reader.sink, object: &mut object };
            Object(span).deserialize(Value::Object(self.of_span))?;
            object.finish(&mut reader.sink);
            Ok(())
        } else {
            if let Some(message) = self.message.filter(Value::is_string) {
                let error = serde_json::json!({ "code": self.code, "message": message });
                reader.errors.extend(ApiError::of(&error));
            } else if has_trace {
                reader.seen.envelope = true;
            } else {
                self.unknown.extend(self.of_span.into_iter().map(|(key, _)| key));
                self.unknown.extend(self.code.map(|_| "code".to_owned()));
                if !self.unknown.is_empty() {
                    reader.sink.left_out.add(Reason::UnknownForm, &self.unknown.join(", "));
                }
                self.unknown.iter().for_each(|key| reader.seen.other(key));
            }
            Ok(())
        }
    }

    fn envelope(mut self, sink: &mut Sink) -> Result<(), serde_json::Error> {
        for spans in std::mem::take(&mut self.early) {
            let object = &mut self.object;
            List(Spans { sink, object }).deserialize(spans)?;
        }
        if let Some(warnings) = self.of_span.remove("warnings") {
            let into = &mut self.object.warnings;
            Texts { strings: &mut sink.strings, into }.deserialize(warnings)?;
        }
        self.object.finish(sink);
        Ok(())
    }

    /// Keeps what was read of a truncated object.
    fn cut(self, sink: &mut Sink) {
        if self.is_envelope {
            self.object.finish(sink);
        }
    }
}
