//! The two ranges of a comparison.

use crate::TimeRange;

/// A window and the baseline that it is compared with. Neither is empty, and they do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ComparedRanges {
    window: TimeRange,
    baseline: TimeRange,
}

/// Ranges that cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangesError {
    /// A range ends where it starts, or before.
    #[error("the {name} is empty: it starts at {} and ends at {}", .range.from, .range.to)]
    Empty {
        /// `window` or `baseline`.
        name: &'static str,
        /// The range.
        range: TimeRange,
    },
    /// Some time belongs to both.
    #[error(
        "window ({} to {}) and baseline ({} to {}) overlap: choose a baseline before or after the window",
        .window.from, .window.to, .baseline.from, .baseline.to
    )]
    Overlap {
        /// The window.
        window: TimeRange,
        /// The baseline.
        baseline: TimeRange,
    },
}

impl ComparedRanges {
    /// Compares `window` with `baseline`; without one, with the time before the window that is as long as the window.
    ///
    /// # Errors
    /// When a range is empty or both overlap. They may touch.
    pub fn new(window: TimeRange, baseline: Option<TimeRange>) -> Result<Self, RangesError> {
        let before = TimeRange { from: window.from - (window.to - window.from), to: window.from };
        let baseline = baseline.unwrap_or(before);
        for (name, range) in [("window", window), ("baseline", baseline)] {
            if range.from >= range.to {
                return Err(RangesError::Empty { name, range });
            }
        }
        if baseline.from < window.to && window.from < baseline.to {
            return Err(RangesError::Overlap { window, baseline });
        }
        Ok(Self { window, baseline })
    }

    /// The time that is explained.
    #[must_use]
    pub fn window(self) -> TimeRange {
        self.window
    }

    /// The time that it is compared with.
    #[must_use]
    pub fn baseline(self) -> TimeRange {
        self.baseline
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trace::Time;

    fn range(from: i64, to: i64) -> TimeRange {
        TimeRange { from: Time(from), to: Time(to) }
    }

    #[test]
    fn the_default_baseline_is_as_long_as_the_window_and_directly_before_it() {
        let ranges = ComparedRanges::new(range(100, 160), None).unwrap();
        assert_eq!((ranges.window(), ranges.baseline()), (range(100, 160), range(40, 100)));
    }

    #[test]
    fn ranges_may_touch_but_not_overlap() {
        let window = range(100, 200);
        for (baseline, fits) in [((50, 100), true), ((50, 101), false), ((199, 250), false), ((200, 250), true)] {
            let ranges = ComparedRanges::new(window, Some(range(baseline.0, baseline.1)));
            assert_eq!(ranges.is_ok(), fits, "{baseline:?}");
        }
    }

    #[test]
    fn an_empty_range_is_named() {
        let message = |window, baseline| ComparedRanges::new(window, baseline).unwrap_err().to_string();
        assert!(message(range(5, 5), None).starts_with("the window is empty"));
        assert!(message(range(5, 6), Some(range(3, 3))).starts_with("the baseline is empty"));
        assert!(ComparedRanges::new(range(5, 6), Some(range(3, 4))).is_ok());
    }
}
