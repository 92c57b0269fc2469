//! What spans hold lists of besides attributes: events and links.

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::{
    super::{
        scalar::{Text, Whole, WireSpanId, WireTraceId, clamp},
        shape::{List, ReadList, ReadObject, fields, push_next},
        sink::Reference,
    },
    attribute::Attributes,
};
use crate::trace::{EventDraft, Relation, SpanId, Strings, Time, TraceId};

pub(super) struct Events<'s> {
    pub(super) strings: &'s mut Strings,
    pub(super) into: &'s mut Vec<EventDraft>,
}

impl<'de> ReadList<'de> for Events<'_> {
    const WHAT: &'static str = "a list of events";

    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        push_next(seq, Event(&mut *self.strings), self.into)
    }
}

fields! { EventField { Time = "timeUnixNano" | "time_unix_nano", Name = "name", Attributes = "attributes" } }

struct Event<'s>(&'s mut Strings);

impl<'de> ReadObject<'de> for Event<'_> {
    type Value = EventDraft;
    const WHAT: &'static str = "an event";

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<EventDraft, A::Error> {
        let mut event = EventDraft::default();
        while let Some(field) = map.next_key()? {
            match field {
                EventField::Time => {
                    event.time = Time(clamp(map.next_value::<Whole>()?.0.unwrap_or(0).div_euclid(1000)));
                }
                EventField::Name => event.name = map.next_value_seed(Text(&mut *self.0))?,
                EventField::Attributes => {
                    map.next_value_seed(List(Attributes { strings: &mut *self.0, into: &mut event.attributes }))?;
                }
                EventField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(event)
    }
}

pub(super) struct Links<'s> {
    pub(super) strings: &'s mut Strings,
    pub(super) into: &'s mut Vec<Reference>,
}

impl<'de> ReadList<'de> for Links<'_> {
    const WHAT: &'static str = "a list of links";

    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        push_next(seq, LinkObject(&mut *self.strings), self.into)
    }
}

fields! { LinkField { TraceId = "traceId" | "trace_id", SpanId = "spanId" | "span_id", Attributes = "attributes" } }

struct LinkObject<'s>(&'s mut Strings);

impl<'de> ReadObject<'de> for LinkObject<'_> {
    type Value = Reference;
    const WHAT: &'static str = "a link";

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<Reference, A::Error> {
        let mut link = Reference { relation: Relation::FollowsFrom, trace: TraceId(0), span: SpanId(0) };
        while let Some(field) = map.next_key()? {
            match field {
                LinkField::TraceId => link.trace = map.next_value::<WireTraceId>()?.0,
                LinkField::SpanId => link.span = map.next_value::<WireSpanId>()?.0.unwrap_or_default(),
                LinkField::Attributes => {
                    let mut attributes = Vec::new();
                    map.next_value_seed(List(Attributes { strings: &mut *self.0, into: &mut attributes }))?;
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
