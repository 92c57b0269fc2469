//! Modified copies of a trace: as of a clock, with numbers as texts, or with only some spans.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    ids::SpanId,
    model::{ParentKind, Resource, Slice, SpanIx, Trace},
    strings::{StrSet, Strings},
    time::Time,
    timing::{self, ImpossibleTimes},
    value::Attribute,
};

impl Trace {
    /// The trace as it can be at `clock`; `None` if nothing in it lies after the clock, so that no copy is needed.
    ///
    /// A span that starts after the clock counts as one without a start, and a span that ends after it as one without an
    /// end. Because clocks differ, times up to a minute after the clock are moved to the clock instead.
    #[must_use]
    pub fn as_of(&self, clock: Time) -> Option<Self> {
        if self.end().is_none_or(|end| end <= clock) {
            return None;
        }
        let mut trace = self.clone();
        timing::replace_after_clock(clock, &mut trace.spans, &mut trace.events, &mut trace.impossible_times);
        // A stable sort keeps the builder's order by contents.
        trace.spans.sort_by_key(|span| (span.start, span.id, span.duration));
        Some(trace)
    }

    /// Whether an attribute under one of these keys has a value that is not a text.
    #[must_use]
    pub fn has_non_text_values(&self, keys: &StrSet) -> bool {
        self.attributes.iter().any(|attribute| is_non_text(*attribute, keys))
    }

    /// The trace with all values under these keys as texts. `strings` must start with the texts of this trace's table.
    #[must_use]
    pub fn with_texts(&self, keys: &StrSet, strings: &mut Strings) -> Self {
        let mut trace = self.clone();
        for attribute in trace.attributes.iter_mut().filter(|attribute| is_non_text(**attribute, keys)) {
            let text = attribute.value(&self.strings).to_text().into_owned();
            *attribute = Attribute::text(attribute.key(), strings.intern(&text));
        }
        trace
    }

    /// A trace of only the spans `root` and `below`. It keeps their times, names and services, but no attributes, events,
    /// links and warnings. `root` has no parent in it.
    #[must_use]
    pub fn excerpt(&self, root: SpanIx, below: impl IntoIterator<Item = SpanIx>) -> Self {
        let wanted: BTreeSet<SpanIx> = std::iter::once(root).chain(below).collect();
        let spans = wanted.iter().filter_map(|ix| Some((*ix, *self.spans.get(ix.index())?)));
        let spans = spans.map(|(ix, mut span)| {
            if ix == root {
                (span.parent, span.parent_kind) = (SpanId(0), ParentKind::ChildOf);
            }
            (span.attributes, span.events, span.links, span.warnings) = Default::default();
            span
        });
        let resources =
            self.resources.iter().map(|known| Resource { service: known.service, attributes: Slice::default() });
        Self {
            id: self.id,
            strings: Arc::clone(&self.strings),
            spans: spans.collect(),
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            resources: resources.collect(),
            span_warnings: Vec::new(),
            warnings: Vec::new(),
            gaps: self.gaps.clone(),
            duplicates: 0,
            impossible_times: ImpossibleTimes::default(),
        }
    }

    /// The trace with a larger table of texts, which must start with the texts of its own.
    #[must_use]
    pub fn with_strings(mut self, strings: &Arc<Strings>) -> Self {
        self.strings = Arc::clone(strings);
        self
    }
}

fn is_non_text(attribute: Attribute, keys: &StrSet) -> bool {
    attribute.text_id().is_none() && keys.contains(attribute.key())
}

#[cfg(test)]
mod tests {
    use crate::{
        Attribute, EventDraft, Link, Micros, Parent, Relation, SpanDraft, SpanId, SpanKind, SpanRef, Status, Strings,
        Time, Trace, TraceBuilder, TraceId,
    };
    use std::sync::Arc;

    /// A request with two calls, of which the second has a child. Every span has an attribute, an event, a link and a
    /// warning.
    fn request() -> Trace {
        let mut strings = Strings::default();
        let mut builder = TraceBuilder::new(TraceId(7));
        let (key, warning) = (strings.intern("key"), strings.intern("a warning"));
        for (id, parent, start, service) in [(1, 9, 10, "api"), (2, 1, 11, "api"), (3, 1, 20, "db"), (4, 3, 21, "db")] {
            let service = strings.intern(service);
            let resource = builder.resource(service, &mut vec![Attribute::int(key, 1)], &strings);
            let mut draft = SpanDraft {
                id: SpanId(id),
                parent: Some(Parent { span: SpanId(parent), relation: Relation::FollowsFrom }),
                name: strings.intern(&format!("s{id}")),
                resource,
                start: Some(Time(start)),
                duration: Some(Micros(5)),
                kind: SpanKind::Client,
                status: Status::Error,
                attributes: vec![Attribute::int(key, 2)],
                events: vec![EventDraft { time: Some(Time(start)), ..EventDraft::default() }],
                links: vec![Link { trace: TraceId(8), span: SpanId(1) }],
                warnings: vec![warning],
                ..SpanDraft::default()
            };
            builder.push(&mut draft, &strings);
        }
        let mut trace = builder.finish(&Arc::new(strings));
        trace.mark_partial("a limit");
        trace
    }

    #[test]
    fn an_excerpt_has_only_the_wanted_spans_with_their_times_names_and_services() {
        let trace = request();
        let ix = |id: u64| trace.spans().find(|span| span.id() == SpanId(id)).unwrap().ix();
        // The order and repetitions of the wanted spans do not matter.
        let excerpt = trace.excerpt(ix(1), [ix(4), ix(3), ix(4), ix(1)]);
        let of = |span: SpanRef<'_>| (span.id().0, span.start().0, span.duration().0);
        assert_eq!(excerpt.spans().map(of).collect::<Vec<_>>(), [(1, 10, 5), (3, 20, 5), (4, 21, 5)]);
        let names: Vec<_> = excerpt.spans().map(|span| (span.name(), span.service())).collect();
        assert_eq!(names, [("s1", "api"), ("s3", "db"), ("s4", "db")]);
        assert!(excerpt.spans().all(|span| span.kind() == SpanKind::Client && span.is_error()));
        assert_eq!((excerpt.id(), excerpt.partial()), (TraceId(7), Some("a limit")));
    }

    #[test]
    fn the_root_of_an_excerpt_has_no_parent_and_the_others_keep_theirs() {
        let trace = request();
        let root = trace.spans().find(|span| span.id() == SpanId(3)).unwrap().ix();
        let child = trace.spans().find(|span| span.id() == SpanId(4)).unwrap();
        let excerpt = trace.excerpt(root, [child.ix()]);
        let parents: Vec<_> = excerpt.spans().map(SpanRef::parent).collect();
        assert_eq!(parents, [None, child.parent()]);
    }

    #[test]
    fn an_excerpt_has_no_attributes_events_links_and_warnings() {
        let trace = request();
        let excerpt = trace.excerpt(trace.spans().next().unwrap().ix(), trace.spans().map(SpanRef::ix));
        assert_eq!(excerpt.len(), 4);
        for span in excerpt.spans() {
            assert_eq!((span.attributes().count(), span.resource_attributes().count()), (0, 0));
            assert_eq!((span.events().count(), span.links().len(), span.warnings().count()), (0, 0, 0));
        }
    }
}
