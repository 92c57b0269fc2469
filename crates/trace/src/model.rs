//! The trace as a data structure. All spans, attributes, events and links are in flat tables, and a span has ranges of
//! them, so that a large trace needs little memory. [`SpanRef`] is the convenient view of a span.

use std::{fmt, sync::Arc};

use super::{
    ids::{SpanId, TraceId},
    span::{Link, SpanKind, Status},
    strings::{StrId, Strings},
    time::{Micros, Time},
    timing::{ImpossibleTimes, Timing},
    value::Attribute,
    view::SpanRef,
};

/// The position of a span in its [`Trace`], whose spans are in the order of their start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanIx(pub(crate) u32);

impl SpanIx {
    /// As an index into a side table of [`Trace::len`] entries.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A range of one of the flat tables of a trace.
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
    pub(super) parent_kind: ParentKind,
    pub(super) timing: Timing,
}

/// How a span refers to its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ParentKind {
    /// Not at all, or by [`Span::parent`], which waits for the span.
    ChildOf,
    /// By [`Span::parent`], which does not wait for the span.
    FollowsFrom,
    /// By an id that cannot be read.
    Unreadable,
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

/// One trace. Both APIs give the same value for the same trace: see [`Trace::canonical`].
#[derive(Clone)]
pub struct Trace {
    pub(super) id: TraceId,
    pub(super) strings: Arc<Strings>,
    pub(super) spans: Vec<Span>,
    pub(super) attributes: Vec<Attribute>,
    pub(super) events: Vec<Event>,
    pub(super) links: Vec<Link>,
    pub(super) resources: Vec<Resource>,
    pub(super) span_warnings: Vec<StrId>,
    pub(super) warnings: Vec<StrId>,
    /// Why spans are missing; empty if none are known to be missing.
    pub(super) gaps: Vec<String>,
    pub(super) duplicates: usize,
    pub(super) impossible_times: ImpossibleTimes,
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

    /// The number of spans.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are no spans.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The spans by start, then id, then name, whatever order they arrived in.
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

    /// The first reason why spans are known to be missing, such as a limit, a truncated answer or unreadable ids.
    #[must_use]
    pub fn partial(&self) -> Option<&str> {
        self.gaps().next()
    }

    /// All reasons why spans are known to be missing, each once.
    pub fn gaps(&self) -> impl Iterator<Item = &str> {
        self.gaps.iter().map(String::as_str)
    }

    /// Records that spans are missing, and why.
    pub fn mark_partial(&mut self, why: impl Into<String>) {
        let why = why.into();
        if !self.gaps.contains(&why) {
            self.gaps.push(why);
        }
    }

    /// How many spans and events had an impossible time.
    #[must_use]
    pub fn impossible_times(&self) -> ImpossibleTimes {
        self.impossible_times
    }

    /// How many repeated copies of spans were dropped.
    #[must_use]
    pub fn duplicates(&self) -> usize {
        self.duplicates
    }

    /// The earliest start of a span; `None` if no span has a usable start.
    #[must_use]
    pub fn start(&self) -> Option<Time> {
        self.spans.iter().find(|span| span.timing != Timing::NoStart).map(|span| span.start)
    }

    /// The latest end of a span; `None` if no span has a usable start.
    #[must_use]
    pub fn end(&self) -> Option<Time> {
        let timed = self.spans.iter().filter(|span| span.timing != Timing::NoStart);
        timed.map(|span| span.start + span.duration).max()
    }

    /// The contents of all spans as JSON in a fixed order: equal for two answers with the same trace.
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
