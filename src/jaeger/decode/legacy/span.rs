//! Spans with their references and logs.

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::{
    super::{
        scalar::{Text, Texts, Whole, WireSpanId, WireTraceId, clamp},
        shape::{List, Object, ReadList, ReadObject, fields, push_next},
        sink::{Reference, Sink},
    },
    element::Element,
    process::OneProcess,
    tag::Tags,
};
use crate::trace::{EventDraft, Micros, Relation, SpanId, StrId, Strings, Time, TraceId};

/// Reads `spans`.
pub(in super::super) struct Spans<'s> {
    pub(in super::super) sink: &'s mut Sink,
    pub(in super::super) element: &'s mut Element,
}

impl<'de> ReadList<'de> for Spans<'_> {
    const WHAT: &'static str = "a list of spans";

    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let span = Span { sink: &mut *self.sink, element: &mut *self.element };
        Ok(seq.next_element_seed(Object(span))?.is_some())
    }
}

fields! { SpanField {
    TraceId = "traceID",
    SpanId = "spanID",
    ParentSpanId = "parentSpanID",
    Name = "operationName",
    References = "references",
    Start = "startTime",
    Duration = "duration",
    Tags = "tags",
    Logs = "logs",
    ProcessId = "processID",
    Process = "process",
    Warnings = "warnings",
} }

struct Span<'s> {
    sink: &'s mut Sink,
    element: &'s mut Element,
}

impl<'de> ReadObject<'de> for Span<'_> {
    type Value = ();
    const WHAT: &'static str = "a span";

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
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
                SpanField::References => map.next_value_seed(List(References(&mut reading.references)))?,
                SpanField::Start => reading.draft.start = Time(map.next_value::<Whole>()?.micros()),
                SpanField::Duration => reading.draft.duration = Micros(map.next_value::<Whole>()?.micros()),
                SpanField::Tags => map.next_value_seed(List(Tags { strings, into: &mut reading.draft.attributes }))?,
                SpanField::Logs => map.next_value_seed(List(Logs { strings, into: &mut reading.draft.events }))?,
                SpanField::ProcessId => process = map.next_value_seed(Text(strings))?,
                SpanField::Process => embedded = Some(map.next_value_seed(Object(OneProcess(sink)))?),
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

impl<'de> ReadList<'de> for References<'_> {
    const WHAT: &'static str = "a list of references";

    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        push_next(seq, OneReference, self.0)
    }
}

fields! { ReferenceField { Relation = "refType", TraceId = "traceID", SpanId = "spanID" } }

#[derive(serde::Deserialize)]
enum RefType {
    #[serde(rename = "FOLLOWS_FROM")]
    FollowsFrom,
    #[serde(other)]
    ChildOf,
}

struct OneReference;

impl<'de> ReadObject<'de> for OneReference {
    type Value = Reference;
    const WHAT: &'static str = "a reference";

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<Reference, A::Error> {
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
                ReferenceField::SpanId => reference.span = map.next_value::<WireSpanId>()?.0.unwrap_or_default(),
                ReferenceField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(reference)
    }
}

/// Reads `logs`.
struct Logs<'s> {
    strings: &'s mut Strings,
    into: &'s mut Vec<EventDraft>,
}

impl<'de> ReadList<'de> for Logs<'_> {
    const WHAT: &'static str = "a list of logs";

    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        push_next(seq, Log(&mut *self.strings), self.into)
    }
}

fields! { LogField { Time = "timestamp", Fields = "fields" } }

struct Log<'s>(&'s mut Strings);

impl<'de> ReadObject<'de> for Log<'_> {
    type Value = EventDraft;
    const WHAT: &'static str = "a log";

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<EventDraft, A::Error> {
        let mut event = EventDraft::default();
        while let Some(field) = map.next_key()? {
            match field {
                LogField::Time => event.time = Time(clamp(map.next_value::<Whole>()?.0.unwrap_or(0))),
                LogField::Fields => {
                    map.next_value_seed(List(Tags { strings: &mut *self.0, into: &mut event.attributes }))?;
                }
                LogField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(event)
    }
}
