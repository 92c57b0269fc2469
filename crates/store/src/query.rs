//! Which operations a question is about, and in which order it wants them.

use std::{cmp::Ordering, sync::Arc};

use diagnosis::{Diagnosis, Filters, TimeRange, playbook::Playbook};
use trace::{Micros, Time};

use crate::{OperationKey, StoredOperation};

/// Which operations are wanted.
#[derive(Clone, Debug)]
pub struct OperationFilter {
    /// Operations whose window touches it.
    pub range: TimeRange,
    /// Up to when the window of an operation without an end reaches.
    pub clock: Time,
    /// What else must be true, with types as diagnoses carry them ([`Filters::folded`]). Tags are those that are stored
    /// with the operation.
    pub filters: Filters,
    /// Open ones, closed ones or both.
    pub states: States,
}

/// Whether open operations are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum States {
    /// Open and closed ones, as they were last judged.
    #[default]
    All,
    /// Only those that are expected to stay as they are.
    Closed,
    /// Only those that are not.
    Open,
}

impl OperationFilter {
    /// All operations of a range.
    #[must_use]
    pub fn all(range: TimeRange, clock: Time) -> Self {
        Self { range, clock, filters: Filters::default(), states: States::All }
    }

    /// The operations of a range that fit these filters, whose types may be spelled in any way the playbook knows.
    #[must_use]
    pub fn new(range: TimeRange, clock: Time, filters: &Filters, playbook: &Playbook) -> Self {
        Self { range, clock, filters: filters.folded(playbook), states: States::All }
    }

    /// The same question about open operations, closed ones or both.
    #[must_use]
    pub fn states(self, states: States) -> Self {
        Self { states, ..self }
    }

    /// Whether a diagnosis is wanted, apart from its tags and whether it is open.
    #[must_use]
    pub fn fits_record(&self, record: &Diagnosis) -> bool {
        self.range.overlaps(record, self.clock) && self.filters.fit_folded(record)
    }

    /// Whether an operation is wanted.
    #[must_use]
    pub fn fits(&self, operation: &StoredOperation) -> bool {
        let state = match self.states {
            States::All => true,
            States::Closed => operation.closed,
            States::Open => !operation.closed,
        };
        state && operation.has_tags(&self.filters.tags) && self.fits_record(&operation.record)
    }
}

/// What comes first. Of equals the later start comes first, then the lower operation id, then the lower trace id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The latest start.
    #[default]
    Newest,
    /// The highest severity.
    Worst,
    /// The longest duration.
    Longest,
}

impl Order {
    /// All orders.
    pub const ALL: [Self; 3] = [Self::Newest, Self::Worst, Self::Longest];

    /// Its word in queries.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Worst => "worst",
            Self::Longest => "longest",
        }
    }

    /// Parses the word of a query.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.as_str() == text)
    }

    /// How two operations follow each other.
    #[must_use]
    pub fn compare(self, a: &Diagnosis, b: &Diagnosis) -> Ordering {
        let first = match self {
            Self::Newest => Ordering::Equal,
            Self::Worst => b.severity.cmp(&a.severity),
            Self::Longest => duration(b).cmp(&duration(a)),
        };
        first.then_with(|| (b.start, &a.operation_id, a.trace_id).cmp(&(a.start, &b.operation_id, b.trace_id)))
    }

    /// Brings operations into this order.
    pub fn sort(self, operations: &mut [Arc<Diagnosis>]) {
        operations.sort_by(|a, b| self.compare(a, b));
    }
}

/// The duration in whole microseconds, as filters compare it.
pub(crate) fn duration(record: &Diagnosis) -> Option<Micros> {
    record.duration_ms.map(|ms| Micros((ms * 1000.0).round() as i64))
}

/// The first operations of an order, and how many there are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The first ones, as many as were asked for.
    pub operations: Vec<StoredOperation>,
    /// How many fit the filter.
    pub total: u64,
}

/// What distinct values are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// Operation types.
    OperationType,
    /// Short error classes.
    ErrorType,
    /// Services that took part.
    Service,
    /// Workers that were selected or dispatched to.
    Worker,
    /// Keys of stored tags.
    TagKey,
    /// Values of the stored tag of this key.
    TagValue(String),
}

impl Field {
    /// The values of an operation; empty ones do not count.
    pub(crate) fn values(&self, operation: &StoredOperation) -> Vec<String> {
        let record = &operation.record;
        let values: Vec<String> = match self {
            Self::OperationType => vec![record.operation_type.clone()],
            Self::ErrorType => record.error_type.iter().cloned().collect(),
            Self::Service => record.services.clone(),
            Self::Worker => operation.workers.clone(),
            Self::TagKey => operation.tags.iter().map(|(key, _)| key.clone()).collect(),
            Self::TagValue(wanted) => {
                operation.tags.iter().filter(|(key, _)| key == wanted).map(|(_, value)| value.clone()).collect()
            }
        };
        values.into_iter().filter(|value| !value.is_empty()).collect()
    }
}

/// Which completed operations one is compared with: those of its type and key that ended within the window before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparableQuery {
    /// Their type.
    pub operation_type: String,
    /// Values of the playbook's `comparable_by` attributes.
    pub comparable_by: Vec<Option<String>>,
    /// The end of the operation, else the clock.
    pub before: Time,
    /// How far back.
    pub window: Micros,
    /// The operation itself, which is not compared with itself.
    pub except: Option<OperationKey>,
    /// How many at most, the latest ends first.
    pub limit: usize,
}
