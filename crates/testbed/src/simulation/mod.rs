//! A living deployment: operations that start, run and end as time goes by, with the metrics that its processes tell
//! meanwhile. All of it is made up, and pure: whoever holds a [`Simulation`] moves its clock and sends on what comes out.

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
pub use registry::{Kind, Metric};
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

/// How far back the backlog reaches.
pub const BACKLOG: Micros = mins(4 * 60);
/// Health checks and scrapes come in rounds; their rhythms (10, 15 and 30 s) meet here.
const ROUND: Micros = secs(30);

/// What happens in the deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// People work: operations come and go.
    Everyday,
    /// Nobody does: only health checks and scrapes.
    Idle,
}

/// Whether a trace is somebody's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Work,
    Noise,
}

/// The spans that ended in a stretch of time, by trace. A trace comes in parts, as its spans end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndedSpans {
    /// Of operations and commands.
    pub work: Vec<RawTrace>,
    /// Of health checks and scrapes.
    pub noise: Vec<RawTrace>,
}

/// The deployment.
///
/// The same seed and begin give the same spans and the same metrics, however often and in which steps the clock is moved.
#[derive(Debug)]
pub struct Simulation {
    seed: u64,
    queues: Vec<WorkQueue>,
    /// When the next round of noise begins.
    round: Time,
    /// Spans that have not ended, by their end and by the order in which they were made up.
    ahead: BTreeMap<(Time, u64), (TraceId, Origin, RawSpan)>,
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
            round: begin,
            ahead: BTreeMap::new(),
            generated: 0,
            metrics: Metrics::new(begin, seed),
        }
    }

    /// A deployment that has worked for [`BACKLOG`] when `now` comes, and on which the bad day of [`super::demo()`] has
    /// left its traces; [`Self::advance`] to `now` gives all of that.
    #[must_use]
    pub fn with_backlog(now: Time, seed: u64) -> Self {
        let mut simulation = Self::new(Activity::Everyday, now - BACKLOG, seed);
        simulation.round = now;
        // Operations that run are there anyway, and those would never end.
        let Day { work, noise } = day(now, seed, |scenario| !matches!(scenario.number, "10b" | "17") || !scenario.live);
        simulation.generate(work, Origin::Work);
        simulation.generate(noise, Origin::Noise);
        simulation
    }

    /// Moves the clock to `to` and gives the spans that have ended since it was moved last.
    pub fn advance(&mut self, to: Time) -> EndedSpans {
        while let Some(queue) = self.queues.iter_mut().min_by_key(|queue| queue.next).filter(|queue| queue.next <= to) {
            let traces = queue.generate();
            self.generate(traces, Origin::Work);
        }
        while self.round <= to {
            let traces = noise(self.round, self.round + ROUND, self.seed);
            self.round = self.round + ROUND;
            self.generate(traces, Origin::Noise);
        }
        let mut ended = (Parts::default(), Parts::default());
        while let Some(entry) = self.ahead.first_entry().filter(|entry| entry.key().0 <= to) {
            let (id, origin, span) = entry.remove();
            self.metrics.observe(&span);
            if origin == Origin::Work { &mut ended.0 } else { &mut ended.1 }.add(id, span);
        }
        self.metrics.tick(to);
        EndedSpans { work: ended.0.traces, noise: ended.1.traces }
    }

    /// What the processes tell at the clock's time.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    fn generate(&mut self, traces: Vec<RawTrace>, origin: Origin) {
        for RawTrace { id, spans } in traces {
            for span in spans {
                self.generated += 1;
                self.ahead.insert((span.end(), self.generated), (id, origin, span));
            }
        }
    }
}

/// Spans put back into their traces.
#[derive(Default)]
struct Parts {
    traces: Vec<RawTrace>,
    at: HashMap<TraceId, usize>,
}

impl Parts {
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
