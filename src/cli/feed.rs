//! `ktrdr-diagnose demo --feed`: a simulated KTRDR that sends its traces to a real Jaeger and serves its metrics to a real
//! Prometheus.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    args::DemoArgs,
    error::Error,
    output,
    text::{BOLD, line, paint},
};
use jaeger::Secret;
use testbed::{
    RawTrace,
    simulation::{BATCH, Clock, EndedSpans, Ports, SendError, Simulation, TraceSender, batches, serve},
};

/// How many spans wait for a receiver that does not answer; beyond that the oldest traces are dropped.
const WAITING: usize = 150_000;
/// Between two tries of a receiver that does not answer.
const RETRY_INTERVAL: Duration = Duration::from_secs(3);
/// Between two notes about it.
const NOTE_INTERVAL: Duration = Duration::from_secs(60);

pub(super) async fn run(to: &Secret, args: &DemoArgs) -> Result<(), Error> {
    let sender = TraceSender::new(to.expose())?;
    let now = args.clock.now();
    let clock = Clock::start(now);
    let simulation = Arc::new(Mutex::new(Simulation::with_backlog(now, args.seed)));
    let ports = if args.free_ports { Ports::Free } else { Ports::Own };
    let exporters = match &args.metrics {
        Some(host) => serve(host, ports, &simulation).await?,
        None => Vec::new(),
    };

    let mut out = String::new();
    line(&mut out, format_args!("{}", paint(BOLD, "A simulated KTRDR: operations start and end; Ctrl-C stops it")));
    line(&mut out, format_args!("traces go to {}", sender.address()));
    for exporter in &exporters {
        let (process, address) = (exporter.process, exporter.address);
        line(&mut out, format_args!("metrics of {} are on http://{address}/metrics/", process.instance()));
    }
    output::text(&out)?;
    tokio::select! {
        failed = pump(&sender, &simulation, clock) => failed,
        () = super::signal::to_end() => Ok(()),
    }
}

/// Advances the simulation and sends what ends; returns only when the receiver refuses the traces for good.
async fn pump(sender: &TraceSender, simulation: &Mutex<Simulation>, clock: Clock) -> Result<(), Error> {
    let mut queue = Queue::default();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let EndedSpans { work, noise } = simulation.lock().unwrap_or_else(PoisonError::into_inner).advance(clock.now());
        queue.push(work);
        queue.push(noise);
        queue.send(sender).await?;
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

    async fn send(&mut self, sender: &TraceSender) -> Result<(), Error> {
        if self.trouble.as_ref().is_some_and(|trouble| Instant::now() < trouble.again) {
            return Ok(());
        }
        while let Some(batch) = self.waiting.front() {
            match sender.send(batch).await {
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
            output::note("the receiver accepts traces again");
        }
    }

    fn failed(&mut self, error: &SendError) {
        let now = Instant::now();
        let remarked = match &self.trouble {
            Some(trouble) if now < trouble.remarked + NOTE_INTERVAL => trouble.remarked,
            _ => {
                output::note(&format!("{error}; trying again every {} s", RETRY_INTERVAL.as_secs()));
                now
            }
        };
        self.trouble = Some(Trouble { again: now + RETRY_INTERVAL, remarked });
    }
}
