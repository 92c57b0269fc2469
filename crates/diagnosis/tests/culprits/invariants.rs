//! What holds for any requests, and for any trace.

use diagnosis::{
    Confidence, SectionKind,
    culprits::{Culprit, Place, RequestProfile, Section, Visit, profiles},
};
use proptest::prelude::*;
use std::sync::Arc;
use trace::{Micros, SpanDraft, SpanId, SpanKind, Status, Strings, Time, Trace, TraceBuilder, TraceId};

use crate::build::{compare, rows};

fn place(number: usize) -> Place {
    let caller = number.is_multiple_of(3).then(|| format!("service {}", number % 4));
    Place { service: format!("service {}", number % 5), caller, span: format!("span {number}") }
}

fn section() -> impl Strategy<Value = Section> {
    let kind = prop_oneof![Just(SectionKind::Span), Just(SectionKind::Network), Just(SectionKind::Gap)];
    (kind, 0..9usize, 1..4u32, 0..200_000i64).prop_map(|(kind, at, calls, us)| Section {
        kind,
        place: place(at),
        calls,
        time: Micros(us),
        span_id: Some(SpanId(1)),
        waiting: (kind == SectionKind::Network).then(|| place(at + 1)),
    })
}

/// A request with sections that occur once each.
fn request() -> impl Strategy<Value = RequestProfile> {
    let sections = proptest::collection::vec(section(), 1..8);
    let errors = proptest::collection::vec(any::<bool>(), 4);
    (0..2usize, any::<u16>(), sections, errors).prop_map(|(of, id, mut sections, errors)| {
        sections.sort_by_key(|section| (section.kind, section.place.clone()));
        sections.dedup_by_key(|section| (section.kind, section.place.clone()));
        let duration = sections.iter().map(|section| section.time.0).sum();
        let visit = |(at, is_error): (usize, bool)| Visit {
            place: place(at),
            within: None,
            children: None,
            error: is_error.then_some(SpanId(2)),
        };
        RequestProfile {
            operation_type: format!("type {of}"),
            trace_id: TraceId(id.into()),
            start: Time(id.into()),
            duration: Micros(duration),
            sections,
            visits: errors.into_iter().enumerate().map(visit).collect(),
        }
    })
}

fn requests(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<RequestProfile>> {
    proptest::collection::vec(request(), n)
}

/// The window: some requests, of which one place takes longer.
fn changed() -> impl Strategy<Value = Vec<RequestProfile>> {
    (requests(5..60), 0..9usize, 0..600_000i64).prop_map(|(mut requests, at, us)| {
        for section in requests.iter_mut().flat_map(|request| &mut request.sections) {
            if section.place == place(at) {
                section.time.0 += us;
            }
        }
        requests
    })
}

fn twice(requests: &[RequestProfile]) -> Vec<RequestProfile> {
    requests.iter().chain(requests).cloned().collect()
}

type Key = (String, Option<String>, String, &'static str);

fn key(row: &Culprit) -> Key {
    (row.service.clone(), row.caller.clone(), row.span.clone(), row.kind.as_str())
}

fn keys(rows: &[Culprit]) -> Vec<Key> {
    rows.iter().map(key).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_requests_does_not_matter(
        (window, baseline) in (changed(), requests(5..60)),
        seed in any::<u64>(),
    ) {
        let shuffled = |requests: &[RequestProfile]| {
            let mut requests = requests.to_vec();
            let len = requests.len() as u64;
            for at in 0..len {
                requests.swap(at as usize, (seed.wrapping_mul(at + 11) % len) as usize);
            }
            requests
        };
        prop_assert_eq!(compare(&window, &baseline), compare(&shuffled(&window), &shuffled(&baseline)));
    }

    #[test]
    fn identical_windows_have_no_culprit(window in changed()) {
        prop_assert_eq!(rows(&window, &window), []);
        prop_assert_eq!(rows(&window, &twice(&window)), []);
        prop_assert_eq!(rows(&twice(&window), &window), []);
    }

    /// Twice as many requests make the answer surer, so there may be more rows (and rows may gather more types, or a
    /// shared delay become visible, which is left out here); those there were keep order and score.
    #[test]
    fn doubling_all_requests_does_not_change_the_ranking((window, baseline) in (changed(), requests(5..60))) {
        let simple = |requests: Vec<RequestProfile>| -> Vec<RequestProfile> {
            let one = |mut request: RequestProfile| {
                request.operation_type.clear();
                request.sections.retain(|section| section.kind != SectionKind::Network);
                request
            };
            requests.into_iter().map(one).collect()
        };
        let (window, baseline) = (simple(window), simple(baseline));
        let (once, doubled) = (rows(&window, &baseline), rows(&twice(&window), &twice(&baseline)));
        let kept: Vec<_> = keys(&doubled).into_iter().filter(|key| keys(&once).contains(key)).collect();
        prop_assert_eq!(keys(&once), kept);
        for row in &once {
            let same = doubled.iter().find(|other| key(other) == key(row)).unwrap();
            prop_assert!((row.score - same.score).abs() < 1e-9, "{} {}", row.score, same.score);
            prop_assert_eq!(2 * row.affected, same.affected);
        }
    }

    #[test]
    fn the_unit_of_time_does_not_matter((window, baseline) in (changed(), requests(5..60)), factor in 2..1000i64) {
        let scaled = |requests: &[RequestProfile]| {
            let mut requests = requests.to_vec();
            for request in &mut requests {
                request.duration.0 *= factor;
                request.sections.iter_mut().for_each(|section| section.time.0 *= factor);
            }
            requests
        };
        let (before, after) = (rows(&window, &baseline), rows(&scaled(&window), &scaled(&baseline)));
        prop_assert_eq!(keys(&before), keys(&after));
        for (row, scaled) in before.iter().zip(&after) {
            prop_assert_eq!((row.affected, row.confidence), (scaled.affected, scaled.confidence));
            prop_assert!((row.score * factor as f64 - scaled.score).abs() <= 1e-9 * scaled.score.abs().max(1.0));
        }
    }

    #[test]
    fn rows_are_consistent((window, baseline) in (changed(), requests(0..60))) {
        let comparison = compare(&window, &baseline);
        let rows = &comparison.culprits;
        let shares: f64 = rows.iter().map(|row| row.share).sum();
        prop_assert!(rows.is_empty() || (shares - 1.0).abs() < 1e-9);
        let mut seen = keys(rows);
        seen.sort();
        seen.dedup();
        prop_assert_eq!(seen.len(), rows.len());
        for (at, row) in rows.iter().enumerate() {
            prop_assert_eq!(row.rank, at + 1);
            prop_assert!(row.score > 0.0 && row.affected > 0 && row.affected <= comparison.operations);
            prop_assert!(!row.summary.is_empty() && !row.evidence.is_empty() && !row.operation_types.is_empty());
            prop_assert!(row.confidence != Confidence::High || row.affected >= 5);
        }
        prop_assert!(rows.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }
}

/// A span: parent (by number, itself or later ones give cycles and orphans), start, length, service, kind, error.
type Spanlike = (usize, i64, i64, u8, u8, bool);

fn any_trace() -> impl Strategy<Value = Trace> {
    let span = (0..50usize, 0..1_000i64, 0..400i64, 0..4u8, 0..6u8, any::<bool>());
    proptest::collection::vec(span, 1..40).prop_map(|spans| trace(&spans))
}

fn trace(spans: &[Spanlike]) -> Trace {
    use trace::{Parent, Relation};
    let kinds = [
        SpanKind::Unspecified,
        SpanKind::Internal,
        SpanKind::Server,
        SpanKind::Client,
        SpanKind::Producer,
        SpanKind::Consumer,
    ];
    let mut strings = Strings::default();
    let mut builder = TraceBuilder::new(TraceId(1));
    for (number, &(parent, start, length, service, kind, is_error)) in spans.iter().enumerate() {
        let service = strings.intern(&format!("service {service}"));
        let resource = builder.resource(service, &mut Vec::new(), &strings);
        let relation = if parent.is_multiple_of(7) { Relation::FollowsFrom } else { Relation::ChildOf };
        let mut draft = SpanDraft {
            id: SpanId(number as u64 + 1),
            parent: (parent > 0).then_some(Parent { span: SpanId(parent as u64), relation }),
            name: strings.intern(&format!("span {}", number % 6)),
            resource,
            start: Some(Time(start)),
            duration: Some(Micros(length)),
            kind: kinds[usize::from(kind)],
            status: if is_error { Status::Error } else { Status::Unset },
            ..SpanDraft::default()
        };
        builder.push(&mut draft, &strings);
    }
    builder.finish(&Arc::new(strings))
}

proptest! {
    /// Whatever is wrong with a trace: its requests' times add up, and places and kinds occur once.
    #[test]
    fn sections_add_up_to_the_duration(trace in any_trace()) {
        for profile in profiles(&trace) {
            let sum: i64 = profile.sections.iter().map(|section| section.time.0).sum();
            prop_assert_eq!(sum, profile.duration.0);
            prop_assert!(profile.sections.iter().all(|section| section.time.0 >= 0 && section.calls > 0));
            let mut keys: Vec<_> = profile.sections.iter().map(|section| (section.kind, &section.place)).collect();
            keys.sort();
            keys.dedup();
            prop_assert_eq!(keys.len(), profile.sections.len());
            let mut places: Vec<_> = profile.visits.iter().map(|visit| &visit.place).collect();
            places.sort();
            places.dedup();
            prop_assert_eq!(places.len(), profile.visits.len());
            for (at, visit) in profile.visits.iter().enumerate() {
                prop_assert!(visit.within.is_none_or(|within| (within as usize) < at));
            }
        }
    }
}

#[test]
fn a_deep_chain_and_many_siblings_are_observed_in_linear_time() {
    // Each of the chain in another service than its parent, so that all are calls.
    let deep: Vec<Spanlike> = (0..50_000).map(|i| (i, i as i64, 200_000 - i as i64, (i % 2) as u8, 0, false)).collect();
    let wide: Vec<Spanlike> = (0..20_000)
        .map(|i| (usize::from(i > 0), i64::from(i) * 2, if i == 0 { 50_000 } else { 1 }, (i % 4) as u8, 0, false))
        .collect();
    for spans in [deep, wide] {
        let profile = profiles(&trace(&spans)).remove(0);
        assert_eq!(profile.sections.iter().map(|section| section.time.0).sum::<i64>(), profile.duration.0);
    }
}
