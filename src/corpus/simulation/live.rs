//! A simulation that goes with the clock on the wall.

use std::{
    collections::{HashSet, VecDeque},
    time::{Duration, Instant},
};

use super::{Ended, Simulation};
use crate::{
    corpus::{Store, story::mins},
    trace::{Micros, Time},
};

/// How long noise is kept, so that a store can be kept alive for days.
const NOISE: Micros = mins(30);

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

/// Lets the deployment of a store go on with the clock, for as long as it is polled. Noise is forgotten after half an
/// hour.
pub async fn keep_alive(store: &Store, mut simulation: Simulation, clock: Clock) {
    let mut noisy = VecDeque::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        step_to(store, &mut simulation, clock.now(), &mut noisy);
    }
}

fn step_to(
    store: &Store,
    simulation: &mut Simulation,
    now: Time,
    noisy: &mut VecDeque<(Time, HashSet<crate::trace::TraceId>)>,
) {
    let Ended { work, noise } = simulation.advance(now);
    if !noise.is_empty() {
        noisy.push_back((now, noise.iter().map(|trace| trace.id).collect()));
    }
    store.add(work);
    store.add(noise);
    while noisy.front().is_some_and(|(when, _)| *when < now - NOISE) {
        if let Some((_, old)) = noisy.pop_front() {
            store.remove(&old);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{
        simulation::{Activity, Process},
        story::secs,
    };

    const BEGIN: Time = Time(1_795_341_900_000_000);

    #[test]
    fn work_stays_and_noise_goes() {
        let (store, mut noisy) = (Store::default(), VecDeque::new());
        let mut simulation = Simulation::new(Activity::Everyday, BEGIN, 1);
        let mut work = HashSet::new();
        let mut twin = Simulation::new(Activity::Everyday, BEGIN, 1);
        for step in 1..=540 {
            let now = BEGIN + secs(10 * step);
            step_to(&store, &mut simulation, now, &mut noisy);
            work.extend(twin.advance(now).work.into_iter().map(|trace| trace.id));
        }
        assert!(work.iter().all(|id| store.get(*id).is_some()));
        let noise = store.len() - work.len();
        assert!((30 * 50..30 * 90).contains(&noise), "{noise} traces of noise");
        assert!(simulation.metrics().write(Process::Backend).contains("ktrdr_operations_total{"));
    }
}
