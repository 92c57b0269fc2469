//! Reads spans with their references and logs, as in Jaeger's user interface and in its gRPC model.

use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess};
use serde_json::Value;

use super::{
    super::{
        attributes::Tags,
        fields::{EventField, Key, ReferenceField, SpanField},
        foreign::{self, ForeignFields},
        left_out::Reason,
        scalar::{Text, Texts},
        shape::{List, Object, ReadList, ReadObject, push_next},
        sink::{Reference, Sink},
        wire_id::WireId,
        wire_time::WireTime,
    },
    process::OneProcess,
    trace_object::TraceObject,
};
use trace::{EventDraft, Micros, Relation, StrId, Strings, Time};

/// Reads `spans`.
pub(in super::super) struct Spans<'s> {
    pub(in super::super) sink: &'s mut Sink,
    pub(in super::super) object: &'s mut TraceObject,
}

impl<'de> ReadList<'de> for Spans<'_> {
    const WHAT: &'static str = "a list of spans";

    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let span = Span { sink: &mut *self.sink, object: &mut *self.object };
        Ok(seq.next_element_seed(Object(span))?.is_some())
    }
}

/// Reads a span. [`foreign`] reads the fields of other formats.
pub(in super::super) struct Span<'s> {
    pub(in super::super) sink: &'s mut Sink,
    pub(in super::super) object: &'s mut TraceObject,
}

impl<'de> ReadObject<'de> for Span<'_> {
    type Value = ();
    const WHAT: &'static str = "a span";

    fn other(self, what: &str) -> Option<()> {
        self.sink.left_out.add(Reason::UnknownForm, what);
        Some(())
    }

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { sink, object } = self;
        sink.begin();
        let (mut parent, mut process, mut embedded) = (WireId::Missing, StrId::EMPTY, None);
        let (mut start, mut duration) = (WireTime::Missing, WireTime::Missing);
        let mut others: Option<Box<ForeignFields>> = None;
        while let Some(Key(field)) = map.next_key()? {
            let (current, strings) = (&mut sink.current, &mut sink.strings);
            let Some(field) = field else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            match field {
                SpanField::TraceId => current.trace = map.next_value()?,
                SpanField::SpanId => current.id = map.next_value()?,
                SpanField::ParentSpanId => parent = map.next_value()?,
                SpanField::OperationName => current.draft.name = map.next_value_seed(Text(strings))?,
                SpanField::References => map.next_value_seed(List(References(&mut current.references)))?,
                SpanField::StartTime => start = map.next_value()?,
                SpanField::Duration => duration = map.next_value()?,
                SpanField::Tags => map.next_value_seed(Tags::new(strings, &mut current.draft.attributes))?,
                SpanField::Logs => map.next_value_seed(List(Logs { strings, into: &mut current.draft.events }))?,
                SpanField::ProcessId => process = map.next_value_seed(Text(strings))?,
                SpanField::Process => embedded = Some(map.next_value_seed(Object(OneProcess(sink)))?),
                SpanField::Warnings => {
                    map.next_value_seed(Texts { strings, into: &mut current.draft.warnings })?;
                }
                SpanField::Flags => drop(map.next_value::<IgnoredAny>()?),
                // Fields of other formats.
                SpanField::Name => others.get_or_insert_default().name = map.next_value()?,
                SpanField::Kind => others.get_or_insert_default().kind = map.next_value()?,
                SpanField::StartNano => others.get_or_insert_default().start_nano = map.next_value()?,
                SpanField::EndNano => others.get_or_insert_default().end_nano = map.next_value()?,
                SpanField::Attributes => others.get_or_insert_default().attributes = map.next_value()?,
                SpanField::Events => others.get_or_insert_default().events = map.next_value()?,
                SpanField::Links => others.get_or_insert_default().links = map.next_value()?,
                SpanField::Status => others.get_or_insert_default().status = map.next_value()?,
                SpanField::Id => others.get_or_insert_default().id = map.next_value()?,
                SpanField::Context => others.get_or_insert_default().context = map.next_value()?,
                SpanField::ParentId => others.get_or_insert_default().parent_id = map.next_value()?,
                SpanField::EndTime => others.get_or_insert_default().end_time = map.next_value()?,
                SpanField::Timestamp => others.get_or_insert_default().timestamp = map.next_value()?,
                SpanField::TagObject => others.get_or_insert_default().tag_object = map.next_value()?,
                SpanField::Annotations => others.get_or_insert_default().annotations = map.next_value()?,
                SpanField::Resource => others.get_or_insert_default().resource = map.next_value()?,
                SpanField::LocalEndpoint => others.get_or_insert_default().local_endpoint = map.next_value()?,
                SpanField::RemoteEndpoint => others.get_or_insert_default().remote_endpoint = map.next_value()?,
                SpanField::BinaryAnnotations => {
                    map.next_value::<IgnoredAny>()?;
                    others.get_or_insert_default().has_binary_annotations = true;
                }
            }
        }
        // A duration that is a plain number is in microseconds if the start is a plain number too. Otherwise its unit is unknown.
        let has_own_unit = |moment| matches!(moment, WireTime::Nanos(_));
        let draft = &mut sink.current.draft;
        draft.start = start.micros().map(Time);
        draft.duration = duration.micros().filter(|_| !has_own_unit(start) || has_own_unit(duration)).map(Micros);
        if let Some(others) = others {
            let Some(read) = foreign::apply(*others, sink).map_err(A::Error::custom)? else { return Ok(()) };
            parent = if parent == WireId::Missing { read.parent } else { parent };
            embedded = embedded.or(read.process);
        }
        match embedded {
            Some(process) => object.add_span_with_process(parent, process, sink),
            None => object.add_span(parent, process, sink),
        }
        Ok(())
    }
}

/// Reads `references`. Some exporters embed whole spans there, which are skipped.
struct References<'s>(&'s mut Vec<Reference>);

impl<'de> ReadList<'de> for References<'_> {
    const WHAT: &'static str = "a list of references";

    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        push_next(seq, OneReference, self.0)
    }
}

struct OneReference;

impl<'de> ReadObject<'de> for OneReference {
    type Value = Reference;
    const WHAT: &'static str = "a reference";

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<Reference, A::Error> {
        let mut reference = Reference { relation: Relation::ChildOf, trace: WireId::Missing, span: WireId::Missing };
        while let Some(Key(field)) = map.next_key()? {
            match field {
                Some(ReferenceField::Relation) => reference.relation = relation(&map.next_value()?),
                Some(ReferenceField::TraceId) => reference.trace = map.next_value()?,
                Some(ReferenceField::SpanId) => reference.span = map.next_value()?,
                Some(ReferenceField::Span | ReferenceField::Context | ReferenceField::Attributes) | None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(reference)
    }
}

/// Reads a relation: a name or, in Jaeger's gRPC model, a number.
fn relation(written: &Value) -> Relation {
    let follows = written.as_u64() == Some(1) || written.as_str().is_some_and(is_follows_from);
    if follows { Relation::FollowsFrom } else { Relation::ChildOf }
}

pub(in super::super) fn is_follows_from(name: &str) -> bool {
    name.eq_ignore_ascii_case("FOLLOWS_FROM") || name.eq_ignore_ascii_case("follows-from")
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

struct Log<'s>(&'s mut Strings);

impl<'de> ReadObject<'de> for Log<'_> {
    type Value = EventDraft;
    const WHAT: &'static str = "a log";

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<EventDraft, A::Error> {
        let mut event = EventDraft::default();
        while let Some(Key(field)) = map.next_key()? {
            match field {
                Some(EventField::Timestamp) => event.time = map.next_value::<WireTime>()?.micros().map(Time),
                Some(EventField::Fields) => map.next_value_seed(Tags::new(&mut *self.0, &mut event.attributes))?,
                Some(EventField::TimeNano | EventField::Name | EventField::Attributes | EventField::Value) | None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(event)
    }
}
