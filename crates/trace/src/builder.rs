//! Builds a trace from spans in any order. The finished trace does not depend on that order: spans are sorted, exact copies
//! dropped, and impossible times replaced.

use std::{cmp::Ordering, sync::Arc};

use hashbrown::HashMap;

use super::{
    ids::{SpanId, TraceId},
    model::{Event, ParentKind, Resource, Slice, Span, Trace},
    span::{Link, Parent, Relation, SpanKind, Status},
    strings::{StrId, Strings},
    time::{Micros, Time},
    timing::{self, ImpossibleTimes, NO_TIME, Timing},
    value::Attribute,
};

/// Times are limited to 36 000 years around the epoch, so that differences and sums of a few of them cannot overflow.
const MAX_DISTANCE: Time = Time(1 << 60);

/// A span to be added to a [`TraceBuilder`]. [`TraceBuilder::push`] drains the lists, so that one draft can be reused for all
/// spans of an answer.
#[derive(Clone, Debug, Default)]
pub struct SpanDraft {
    /// Its id.
    pub id: SpanId,
    /// The parent that it names.
    pub parent: Option<Parent>,
    /// Whether it names a parent by an id that cannot be read.
    pub unreadable_parent: bool,
    /// Its name.
    pub name: StrId,
    /// Its process, from [`TraceBuilder::resource`].
    pub resource: ResourceIx,
    /// When it started, if that can be read.
    pub start: Option<Time>,
    /// How long it took, if that can be read; may be negative.
    pub duration: Option<Micros>,
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
    /// Its attributes. Of repeated keys the first counts.
    pub attributes: Vec<Attribute>,
    /// Its events in any order.
    pub events: Vec<EventDraft>,
    /// References to other spans.
    pub links: Vec<Link>,
    /// Jaeger's warnings.
    pub warnings: Vec<StrId>,
}

/// An event to be added to a [`TraceBuilder`] with its span.
#[derive(Clone, Debug, Default)]
pub struct EventDraft {
    /// When it happened, if that can be read.
    pub time: Option<Time>,
    /// Its name.
    pub name: StrId,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
}

/// The position of a resource in its [`TraceBuilder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResourceIx(u32);

impl Default for ResourceIx {
    /// No resource: the service is unknown (empty).
    fn default() -> Self {
        Self(u32::MAX)
    }
}

/// Collects the spans of one trace.
#[derive(Debug)]
pub struct TraceBuilder {
    trace: Parts,
    known_resources: HashMap<(StrId, Vec<Attribute>), ResourceIx>,
}

#[derive(Debug)]
struct Parts {
    id: TraceId,
    spans: Vec<Span>,
    attributes: Vec<Attribute>,
    events: Vec<Event>,
    links: Vec<Link>,
    resources: Vec<Resource>,
    span_warnings: Vec<StrId>,
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
            span_warnings: Vec::new(),
            warnings: Vec::new(),
        };
        Self { trace, known_resources: HashMap::new() }
    }

    /// Adds a process (OTLP: resource), or finds an equal one. Sorts `attributes` by key and drains them.
    pub fn resource(&mut self, service: StrId, attributes: &mut Vec<Attribute>, strings: &Strings) -> ResourceIx {
        by_key(attributes, strings);
        let next = ResourceIx(self.trace.resources.len() as u32);
        let ix = *self.known_resources.entry((service, attributes.clone())).or_insert(next);
        if ix == next {
            let attributes = Slice::appended(&mut self.trace.attributes, attributes);
            self.trace.resources.push(Resource { service, attributes });
        }
        attributes.clear();
        ix
    }

    /// Reserves a process that comes after its spans. [`TraceBuilder::define_resource`] fills it in.
    pub fn reserve_resource(&mut self) -> ResourceIx {
        self.trace.resources.push(Resource { service: StrId::EMPTY, attributes: Slice::default() });
        ResourceIx(self.trace.resources.len() as u32 - 1)
    }

    /// Fills in a reserved process. Sorts `attributes` by key and drains them.
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

    /// Gives spans without an instrumentation library the one that came with their process.
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

    /// The number of spans so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.trace.spans.len()
    }

    /// Whether there are no spans so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trace.spans.is_empty()
    }

    /// Adds a span and empties the draft's lists.
    pub fn push(&mut self, draft: &mut SpanDraft, strings: &Strings) {
        // Jaeger v2 with storage in memory repeats a warning each time the trace is read.
        draft.warnings.dedup();
        by_key(&mut draft.attributes, strings);
        let time = |event: &EventDraft| event.time.filter(|time| time.0 > 0).unwrap_or(NO_TIME);
        draft.events.sort_by(|a, b| (time(a), strings.get(a.name)).cmp(&(time(b), strings.get(b.name))));
        draft.events.iter_mut().for_each(|event| by_key(&mut event.attributes, strings));
        self.add(draft, time);
    }

    fn add(&mut self, draft: &mut SpanDraft, time: impl Fn(&EventDraft) -> Time) {
        let to = &mut self.trace;
        let attributes = Slice::appended(&mut to.attributes, &mut draft.attributes);
        let first = to.events.len() as u32;
        let len = draft.events.len() as u32;
        for event in &mut draft.events {
            let attributes = Slice::appended(&mut to.attributes, &mut event.attributes);
            to.events.push(Event { time: time(event), name: event.name, attributes });
        }
        draft.events.clear();
        let timing = match (draft.start, draft.duration) {
            (None, _) => Timing::NoStart,
            (Some(_), None) => Timing::NoEnd,
            (Some(_), Some(_)) => Timing::Known,
        };
        let parent_kind = match draft.parent {
            Some(Parent { relation: Relation::FollowsFrom, .. }) => ParentKind::FollowsFrom,
            None if draft.unreadable_parent => ParentKind::Unreadable,
            _ => ParentKind::ChildOf,
        };
        to.spans.push(Span {
            id: draft.id,
            parent: draft.parent.map_or(SpanId(0), |parent| parent.span),
            parent_kind,
            timing,
            start: draft.start.unwrap_or_default().clamp(Time(-MAX_DISTANCE.0), MAX_DISTANCE),
            duration: Micros(draft.duration.unwrap_or_default().0.clamp(-MAX_DISTANCE.0, MAX_DISTANCE.0)),
            name: draft.name,
            resource: draft.resource.0,
            status_message: draft.status_message,
            scope: draft.scope,
            scope_version: draft.scope_version,
            attributes,
            events: Slice { start: first, len },
            links: Slice::appended(&mut to.links, &mut draft.links),
            warnings: Slice::appended(&mut to.span_warnings, &mut draft.warnings),
            kind: draft.kind,
            status: draft.status,
        });
    }

    /// Adds a span of a finished trace as it is, at `start` whether or not the draft has one, and empties the draft's lists.
    pub fn push_finished(&mut self, draft: &mut SpanDraft, start: Time) {
        let time = |event: &EventDraft| event.time.unwrap_or(start);
        self.add(draft, time);
        if let Some(span) = self.trace.spans.last_mut() {
            span.start = start;
        }
    }

    /// A finished trace again, from its spans in their order ([`TraceBuilder::push_finished`]) and what it counted.
    #[must_use]
    pub fn restore(mut self, strings: &Arc<Strings>, duplicates: usize, impossible_times: ImpossibleTimes) -> Trace {
        let spans = std::mem::take(&mut self.trace.spans);
        self.trace.into_trace(spans, strings, duplicates, impossible_times)
    }

    /// The finished trace: spans in canonical order, without exact copies, and no span or event with an impossible time.
    ///
    /// `strings` is the table of all text ids that were added.
    #[must_use]
    pub fn finish(self, strings: &Arc<Strings>) -> Trace {
        let mut parts = self.trace;
        let mut spans = std::mem::take(&mut parts.spans);
        spans.sort_by(|a, b| parts.compare(a, b, strings));
        let before = spans.len();
        let same = |a: &Span, b: &Span| {
            (a.id, a.start, a.duration, a.name, a.kind as u8) == (b.id, b.start, b.duration, b.name, b.kind as u8)
                && parts.service(a, strings) == parts.service(b, strings)
        };
        spans.dedup_by(|b, a| same(a, b));
        let duplicates = before - spans.len();
        let impossible_times = timing::replace_impossible(&mut spans, &mut parts.events);
        if impossible_times.changed_spans() {
            spans.sort_by(|a, b| parts.compare(a, b, strings));
        }
        spans.shrink_to_fit();
        parts.into_trace(spans, strings, duplicates, impossible_times)
    }
}

impl Parts {
    fn into_trace(
        self,
        spans: Vec<Span>,
        strings: &Arc<Strings>,
        duplicates: usize,
        impossible_times: ImpossibleTimes,
    ) -> Trace {
        Trace {
            id: self.id,
            strings: Arc::clone(strings),
            spans,
            attributes: self.attributes,
            events: self.events,
            links: self.links,
            resources: self.resources,
            span_warnings: self.span_warnings,
            warnings: self.warnings,
            gaps: Vec::new(),
            duplicates,
            impossible_times,
        }
    }

    /// The canonical order of spans: by start, then by everything else in them.
    fn compare(&self, a: &Span, b: &Span, strings: &Strings) -> Ordering {
        let key = |s: &Span| (s.start, s.id, s.duration, s.kind as u8);
        let names = |s: &Span| (strings.get(s.name), self.service(s, strings));
        key(a).cmp(&key(b)).then_with(|| names(a).cmp(&names(b))).then_with(|| self.compare_contents(a, b, strings))
    }

    fn service<'s>(&self, span: &Span, strings: &'s Strings) -> &'s str {
        self.resources.get(span.resource as usize).map_or("", |resource| strings.get(resource.service))
    }

    /// Orders copies of one span that differ in their contents. The one with the most comes first, and texts decide the
    /// rest, so that the order of arrival does not matter.
    fn compare_contents(&self, a: &Span, b: &Span, strings: &Strings) -> Ordering {
        let size = |s: &Span| (s.attributes.len, s.events.len, s.status as u8, s.parent, s.parent_kind);
        let texts = |s: &Span| -> Vec<(&str, String)> {
            let attributes = s.attributes.of(&self.attributes).iter();
            attributes.map(|a| (strings.get(a.key()), a.value(strings).to_text().into_owned())).collect()
        };
        let rest = |s: &Span| [s.status_message, s.scope, s.scope_version].map(|id| strings.get(id));
        let times = |s: &Span| s.events.of(&self.events).iter().map(|e| e.time).collect::<Vec<_>>();
        size(b).cmp(&size(a)).then_with(|| (texts(a), rest(a), times(a)).cmp(&(texts(b), rest(b), times(b))))
    }
}

/// Sorts by the text of the key and keeps the first of equal keys. Answers of Jaeger are usually sorted.
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
    use crate::{SpanRef, Value};

    fn draft(strings: &mut Strings, id: u64, start: i64, name: &str) -> SpanDraft {
        SpanDraft {
            id: SpanId(id),
            name: strings.intern(name),
            start: Some(Time(start)),
            duration: Some(Micros(5)),
            ..SpanDraft::default()
        }
    }

    #[test]
    fn equal_resources_are_kept_once() {
        let mut strings = Strings::default();
        let (api, worker, key) = (strings.intern("api"), strings.intern("worker"), strings.intern("k"));
        let mut builder = TraceBuilder::new(TraceId(7));
        let mut resource = |service, value| builder.resource(service, &mut vec![Attribute::int(key, value)], &strings);
        let first = resource(api, 1);
        let others = [resource(api, 2), resource(worker, 1)];
        assert_eq!(resource(api, 1), first);
        assert!(others[0] != first && others[1] != first && others[0] != others[1]);
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
            EventDraft { time: Some(Time(9)), ..EventDraft::default() },
            EventDraft { time: Some(Time(7)), ..EventDraft::default() },
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
