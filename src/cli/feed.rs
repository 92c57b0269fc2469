//! `ktrdr-diagnose demo --feed`: a living KTRDR that does not exist, for a Jaeger and a Prometheus that do.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    args::{DemoArgs, Secret},
    error::Error,
    output,
    text::{BOLD, line, paint},
};
use testbed::{
    RawTrace,
    simulation::{BATCH, Clock, Ended, FeedError, Feeder, Ports, Simulation, batches, serve},
};

/// Spans that wait for a receiver that does not answer; beyond, the oldest traces are dropped.
const WAITING: usize = 150_000;
/// Between two tries of a receiver that does not answer.
const AGAIN: Duration = Duration::from_secs(3);
/// Between two remarks on it.
const REMARK: Duration = Duration::from_secs(60);

pub(super) async fn run(to: &Secret, args: &DemoArgs) -> Result<(), Error> {
    let feeder = Feeder::new(&to.0)?;
    let now = args.clock.now();
    let clock = Clock::start(now);
    let simulation = Arc::new(Mutex::new(Simulation::with_backlog(now, args.seed)));
    let ports = if args.free_ports { Ports::Free } else { Ports::Own };
    let exporters = match &args.metrics {
        Some(host) => serve(host, ports, &simulation).await?,
        None => Vec::new(),
    };

    let mut out = String::new();
    line(
        &mut out,
        format_args!("{}", paint(BOLD, "A KTRDR that does not exist: operations come and go; Ctrl-C ends it")),
    );
    line(&mut out, format_args!("traces go to {}", feeder.address()));
    for exporter in &exporters {
        let (process, address) = (exporter.process, exporter.address);
        line(&mut out, format_args!("metrics of {} are on http://{address}/metrics/", process.instance()));
    }
    output::text(&out)?;
    tokio::select! {
        failed = pump(&feeder, &simulation, clock) => failed,
        () = super::signal::to_end() => Ok(()),
    }
}

/// Moves the simulation's clock and sends what ends; comes back only when the receiver is a wrong one.
async fn pump(feeder: &Feeder, simulation: &Mutex<Simulation>, clock: Clock) -> Result<(), Error> {
    let mut queue = Queue::default();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Ended { work, noise } = simulation.lock().unwrap_or_else(PoisonError::into_inner).advance(clock.now());
        queue.push(work);
        queue.push(noise);
        queue.send(feeder).await?;
    }
}

/// The traces that wait to be sent, and how the receiver behaved.
#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Vec<RawTrace>>,
    spans: usize,
    sent: usize,
    /// Whether the past has been sent.
    live: bool,
    trouble: Option<Trouble>,
}

/// The receiver does not answer.
#[derive(Debug)]
struct Trouble {
    again: Instant,
    remarked: Instant,
}

fn count(batch: &[RawTrace]) -> usize {
    batch.iter().map(|trace| trace.spans.len()).sum()
}

impl Queue {
    fn push(&mut self, traces: Vec<RawTrace>) {
        self.spans += count(&traces);
        self.waiting.extend(batches(traces, BATCH));
        while self.spans > WAITING {
            let Some(batch) = self.waiting.pop_front() else { break };
            self.spans -= count(&batch);
        }
    }

    async fn send(&mut self, feeder: &Feeder) -> Result<(), Error> {
        if self.trouble.as_ref().is_some_and(|trouble| Instant::now() < trouble.again) {
            return Ok(());
        }
        while let Some(batch) = self.waiting.front() {
            match feeder.send(batch).await {
                Ok(()) => self.succeeded(),
                Err(error) if error.is_temporary() => {
                    self.failed(&error);
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        if !self.live {
            self.live = true;
            output::note(&format!(
                "the past has arrived ({} spans); from now on spans are sent as they end",
                self.sent
            ));
        }
        Ok(())
    }

    fn succeeded(&mut self) {
        let sent = self.waiting.pop_front().as_deref().map_or(0, count);
        self.spans -= sent;
        self.sent += sent;
        if self.trouble.take().is_some() {
            output::note("it takes traces now");
        }
    }

    fn failed(&mut self, error: &FeedError) {
        let now = Instant::now();
        let remarked = match &self.trouble {
            Some(trouble) if now < trouble.remarked + REMARK => trouble.remarked,
            _ => {
                output::note(&format!("{error}; trying again every {} s", AGAIN.as_secs()));
                now
            }
        };
        self.trouble = Some(Trouble { again: now + AGAIN, remarked });
    }
}
