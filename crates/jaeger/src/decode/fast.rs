//! The usual answer of the legacy API, `{"data":[{"traceID","spans","processes"}]}`, read without a general JSON reader.
//!
//! Nearly all of an answer are tags with the same three fields. A cursor over the text reads them about twice as fast as a
//! JSON library. If anything is unusual (another envelope, an unexpected type, an invalid byte), this reader gives up with
//! `None`, and the general reader reads the whole answer again. Only that one decides what is an error, and where.

use std::borrow::Cow;

use serde::de::DeserializeSeed;

use super::{
    attributes::TagType,
    cursor::Cursor,
    fields::{AttributeField, EnvelopeField, EventField, Fields as _, ReferenceField, SpanField},
    legacy::{Processes, TraceObject, is_follows_from},
    normalize::attribute,
    scalar::{Any, Scalar, Texts},
    shape::Object,
    sink::{Reference, Sink},
    wire_id::{self, WireId},
};
use trace::{Attribute, EventDraft, Micros, Relation, SpanId, StrId, Strings, Time, TraceId};

/// Reads a whole answer. After `None`, for an unusual answer, `sink` must not be used.
pub(super) fn read(text: &str, sink: &mut Sink) -> Option<()> {
    let mut reader = Reader { sink, recent: Box::new([StrId::EMPTY; RECENT]) };
    let mut cursor = Cursor::new(text);
    let mut has_data = false;
    cursor.object(|cursor, key| match key {
        "data" => {
            has_data = true;
            cursor.list(|cursor| reader.trace(cursor))
        }
        "total" | "limit" | "offset" => cursor.number().map(|_| ()),
        "errors" => cursor.null().then_some(()),
        _ => None,
    })?;
    (has_data && cursor.is_done()).then_some(())
}

/// How many recent texts are found by a cheap hash.
const RECENT: usize = 1024;

struct Reader<'s> {
    sink: &'s mut Sink,
    recent: Box<[StrId; RECENT]>,
}

/// The id of a text. Most texts occurred before, and most of these are found without the table of all texts.
fn intern(recent: &mut [StrId; RECENT], strings: &mut Strings, text: &str) -> StrId {
    let bytes = text.as_bytes();
    let word = |chunk: Option<&[u8; 8]>| chunk.map_or(0, |chunk| u64::from_le_bytes(*chunk));
    let ends = match bytes.len() {
        8.. => word(bytes.first_chunk()) ^ word(bytes.last_chunk()).rotate_left(29),
        _ => bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    let middle = word(bytes.get(bytes.len() / 2..).and_then(|rest| rest.first_chunk()));
    let hash = (ends ^ middle.rotate_left(17) ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let Some(slot) = recent.get_mut((hash >> 54) as usize) else { return strings.intern(text) };
    if strings.get(*slot) != text {
        *slot = strings.intern(text);
    }
    *slot
}

/// Reads a rare value with the general reader.
fn read_general<'t, S: DeserializeSeed<'t>>(seed: S, raw: &'t str) -> Option<S::Value> {
    let mut from = serde_json::Deserializer::from_str(raw);
    let value = seed.deserialize(&mut from).ok()?;
    from.end().ok().map(|()| value)
}

/// A trace id other than zero. The general reader reads all other forms of ids.
fn trace_id(cursor: &mut Cursor<'_>) -> Option<WireId<TraceId>> {
    let id = wire_id::trace_digits(&cursor.string()?)?;
    (id != TraceId(0)).then_some(WireId::Known(id))
}

/// A span id, with the same restrictions.
fn span_id(cursor: &mut Cursor<'_>) -> Option<WireId<SpanId>> {
    let id = wire_id::span_digits(&cursor.string()?)?;
    (id != SpanId(0)).then_some(WireId::Known(id))
}

/// Microseconds as a whole number in range.
fn micros(cursor: &mut Cursor<'_>) -> Option<i64> {
    cursor.number()?.parse().ok()
}

impl Reader<'_> {
    fn trace(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let mut object = TraceObject::default();
        cursor.object(|cursor, key| {
            let object = &mut object;
            match EnvelopeField::named(key)? {
                EnvelopeField::TraceId => object.id = trace_id(cursor)?,
                EnvelopeField::Spans => cursor.list(|cursor| self.span(cursor, object))?,
                EnvelopeField::Processes => {
                    read_general(Object(Processes { sink: &mut *self.sink, object }), cursor.skip()?)?;
                }
                EnvelopeField::Warnings if cursor.null() => {}
                EnvelopeField::Warnings => {
                    let texts = Texts { strings: &mut self.sink.strings, into: &mut object.warnings };
                    read_general(texts, cursor.skip()?)?;
                }
                EnvelopeField::Data
                | EnvelopeField::ResourceSpans
                | EnvelopeField::ProcessMap
                | EnvelopeField::Errors
                | EnvelopeField::Error
                | EnvelopeField::Code
                | EnvelopeField::Message
                | EnvelopeField::Tempo => return None,
            }
            Some(())
        })?;
        object.finish(self.sink);
        Some(())
    }

    fn span(&mut self, cursor: &mut Cursor<'_>, object: &mut TraceObject) -> Option<()> {
        self.sink.begin();
        let (mut parent, mut process) = (WireId::Missing, StrId::EMPTY);
        cursor.object(|cursor, key| {
            let (current, strings) = (&mut self.sink.current, &mut self.sink.strings);
            let (draft, recent) = (&mut current.draft, &mut *self.recent);
            let Some(field) = SpanField::named(key) else {
                cursor.skip()?;
                return Some(());
            };
            match field {
                SpanField::TraceId => current.trace = trace_id(cursor)?,
                SpanField::SpanId => current.id = span_id(cursor)?,
                SpanField::ParentSpanId => parent = span_id(cursor)?,
                SpanField::OperationName => draft.name = intern(recent, strings, &cursor.string()?),
                SpanField::References => references(cursor, &mut current.references)?,
                SpanField::StartTime => draft.start = Some(Time(micros(cursor)?)),
                SpanField::Duration => draft.duration = Some(Micros(micros(cursor)?)),
                SpanField::Tags => tags(cursor, recent, strings, &mut draft.attributes)?,
                SpanField::Logs => cursor.list(|cursor| log(cursor, recent, strings, &mut draft.events))?,
                SpanField::ProcessId => process = intern(recent, strings, &cursor.string()?),
                SpanField::Warnings if cursor.null() => {}
                SpanField::Warnings => read_general(Texts { strings, into: &mut draft.warnings }, cursor.skip()?)?,
                SpanField::Flags => drop(cursor.skip()?),
                // Jaeger's query API does not write these fields, so the general reader takes over.
                SpanField::Process
                | SpanField::Name
                | SpanField::Kind
                | SpanField::StartNano
                | SpanField::EndNano
                | SpanField::Attributes
                | SpanField::Events
                | SpanField::Links
                | SpanField::Status
                | SpanField::Id
                | SpanField::Context
                | SpanField::ParentId
                | SpanField::EndTime
                | SpanField::Timestamp
                | SpanField::TagObject
                | SpanField::Annotations
                | SpanField::BinaryAnnotations
                | SpanField::Resource
                | SpanField::LocalEndpoint
                | SpanField::RemoteEndpoint => return None,
            }
            Some(())
        })?;
        // The id of its trace may come later.
        if self.sink.current.trace == WireId::Missing && object.id == WireId::Missing {
            return None;
        }
        object.add_span(parent, process, self.sink);
        Some(())
    }
}

fn references(cursor: &mut Cursor<'_>, into: &mut Vec<Reference>) -> Option<()> {
    cursor.list(|cursor| {
        let mut reference = Reference { relation: Relation::ChildOf, trace: WireId::Missing, span: WireId::Missing };
        cursor.object(|cursor, key| {
            match ReferenceField::named(key)? {
                ReferenceField::Relation if is_follows_from(&cursor.string()?) => {
                    reference.relation = Relation::FollowsFrom;
                }
                ReferenceField::Relation => {}
                ReferenceField::TraceId => reference.trace = trace_id(cursor)?,
                ReferenceField::SpanId => reference.span = span_id(cursor)?,
                ReferenceField::Span => drop(cursor.skip()?),
                ReferenceField::Context | ReferenceField::Attributes => return None,
            }
            Some(())
        })?;
        into.push(reference);
        Some(())
    })
}

fn tags(
    cursor: &mut Cursor<'_>,
    recent: &mut [StrId; RECENT],
    strings: &mut Strings,
    into: &mut Vec<Attribute>,
) -> Option<()> {
    cursor.list(|cursor| {
        if let Some(tag) = common_tag(cursor, recent, strings) {
            into.push(tag);
            return Some(());
        }
        let (mut name, mut tag_type, mut value) = (StrId::EMPTY, TagType::Other, Scalar::Text(StrId::EMPTY));
        cursor.object(|cursor, key| {
            match AttributeField::named(key)? {
                AttributeField::Key => name = intern(recent, strings, &cursor.string()?),
                AttributeField::Type => tag_type = TagType::named(&cursor.string()?),
                AttributeField::Value => value = scalar(cursor, recent, strings)?,
                AttributeField::TypedValue => return None,
            }
            Some(())
        })?;
        into.push(attribute(name, tag_type.convert(value, strings)));
        Some(())
    })
}

/// A tag exactly as Jaeger writes it; otherwise the cursor stays before it.
fn common_tag(cursor: &mut Cursor<'_>, recent: &mut [StrId; RECENT], strings: &mut Strings) -> Option<Attribute> {
    let mut ahead = cursor.clone();
    let name = ahead.framed(b"{\"key\":\"", b"\",\"type\":\"")?;
    let tag = if let Some(text) = ahead.framed(b"string\",\"value\":\"", b"\"}") {
        let name = intern(recent, strings, name);
        Attribute::text(name, intern(recent, strings, text))
    } else if ahead.word(b"int64\",\"value\":") {
        let number = ahead.number()?;
        let plain = number.len() < 18 && (number.len() == 1 || !number.starts_with('0'));
        let number = number.parse().ok().filter(|_| plain)?;
        ahead.expect(b'}')?;
        Attribute::int(intern(recent, strings, name), number)
    } else {
        return None;
    };
    *cursor = ahead;
    Some(tag)
}

fn scalar(cursor: &mut Cursor<'_>, recent: &mut [StrId; RECENT], strings: &mut Strings) -> Option<Scalar> {
    Some(match cursor.peek()? {
        b'"' => match cursor.string()? {
            Cow::Borrowed(text) => Scalar::Text(intern(recent, strings, text)),
            Cow::Owned(text) => Scalar::Text(strings.intern(&text)),
        },
        b't' if cursor.word(b"true") => Scalar::Bool(true),
        b'f' if cursor.word(b"false") => Scalar::Bool(false),
        b'0'..=b'9' => {
            let number = cursor.number()?;
            // The general reader decides about leading zeros and everything else that is not a plain whole number.
            let plain = number.len() < 18 && (number.len() == 1 || !number.starts_with('0'));
            match number.parse().ok().filter(|_| plain) {
                Some(number) => Scalar::Int(number),
                None => read_general(Any(strings), number)?,
            }
        }
        _ => read_general(Any(strings), cursor.skip()?)?,
    })
}

fn log(
    cursor: &mut Cursor<'_>,
    recent: &mut [StrId; RECENT],
    strings: &mut Strings,
    into: &mut Vec<EventDraft>,
) -> Option<()> {
    let mut event = EventDraft::default();
    cursor.object(|cursor, key| {
        match EventField::named(key)? {
            EventField::Timestamp => event.time = Some(Time(micros(cursor)?)),
            EventField::Fields => tags(cursor, recent, strings, &mut event.attributes)?,
            EventField::TimeNano | EventField::Name | EventField::Attributes | EventField::Value => return None,
        }
        Some(())
    })?;
    into.push(event);
    Some(())
}
