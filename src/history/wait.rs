//! Gives the recorder time to read what a question needs, and decides what happens if it is not enough: a list shows what
//! there is and says what is missing; numbers must not be too low without saying so.

use std::time::Duration;

use diagnosis::{Basis, TimeRange};
use store::{Coverage, Gap, Interval};
use tokio::time::{Instant, sleep};
use trace::{Micros, Time};

use super::{
    History,
    coverage::{Missing, Needed},
};
use crate::{
    investigate::{Error, Reader},
    recorder::Activity,
};

/// How long a list waits for its range.
pub const TABLE_WAIT: Duration = Duration::from_secs(4);
/// How long before its deadline a question stops waiting.
const RESERVE: Duration = Duration::from_secs(1);
/// How long a question without a deadline may take.
const LONGEST: Duration = Duration::from_secs(20);
/// How often what was read is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A difference of the clocks from which on it is said.
const NOTABLE_SKEW: Micros = Micros::from_secs(5);
/// How many gaps are named.
const MOST_GAPS: usize = 3;

/// What an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Shows operations or names.
    List,
    /// Counts or measures operations.
    Numbers(Reader),
}

/// What an answer is based on.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) basis: Basis,
    pub(super) notices: Vec<String>,
    /// Whether something is missing.
    pub(super) partial: bool,
}

/// What is known while a question waits.
struct Look {
    needed: Needed,
    coverage: Coverage,
    missing: Missing,
    /// What the recorder does, if one runs in this process.
    activity: Option<Activity>,
}

impl History {
    /// Waits until what a question needs was read, and says what is missing.
    pub(super) async fn wait(
        &self,
        need: Need,
        range: TimeRange,
        now: Time,
        deadline: Option<Instant>,
    ) -> Result<Ready, Error> {
        let shared = &self.shared;
        let needed = Needed::new(range, now, shared.options.lookback_with(&shared.playbook), self.window);
        let begun = Instant::now();
        let latest = deadline.unwrap_or(begun + LONGEST).checked_sub(RESERVE).unwrap_or(begun);
        let until = match need {
            Need::List => latest.min(begun + TABLE_WAIT),
            Need::Numbers(_) => latest,
        };
        let mut said = false;
        loop {
            let coverage = shared.store.coverage(&shared.source).await?;
            let missing = needed.missing(&coverage);
            let activity = shared.recorder.as_ref().map(|recorder| recorder.status().activity);
            let look = Look { needed, coverage, missing, activity };
            if let (Some(recorder), false) = (&shared.recorder, said)
                && !(look.missing.of_range.is_empty() && look.missing.before.is_empty())
            {
                recorder.want(needed.interval());
                said = true;
            }
            // There is nothing to show before the first read, which may still succeed.
            let is_first =
                look.coverage.live_edge.is_none() && !matches!(look.activity, Some(Activity::Failing { .. }));
            let until = if is_first { latest } else { until };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || !look.is_worth_waiting(need) {
                return self.settle(need, &look);
            }
            sleep(left.min(LOOK_EVERY)).await;
        }
    }

    fn settle(&self, need: Need, look: &Look) -> Result<Ready, Error> {
        let Look { needed, coverage, missing, .. } = look;
        let not_covered = |cause: String| Error::NotCovered {
            from: second(needed.interval().from),
            to: second(needed.range().to),
            percent: needed.percent(missing),
            cause,
        };
        let unread = !(missing.of_range.is_empty() && missing.before.is_empty());
        match need {
            Need::List if coverage.live_edge.is_none() => return Err(not_covered(self.cause(look))),
            Need::Numbers(_) if unread => return Err(not_covered(self.cause(look))),
            Need::Numbers(Reader::AlertRule) => {
                if let Some(gap) = missing.gaps.first() {
                    return Err(not_covered(incomplete(gap)));
                }
                if let Some(edge) = missing.stale {
                    let (live_edge, to) = (second(edge), second(needed.range().to));
                    return Err(Error::Stale { live_edge, to, cause: self.cause(look) });
                }
            }
            _ => {}
        }
        let partial = unread || missing.stale.is_some() || !(missing.gaps.is_empty() && missing.gaps_before.is_empty());
        Ok(Ready { basis: needed.basis(coverage), notices: self.notices(look), partial })
    }

    /// Why not everything was read.
    fn cause(&self, look: &Look) -> String {
        if look.needed.is_too_old(&look.missing) {
            let from = second(look.needed.recorded_from());
            return format!(
                "operations are recorded from {from} on; choose a later range, or record more of the past \
                 (`historyWindow`)"
            );
        }
        match &look.activity {
            None => format!("no recorder runs here, and the one that fills {} has not read more", self.place()),
            Some(Activity::Starting) => "the recorder has just started; ask again in a minute".to_owned(),
            Some(Activity::Recording) => "the recorder is still reading; ask again in a minute".to_owned(),
            Some(Activity::Standby { writer }) => {
                format!("{writer} records, and is still reading; ask again in a minute")
            }
            Some(Activity::Failing { error }) => format!("recording fails: {error}"),
            Some(Activity::Ended) => "the recorder has ended; the next question starts it again".to_owned(),
        }
    }

    fn place(&self) -> &str {
        self.shared.store.place()
    }

    fn notices(&self, look: &Look) -> Vec<String> {
        let Look { needed, coverage, missing, .. } = look;
        let mut notices = Vec::new();
        if !missing.of_range.is_empty() {
            let percent = needed.percent(missing);
            let cause = self.cause(look);
            notices.push(format!("operations are missing, because {percent} % of their time was read: {cause}"));
        } else if let Some(part) = missing.before.last() {
            let cause = self.cause(look);
            notices.push(format!("operations that started before {} may be missing: {cause}", second(part.to)));
        }
        let gaps = missing.gaps.iter().chain(&missing.gaps_before);
        notices.extend(gaps.clone().take(MOST_GAPS).map(incomplete));
        let more = gaps.count().saturating_sub(MOST_GAPS);
        if more > 0 {
            notices.push(format!("{more} more times could not be read completely"));
        }
        if let Some(edge) = missing.stale {
            notices.push(format!("operations after {} are missing: {}", second(edge), self.cause(look)));
        }
        if coverage.unproven {
            notices.push(
                "the storage behind Jaeger may leave out results, so operations may be missing without a trace of it"
                    .to_owned(),
            );
        }
        notices.extend(coverage.clock_skew.and_then(skewed));
        notices
    }
}

impl Look {
    /// Whether the recorder may soon read what is missing.
    fn is_worth_waiting(&self, need: Need) -> bool {
        let fails = match &self.activity {
            None | Some(Activity::Ended) => return false,
            Some(Activity::Failing { .. }) => true,
            Some(Activity::Starting | Activity::Recording | Activity::Standby { .. }) => false,
        };
        let Missing { of_range, before, gaps, stale, .. } = &self.missing;
        let is_recorded = |part: &Interval| part.to > self.needed.recorded_from();
        match need {
            Need::List => of_range.iter().any(is_recorded) || stale.is_some() && !fails,
            Need::Numbers(_) if self.needed.is_too_old(&self.missing) => false,
            Need::Numbers(Reader::AlertRule) if !gaps.is_empty() => false,
            Need::Numbers(reader) => {
                let waits_for_edge = !fails || reader == Reader::AlertRule;
                !of_range.is_empty() || !before.is_empty() || stale.is_some() && waits_for_edge
            }
        }
    }
}

fn incomplete(gap: &Gap) -> String {
    let Interval { from, to } = gap.range;
    format!("not all operations from {} to {} could be read: {}", second(from), second(to), gap.reason)
}

fn skewed(skew: Micros) -> Option<String> {
    let side = if skew.0 > 0 { "ahead of" } else { "behind" };
    let text = || format!("the clock of Jaeger's machine is {skew} {side} the clock here; set both by the same source");
    (skew.0.abs() > NOTABLE_SKEW.0).then(text)
}

/// The second that a time falls into: people do not read fractions.
fn second(at: Time) -> Time {
    Time(at.0.div_euclid(1_000_000) * 1_000_000)
}
