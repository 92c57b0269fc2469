//! OTLP JSON, as `/api/v3` answers and as exporters write it. Older spellings (snake case, `instrumentationLibrary…`,
//! names of enum values, base64 ids) are read too.

use std::fmt;

use serde::de::{self, DeserializeSeed as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    json_text,
    scalar::{Any, Scalar, Text, Whole, WireSpanId, WireTraceId, any_seed, clamp},
    sink::{Process, Reference, Sink, attribute, status_of},
};
use crate::trace::{
    Attribute, EventDraft, Micros, Relation, SpanId, SpanKind, Status, StrId, Strings, Time, TraceId, Value,
};

macro_rules! list {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* } of $what:literal, each $each:expr) => {
        $(#[$doc])*
        pub(super) struct $name<'s> { $(pub(super) $field: $type),* }
        any_seed!($name<'_> => ());

        impl<'de> Visitor<'de> for $name<'_> {
            type Value = ();
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!("a list of ", $what))
            }
            fn visit_unit<E>(self) -> Result<(), E> {
                Ok(())
            }
            fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
                let each: fn(&mut Self, &mut A) -> Result<bool, A::Error> = $each;
                while each(&mut self, &mut seq)? {}
                Ok(())
            }
        }
    };
}

list! {
    /// Reads `resourceSpans`.
    ResourceSpans { sink: &'s mut Sink } of "resource spans",
    each |list, seq| Ok(seq.next_element_seed(Block(&mut *list.sink))?.is_some())
}

#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum BlockField {
    #[serde(rename = "resource")]
    Resource,
    #[serde(
        rename = "scopeSpans",
        alias = "scope_spans",
        alias = "instrumentationLibrarySpans",
        alias = "instrumentation_library_spans"
    )]
    ScopeSpans,
    #[serde(other)]
    Other,
}

struct Block<'s>(&'s mut Sink);
any_seed!(Block<'_> => ());

impl<'de> Visitor<'de> for Block<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the spans of a resource")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let sink = self.0;
        sink.next_block();
        let mut process = None;
        // Spans that come before their resource are read again when it is known.
        let mut early: Vec<&'de RawValue> = Vec::new();
        while let Some(field) = map.next_key()? {
            match (field, &process) {
                (BlockField::Resource, _) => {
                    let mut read = Process::default();
                    map.next_value_seed(Resource { strings: &mut sink.strings, into: &mut read })?;
                    sink.settle_process(&mut read);
                    process = Some(read);
                }
                (BlockField::ScopeSpans, Some(process)) => map.next_value_seed(ScopeSpans { sink, process })?,
                (BlockField::ScopeSpans, None) => early.push(map.next_value()?),
                (BlockField::Other, _) => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let process = process.unwrap_or_else(|| {
            let mut unnamed = Process::default();
            sink.settle_process(&mut unnamed);
            unnamed
        });
        for raw in early {
            ScopeSpans { sink, process: &process }.deserialize(raw).map_err(de::Error::custom)?;
        }
        Ok(())
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum ResourceField {
    #[serde(rename = "attributes")]
    Attributes,
    #[serde(other)]
    Other,
}

struct Resource<'s> {
    strings: &'s mut Strings,
    into: &'s mut Process,
}
any_seed!(Resource<'_> => ());

impl<'de> Visitor<'de> for Resource<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a resource")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key()? {
            match field {
                ResourceField::Attributes => {
                    map.next_value_seed(Attributes { strings: &mut *self.strings, into: &mut self.into.attributes })?;
                }
                ResourceField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

list! {
    ScopeSpans { sink: &'s mut Sink, process: &'s Process } of "scope spans",
    each |list, seq| Ok(seq.next_element_seed(Scoped { sink: &mut *list.sink, process: list.process })?.is_some())
}

#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum ScopedField {
    #[serde(rename = "scope", alias = "instrumentationLibrary", alias = "instrumentation_library")]
    Scope,
    #[serde(rename = "spans")]
    Spans,
    #[serde(other)]
    Other,
}

struct Scoped<'s> {
    sink: &'s mut Sink,
    process: &'s Process,
}
any_seed!(Scoped<'_> => ());

impl<'de> Visitor<'de> for Scoped<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the spans of a scope")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { sink, process } = self;
        let mut scope = None;
        let mut early: Vec<&'de RawValue> = Vec::new();
        while let Some(field) = map.next_key()? {
            match (field, scope) {
                (ScopedField::Scope, _) => scope = Some(map.next_value_seed(Scope(&mut sink.strings))?),
                (ScopedField::Spans, Some(scope)) => map.next_value_seed(Spans { sink, process, scope })?,
                (ScopedField::Spans, None) => early.push(map.next_value()?),
                (ScopedField::Other, _) => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let scope = scope.unwrap_or_default();
        for raw in early {
            Spans { sink, process, scope }.deserialize(raw).map_err(de::Error::custom)?;
        }
        Ok(())
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum ScopeField {
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "version")]
    Version,
    #[serde(other)]
    Other,
}

/// Name and version of a library.
struct Scope<'s>(&'s mut Strings);
any_seed!(Scope<'_> => (StrId, StrId));

impl<'de> Visitor<'de> for Scope<'_> {
    type Value = (StrId, StrId);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scope")
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok((StrId::EMPTY, StrId::EMPTY))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut scope = (StrId::EMPTY, StrId::EMPTY);
        while let Some(field) = map.next_key()? {
            match field {
                ScopeField::Name => scope.0 = map.next_value_seed(Text(&mut *self.0))?,
                ScopeField::Version => scope.1 = map.next_value_seed(Text(&mut *self.0))?,
                ScopeField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(scope)
    }
}

list! {
    Spans { sink: &'s mut Sink, process: &'s Process, scope: (StrId, StrId) } of "spans",
    each |list, seq| {
        let span = Span { sink: &mut *list.sink, process: list.process, scope: list.scope };
        Ok(seq.next_element_seed(span)?.is_some())
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum SpanField {
    #[serde(rename = "traceId", alias = "trace_id", alias = "traceID")]
    TraceId,
    #[serde(rename = "spanId", alias = "span_id", alias = "spanID")]
    SpanId,
    #[serde(rename = "parentSpanId", alias = "parent_span_id", alias = "parentSpanID")]
    ParentSpanId,
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "kind")]
    Kind,
    #[serde(rename = "startTimeUnixNano", alias = "start_time_unix_nano")]
    Start,
    #[serde(rename = "endTimeUnixNano", alias = "end_time_unix_nano")]
    End,
    #[serde(rename = "attributes")]
    Attributes,
    #[serde(rename = "events")]
    Events,
    #[serde(rename = "links")]
    Links,
    #[serde(rename = "status")]
    Status,
    #[serde(other)]
    Other,
}

struct Span<'s> {
    sink: &'s mut Sink,
    process: &'s Process,
    scope: (StrId, StrId),
}
any_seed!(Span<'_> => ());

impl<'de> Visitor<'de> for Span<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a span")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { sink, process, scope } = self;
        let draft = &mut sink.begin().draft;
        (draft.scope, draft.scope_version) = scope;
        let (mut parent, mut start, mut end) = (None, 0, None);
        while let Some(field) = map.next_key()? {
            let (reading, strings) = (&mut sink.reading, &mut sink.strings);
            let draft = &mut reading.draft;
            match field {
                SpanField::TraceId => reading.trace = map.next_value::<WireTraceId>()?.0,
                SpanField::SpanId => reading.id = map.next_value::<WireSpanId>()?.0,
                SpanField::ParentSpanId => parent = map.next_value::<WireSpanId>()?.0,
                SpanField::Name => draft.name = map.next_value_seed(Text(strings))?,
                SpanField::Kind => {
                    let kind = map.next_value_seed(Any(&mut *strings))?;
                    draft.kind = kind_of(attribute(StrId::EMPTY, kind).value(strings));
                }
                SpanField::Start => start = map.next_value::<Whole>()?.0.unwrap_or(0),
                SpanField::End => end = map.next_value::<Whole>()?.0,
                SpanField::Attributes => map.next_value_seed(Attributes { strings, into: &mut draft.attributes })?,
                SpanField::Events => map.next_value_seed(Events { strings, into: &mut draft.events })?,
                SpanField::Links => map.next_value_seed(Links { strings, into: &mut reading.references })?,
                SpanField::Status => {
                    (draft.status, draft.status_message) = map.next_value_seed(StatusObject(strings))?;
                }
                SpanField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let reading = &mut sink.reading;
        // Start and duration are cut to microseconds one by one, as the legacy form does, so that both are equal.
        reading.draft.start = Time(clamp(start.div_euclid(1000)));
        reading.draft.duration = Micros(clamp((end.unwrap_or(start) - start).div_euclid(1000)));
        if let Some(span) = parent {
            let reference = Reference { relation: Relation::ChildOf, trace: reading.trace, span };
            reading.references.insert(0, reference);
        }
        sink.settle_span();
        let draft = &mut sink.reading.draft;
        if draft.scope == StrId::EMPTY {
            (draft.scope, draft.scope_version) = (process.scope, process.scope_version);
        }
        let trace = sink.trace(sink.reading.trace);
        let resource = sink.block_resource(trace, process);
        sink.push(trace, resource);
        Ok(())
    }
}

fn kind_of(value: Value<'_>) -> SpanKind {
    match value {
        Value::Int(1) => SpanKind::Internal,
        Value::Int(2) => SpanKind::Server,
        Value::Int(3) => SpanKind::Client,
        Value::Int(4) => SpanKind::Producer,
        Value::Int(5) => SpanKind::Consumer,
        Value::Str(name) => SpanKind::parse(name).unwrap_or_default(),
        _ => SpanKind::Unspecified,
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum StatusField {
    #[serde(rename = "code")]
    Code,
    #[serde(rename = "message")]
    Message,
    #[serde(other)]
    Other,
}

struct StatusObject<'s>(&'s mut Strings);
any_seed!(StatusObject<'_> => (Status, StrId));

impl<'de> Visitor<'de> for StatusObject<'_> {
    type Value = (Status, StrId);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a status")
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok((Status::Unset, StrId::EMPTY))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut status = (Status::Unset, StrId::EMPTY);
        while let Some(field) = map.next_key()? {
            match field {
                StatusField::Code => {
                    let code = map.next_value_seed(Any(&mut *self.0))?;
                    status.0 = status_of(attribute(StrId::EMPTY, code).value(self.0));
                }
                StatusField::Message => status.1 = map.next_value_seed(Text(&mut *self.0))?,
                StatusField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(status)
    }
}

list! {
    Events { strings: &'s mut Strings, into: &'s mut Vec<EventDraft> } of "events",
    each |list, seq| {
        let event = seq.next_element_seed(Event(&mut *list.strings))?;
        let found = event.is_some();
        list.into.extend(event);
        Ok(found)
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum EventField {
    #[serde(rename = "timeUnixNano", alias = "time_unix_nano")]
    Time,
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "attributes")]
    Attributes,
    #[serde(other)]
    Other,
}

struct Event<'s>(&'s mut Strings);
any_seed!(Event<'_> => EventDraft);

impl<'de> Visitor<'de> for Event<'_> {
    type Value = EventDraft;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EventDraft, A::Error> {
        let mut event = EventDraft::default();
        while let Some(field) = map.next_key()? {
            match field {
                EventField::Time => {
                    event.time = Time(clamp(map.next_value::<Whole>()?.0.unwrap_or(0).div_euclid(1000)));
                }
                EventField::Name => event.name = map.next_value_seed(Text(&mut *self.0))?,
                EventField::Attributes => {
                    map.next_value_seed(Attributes { strings: &mut *self.0, into: &mut event.attributes })?;
                }
                EventField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(event)
    }
}

list! {
    Links { strings: &'s mut Strings, into: &'s mut Vec<Reference> } of "links",
    each |list, seq| {
        let link = seq.next_element_seed(LinkObject(&mut *list.strings))?;
        let found = link.is_some();
        list.into.extend(link);
        Ok(found)
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum LinkField {
    #[serde(rename = "traceId", alias = "trace_id")]
    TraceId,
    #[serde(rename = "spanId", alias = "span_id")]
    SpanId,
    #[serde(rename = "attributes")]
    Attributes,
    #[serde(other)]
    Other,
}

struct LinkObject<'s>(&'s mut Strings);
any_seed!(LinkObject<'_> => Reference);

impl<'de> Visitor<'de> for LinkObject<'_> {
    type Value = Reference;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a link")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Reference, A::Error> {
        let mut link = Reference { relation: Relation::FollowsFrom, trace: TraceId(0), span: SpanId(0) };
        while let Some(field) = map.next_key()? {
            match field {
                LinkField::TraceId => link.trace = map.next_value::<WireTraceId>()?.0,
                LinkField::SpanId => link.span = map.next_value::<WireSpanId>()?.0.unwrap_or_default(),
                LinkField::Attributes => {
                    let mut attributes = Vec::new();
                    map.next_value_seed(Attributes { strings: &mut *self.0, into: &mut attributes })?;
                    let child = attributes.iter().any(|a| {
                        self.0.get(a.key()) == "opentracing.ref_type" && a.value(self.0).as_str() == Some("child_of")
                    });
                    if child {
                        link.relation = Relation::ChildOf;
                    }
                }
                LinkField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(link)
    }
}

list! {
    Attributes { strings: &'s mut Strings, into: &'s mut Vec<Attribute> } of "attributes",
    each |list, seq| {
        let attribute = seq.next_element_seed(KeyValue(&mut *list.strings))?;
        let found = attribute.is_some();
        list.into.extend(attribute);
        Ok(found)
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum KeyValueField {
    #[serde(rename = "key")]
    Key,
    #[serde(rename = "value")]
    Value,
    #[serde(other)]
    Other,
}

struct KeyValue<'s>(&'s mut Strings);
any_seed!(KeyValue<'_> => Attribute);

impl<'de> Visitor<'de> for KeyValue<'_> {
    type Value = Attribute;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attribute, A::Error> {
        let (mut key, mut value) = (StrId::EMPTY, Scalar::Text(StrId::EMPTY));
        while let Some(field) = map.next_key()? {
            match field {
                KeyValueField::Key => key = map.next_value_seed(Text(&mut *self.0))?,
                KeyValueField::Value => value = map.next_value_seed(AnyValue(&mut *self.0))?,
                KeyValueField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(attribute(key, value))
    }
}

#[derive(Clone, Copy, serde::Deserialize)]
#[serde(field_identifier)]
enum ValueField {
    #[serde(rename = "stringValue", alias = "string_value")]
    Text,
    #[serde(rename = "boolValue", alias = "bool_value")]
    Bool,
    #[serde(rename = "intValue", alias = "int_value")]
    Int,
    #[serde(rename = "doubleValue", alias = "double_value")]
    Double,
    #[serde(rename = "bytesValue", alias = "bytes_value")]
    Bytes,
    #[serde(rename = "arrayValue", alias = "array_value")]
    Array,
    #[serde(rename = "kvlistValue", alias = "kvlist_value")]
    Map,
    #[serde(other)]
    Other,
}

struct AnyValue<'s>(&'s mut Strings);
any_seed!(AnyValue<'_> => Scalar);

impl<'de> Visitor<'de> for AnyValue<'_> {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute's value")
    }
    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Text(StrId::EMPTY))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        let mut value = Scalar::Text(StrId::EMPTY);
        while let Some(field) = map.next_key()? {
            match field {
                ValueField::Text | ValueField::Bytes | ValueField::Bool => {
                    value = map.next_value_seed(Any(&mut *self.0))?;
                }
                ValueField::Int => {
                    let read = map.next_value_seed(Any(&mut *self.0))?;
                    value = match read {
                        Scalar::Text(id) => self.0.get(id).parse().map_or(read, Scalar::Int),
                        other => other,
                    };
                }
                ValueField::Double => {
                    let read = map.next_value_seed(Any(&mut *self.0))?;
                    value = match read {
                        Scalar::Text(id) => self.0.get(id).parse().map_or(read, Scalar::Float),
                        Scalar::Int(n) => Scalar::Float(n as f64),
                        other => other,
                    };
                }
                ValueField::Array | ValueField::Map => {
                    let tree: serde_json::Value = map.next_value()?;
                    let text = json_text::of(&tree, matches!(field, ValueField::Map));
                    value = Scalar::Text(self.0.intern(&text));
                }
                ValueField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(value)
    }
}
