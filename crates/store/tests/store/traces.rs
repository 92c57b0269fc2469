//! Compact traces: what is kept reads back exactly, and is judged as the traces themselves are.

use std::sync::Arc;

use diagnosis::{Context, diagnose};
use proptest::{collection::vec, option, prelude::*, sample::select};
use store::{CompactTraces, DecodeError};
use testbed::{JaegerVersion, generate, jaeger_json, scenarios};
use trace::{
    Attribute, EventDraft, Link, Micros, Parent, Relation, SpanDraft, SpanId, SpanKind, Status, Strings, Time, Trace,
    TraceBuilder, TraceId,
};

use crate::operations::playbook;

const BASE: Time = Time(1_795_348_800_000_000);

/// Time, name and attributes.
type RandomEvent = (Option<i64>, u8, Vec<(u8, u8)>);

/// A text, value or time by a small number, so that equal ones occur.
#[derive(Clone, Debug)]
struct RandomSpan {
    ids: (u64, u64, u8),
    start: Option<i64>,
    duration: Option<i64>,
    texts: [u8; 4],
    kind: u8,
    resource: Vec<(u8, u8)>,
    attributes: Vec<(u8, u8)>,
    events: Vec<RandomEvent>,
    links: Vec<u64>,
    warnings: Vec<u8>,
}

fn pairs() -> impl Strategy<Value = Vec<(u8, u8)>> {
    vec((0..5_u8, 0..12_u8), 0..4)
}

fn times() -> impl Strategy<Value = Option<i64>> {
    let odd = select(vec![0, 1, -5, i64::MAX, i64::MIN, 946_684_799_999_999]);
    option::weighted(0.9, prop_oneof![6 => (0..90_000_000_i64).prop_map(|off| BASE.0 + off), 1 => odd])
}

prop_compose! {
    fn span()(
        ids in (0..12_u64, 0..12_u64, 0..4_u8),
        start in times(),
        duration in option::weighted(0.9, -10..90_000_000_i64),
        texts in [0..8_u8, 0..4, 0..4, 0..4],
        kind in 0..18_u8,
        resource in pairs(),
        attributes in pairs(),
        events in vec((times(), 0..3_u8, pairs()), 0..3),
        links in vec(0..9_u64, 0..2),
        warnings in vec(0..3_u8, 0..3),
    ) -> RandomSpan {
        RandomSpan { ids, start, duration, texts, kind, resource, attributes, events, links, warnings }
    }
}

const TEXTS: [&str; 8] = ["", "operation.register", "operations.list", "GET /", "ü\u{0}", "load", "a http send", "k"];

fn attributes(pairs: &[(u8, u8)], strings: &mut Strings) -> Vec<Attribute> {
    let attribute = |(key, value): &(u8, u8)| {
        let key = strings.intern(["operation.id", "http.route", "k", "", "exception.stacktrace"][*key as usize]);
        match value {
            0 => Attribute::bool(key, false),
            1 => Attribute::bool(key, true),
            2 => Attribute::int(key, i64::MIN),
            3 => Attribute::int(key, 300),
            4 => Attribute::float(key, f64::NAN),
            5 => Attribute::float(key, -0.0),
            value => Attribute::text(key, strings.intern(TEXTS[*value as usize % 8])),
        }
    };
    pairs.iter().map(attribute).collect()
}

fn build(id: u128, spans: &[RandomSpan], strings: &mut Strings) -> (TraceBuilder, Vec<SpanDraft>) {
    let mut builder = TraceBuilder::new(TraceId(id));
    let mut drafts = Vec::new();
    for span in spans {
        let text = |number: u8, strings: &mut Strings| strings.intern(TEXTS[number as usize]);
        let service = text(span.texts[3], strings);
        let mut resource = attributes(&span.resource, strings);
        let (id, parent, relation) = span.ids;
        let relation = if relation == 1 { Relation::FollowsFrom } else { Relation::ChildOf };
        let event = |(time, name, pairs): &RandomEvent, strings: &mut Strings| EventDraft {
            time: time.map(Time),
            name: strings.intern(TEXTS[*name as usize]),
            attributes: attributes(pairs, strings),
        };
        drafts.push(SpanDraft {
            id: SpanId(id),
            parent: (parent > 0).then_some(Parent { span: SpanId(parent), relation }),
            unreadable_parent: span.ids.2 == 2,
            name: text(span.texts[0], strings),
            resource: builder.resource(service, &mut resource, strings),
            start: span.start.map(Time),
            duration: span.duration.map(Micros),
            kind: [
                SpanKind::Unspecified,
                SpanKind::Internal,
                SpanKind::Server,
                SpanKind::Client,
                SpanKind::Producer,
                SpanKind::Consumer,
            ][span.kind as usize % 6],
            status: [Status::Unset, Status::Ok, Status::Error][span.kind as usize / 6],
            status_message: text(span.texts[1], strings),
            scope: text(span.texts[2], strings),
            scope_version: text(span.texts[1], strings),
            attributes: attributes(&span.attributes, strings),
            events: span.events.iter().map(|of| event(of, strings)).collect(),
            links: span.links.iter().map(|id| Link { trace: TraceId(u128::MAX), span: SpanId(*id) }).collect(),
            warnings: span.warnings.iter().map(|number| text(*number, strings)).collect(),
        });
    }
    (builder, drafts)
}

fn traces(all: &[Vec<RandomSpan>]) -> Vec<Trace> {
    let mut strings = Strings::default();
    let built: Vec<_> = (1..).zip(all).map(|(id, spans)| build(id, spans, &mut strings)).collect();
    let strings = Arc::new(strings);
    let finish = |(mut builder, drafts): (TraceBuilder, Vec<SpanDraft>)| {
        for mut draft in drafts {
            builder.push(&mut draft, &strings);
        }
        builder.finish(&strings)
    };
    built.into_iter().map(finish).collect()
}

/// Everything that a trace says, in the order in which it says it.
fn everything(trace: &Trace) -> impl PartialEq + std::fmt::Debug + use<> {
    let more = |span: trace::SpanRef<'_>| {
        format!(
            "{:?} {} {} {:?}",
            span.scope(),
            span.has_time(),
            span.has_unreadable_parent(),
            span.attributes().collect::<Vec<_>>()
        )
    };
    (
        trace.canonical().to_string(),
        trace.spans().map(more).collect::<Vec<_>>(),
        trace.gaps().map(str::to_owned).collect::<Vec<_>>(),
        trace.warnings().map(str::to_owned).collect::<Vec<_>>(),
        trace.duplicates(),
        trace.impossible_times(),
    )
}

/// What is kept of a trace that is not too large.
fn stripped(span: trace::SpanRef<'_>) -> bool {
    ["operations.list", "a http send"].contains(&span.name())
        && !span.is_error()
        && span.events().len() == 0
        && span.attribute("operation.id").is_none()
}

proptest! {
    #[test]
    fn what_is_kept_reads_back_exactly(all in vec(vec(span(), 0..12), 0..3), gap in option::of("[a-z]{1,9}")) {
        let playbook = playbook();
        let mut before = traces(&all);
        if let (Some(first), Some(gap)) = (before.first_mut(), gap) {
            first.mark_partial(gap);
        }
        let compact = CompactTraces::encode(&before, playbook);
        prop_assert!(!compact.is_cut());
        let after = compact.decode().unwrap();
        prop_assert_eq!(after.len(), before.len());
        for (before, after) in before.iter().zip(&after) {
            prop_assert_eq!(after.len(), before.len());
            for (kept, span) in after.spans().zip(before.spans()) {
                let (mut kept, mut whole) = (after_json(kept, after), after_json(span, before));
                if stripped(span) {
                    for json in [&mut kept, &mut whole] {
                        for field in ["attributes", "links", "warnings"] {
                            json[field] = serde_json::Value::Null;
                        }
                    }
                }
                prop_assert_eq!(kept, whole);
            }
            if !before.spans().any(stripped) {
                prop_assert_eq!(everything(after), everything(before));
            }
        }
        // What was kept is kept again as it is.
        prop_assert_eq!(CompactTraces::encode(&after, playbook), compact);
    }

    #[test]
    fn damaged_bytes_are_an_error(all in vec(vec(span(), 1..9), 1..3), at in any::<prop::sample::Index>(), byte: u8) {
        let compact = CompactTraces::encode(&traces(&all), playbook());
        let mut bytes = compact.as_bytes().to_vec();
        let cut = at.index(bytes.len());
        prop_assert!(CompactTraces::from_bytes(&bytes[..cut]).decode().is_err());
        bytes[cut] = byte;
        // Not every change is noticed, but none of them panics.
        let _ = CompactTraces::from_bytes(bytes).decode();
    }
}

fn after_json(span: trace::SpanRef<'_>, trace: &Trace) -> serde_json::Value {
    trace.canonical()["spans"][span.ix().index()].clone()
}

#[test]
fn a_newer_format_is_named() {
    let newer = CompactTraces::from_bytes([9, 0, 3, 0]);
    assert_eq!(newer.decode().unwrap_err(), DecodeError::Version(9));
}

/// A trace with one span per text, each with the text as stack trace.
fn with_texts(texts: impl Iterator<Item = String>) -> Trace {
    let mut strings = Strings::default();
    let key = strings.intern("exception.stacktrace");
    let name = strings.intern("load");
    let drafts: Vec<SpanDraft> = (1..)
        .zip(texts)
        .map(|(id, text)| SpanDraft {
            id: SpanId(id),
            name,
            start: Some(BASE + Micros(id as i64)),
            duration: Some(Micros(5 + id as i64 % 7)),
            status: if id % 10 == 0 { Status::Error } else { Status::Unset },
            attributes: vec![Attribute::text(key, strings.intern(&text))],
            ..SpanDraft::default()
        })
        .collect();
    let (strings, mut builder) = (Arc::new(strings), TraceBuilder::new(TraceId(1)));
    for mut draft in drafts {
        builder.push(&mut draft, &strings);
    }
    builder.finish(&strings)
}

#[test]
fn texts_are_cut_at_4_kib() {
    let text = |len: usize| format!("{}ü", "x".repeat(len - 2));
    let trace = with_texts([text(4_096), text(4_097)].into_iter());
    let kept = |trace: &Trace| {
        let compact = CompactTraces::encode(std::slice::from_ref(trace), playbook());
        let traces = compact.decode().unwrap();
        let lengths: Vec<usize> =
            traces[0].spans().map(|span| span.attributes().next().unwrap().1.as_str().unwrap().len()).collect();
        (lengths, compact.is_cut())
    };
    assert_eq!(kept(&trace), (vec![4_096, 4_095], true));
    assert_eq!(kept(&with_texts([text(4_096)].into_iter())), (vec![4_096], false));
}

/// Texts that cannot be compressed.
fn random_text(seed: u64, len: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'0' + (state % 64) as u8)
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn what_would_be_too_large_is_cut_and_says_so() {
    for (spans, len) in [(500, 4_000), (9_000, 200), (60_000, 3)] {
        let trace = with_texts((0..spans).map(|id| random_text(id, len)));
        let compact = CompactTraces::encode(std::slice::from_ref(&trace), playbook());
        assert!(compact.as_bytes().len() <= CompactTraces::MAX_BYTES, "{}", compact.as_bytes().len());
        assert!(compact.as_bytes().len() > CompactTraces::MAX_BYTES / 3, "{}", compact.as_bytes().len());
        assert!(compact.is_cut());
        let kept = &compact.decode().unwrap()[0];
        if kept.len() < trace.len() {
            let reason =
                format!("{} of {spans} spans were kept: the trace is too large to be stored whole", kept.len());
            assert_eq!(kept.partial(), Some(&*reason));
            let errors = |trace: &Trace| trace.spans().filter(|span| span.is_error()).count();
            assert_eq!(errors(kept), errors(&trace).min(kept.len()), "errors are kept first");
        } else {
            assert_eq!((spans, kept.partial()), (500, None), "shorter texts are enough");
        }
    }
}

#[test]
fn compact_traces_are_judged_as_the_traces_are() {
    let playbook = playbook();
    let mut compared = 0;
    for scenario in scenarios() {
        for telemetry in scenario.telemetry {
            let generated = generate(scenario, *telemetry, BASE, 3);
            let traces = jaeger::decode(&jaeger_json(&generated.traces, JaegerVersion::V2)).unwrap().traces;
            let compact = CompactTraces::encode(&traces, playbook);
            assert!(!compact.is_cut(), "{}", scenario.name);
            let context = Context { now: generated.now, ..Context::default() };
            let (original, again) =
                (diagnose(&traces, playbook, &context), diagnose(&compact.decode().unwrap(), playbook, &context));
            assert_eq!(again.comparables, original.comparables, "{}", scenario.name);
            assert_eq!(again.diagnoses, original.diagnoses, "{} {telemetry:?}", scenario.name);
            compared += original.diagnoses.len();
        }
    }
    assert!(compared > 50, "{compared}");
}
