//! Numbers over groups of operations: what [`Measure::over`] says of each group, without reading every record.

use std::{collections::BTreeMap, sync::Arc};

use diagnosis::{AggregateRow, Buckets, Diagnosis, GroupBy, Measure, OperationStatus, Verdict};
use trace::Time;

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

impl AggregateQuery {
    pub(crate) fn groups(&self) -> Vec<GroupBy> {
        GroupBy::distinct(&self.group_by)
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
