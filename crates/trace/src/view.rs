//! Views of a span and of an event, through which all other code reads a trace.

use std::fmt;

use super::{
    ids::SpanId,
    model::{Event, ParentKind, Resource, Span, SpanIx, Trace},
    span::{Link, Parent, Relation, SpanKind, Status},
    steps::count_step,
    strings::StrId,
    time::{Micros, Time},
    timing::Timing,
    value::{Attribute, Value},
};

/// A span with a reference to its trace.
#[derive(Clone, Copy)]
pub struct SpanRef<'t> {
    pub(super) trace: &'t Trace,
    pub(super) span: &'t Span,
    pub(super) ix: SpanIx,
}

impl<'t> SpanRef<'t> {
    /// All access to the span goes through here, where it is counted.
    fn span(self) -> &'t Span {
        count_step();
        self.span
    }

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

    /// Its id. It is not unique if an exporter made an error.
    #[must_use]
    pub fn id(self) -> SpanId {
        self.span().id
    }

    /// The parent that it names, which may be missing.
    #[must_use]
    pub fn parent(self) -> Option<Parent> {
        let follows = self.span().parent_kind == ParentKind::FollowsFrom;
        let relation = if follows { Relation::FollowsFrom } else { Relation::ChildOf };
        (self.span().parent != SpanId(0)).then_some(Parent { span: self.span().parent, relation })
    }

    /// Whether it names a parent by an id that cannot be read.
    #[must_use]
    pub fn has_unreadable_parent(self) -> bool {
        self.span().parent_kind == ParentKind::Unreadable
    }

    /// Its name (Jaeger: operation name).
    #[must_use]
    pub fn name(self) -> &'t str {
        self.trace.strings.get(self.span().name)
    }

    /// The id of its name in the trace's table, for fast comparison.
    #[must_use]
    pub fn name_id(self) -> StrId {
        self.span().name
    }

    /// The name of its service.
    #[must_use]
    pub fn service(self) -> &'t str {
        self.trace.strings.get(self.service_id())
    }

    /// The id of the service's name in the trace's table.
    #[must_use]
    pub fn service_id(self) -> StrId {
        self.resource().map_or(StrId::EMPTY, |resource| resource.service)
    }

    /// What it does in a call.
    #[must_use]
    pub fn kind(self) -> SpanKind {
        self.span().kind
    }

    /// Its outcome.
    #[must_use]
    pub fn status(self) -> Status {
        self.span().status
    }

    /// Whether its status is an error.
    #[must_use]
    pub fn is_error(self) -> bool {
        self.span().status == Status::Error
    }

    /// The text beside the status; empty if there is none.
    #[must_use]
    pub fn status_message(self) -> &'t str {
        self.trace.strings.get(self.span().status_message)
    }

    /// Whether its start was possible. Otherwise it is an empty interval where its parent starts.
    #[must_use]
    pub fn has_time(self) -> bool {
        self.span().timing != Timing::NoStart
    }

    /// When it started; see [`SpanRef::has_time`].
    #[must_use]
    pub fn start(self) -> Time {
        self.span().start
    }

    /// When it ended.
    #[must_use]
    pub fn end(self) -> Time {
        self.span().start + self.span().duration
    }

    /// How long it took; never negative.
    #[must_use]
    pub fn duration(self) -> Micros {
        self.span().duration
    }

    /// Name and version of the instrumentation library; empty if unknown.
    #[must_use]
    pub fn scope(self) -> (&'t str, &'t str) {
        (self.trace.strings.get(self.span().scope), self.trace.strings.get(self.span().scope_version))
    }

    /// Its attributes by key; each key once.
    pub fn attributes(self) -> impl ExactSizeIterator<Item = (&'t str, Value<'t>)> {
        let strings = &*self.trace.strings;
        self.raw_attributes().iter().map(move |a| (strings.get(a.key()), a.value(strings)))
    }

    /// Its attributes as they are stored, for fast passes over many spans.
    #[must_use]
    pub fn raw_attributes(self) -> &'t [Attribute] {
        self.span().attributes.of(&self.trace.attributes)
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

    /// Attributes of the process that produced it, without `service.name`.
    pub fn resource_attributes(self) -> impl Iterator<Item = (&'t str, Value<'t>)> {
        let strings = &*self.trace.strings;
        let attributes = self.resource().map(|r| r.attributes.of(&self.trace.attributes)).unwrap_or_default();
        attributes.iter().map(move |a| (strings.get(a.key()), a.value(strings)))
    }

    /// Its events in order of time.
    pub fn events(self) -> impl ExactSizeIterator<Item = EventRef<'t>> {
        let trace = self.trace;
        self.span().events.of(&trace.events).iter().map(move |event| EventRef { trace, event })
    }

    /// Its references to spans other than its parent.
    #[must_use]
    pub fn links(self) -> &'t [Link] {
        self.span().links.of(&self.trace.links)
    }

    /// Jaeger's warnings about it.
    pub fn warnings(self) -> impl ExactSizeIterator<Item = &'t str> {
        let strings = &*self.trace.strings;
        self.span().warnings.of(&self.trace.span_warnings).iter().map(move |&id| strings.get(id))
    }

    fn resource(self) -> Option<&'t Resource> {
        self.trace.resources.get(self.span().resource as usize)
    }

    pub(super) fn canonical(self) -> serde_json::Value {
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
    /// When it happened; never outside its span.
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
