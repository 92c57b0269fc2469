//! Whatever goes wrong on the way, the end is what all traces say.
//!
//! Each case is a system of its own by a seed: operations of random kinds at random times, spans that arrive late, a Jaeger
//! that fails, is slow, refuses large answers or returns any traces under its limit, two recorders on one store that die
//! before and after writes, and a clock that differs from Jaeger's. After a while everything works again. What must hold:
//! nothing is lost or counted twice, the coverage never claims what was not read, and the budget of requests is kept.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use diagnosis::{Context, Detail, diagnose, playbook::Playbook};
use jaeger::{Search, SearchResult};
use ktrdr_diagnosis::recorder::{Paced, Source, SourceError};
use store::{Interval, OperationKey};
use testbed::{JaegerVersion, RawTrace, Rng, Telemetry, build, jaeger_json, scenarios};
use tokio::sync::{Notify, watch};
use trace::{Micros, Time, Trace, TraceId};

use crate::{
    hooked_store::HookedStore,
    mortal::{End, Expected, Mortal},
    simulated::{BEGIN, Faults, Feed, Setup, SimulatedJaeger, VirtualClock},
    truth::compare,
};

/// How many requests are allowed in a second, and at once.
const PER_SECOND: f64 = 5.0;
const BURST: f64 = 30.0;
/// How long things go wrong, and how long it takes until everything has settled after that.
const TROUBLE: Micros = minutes(25);
const CALM: Micros = minutes(50);
/// Operations start from so long before the beginning …
const EARLIEST: Micros = minutes(100);
/// … and take no longer than this.
const LONGEST: Micros = minutes(15);
/// The latest that a span arrives after its end.
const LATEST_ARRIVAL: i64 = 45_000;
/// The start of a span that lasts longer may be covered before it arrives.
const LONG_SPAN: Micros = Micros::from_secs(240);

const fn minutes(count: i64) -> Micros {
    Micros::from_secs(count * 60)
}

/// A source that several recorders share.
#[derive(Debug)]
struct Shared(Arc<SimulatedJaeger>);

#[async_trait]
impl Source for Shared {
    fn address(&self) -> &str {
        self.0.address()
    }

    async fn services(&self) -> Result<Vec<String>, SourceError> {
        self.0.services().await
    }

    async fn span_names(&self, service: &str) -> Result<Vec<String>, SourceError> {
        self.0.span_names(service).await
    }

    async fn search(&self, search: &Search) -> Result<SearchResult, SourceError> {
        self.0.search(search).await
    }

    async fn search_truncated(&self, search: &Search) -> Result<SearchResult, SourceError> {
        self.0.search_truncated(search).await
    }

    async fn trace(&self, id: TraceId) -> Result<Option<Trace>, SourceError> {
        self.0.trace(id).await
    }
}

/// The traces of a case, with at least so many operations.
fn traces(rng: &mut Rng, operations: usize) -> Vec<RawTrace> {
    let scenarios: Vec<_> = scenarios()
        .iter()
        .filter(|scenario| !scenario.live && scenario.telemetry.contains(&Telemetry::Current))
        .collect();
    let (mut all, mut count) = (Vec::new(), 0);
    while count < operations {
        let scenario = scenarios[rng.draw() as usize % scenarios.len()];
        let base = BEGIN - EARLIEST + Micros(rng.within(0, (EARLIEST + TROUBLE).0));
        let traces = build(scenario, Telemetry::Current, base, rng.draw());
        if traces.iter().all(|trace| trace.end() <= Some(base + LONGEST)) {
            count += scenario.expect(Telemetry::Current).operations;
            all.extend(traces);
        }
    }
    all
}

/// Every span on its own, at a random time after its end.
pub(crate) fn arrivals(traces: &[RawTrace], rng: &mut Rng) -> BTreeMap<(Time, usize), RawTrace> {
    let spans = traces.iter().flat_map(|trace| trace.spans.iter().map(|span| (trace.id, span)));
    let arrival = |(nth, (id, span)): (usize, (TraceId, &testbed::RawSpan))| {
        let at = span.end() + Micros::from_millis(rng.within(0, LATEST_ARRIVAL));
        ((at, nth), RawTrace { id, spans: vec![span.clone()] })
    };
    spans.enumerate().map(arrival).collect()
}

/// The operations that must be known once their time is covered.
fn expected(traces: &[RawTrace]) -> Vec<Expected> {
    let playbook = Playbook::ktrdr();
    let now = BEGIN + TROUBLE + CALM;
    let decoded = jaeger::decode(&jaeger_json(traces, JaegerVersion::V2)).unwrap().traces;
    let report = diagnose(&decoded, &playbook, &Context { now, detail: Detail::Record, ..Context::default() });
    let mut expected = Vec::new();
    for operation in report.diagnoses.iter().filter(|operation| operation.operation_id.is_some()) {
        let own = traces.iter().filter(|trace| operation.trace_ids.contains(&trace.id));
        let discovery = own
            .flat_map(|trace| &trace.spans)
            .filter(|span| playbook.primary_discovery_spans().iter().any(|name| *name == span.name));
        let (mut starts, mut longest) = (Vec::new(), Micros(0));
        for span in discovery {
            starts.push(span.start);
            longest = longest.max(span.duration);
        }
        if let (Some(from), Some(to), true) = (starts.iter().min(), starts.iter().max(), longest < LONG_SPAN) {
            expected.push((OperationKey::of(operation).unwrap(), Interval { from: *from, to: *to + Micros(1) }));
        }
    }
    expected
}

/// One place where a recorder runs, again and again.
async fn place(
    setup: Arc<Setup>,
    source: Arc<dyn Source>,
    expected: Arc<Vec<Expected>>,
    name: &'static str,
    mut rng: Rng,
    stop: watch::Receiver<bool>,
) -> u64 {
    let until = BEGIN + TROUBLE;
    for life in 0.. {
        let hooks = Mortal {
            store: Arc::clone(&setup.store),
            clock: setup.clock,
            until,
            writes_left: AtomicI64::new(rng.within(1, 60)),
            end: [End::Before, End::After, End::Failure][rng.draw() as usize % 3],
            died: Notify::new(),
            expected: Arc::clone(&expected),
        };
        let mortal = Arc::new(HookedStore { store: Arc::clone(&setup.store), hooks });
        let store = Arc::clone(&mortal) as Arc<dyn store::Store>;
        let recorder = setup.recorder(Arc::clone(&source), store, &format!("{name}-{life}"));
        let mut running = tokio::spawn(recorder.run(stop.clone(), false));
        tokio::select! {
            ended = &mut running => {
                ended.unwrap().unwrap();
                return life;
            }
            () = mortal.hooks.died.notified() => running.abort(),
        }
        tokio::time::sleep(Duration::from_millis(rng.within(0, 60_000) as u64)).await;
    }
    unreachable!("somebody lives on")
}

/// How much a case had of what it is about.
#[derive(Debug, Default)]
struct Troubles {
    operations: usize,
    deaths: u64,
    failures: u64,
}

async fn check(seed: u64) -> Troubles {
    let mut rng = Rng::new("recorder", &[seed]);
    let all = traces(&mut rng, 14);
    let expected = Arc::new(expected(&all));
    let skew = Micros::from_millis(rng.within(-8_000, 8_000));
    let clock = VirtualClock::start();
    let faults = Faults {
        until: BEGIN + TROUBLE,
        failing: rng.within(0, 15),
        slow: rng.within(0, 4),
        too_large: rng.within(0, 3) as usize * 2,
        any_traces: rng.draw().is_multiple_of(2),
        rng: Rng::new("faults", &[seed]),
    };
    let mut jaeger = SimulatedJaeger::new(clock, Feed::Planned(arrivals(&all, &mut rng)), Some(faults));
    jaeger.most = [2, 4, 1000][rng.draw() as usize % 3];
    let setup = Arc::new(Setup::with(clock.ahead(skew), jaeger));
    let source: Arc<dyn Source> = Arc::new(Paced::new(Shared(Arc::clone(&setup.jaeger)), PER_SECOND));
    let (stop, stopped) = watch::channel(false);
    let places = ["one", "other"].map(|name| {
        let rng = Rng::new(name, &[seed]);
        let (setup, source, expected) = (Arc::clone(&setup), Arc::clone(&source), Arc::clone(&expected));
        tokio::spawn(place(setup, source, expected, name, rng, stopped.clone()))
    });
    let length = TROUBLE + CALM;
    tokio::time::sleep(Duration::from_micros(length.0 as u64)).await;
    let requests = setup.jaeger.requests.load(Relaxed);
    stop.send(true).unwrap();
    let mut deaths = 0;
    for place in places {
        deaths += place.await.unwrap();
    }
    compare(&setup).await;
    assert!(requests as f64 <= PER_SECOND * length.secs() + BURST, "{requests} requests in {} s", length.secs());
    Troubles { operations: expected.len(), deaths, failures: setup.jaeger.failures.load(Relaxed) }
}

/// `RECORDER_SEEDS=10..200` tries others.
#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_nothing_is_lost_or_counted_twice() {
    let seeds = std::env::var("RECORDER_SEEDS").unwrap_or_else(|_| "0..8".to_owned());
    let (from, to) = seeds.split_once("..").unwrap();
    let mut all = Troubles::default();
    for seed in from.parse().unwrap()..to.parse().unwrap() {
        println!("seed {seed}");
        let one = check(seed).await;
        all.operations += one.operations;
        all.deaths += one.deaths;
        all.failures += one.failures;
    }
    assert!(all.operations > 10 && all.deaths > 10 && all.failures > 100, "{all:?}");
}
