//! The investigation room: one question in, the diagnoses that answer it out. It plans the searches, fetches and merges
//! the traces, has them diagnosed off the async threads, and keeps what is finished for a while. The plugin and the
//! command line both ask here, so they answer alike.

use std::sync::Arc;

use crate::{
    diagnosis::{Diagnosis, OperationStatus, Verdict},
    jaeger,
    playbook::Playbook,
    trace::{Micros, Time, Trace},
};

/// From when to when, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeRange {
    /// Start.
    pub from: Time,
    /// End.
    pub to: Time,
}

/// Which operations are wanted; an empty list means all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filters {
    /// Operation types.
    pub types: Vec<String>,
    /// States.
    pub statuses: Vec<OperationStatus>,
    /// Verdicts.
    pub verdicts: Vec<Verdict>,
    /// Short error classes.
    pub error_types: Vec<String>,
    /// Services that took part.
    pub services: Vec<String>,
    /// Attributes that one of the operation's spans carries.
    pub tags: Vec<(String, String)>,
    /// Shortest duration of the operation.
    pub min_duration: Option<Micros>,
    /// Longest duration of the operation.
    pub max_duration: Option<Micros>,
}

/// How much to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How far before the range to look for operations that still run.
    pub lookback: Micros,
    /// How far back operations are compared.
    pub baseline_window: Micros,
    /// Globs of the services to search; empty means all.
    pub discovery_services: Vec<String>,
    /// Replaces the playbook's allowed silence.
    pub stall_threshold: Option<Micros>,
}

/// What was meant by an id that a user typed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// An operation id.
    Operation(String),
    /// A trace id.
    Trace(crate::trace::TraceId),
}

/// Diagnoses and what to know about them.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Newest first; for a trace its main operation first.
    pub diagnoses: Vec<Arc<Diagnosis>>,
    /// What a reader must know: limits reached, services not asked.
    pub notices: Vec<String>,
    /// Whether something is missing.
    pub partial: bool,
    /// What was asked of Jaeger, in a form a person can repeat.
    pub executed: String,
}

/// Asks one Jaeger.
#[derive(Clone, Debug)]
pub struct Investigator {}

impl Investigator {
    /// An investigator of the Jaeger behind `client`.
    #[must_use]
    pub fn new(client: jaeger::Client, playbook: Arc<Playbook>, options: Options) -> Self {
        let _ = (client, playbook, options);
        Self {}
    }

    /// The operations whose window overlaps `range`, newest first, at most `limit`.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn operations(
        &self,
        range: TimeRange,
        filters: &Filters,
        limit: usize,
        now: Time,
    ) -> Result<Answer, jaeger::Error> {
        let _ = (range, filters, limit, now);
        Ok(Answer::default())
    }

    /// One operation (one row, verdict `not_found` when no trace has the id) or all operations of one trace.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn diagnosis(&self, target: &Target, now: Time) -> Result<Answer, jaeger::Error> {
        let _ = (target, now);
        Ok(Answer::default())
    }

    /// The traces of an operation or the one trace, main one first, for the trace view.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn traces(&self, target: &Target, now: Time) -> Result<Vec<Trace>, jaeger::Error> {
        let _ = (target, now);
        Ok(Vec::new())
    }
}
