//! Members of spans that Jaeger's own form does not have: those of OTLP, of Zipkin's version 2, of the Python SDK's
//! console exporter, and of Jaeger's documents in Elasticsearch. They are met in lists of spans without an envelope. Each
//! name means one thing in all these forms, so the form itself need not be known.

use hashbrown::HashMap;
use serde::{Deserialize as _, de::DeserializeSeed as _};
use serde_json::{Error, Map, Value};

use super::{
    fields::SpanField,
    left_out::Reason,
    legacy::Tags,
    normalize::truth,
    otlp::{Attributes, Events, Links, ResourceObject, SpanContext, StatusObject, kind_of, set_times},
    shape::{List, Object},
    sink::{Process, Sink},
    wire_id::WireId,
    wire_time::WireTime,
};
use trace::{Attribute, EventDraft, SpanId, Status, StrId, Time};

/// What these members say beside the span itself.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    pub(super) parent: WireId<SpanId>,
    pub(super) process: Option<Process>,
}

/// Adds these members to the span that is being read; `None` when the span is left out.
pub(super) fn apply(mut members: HashMap<SpanField, Value>, sink: &mut Sink) -> Result<Option<Foreign>, Error> {
    if members.contains_key(&SpanField::BinaryAnnotations) {
        sink.left_out.add(Reason::UnknownForm, "a span of Zipkin's version 1");
        return Ok(None);
    }
    let mut take = |field| members.remove(&field).filter(|value: &Value| !value.is_null());
    let mut foreign = Foreign::default();
    // Only Zipkin calls a span's own id so.
    let zipkin = take(SpanField::Id);
    let is_zipkin = zipkin.is_some() && sink.current.id == WireId::Missing;
    if let Some(id) = zipkin.filter(|_| is_zipkin) {
        sink.current.id = WireId::deserialize(id)?;
    }
    if let Some(context) = take(SpanField::Context) {
        let context = SpanContext::deserialize(context)?;
        (sink.current.trace, sink.current.id) = (context.trace, context.span);
    }
    if let Some(parent) = take(SpanField::ParentId) {
        foreign.parent = WireId::deserialize(parent)?;
    }
    let mut moment = |field| take(field).map(WireTime::deserialize).transpose();
    let start = moment(SpanField::StartNano)?;
    let end = moment(SpanField::EndNano)?;
    let draft = &mut sink.current.draft;
    if start.is_some() || end.is_some() {
        set_times(draft, start.and_then(WireTime::nanos), end.and_then(WireTime::nanos));
    }
    if let Some(timestamp) = moment(SpanField::Timestamp)?.filter(|_| draft.start.is_none()) {
        draft.start = timestamp.micros().map(Time);
    }
    if let Some(end) = moment(SpanField::EndTime)?.filter(|_| draft.duration.is_none()) {
        draft.duration = draft.start.zip(end.micros()).map(|(start, end)| Time(end) - start);
    }
    names(&mut take, sink)?;
    lists(&mut take, sink)?;
    if let Some(resource) = take(SpanField::Resource) {
        let mut process = Process::default();
        Object(ResourceObject { strings: &mut sink.strings, into: &mut process }).deserialize(resource)?;
        sink.normalize_process(&mut process);
        foreign.process = Some(process);
    }
    let service = |endpoint: Value| endpoint.get("serviceName").and_then(Value::as_str).map(str::to_owned);
    if let Some(name) = take(SpanField::LocalEndpoint).and_then(service) {
        let mut process = Process { service: sink.strings.intern(&name), ..Process::default() };
        sink.normalize_process(&mut process);
        foreign.process = Some(process);
    }
    if let Some(name) = take(SpanField::RemoteEndpoint).and_then(service) {
        let (key, name) = (sink.strings.intern("peer.service"), sink.strings.intern(&name));
        sink.current.draft.attributes.push(Attribute::text(key, name));
    }
    debug_assert!(members.is_empty(), "every member of another form is read: {members:?}");
    if is_zipkin {
        zipkin_error(sink);
    }
    Ok(Some(foreign))
}

/// Name, kind and status.
fn names(take: &mut impl FnMut(SpanField) -> Option<Value>, sink: &mut Sink) -> Result<(), Error> {
    let strings = &mut sink.strings;
    let draft = &mut sink.current.draft;
    if let Some(name) = take(SpanField::Name).filter(|_| draft.name == StrId::EMPTY) {
        draft.name = strings.intern(&name.as_str().map_or_else(|| name.to_string(), str::to_owned));
    }
    match take(SpanField::Kind) {
        Some(Value::String(name)) => draft.kind = kind_of(trace::Value::Str(&name)),
        Some(Value::Number(number)) => {
            draft.kind = number.as_i64().map(|number| kind_of(trace::Value::Int(number))).unwrap_or_default();
        }
        _ => {}
    }
    if let Some(status @ Value::Object(_)) = take(SpanField::Status) {
        (draft.status, draft.status_message) = Object(StatusObject(strings)).deserialize(status)?;
    }
    Ok(())
}

/// Attributes, events and links.
fn lists(take: &mut impl FnMut(SpanField) -> Option<Value>, sink: &mut Sink) -> Result<(), Error> {
    let strings = &mut sink.strings;
    let current = &mut sink.current;
    let draft = &mut current.draft;
    if let Some(attributes) = take(SpanField::Attributes) {
        Attributes { strings, into: &mut draft.attributes }.deserialize(attributes)?;
    }
    if let Some(Value::Object(tags)) = take(SpanField::TagObject) {
        // Elasticsearch would take a dot for a level of its own.
        let tags: Map<String, Value> = tags.into_iter().map(|(key, value)| (key.replace('@', "."), value)).collect();
        Tags { strings, into: &mut draft.attributes }.deserialize(Value::Object(tags))?;
    }
    if let Some(events) = take(SpanField::Events) {
        List(Events { strings, into: &mut draft.events }).deserialize(events)?;
    }
    if let Some(links) = take(SpanField::Links) {
        List(Links { strings, into: &mut current.references }).deserialize(links)?;
    }
    for annotation in take(SpanField::Annotations).iter().filter_map(Value::as_array).flatten() {
        let name = annotation.get("value").and_then(Value::as_str).unwrap_or_default();
        let time = annotation.get("timestamp").map(WireTime::deserialize).transpose()?.and_then(WireTime::micros);
        draft.events.push(EventDraft { time: time.map(Time), name: strings.intern(name), attributes: Vec::new() });
    }
    Ok(())
}

/// In Zipkin a tag `error` means an error, whatever its text.
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
