//! The answer to a `metric` query: one number per group of operations, and per bucket of time where that is asked for.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Answer, Basis, Diagnosis, GroupBy, Measure, TimeRange};
use trace::{Micros, Time};

/// Numbers over groups of operations, and what to know about them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricAnswer {
    /// By labels and bucket. Groups without operations are not among them.
    pub rows: Vec<AggregateRow>,
    /// What a reader must know: limits reached, services not asked.
    pub notices: Vec<String>,
    /// Whether something is missing.
    pub partial: bool,
    /// What was asked of Jaeger, in a form a person can repeat.
    pub executed: String,
    /// What was recorded, if the answer comes from recorded operations.
    pub basis: Option<Basis>,
}

/// The value of one group in one bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateRow {
    /// The values of the group, in the order of the groups that were asked for, without repetitions; what is missing is
    /// [`GroupBy::NONE`].
    pub labels: Vec<String>,
    /// Start of the bucket, if buckets were asked for.
    pub bucket: Option<Time>,
    /// The value; `None` for a duration or slowdown that no operation of the group has.
    pub value: Option<f64>,
    /// How many operations the group has.
    pub count: u64,
}

/// Buckets of time: an operation belongs to the one in which its window ends, without an end to the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// Ends outside of it count as at its nearer edge.
    pub range: TimeRange,
    /// How long one is. They start at multiples of it.
    pub width: Micros,
}

impl Buckets {
    /// Maximum number of points, regardless of the request.
    const MAX_POINTS: i64 = 11_000;

    /// Buckets of length `interval`, or longer if there would be more than `most` points.
    #[must_use]
    pub fn new(range: TimeRange, interval: Micros, most: i64) -> Self {
        let least = (range.to - range.from).0.max(0) / most.clamp(1, Self::MAX_POINTS) + 1;
        let step = interval.0.max(1_000);
        let width = Micros(least.div_euclid(step).saturating_add(i64::from(least % step > 0)).max(1) * step);
        Self { range, width }
    }

    /// The start of an operation's bucket.
    #[must_use]
    pub fn of(self, record: &Diagnosis) -> Time {
        self.start(record.end.unwrap_or(self.range.to).max(self.range.from).min(self.range.to))
    }

    /// The start of every bucket, in order.
    #[must_use]
    pub fn starts(self) -> Vec<Time> {
        let last = self.start(self.range.to);
        std::iter::successors(Some(self.start(self.range.from)), |at| Some(*at + self.width))
            .take_while(|at| *at <= last)
            .collect()
    }

    fn start(self, at: Time) -> Time {
        let width = self.width.0.max(1);
        Time(at.0.div_euclid(width) * width)
    }
}

impl GroupBy {
    /// These columns without repetitions.
    #[must_use]
    pub fn distinct(by: &[Self]) -> Vec<Self> {
        let mut seen = BTreeSet::new();
        by.iter().copied().filter(|group| seen.insert(*group)).collect()
    }
}

impl MetricAnswer {
    /// What the operations of an answer measure.
    #[must_use]
    pub fn over(answer: &Answer, measure: Measure, by: &[GroupBy], buckets: Option<Buckets>) -> Self {
        let by = GroupBy::distinct(by);
        let mut groups: BTreeMap<(Vec<&str>, Option<Time>), Vec<&Diagnosis>> = BTreeMap::new();
        for diagnosis in &answer.diagnoses {
            let labels = by.iter().map(|group| group.of(diagnosis)).collect();
            let bucket = buckets.map(|buckets| buckets.of(diagnosis));
            groups.entry((labels, bucket)).or_default().push(diagnosis);
        }
        let row = |((labels, bucket), group): ((Vec<&str>, Option<Time>), Vec<&Diagnosis>)| AggregateRow {
            labels: labels.into_iter().map(str::to_owned).collect(),
            bucket,
            value: measure.over(&group),
            count: group.len() as u64,
        };
        Self {
            rows: groups.into_iter().map(row).collect(),
            notices: answer.notices.clone(),
            partial: answer.partial,
            executed: answer.executed.clone(),
            basis: answer.basis.clone(),
        }
    }
}
