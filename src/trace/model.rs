//! A trace as both Jaeger APIs tell it: compact to keep, comfortable to read through [`SpanRef`].

use std::{fmt, sync::Arc};

use super::{
    ids::{SpanId, TraceId},
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

/// What a span does in a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// Not said.
    #[default]
    Unspecified,
    /// Work inside a process.
    Internal,
    /// Answers a request.
    Server,
    /// Sends a request.
    Client,
    /// Hands over a message without waiting for its effect.
    Producer,
    /// Takes a message.
    Consumer,
}

impl SpanKind {
    /// Lower-case name as Grafana's trace view wants it; empty when not said.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }

    /// Reads the names of both APIs (`server`, `SPAN_KIND_SERVER`), in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix("SPAN_KIND_").unwrap_or(text);
        [Self::Internal, Self::Server, Self::Client, Self::Producer, Self::Consumer]
            .into_iter()
            .find(|kind| name.eq_ignore_ascii_case(kind.as_str()))
    }
}

/// What a span says of its outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nothing said: how most spans of automatic instrumentation end well.
    #[default]
    Unset,
    /// Explicitly good.
    Ok,
    /// An error.
    Error,
}

/// How a span hangs on its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The parent (usually) waits for it.
    ChildOf,
    /// Started by the parent, which does not wait for it.
    FollowsFrom,
}

/// The parent of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its span id, in the same trace.
    pub span: SpanId,
    /// Whether it waits.
    pub relation: Relation,
}

/// A reference to another span that is not its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The other span's trace.
    pub trace: TraceId,
    /// The other span.
    pub span: SpanId,
}

/// A range of one of the trace's flat tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Slice {
    start: u32,
    len: u32,
}

impl Slice {
    fn of<T>(self, table: &[T]) -> &[T] {
        let start = self.start as usize;
        table.get(start..start + self.len as usize).unwrap_or_default()
    }

    fn appended<T>(table: &mut Vec<T>, items: &mut Vec<T>) -> Self {
        let start = table.len() as u32;
        let len = items.len() as u32;
        table.append(items);
        Self { start, len }
    }
}

#[derive(Clone, Copy, Debug)]
struct Span {
    id: SpanId,
    parent: SpanId,
    start: Time,
    duration: Micros,
    name: StrId,
    resource: u32,
    status_message: StrId,
    scope: StrId,
    scope_version: StrId,
    attributes: Slice,
    events: Slice,
    links: Slice,
    warnings: Slice,
    kind: SpanKind,
    status: Status,
    follows: bool,
}

#[derive(Clone, Copy, Debug)]
struct Event {
    time: Time,
    name: StrId,
    attributes: Slice,
}

#[derive(Clone, Copy, Debug)]
struct Resource {
    service: StrId,
    attributes: Slice,
}

/// One trace. Equal traces of both APIs are equal values: see [`Trace::canonical`].
#[derive(Clone)]
pub struct Trace {
    id: TraceId,
    strings: Arc<Strings>,
    spans: Vec<Span>,
    attributes: Vec<Attribute>,
    events: Vec<Event>,
    links: Vec<Link>,
    resources: Vec<Resource>,
    texts: Vec<StrId>,
    warnings: Vec<StrId>,
    partial: Option<String>,
    duplicates: usize,
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

/// A span on its way into a [`TraceBuilder`]; the lists are drained by [`TraceBuilder::push`], so that one draft can
/// serve for all spans of an answer.
#[derive(Clone, Debug, Default)]
pub struct SpanDraft {
    /// Its id.
    pub id: SpanId,
    /// The parent it names.
    pub parent: Option<Parent>,
    /// Its name.
    pub name: StrId,
    /// What [`TraceBuilder::resource`] gave for its process.
    pub resource: ResourceIx,
    /// When it started.
    pub start: Time,
    /// How long it took.
    pub duration: Micros,
    /// What it does in a call.
    pub kind: SpanKind,
    /// Its outcome.
    pub status: Status,
    /// The text beside the status.
    pub status_message: StrId,
    /// Name of the instrumentation library.
    pub scope: StrId,
    /// Version of the instrumentation library.
    pub scope_version: StrId,
    /// Its attributes; of a repeated key the first counts.
    pub attributes: Vec<Attribute>,
    /// Its events in any order.
    pub events: Vec<EventDraft>,
    /// References to other spans.
    pub links: Vec<Link>,
    /// Jaeger's warnings.
    pub warnings: Vec<StrId>,
}

/// An event on its way into a [`TraceBuilder`].
#[derive(Clone, Debug, Default)]
pub struct EventDraft {
    /// When it happened.
    pub time: Time,
    /// Its name.
    pub name: StrId,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
}

/// Names a resource within its [`TraceBuilder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResourceIx(u32);

impl Default for ResourceIx {
    /// No resource: the service is unknown (empty).
    fn default() -> Self {
        Self(u32::MAX)
    }
}

/// Collects the spans of one trace and brings them into canonical order.
#[derive(Debug)]
pub struct TraceBuilder {
    trace: Parts,
}

#[derive(Debug)]
struct Parts {
    id: TraceId,
    spans: Vec<Span>,
    attributes: Vec<Attribute>,
    events: Vec<Event>,
    links: Vec<Link>,
    resources: Vec<Resource>,
    texts: Vec<StrId>,
    warnings: Vec<StrId>,
}

impl TraceBuilder {
    /// An empty trace.
    #[must_use]
    pub fn new(id: TraceId) -> Self {
        let trace = Parts {
            id,
            spans: Vec::new(),
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            resources: Vec::new(),
            texts: Vec::new(),
            warnings: Vec::new(),
        };
        Self { trace }
    }

    /// Adds a process (OTLP: resource) or finds the equal one that is there already. `attributes` are sorted by key and
    /// drained.
    pub fn resource(&mut self, service: StrId, attributes: &mut Vec<Attribute>, strings: &Strings) -> ResourceIx {
        by_key(attributes, strings);
        let known =
            self.trace.resources.iter().rposition(|r| {
                r.service == service && r.attributes.of(&self.trace.attributes) == attributes.as_slice()
            });
        if let Some(ix) = known {
            attributes.clear();
            return ResourceIx(ix as u32);
        }
        let attributes = Slice::appended(&mut self.trace.attributes, attributes);
        self.trace.resources.push(Resource { service, attributes });
        ResourceIx(self.trace.resources.len() as u32 - 1)
    }

    /// Sets aside a process that is told of only after its spans: [`TraceBuilder::define_resource`] fills it in.
    pub fn reserve_resource(&mut self) -> ResourceIx {
        self.trace.resources.push(Resource { service: StrId::EMPTY, attributes: Slice::default() });
        ResourceIx(self.trace.resources.len() as u32 - 1)
    }

    /// Says what a reserved process is. `attributes` are sorted by key and drained.
    pub fn define_resource(
        &mut self,
        ix: ResourceIx,
        service: StrId,
        attributes: &mut Vec<Attribute>,
        strings: &Strings,
    ) {
        by_key(attributes, strings);
        let attributes = Slice::appended(&mut self.trace.attributes, attributes);
        if let Some(resource) = self.trace.resources.get_mut(ix.0 as usize) {
            *resource = Resource { service, attributes };
        }
    }

    /// Gives spans without an instrumentation library the one that was told with their process.
    pub fn inherit_scopes(&mut self, of: impl Fn(ResourceIx) -> Option<(StrId, StrId)>) {
        for span in self.trace.spans.iter_mut().filter(|span| span.scope == StrId::EMPTY) {
            if let Some((scope, version)) = of(ResourceIx(span.resource)) {
                (span.scope, span.scope_version) = (scope, version);
            }
        }
    }

    /// Adds a warning about the whole trace.
    pub fn warning(&mut self, text: StrId) {
        self.trace.warnings.push(text);
    }

    /// How many spans were added so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.trace.spans.len()
    }

    /// Whether no span was added so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trace.spans.is_empty()
    }

    /// Adds a span and empties the draft's lists.
    pub fn push(&mut self, draft: &mut SpanDraft, strings: &Strings) {
        let to = &mut self.trace;
        by_key(&mut draft.attributes, strings);
        let attributes = Slice::appended(&mut to.attributes, &mut draft.attributes);
        draft.events.sort_by(|a, b| (a.time, strings.get(a.name)).cmp(&(b.time, strings.get(b.name))));
        let first = to.events.len() as u32;
        let len = draft.events.len() as u32;
        for event in &mut draft.events {
            by_key(&mut event.attributes, strings);
            let attributes = Slice::appended(&mut to.attributes, &mut event.attributes);
            to.events.push(Event { time: event.time, name: event.name, attributes });
        }
        draft.events.clear();
        to.spans.push(Span {
            id: draft.id,
            parent: draft.parent.map_or(SpanId(0), |parent| parent.span),
            follows: draft.parent.is_some_and(|parent| parent.relation == Relation::FollowsFrom),
            start: draft.start,
            duration: Micros(draft.duration.0.max(0)),
            name: draft.name,
            resource: draft.resource.0,
            status_message: draft.status_message,
            scope: draft.scope,
            scope_version: draft.scope_version,
            attributes,
            events: Slice { start: first, len },
            links: Slice::appended(&mut to.links, &mut draft.links),
            warnings: Slice::appended(&mut to.texts, &mut draft.warnings),
            kind: draft.kind,
            status: draft.status,
        });
    }

    /// The finished trace: spans in canonical order, exact copies dropped.
    ///
    /// `strings` is the table of every id that was pushed.
    #[must_use]
    pub fn finish(self, strings: &Arc<Strings>) -> Trace {
        let mut parts = self.trace;
        let text = |id| strings.get(id);
        let resources = &parts.resources;
        let service = |span: &Span| resources.get(span.resource as usize).map_or("", |r| text(r.service));
        parts.spans.sort_by(|a, b| {
            let key = |s: &Span| (s.start, s.id, s.duration, s.kind as u8);
            key(a).cmp(&key(b)).then_with(|| (text(a.name), service(a)).cmp(&(text(b.name), service(b))))
        });
        let before = parts.spans.len();
        let same = |a: &Span, b: &Span| {
            (a.id, a.start, a.duration, a.name, a.kind as u8) == (b.id, b.start, b.duration, b.name, b.kind as u8)
                && service(a) == service(b)
        };
        parts.spans.dedup_by(|b, a| same(a, b));
        let duplicates = before - parts.spans.len();
        parts.spans.shrink_to_fit();
        Trace {
            id: parts.id,
            strings: Arc::clone(strings),
            spans: parts.spans,
            attributes: parts.attributes,
            events: parts.events,
            links: parts.links,
            resources: parts.resources,
            texts: parts.texts,
            warnings: parts.warnings,
            partial: None,
            duplicates,
        }
    }
}

/// Sorts by the text of the key and keeps the first of equal keys. Answers of Jaeger are sorted already.
fn by_key(attributes: &mut Vec<Attribute>, strings: &Strings) {
    let key = |a: &Attribute| strings.get(a.key());
    if !attributes.is_sorted_by(|a, b| key(a) < key(b)) {
        attributes.sort_by(|a, b| key(a).cmp(key(b)));
        attributes.dedup_by_key(|a| a.key());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(strings: &mut Strings, id: u64, start: i64, name: &str) -> SpanDraft {
        SpanDraft {
            id: SpanId(id),
            name: strings.intern(name),
            start: Time(start),
            duration: Micros(5),
            ..SpanDraft::default()
        }
    }

    #[test]
    fn the_order_of_arrival_and_copies_do_not_matter() {
        let mut strings = Strings::default();
        let key = strings.intern("k");
        let other = strings.intern("a");
        let mut one = draft(&mut strings, 1, 10, "late");
        one.attributes = vec![Attribute::int(key, 1), Attribute::int(other, 2), Attribute::int(key, 3)];
        let mut two = draft(&mut strings, 2, 5, "early");
        two.events = vec![
            EventDraft { time: Time(9), ..EventDraft::default() },
            EventDraft { time: Time(7), ..EventDraft::default() },
        ];
        let build = |drafts: &[&SpanDraft]| {
            let mut builder = TraceBuilder::new(TraceId(7));
            for draft in drafts {
                builder.push(&mut (*draft).clone(), &strings);
            }
            builder.finish(&Arc::new(strings.clone()))
        };
        let (a, b) = (build(&[&one, &two]), build(&[&two, &one, &two]));
        assert_eq!(a.canonical(), b.canonical());
        assert_eq!(b.duplicates(), 1);
        let names: Vec<_> = a.spans().map(SpanRef::name).collect();
        assert_eq!(names, ["early", "late"]);
        let late = a.spans().nth(1).unwrap();
        assert_eq!(late.attributes().collect::<Vec<_>>(), [("a", Value::Int(2)), ("k", Value::Int(1))]);
        let times: Vec<_> = a.spans().next().unwrap().events().map(|e| e.time().0).collect();
        assert_eq!(times, [7, 9]);
    }
}
