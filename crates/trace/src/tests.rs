//! Tests of the rules of the tree and the path, by small traces and by properties.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

/// One span of a small trace: id, parent (0 = none), start, end.
#[derive(Clone, Copy, Debug)]
struct S(u64, u64, i64, i64);

fn trace_with(spans: &[S], change: impl Fn(&mut SpanDraft)) -> Trace {
    let mut strings = Strings::default();
    let mut builder = TraceBuilder::new(TraceId(1));
    for &S(id, parent, start, end) in spans {
        let name = strings.intern(&format!("s{id}"));
        let parent = (parent != 0).then_some(Parent { span: SpanId(parent), relation: Relation::ChildOf });
        let (start, duration) = (Some(Time(start)), Some(Micros(end - start)));
        let mut draft = SpanDraft { id: SpanId(id), parent, name, start, duration, ..SpanDraft::default() };
        change(&mut draft);
        builder.push(&mut draft, &strings);
    }
    builder.finish(&Arc::new(strings))
}

fn path_of(trace: &Trace) -> Vec<(u64, i64, i64)> {
    critical_path(trace, &Tree::new(trace))
        .into_iter()
        .map(|s| (trace.span(s.span).unwrap().id().0, s.start.0, s.end.0))
        .collect()
}

fn path(spans: &[S]) -> Vec<(u64, i64, i64)> {
    path_of(&trace_with(spans, |_| {}))
}

#[test]
fn the_last_finisher_is_on_the_path() {
    let spans = [S(1, 0, 0, 100), S(2, 1, 10, 40), S(3, 1, 20, 90)];
    assert_eq!(path(&spans), [(1, 0, 20), (3, 20, 90), (1, 90, 100)]);
}

/// jaegertracing/jaeger#9148: peers lose the earlier of two siblings that touch.
#[test]
fn issue_9148_siblings_that_touch_both_count() {
    let spans = [S(1, 0, 0, 100), S(2, 1, 0, 50), S(3, 1, 50, 100)];
    assert_eq!(path(&spans), [(2, 0, 50), (3, 50, 100)]);
}

#[test]
fn equal_ends_prefer_the_earlier_start_then_the_lower_id() {
    assert_eq!(path(&[S(1, 0, 0, 100), S(2, 1, 30, 90), S(3, 1, 20, 90)]), [(1, 0, 20), (3, 20, 90), (1, 90, 100)]);
    assert_eq!(path(&[S(1, 0, 0, 100), S(3, 1, 20, 90), S(2, 1, 20, 90)]), [(1, 0, 20), (2, 20, 90), (1, 90, 100)]);
}

#[test]
fn a_small_overlap_is_clipped_and_a_large_one_hides_the_sibling() {
    let small = [S(1, 0, 0, 1000), S(2, 1, 0, 509), S(3, 1, 500, 1000)];
    assert_eq!(path(&small), [(2, 0, 500), (3, 500, 1000)]);
    let exactly_one_percent = [S(1, 0, 0, 1000), S(2, 1, 0, 510), S(3, 1, 500, 1000)];
    assert_eq!(path(&exactly_one_percent), [(1, 0, 500), (3, 500, 1000)]);
    let something_inside = [S(1, 0, 0, 1000), S(2, 1, 0, 509), S(4, 1, 480, 505), S(3, 1, 500, 1000)];
    assert_eq!(path(&something_inside), [(1, 0, 480), (4, 480, 500), (3, 500, 1000)]);
}

#[test]
fn children_are_clamped_to_their_parent_and_late_ones_dropped() {
    let spans = [S(1, 0, 10, 100), S(2, 1, 0, 30), S(3, 1, 80, 150), S(4, 1, 120, 130)];
    assert_eq!(path(&spans), [(2, 10, 30), (1, 30, 80), (3, 80, 100)]);
}

#[test]
fn what_a_parent_does_not_wait_for_is_left_out() {
    let spans = [S(1, 0, 0, 100), S(2, 1, 10, 90)];
    let handed_over = trace_with(&spans, |d| {
        d.kind = if d.id == SpanId(1) { SpanKind::Producer } else { SpanKind::Consumer };
    });
    assert_eq!(path_of(&handed_over), [(1, 0, 100)]);
    let follows = trace_with(&spans, |d| {
        if let Some(parent) = &mut d.parent {
            parent.relation = Relation::FollowsFrom;
        }
    });
    assert_eq!(path_of(&follows), [(1, 0, 100)]);
}

#[test]
fn a_missing_root_two_roots_and_a_cycle_are_answered() {
    assert_eq!(path(&[S(2, 9, 10, 20), S(3, 2, 12, 15)]), [(2, 10, 12), (3, 12, 15), (2, 15, 20)]);
    assert_eq!(path(&[S(1, 0, 0, 10), S(2, 0, 5, 20)]), [(1, 0, 10), (2, 5, 20)]);
    let cycle = trace_with(&[S(1, 2, 0, 100), S(2, 1, 10, 50)], |_| {});
    let tree = Tree::new(&cycle);
    assert_eq!(tree.remarks(), [Remark::Cycles(1)]);
    assert_eq!(path_of(&cycle), [(1, 0, 10), (2, 10, 50), (1, 50, 100)]);
    assert_eq!(path(&[S(1, 1, 1, 7)]), [(1, 1, 7)]);
}

#[test]
fn orphans_are_roots_and_remarked() {
    let trace = trace_with(&[S(1, 0, 0, 10), S(2, 77, 20, 30)], |_| {});
    let tree = Tree::new(&trace);
    assert_eq!(tree.roots().len(), 2);
    assert!(tree.is_orphan(SpanIx(1)) && !tree.is_orphan(SpanIx(0)));
    assert_eq!(tree.remarks(), [Remark::MissingParents(1)]);
}

#[test]
fn two_ends_of_a_call_may_share_an_id() {
    let trace = trace_with(&[S(1, 0, 0, 100), S(5, 1, 10, 90), S(5, 1, 20, 80), S(6, 5, 30, 40)], |d| {
        if d.id == SpanId(5) {
            d.kind = if d.start == Some(Time(10)) { SpanKind::Client } else { SpanKind::Server };
        }
    });
    let tree = Tree::new(&trace);
    assert_eq!(tree.remarks(), [Remark::SharedIds(1)]);
    let ancestors: Vec<_> =
        tree.ancestors(SpanIx(3)).map(|ix| (trace.span(ix).unwrap().id().0, trace.span(ix).unwrap().kind())).collect();
    assert_eq!(ancestors, [(5, SpanKind::Server), (5, SpanKind::Client), (1, SpanKind::Unspecified)]);
}

#[test]
fn a_callee_that_starts_before_its_caller_is_clock_skew() {
    let mut strings = Strings::default();
    let (a, b) = (strings.intern("a"), strings.intern("b"));
    let mut builder = TraceBuilder::new(TraceId(1));
    for (id, parent, start, service) in [(1, 0, 10_000, a), (2, 1, 2_000, b)] {
        let resource = builder.resource(service, &mut Vec::new(), &strings);
        let parent = (parent != 0).then_some(Parent { span: SpanId(parent), relation: Relation::ChildOf });
        let (start, duration) = (Some(Time(start)), Some(Micros(5_000)));
        let mut draft = SpanDraft { id: SpanId(id), parent, resource, start, duration, ..SpanDraft::default() };
        builder.push(&mut draft, &strings);
    }
    let trace = builder.finish(&Arc::new(strings));
    assert_eq!(Tree::new(&trace).remarks(), [Remark::ClockSkew(1)]);
}

#[test]
fn a_deep_chain_and_many_siblings_are_answered() {
    let deep: Vec<S> = (0..100_000).map(|i| S(i + 1, i, i as i64, 200_000 - i as i64)).collect();
    let sections = path(&deep);
    assert_eq!(sections.iter().map(|s| s.2 - s.1).sum::<i64>(), 200_000);
    assert_eq!(sections.len(), 199_999);
    let wide: Vec<S> =
        std::iter::once(S(1, 0, 0, 20_000)).chain((0..20_000).map(|i| S(i + 2, 1, i as i64, i as i64 + 1))).collect();
    assert_eq!(path(&wide).len(), 20_000);
}

#[test]
fn self_time_is_what_no_child_covers() {
    let mut forest = Forest::default();
    for (start, end) in [(0, 100), (10, 30), (20, 40), (90, 150)] {
        forest.add(Time(start), Time(end), SpanId(start as u64));
    }
    forest.connect((1..4).map(|child| (Node(0), Node(child))));
    assert_eq!(forest.self_time(Node(0)), 60);
}

/// A trace of spans without parents: start and duration of each, and the time of an event in it.
fn timed(spans: &[(Option<i64>, Option<i64>, Option<i64>)]) -> Trace {
    let strings = Strings::default();
    let mut builder = TraceBuilder::new(TraceId(1));
    for (id, (start, duration, event)) in (1..).zip(spans) {
        let mut draft = SpanDraft {
            id: SpanId(id),
            start: start.map(Time),
            duration: duration.map(Micros),
            events: event.iter().map(|at| EventDraft { time: Some(Time(*at)), ..EventDraft::default() }).collect(),
            ..SpanDraft::default()
        };
        builder.push(&mut draft, &strings);
    }
    builder.finish(&Arc::new(strings))
}

const YEAR_2000: i64 = 946_684_800_000_000;
const LAST: i64 = i64::MAX / 1000;
const MINUTES_15: i64 = 900_000_000;

#[test]
fn a_start_is_usable_from_the_year_2000_to_the_last_nanosecond() {
    let today = (Some(1_795_342_000_000_000), Some(5), None);
    let starts = |start: i64| timed(&[today, (Some(start), Some(0), None)]).impossible_times().starts;
    assert_eq!((starts(YEAR_2000 - 1), starts(YEAR_2000)), (1, 0));
    assert_eq!((starts(LAST), starts(LAST + 1)), (0, 1));
    let ends = |duration: i64| timed(&[(Some(LAST - 9), Some(duration), None)]).impossible_times().ends;
    assert_eq!((ends(9), ends(10), ends(0), ends(-1)), (0, 1, 0, 1));
}

#[test]
fn a_trace_within_fifteen_minutes_of_zero_counts_from_its_own_start() {
    let times = |latest: i64| timed(&[(Some(0), Some(5), None), (Some(latest), Some(5), None)]).impossible_times();
    assert!(times(MINUTES_15 - 1).relative && times(MINUTES_15 - 1).starts == 0);
    assert!(!times(MINUTES_15).relative && times(MINUTES_15).starts == 2, "seconds or milliseconds since 1970");
    assert_eq!(times(0).starts, 2, "no span has a time");
    assert_eq!(times(1).starts, 0);
}

#[test]
fn an_event_may_lie_a_millisecond_outside_its_span_before_it_is_remarked() {
    let start = 1_795_342_000_000_000;
    let of = |at: i64| {
        let trace = timed(&[(Some(start), Some(50_000), Some(start + at))]);
        let time = trace.spans().next().unwrap().events().next().unwrap().time().0 - start;
        (time, trace.impossible_times().events)
    };
    assert_eq!((of(0), of(50_000)), ((0, 0), (50_000, 0)));
    assert_eq!((of(51_000), of(51_001)), ((50_000, 0), (50_000, 1)));
    assert_eq!((of(-1_000), of(-1_001)), ((0, 0), (0, 1)));
    assert_eq!(of(-start), (50_000, 1), "without a time it counts as at the end");
}

#[test]
fn a_span_without_a_start_lies_where_its_nearest_ancestor_with_one_starts() {
    let start = 1_795_342_000_000_000;
    let spans = [
        S(1, 0, start, start + 100),
        S(2, 1, start + 20, start + 60),
        S(3, 2, 0, 0),
        S(4, 3, 0, 0),
        S(5, 6, 0, 0),
        S(6, 5, 0, 0),
    ];
    let trace = trace_with(&spans, |_| {});
    let starts: Vec<_> = trace.spans().map(|span| (span.id().0, span.start().0 - start, span.has_time())).collect();
    assert_eq!(
        starts,
        [(1, 0, true), (5, 0, false), (6, 0, false), (2, 20, true), (3, 20, false), (4, 20, false)],
        "a cycle lies where the trace starts"
    );
    assert_eq!((trace.start(), trace.end()), (Some(Time(start)), Some(Time(start + 100))));
    assert_eq!(path_of(&trace).iter().map(|section| section.0).collect::<Vec<_>>(), [1, 2, 1]);
    assert_eq!((timed(&[(None, Some(5), None)]).start(), timed(&[(None, Some(5), None)]).end()), (None, None));
}

#[test]
fn a_long_chain_without_times_is_settled_in_linear_time() {
    let chain: Vec<S> = (0..100_000)
        .map(|i| S(i + 1, i, if i == 0 { 1_795_342_000_000_000 } else { 0 }, 1_795_342_000_000_100))
        .collect();
    assert_eq!(trace_with(&chain, |_| {}).impossible_times().starts, 99_999);
}

fn any_spans() -> impl Strategy<Value = Vec<S>> {
    let span = (0u64..40, 0i64..1_000, 0i64..400);
    proptest::collection::vec(span, 1..40).prop_map(|spans| {
        let numbered = spans.into_iter().enumerate();
        numbered.map(|(i, (parent, start, length))| S(i as u64 + 1, parent, start, start + length)).collect()
    })
}

proptest! {
    #[test]
    fn sections_add_up_to_each_root_and_never_overlap(spans in any_spans()) {
        let trace = trace_with(&spans, |_| {});
        let tree = Tree::new(&trace);
        let roots: i64 = tree.roots().iter().map(|ix| trace.span(*ix).unwrap().duration().0).sum();
        let sections = critical_path(&trace, &tree);
        prop_assert_eq!(sections.iter().map(|s| (s.end - s.start).0).sum::<i64>(), roots);
        for s in &sections {
            let span = trace.span(s.span).unwrap();
            prop_assert!(s.start < s.end && span.start() <= s.start && s.end <= span.end());
        }
        let root_of = |ix: SpanIx| tree.ancestors(ix).last().unwrap_or(ix);
        for root in tree.roots() {
            let of_root: Vec<_> = sections.iter().filter(|s| root_of(s.span) == *root).collect();
            for pair in of_root.windows(2) {
                prop_assert_eq!(pair[0].end, pair[1].start);
                prop_assert_ne!(pair[0].span, pair[1].span);
            }
        }
    }

    #[test]
    fn the_order_of_spans_does_not_matter(spans in any_spans(), seed in any::<u64>()) {
        let mut shuffled = spans.clone();
        let len = shuffled.len();
        for i in 0..len {
            shuffled.swap(i, (seed.wrapping_mul(i as u64 + 7) % len as u64) as usize);
        }
        prop_assert_eq!(path(&spans), path(&shuffled));
    }
}
