//! Numbers over groups of operations: what [`Measure::over`] says of each group, without reading every record.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use diagnosis::{Diagnosis, GroupBy, Measure, OperationStatus, TimeRange, Verdict};
use trace::{Micros, Time};

use crate::OperationFilter;

/// What is counted or measured.
#[derive(Clone, Debug)]
pub struct AggregateQuery {
    /// Over which operations.
    pub filter: OperationFilter,
    /// What.
    pub measure: Measure,
    /// For each combination of these values; a repeated one counts once.
    pub group_by: Vec<GroupBy>,
    /// For each bucket of time too.
    pub buckets: Option<Buckets>,
    /// Operations that are counted beside those of the store, if range and filters fit: open ones, judged at the clock.
    /// Their tags are not looked at.
    pub beside: Vec<Arc<Diagnosis>>,
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
    /// The start of an operation's bucket.
    #[must_use]
    pub fn of(self, record: &Diagnosis) -> Time {
        let end = record.end.unwrap_or(self.range.to).max(self.range.from).min(self.range.to);
        let width = self.width.0.max(1);
        Time(end.0.div_euclid(width) * width)
    }
}

/// The value of one group in one bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateRow {
    /// The values of the group, in the order of [`AggregateQuery::group_by`] without repetitions; what is missing is
    /// [`GroupBy::NONE`].
    pub labels: Vec<String>,
    /// Start of the bucket, if buckets were asked for.
    pub bucket: Option<Time>,
    /// The value; `None` for a duration or slowdown that no operation of the group has.
    pub value: Option<f64>,
    /// How many operations the group has.
    pub count: u64,
}

impl AggregateQuery {
    pub(crate) fn groups(&self) -> Vec<GroupBy> {
        let mut seen = BTreeSet::new();
        self.group_by.iter().copied().filter(|group| seen.insert(*group)).collect()
    }

    /// The rows of what the store found, with the operations beside them, by labels and bucket.
    pub(crate) fn rows(&self, mut found: Groups) -> Vec<AggregateRow> {
        let by = self.groups();
        for record in self.beside.iter().filter(|record| self.filter.fits_record(record)) {
            let labels = by.iter().map(|group| group.of(record).to_owned()).collect();
            let bucket = self.buckets.map(|buckets| buckets.of(record));
            found.entry((labels, bucket)).or_default().add(self.measure, record);
        }
        let row = |((labels, bucket), mut group): ((Vec<String>, Option<Time>), Group)| AggregateRow {
            labels,
            bucket,
            value: group.value(self.measure),
            count: group.count,
        };
        found.into_iter().map(row).collect()
    }
}

/// What is known of each group in each bucket.
pub(crate) type Groups = BTreeMap<(Vec<String>, Option<Time>), Group>;

/// What a measure needs to know of a group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) count: u64,
    /// How many of what the measure counts.
    pub(crate) hits: u64,
    /// Durations, where a rank among them is asked for.
    pub(crate) durations: Vec<f64>,
    /// The largest duration or slowdown.
    pub(crate) largest: Option<f64>,
}

impl Group {
    pub(crate) fn add(&mut self, measure: Measure, record: &Diagnosis) {
        self.count += 1;
        self.hits += u64::from(counts(measure, record.status, record.verdict));
        if rank(measure).is_some() {
            self.durations.extend(record.duration_ms);
        }
        let value = match measure {
            Measure::MaxDuration => record.duration_ms,
            Measure::Slowdown => record.slowdown,
            _ => None,
        };
        self.largest = larger(self.largest, value);
    }

    /// Adds what is known of other operations of the group.
    pub(crate) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.hits += other.hits;
        self.durations.extend(other.durations);
        self.largest = larger(self.largest, other.largest);
    }

    fn value(&mut self, measure: Measure) -> Option<f64> {
        match measure {
            Measure::Count => Some(self.count as f64),
            Measure::Failed | Measure::Verdict(_) | Measure::NotHealthy => Some(self.hits as f64),
            Measure::FailureRatio => Some(self.hits as f64 / self.count as f64),
            Measure::P50Duration | Measure::P95Duration => Measure::percentile(rank(measure)?, &mut self.durations),
            Measure::MaxDuration | Measure::Slowdown => self.largest,
        }
    }
}

fn larger(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.into_iter().chain(b).reduce(f64::max)
}

/// The rank among the durations that a measure asks for.
pub(crate) fn rank(measure: Measure) -> Option<f64> {
    match measure {
        Measure::P50Duration => Some(0.5),
        Measure::P95Duration => Some(0.95),
        _ => None,
    }
}

fn counts(measure: Measure, status: OperationStatus, verdict: Verdict) -> bool {
    match measure {
        Measure::Failed | Measure::FailureRatio => status == OperationStatus::Failed,
        Measure::Verdict(wanted) => verdict == wanted,
        Measure::NotHealthy => !matches!(verdict, Verdict::Healthy | Verdict::Running),
        _ => false,
    }
}
