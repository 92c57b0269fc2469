//! A simulation that goes with the clock on the wall.

use std::{
    collections::{HashSet, VecDeque},
    time::{Duration, Instant},
};

use super::{EndedSpans, Simulation};
use crate::{RawTrace, Store, scenario_builder::mins};
use trace::{Micros, Time, TraceId};

/// How long noise is kept, and how long work is, so that a store can be kept alive for days.
const NOISE: Micros = mins(30);
const WORK: Micros = mins(12 * 60);

/// A clock that showed a given time when it was started.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    shown: Time,
    started: Instant,
}

impl Clock {
    /// A clock that shows `now` now.
    #[must_use]
    pub fn start(now: Time) -> Self {
        Self { shown: now, started: Instant::now() }
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> Time {
        self.shown + Micros(i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX))
    }
}

/// Lets the deployment of a store go on with the clock, for as long as it is polled. What is added is forgotten again:
/// noise after half an hour, work after half a day.
pub async fn keep_alive(store: &Store, simulation: Simulation, clock: Clock) {
    let mut living = Living { simulation, noise: Age::default(), work: Age::default() };
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        living.step(store, clock.now());
    }
}

/// A simulation that writes into a store.
struct Living {
    simulation: Simulation,
    noise: Age,
    work: Age,
}

impl Living {
    fn step(&mut self, store: &Store, now: Time) {
        let EndedSpans { work, noise } = self.simulation.advance(now);
        for (age, most, traces) in [(&mut self.noise, NOISE, noise), (&mut self.work, WORK, work)] {
            age.add(now, &traces);
            store.add(traces);
            let old = age.older_than(now - most);
            if !old.is_empty() {
                store.remove(&old);
            }
        }
    }
}

/// Which traces came when.
#[derive(Default)]
struct Age(VecDeque<(Time, TraceId)>);

impl Age {
    fn add(&mut self, now: Time, traces: &[RawTrace]) {
        self.0.extend(traces.iter().map(|trace| (now, trace.id)));
    }

    fn older_than(&mut self, time: Time) -> HashSet<TraceId> {
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
        let mut living = Living { simulation, noise: Age::default(), work: Age::default() };
        let mut twin = Simulation::new(Activity::Everyday, BEGIN, 1);
        let mut work = HashSet::new();
        for step in 1..=240 {
            let now = BEGIN + secs(10 * step);
            living.step(&store, now);
            work.extend(twin.advance(now).work.into_iter().map(|trace| trace.id));
        }
        assert!(work.iter().all(|id| store.get(*id).is_some()));
        let noise = store.len() - work.len();
        assert!((30 * 50..30 * 90).contains(&noise), "{noise} traces of noise");

        living.step(&store, BEGIN + mins(40) + WORK + secs(1));
        assert!(work.iter().all(|id| store.get(*id).is_none()));
        assert!(store.len() > 100, "{}", store.len());
    }
}
