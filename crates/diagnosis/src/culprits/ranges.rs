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
    /// All of the baseline belongs to the window.
    #[error(
        "the baseline ({} to {}) lies within the window ({} to {}): choose a baseline before or after it",
        .baseline.from, .baseline.to, .window.from, .window.to
    )]
    Within {
        /// The window.
        window: TimeRange,
        /// The baseline.
        baseline: TimeRange,
    },
}

impl ComparedRanges {
    /// Compares `window` with `baseline`; without one, with the time before the window that is as long as the window.
    ///
    /// Time in both belongs to the window: of such a baseline the part before the window counts, else the part after it.
    /// So relative times that were resolved a moment apart can be compared.
    ///
    /// # Errors
    /// When a range is empty, or nothing of the baseline lies outside the window.
    pub fn new(window: TimeRange, baseline: Option<TimeRange>) -> Result<Self, RangesError> {
        let before = TimeRange { from: window.from - (window.to - window.from), to: window.from };
        let baseline = baseline.unwrap_or(before);
        for (name, range) in [("window", window), ("baseline", baseline)] {
            if range.from >= range.to {
                return Err(RangesError::Empty { name, range });
            }
        }
        let outside = if baseline.from < window.from {
            TimeRange { to: baseline.to.min(window.from), ..baseline }
        } else {
            TimeRange { from: baseline.from.max(window.to), ..baseline }
        };
        if outside.from >= outside.to {
            return Err(RangesError::Within { window, baseline });
        }
        Ok(Self { window, baseline: outside })
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
    fn time_in_both_ranges_belongs_to_the_window() {
        let window = range(100, 200);
        let outside = |from, to| ComparedRanges::new(window, Some(range(from, to))).map(ComparedRanges::baseline);
        assert_eq!(outside(50, 100), Ok(range(50, 100)));
        assert_eq!(outside(50, 101), Ok(range(50, 100)));
        assert_eq!(outside(50, 300), Ok(range(50, 100)));
        assert_eq!(outside(99, 200), Ok(range(99, 100)));
        assert_eq!(outside(100, 201), Ok(range(200, 201)));
        assert_eq!(outside(200, 250), Ok(range(200, 250)));
        for (from, to) in [(100, 200), (120, 130), (199, 200)] {
            assert!(outside(from, to).unwrap_err().to_string().contains("within the window"), "{from} to {to}");
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
