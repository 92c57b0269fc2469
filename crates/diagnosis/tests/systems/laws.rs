//! What holds for any trace under the playbook `generic`.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use crate::generic;
use diagnosis::{Context, Diagnosis, Verdict, diagnose};
use proptest::{prelude::*, test_runner::RngSeed};
use testbed::{JaegerVersion, RawSpan, RawTrace, jaeger_json};
use trace::{Micros, SpanId, SpanKind, Status, Time, Trace, TraceId, Tree};

pub(crate) const BASE: Time = Time(1_795_341_905_000_000);

/// A span of a service with a name, so long after the base and so long.
pub(crate) fn span(
    id: u64,
    parent: Option<u64>,
    (service, name): (&str, &str),
    (start, length): (i64, i64),
) -> RawSpan {
    RawSpan {
        id: SpanId(id),
        parent: parent.map(SpanId),
        name: Cow::Owned(name.to_owned()),
        service: Cow::Owned(service.to_owned()),
        kind: SpanKind::Internal,
        status: Status::Unset,
        status_message: Cow::Borrowed(""),
        start: BASE + Micros(start),
        duration: Micros(length),
        process: Arc::default(),
        scope: (Cow::Borrowed(""), Cow::Borrowed("")),
        attributes: Vec::new(),
        events: Vec::new(),
    }
}

pub(crate) fn traces(spans: Vec<Vec<RawSpan>>) -> Vec<Trace> {
    let raw: Vec<RawTrace> =
        spans.into_iter().zip(1..).map(|(spans, id)| RawTrace { id: TraceId(id), spans }).collect();
    jaeger::decode(&jaeger_json(&raw, JaegerVersion::V2)).unwrap().traces
}

pub(crate) fn answers(traces: &[Trace]) -> Vec<Diagnosis> {
    let end = traces.iter().filter_map(Trace::end).max().unwrap_or(BASE);
    diagnose(traces, generic(), &Context { now: end + Micros::from_secs(3600), ..Context::default() }).diagnoses
}

fn any_span(id: u64, most: u64) -> impl Strategy<Value = RawSpan> {
    let parent = prop_oneof![2 => Just(None), 8 => (1..=most).prop_map(Some), 1 => (900..903u64).prop_map(Some)];
    let kinds = [SpanKind::Internal, SpanKind::Server, SpanKind::Client, SpanKind::Producer, SpanKind::Consumer];
    let what = (0..3usize, 0..4usize, prop::sample::select(kinds.to_vec()), any::<bool>());
    (parent, what, 0..2_000_000i64, 0..1_000_000i64).prop_map(
        move |(parent, (service, name, kind, error), start, length)| {
            let (service, name) =
                (["front", "stock", "mail: out"][service], ["GET /a", "work", "send", "GET /a http send"][name]);
            let status = if error { Status::Error } else { Status::Unset };
            RawSpan { kind, status, ..span(id, parent, (service, name), (start, length)) }
        },
    )
}

fn any_trace() -> impl Strategy<Value = Vec<RawSpan>> {
    (1..14u64).prop_flat_map(|most| (1..=most).map(|id| any_span(id, most)).collect::<Vec<_>>())
}

/// The root requests of a trace: type and start. Noise is none, and where every root names a parent that is missing, the
/// first of them stands for all, and the request starts with the earliest of its spans.
fn root_requests(trace: &Trace) -> Vec<(String, Option<Time>)> {
    let tree = Tree::new(trace);
    let noise = |name: &str| name.ends_with(" http send");
    let spans = tree.roots().iter().filter_map(|ix| trace.span(*ix)).filter(|span| !noise(span.name()));
    let (orphans, roots): (Vec<_>, Vec<_>) = spans.partition(|span| tree.is_orphan(span.ix()));
    let missing = roots.is_empty();
    let wanted = if missing { orphans.into_iter().take(1).collect() } else { roots };
    let start = |span: trace::SpanRef<'_>| (!missing).then_some(span.start());
    wanted.into_iter().map(|span| (format!("{}: {}", span.service(), span.name()), start(span))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, rng_seed: RngSeed::Fixed(11), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_root_request_is_one_operation_and_every_span_counts_once(raw in prop::collection::vec(any_trace(), 1..4)) {
        let traces = traces(raw);
        let answers = answers(&traces);
        let mut of_trace: BTreeMap<TraceId, Vec<&Diagnosis>> = BTreeMap::new();
        for d in &answers {
            prop_assert!(d.operation_id.is_none() && d.trace_ids.len() == 1);
            of_trace.entry(d.trace_id.unwrap()).or_default().push(d);
        }
        for trace in &traces {
            let found = of_trace.remove(&trace.id()).unwrap_or_default();
            let mut expected = root_requests(trace);
            let missing = expected.iter().any(|(_, start)| start.is_none());
            let start = |d: &Diagnosis| d.start.filter(|_| !missing);
            let mut listed: Vec<_> = found.iter().map(|d| (d.operation_type.clone(), start(d))).collect();
            expected.sort();
            listed.sort();
            prop_assert_eq!(&listed, &expected);
            let spans: u32 = found.iter().map(|d| d.span_count).sum();
            let folded: u32 = found.iter().map(|d| d.folded_spans).sum();
            let noisy = trace.spans().any(|span| span.name().ends_with(" http send"));
            if noisy {
                prop_assert!((spans + folded) as usize <= trace.len());
            } else {
                prop_assert_eq!(spans as usize, trace.len());
            }
        }
        prop_assert!(of_trace.is_empty());
    }

    #[test]
    fn the_order_of_traces_changes_nothing_and_only_these_verdicts_apply(raw in prop::collection::vec(any_trace(), 1..4)) {
        let mut traces = traces(raw);
        let text = |all: &[Diagnosis]| serde_json::to_string(all).unwrap();
        let forwards = answers(&traces);
        traces.reverse();
        prop_assert_eq!(text(&forwards), text(&answers(&traces)));
        for d in &forwards {
            let expected = [Verdict::Healthy, Verdict::Failed, Verdict::Slow, Verdict::Unreachable, Verdict::TraceBroken];
            prop_assert!(expected.contains(&d.verdict), "{:?} {}", d.verdict, d.rule);
            prop_assert_eq!(d.verdict == Verdict::TraceBroken, d.status == diagnosis::OperationStatus::Unknown);
        }
    }
}
