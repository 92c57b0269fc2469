//! When to check that the storage fills its limits.
//!
//! Some storages (Cassandra) apply the limit to the rows of an index and not to traces. Their answers are shorter than the limit
//! though there is more, so nothing shows that they are cut off. But then shorter time ranges find more than a longer one.

use jaeger::Search;
use trace::{Micros, Time};

use super::{plan::SETTLED_AFTER, read::Reading};

/// How often that is checked.
const CHECKED_EVERY: Micros = Micros::from_secs(3600);
/// An answer with fewer traces says nothing about limits.
const FEWEST_TRACES: usize = 20;

/// Remembers when the limits were checked.
#[derive(Debug, Default)]
pub(super) struct LimitCheck(Option<Time>);

impl LimitCheck {
    /// The search to check now, if a check is due and a search has found enough.
    pub(super) fn search(&mut self, read: &Reading, now: Time) -> Option<Search> {
        let (found, search) = read.largest.as_ref()?;
        let is_due = self.0.is_none_or(|at| now - at >= CHECKED_EVERY || at > now);
        // Fresh spans are still arriving.
        if !is_due || *found < FEWEST_TRACES || search.to > now - SETTLED_AFTER {
            return None;
        }
        self.0 = Some(now);
        Some(search.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_795_342_000_000_000);

    #[test]
    fn one_large_settled_answer_is_checked_in_an_hour() {
        let reading = |found, ago| {
            let search = Search { to: NOW - Micros::from_secs(ago), ..Search::default() };
            Reading { largest: Some((found, search)), ..Reading::default() }
        };
        let mut check = LimitCheck::default();
        assert!(check.search(&reading(19, 300), NOW).is_none(), "too few");
        assert!(check.search(&reading(20, 299), NOW).is_none(), "too fresh");
        assert!(check.search(&reading(20, 300), NOW).is_some());
        assert!(check.search(&reading(20, 300), NOW + Micros::from_secs(3599)).is_none());
        assert!(check.search(&reading(20, 300), NOW + CHECKED_EVERY).is_some());
    }
}
