//! Reads events and links of OTLP.

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::super::{
    attributes::KeyValues,
    fields::{EventField, Key, ReferenceField},
    scalar::Text,
    shape::{Object, ReadList, ReadObject, push_next},
    sink::Reference,
    wire_id::WireId,
    wire_time::{WireTime, clamped},
};
use trace::{EventDraft, Relation, SpanId, Strings, Time, TraceId};

pub(in super::super) struct Events<'s> {
    pub(in super::super) strings: &'s mut Strings,
    pub(in super::super) into: &'s mut Vec<EventDraft>,
}

impl<'de> ReadList<'de> for Events<'_> {
    const WHAT: &'static str = "a list of events";

    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        push_next(seq, Event(&mut *self.strings), self.into)
    }
}

struct Event<'s>(&'s mut Strings);

impl<'de> ReadObject<'de> for Event<'_> {
    type Value = EventDraft;
    const WHAT: &'static str = "an event";

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<EventDraft, A::Error> {
        let mut event = EventDraft::default();
        while let Some(Key(field)) = map.next_key()? {
            match field {
                // The Python SDK prints `timestamp`.
                Some(EventField::TimeNano | EventField::Timestamp) => {
                    let nanos = map.next_value::<WireTime>()?.nanos();
                    event.time = nanos.map(|nanos| Time(clamped(nanos.div_euclid(1000))));
                }
                Some(EventField::Name) => event.name = map.next_value_seed(Text(&mut *self.0))?,
                Some(EventField::Attributes) => {
                    map.next_value_seed(KeyValues::new(&mut *self.0, &mut event.attributes))?;
                }
                Some(EventField::Fields | EventField::Value) | None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(event)
    }
}

pub(in super::super) struct Links<'s> {
    pub(in super::super) strings: &'s mut Strings,
    pub(in super::super) into: &'s mut Vec<Reference>,
}

impl<'de> ReadList<'de> for Links<'_> {
    const WHAT: &'static str = "a list of links";

    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        push_next(seq, LinkObject(&mut *self.strings), self.into)
    }
}

/// The ids of a span as SDKs print them.
pub(in super::super) struct SpanContext;

impl<'de> ReadObject<'de> for SpanContext {
    type Value = (WireId<TraceId>, WireId<SpanId>);
    const WHAT: &'static str = "the context of a span";

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut context = Self::Value::default();
        while let Some(Key(field)) = map.next_key()? {
            match field {
                Some(ReferenceField::TraceId) => context.0 = map.next_value()?,
                Some(ReferenceField::SpanId) => context.1 = map.next_value()?,
                Some(
                    ReferenceField::Relation
                    | ReferenceField::Span
                    | ReferenceField::Context
                    | ReferenceField::Attributes,
                )
                | None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(context)
    }
}

struct LinkObject<'s>(&'s mut Strings);

impl<'de> ReadObject<'de> for LinkObject<'_> {
    type Value = Reference;
    const WHAT: &'static str = "a link";

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<Reference, A::Error> {
        let mut link = Reference { relation: Relation::FollowsFrom, trace: WireId::Missing, span: WireId::Missing };
        while let Some(Key(field)) = map.next_key()? {
            match field {
                Some(ReferenceField::TraceId) => link.trace = map.next_value()?,
                Some(ReferenceField::SpanId) => link.span = map.next_value()?,
                // The Python SDK prints it.
                Some(ReferenceField::Context) => {
                    (link.trace, link.span) = map.next_value_seed(Object(SpanContext))?;
                }
                Some(ReferenceField::Attributes) => {
                    let mut attributes = Vec::new();
                    map.next_value_seed(KeyValues::new(&mut *self.0, &mut attributes))?;
                    let is_child = attributes.iter().any(|a| {
                        self.0.get(a.key()) == "opentracing.ref_type" && a.value(self.0).as_str() == Some("child_of")
                    });
                    if is_child {
                        link.relation = Relation::ChildOf;
                    }
                }
                Some(ReferenceField::Relation | ReferenceField::Span) | None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        // A link refers to another trace; one that does not name a trace cannot be followed.
        if link.trace == WireId::Missing {
            link.span = WireId::Missing;
        }
        Ok(link)
    }
}
