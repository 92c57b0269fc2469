//! A question about the operations of a range.

use diagnosis::{Filters, TimeRange, playbook::Playbook};
use store::{OperationFilter, States};
use trace::{Micros, Time};

/// Open operations are judged at multiples of this, so that questions of the same moment share the work.
const CLOCK_STEP: Micros = Micros::from_secs(1);

/// Which operations are asked for, and when.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) range: TimeRange,
    /// The earlier of the range's end and now.
    pub(super) clock: Time,
    pub(super) now: Time,
    /// With types as diagnoses carry them.
    filters: Filters,
}

/// The clock of a verdict, and the time after which no span can lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Clocks {
    pub(super) now: Time,
    pub(super) latest: Time,
}

impl Clocks {
    /// At the next multiple of [`CLOCK_STEP`].
    pub(super) fn at(clock: Time, now: Time) -> Self {
        let next = |at: Time| Time(at.0.div_euclid(CLOCK_STEP.0) * CLOCK_STEP.0 + step_left(at));
        Self { now: next(clock), latest: next(now) }
    }
}

/// A whole step unless the time is at its start.
fn step_left(at: Time) -> i64 {
    if at.0.rem_euclid(CLOCK_STEP.0) == 0 { 0 } else { CLOCK_STEP.0 }
}

impl Question {
    pub(super) fn new(range: TimeRange, filters: &Filters, playbook: &Playbook, now: Time) -> Self {
        Self { range, clock: range.to.min(now), now, filters: filters.folded(playbook) }
    }

    pub(super) fn clocks(&self) -> Clocks {
        Clocks::at(self.clock, self.now)
    }

    /// The operations that are wanted, as they were last judged.
    pub(super) fn filter(&self, states: States) -> OperationFilter {
        OperationFilter { range: self.range, clock: self.clock, filters: self.filters.clone(), states }
    }

    /// The open operations that may be wanted once they are judged: all filters whose answer does not change with time.
    pub(super) fn candidates(&self) -> OperationFilter {
        let Filters { types, services, tags, .. } = self.filters.clone();
        let filters = Filters { types, services, tags, ..Filters::default() };
        OperationFilter { range: self.range, clock: self.clock, filters, states: States::Open }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_given_at_whole_seconds_and_never_before_the_clock() {
        let at = |clock, now| Clocks::at(Time(clock), Time(now));
        assert_eq!(at(2_000_000, 5_000_000), Clocks { now: Time(2_000_000), latest: Time(5_000_000) });
        assert_eq!(at(2_000_001, 4_999_999), Clocks { now: Time(3_000_000), latest: Time(5_000_000) });
        assert_eq!(at(-1, 0), Clocks { now: Time(0), latest: Time(0) });
        assert_eq!(at(-1_000_001, 0).now, Time(-1_000_000));
    }
}
