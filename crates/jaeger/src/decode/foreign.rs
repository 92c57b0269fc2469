//! Fields of spans that Jaeger's own format does not have: those of OTLP, of Zipkin's version 2, of the Python SDK's console
//! exporter, and of Jaeger's documents in Elasticsearch. Such spans come in lists without an envelope.
//!
//! The reader of Jaeger's spans puts these fields into [`ForeignFields`], and [`apply`] adds them to the span when all of
//! it was read, because some depend on each other. A name means the same in all these formats, so the format itself need
//! not be known.

// A field that was collected and not applied does not compile.
#![deny(unused_variables)]

use serde::{
    Deserialize as _,
    de::{DeserializeSeed as _, IgnoredAny, MapAccess, SeqAccess},
};
use serde_json::{Error, Map, Value};

use super::{
    attributes::{KeyValues, Tags},
    fields::{EventField, Fields as _, Key, ProcessField},
    left_out::Reason,
    normalize::truth,
    otlp::{Events, Links, ResourceObject, SpanContext, StatusObject, kind_of, set_times},
    shape::{List, Object, ReadList, ReadObject, push_next},
    sink::{Process, Sink},
    wire_id::WireId,
    wire_time::WireTime,
};
use trace::{Attribute, EventDraft, SpanDraft, SpanId, Status, StrId, Strings, Time};

/// The values of a span's foreign fields; `null` counts as absent.
#[derive(Debug, Default)]
pub(super) struct ForeignFields {
    pub(super) id: Option<Value>,
    pub(super) context: Option<Value>,
    pub(super) parent_id: Option<Value>,
    pub(super) start_nano: Option<Value>,
    pub(super) end_nano: Option<Value>,
    pub(super) timestamp: Option<Value>,
    pub(super) end_time: Option<Value>,
    pub(super) name: Option<Value>,
    pub(super) kind: Option<Value>,
    pub(super) status: Option<Value>,
    pub(super) attributes: Option<Value>,
    pub(super) tag_object: Option<Value>,
    pub(super) events: Option<Value>,
    pub(super) links: Option<Value>,
    pub(super) annotations: Option<Value>,
    pub(super) has_binary_annotations: bool,
    pub(super) resource: Option<Value>,
    pub(super) local_endpoint: Option<Value>,
    pub(super) remote_endpoint: Option<Value>,
}

/// What foreign fields say about a span's surroundings.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub(super) parent: WireId<SpanId>,
    pub(super) process: Option<Process>,
}

/// Adds these fields to the span that is being read; `None` if the span is left out.
pub(super) fn apply(fields: ForeignFields, sink: &mut Sink) -> Result<Option<Surroundings>, Error> {
    let ForeignFields {
        id,
        context,
        parent_id,
        start_nano,
        end_nano,
        timestamp,
        end_time,
        name,
        kind,
        status,
        attributes,
        tag_object,
        events,
        links,
        annotations,
        has_binary_annotations,
        resource,
        local_endpoint,
        remote_endpoint,
    } = fields;
    if has_binary_annotations {
        sink.left_out.add(Reason::UnknownForm, "a span of Zipkin's version 1");
        return Ok(None);
    }
    // Only Zipkin uses this name for the id of the span itself.
    let zipkin_id = id.filter(|_| sink.current.id == WireId::Missing);
    let is_zipkin = zipkin_id.is_some();
    if let Some(id) = zipkin_id {
        sink.current.id = WireId::deserialize(id)?;
    }
    if let Some(context) = context {
        (sink.current.trace, sink.current.id) = Object(SpanContext).deserialize(context)?;
    }
    let parent = parent_id.map(WireId::deserialize).transpose()?.unwrap_or_default();
    let draft = &mut sink.current.draft;
    nanosecond_times(draft, start_nano, end_nano)?;
    other_times(draft, timestamp, end_time)?;
    description(sink, name, kind, status)?;
    lists(sink, attributes, tag_object, events, links)?;
    if let Some(list @ Value::Array(_)) = annotations {
        let events = Annotations { strings: &mut sink.strings, into: &mut sink.current.draft.events };
        List(events).deserialize(list)?;
    }
    let process = process(sink, resource, local_endpoint.as_ref())?;
    if let Some(name) = remote_endpoint.as_ref().and_then(service) {
        let (key, name) = (sink.strings.intern("peer.service"), sink.strings.intern(name));
        sink.current.draft.attributes.push(Attribute::text(key, name));
    }
    if is_zipkin {
        zipkin_error(sink);
    }
    Ok(Some(Surroundings { parent, process }))
}

/// OTLP's start and end.
fn nanosecond_times(draft: &mut SpanDraft, start: Option<Value>, end: Option<Value>) -> Result<(), Error> {
    if start.is_some() || end.is_some() {
        let nanos = |value: Option<Value>| Ok::<_, Error>(time(value)?.and_then(WireTime::nanos));
        set_times(draft, nanos(start)?, nanos(end)?);
    }
    Ok(())
}

/// Start and end of the other formats, where no other field gives them.
fn other_times(draft: &mut SpanDraft, start: Option<Value>, end: Option<Value>) -> Result<(), Error> {
    if let Some(start) = time(start)?.filter(|_| draft.start.is_none()) {
        draft.start = start.micros().map(Time);
    }
    if let Some(end) = time(end)?.filter(|_| draft.duration.is_none()) {
        draft.duration = draft.start.zip(end.micros()).map(|(start, end)| Time(end) - start);
    }
    Ok(())
}

fn time(value: Option<Value>) -> Result<Option<WireTime>, Error> {
    value.map(WireTime::deserialize).transpose()
}

fn description(sink: &mut Sink, name: Option<Value>, kind: Option<Value>, status: Option<Value>) -> Result<(), Error> {
    let strings = &mut sink.strings;
    let draft = &mut sink.current.draft;
    if let Some(name) = name.filter(|_| draft.name == StrId::EMPTY) {
        draft.name = strings.intern(&name.as_str().map_or_else(|| name.to_string(), str::to_owned));
    }
    match kind {
        Some(Value::String(name)) => draft.kind = kind_of(trace::Value::Str(&name)),
        Some(Value::Number(number)) => {
            draft.kind = number.as_i64().map(|number| kind_of(trace::Value::Int(number))).unwrap_or_default();
        }
        _ => {}
    }
    if let Some(status @ Value::Object(_)) = status {
        (draft.status, draft.status_message) = Object(StatusObject(strings)).deserialize(status)?;
    }
    Ok(())
}

fn lists(
    sink: &mut Sink,
    attributes: Option<Value>,
    tag_object: Option<Value>,
    events: Option<Value>,
    links: Option<Value>,
) -> Result<(), Error> {
    let strings = &mut sink.strings;
    let current = &mut sink.current;
    let draft = &mut current.draft;
    if let Some(attributes) = attributes {
        KeyValues::new(strings, &mut draft.attributes).deserialize(attributes)?;
    }
    if let Some(Value::Object(tags)) = tag_object {
        // Jaeger replaces dots, because Elasticsearch would nest the parts of a key.
        let tags: Map<String, Value> = tags.into_iter().map(|(key, value)| (key.replace('@', "."), value)).collect();
        Tags::new(strings, &mut draft.attributes).deserialize(Value::Object(tags))?;
    }
    if let Some(events) = events {
        List(Events { strings, into: &mut draft.events }).deserialize(events)?;
    }
    if let Some(links) = links {
        List(Links { strings, into: &mut current.references }).deserialize(links)?;
    }
    Ok(())
}

/// The process, from OTLP's resource or Zipkin's endpoint.
fn process(sink: &mut Sink, resource: Option<Value>, local_endpoint: Option<&Value>) -> Result<Option<Process>, Error> {
    let mut process = None;
    if let Some(resource) = resource {
        let mut read = Process::default();
        Object(ResourceObject { strings: &mut sink.strings, into: &mut read }).deserialize(resource)?;
        process = Some(read);
    }
    if let Some(name) = local_endpoint.and_then(service) {
        process = Some(Process { service: sink.strings.intern(name), ..Process::default() });
    }
    if let Some(process) = &mut process {
        sink.normalize_process(process);
    }
    Ok(process)
}

/// The service of one of Zipkin's endpoints.
fn service(endpoint: &Value) -> Option<&str> {
    endpoint.as_object()?.iter().find_map(|(key, value)| match ProcessField::named(key)? {
        ProcessField::Service => value.as_str(),
        ProcessField::Tags | ProcessField::Attributes => None,
    })
}

/// Reads Zipkin's annotations, which are events.
struct Annotations<'s> {
    strings: &'s mut Strings,
    into: &'s mut Vec<EventDraft>,
}

impl<'de> ReadList<'de> for Annotations<'_> {
    const WHAT: &'static str = "a list of annotations";

    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        push_next(seq, Annotation(&mut *self.strings), self.into)
    }
}

struct Annotation<'s>(&'s mut Strings);

impl<'de> ReadObject<'de> for Annotation<'_> {
    type Value = EventDraft;
    const WHAT: &'static str = "an annotation";

    fn other(self, _what: &str) -> Option<EventDraft> {
        Some(EventDraft::default())
    }

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<EventDraft, A::Error> {
        let mut event = EventDraft::default();
        while let Some(Key(field)) = map.next_key()? {
            match field {
                Some(EventField::Timestamp) => event.time = map.next_value::<WireTime>()?.micros().map(Time),
                Some(EventField::Value) => {
                    let name: Value = map.next_value()?;
                    event.name = self.0.intern(name.as_str().unwrap_or_default());
                }
                Some(EventField::Fields | EventField::TimeNano | EventField::Name | EventField::Attributes) | None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(event)
    }
}

/// In Zipkin, a tag `error` means an error, whatever its text.
fn zipkin_error(sink: &mut Sink) {
    let draft = &mut sink.current.draft;
    let error = draft.attributes.iter().find(|attribute| sink.strings.get(attribute.key()) == "error");
    let Some(value) = error.map(|attribute| attribute.value(&sink.strings)) else { return };
    if truth(value).is_none() {
        draft.status = Status::Error;
        let text = value.to_text().into_owned();
        draft.status_message = sink.strings.intern(&text);
    }
}
