//! A Jaeger in memory whose traces arrive as the virtual clock moves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use diagnosis::playbook::Playbook;
use jaeger::{Search, SearchResult, ServerClock};
use ktrdr_diagnosis::recorder::{Clock, Options, Recorder, Source, SourceError, Status, playbook_hash};
use store::{MemoryStore, SourceId, Store};
use testbed::{Filter, JaegerVersion, RawTrace, Rng, jaeger_json, simulation::Simulation};
use tokio::{sync::watch, time::Instant};
use trace::{Micros, Time, Trace, TraceId};

/// When the virtual time begins.
pub(crate) const BEGIN: Time = Time(1_795_341_600_000_000);

/// A clock that follows tokio's, which tests pause: it moves when everybody waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VirtualClock {
    started: Instant,
    ahead: Micros,
}

impl VirtualClock {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), ahead: Micros(0) }
    }

    /// The same clock, but this much ahead.
    pub(crate) fn ahead(self, ahead: Micros) -> Self {
        Self { ahead, ..self }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Time {
        BEGIN + Micros(i64::try_from(self.started.elapsed().as_micros()).unwrap()) + self.ahead
    }
}

/// What will happen in the simulated system.
#[derive(Debug)]
pub(crate) enum Feed {
    Simulation(Box<Simulation>),
    /// Spans by the time when they arrive.
    Planned(BTreeMap<(Time, usize), RawTrace>),
}

impl Feed {
    /// What has arrived by now since the last call.
    fn until(&mut self, now: Time) -> Vec<RawTrace> {
        match self {
            Self::Simulation(simulation) => {
                let ended = simulation.advance(now - EXPORT_DELAY);
                ended.work.into_iter().chain(ended.noise).collect()
            }
            Self::Planned(planned) => {
                let later = planned.split_off(&(now + Micros(1), 0));
                std::mem::replace(planned, later).into_values().collect()
            }
        }
    }
}

/// How long spans of the simulation are under way.
const EXPORT_DELAY: Micros = Micros::from_secs(5);

/// What goes wrong, decided by chance.
#[derive(Debug)]
pub(crate) struct Faults {
    pub(crate) rng: Rng,
    /// After this time requests do not fail any more.
    pub(crate) until: Time,
    /// Of a hundred requests so many fail …
    pub(crate) failing: i64,
    /// … and so many take up to 20 s.
    pub(crate) slow: i64,
    /// Answers with more traces exceed the size limit.
    pub(crate) too_large: usize,
    /// Whether a search whose limit is reached returns any of the traces that it finds, not the newest.
    pub(crate) any_traces: bool,
}

/// A Jaeger that knows the spans that have ended.
#[derive(Debug)]
pub(crate) struct SimulatedJaeger {
    clock: VirtualClock,
    feed: Mutex<Feed>,
    faults: Option<Mutex<Faults>>,
    traces: testbed::Store,
    names: Mutex<BTreeMap<String, BTreeSet<String>>>,
    decoded: Mutex<BTreeMap<TraceId, Decoded>>,
    /// The largest limit; searches get at most so many traces.
    pub(crate) most: usize,
    /// A search finds at most so many traces and does not say that there are more.
    pub(crate) hidden_limit: usize,
    /// A trace that no answer contains, which answers say.
    pub(crate) damaged: Option<TraceId>,
    pub(crate) server_clock: Option<ServerClock>,
    pub(crate) requests: AtomicU64,
    pub(crate) failures: AtomicU64,
    /// The size of all answers.
    pub(crate) bytes: AtomicU64,
}

impl SimulatedJaeger {
    pub(crate) fn new(clock: VirtualClock, feed: Feed, faults: Option<Faults>) -> Self {
        Self {
            clock,
            feed: Mutex::new(feed),
            faults: faults.map(Mutex::new),
            traces: testbed::Store::default(),
            names: Mutex::default(),
            decoded: Mutex::default(),
            most: 1000,
            hidden_limit: usize::MAX,
            damaged: None,
            server_clock: None,
            requests: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// Lets spans arrive, and fails or waits if that is due.
    async fn arrive(&self) -> Result<(), SourceError> {
        self.requests.fetch_add(1, Relaxed);
        let (fails, wait) = self.chance(|faults| {
            let slow = faults.rng.within(0, 99) < faults.slow;
            let wait = if slow { faults.rng.within(0, 20_000) } else { faults.rng.within(1, 40) };
            (faults.rng.within(0, 99) < faults.failing, wait)
        });
        if wait > 0 {
            tokio::time::sleep(Duration::from_millis(wait as u64)).await;
        }
        for trace in self.feed.lock().unwrap().until(self.clock.now()) {
            self.add(trace);
        }
        if fails {
            self.failures.fetch_add(1, Relaxed);
            return Err(SourceError::Failed("HTTP 429 Too Many Requests".to_owned()));
        }
        Ok(())
    }

    /// What chance decides while requests fail.
    fn chance<T: Default>(&self, decide: impl FnOnce(&mut Faults) -> T) -> T {
        let Some(faults) = &self.faults else { return T::default() };
        let mut faults = faults.lock().unwrap();
        if self.clock.now() < faults.until { decide(&mut faults) } else { T::default() }
    }

    /// Any of the traces, where the storage is like that.
    fn shuffle(&self, traces: &mut [Arc<RawTrace>]) {
        let Some(faults) = &self.faults else { return };
        let mut faults = faults.lock().unwrap();
        if faults.any_traces {
            traces.sort_by_cached_key(|_| faults.rng.draw());
        }
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

    /// The size of all traces that started since, each counted once.
    pub(crate) fn distinct_bytes(&self, since: Time) -> u64 {
        let mut all = self.traces.search(&Filter::default(), 0);
        all.retain(|trace| trace.start() >= Some(since));
        self.decode(&all).1 as u64
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
    fn address(&self) -> &'static str {
        "a simulated Jaeger"
    }

    async fn services(&self) -> Result<Vec<String>, SourceError> {
        self.arrive().await?;
        Ok(self.names.lock().unwrap().keys().cloned().collect())
    }

    async fn span_names(&self, service: &str) -> Result<Vec<String>, SourceError> {
        self.arrive().await?;
        Ok(self.names.lock().unwrap().get(service).into_iter().flatten().cloned().collect())
    }

    async fn search(&self, search: &Search) -> Result<SearchResult, SourceError> {
        self.arrive().await?;
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
        let mut found = self.traces.search(&filter, 0);
        let too_large = self.chance(|faults| faults.too_large > 0 && found.len() > faults.too_large);
        if too_large && search.limit > 1 {
            return Err(SourceError::TooLarge("the answer exceeds the limit".to_owned()));
        }
        if found.len() > limit {
            self.shuffle(&mut found);
            found.truncate(limit);
        }
        let truncated = found.len() >= limit;
        found.truncate(self.hidden_limit);
        let before = found.len();
        found.retain(|trace| Some(trace.id) != self.damaged);
        let partial = found.len() < before;
        let notes = partial.then(|| "Jaeger: a trace cannot be read".to_owned()).into_iter().collect();
        Ok(SearchResult { truncated, traces: self.answer(&found), partial, notes, ..SearchResult::default() })
    }

    async fn search_truncated(&self, search: &Search) -> Result<SearchResult, SourceError> {
        self.search(&Search { limit: 1, ..search.clone() }).await
    }

    async fn trace(&self, id: TraceId) -> Result<Option<Trace>, SourceError> {
        self.arrive().await?;
        Ok(self.traces.get(id).and_then(|trace| self.answer(&[trace]).pop()))
    }

    fn server_clock(&self) -> Option<ServerClock> {
        self.server_clock
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
        playbook_hash: playbook_hash(&Playbook::ktrdr()),
    }
}

/// A recorder with everything around it.
pub(crate) struct Setup {
    pub(crate) clock: VirtualClock,
    pub(crate) jaeger: Arc<SimulatedJaeger>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) playbook: Arc<Playbook>,
}

impl Setup {
    /// An everyday KTRDR.
    pub(crate) fn new(seed: u64) -> Self {
        let clock = VirtualClock::start();
        let feed = Feed::Simulation(Box::new(Simulation::with_backlog(BEGIN, seed)));
        Self::with(clock, SimulatedJaeger::new(clock, feed, None))
    }

    pub(crate) fn with(clock: VirtualClock, jaeger: SimulatedJaeger) -> Self {
        let playbook = Arc::new(Playbook::ktrdr());
        Self { clock, jaeger: Arc::new(jaeger), store: Arc::new(MemoryStore::default()), playbook }
    }

    pub(crate) fn recorder(&self, source: Arc<dyn Source>, store: Arc<dyn Store>, holder: &str) -> Recorder {
        Recorder::new(
            source,
            store,
            SourceId::new(SOURCE),
            Arc::clone(&self.playbook),
            options(),
            Arc::new(self.clock),
            holder,
        )
    }

    /// Records for so long. Returns the last state before the end.
    pub(crate) async fn record(&self, length: Duration) -> Status {
        let (stop, stopped) = watch::channel(false);
        let recorder = self.recorder(Arc::clone(&self.jaeger) as Arc<dyn Source>, Arc::clone(&self.store), "first");
        let handle = recorder.handle();
        let recorder = tokio::spawn(recorder.run(stopped, false));
        tokio::time::sleep(length).await;
        let status = handle.status();
        stop.send(true).unwrap();
        recorder.await.unwrap().unwrap();
        handle.ended().await;
        status
    }
}
