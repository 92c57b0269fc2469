//! Copies of a trace for one reading: as of a clock, or with numbers as texts. Traces that need neither are not copied.

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
    /// The trace as it can be at `clock`; `None` when nothing in it lies after the clock.
    ///
    /// A span that starts after the clock counts as one without a start, and a span that ends after it as one without an
    /// end. Clocks differ, so what lies at most a minute after it is only cut at the clock.
    #[must_use]
    pub fn as_of(&self, clock: Time) -> Option<Self> {
        if self.end().is_none_or(|end| end <= clock) {
            return None;
        }
        let mut trace = self.clone();
        timing::replace_after_clock(clock, &mut trace.spans, &mut trace.events, &mut trace.impossible_times);
        // Stable, so that what the builder put in order by contents stays so.
        trace.spans.sort_by_key(|span| (span.start, span.id, span.duration));
        Some(trace)
    }

    /// Whether an attribute under one of these keys has a value that is not a text.
    #[must_use]
    pub fn has_non_text_values(&self, keys: &StrSet) -> bool {
        self.attributes.iter().any(|attribute| is_non_text(*attribute, keys))
    }

    /// The trace with all values under these keys as texts. `strings` starts with the texts of this trace's table.
    #[must_use]
    pub fn with_texts(&self, keys: &StrSet, strings: &mut Strings) -> Self {
        let mut trace = self.clone();
        for attribute in trace.attributes.iter_mut().filter(|attribute| is_non_text(**attribute, keys)) {
            let text = attribute.value(&self.strings).to_text().into_owned();
            *attribute = Attribute::text(attribute.key(), strings.intern(&text));
        }
        trace
    }

    /// The span `root` and those of `below` as a trace of its own: what time and place need, without attributes, events
    /// and links. `root` has no parent in it.
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

    /// The trace over a larger table that starts with the texts of its own.
    #[must_use]
    pub fn with_strings(mut self, strings: &Arc<Strings>) -> Self {
        self.strings = Arc::clone(strings);
        self
    }
}

fn is_non_text(attribute: Attribute, keys: &StrSet) -> bool {
    attribute.text_id().is_none() && keys.contains(attribute.key())
}
