//! The legacy form: `{traceID, spans, processes}` with everything about a span in tags.

use std::fmt;

use hashbrown::HashMap;
use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    scalar::{Any, Scalar, Text, Texts, Whole, WireSpanId, WireTraceId, any_seed, clamp},
    sink::{Process, Reference, Sink, attribute},
};
use crate::trace::{Attribute, EventDraft, Micros, Relation, ResourceIx, SpanId, StrId, Strings, Time, TraceId};

/// What one trace object has told so far; its processes come after its spans.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) id: TraceId,
    pub(super) warnings: Vec<StrId>,
    builder: Option<usize>,
    processes: HashMap<StrId, Known>,
    /// Scopes told with processes whose spans came before.
    scopes: HashMap<ResourceIx, (StrId, StrId)>,
}

#[derive(Debug)]
enum Known {
    /// Named by spans only; with the attributes that those spans hold for it.
    Reserved(ResourceIx, Vec<Attribute>),
    /// Told of before any span.
    Told(Process),
    Defined(ResourceIx, (StrId, StrId)),
}

impl Element {
    fn builder(&mut self, sink: &mut Sink) -> usize {
        let id = if self.id == TraceId(0) { sink.reading.trace } else { self.id };
        *self.builder.get_or_insert_with(|| sink.trace(id))
    }

    fn resource(&mut self, process: StrId, sink: &mut Sink) -> ResourceIx {
        let trace = self.builder(sink);
        let known = self.processes.entry(process).or_insert_with(|| Known::Reserved(sink.reserve(trace), Vec::new()));
        if let Known::Told(process) = known {
            process.attributes.append(&mut sink.reading.moved);
            let scope = (process.scope, process.scope_version);
            *known = Known::Defined(sink.resource(trace, process), scope);
        }
        match known {
            Known::Reserved(ix, extra) => {
                for moved in sink.reading.moved.drain(..) {
                    if extra.iter().all(|known| known.key() != moved.key()) {
                        extra.push(moved);
                    }
                }
                *ix
            }
            Known::Defined(ix, scope) => {
                let draft = &mut sink.reading.draft;
                if draft.scope == StrId::EMPTY {
                    (draft.scope, draft.scope_version) = *scope;
                }
                *ix
            }
            Known::Told(_) => ResourceIx::default(),
        }
    }

    /// Settles the span that was read and adds it, with the process it names.
    pub(super) fn take(&mut self, parent: Option<SpanId>, process: StrId, sink: &mut Sink) {
        self.settle(parent, sink);
        let trace = self.builder(sink);
        let resource = self.resource(process, sink);
        sink.push(trace, resource);
    }

    /// Likewise, with the process that it brought along.
    fn take_with(&mut self, parent: Option<SpanId>, mut process: Process, sink: &mut Sink) {
        self.settle(parent, sink);
        let trace = self.builder(sink);
        process.attributes.append(&mut sink.reading.moved);
        let draft = &mut sink.reading.draft;
        if draft.scope == StrId::EMPTY {
            (draft.scope, draft.scope_version) = (process.scope, process.scope_version);
        }
        let resource = sink.resource(trace, &mut process);
        sink.push(trace, resource);
    }

    fn settle(&self, parent: Option<SpanId>, sink: &mut Sink) {
        let reading = &mut sink.reading;
        if reading.trace == TraceId(0) {
            reading.trace = self.id;
        }
        if let Some(span) = parent {
            let reference = Reference { relation: Relation::ChildOf, trace: reading.trace, span };
            reading.references.insert(0, reference);
        }
        sink.settle_span();
    }

    fn told(&mut self, id: StrId, mut process: Process, sink: &mut Sink) {
        let scope = (process.scope, process.scope_version);
        match self.processes.get_mut(&id) {
            Some(known @ Known::Reserved(..)) => {
                if let (Known::Reserved(ix, extra), Some(trace)) = (&mut *known, self.builder) {
                    process.attributes.append(extra);
                    let ix = *ix;
                    sink.define(trace, ix, &mut process);
                    *known = Known::Defined(ix, scope);
                    if scope.0 != StrId::EMPTY {
                        self.scopes.insert(ix, scope);
                    }
                }
            }
            Some(_) => {}
            None => {
                self.processes.insert(id, Known::Told(process));
            }
        }
    }

    /// Defines the processes that were never told of and hands the scopes told with processes to their spans.
    pub(super) fn finish(mut self, sink: &mut Sink) {
        let Some(trace) = self.builder else { return };
        for text in self.warnings.drain(..) {
            sink.warning(trace, text);
        }
        for known in self.processes.into_values() {
            if let Known::Reserved(ix, attributes) = known {
                let mut process = Process { attributes, ..Process::default() };
                sink.settle_process(&mut process);
                sink.define(trace, ix, &mut process);
            }
        }
        sink.inherit_scopes(trace, &self.scopes);
    }
}

/// Reads `spans`.
pub(super) struct Spans<'s> {
    pub(super) sink: &'s mut Sink,
    pub(super) element: &'s mut Element,
}
any_seed!(Spans<'_> => ());

impl<'de> Visitor<'de> for Spans<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of spans")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Span { sink: &mut *self.sink, element: &mut *self.element })?.is_some() {}
        Ok(())
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum SpanField {
    #[serde(rename = "traceID")]
    TraceId,
    #[serde(rename = "spanID")]
    SpanId,
    #[serde(rename = "parentSpanID")]
    ParentSpanId,
    #[serde(rename = "operationName")]
    Name,
    #[serde(rename = "references")]
    References,
    #[serde(rename = "startTime")]
    Start,
    #[serde(rename = "duration")]
    Duration,
    #[serde(rename = "tags")]
    Tags,
    #[serde(rename = "logs")]
    Logs,
    #[serde(rename = "processID")]
    ProcessId,
    #[serde(rename = "process")]
    Process,
    #[serde(rename = "warnings")]
    Warnings,
    #[serde(other)]
    Other,
}

struct Span<'s> {
    sink: &'s mut Sink,
    element: &'s mut Element,
}
any_seed!(Span<'_> => ());

impl<'de> Visitor<'de> for Span<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a span")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { sink, element } = self;
        sink.begin();
        let (mut parent, mut process, mut embedded) = (None, StrId::EMPTY, None);
        while let Some(field) = map.next_key()? {
            let (reading, strings) = (&mut sink.reading, &mut sink.strings);
            match field {
                SpanField::TraceId => reading.trace = map.next_value::<WireTraceId>()?.0,
                SpanField::SpanId => reading.id = map.next_value::<WireSpanId>()?.0,
                SpanField::ParentSpanId => parent = map.next_value::<WireSpanId>()?.0,
                SpanField::Name => reading.draft.name = map.next_value_seed(Text(strings))?,
                SpanField::References => map.next_value_seed(References(&mut reading.references))?,
                SpanField::Start => reading.draft.start = Time(map.next_value::<Whole>()?.micros()),
                SpanField::Duration => reading.draft.duration = Micros(map.next_value::<Whole>()?.micros()),
                SpanField::Tags => map.next_value_seed(Tags { strings, into: &mut reading.draft.attributes })?,
                SpanField::Logs => map.next_value_seed(Logs { strings, into: &mut reading.draft.events })?,
                SpanField::ProcessId => process = map.next_value_seed(Text(strings))?,
                SpanField::Process => embedded = Some(map.next_value_seed(ProcessSeed(sink))?),
                SpanField::Warnings => {
                    map.next_value_seed(Texts { strings, into: &mut reading.draft.warnings })?;
                }
                SpanField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        match embedded {
            Some(told) => element.take_with(parent, told, sink),
            None => element.take(parent, process, sink),
        }
        Ok(())
    }
}

/// Reads `references`; some exporters embed whole spans there, which are skipped.
struct References<'s>(&'s mut Vec<Reference>);
any_seed!(References<'_> => ());

impl<'de> Visitor<'de> for References<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of references")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(ReferenceObject(reference)) = seq.next_element()? {
            self.0.push(reference);
        }
        Ok(())
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum ReferenceField {
    #[serde(rename = "refType")]
    Relation,
    #[serde(rename = "traceID")]
    TraceId,
    #[serde(rename = "spanID")]
    SpanId,
    #[serde(other)]
    Other,
}

#[derive(serde::Deserialize)]
enum RefType {
    #[serde(rename = "FOLLOWS_FROM")]
    FollowsFrom,
    #[serde(other)]
    ChildOf,
}

struct ReferenceObject(Reference);

impl<'de> de::Deserialize<'de> for ReferenceObject {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = ReferenceObject;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a reference")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ReferenceObject, A::Error> {
                let mut reference = Reference { relation: Relation::ChildOf, trace: TraceId(0), span: SpanId(0) };
                while let Some(field) = map.next_key()? {
                    match field {
                        ReferenceField::Relation => {
                            reference.relation = match map.next_value()? {
                                RefType::FollowsFrom => Relation::FollowsFrom,
                                RefType::ChildOf => Relation::ChildOf,
                            }
                        }
                        ReferenceField::TraceId => reference.trace = map.next_value::<WireTraceId>()?.0,
                        ReferenceField::SpanId => {
                            reference.span = map.next_value::<WireSpanId>()?.0.unwrap_or_default();
                        }
                        ReferenceField::Other => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(ReferenceObject(reference))
            }
        }
        from.deserialize_any(Read)
    }
}

/// Reads `tags` or `fields`.
struct Tags<'s> {
    strings: &'s mut Strings,
    into: &'s mut Vec<Attribute>,
}
any_seed!(Tags<'_> => ());

impl<'de> Visitor<'de> for Tags<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tags")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(tag) = seq.next_element_seed(Tag(&mut *self.strings))? {
            self.into.push(tag);
        }
        Ok(())
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum TagField {
    #[serde(rename = "key")]
    Key,
    #[serde(rename = "type")]
    Type,
    #[serde(rename = "value")]
    Value,
    #[serde(other)]
    Other,
}

/// The type that a tag claims; it only decides where JSON leaves a choice.
#[derive(Clone, Copy, serde::Deserialize)]
pub(super) enum Claim {
    #[serde(rename = "int64")]
    Int,
    #[serde(rename = "float64")]
    Float,
    #[serde(rename = "bool", alias = "boolean")]
    Bool,
    #[serde(other)]
    Other,
}

impl Claim {
    pub(super) fn of(name: &str) -> Self {
        match name {
            "int64" => Self::Int,
            "float64" => Self::Float,
            "bool" | "boolean" => Self::Bool,
            _ => Self::Other,
        }
    }
}

/// The value in the type that was claimed, where its JSON allows that.
pub(super) fn typed(claim: Claim, value: Scalar, strings: &Strings) -> Scalar {
    match (claim, value) {
        (Claim::Int, Scalar::Text(id)) => strings.get(id).parse().map_or(value, Scalar::Int),
        (Claim::Float, Scalar::Text(id)) => strings.get(id).parse().map_or(value, Scalar::Float),
        (Claim::Float, Scalar::Int(n)) => Scalar::Float(n as f64),
        (Claim::Bool, Scalar::Text(id)) => strings.get(id).parse().map_or(value, Scalar::Bool),
        _ => value,
    }
}

struct Tag<'s>(&'s mut Strings);
any_seed!(Tag<'_> => Attribute);

impl<'de> Visitor<'de> for Tag<'_> {
    type Value = Attribute;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tag")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attribute, A::Error> {
        let (mut key, mut claim, mut value) = (StrId::EMPTY, Claim::Other, Scalar::Text(StrId::EMPTY));
        while let Some(field) = map.next_key()? {
            match field {
                TagField::Key => key = map.next_value_seed(Text(&mut *self.0))?,
                TagField::Type => claim = map.next_value()?,
                TagField::Value => value = map.next_value_seed(Any(&mut *self.0))?,
                TagField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(attribute(key, typed(claim, value, self.0)))
    }
}

/// Reads `logs`.
struct Logs<'s> {
    strings: &'s mut Strings,
    into: &'s mut Vec<EventDraft>,
}
any_seed!(Logs<'_> => ());

impl<'de> Visitor<'de> for Logs<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of logs")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(event) = seq.next_element_seed(Log(&mut *self.strings))? {
            self.into.push(event);
        }
        Ok(())
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum LogField {
    #[serde(rename = "timestamp")]
    Time,
    #[serde(rename = "fields")]
    Fields,
    #[serde(other)]
    Other,
}

struct Log<'s>(&'s mut Strings);
any_seed!(Log<'_> => EventDraft);

impl<'de> Visitor<'de> for Log<'_> {
    type Value = EventDraft;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a log")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EventDraft, A::Error> {
        let mut event = EventDraft::default();
        while let Some(field) = map.next_key()? {
            match field {
                LogField::Time => event.time = Time(clamp(map.next_value::<Whole>()?.0.unwrap_or(0))),
                LogField::Fields => {
                    map.next_value_seed(Tags { strings: &mut *self.0, into: &mut event.attributes })?;
                }
                LogField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(event)
    }
}

/// Reads `processes`.
pub(super) struct Processes<'s> {
    pub(super) sink: &'s mut Sink,
    pub(super) element: &'s mut Element,
}
any_seed!(Processes<'_> => ());

impl<'de> Visitor<'de> for Processes<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("processes by id")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(id) = map.next_key_seed(Text(&mut self.sink.strings))? {
            let process = map.next_value_seed(ProcessSeed(self.sink))?;
            self.element.told(id, process, self.sink);
        }
        Ok(())
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum ProcessField {
    #[serde(rename = "serviceName")]
    Service,
    #[serde(rename = "tags")]
    Tags,
    #[serde(other)]
    Other,
}

struct ProcessSeed<'s>(&'s mut Sink);
any_seed!(ProcessSeed<'_> => Process);

impl<'de> Visitor<'de> for ProcessSeed<'_> {
    type Value = Process;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a process")
    }
    fn visit_unit<E>(self) -> Result<Process, E> {
        let mut process = Process::default();
        self.0.settle_process(&mut process);
        Ok(process)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Process, A::Error> {
        let mut process = Process::default();
        while let Some(field) = map.next_key()? {
            let strings = &mut self.0.strings;
            match field {
                ProcessField::Service => process.service = map.next_value_seed(Text(strings))?,
                ProcessField::Tags => {
                    map.next_value_seed(Tags { strings, into: &mut process.attributes })?;
                }
                ProcessField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        self.0.settle_process(&mut process);
        Ok(process)
    }
}
