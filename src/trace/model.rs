//! A trace as both Jaeger APIs tell it: compact to keep, comfortable to read through [`SpanRef`].

use std::{fmt, sync::Arc};

use super::{
    ids::{SpanId, TraceId},
    span::{Link, Parent, Relation, SpanKind, Status},
    strings::{StrId, Strings},
    time::{Micros, Time},
    value::{Attribute, Value},
};

/// Position of a span within its [`Trace`]; spans are in the order of their start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanIx(pub(crate) u32);

impl SpanIx {
    /// As an index into a side table of [`Trace::len`] entries.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A range of one of the trace's flat tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) start: u32,
    pub(super) len: u32,
}

impl Slice {
    pub(super) fn of<T>(self, table: &[T]) -> &[T] {
        let start = self.start as usize;
        table.get(start..start + self.len as usize).unwrap_or_default()
    }

    pub(super) fn appended<T>(table: &mut Vec<T>, items: &mut Vec<T>) -> Self {
        let start = table.len() as u32;
        let len = items.len() as u32;
        table.append(items);
        Self { start, len }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) id: SpanId,
    pub(super) parent: SpanId,
    pub(super) start: Time,
    pub(super) duration: Micros,
    pub(super) name: StrId,
    pub(super) resource: u32,
    pub(super) status_message: StrId,
    pub(super) scope: StrId,
    pub(super) scope_version: StrId,
    pub(super) attributes: Slice,
    pub(super) events: Slice,
    pub(super) links: Slice,
    pub(super) warnings: Slice,
    pub(super) kind: SpanKind,
    pub(super) status: Status,
    pub(super) follows: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) time: Time,
    pub(super) name: StrId,
    pub(super) attributes: Slice,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Resource {
    pub(super) service: StrId,
    pub(super) attributes: Slice,
}

/// One trace. Equal traces of both APIs are equal values: see [`Trace::canonical`].
#[derive(Clone)]
pub struct Trace {
    pub(super) id: TraceId,
    pub(super) strings: Arc<Strings>,
    pub(super) spans: Vec<Span>,
    pub(super) attributes: Vec<Attribute>,
    pub(super) events: Vec<Event>,
    pub(super) links: Vec<Link>,
    pub(super) resources: Vec<Resource>,
    pub(super) texts: Vec<StrId>,
    pub(super) warnings: Vec<StrId>,
    pub(super) partial: Option<String>,
    pub(super) duplicates: usize,
}

impl Trace {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> TraceId {
        self.id
    }

    /// The table behind every [`StrId`] of this trace.
    #[must_use]
    pub fn strings(&self) -> &Arc<Strings> {
        &self.strings
    }

    /// How many spans.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is no span.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The spans by start (then id, then name), whatever order they arrived in.
    pub fn spans(&self) -> impl ExactSizeIterator<Item = SpanRef<'_>> + DoubleEndedIterator {
        self.spans.iter().enumerate().map(|(ix, span)| SpanRef { trace: self, span, ix: SpanIx(ix as u32) })
    }

    /// The span at a position of this trace.
    #[must_use]
    pub fn span(&self, ix: SpanIx) -> Option<SpanRef<'_>> {
        self.spans.get(ix.index()).map(|span| SpanRef { trace: self, span, ix })
    }

    /// Jaeger's warnings about the whole trace.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        self.warnings.iter().map(|&id| self.strings.get(id))
    }

    /// Why spans are known to be missing, if they are (a limit, a cut answer).
    #[must_use]
    pub fn partial(&self) -> Option<&str> {
        self.partial.as_deref()
    }

    /// Says that spans are missing, and why.
    pub fn mark_partial(&mut self, why: impl Into<String>) {
        self.partial.get_or_insert_with(|| why.into());
    }

    /// How many repeated copies of spans were dropped.
    #[must_use]
    pub fn duplicates(&self) -> usize {
        self.duplicates
    }

    /// Earliest start of a span.
    #[must_use]
    pub fn start(&self) -> Option<Time> {
        self.spans.first().map(|span| span.start)
    }

    /// Latest end of a span.
    #[must_use]
    pub fn end(&self) -> Option<Time> {
        self.spans.iter().map(|span| span.start + span.duration).max()
    }

    /// Everything the trace says as JSON in a fixed order: equal for two answers that tell the same.
    #[must_use]
    pub fn canonical(&self) -> serde_json::Value {
        serde_json::json!({
            "trace_id": self.id,
            "spans": self.spans().map(SpanRef::canonical).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trace({}, {} spans)", self.id, self.spans.len())
    }
}

/// A span with its trace at hand.
#[derive(Clone, Copy)]
pub struct SpanRef<'t> {
    trace: &'t Trace,
    span: &'t Span,
    ix: SpanIx,
}

impl<'t> SpanRef<'t> {
    /// Its position in the trace.
    #[must_use]
    pub fn ix(self) -> SpanIx {
        self.ix
    }

    /// Its trace.
    #[must_use]
    pub fn trace(self) -> &'t Trace {
        self.trace
    }

    /// Its id; not unique when an exporter went wrong.
    #[must_use]
    pub fn id(self) -> SpanId {
        self.span.id
    }

    /// The parent it names, present or not.
    #[must_use]
    pub fn parent(self) -> Option<Parent> {
        let relation = if self.span.follows { Relation::FollowsFrom } else { Relation::ChildOf };
        (self.span.parent != SpanId(0)).then_some(Parent { span: self.span.parent, relation })
    }

    /// Its name (Jaeger: operation name).
    #[must_use]
    pub fn name(self) -> &'t str {
        self.trace.strings.get(self.span.name)
    }

    /// The name's id, to compare within the trace's table.
    #[must_use]
    pub fn name_id(self) -> StrId {
        self.span.name
    }

    /// The name of its service.
    #[must_use]
    pub fn service(self) -> &'t str {
        self.trace.strings.get(self.service_id())
    }

    /// The service name's id.
    #[must_use]
    pub fn service_id(self) -> StrId {
        self.resource().map_or(StrId::EMPTY, |resource| resource.service)
    }

    /// What it does in a call.
    #[must_use]
    pub fn kind(self) -> SpanKind {
        self.span.kind
    }

    /// Its outcome.
    #[must_use]
    pub fn status(self) -> Status {
        self.span.status
    }

    /// Whether its status is an error.
    #[must_use]
    pub fn is_error(self) -> bool {
        self.span.status == Status::Error
    }

    /// The text beside the status, empty when there is none.
    #[must_use]
    pub fn status_message(self) -> &'t str {
        self.trace.strings.get(self.span.status_message)
    }

    /// When it started.
    #[must_use]
    pub fn start(self) -> Time {
        self.span.start
    }

    /// When it ended.
    #[must_use]
    pub fn end(self) -> Time {
        self.span.start + self.span.duration
    }

    /// How long it took; never negative.
    #[must_use]
    pub fn duration(self) -> Micros {
        self.span.duration
    }

    /// Name and version of the instrumentation library, empty when unknown.
    #[must_use]
    pub fn scope(self) -> (&'t str, &'t str) {
        (self.trace.strings.get(self.span.scope), self.trace.strings.get(self.span.scope_version))
    }

    /// Its attributes by key; each key once.
    pub fn attributes(self) -> impl ExactSizeIterator<Item = (&'t str, Value<'t>)> {
        let strings = &*self.trace.strings;
        self.raw_attributes().iter().map(move |a| (strings.get(a.key()), a.value(strings)))
    }

    /// Its attributes as kept, for passes over many spans.
    #[must_use]
    pub fn raw_attributes(self) -> &'t [Attribute] {
        self.span.attributes.of(&self.trace.attributes)
    }

    /// The value of an attribute.
    #[must_use]
    pub fn attribute(self, key: &str) -> Option<Value<'t>> {
        self.attributes().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// The value of the attribute whose key has this id in the trace's table.
    #[must_use]
    pub fn attribute_by_id(self, key: StrId) -> Option<Value<'t>> {
        self.raw_attributes().iter().find(|a| a.key() == key).map(|a| a.value(&self.trace.strings))
    }

    /// Attributes of the process that made it, without `service.name`.
    pub fn resource_attributes(self) -> impl Iterator<Item = (&'t str, Value<'t>)> {
        let strings = &*self.trace.strings;
        let attributes = self.resource().map(|r| r.attributes.of(&self.trace.attributes)).unwrap_or_default();
        attributes.iter().map(move |a| (strings.get(a.key()), a.value(strings)))
    }

    /// Its events by time.
    pub fn events(self) -> impl ExactSizeIterator<Item = EventRef<'t>> {
        let trace = self.trace;
        self.span.events.of(&trace.events).iter().map(move |event| EventRef { trace, event })
    }

    /// Its references to spans other than its parent.
    #[must_use]
    pub fn links(self) -> &'t [Link] {
        self.span.links.of(&self.trace.links)
    }

    /// Jaeger's warnings about it.
    pub fn warnings(self) -> impl ExactSizeIterator<Item = &'t str> {
        let strings = &*self.trace.strings;
        self.span.warnings.of(&self.trace.texts).iter().map(move |&id| strings.get(id))
    }

    fn resource(self) -> Option<&'t Resource> {
        self.trace.resources.get(self.span.resource as usize)
    }

    fn canonical(self) -> serde_json::Value {
        let map = |pairs: &mut dyn Iterator<Item = (&str, Value<'_>)>| {
            pairs.map(|(key, value)| (key.to_owned(), value.to_json())).collect::<serde_json::Map<_, _>>()
        };
        serde_json::json!({
            "span_id": self.id(),
            "parent": self.parent().map(|parent| (parent.span, parent.relation == Relation::FollowsFrom)),
            "name": self.name(),
            "service": self.service(),
            "kind": self.kind(),
            "status": self.status(),
            "status_message": self.status_message(),
            "start_us": self.start().0,
            "duration_us": self.duration().0,
            "scope": self.scope(),
            "attributes": map(&mut self.attributes()),
            "resource": map(&mut self.resource_attributes()),
            "events": self.events().map(|event| serde_json::json!({
                "at_us": event.time().0, "name": event.name(), "attributes": map(&mut event.attributes()),
            })).collect::<Vec<_>>(),
            "links": self.links().iter().map(|link| (link.trace, link.span)).collect::<Vec<_>>(),
            "warnings": self.warnings().collect::<Vec<_>>(),
        })
    }
}

impl fmt::Debug for SpanRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} [{}] {}+{}", self.id(), self.name(), self.service(), self.start(), self.duration())
    }
}

/// An event of a span (Jaeger: a log).
#[derive(Clone, Copy, Debug)]
pub struct EventRef<'t> {
    trace: &'t Trace,
    event: &'t Event,
}

impl<'t> EventRef<'t> {
    /// When it happened.
    #[must_use]
    pub fn time(self) -> Time {
        self.event.time
    }

    /// Its name, `exception` for exceptions.
    #[must_use]
    pub fn name(self) -> &'t str {
        self.trace.strings.get(self.event.name)
    }

    /// Its attributes by key.
    pub fn attributes(self) -> impl ExactSizeIterator<Item = (&'t str, Value<'t>)> {
        let strings = &*self.trace.strings;
        self.event.attributes.of(&self.trace.attributes).iter().map(move |a| (strings.get(a.key()), a.value(strings)))
    }

    /// The value of an attribute.
    #[must_use]
    pub fn attribute(self, key: &str) -> Option<Value<'t>> {
        self.attributes().find(|(name, _)| *name == key).map(|(_, value)| value)
    }
}
