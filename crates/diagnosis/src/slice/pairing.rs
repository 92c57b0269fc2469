//! Pairs calls with the arrivals that they caused, where nothing but the clock says which belongs to which.
//!
//! The nearest call and arrival are paired first, then the nearest of those that are left, and so on: no call and
//! arrival that are nearer to each other than to what they got remain apart. Ties go to the arrival after the call,
//! then to the earlier call and the earlier arrival, so the order of the input does not matter. The pairs are found by
//! following nearest neighbours until two are each other's nearest (a nearest-neighbour chain), with a number of
//! questions that grows with the number of calls and arrivals.

use super::intervals::Intervals;
use trace::{Micros, Time};

/// From the sending of a request to its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) start: Time,
    pub(crate) end: Time,
}

/// One end of a pair, by its position in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Call(usize),
    Arrival(usize),
}

/// Pairs positions of `calls` with positions of `arrivals`, each at most once. An arrival may lie outside its call by
/// `slack`. Both lists must be in ascending order of their (start) times.
pub(crate) fn nearest_pairs(calls: &[Call], arrivals: &[Time], slack: Micros) -> Vec<(usize, usize)> {
    Pairing::new(calls, arrivals, slack).run()
}

struct Pairing<'c> {
    calls: &'c [Call],
    slack: Micros,
    calls_left: Intervals,
    arrivals_left: Intervals,
}

impl<'c> Pairing<'c> {
    fn new(calls: &'c [Call], arrivals: &[Time], slack: Micros) -> Self {
        Self {
            calls,
            slack,
            calls_left: Intervals::new(calls.iter().map(|call| (call.start, call.end))),
            arrivals_left: Intervals::new(arrivals.iter().map(|at| (*at, *at))),
        }
    }

    fn run(&mut self) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        let mut chain: Vec<Side> = Vec::new();
        for first in 0..self.calls.len() {
            chain.extend(Some(Side::Call(first)).filter(|_| self.calls_left.contains(first)));
            while let Some(last) = chain.last().copied() {
                let before = chain.len().checked_sub(2).and_then(|at| chain.get(at)).copied();
                match self.nearest(last) {
                    Some(next) if Some(next) == before => {
                        chain.truncate(chain.len() - 2);
                        pairs.extend(self.pair(last, next));
                    }
                    Some(next) => chain.push(next),
                    // Nothing is in its reach, and nothing is ever added.
                    None => {
                        chain.pop();
                    }
                }
            }
        }
        pairs
    }

    fn pair(&mut self, one: Side, other: Side) -> Option<(usize, usize)> {
        let ((Side::Call(call), Side::Arrival(arrival)) | (Side::Arrival(arrival), Side::Call(call))) = (one, other)
        else {
            return None;
        };
        self.calls_left.remove(call);
        self.arrivals_left.remove(arrival);
        Some((call, arrival))
    }

    fn nearest(&self, side: Side) -> Option<Side> {
        match side {
            Side::Call(call) => self.nearest_arrival(*self.calls.get(call)?).map(Side::Arrival),
            Side::Arrival(arrival) => self.nearest_call(self.arrivals_left.start(arrival)?).map(Side::Call),
        }
    }

    fn nearest_arrival(&self, call: Call) -> Option<usize> {
        let left = &self.arrivals_left;
        let here = left.starting_before(call.start);
        let after = left.first_reaching(Intervals::ANY, here).filter(|ix| {
            let at = left.start(*ix);
            at.is_some_and(|at| at <= call.end + self.slack)
        });
        let before = left.last_reaching(call.start - self.slack, here);
        let before = before.and_then(|ix| first_of_equals(left, ix, Intervals::ANY));
        nearer(left, call.start, after, before)
    }

    fn nearest_call(&self, arrival: Time) -> Option<usize> {
        let left = &self.calls_left;
        let here = left.starting_before(arrival + Micros(1));
        let ending = arrival - self.slack;
        let before = left.last_reaching(ending, here).and_then(|ix| first_of_equals(left, ix, ending));
        let after = left.first_reaching(Intervals::ANY, here);
        let after = after.filter(|ix| left.start(*ix).is_some_and(|start| start <= arrival + self.slack));
        nearer(left, arrival, before, after)
    }
}

/// The first of those that start when the one at `position` does and end at `ending` or later.
fn first_of_equals(all: &Intervals, position: usize, ending: Time) -> Option<usize> {
    all.first_reaching(ending, all.starting_before(all.start(position)?))
}

/// Whichever starts nearer to a time; the first at equal distance.
fn nearer(all: &Intervals, to: Time, one: Option<usize>, other: Option<usize>) -> Option<usize> {
    let distance = |ix: &Option<usize>| ix.and_then(|ix| all.start(ix)).map(|start| (start - to).0.abs());
    match (distance(&one), distance(&other)) {
        (Some(a), Some(b)) if b < a => other,
        (None, _) => other,
        _ => one,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use trace::steps_of;

    const SLACK: Micros = Micros(10);

    fn call(start: i64, end: i64) -> Call {
        Call { start: Time(start), end: Time(end) }
    }

    fn pairs(calls: &[Call], arrivals: &[i64]) -> Vec<(usize, usize)> {
        let arrivals: Vec<Time> = arrivals.iter().copied().map(Time).collect();
        let mut pairs = nearest_pairs(calls, &arrivals, SLACK);
        pairs.sort_unstable();
        pairs
    }

    /// What the module's comment says, word by word: all pairs in reach, nearest first.
    fn by_looking_at_all(calls: &[Call], arrivals: &[i64]) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        for (c, call) in calls.iter().enumerate() {
            for (a, at) in arrivals.iter().enumerate() {
                if *at >= call.start.0 - SLACK.0 && *at <= call.end.0 + SLACK.0 {
                    all.push(((at - call.start.0).abs(), *at < call.start.0, c, a));
                }
            }
        }
        all.sort_unstable();
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        for (.., c, a) in all {
            if pairs.iter().all(|(call, arrival)| *call != c && *arrival != a) {
                pairs.push((c, a));
            }
        }
        pairs.sort_unstable();
        pairs
    }

    #[test]
    fn the_nearest_are_paired_first_in_any_order() {
        // The first arrival is nearer to the second call than to the first one; the second arrival is nearer still.
        assert_eq!(pairs(&[call(0, 1), call(9, 9)], &[5, 10]), [(0, 0), (1, 1)]);
    }

    #[test]
    fn an_arrival_may_lie_outside_its_call_by_the_slack_and_no_more() {
        assert_eq!(pairs(&[call(100, 120)], &[130]), [(0, 0)]);
        assert_eq!(pairs(&[call(100, 120)], &[131]), []);
        assert_eq!(pairs(&[call(100, 120)], &[90]), [(0, 0)]);
        assert_eq!(pairs(&[call(100, 120)], &[89]), []);
    }

    #[test]
    fn a_long_call_is_in_reach_behind_a_short_one() {
        assert_eq!(pairs(&[call(0, 200), call(50, 51)], &[150]), [(0, 0)]);
    }

    proptest! {
        #[test]
        fn pairs_are_those_of_a_look_at_all(
            calls in proptest::collection::vec((0i64..60, 0i64..40), 0..16),
            arrivals in proptest::collection::vec(0i64..90, 0..16),
        ) {
            let mut calls: Vec<Call> = calls.into_iter().map(|(start, length)| call(start, start + length)).collect();
            calls.sort_by_key(|call| call.start);
            let mut arrivals = arrivals;
            arrivals.sort_unstable();
            prop_assert_eq!(pairs(&calls, &arrivals), by_looking_at_all(&calls, &arrivals));
        }
    }

    #[test]
    fn thousands_within_the_same_moment_take_steps_in_proportion() {
        let steps = |count: usize, spread: i64| {
            let calls: Vec<Call> = (0..count as i64).map(|nth| call(nth * spread, nth * spread + 5)).collect();
            let arrivals: Vec<Time> = (0..count).map(|nth| Time(nth as i64 * spread / 2)).collect();
            steps_of(|| assert_eq!(nearest_pairs(&calls, &arrivals, Micros(1_000_000)).len(), count))
        };
        for spread in [0, 1, 100] {
            let (few, many) = (steps(500, spread), steps(8_000, spread));
            assert!(many < 16 * few * 2, "{few} steps for 500, {many} for 8 000");
        }
    }
}
