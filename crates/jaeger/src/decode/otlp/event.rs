//! What spans hold lists of besides attributes: events and links.

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::{
    super::{
        scalar::Text,
        shape::{ReadList, ReadObject, fields, push_next},
        sink::Reference,
        wire_id::WireId,
        wire_time::{WireTime, clamped},
    },
    attribute::Attributes,
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

// `timestamp` is what the Python SDK prints.
fields! { EventField { Time = "timeUnixNano" | "time_unix_nano" | "timestamp", Name = "name", Attributes = "attributes" } }

struct Event<'s>(&'s mut Strings);

impl<'de> ReadObject<'de> for Event<'_> {
    type Value = EventDraft;
    const WHAT: &'static str = "an event";

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<EventDraft, A::Error> {
        let mut event = EventDraft::default();
        while let Some(field) = map.next_key()? {
            match field {
                EventField::Time => {
                    let nanos = map.next_value::<WireTime>()?.nanos();
                    event.time = nanos.map(|nanos| Time(clamped(nanos.div_euclid(1000))));
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

// `context` is what the Python SDK prints.
fields! { LinkField {
    TraceId = "traceId" | "trace_id",
    SpanId = "spanId" | "span_id",
    Context = "context",
    Attributes = "attributes",
} }

/// The ids of a span as SDKs print them.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(in super::super) struct SpanContext {
    #[serde(rename = "trace_id", alias = "traceId")]
    pub(in super::super) trace: WireId<TraceId>,
    #[serde(rename = "span_id", alias = "spanId")]
    pub(in super::super) span: WireId<SpanId>,
}

struct LinkObject<'s>(&'s mut Strings);

impl<'de> ReadObject<'de> for LinkObject<'_> {
    type Value = Reference;
    const WHAT: &'static str = "a link";

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<Reference, A::Error> {
        let mut link = Reference { relation: Relation::FollowsFrom, trace: WireId::Missing, span: WireId::Missing };
        while let Some(field) = map.next_key()? {
            match field {
                LinkField::TraceId => link.trace = map.next_value()?,
                LinkField::SpanId => link.span = map.next_value()?,
                LinkField::Context => {
                    let context: SpanContext = map.next_value()?;
                    (link.trace, link.span) = (context.trace, context.span);
                }
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
        // A link leads to another trace; one that does not say to which leads nowhere.
        if link.trace == WireId::Missing {
            link.span = WireId::Missing;
        }
        Ok(link)
    }
}
