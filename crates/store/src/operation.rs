//! An operation as the store keeps it.

use std::sync::Arc;

use diagnosis::{Comparable, Diagnosis, LargestSections};
use serde::{Deserialize, Serialize};
use trace::Time;

use crate::{EngineVersion, OperationKey, PlaybookHash};

/// A diagnosed operation with what later questions need: its record, what it is filtered by, and what others are compared
/// with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredOperation {
    /// Its key within the source.
    pub key: OperationKey,
    /// Its diagnosis without the lists flow, errors, HTTP calls and workers.
    pub record: Arc<Diagnosis>,
    /// The largest sections of its path.
    pub sections: LargestSections,
    /// The playbook's stored attributes that its spans carry: key and value as text, sorted, each pair once.
    pub tags: Vec<(String, String)>,
    /// The workers that were selected or dispatched to, those that refused included; sorted.
    pub workers: Vec<String>,
    /// Values of the playbook's `comparable_by` attributes: operations of one type with equal values are compared.
    pub comparable_by: Vec<Option<String>>,
    /// What later operations are compared with, if this one completed.
    pub comparable: Option<Comparable>,
    /// Whether it is expected to stay as it is: it has ended, and the watermark has passed its end.
    pub closed: bool,
    /// The playbook that judged it.
    pub playbook_hash: PlaybookHash,
    /// The rules in code that judged it.
    pub engine_version: EngineVersion,
    /// When its traces were last read.
    pub observed_at: Time,
}

impl StoredOperation {
    /// An open operation from its diagnosis, without sections, tags and comparison. `None` for an operation without an id
    /// and without a trace.
    #[must_use]
    pub fn of(mut diagnosis: Diagnosis) -> Option<Self> {
        let key = OperationKey::of(&diagnosis)?;
        let dispatched = diagnosis.workers.drain(..).filter_map(|selection| selection.worker_id);
        let mut workers: Vec<String> = diagnosis.worker_id.iter().cloned().chain(dispatched).collect();
        workers.sort_unstable();
        workers.dedup();
        diagnosis.flow.clear();
        diagnosis.errors.clear();
        diagnosis.http.clear();
        diagnosis.cut_lists.clear();
        Some(Self {
            key,
            record: Arc::new(diagnosis),
            sections: LargestSections::default(),
            tags: Vec::new(),
            workers,
            comparable_by: Vec::new(),
            comparable: None,
            closed: false,
            playbook_hash: PlaybookHash::default(),
            engine_version: EngineVersion::default(),
            observed_at: Time::default(),
        })
    }

    /// Whether it has all these tags.
    #[must_use]
    pub fn has_tags(&self, wanted: &[(String, String)]) -> bool {
        wanted.iter().all(|tag| self.tags.contains(tag))
    }

    /// The last time that it is known of: the end of its window, else its last activity, else its start.
    #[must_use]
    pub fn last_time(&self) -> Time {
        let record = &self.record;
        record.end.or(record.last_activity).or(record.start).unwrap_or(self.observed_at)
    }
}
