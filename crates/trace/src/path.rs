//! The critical path: the span to which each moment of a trace belongs.
//!
//! Going back from the end, a parent waited for the child that finished last. `docs/architecture.md` explains the rules:
//! - Of equal ends, the earlier start is preferred, then the lower span id.
//! - Siblings that touch both count.
//! - Siblings that overlap by less than 1 % of their parent count as successive, if no sibling starts or ends within the
//!   overlap. The earlier one is clipped.
//! - Children are clamped to their parent.
//! - Children for which the parent does not wait (producer to consumer, follows-from) are left out.
//!
//! Nothing recurses, so the depth of a trace does not matter.

use super::{
    ids::SpanId,
    model::{SpanIx, Trace},
    span::{Relation, SpanKind},
    time::Time,
    tree::Tree,
};

/// A part of a critical path, which belongs to one span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathSegment {
    /// The span to which it belongs.
    pub span: SpanIx,
    /// Its first moment.
    pub start: Time,
    /// The moment after its last.
    pub end: Time,
}

/// The critical path of a trace: the interval of every root, divided among the root and the spans below it.
///
/// The segments are in order of time. Those of one root are contiguous, adjacent ones of one span are merged, and none is
/// empty.
#[must_use]
pub fn critical_path(trace: &Trace, tree: &Tree) -> Vec<PathSegment> {
    let mut forest = Forest::with_capacity(trace.len());
    for span in trace.spans() {
        forest.add(span.start(), span.end(), span.id());
    }
    let edges = trace.spans().filter_map(|span| {
        let parent = trace.span(tree.parent(span.ix())?)?;
        let handed_over = parent.kind() == SpanKind::Producer && span.kind() == SpanKind::Consumer;
        let follows = span.parent().is_some_and(|named| named.relation == Relation::FollowsFrom);
        (!handed_over && !follows).then_some((Node(parent.ix().0), Node(span.ix().0)))
    });
    forest.connect(edges);
    let mut segments: Vec<PathSegment> = tree
        .roots()
        .iter()
        .flat_map(|root| forest.path_below(Node(root.0)))
        .filter_map(|s| Some(PathSegment { span: SpanIx(s.owner?.0), start: s.start, end: s.end }))
        .collect();
    segments.sort_by_key(|s| (s.start, s.end, s.span));
    segments
}

/// An interval of a [`Forest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub u32);

/// The node of a span, in a forest with one node per span of a trace, in the trace's order.
impl From<SpanIx> for Node {
    fn from(ix: SpanIx) -> Self {
        Self(ix.0)
    }
}

/// The span of a node, in a forest with one node per span of a trace, in the trace's order.
impl From<Node> for SpanIx {
    fn from(node: Node) -> Self {
        Self(node.0)
    }
}

/// A part of a path through a forest, which belongs to a node or is a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForestSegment {
    /// The node to which it belongs; `None` for a gap.
    pub owner: Option<Node>,
    /// Its first moment.
    pub start: Time,
    /// The moment after its last.
    pub end: Time,
}

/// Intervals with their children: what the rules of the path need of spans, from one trace or several.
#[derive(Clone, Debug, Default)]
pub struct Forest {
    nodes: Vec<Interval>,
    firsts: Vec<u32>,
    children: Vec<Node>,
}

#[derive(Clone, Copy, Debug)]
struct Interval {
    start: i64,
    end: i64,
    id: SpanId,
}

impl Forest {
    /// An empty forest with capacity for `n` nodes.
    #[must_use]
    pub fn with_capacity(n: usize) -> Self {
        Self { nodes: Vec::with_capacity(n), firsts: Vec::new(), children: Vec::new() }
    }

    /// Adds an interval; nodes are numbered from 0 in the order they are added.
    pub fn add(&mut self, start: Time, end: Time, id: SpanId) -> Node {
        self.nodes.push(Interval { start: start.0, end: end.0.max(start.0), id });
        Node(self.nodes.len() as u32 - 1)
    }

    /// Connects parents with children. Call it once, after adding all nodes. The pairs must not form a cycle.
    pub fn connect(&mut self, edges: impl Iterator<Item = (Node, Node)>) {
        let edges: Vec<(Node, Node)> = edges.collect();
        let mut firsts = vec![0u32; self.nodes.len() + 1];
        for (parent, _) in &edges {
            if let Some(count) = firsts.get_mut(parent.0 as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for first in &mut firsts {
            sum += *first;
            *first = sum;
        }
        let mut next = firsts.clone();
        let mut children = vec![Node(0); sum as usize];
        for (parent, child) in edges {
            if let Some(place) = next.get_mut(parent.0 as usize) {
                if let Some(slot) = children.get_mut(*place as usize) {
                    *slot = child;
                }
                *place += 1;
            }
        }
        (self.firsts, self.children) = (firsts, children);
    }

    /// The path through the interval of a node.
    #[must_use]
    pub fn path_below(&self, root: Node) -> Vec<ForestSegment> {
        let Some(interval) = self.nodes.get(root.0 as usize) else { return Vec::new() };
        self.walk(Some(root), self.children_of(root), interval.start, interval.end)
    }

    /// The path through a time window with the nodes of `top` at its top level. What none of them covers is a gap.
    #[must_use]
    pub fn path_over(&self, top: &[Node], start: Time, end: Time) -> Vec<ForestSegment> {
        self.walk(None, top, start.0, end.0)
    }

    /// The time of a node that none of its children covers, in microseconds.
    #[must_use]
    pub fn self_time(&self, node: Node) -> i64 {
        let Some(own) = self.nodes.get(node.0 as usize) else { return 0 };
        let mut children: Vec<(i64, i64)> = self
            .children_of(node)
            .iter()
            .filter_map(|child| self.nodes.get(child.0 as usize))
            .map(|child| (child.start.max(own.start), child.end.min(own.end)))
            .filter(|(start, end)| start < end)
            .collect();
        children.sort_unstable();
        let mut covered = 0;
        let mut until = own.start;
        for (start, end) in children {
            covered += (end - start.max(until)).max(0);
            until = until.max(end);
        }
        own.end - own.start - covered
    }

    fn children_of(&self, node: Node) -> &[Node] {
        let bound = |i: usize| self.firsts.get(i).map_or(0, |&first| first as usize);
        self.children.get(bound(node.0 as usize)..bound(node.0 as usize + 1)).unwrap_or_default()
    }

    fn walk(&self, owner: Option<Node>, children: &[Node], start: i64, end: i64) -> Vec<ForestSegment> {
        let mut segments = SegmentsFromEnd::default();
        if start >= end {
            return Vec::new();
        }
        let mut stack = vec![Frame::new(self, owner, children, start, end)];
        while let Some(level) = stack.last_mut() {
            if let Some((child, from, to)) = level.next_awaited_child() {
                segments.push(level.owner, to, level.cursor);
                level.cursor = from;
                stack.push(Frame::new(self, Some(child), self.children_of(child), from, to));
            } else {
                segments.push(level.owner, level.start, level.cursor);
                stack.pop();
            }
        }
        segments.0.reverse();
        segments.0
    }
}

/// Segments from last to first. Adjacent ones of the same owner are merged.
#[derive(Default)]
struct SegmentsFromEnd(Vec<ForestSegment>);

impl SegmentsFromEnd {
    fn push(&mut self, owner: Option<Node>, start: i64, end: i64) {
        if start >= end {
            return;
        }
        match self.0.last_mut() {
            Some(later) if later.owner == owner && later.start.0 == end => later.start = Time(start),
            _ => self.0.push(ForestSegment { owner, start: Time(start), end: Time(end) }),
        }
    }
}

/// A node whose interval is being walked from its end to its start.
struct Frame {
    owner: Option<Node>,
    start: i64,
    /// Where the path has arrived.
    cursor: i64,
    /// The length of the node, of which 1 % may overlap.
    length: i64,
    /// Children clamped to the interval, the last to finish first.
    children: Vec<Child>,
    /// Sorted starts and ends of all children, computed when needed.
    moments: Option<Vec<i64>>,
    next: usize,
}

struct Child {
    node: Node,
    start: i64,
    end: i64,
}

impl Frame {
    fn new(forest: &Forest, owner: Option<Node>, children: &[Node], start: i64, end: i64) -> Self {
        let mut clamped: Vec<(Child, SpanId)> = children
            .iter()
            .filter_map(|child| {
                let own = forest.nodes.get(child.0 as usize)?;
                let (from, to) = (own.start.max(start), own.end.min(end));
                (from < to).then_some((Child { node: *child, start: from, end: to }, own.id))
            })
            .collect();
        clamped.sort_unstable_by(|(a, a_id), (b, b_id)| {
            b.end.cmp(&a.end).then(a.start.cmp(&b.start)).then(a_id.cmp(b_id)).then(a.node.cmp(&b.node))
        });
        let length = match owner.and_then(|node| forest.nodes.get(node.0 as usize)) {
            Some(own) => own.end - own.start,
            None => end - start,
        };
        let children = clamped.into_iter().map(|(child, _)| child).collect();
        Self { owner, start, cursor: end, length, children, moments: None, next: 0 }
    }

    /// The next child for which the node waited, with the interval that belongs to the child.
    fn next_awaited_child(&mut self) -> Option<(Node, i64, i64)> {
        while let Some(child) = self.children.get(self.next) {
            let (node, start, end) = (child.node, child.start, child.end);
            self.next += 1;
            if start >= self.cursor {
                continue;
            }
            if end <= self.cursor {
                return Some((node, start, end));
            }
            let small = (end - self.cursor).saturating_mul(100) < self.length;
            if small && self.nothing_between(self.cursor, end) {
                return Some((node, start, self.cursor));
            }
        }
        None
    }

    fn nothing_between(&mut self, from: i64, to: i64) -> bool {
        let children = &self.children;
        let moments = self.moments.get_or_insert_with(|| {
            let mut moments: Vec<i64> = children.iter().flat_map(|child| [child.start, child.end]).collect();
            moments.sort_unstable();
            moments
        });
        let after = moments.partition_point(|moment| *moment <= from);
        moments.get(after).is_none_or(|moment| *moment >= to)
    }
}
