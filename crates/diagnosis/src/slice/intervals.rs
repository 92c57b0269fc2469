//! Which of many intervals touch a moment, without looking at each of them.
//!
//! Rules ask what happened "at about the same time" in other traces. Asking every other span makes the work grow with
//! the square of the operations in an answer. Here the intervals are kept in the order of their starts, with a binary
//! tree over their ends, so that a question takes a number of steps that grows with the logarithm of their number,
//! however many of them lie in the same second. Intervals that are used up can be removed.

use trace::{Time, count_step};

/// The end of a removed interval: earlier than every time that is asked for.
const REMOVED: Time = Time(i64::MIN);

/// Intervals by start; each is known by its position.
#[derive(Debug)]
pub(crate) struct Intervals {
    starts: Vec<Time>,
    /// The latest end below each node of a complete binary tree. The root is node 1, the children of node `n` are
    /// `2n` and `2n + 1`, and the interval at position `i` is the leaf `leaves + i`.
    latest: Vec<Time>,
    leaves: usize,
}

impl Intervals {
    /// Earlier than every end: asks for any interval that is left.
    pub(crate) const ANY: Time = Time(i64::MIN + 1);

    /// From starts and ends; the starts must be in ascending order.
    pub(crate) fn new(intervals: impl ExactSizeIterator<Item = (Time, Time)>) -> Self {
        let leaves = intervals.len().next_power_of_two();
        let mut latest = vec![REMOVED; 2 * leaves];
        let mut starts = Vec::with_capacity(intervals.len());
        for ((start, end), leaf) in intervals.zip(latest.iter_mut().skip(leaves)) {
            starts.push(start);
            *leaf = end;
        }
        let mut tree = Self { starts, latest, leaves };
        for node in (1..leaves).rev() {
            tree.update(node);
        }
        tree
    }

    /// When the interval at a position starts.
    pub(crate) fn start(&self, position: usize) -> Option<Time> {
        self.starts.get(position).copied()
    }

    /// How many intervals start before a time.
    pub(crate) fn starting_before(&self, time: Time) -> usize {
        self.starts.partition_point(|start| *start < time)
    }

    /// Takes an interval out: it is never found again.
    pub(crate) fn remove(&mut self, position: usize) {
        if position >= self.starts.len() {
            return;
        }
        let mut node = self.leaves + position;
        if let Some(leaf) = self.latest.get_mut(node) {
            *leaf = REMOVED;
        }
        while node > 1 {
            node /= 2;
            self.update(node);
        }
    }

    /// Whether the interval at a position was not removed.
    pub(crate) fn contains(&self, position: usize) -> bool {
        self.latest_below(self.leaves + position) != REMOVED
    }

    /// The first interval from a position on that ends at `time` or later.
    pub(crate) fn first_reaching(&self, time: Time, from: usize) -> Option<usize> {
        if from >= self.starts.len() {
            return None;
        }
        let mut node = self.leaves + from;
        while self.latest_below(node) < time {
            // To the subtree on the right: up while this is a right child, then over to the sibling.
            while !node.is_multiple_of(2) {
                node /= 2;
            }
            if node == 0 {
                return None;
            }
            node += 1;
        }
        while node < self.leaves {
            node *= 2;
            node += usize::from(self.latest_below(node) < time);
        }
        Some(node - self.leaves)
    }

    /// The last interval before a position that ends at `time` or later.
    pub(crate) fn last_reaching(&self, time: Time, before: usize) -> Option<usize> {
        let last = before.min(self.starts.len()).checked_sub(1)?;
        let mut node = self.leaves + last;
        while self.latest_below(node) < time {
            // To the subtree on the left: up while this is a left child, then over to the sibling.
            while node.is_multiple_of(2) {
                node /= 2;
            }
            if node == 1 {
                return None;
            }
            node -= 1;
        }
        while node < self.leaves {
            node = 2 * node + 1;
            node -= usize::from(self.latest_below(node) < time);
        }
        Some(node - self.leaves)
    }

    fn latest_below(&self, node: usize) -> Time {
        count_step();
        self.latest.get(node).copied().unwrap_or(REMOVED)
    }

    fn update(&mut self, node: usize) {
        let latest = self.latest_below(2 * node).max(self.latest_below(2 * node + 1));
        if let Some(slot) = self.latest.get_mut(node) {
            *slot = latest;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use trace::steps_of;

    fn intervals(list: &[(i64, i64)]) -> Intervals {
        Intervals::new(list.iter().map(|(start, end)| (Time(*start), Time(*end))))
    }

    #[test]
    fn an_interval_is_found_up_to_its_last_moment() {
        let all = intervals(&[(0, 9), (1, 2), (5, 6)]);
        assert_eq!(all.first_reaching(Time(9), 0), Some(0));
        assert_eq!(all.first_reaching(Time(10), 0), None);
        assert_eq!(all.last_reaching(Time(6), 3), Some(2));
        assert_eq!(all.last_reaching(Time(7), 3), Some(0));
        assert_eq!((all.starting_before(Time(5)), all.starting_before(Time(6))), (2, 3));
    }

    #[test]
    fn nothing_is_found_among_nothing() {
        let none = intervals(&[]);
        assert_eq!((none.first_reaching(Intervals::ANY, 0), none.last_reaching(Intervals::ANY, 7)), (None, None));
    }

    proptest! {
        #[test]
        fn answers_are_those_of_a_look_at_every_interval(
            mut list in proptest::collection::vec((0i64..50, 0i64..50), 1..40),
            removed in proptest::collection::vec(0usize..40, 0..20),
            time in 0i64..110,
            position in 0usize..45,
        ) {
            list.sort_unstable();
            let list: Vec<(i64, i64)> = list.into_iter().map(|(start, length)| (start, start + length)).collect();
            let mut all = intervals(&list);
            let mut left = vec![true; list.len()];
            for gone in removed {
                all.remove(gone);
                if let Some(slot) = left.get_mut(gone) {
                    *slot = false;
                }
            }
            let reaches = |ix: &usize| left[*ix] && list[*ix].1 >= time;
            prop_assert_eq!(all.first_reaching(Time(time), position), (position..list.len()).find(reaches));
            prop_assert_eq!(all.last_reaching(Time(time), position), (0..position.min(list.len())).rev().find(reaches));
            for (ix, is_left) in left.iter().enumerate() {
                prop_assert_eq!(all.contains(ix), *is_left);
            }
        }

        #[test]
        fn a_question_takes_few_steps_however_many_intervals_share_its_moment(start in 0i64..3, time in 0i64..4_000) {
            let all = intervals(&(0..4_000).map(|nth| (start, nth)).collect::<Vec<_>>());
            let steps = steps_of(|| (all.first_reaching(Time(time), 0), all.last_reaching(Time(time), 4_000)));
            prop_assert!(steps <= 60, "{} steps", steps);
        }
    }
}
