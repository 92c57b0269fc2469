//! What is written together.

use trace::Time;

use crate::{CompactTraces, Coverage, CoverageChange, Lease, OperationKey, PlaybookHash, StoredOperation};

/// Changes of one source that are committed all together or not at all.
///
/// They are applied in the order of the fields: operations are removed and written, then marks are set, then the coverage
/// changes.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The right to write.
    pub lease: Lease,
    /// The clock, which decides whether the lease has expired.
    pub now: Time,
    /// Operations that turned out to be part of others, such as a start request whose id was found later.
    pub remove: Vec<OperationKey>,
    /// Operations to add or replace. Replacing an operation takes away its mark.
    pub operations: Vec<Upsert>,
    /// Operations to judge again.
    pub marks: Vec<Mark>,
    /// What was read.
    pub coverage: Vec<CoverageChange>,
}

impl Batch {
    /// A batch without changes.
    #[must_use]
    pub fn new(lease: Lease, now: Time) -> Self {
        Self { lease, now, remove: Vec::new(), operations: Vec::new(), marks: Vec::new(), coverage: Vec::new() }
    }
}

/// An operation to add or replace.
#[derive(Clone, Debug)]
pub struct Upsert {
    /// The operation.
    pub operation: StoredOperation,
    /// Its traces; `None` leaves those that are kept as they are.
    pub traces: Option<CompactTraces>,
}

/// Which operations to judge again from their compact traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// This one.
    Operation(OperationKey),
    /// Closed operations whose baseline contains an operation that was added late: those of its type, with equal values
    /// of `comparable_by`, that ended after `after` and not later than `until`.
    Comparable {
        /// Their type.
        operation_type: String,
        /// Values of the playbook's `comparable_by` attributes.
        comparable_by: Vec<Option<String>>,
        /// The end of the operation that was added.
        after: Time,
        /// The end of the baseline window after it.
        until: Time,
    },
    /// Closed operations with compact traces that another playbook judged.
    OtherPlaybook(PlaybookHash),
}

/// What a commit did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// How many operations were added or replaced.
    pub written: u64,
    /// How many were left as they are because a newer engine had judged them.
    pub skipped_as_older: u64,
    /// The coverage afterwards.
    pub coverage: Coverage,
}

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Operations that ended before are deleted. One without an end counts by its last activity once it is closed.
    pub operations_from: Time,
    /// Compact traces of closed operations that ended before are deleted.
    pub traces_from: Time,
}

/// What [`Store::prune`](crate::Store::prune) deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Operations, with their traces.
    pub operations: u64,
    /// Compact traces of operations that are still kept.
    pub traces: u64,
}
