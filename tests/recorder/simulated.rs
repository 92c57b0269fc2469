//! A Jaeger in memory whose traces arrive as the virtual clock moves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use diagnosis::playbook::Playbook;
use jaeger::{Search, SearchResult};
use ktrdr_diagnosis::recorder::{Clock, Options, Recorder, Source, SourceError};
use store::{MemoryStore, PlaybookHash, SourceId, Store};
use testbed::{Filter, JaegerVersion, RawTrace, jaeger_json, simulation::Simulation};
use tokio::{sync::watch, time::Instant};
use trace::{Micros, Time, Trace, TraceId};

/// When the virtual time begins.
pub(crate) const BEGIN: Time = Time(1_795_341_600_000_000);

/// A clock that follows tokio's, which tests pause: it moves when everybody waits.
#[derive(Debug)]
pub(crate) struct VirtualClock(Instant);

impl VirtualClock {
    pub(crate) fn start() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Time {
        BEGIN + Micros(i64::try_from(self.0.elapsed().as_micros()).unwrap())
    }
}

/// A Jaeger that knows the spans that have ended.
#[derive(Debug)]
pub(crate) struct SimulatedJaeger {
    clock: Arc<VirtualClock>,
    simulation: Mutex<Simulation>,
    traces: testbed::Store,
    names: Mutex<BTreeMap<String, BTreeSet<String>>>,
    decoded: Mutex<BTreeMap<TraceId, Decoded>>,
    /// How long spans are under way.
    pub(crate) delay: Micros,
    /// The largest limit; searches get at most so many traces.
    pub(crate) most: usize,
    pub(crate) requests: AtomicU64,
    /// The size of all answers.
    pub(crate) bytes: AtomicU64,
    /// So many of the next requests fail.
    pub(crate) failures: AtomicUsize,
}

impl SimulatedJaeger {
    pub(crate) fn new(clock: &Arc<VirtualClock>, seed: u64) -> Self {
        Self {
            clock: Arc::clone(clock),
            simulation: Mutex::new(Simulation::with_backlog(BEGIN, seed)),
            traces: testbed::Store::default(),
            names: Mutex::default(),
            decoded: Mutex::default(),
            delay: Micros::from_secs(5),
            most: 1000,
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            failures: AtomicUsize::new(0),
        }
    }

    /// Lets spans arrive, and fails if that is due.
    fn arrive(&self) -> Result<(), SourceError> {
        self.requests.fetch_add(1, Relaxed);
        if self.failures.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
            return Err(SourceError::Failed("connection refused".to_owned()));
        }
        let ended = self.simulation.lock().unwrap().advance(self.clock.now() - self.delay);
        for trace in ended.work.into_iter().chain(ended.noise) {
            self.add(trace);
        }
        Ok(())
    }

    pub(crate) fn add(&self, trace: RawTrace) {
        let mut names = self.names.lock().unwrap();
        for span in &trace.spans {
            names.entry(span.service.to_string()).or_default().insert(span.name.to_string());
        }
        drop(names);
        self.traces.add(vec![trace]);
    }

    fn answer(&self, found: &[Arc<RawTrace>]) -> Vec<Trace> {
        let (traces, bytes) = self.decode(found);
        self.bytes.fetch_add(bytes as u64, Relaxed);
        traces
    }

    /// Every trace that has arrived.
    pub(crate) fn all(&self) -> Vec<Trace> {
        self.decode(&self.traces.search(&Filter::default(), 0)).0
    }

    /// The traces as an answer would carry them, and its size in bytes. Each version of a trace is decoded once.
    fn decode(&self, found: &[Arc<RawTrace>]) -> (Vec<Trace>, usize) {
        let mut decoded = self.decoded.lock().unwrap();
        let mut bytes = 0;
        let mut decode = |raw: &Arc<RawTrace>| {
            let known = decoded.get(&raw.id).filter(|known| known.spans == raw.spans.len()).cloned();
            let one = known.unwrap_or_else(|| {
                let one = Decoded::new(raw);
                decoded.insert(raw.id, one.clone());
                one
            });
            bytes += one.bytes;
            one.trace
        };
        (found.iter().map(&mut decode).collect(), bytes)
    }
}

/// A trace as it is read from an answer.
#[derive(Clone, Debug)]
struct Decoded {
    spans: usize,
    bytes: usize,
    trace: Trace,
}

impl Decoded {
    fn new(raw: &RawTrace) -> Self {
        let json = jaeger_json([raw], JaegerVersion::V2);
        let trace = jaeger::decode(&json).unwrap().traces.pop().unwrap();
        Self { spans: raw.spans.len(), bytes: json.len(), trace }
    }
}

#[async_trait]
impl Source for SimulatedJaeger {
    fn address(&self) -> &str {
        "a simulated Jaeger"
    }

    async fn services(&self) -> Result<Vec<String>, SourceError> {
        self.arrive()?;
        Ok(self.names.lock().unwrap().keys().cloned().collect())
    }

    async fn span_names(&self, service: &str) -> Result<Vec<String>, SourceError> {
        self.arrive()?;
        Ok(self.names.lock().unwrap().get(service).into_iter().flatten().cloned().collect())
    }

    async fn search(&self, search: &Search) -> Result<SearchResult, SourceError> {
        self.arrive()?;
        let filter = Filter {
            service: search.service.clone(),
            operation: search.operation.clone(),
            tags: search.attributes.clone(),
            from: Some(search.from),
            to: Some(search.to),
            min_duration: search.min_duration,
            max_duration: search.max_duration,
        };
        let limit = search.limit.min(self.most);
        let found = self.traces.search(&filter, limit);
        Ok(SearchResult { truncated: found.len() >= limit, traces: self.answer(&found), ..SearchResult::default() })
    }

    async fn search_truncated(&self, search: &Search) -> Result<SearchResult, SourceError> {
        self.search(&Search { limit: 1, ..search.clone() }).await
    }

    async fn trace(&self, id: TraceId) -> Result<Option<Trace>, SourceError> {
        self.arrive()?;
        Ok(self.traces.get(id).and_then(|trace| self.answer(&[trace]).pop()))
    }
}

pub(crate) const SOURCE: &str = "1-ktrdr";

pub(crate) fn options() -> Options {
    Options {
        history_window: Micros::from_secs(86_400),
        retention: Micros::from_secs(90 * 86_400),
        lookback: Micros::from_secs(48 * 3600),
        baseline_window: Micros::from_secs(7 * 86_400),
        stall_threshold: None,
        discovery_services: Vec::new(),
        playbook_hash: PlaybookHash(1),
    }
}

/// A recorder with everything around it.
pub(crate) struct Setup {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) jaeger: Arc<SimulatedJaeger>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) playbook: Arc<Playbook>,
}

impl Setup {
    pub(crate) fn new(seed: u64, change: impl FnOnce(&mut SimulatedJaeger)) -> Self {
        let clock = VirtualClock::start();
        let mut jaeger = SimulatedJaeger::new(&clock, seed);
        change(&mut jaeger);
        let playbook = Arc::new(Playbook::ktrdr());
        Self { clock, jaeger: Arc::new(jaeger), store: Arc::new(MemoryStore::default()), playbook }
    }

    pub(crate) fn recorder(&self, holder: &str) -> Recorder {
        Recorder::new(
            Arc::clone(&self.jaeger) as Arc<dyn Source>,
            Arc::clone(&self.store),
            SourceId::new(SOURCE),
            Arc::clone(&self.playbook),
            options(),
            Arc::clone(&self.clock) as Arc<dyn Clock>,
            holder,
        )
    }

    /// Records for so long.
    pub(crate) async fn record(&self, length: Duration) {
        let (stop, stopped) = watch::channel(false);
        let recorder = tokio::spawn(self.recorder("first").run(stopped, false));
        tokio::time::sleep(length).await;
        stop.send(true).unwrap();
        recorder.await.unwrap().unwrap();
    }
}
