//! Connects the parts: holds the lease, takes a task from the plan, lets it be performed, and commits the result.

mod perform;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use diagnosis::{Diagnosis, playbook::Playbook};
use futures_util::FutureExt as _;
use store::{
    Acquired, Batch, CoverageChange, Gap, LEASE_TTL, Lease, Mark, OperationKey, PlaybookHash, Retention, SourceId,
    Store,
};
use tokio::sync::{mpsc, watch};
use trace::{Micros, Time};

use self::perform::{Outcome, TaskError};
use super::{
    handle::{Control, Handle},
    judge::Judge,
    plan::{Next, Plan, Task},
    read::Reader,
    source::{Counted, Source},
    status::Activity,
};

/// How often the lease is renewed: three times before it expires.
const RENEW_EVERY: Duration = Duration::from_secs(10);
/// How often a recorder asks for a lease that another one holds.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// How long compact traces are kept.
const TRACES_KEPT: Micros = Micros::from_secs(7 * 86_400);
/// Clocks that differ by more are reported.
const LARGE_SKEW: Micros = Micros::from_secs(5);
/// The longest sleep, so that a clock that jumps is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// The time of day, which tests replace.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time.
    fn now(&self) -> Time;
}

/// The clock of this machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Time(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// How much to record, and how to judge it.
#[derive(Clone, Debug)]
pub struct Options {
    /// How far back the past is read.
    pub history_window: Micros,
    /// How long operations are kept.
    pub retention: Micros,
    /// How far back an operation that still runs may have started.
    pub lookback: Micros,
    /// How far back operations are compared.
    pub baseline_window: Micros,
    /// Replaces the playbook's allowed silence.
    pub stall_threshold: Option<Micros>,
    /// Globs of the services to search; empty means all.
    pub discovery_services: Vec<String>,
    /// Identifies the playbook and the settings that change its answers.
    pub playbook_hash: PlaybookHash,
}

/// Fills a store with the operations of one source.
#[derive(Debug)]
pub struct Recorder {
    reader: Reader,
    judge: Judge,
    options: Options,
    clock: Arc<dyn Clock>,
    holder: String,
    control: Control,
    requests: Arc<AtomicU64>,
    changed: Option<mpsc::UnboundedSender<Arc<Diagnosis>>>,
    searched_at: BTreeMap<OperationKey, Time>,
}

impl Recorder {
    /// A recorder that has not begun. `holder` is a name that no other process has.
    pub fn new(
        source: Arc<dyn Source>,
        store: Arc<dyn Store>,
        id: SourceId,
        playbook: Arc<Playbook>,
        options: Options,
        clock: Arc<dyn Clock>,
        holder: impl Into<String>,
    ) -> Self {
        let requests = Arc::new(AtomicU64::new(0));
        let source = Arc::new(Counted { source, requests: Arc::clone(&requests) });
        let reader = Reader::new(source, Arc::clone(&playbook), &options.discovery_services);
        let judge = Judge {
            store,
            source: id,
            playbook,
            playbook_hash: options.playbook_hash,
            baseline_window: options.baseline_window,
            stall_threshold: options.stall_threshold,
            lookback: options.lookback,
        };
        Self {
            reader,
            judge,
            options,
            clock,
            holder: holder.into(),
            control: Control::new(),
            requests,
            changed: None,
            searched_at: BTreeMap::new(),
        }
    }

    /// The operations whose verdict is new or has changed are sent here, those of the past aside.
    pub fn send_changes_to(&mut self, receiver: mpsc::UnboundedSender<Arc<Diagnosis>>) {
        self.changed = Some(receiver);
    }

    /// For reading the recorder's state and saying what is wanted while it runs.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.control.handle()
    }

    /// Records until `stop` becomes true, or, if wanted, until the history is covered.
    ///
    /// # Errors
    /// When the store fails in a way that a repetition cannot help, such as a newer schema. Failures of the source and
    /// passing ones of the store are repeated.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>, until_caught_up: bool) -> Result<(), store::Error> {
        let result = self.record(&mut stop, until_caught_up).await;
        self.control.change(|status| status.activity = Activity::Ended);
        result
    }

    async fn record(&mut self, stop: &mut watch::Receiver<bool>, until_caught_up: bool) -> Result<(), store::Error> {
        while !*stop.borrow() {
            let Some(lease) = self.acquire(stop).await? else { return Ok(()) };
            self.control.change(|status| status.is_writer = true);
            let held = self.hold(lease, stop, until_caught_up).await;
            self.control.change(|status| status.is_writer = false);
            match held {
                Err(error) if is_passing(&error) => {
                    self.failed(&error.to_string());
                    pause(ASK_EVERY, stop).await;
                }
                other => return other,
            }
        }
        Ok(())
    }

    fn failed(&self, error: &str) {
        tracing::warn!(error, source = self.judge.source.as_str(), "recording failed and is repeated");
        let now = self.clock.now();
        self.control.change(|status| {
            status.requests = self.requests.load(Relaxed);
            status.last_error = Some((now, error.to_owned()));
            status.activity = Activity::Failing { error: error.to_owned() };
            status.failures += 1;
        });
    }

    /// Waits until the lease is ours; `None` if the recorder is to end.
    async fn acquire(&self, stop: &mut watch::Receiver<bool>) -> Result<Option<Lease>, store::Error> {
        loop {
            let Judge { store, source, .. } = &self.judge;
            match store.acquire(source, &self.holder, LEASE_TTL, self.clock.now()).await {
                Ok(Acquired::Held(lease)) => return Ok(Some(lease)),
                Ok(Acquired::HeldByOther { holder, .. }) => {
                    self.control.change(|status| status.activity = Activity::Standby { writer: holder });
                }
                Err(error) if is_passing(&error) => self.failed(&error.to_string()),
                Err(error) => return Err(error),
            }
            pause(ASK_EVERY, stop).await;
            if *stop.borrow() {
                return Ok(None);
            }
        }
    }

    /// Records while the lease is ours.
    async fn hold(
        &mut self,
        mut lease: Lease,
        stop: &mut watch::Receiver<bool>,
        until_caught_up: bool,
    ) -> Result<(), store::Error> {
        let (store, clock) = (Arc::clone(&self.judge.store), Arc::clone(&self.clock));
        let coverage = store.coverage(&self.judge.source).await?;
        let mut plan = Plan::new(coverage.clone(), self.options.history_window, self.options.lookback);
        let mut first = Batch::new(lease.clone(), self.clock.now());
        first.marks.push(Mark::OtherPlaybook(self.options.playbook_hash));
        store.commit(first).await?;
        self.control.change(|status| {
            status.activity = Activity::Recording;
            status.coverage = coverage;
        });
        let mut renew = tokio::time::interval(RENEW_EVERY);
        renew.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !*stop.borrow() {
            let now = self.clock.now();
            if let Some(range) = self.control.newly_wanted() {
                plan.want(range);
            }
            if until_caught_up && plan.has_caught_up(now) {
                break;
            }
            let task = match plan.next(now) {
                Next::Do(task) => task,
                Next::Wait(until) => {
                    let sleep = Duration::from_micros(u64::try_from((until - now).0).unwrap_or(0)).min(LONGEST_SLEEP);
                    tokio::select! {
                        () = tokio::time::sleep(sleep) => {}
                        () = self.control.another_range() => {}
                        _ = renew.tick() => lease = store.renew(&lease, LEASE_TTL, clock.now()).await?,
                        _ = stop.changed() => {}
                    }
                    continue;
                }
            };
            let outcome = {
                let mut work = self.perform(&task, plan.coverage(), now).boxed();
                loop {
                    tokio::select! {
                        outcome = &mut work => break Some(outcome),
                        _ = renew.tick() => lease = store.renew(&lease, LEASE_TTL, clock.now()).await?,
                        changed = stop.changed() => if changed.is_err() || *stop.borrow() { break None },
                    }
                }
            };
            let Some(outcome) = outcome else { break };
            self.finish(&mut plan, &task, &lease, outcome).await?;
        }
        store.release(&lease, self.clock.now()).await
    }

    /// Commits what a task has found, or notes that it failed.
    async fn finish(
        &self,
        plan: &mut Plan,
        task: &Task,
        lease: &Lease,
        outcome: Result<Outcome, TaskError>,
    ) -> Result<(), store::Error> {
        let Judge { store, source, .. } = &self.judge;
        let now = self.clock.now();
        match outcome {
            Ok(Outcome { changes, coverage, marks, traces }) => {
                let mut batch = Batch::new(lease.clone(), now);
                batch.remove = changes.remove;
                batch.operations = changes.operations;
                batch.marks = changes.marks;
                batch.marks.extend(marks);
                batch.coverage = coverage;
                batch.coverage.extend(self.clock_change(plan.coverage().clock_skew));
                let committed = store.commit(batch).await?;
                if matches!(task, Task::Prune) {
                    let retention =
                        Retention { operations_from: now - self.options.retention, traces_from: now - TRACES_KEPT };
                    store.prune(lease, retention, now).await?;
                }
                let has_marks = !store.marked(source, 1).await?.is_empty();
                plan.succeeded(task, now, committed.coverage, traces, has_marks);
                if let (Some(receiver), false) = (&self.changed, matches!(task, Task::Fill(_) | Task::Rejudge)) {
                    // Nobody listens any more once the receiver is gone.
                    changes.changed.into_iter().for_each(|one| drop(receiver.send(one)));
                }
                self.control.change(|status| {
                    status.activity = Activity::Recording;
                    status.coverage = plan.coverage().clone();
                    status.caught_up = plan.has_caught_up(now);
                    status.requests = self.requests.load(Relaxed);
                    status.commits += 1;
                    status.operations_written += committed.written;
                    status.traces_read += traces as u64;
                    status.committed_at = Some(now);
                });
            }
            Err(TaskError::Store(error)) => return Err(error),
            Err(TaskError::Source(error)) => {
                self.failed(&error.to_string());
                if plan.failed(task, now, jitter())
                    && let Task::Fill(range) = task
                {
                    let mut batch = Batch::new(lease.clone(), now);
                    batch.coverage.push(CoverageChange::Gap(Gap { range: *range, reason: error.to_string() }));
                    let committed = store.commit(batch).await?;
                    plan.cover(committed.coverage);
                }
            }
        }
        Ok(())
    }

    /// What the coverage is to say of the server's clock, if that is no longer true.
    fn clock_change(&self, known: Option<Micros>) -> Option<CoverageChange> {
        let clock = self.reader.source().server_clock()?;
        let skew = (clock.certain_difference() > LARGE_SKEW).then_some(clock.ahead);
        let is_known = match (known, skew) {
            (Some(known), Some(skew)) => Micros((known.0 - skew.0).abs()) <= clock.uncertainty,
            (known, skew) => known == skew,
        };
        (!is_known).then_some(CoverageChange::ClockSkew(skew))
    }
}

/// Whether a repetition may help.
fn is_passing(error: &store::Error) -> bool {
    !matches!(error, store::Error::NewerSchema { .. } | store::Error::Refused { .. } | store::Error::Corrupt { .. })
}

async fn pause(length: Duration, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = tokio::time::sleep(length) => {}
        _ = stop.changed() => {}
    }
}

/// A random number from 0 to 1.
fn jitter() -> f64 {
    f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX)
}
