//! The investigation room: one question in, the diagnoses that answer it out. It plans the searches, fetches and merges
//! the traces, has them diagnosed off the async threads, and keeps what is finished for a while. The plugin and the
//! command line both ask here, so they answer alike.
//!
//! A plain "latest traces" search drowns in health checks and polls, so operations are found by the names of the spans
//! that start or register them (`discover`); then the traces that say more about those that still run or went wrong are
//! added (`complete`), completed ones of the same types are the baseline (`history`), and a body over the limit is cut
//! down to single traces (`fetch`).

mod cache;
mod complete;
mod culprits;
mod discover;
mod fetch;
mod history;
mod lists;
mod select;
mod single;
mod target;
#[cfg(test)]
mod tests;
mod whole;

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering::Relaxed},
};

pub use cache::CacheUse;
pub use culprits::{Compared, SAMPLE, Side, WhatChanged};
use hashbrown::{HashMap, HashSet};
pub use target::Target;
use tokio::time::Instant;

use self::cache::Caches;
use crate::{
    diagnosis::{Context, DEFAULT_BASELINE_WINDOW, Detail, Diagnosis, OperationStatus, Report, Verdict, diagnose},
    jaeger,
    playbook::Playbook,
    trace::{Micros, Time, Trace, TraceId},
};

/// How many requests one question has under way at a time.
const AT_ONCE: usize = 8;
/// How far before the time in its id an operation is searched: clocks differ.
const BEFORE_ID: Micros = Micros::from_secs(300);
/// How far back an operation is searched whose id tells no time, when the lookback finds nothing.
const LONG_AGO: Micros = Micros::from_secs(30 * 86_400);

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

impl Default for Options {
    /// 48 h of lookback, 7 days of baseline, all services.
    fn default() -> Self {
        Self {
            lookback: Micros::from_secs(48 * 3600),
            baseline_window: DEFAULT_BASELINE_WINDOW,
            discovery_services: Vec::new(),
            stall_threshold: None,
        }
    }
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

/// Asks one Jaeger. Copies share what was found.
#[derive(Clone, Debug)]
pub struct Investigator {
    client: jaeger::Client,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    playbook: Arc<Playbook>,
    options: Options,
    caches: Caches,
}

/// All that was found for a question, before it is filtered.
#[derive(Debug, Default)]
struct Case {
    diagnoses: Vec<Arc<Diagnosis>>,
    traces: Arc<Vec<Trace>>,
    notices: Vec<String>,
    partial: bool,
    asked: Vec<String>,
    /// What the question turned out to mean, if it was about one.
    target: Option<Target>,
}

/// A case in the making.
#[derive(Debug, Default)]
struct Gathered {
    traces: Vec<Trace>,
    notices: Vec<String>,
    truncated: bool,
    asked: Vec<String>,
    /// Traces that were asked for by id.
    read: HashSet<TraceId>,
    /// Those of them that could not be read, with the reason.
    unread: HashMap<TraceId, String>,
}

impl Gathered {
    /// Adds what a search found; says whether it told anything new.
    fn absorb(&mut self, found: jaeger::Found) -> bool {
        let before: usize = self.traces.iter().map(Trace::len).sum();
        self.traces.extend(found.traces);
        jaeger::merge(&mut self.traces);
        self.truncated |= found.truncated || found.partial;
        self.notices.extend(found.notes);
        self.asked.extend(found.asked);
        before < self.traces.iter().map(Trace::len).sum()
    }

    fn notice(&mut self, text: String) {
        self.notices.push(text);
    }
}

impl Case {
    fn answer(&self, diagnoses: Vec<Arc<Diagnosis>>) -> Answer {
        const SHOWN: usize = 40;
        let distinct: BTreeSet<&str> = self.notices.iter().map(String::as_str).collect();
        let mut asked: Vec<&str> = self.asked.iter().take(SHOWN).map(String::as_str).collect();
        let more = format!("… and {} more requests", self.asked.len().saturating_sub(SHOWN));
        if self.asked.len() > SHOWN {
            asked.push(&more);
        }
        Answer {
            diagnoses,
            notices: distinct.into_iter().map(str::to_owned).collect(),
            partial: self.partial,
            executed: asked.join("\n"),
        }
    }
}

impl Investigator {
    /// An investigator of the Jaeger behind `client`.
    #[must_use]
    pub fn new(client: jaeger::Client, playbook: Arc<Playbook>, options: Options) -> Self {
        Self { client, shared: Arc::new(Shared { playbook, options, caches: Caches::default() }) }
    }

    /// The same investigator for a caller with these headers (the identity that Grafana forwards). What one caller sees
    /// is kept apart from what others see.
    ///
    /// # Errors
    /// When a name or value is no header.
    pub fn with_headers<N: AsRef<str>, V: AsRef<str>>(
        &self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, jaeger::Error> {
        Ok(Self { client: self.client.with_headers(headers)?, shared: Arc::clone(&self.shared) })
    }

    /// The same investigator for a question that is answered by `deadline`; see [`jaeger::Client::with_deadline`].
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        Self { client: self.client.with_deadline(deadline), shared: Arc::clone(&self.shared) }
    }

    /// The Jaeger that is asked.
    #[must_use]
    pub fn client(&self) -> &jaeger::Client {
        &self.client
    }

    /// How often the cache could answer, over all callers.
    #[must_use]
    pub fn cache_use(&self) -> CacheUse {
        self.caches().tell()
    }

    /// The playbook that is applied.
    #[must_use]
    pub fn playbook(&self) -> &Arc<Playbook> {
        &self.shared.playbook
    }

    fn options(&self) -> &Options {
        &self.shared.options
    }

    fn caches(&self) -> &Caches {
        &self.shared.caches
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
        let limit = limit.clamp(1, 1000);
        let case = self.list(range, &filters.tags, limit, now).await?;
        let clock = range.to.min(now);
        let mut wanted: Vec<_> = case
            .diagnoses
            .iter()
            .filter(|d| select::overlaps(d, range, clock) && select::fits(d, filters, &self.shared.playbook))
            .cloned()
            .collect();
        let all = wanted.len();
        wanted.truncate(limit);
        let mut answer = case.answer(wanted);
        if all > limit {
            answer
                .notices
                .push(format!("the newest {limit} of {all} operations are shown: raise the limit to see more"));
        }
        Ok(answer)
    }

    /// All operations of a range, from the cache or from Jaeger.
    async fn list(
        &self,
        range: TimeRange,
        tags: &[(String, String)],
        limit: usize,
        now: Time,
    ) -> Result<Arc<Case>, jaeger::Error> {
        // Filters apply after fetching: enough is fetched that they leave something.
        let limit = limit.clamp(100, 1000);
        self.caches().questions.fetch_add(1, Relaxed);
        let key = cache::ListKey::new(self.client.identity(), range, tags, limit, now);
        // Boxed: the cache holds it several times over.
        let work = Box::pin(self.list_anew(range, tags.to_vec(), limit, now));
        self.caches().lists.try_get_with(key, work).await.map_err(|error| jaeger::Error::clone(&error))
    }

    async fn list_anew(
        &self,
        range: TimeRange,
        tags: Vec<(String, String)>,
        limit: usize,
        now: Time,
    ) -> Result<Arc<Case>, jaeger::Error> {
        self.caches().answered_anew.fetch_add(1, Relaxed);
        let clock = range.to.min(now);
        let mut gathered = self.discover(range, limit, clock).await?;
        let context = Context { detail: Detail::Record, latest: Some(now), ..self.context(clock, tags) };
        let mut report = self.diagnose(&mut gathered, context.clone()).await;
        let at_hand: Vec<&Diagnosis> =
            report.diagnoses.iter().filter(|d| select::overlaps(d, range, clock)).take(limit).collect();
        let mut wishes = self.wishes(&at_hand, clock).await;
        wishes.extend(self.wish_open_ids(&at_hand, clock).await);
        let (added, history) =
            tokio::join!(self.grant(wishes, &mut gathered), self.history(select::types(&at_hand), clock));
        let context = Context { history, ..context };
        if added || !context.history.is_empty() {
            report = self.diagnose(&mut gathered, context.clone()).await;
        }
        let at_hand = |d: &Diagnosis| select::overlaps(d, range, clock);
        self.read_doubtful(&mut gathered, &mut report.diagnoses, at_hand, &context).await;
        Ok(Arc::new(Self::case(gathered, report, None)))
    }

    /// One operation (one row, verdict `not_found` when no trace has the id) or all operations of one trace.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn diagnosis(&self, target: &Target, now: Time) -> Result<Answer, jaeger::Error> {
        let case = self.single(target, now).await?;
        Ok(case.answer(case.diagnoses.clone()))
    }

    /// The traces of an operation or the one trace, main one first, for the trace view.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn traces(&self, target: &Target, now: Time) -> Result<Vec<Trace>, jaeger::Error> {
        let case = self.single(target, now).await?;
        let mut ids: Vec<TraceId> = match case.target {
            Some(Target::Trace(id)) => vec![id],
            _ => case.diagnoses.iter().flat_map(|d| &d.trace_ids).copied().collect(),
        };
        let mut seen = HashSet::new();
        ids.retain(|id| seen.insert(*id));
        let found = |id: &TraceId| case.traces.iter().find(|trace| trace.id() == *id).cloned();
        Ok(ids.iter().filter_map(found).collect())
    }

    fn context(&self, now: Time, tags: Vec<(String, String)>) -> Context {
        let Options { stall_threshold, baseline_window, .. } = *self.options();
        Context { now, baseline_window, tags, stall_threshold, ..Context::default() }
    }

    /// Applies the playbook off the async threads.
    async fn diagnose(&self, gathered: &mut Gathered, context: Context) -> Report {
        if gathered.traces.is_empty() {
            return Report::default();
        }
        let playbook = Arc::clone(&self.shared.playbook);
        let traces = std::mem::take(&mut gathered.traces);
        let work = move || (diagnose(&traces, &playbook, &context), traces);
        match tokio::task::spawn_blocking(work).await {
            Ok((report, traces)) => {
                gathered.traces = traces;
                report
            }
            Err(why) => {
                tracing::error!(%why, "a diagnosis did not finish");
                gathered.notice("the diagnosis of these traces failed: please report it".to_owned());
                gathered.truncated = true;
                Report::default()
            }
        }
    }

    fn case(gathered: Gathered, report: Report, target: Option<Target>) -> Case {
        let partial = gathered.truncated;
        let mut diagnoses: Vec<_> = report.diagnoses.into_iter().map(Arc::new).collect();
        diagnoses.shrink_to_fit();
        let traces = Arc::new(gathered.traces);
        Case { diagnoses, traces, notices: gathered.notices, partial, asked: gathered.asked, target }
    }
}
