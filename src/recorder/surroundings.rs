//! Which traces beside its own are kept of an operation: those that explain it best.

use std::collections::BTreeMap;

use trace::{SpanRef, Time, Trace};

/// How many are kept.
const MOST: usize = 40;
/// How many health checks of the same kind are kept, those nearest to the end. Of failures, so many of the first and so many of
/// the last ones.
const MOST_OF_A_KIND: usize = 8;

/// The traces that explain an operation, which ended at `end` or has not ended by then: first failures, then what shows that
/// services live. Traces are of the same kind if their first spans have the same name and service.
pub(super) fn explaining(traces: Vec<Trace>, end: Time) -> Vec<Trace> {
    let mut kinds: BTreeMap<(bool, String, String), Vec<Trace>> = BTreeMap::new();
    for trace in traces {
        let Some(first) = trace.spans().min_by_key(|span| (span.start(), span.id())) else { continue };
        let lives = !trace.spans().any(SpanRef::is_error);
        let kind = (lives, first.service().to_owned(), first.name().to_owned());
        kinds.entry(kind).or_default().push(trace);
    }
    let mut kept = Vec::new();
    for ((lives, ..), mut traces) in kinds {
        if lives {
            let distance = |trace: &Trace| trace.start().map_or(i64::MAX, |start| (start - end).0.abs());
            traces.sort_by_key(|trace| (distance(trace), trace.id()));
            traces.truncate(MOST_OF_A_KIND);
        } else {
            traces.sort_by_key(|trace| (trace.start(), trace.id()));
            let last = traces.len().saturating_sub(MOST_OF_A_KIND).max(MOST_OF_A_KIND);
            let between = MOST_OF_A_KIND.min(traces.len())..last.min(traces.len());
            traces.drain(between);
        }
        kept.extend(traces);
    }
    kept.truncate(MOST);
    kept
}

#[cfg(test)]
mod tests {
    use testbed::{RawTrace, jaeger_json};
    use trace::{Micros, Status, TraceId};

    use super::*;

    const END: Time = Time(1_795_342_000_000_000);

    /// Health checks every 10 seconds before the end, as a deployment writes them.
    fn noise(seconds: i64) -> Vec<Trace> {
        let raw: Vec<RawTrace> = testbed::noise(END - Micros::from_secs(seconds), END, 1);
        jaeger::decode(&jaeger_json(&raw, testbed::JaegerVersion::V2)).unwrap().traces
    }

    fn kind(trace: &Trace) -> (String, String) {
        let first = trace.spans().min_by_key(|span| (span.start(), span.id())).unwrap();
        (first.service().to_owned(), first.name().to_owned())
    }

    #[test]
    fn the_nearest_eight_of_each_kind_are_kept() {
        let all = noise(600);
        let kept = explaining(all.clone(), END);
        assert_eq!(kept.len(), MOST);
        let mut kinds: BTreeMap<_, Vec<&Trace>> = BTreeMap::new();
        for trace in &kept {
            kinds.entry(kind(trace)).or_default().push(trace);
        }
        assert!(kinds.len() >= MOST / MOST_OF_A_KIND, "{}", kinds.len());
        for (wanted, kept) in kinds {
            assert!(kept.len() <= MOST_OF_A_KIND, "{wanted:?}");
            let earliest = kept.iter().filter_map(|trace| trace.start()).min();
            let later = all.iter().filter(|trace| kind(trace) == wanted && trace.start() > earliest).count();
            assert!(later < MOST_OF_A_KIND, "{wanted:?}: the latest are kept");
        }
    }

    #[test]
    fn the_first_and_the_last_failures_are_kept() {
        let failing = |n: usize| -> Vec<Trace> {
            let check = testbed::noise(END - Micros::from_secs(600), END, 1).remove(0);
            let nth = |nth: usize| {
                let mut raw = RawTrace { id: TraceId(nth as u128 + 1), ..check.clone() };
                for span in &mut raw.spans {
                    span.start = span.start + Micros::from_secs(nth as i64);
                    span.status = Status::Error;
                }
                raw
            };
            let raw: Vec<RawTrace> = (0..n).map(nth).collect();
            jaeger::decode(&jaeger_json(&raw, testbed::JaegerVersion::V2)).unwrap().traces
        };
        let ids = |n| explaining(failing(n), END).iter().map(|trace| trace.id().0).collect::<Vec<_>>();
        assert_eq!(ids(16), (1..=16).collect::<Vec<_>>());
        assert_eq!(ids(17), (1..=8).chain(10..=17).collect::<Vec<_>>());
        assert_eq!(ids(3), [1, 2, 3]);
    }

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        let all = noise(300);
        let reversed: Vec<Trace> = all.iter().rev().cloned().collect();
        let ids = |traces: Vec<Trace>| traces.iter().map(Trace::id).collect::<Vec<_>>();
        assert_eq!(ids(explaining(all, END)), ids(explaining(reversed, END)));
    }
}
