//! Order statistics and the comparison of two shares.

use super::Parameters;

/// The median; between the two middle values when their number is even, 0 without any.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let upper = values.get(values.len() / 2).copied().unwrap_or_default();
    let lower = values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default();
    f64::midpoint(lower, upper)
}

/// The sum. Rounding does not depend on the order of the values.
pub(super) fn sum(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.iter().sum()
}

/// The smallest value that at least the share `q` of the sorted values does not exceed (nearest rank).
pub(super) fn upper_quantile(sorted: &[f64], q: f64) -> f64 {
    // The subtraction keeps 0.55 × 100, which is a little more than 55, from being rounded up.
    let rank = (q * sorted.len() as f64 - 1e-9).ceil().max(1.0) as usize;
    sorted.get(rank - 1).or(sorted.last()).copied().unwrap_or_default()
}

/// The value below which at most the share `q` of the sorted values lies.
pub(super) fn lower_quantile(sorted: &[usize], q: f64) -> usize {
    let rank = (q * sorted.len() as f64 + 1e-9).floor() as usize;
    sorted.get(rank).or(sorted.last()).copied().unwrap_or_default()
}

/// `part` of `whole`, 0 of nothing.
pub(super) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// So many of the requests that pass a place deviate there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) deviating: usize,
    pub(super) passing: usize,
}

impl Count {
    pub(super) fn share(self) -> f64 {
        share(self.deviating, self.passing)
    }

    pub(super) fn add(&mut self, other: Self) {
        self.deviating += other.deviating;
        self.passing += other.passing;
    }

    /// The Wilson interval: where the true share may lie, given so few observations.
    fn interval(self, standard_errors: f64) -> (f64, f64) {
        if self.passing == 0 {
            return (0.0, 1.0);
        }
        let (n, p, z) = (self.passing as f64, self.share(), standard_errors);
        let center = p + z * z / (2.0 * n);
        let margin = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + z * z / n;
        (((center - margin) / scale).max(0.0), ((center + margin) / scale).min(1.0))
    }

    /// Whether the window's requests deviate more often than chance explains.
    pub(super) fn exceeds(self, baseline: Self, parameters: &Parameters) -> bool {
        let (least, _) = self.interval(parameters.standard_errors);
        let (_, most) = baseline.interval(parameters.standard_errors);
        self.deviating >= parameters.least_affected && least > most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        assert!((median(&mut [3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&mut [4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
        assert!(median(&mut []).abs() < f64::EPSILON);
    }

    #[test]
    fn quantiles_are_values_that_occur_and_do_not_move_when_all_values_are_doubled() {
        let numbers = |n: usize| (1..=n).map(|i| i as f64).collect::<Vec<_>>();
        let upper = |sorted: &[f64]| upper_quantile(sorted, 0.99) as usize;
        assert_eq!([20, 99, 100, 101, 300].map(|n| upper(&numbers(n))), [20, 99, 99, 100, 297]);
        let lower = |n: usize| lower_quantile(&(1..=n).collect::<Vec<_>>(), 0.1);
        assert_eq!([1, 9, 10, 19, 20, 30].map(lower), [1, 1, 2, 2, 3, 4]);
        assert_eq!(upper_quantile(&numbers(100), 0.55) as usize, 55);
        assert_eq!(lower_quantile(&(0..100).collect::<Vec<_>>(), 0.29), 29);
        for n in 1..400 {
            let twice: Vec<f64> = numbers(n).into_iter().flat_map(|x| [x, x]).collect();
            assert_eq!(upper(&twice), upper(&numbers(n)), "{n}");
            let pairs: Vec<usize> = (1..=n).flat_map(|x| [x, x]).collect();
            assert_eq!(lower_quantile(&pairs, 0.1), lower(n), "{n}");
        }
    }

    #[test]
    fn the_wilson_interval_is_as_published() {
        // Newcombe 1998, table I: 15 of 148 and 0 of 20, at 95 %.
        let rounded = |count: Count| {
            let (low, high) = count.interval(1.959_964);
            ((low * 1e4).round() as i64, (high * 1e4).round() as i64)
        };
        assert_eq!(rounded(Count { deviating: 15, passing: 148 }), (624, 1605));
        assert_eq!(rounded(Count { deviating: 0, passing: 20 }), (0, 1611));
    }
}
