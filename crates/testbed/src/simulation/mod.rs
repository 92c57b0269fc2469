//! A simulated KTRDR deployment: operations start, run and end, and its processes export metrics.
//!
//! A [`Simulation`] is pure: its owner advances the clock and receives the spans that have ended since the last call. Around it
//! are [`keep_alive`], which writes them to the embedded Jaeger, [`TraceSender`], which sends them to a real one, and
//! [`serve`], which exports the metrics for Prometheus.

mod live;
mod metrics;
mod process;
mod registry;
mod scrape;
mod trace_sender;
mod work_queue;

use std::collections::{BTreeMap, HashMap};

pub use live::{Clock, keep_alive};
pub use metrics::Metrics;
pub use process::{Process, WorkerType};
pub use registry::{Metric, MetricKind};
pub use scrape::{Exporter, Ports, ScrapeError, serve};
pub use trace_sender::{BATCH, SendError, TraceSender, batches};

use self::work_queue::{SCHEDULES, WorkQueue};
use super::{
    RawSpan, RawTrace,
    demo::{Day, day},
    noise,
    scenario_builder::{mins, secs},
};
use trace::{Micros, Time, TraceId};

/// How long a deployment with a backlog has worked.
pub const BACKLOG: Micros = mins(4 * 60);
/// Noise is generated for this time at once. It is a multiple of all intervals of health checks and scrapes (10, 15 and 30 s).
const NOISE_PERIOD: Micros = secs(30);

/// Whether the deployment is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Users start operations all the time.
    Everyday,
    /// There are only health checks and scrapes.
    Idle,
}

/// Why a trace exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Work,
    Noise,
}

/// The spans that ended in a period, grouped by trace. Later spans of the same trace follow when they end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndedSpans {
    /// Spans of operations and commands.
    pub work: Vec<RawTrace>,
    /// Spans of health checks and scrapes.
    pub noise: Vec<RawTrace>,
}

/// A simulated deployment.
///
/// The same seed and start give the same spans and metrics, regardless of the steps in which the clock is advanced.
#[derive(Debug)]
pub struct Simulation {
    seed: u64,
    queues: Vec<WorkQueue>,
    /// Start of the next period of noise.
    next_noise: Time,
    /// Spans that have not ended yet, sorted by their end, then by the order in which they were generated.
    pending: BTreeMap<(Time, u64), (TraceId, Origin, RawSpan)>,
    generated: u64,
    metrics: Metrics,
}

impl Simulation {
    /// A deployment whose processes start at `begin`.
    #[must_use]
    pub fn new(activity: Activity, begin: Time, seed: u64) -> Self {
        let schedules: &[_] = if activity == Activity::Everyday { &SCHEDULES } else { &[] };
        Self {
            seed,
            queues: schedules.iter().map(|schedule| WorkQueue::new(schedule, begin, seed)).collect(),
            next_noise: begin,
            pending: BTreeMap::new(),
            generated: 0,
            metrics: Metrics::new(begin, seed),
        }
    }

    /// A deployment that started [`BACKLOG`] before `now` and also has the traces of [`super::demo()`]. [`Self::advance`] to
    /// `now` returns all of them.
    #[must_use]
    pub fn with_backlog(now: Time, seed: u64) -> Self {
        let mut simulation = Self::new(Activity::Everyday, now - BACKLOG, seed);
        simulation.next_noise = now;
        // Without the running operations of the demo, because they would never end. The simulation has its own.
        let Day { work, noise } = day(now, seed, |scenario| !matches!(scenario.number, "10b" | "17") || !scenario.live);
        simulation.generate(work, Origin::Work);
        simulation.generate(noise, Origin::Noise);
        simulation
    }

    /// Advances the clock to `to`. Returns the spans that have ended since the last call.
    pub fn advance(&mut self, to: Time) -> EndedSpans {
        while let Some(queue) = self.queues.iter_mut().min_by_key(|queue| queue.next).filter(|queue| queue.next <= to) {
            let traces = queue.next_work();
            self.generate(traces, Origin::Work);
        }
        while self.next_noise <= to {
            let traces = noise(self.next_noise, self.next_noise + NOISE_PERIOD, self.seed);
            self.next_noise = self.next_noise + NOISE_PERIOD;
            self.generate(traces, Origin::Noise);
        }
        let mut ended = (TraceParts::default(), TraceParts::default());
        while let Some(entry) = self.pending.first_entry().filter(|entry| entry.key().0 <= to) {
            let (id, origin, span) = entry.remove();
            self.metrics.observe(&span);
            if origin == Origin::Work { &mut ended.0 } else { &mut ended.1 }.add(id, span);
        }
        self.metrics.advance(to);
        EndedSpans { work: ended.0.traces, noise: ended.1.traces }
    }

    /// The metrics of the processes at the current time of the clock.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    fn generate(&mut self, traces: Vec<RawTrace>, origin: Origin) {
        for RawTrace { id, spans } in traces {
            for span in spans {
                self.generated += 1;
                self.pending.insert((span.end(), self.generated), (id, origin, span));
            }
        }
    }
}

/// Groups spans by trace.
#[derive(Default)]
struct TraceParts {
    traces: Vec<RawTrace>,
    at: HashMap<TraceId, usize>,
}

impl TraceParts {
    fn add(&mut self, id: TraceId, span: RawSpan) {
        let at = *self.at.entry(id).or_insert(self.traces.len());
        match self.traces.get_mut(at) {
            Some(trace) => trace.spans.push(span),
            None => self.traces.push(RawTrace { id, spans: vec![span] }),
        }
    }
}

#[cfg(test)]
mod tests;
