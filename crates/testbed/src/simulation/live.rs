//! Runs a simulation in real time and writes its spans to a store.

use std::{
    collections::{HashSet, VecDeque},
    time::{Duration, Instant},
};

use super::{EndedSpans, Simulation};
use crate::{RawTrace, Store, scenario_builder::mins};
use trace::{Micros, Time, TraceId};

/// How long traces of noise stay in the store. Without a limit, a store that runs for days would fill the memory.
const NOISE_KEPT: Micros = mins(30);
/// How long traces of work stay in the store.
const WORK_KEPT: Micros = mins(12 * 60);

/// A clock that runs in real time from a given time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Time,
    started: Instant,
}

impl Clock {
    /// Starts a clock that shows `now` at this moment.
    #[must_use]
    pub fn start(now: Time) -> Self {
        Self { start: now, started: Instant::now() }
    }

    /// The time that it shows.
    #[must_use]
    pub fn now(&self) -> Time {
        self.start + Micros(i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX))
    }
}

/// Advances the simulation with the clock and adds its spans to the store, for as long as the future is polled. Removes its
/// traces again: noise after half an hour, work after half a day.
pub async fn keep_alive(store: &Store, simulation: Simulation, clock: Clock) {
    let mut updater = StoreUpdater { simulation, noise: TraceAges::default(), work: TraceAges::default() };
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        updater.step(store, clock.now());
    }
}

/// A simulation that writes into a store.
struct StoreUpdater {
    simulation: Simulation,
    noise: TraceAges,
    work: TraceAges,
}

impl StoreUpdater {
    fn step(&mut self, store: &Store, now: Time) {
        let EndedSpans { work, noise } = self.simulation.advance(now);
        for (ages, kept, traces) in [(&mut self.noise, NOISE_KEPT, noise), (&mut self.work, WORK_KEPT, work)] {
            ages.add(now, &traces);
            store.add(traces);
            let old = ages.take_older_than(now - kept);
            if !old.is_empty() {
                store.remove(&old);
            }
        }
    }
}

/// The traces in the order in which they were added, with the time.
#[derive(Default)]
struct TraceAges(VecDeque<(Time, TraceId)>);

impl TraceAges {
    fn add(&mut self, now: Time, traces: &[RawTrace]) {
        self.0.extend(traces.iter().map(|trace| (now, trace.id)));
    }

    /// Removes and returns the traces that were added before `time`.
    fn take_older_than(&mut self, time: Time) -> HashSet<TraceId> {
        let old = self.0.partition_point(|(when, _)| *when < time);
        self.0.drain(..old).map(|(_, id)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{scenario_builder::secs, simulation::Activity};

    const BEGIN: Time = Time(1_795_341_900_000_000);

    #[test]
    fn work_stays_for_long_and_noise_goes_soon() {
        let store = Store::default();
        let simulation = Simulation::new(Activity::Everyday, BEGIN, 1);
        let mut updater = StoreUpdater { simulation, noise: TraceAges::default(), work: TraceAges::default() };
        let mut twin = Simulation::new(Activity::Everyday, BEGIN, 1);
        let mut work = HashSet::new();
        for step in 1..=240 {
            let now = BEGIN + secs(10 * step);
            updater.step(&store, now);
            work.extend(twin.advance(now).work.into_iter().map(|trace| trace.id));
        }
        assert!(work.iter().all(|id| store.get(*id).is_some()));
        let noise = store.len() - work.len();
        assert!((30 * 50..30 * 90).contains(&noise), "{noise} traces of noise");

        updater.step(&store, BEGIN + mins(40) + WORK_KEPT + secs(1));
        assert!(work.iter().all(|id| store.get(*id).is_none()));
        assert!(store.len() > 100, "{}", store.len());
    }
}
