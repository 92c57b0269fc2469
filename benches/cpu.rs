//! Measures the CPU time of the benchmark's thread, so that other load on the machine matters as little as possible.

use std::{
    fs,
    time::{Duration, Instant},
};

use criterion::measurement::{Measurement, ValueFormatter, WallTime};

/// CPU time where the kernel reports it, otherwise wall clock time.
pub(crate) struct CpuTime;

/// A moment, on both clocks.
pub(crate) struct Moment(Option<Duration>, Instant);

fn on_cpu() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

impl Measurement for CpuTime {
    type Intermediate = Moment;
    type Value = Duration;

    fn start(&self) -> Moment {
        Moment(on_cpu(), Instant::now())
    }

    fn end(&self, since: Moment) -> Duration {
        let wall = since.1.elapsed();
        let used = on_cpu().zip(since.0).map(|(now, then)| now.saturating_sub(then));
        // The kernel counts in steps; a measurement shorter than one is better off with the wall.
        used.filter(|used| !used.is_zero()).unwrap_or(wall)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}
