//! When the spans of a trace ran, as far as their callers are concerned: which spans are calls to other services, which
//! work nobody waits for, and where clocks disagree.

use trace::{Forest, Node, Relation, SpanIx, SpanKind, SpanRef, Time, Trace, Tree};

/// What [`Timing`] knows about a span.
#[derive(Clone, Copy, Debug)]
pub(super) struct SpanTiming {
    /// Start, corrected by the clock's offset.
    pub(super) start: Time,
    /// End, corrected by the clock's offset.
    pub(super) end: Time,
    /// Its own time is spent waiting for another service.
    pub(super) is_call: bool,
    /// Called from another service.
    pub(super) is_remote: bool,
    /// Nobody waits for it: it runs beside or after its parent.
    pub(super) is_detached: bool,
    /// The first span of its request in its service.
    pub(super) entry: SpanIx,
}

/// The spans of a trace on one clock.
pub(super) struct Timing {
    spans: Vec<SpanTiming>,
    /// All spans below those that wait for them.
    pub(super) forest: Forest,
}

impl Timing {
    pub(super) fn new(trace: &Trace, tree: &Tree) -> Self {
        let mut spans: Vec<SpanTiming> = trace.spans().map(|span| SpanTiming::alone(trace, tree, span)).collect();
        for root in tree.roots() {
            // Parents come before their children, so offsets and entries can be handed down.
            for ix in tree.descendants(*root) {
                let parent =
                    tree.parent(ix).and_then(|parent| Some((*spans.get(parent.index())?, trace.span(parent)?)));
                let (Some((above, parent)), Some(span)) = (parent, trace.span(ix)) else { continue };
                if let Some(own) = spans.get_mut(ix.index()) {
                    own.hang(span, above, parent);
                }
            }
        }
        let mut forest = Forest::with_capacity(spans.len());
        for (span, timing) in trace.spans().zip(&spans) {
            forest.add(timing.start, timing.end, span.id());
        }
        let waited_for = |span: SpanRef<'_>| {
            let parent = tree.parent(span.ix())?;
            let is_detached = spans.get(span.ix().index())?.is_detached;
            (!is_detached).then_some((Node(parent.index() as u32), Node(span.ix().index() as u32)))
        };
        forest.connect(trace.spans().filter_map(waited_for));
        Self { spans, forest }
    }

    pub(super) fn of(&self, ix: SpanIx) -> Option<&SpanTiming> {
        self.spans.get(ix.index())
    }
}

impl SpanTiming {
    fn alone(trace: &Trace, tree: &Tree, span: SpanRef<'_>) -> Self {
        let children = || tree.children(span.ix()).iter().filter_map(|child| trace.span(*child));
        let calls_another = children().any(|child| is_remote(span, child) && !is_handed_over(span, child));
        let works_itself = children().any(|child| !is_remote(span, child));
        // Where the client's own span is missing, or kinds are not said, a span that has only remote children waits for
        // them.
        let is_call = calls_another && (span.kind() == SpanKind::Client || !works_itself);
        Self { start: span.start(), end: span.end(), is_call, is_remote: false, is_detached: false, entry: span.ix() }
    }

    /// Places the span below its parent, which is in place already.
    fn hang(&mut self, span: SpanRef<'_>, above: Self, parent: SpanRef<'_>) {
        self.is_remote = is_remote(parent, span);
        if !self.is_remote {
            self.entry = above.entry;
        }
        let offset = above.start - parent.start();
        (self.start, self.end) = (self.start + offset, self.end + offset);
        let handed_over = is_handed_over(parent, span);
        let answers = self.is_remote && (above.is_call || span.kind() == SpanKind::Server);
        if answers && !handed_over {
            self.fit_into(above);
        } else {
            let beyond = self.end - above.end.max(self.start);
            let after = self.start >= above.end || beyond.0 > span.duration().0 / 2;
            self.is_detached = handed_over || after;
        }
    }

    /// A callee that fits into its call but lies outside of it has another clock. It is moved as little as possible.
    fn fit_into(&mut self, call: Self) {
        let length = self.end - self.start;
        if length <= call.end - call.start {
            self.start = self.start.max(call.start).min(call.end - length);
            self.end = self.start + length;
        }
    }
}

/// Whether parent and child are in different services that are both known.
fn is_remote(parent: SpanRef<'_>, child: SpanRef<'_>) -> bool {
    let known = !parent.service().is_empty() && !child.service().is_empty();
    known && parent.service_id() != child.service_id()
}

/// Whether the parent leaves the child to be done whenever.
fn is_handed_over(parent: SpanRef<'_>, child: SpanRef<'_>) -> bool {
    let queued = parent.kind() == SpanKind::Producer && child.kind() == SpanKind::Consumer;
    queued || child.parent().is_some_and(|named| named.relation == Relation::FollowsFrom)
}
