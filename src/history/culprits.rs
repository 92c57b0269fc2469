//! The operations of two ranges, from the traces that are kept of them, for the question what changed.

use std::sync::Arc;

use diagnosis::{
    Context, Detail, Filters, Observed, TimeRange,
    culprits::{ComparedRanges, Side},
    observe_operations,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use store::{CompactTraces, OperationKey, Order, States, StoredOperation};
use trace::{Micros, Time};

use super::{History, coverage::Needed, question::Question};

/// How many operations of a range are compared: enough for every share to be exact to a few percent.
const MOST: usize = 1_000;
/// How many operations are read at the same time.
const READ_AT_ONCE: usize = 8;

/// The operations of one range as they are kept.
type KeptOperations = Vec<(OperationKey, CompactTraces)>;

impl History {
    /// The window's side and the baseline's; `None` unless both ranges were read completely and the traces of their
    /// operations are still kept.
    pub(crate) async fn sides(
        &self,
        ranges: ComparedRanges,
        filters: &Filters,
        now: Time,
    ) -> Result<Option<(Side, Side)>, store::Error> {
        let coverage = self.shared.store.coverage(&self.shared.source).await?;
        let is_covered = |range: TimeRange| {
            // Operations are compared in the range in which they started or ended, so nothing before it is needed.
            let missing = Needed::new(range, now, Micros(0), self.window).missing(&coverage);
            missing.of_range.is_empty() && missing.gaps.is_empty() && missing.stale.is_none()
        };
        if !(is_covered(ranges.window()) && is_covered(ranges.baseline())) {
            return Ok(None);
        }
        let window = self.side("window", ranges.window(), filters, now).await?;
        let baseline = self.side("baseline", ranges.baseline(), filters, now).await?;
        Ok(window.zip(baseline))
    }

    async fn side(
        &self,
        name: &str,
        range: TimeRange,
        filters: &Filters,
        now: Time,
    ) -> Result<Option<Side>, store::Error> {
        let question = Question::new(range, filters, &self.shared.playbook, now);
        let filter = question.filter(States::Closed);
        let page = self.shared.store.operations(&self.shared.source, &filter, Order::Newest, MOST).await?;
        let wanted = page.operations.into_iter().filter(|operation| range.holds_start_or_end(&operation.record));
        let Some(kept) = self.kept_traces(wanted.collect()).await? else { return Ok(None) };
        let mut side = self.observed(kept, question.clock, now).await;
        if page.total > MOST as u64 {
            side.notices.push(format!("of {} operations of the {name} the newest {MOST} count", page.total));
        }
        side.executed = vec![self.asked()];
        Ok(Some(side))
    }

    /// Their traces; `None` if those of one are not kept any more.
    async fn kept_traces(&self, operations: Vec<StoredOperation>) -> Result<Option<KeptOperations>, store::Error> {
        let reads = operations.into_iter().map(|operation| async move {
            let compact = self.compact_traces(&operation.key).await?;
            Ok(compact.map(|compact| (operation.key, compact)))
        });
        let kept: Vec<_> = stream::iter(reads).buffered(READ_AT_ONCE).try_collect().await?;
        Ok(kept.into_iter().collect())
    }

    /// Decodes and observes one operation after the other, so that only the traces of one are in memory.
    async fn observed(&self, kept: KeptOperations, clock: Time, now: Time) -> Side {
        let (playbook, history) = (Arc::clone(&self.shared.playbook), self.clone());
        let context = Context {
            now: clock,
            latest: Some(now),
            detail: Detail::Record,
            stall_threshold: self.shared.options.stall_threshold,
            ..Context::default()
        };
        let observe = move |(key, compact): (OperationKey, CompactTraces)| -> Option<Observed> {
            let traces = history.decode(&key, &compact)?;
            let observed = observe_operations(&traces, &playbook, &context);
            observed.into_iter().find(|one| OperationKey::of(&one.diagnosis).as_ref() == Some(&key))
        };
        let work = move || {
            let all = kept.len();
            let observed: Vec<Observed> = kept.into_iter().filter_map(observe).collect();
            let unreadable = all - observed.len();
            let mut side = Side::of_operations(observed);
            if unreadable > 0 {
                side.partial = true;
                side.notices.push(format!("the traces of {unreadable} operations cannot be read"));
            }
            side
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|why| {
            tracing::error!(%why, "operations could not be compared");
            Side { partial: true, notices: vec![format!("operations could not be compared: {why}")], ..Side::default() }
        })
    }
}
