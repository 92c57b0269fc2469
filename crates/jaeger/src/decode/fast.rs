//! The usual answer of the legacy API, `{"data":[{"traceID","spans","processes"}]}`, read without a general JSON reader.
//!
//! Nearly all of an answer is tags of three known members, for which a cursor is about twice as fast. Whatever is not
//! quite as expected (another envelope, an odd type, a broken byte) makes it say `None`, and the general way reads the
//! whole again: that one decides what is an error and says where.

use std::borrow::Cow;

use serde::de::DeserializeSeed;

use super::{
    ids::{self, WireId},
    legacy::{Claim, Element, Processes, is_follows_from, typed},
    scalar::{Any, Scalar, Texts},
    scan::Scan,
    settle::attribute,
    shape::Object,
    sink::{Reference, Sink},
    span_field::SpanField,
};
use trace::{Attribute, EventDraft, Micros, Relation, SpanId, StrId, Strings, Time, TraceId};

/// Reads a whole answer; `None` when it is not the usual one, and then `sink` is spoilt.
pub(super) fn read(text: &str, sink: &mut Sink) -> Option<()> {
    let mut reader = Reader { sink, recent: Box::new([StrId::EMPTY; RECENT]) };
    let mut scan = Scan::new(text);
    let mut has_data = false;
    scan.object(|scan, key| match key {
        "data" => {
            has_data = true;
            scan.list(|scan| reader.trace(scan))
        }
        "total" | "limit" | "offset" => scan.number().map(|_| ()),
        "errors" => scan.null().then_some(()),
        _ => None,
    })?;
    (has_data && scan.is_done()).then_some(())
}

/// How many texts are remembered by a cheap hash.
const RECENT: usize = 1024;

struct Reader<'s> {
    sink: &'s mut Sink,
    recent: Box<[StrId; RECENT]>,
}

/// The id of a text. Most texts came before, and most of these are found without the table.
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

/// Reads what is rare with the general reader.
fn seeded<'t, S: DeserializeSeed<'t>>(seed: S, raw: &'t str) -> Option<S::Value> {
    let mut from = serde_json::Deserializer::from_str(raw);
    let value = seed.deserialize(&mut from).ok()?;
    from.end().ok().map(|()| value)
}

/// A trace id other than zero; every other form of ids is left to the general reader.
fn trace_id(scan: &mut Scan<'_>) -> Option<WireId<TraceId>> {
    let id = ids::trace_digits(&scan.string()?)?;
    (id != TraceId(0)).then_some(WireId::Known(id))
}

/// Likewise.
fn span_id(scan: &mut Scan<'_>) -> Option<WireId<SpanId>> {
    let id = ids::span_digits(&scan.string()?)?;
    (id != SpanId(0)).then_some(WireId::Known(id))
}

/// Whole microseconds; what is negative or out of range is for the general reader too.
fn micros(scan: &mut Scan<'_>) -> Option<i64> {
    scan.number()?.parse().ok()
}

impl Reader<'_> {
    fn trace(&mut self, scan: &mut Scan<'_>) -> Option<()> {
        let mut element = Element::default();
        scan.object(|scan, key| {
            let element = &mut element;
            match key {
                "traceID" => element.id = trace_id(scan)?,
                "spans" => scan.list(|scan| self.span(scan, element))?,
                "processes" => seeded(Object(Processes { sink: &mut *self.sink, element }), scan.skip()?)?,
                "warnings" if scan.null() => {}
                "warnings" => {
                    seeded(Texts { strings: &mut self.sink.strings, into: &mut element.warnings }, scan.skip()?)?;
                }
                _ => return None,
            }
            Some(())
        })?;
        element.finish(self.sink);
        Some(())
    }

    fn span(&mut self, scan: &mut Scan<'_>, element: &mut Element) -> Option<()> {
        self.sink.begin();
        let (mut parent, mut process) = (WireId::Missing, StrId::EMPTY);
        scan.object(|scan, key| {
            let (reading, strings) = (&mut self.sink.reading, &mut self.sink.strings);
            let (draft, recent) = (&mut reading.draft, &mut *self.recent);
            let Some(field) = SpanField::named(key) else {
                scan.skip()?;
                return Some(());
            };
            match field {
                SpanField::TraceId => reading.trace = trace_id(scan)?,
                SpanField::SpanId => reading.id = span_id(scan)?,
                SpanField::ParentSpanId => parent = span_id(scan)?,
                SpanField::OperationName => draft.name = intern(recent, strings, &scan.string()?),
                SpanField::References => references(scan, &mut reading.references)?,
                SpanField::StartTime => draft.start = Some(Time(micros(scan)?)),
                SpanField::Duration => draft.duration = Some(Micros(micros(scan)?)),
                SpanField::Tags => tags(scan, recent, strings, &mut draft.attributes)?,
                SpanField::Logs => scan.list(|scan| log(scan, recent, strings, &mut draft.events))?,
                SpanField::ProcessId => process = intern(recent, strings, &scan.string()?),
                SpanField::Warnings if scan.null() => {}
                SpanField::Warnings => seeded(Texts { strings, into: &mut draft.warnings }, scan.skip()?)?,
                SpanField::Flags => drop(scan.skip()?),
                // Jaeger's query API does not write these: the general reader takes over.
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
        // Which trace it is of may only be known when the rest was read.
        if self.sink.reading.trace == WireId::Missing && element.id == WireId::Missing {
            return None;
        }
        element.take(parent, process, self.sink);
        Some(())
    }
}

fn references(scan: &mut Scan<'_>, into: &mut Vec<Reference>) -> Option<()> {
    scan.list(|scan| {
        let mut reference = Reference { relation: Relation::ChildOf, trace: WireId::Missing, span: WireId::Missing };
        scan.object(|scan, key| {
            match key {
                "refType" if is_follows_from(&scan.string()?) => reference.relation = Relation::FollowsFrom,
                "refType" => {}
                "traceID" => reference.trace = trace_id(scan)?,
                "spanID" => reference.span = span_id(scan)?,
                "span" => drop(scan.skip()?),
                _ => return None,
            }
            Some(())
        })?;
        into.push(reference);
        Some(())
    })
}

fn tags(
    scan: &mut Scan<'_>,
    recent: &mut [StrId; RECENT],
    strings: &mut Strings,
    into: &mut Vec<Attribute>,
) -> Option<()> {
    scan.list(|scan| {
        if let Some(tag) = usual_tag(scan, recent, strings) {
            into.push(tag);
            return Some(());
        }
        let (mut name, mut claim, mut value) = (StrId::EMPTY, Claim::Other, Scalar::Text(StrId::EMPTY));
        scan.object(|scan, key| {
            match key {
                "key" => name = intern(recent, strings, &scan.string()?),
                "type" => claim = Claim::of(&scan.string()?),
                "value" => value = scalar(scan, recent, strings)?,
                _ => return None,
            }
            Some(())
        })?;
        into.push(attribute(name, typed(claim, value, strings)));
        Some(())
    })
}

/// A tag in the very letters that Jaeger writes; when it is not, the cursor stays before it.
fn usual_tag(scan: &mut Scan<'_>, recent: &mut [StrId; RECENT], strings: &mut Strings) -> Option<Attribute> {
    let mut ahead = scan.clone();
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
    *scan = ahead;
    Some(tag)
}

fn scalar(scan: &mut Scan<'_>, recent: &mut [StrId; RECENT], strings: &mut Strings) -> Option<Scalar> {
    Some(match scan.peek()? {
        b'"' => match scan.string()? {
            Cow::Borrowed(text) => Scalar::Text(intern(recent, strings, text)),
            Cow::Owned(text) => Scalar::Text(strings.intern(&text)),
        },
        b't' if scan.word(b"true") => Scalar::Bool(true),
        b'f' if scan.word(b"false") => Scalar::Bool(false),
        b'0'..=b'9' => {
            let number = scan.number()?;
            // A leading zero is for the general reader to judge, as is everything that is no plain whole number.
            let plain = number.len() < 18 && (number.len() == 1 || !number.starts_with('0'));
            match number.parse().ok().filter(|_| plain) {
                Some(number) => Scalar::Int(number),
                None => seeded(Any(strings), number)?,
            }
        }
        _ => seeded(Any(strings), scan.skip()?)?,
    })
}

fn log(
    scan: &mut Scan<'_>,
    recent: &mut [StrId; RECENT],
    strings: &mut Strings,
    into: &mut Vec<EventDraft>,
) -> Option<()> {
    let mut event = EventDraft::default();
    scan.object(|scan, key| {
        match key {
            "timestamp" => event.time = Some(Time(micros(scan)?)),
            "fields" => tags(scan, recent, strings, &mut event.attributes)?,
            _ => return None,
        }
        Some(())
    })?;
    into.push(event);
    Some(())
}
