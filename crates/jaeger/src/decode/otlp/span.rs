//! Reads spans of OTLP.

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::{
    super::{
        attributes::KeyValues,
        fields::{Key, SpanField, StatusField},
        left_out::Reason,
        normalize::{attribute, status_of},
        scalar::{Any, Text},
        shape::{List, Object, ReadList, ReadObject},
        sink::{Process, Reference, Sink},
        wire_id::WireId,
        wire_time::{WireTime, clamped},
    },
    event::{Events, Links},
};
use trace::{Micros, Relation, SpanDraft, SpanKind, Status, StrId, Strings, Time, Value};

pub(super) struct Spans<'s> {
    pub(super) sink: &'s mut Sink,
    pub(super) process: &'s Process,
    pub(super) scope: (StrId, StrId),
}

impl<'de> ReadList<'de> for Spans<'_> {
    const WHAT: &'static str = "a list of spans";

    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let span = Span { sink: &mut *self.sink, process: self.process, scope: self.scope };
        Ok(seq.next_element_seed(Object(span))?.is_some())
    }
}

struct Span<'s> {
    sink: &'s mut Sink,
    process: &'s Process,
    scope: (StrId, StrId),
}

impl<'de> ReadObject<'de> for Span<'_> {
    type Value = ();
    const WHAT: &'static str = "a span";

    fn other(self, what: &str) -> Option<()> {
        self.sink.left_out.add(Reason::UnknownForm, what);
        Some(())
    }

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { sink, process, scope } = self;
        let draft = &mut sink.begin().draft;
        (draft.scope, draft.scope_version) = scope;
        let (mut parent, mut start, mut end) = (WireId::Missing, None, None);
        while let Some(Key(field)) = map.next_key()? {
            let Some(field) = field else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let (current, strings) = (&mut sink.current, &mut sink.strings);
            let draft = &mut current.draft;
            match field {
                SpanField::TraceId => current.trace = map.next_value()?,
                SpanField::SpanId => current.id = map.next_value()?,
                SpanField::ParentSpanId => parent = map.next_value()?,
                SpanField::Name => draft.name = map.next_value_seed(Text(strings))?,
                SpanField::Kind => {
                    let kind = map.next_value_seed(Any(&mut *strings))?;
                    draft.kind = kind_of(attribute(StrId::EMPTY, kind).value(strings));
                }
                SpanField::StartNano => start = map.next_value::<WireTime>()?.nanos(),
                SpanField::EndNano => end = map.next_value::<WireTime>()?.nanos(),
                SpanField::Attributes => {
                    map.next_value_seed(KeyValues::new(strings, &mut draft.attributes))?;
                }
                SpanField::Events => map.next_value_seed(List(Events { strings, into: &mut draft.events }))?,
                SpanField::Links => map.next_value_seed(List(Links { strings, into: &mut current.references }))?,
                SpanField::Status => {
                    (draft.status, draft.status_message) = map.next_value_seed(Object(StatusObject(strings)))?;
                }
                // Fields of other formats.
                SpanField::Flags
                | SpanField::OperationName
                | SpanField::References
                | SpanField::StartTime
                | SpanField::Duration
                | SpanField::Tags
                | SpanField::Logs
                | SpanField::ProcessId
                | SpanField::Process
                | SpanField::Warnings
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
                | SpanField::RemoteEndpoint => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let Some(id) = sink.trace_of_span(&WireId::Missing) else { return Ok(()) };
        set_times(&mut sink.current.draft, start, end);
        if parent != WireId::Missing {
            let reference = Reference { relation: Relation::ChildOf, trace: WireId::Missing, span: parent };
            sink.current.references.insert(0, reference);
        }
        sink.normalize_span(id);
        sink.set_default_scope((process.scope, process.scope_version));
        let trace = sink.trace(id);
        let resource = sink.shared_resource(trace, process);
        sink.push(trace, resource);
        Ok(())
    }
}

/// Sets start and duration. Each is rounded down to microseconds, as in the legacy API, so that both APIs give the same.
/// An end of zero was not set.
pub(in super::super) fn set_times(draft: &mut SpanDraft, start: Option<i128>, end: Option<i128>) {
    draft.start = start.map(|start| Time(clamped(start.div_euclid(1000))));
    let end = end.filter(|end| *end != 0);
    draft.duration = start.zip(end).map(|(start, end)| Micros(clamped((end - start).div_euclid(1000))));
}

pub(in super::super) fn kind_of(value: Value<'_>) -> SpanKind {
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

pub(in super::super) struct StatusObject<'s>(pub(in super::super) &'s mut Strings);

impl<'de> ReadObject<'de> for StatusObject<'_> {
    type Value = (Status, StrId);
    const WHAT: &'static str = "a status";

    fn null(self) -> Option<(Status, StrId)> {
        Some((Status::Unset, StrId::EMPTY))
    }

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<(Status, StrId), A::Error> {
        let mut status = (Status::Unset, StrId::EMPTY);
        while let Some(Key(field)) = map.next_key()? {
            match field {
                Some(StatusField::Code) => {
                    let code = map.next_value_seed(Any(&mut *self.0))?;
                    status.0 = status_of(attribute(StrId::EMPTY, code).value(self.0));
                }
                Some(StatusField::Message) => status.1 = map.next_value_seed(Text(&mut *self.0))?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(status)
    }
}
