//! What a recorder does for each task: it reads, and judges what it has read. Nothing is written here.

use store::{Coverage, CoverageChange, Interval, Mark, OperationKey};
use trace::{Time, Trace};

use super::Recorder;
use crate::recorder::{
    judge::{Changes, Marks},
    open::plan_pass,
    plan::{Task, settled_part},
    read::Services,
    source::SourceError,
};

/// How many operations are judged again in one task.
const REJUDGED_AT_ONCE: usize = 100;

/// Why a task failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum TaskError {
    #[error("{0}")]
    Source(#[from] SourceError),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What a task read and changed.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) changes: Changes,
    pub(super) coverage: Vec<CoverageChange>,
    pub(super) marks: Vec<Mark>,
    pub(super) traces: usize,
}

impl Recorder {
    pub(super) async fn perform(&mut self, task: &Task, coverage: &Coverage, now: Time) -> Result<Outcome, TaskError> {
        let watermark = coverage.watermark;
        match task {
            Task::Live(range) => {
                let settled = settled_part(*range, now).filter(|_| {
                    // After a pause the first read covers an hour; otherwise settled reads follow.
                    watermark.is_none_or(|watermark| watermark < range.from)
                });
                let reached = settled.map(|settled| settled.to).or(watermark);
                let services = if settled.is_some() { Services::All } else { Services::Active };
                let mut outcome = self.read(*range, services, Marks { now, watermark: reached }).await?;
                outcome.coverage.push(CoverageChange::LiveEdge(range.to));
                if let Some(settled) = settled {
                    outcome.covered(settled);
                    outcome.coverage.push(CoverageChange::Watermark(settled.to));
                }
                Ok(outcome)
            }
            Task::Settled(range) => {
                let mut outcome = self.read(*range, Services::All, Marks { now, watermark: Some(range.to) }).await?;
                outcome.covered(*range);
                outcome.coverage.push(CoverageChange::Watermark(range.to));
                Ok(outcome)
            }
            Task::Fill(range) => {
                let mut outcome = self.read(*range, Services::All, Marks { now, watermark }).await?;
                outcome.covered(*range);
                Ok(outcome)
            }
            Task::LongSpans(range) => {
                self.reader.learn_names(now).await?;
                let reading = self.reader.long_spans(*range).await?;
                let traces = reading.traces.len();
                let changes = self.judge.absorb(reading.traces, Vec::new(), Marks { now, watermark }).await?;
                Ok(Outcome { changes, traces, ..Outcome::default() })
            }
            Task::Open => self.look_after_open(Marks { now, watermark }).await,
            Task::Rejudge => {
                let keys = self.judge.store.marked(&self.judge.source, REJUDGED_AT_ONCE).await?;
                let changes = self.judge.rejudge(&keys, Marks { now, watermark }).await?;
                Ok(Outcome { changes, ..Outcome::default() })
            }
            Task::Prune => {
                let before = now - self.options.lookback;
                self.searched_at.retain(|_, at| *at >= before);
                Ok(Outcome::default())
            }
        }
    }

    /// Reads the operations that started in a range, and what explains those that went wrong.
    async fn read(&mut self, range: Interval, services: Services, marks: Marks) -> Result<Outcome, TaskError> {
        self.reader.learn_names(marks.now).await?;
        let reading = self.reader.operations(range, services, marks.now).await?;
        let surroundings = if reading.traces.is_empty() {
            Vec::new()
        } else {
            let around = self.judge.playbook.thresholds().context_window;
            let to = Ord::min(range.to + around, marks.now);
            self.reader.failures(Interval { from: range.from - around, to }).await?
        };
        let fills_limits = self.reader.fills_limits(&reading, marks.now).await?;
        let traces = reading.traces.len();
        let changes = self.judge.absorb(reading.traces, surroundings, marks).await?;
        let gaps = reading.gaps.into_iter().map(CoverageChange::Gap);
        let coverage = gaps.chain(fills_limits.map(|fills| CoverageChange::Unproven(!fills))).collect();
        Ok(Outcome { changes, coverage, marks: Vec::new(), traces })
    }

    async fn look_after_open(&mut self, marks: Marks) -> Result<Outcome, TaskError> {
        let Marks { now, .. } = marks;
        let open = self.judge.store.open_operations(&self.judge.source).await?;
        let searched_at = |key: &OperationKey| self.searched_at.get(key).copied();
        let pass = plan_pass(&open, now, self.options.lookback, searched_at);
        let mut fresh: Vec<Trace> = Vec::new();
        for id in &pass.traces {
            fresh.extend(self.reader.source().trace(*id).await?);
        }
        if !pass.searches.is_empty() || !pass.services.is_empty() {
            self.reader.learn_names(now).await?;
        }
        for operation in &pass.searches {
            let Some(id) = &operation.record.operation_id else { continue };
            let margin = self.judge.playbook.thresholds().id_margin;
            let from = operation.record.start.unwrap_or(now - self.options.lookback) - margin;
            fresh.extend(self.reader.mentions(id, &operation.record.services, Interval { from, to: now }).await?);
            self.searched_at.insert(operation.key.clone(), now);
        }
        let surroundings = if fresh.is_empty() || pass.services.is_empty() {
            Vec::new()
        } else {
            self.reader.health_checks(&pass.services, now).await?
        };
        jaeger::merge(&mut fresh);
        let traces = fresh.len() + surroundings.len();
        let mut changes = self.judge.absorb(fresh, surroundings, marks).await?;
        let judged = self.judge.rejudge(&pass.judge, marks).await?;
        changes.operations.extend(judged.operations);
        changes.marks.extend(judged.marks);
        changes.changed.extend(judged.changed);
        Ok(Outcome { changes, traces, ..Outcome::default() })
    }
}

impl Outcome {
    /// A range was read completely, its gaps aside.
    fn covered(&mut self, range: Interval) {
        self.coverage.insert(0, CoverageChange::Covered(range));
    }
}
