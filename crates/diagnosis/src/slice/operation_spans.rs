//! All spans of one operation, from every trace, before it is diagnosed.

use crate::{
    playbook::{Playbook, RouteRole, SpanRole},
    read::scan::{Scan, SpanClass},
};
use trace::{SpanIx, SpanRef, Time};

/// How many spans above one of an operation's spans are kept as its context. A command is only a few spans
/// above the request it sends. Without a limit, thousands of operations below a deep chain would each keep the whole chain.
pub(crate) const MAX_ANCESTORS: usize = 100;

/// A span of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'t, 'p> {
    pub(crate) span: SpanRef<'t>,
    /// Position of its trace in [`OperationSpans::scans`].
    pub(crate) scan: usize,
    pub(crate) span_class: SpanClass<'p>,
    /// How many noise and poll spans among its descendants were folded away.
    pub(crate) folded: u32,
}

impl Member<'_, '_> {
    /// Whether the span has this role.
    pub(crate) fn is(&self, role: SpanRole) -> bool {
        self.span_class.is(role)
    }

    /// Whether it is a request of this kind.
    pub(crate) fn route_is(&self, role: RouteRole) -> bool {
        self.span_class.route_is(role)
    }
}

/// A span that refers to the operation by id but is not part of it: a poll, or a state that another process wrote.
#[derive(Clone, Copy)]
pub(crate) struct Mention<'t> {
    pub(crate) span: SpanRef<'t>,
    pub(crate) scan: usize,
    pub(crate) role: RouteRole,
}

/// An operation with everything the traces contain about it.
pub(crate) struct OperationSpans<'a, 'p> {
    pub(crate) id: Option<&'a str>,
    pub(crate) scans: &'a [Scan<'a, 'p>],
    pub(crate) playbook: &'p Playbook,
    /// Its own spans by start.
    pub(crate) members: Vec<Member<'a, 'p>>,
    /// Spans above it: the command that asked for it.
    pub(crate) context: Vec<Member<'a, 'p>>,
    pub(crate) mentions: Vec<Mention<'a>>,
    /// Start requests for it that were refused before one was accepted.
    pub(crate) refused_starts: u32,
    /// Requests to start it, when there is no id.
    pub(crate) start_requests: u32,
    /// The operation type that the route of its start request implies.
    pub(crate) route_type: Option<&'p str>,
    /// The worker's spans are in a trace that the dispatch does not reach.
    pub(crate) context_lost: bool,
    /// What makes it an operation where neither an id nor a start request does.
    pub(crate) root_request: Option<RootRequest>,
    /// Spans of it whose parents are missing, where nothing but their time says that they are its own: work whose own
    /// span never ended.
    pub(crate) cut_off: Vec<Member<'a, 'p>>,
}

/// A root span as an operation.
#[derive(Clone, Debug)]
pub(crate) struct RootRequest {
    /// The root span; `None` where the trace has only spans whose parents are missing.
    pub(crate) root: Option<SpanIx>,
    /// `service: span name`, or the type that all rare ones have.
    pub(crate) operation_type: String,
    /// Whether it has the type that all rare ones have.
    pub(crate) is_rare: bool,
}

impl<'a, 'p> OperationSpans<'a, 'p> {
    pub(crate) fn new(id: Option<&'a str>, scans: &'a [Scan<'a, 'p>], playbook: &'p Playbook) -> Self {
        Self {
            id,
            scans,
            playbook,
            members: Vec::new(),
            context: Vec::new(),
            mentions: Vec::new(),
            refused_starts: 0,
            start_requests: 0,
            route_type: None,
            context_lost: false,
            root_request: None,
            cut_off: Vec::new(),
        }
    }

    pub(crate) fn scan(&self, member: &Member<'_, '_>) -> &'a Scan<'a, 'p> {
        self.scan_at(member.scan)
    }

    pub(crate) fn scan_at(&self, at: usize) -> &'a Scan<'a, 'p> {
        // Positions come from these scans, so they are always there.
        #[allow(clippy::indexing_slicing, reason = "see above")]
        &self.scans[at]
    }

    pub(crate) fn member(&self, scan: usize, ix: SpanIx) -> Option<Member<'a, 'p>> {
        let from = self.scans.get(scan)?;
        Some(Member { span: from.trace.span(ix)?, scan, span_class: from.span_class(ix), folded: 0 })
    }

    /// Sorts members and context by start; call it after adding.
    pub(crate) fn sort(&mut self) {
        let key = |m: &Member<'_, '_>| (m.span.start(), m.span.trace().id(), m.span.ix());
        self.members.sort_by_key(key);
        self.context.sort_by_key(key);
        self.mentions.sort_by_key(|m| (m.span.start(), m.span.trace().id(), m.span.ix()));
    }

    /// What distinguishes it from every other operation: its id, else its trace and its first span.
    pub(crate) fn key(&self) -> Option<String> {
        let first = self.members.first();
        let by_span = || first.map(|first| format!("{}/{}", first.span.trace().id(), first.span.id()));
        self.id.map(str::to_owned).or_else(by_span)
    }

    /// The root span that makes it an operation.
    pub(crate) fn root(&self) -> Option<&Member<'a, 'p>> {
        let root = self.root_request.as_ref()?.root?;
        self.members.iter().find(|member| member.span.ix() == root)
    }

    /// Its own spans that have a time, by start.
    pub(crate) fn timed(&self) -> impl Iterator<Item = &Member<'a, 'p>> {
        self.members.iter().filter(|m| m.span.has_time())
    }

    /// End of the latest span of the operation; no event is later than its span.
    pub(crate) fn last_activity(&self) -> Option<Time> {
        self.timed().map(|m| m.span.end()).max()
    }
}
