//! Answers one question about operations: plans the searches, fetches and merges the traces, diagnoses them on a blocking
//! thread, and caches the answers. The plugin and the command line both use it, so they give the same answers.
//!
//! A search for the latest traces mostly returns health checks and polls. Operations are therefore found by the names of
//! the spans that start or register them (`discover`). Follow-up searches then fetch what explains the operations that
//! still run or went wrong (`follow_up`), completed operations of the same types are the baseline (`history`), and a
//! trace is read again by id if a verdict depends on spans that are missing from it (`reread`). If an answer exceeds the size limit, the
//! search is split, down to a single trace (`fetch`). Where the playbook makes an operation of every root request, a bounded
//! sample of traces is read instead (`sample`). The names that editors offer come from the same cached answers
//! (`suggestions`). `cache` lists what is cached, for how long and under which key.
//!
//! With a [`History`], lists, numbers and names come from recorded operations instead, and so does an operation that is
//! asked for by its id, once it is closed and as long as its traces are kept.

mod cache;
mod culprits;
mod discover;
mod error;
mod fetch;
mod follow_up;
mod history;
mod list;
mod metric;
mod recognise;
mod reread;
mod sample;
mod select;
mod single;
mod suggestions;
mod target;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

pub use cache::CacheUse;
pub use culprits::SAMPLE;
pub use error::Error;
use hashbrown::{HashMap, HashSet};
pub use metric::{MetricQuery, Reader};
pub use recognise::playbook_for_file;
pub(crate) use single::not_found;
pub use store::Order;
pub use suggestions::MAX_SUGGESTIONS;
pub use target::Target;

use tokio::time::Instant;

use self::cache::Caches;
use crate::history::{History, Kept};
use diagnosis::playbook::Playbook;
use diagnosis::{Answer, Context, Diagnosis, Report, diagnose};
use jaeger;
use trace::{Micros, Time, Trace, TraceId};

/// How many requests to Jaeger one question runs concurrently.
const CONCURRENT_REQUESTS: usize = 8;
/// How far back to search for an operation whose id contains no time, when the lookback finds nothing.
const LONGEST_LOOKBACK: Micros = Micros::from_secs(30 * 86_400);

/// How much to fetch. The default searches all services, with the windows of the playbook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How far before the range to look for operations that still run. Replaces the playbook's lookback.
    pub lookback: Option<Micros>,
    /// How far back operations are compared. Replaces the playbook's window.
    pub baseline_window: Option<Micros>,
    /// Globs of the services to search; empty means all.
    pub discovery_services: Vec<String>,
    /// Replaces the playbook's allowed silence.
    pub stall_threshold: Option<Micros>,
}

impl Options {
    /// How far before a time range to look for operations that still run, with this playbook.
    #[must_use]
    pub fn lookback_with(&self, playbook: &Playbook) -> Micros {
        self.lookback.unwrap_or(playbook.thresholds().lookback)
    }

    /// How far back operations are compared, with this playbook.
    #[must_use]
    pub fn baseline_window_with(&self, playbook: &Playbook) -> Micros {
        self.baseline_window.unwrap_or(playbook.thresholds().baseline_window)
    }
}

/// Answers questions from one Jaeger. Clones share the caches.
#[derive(Clone, Debug)]
pub struct Investigator {
    client: jaeger::Client,
    shared: Arc<Shared>,
    history: Option<History>,
    deadline: Option<Instant>,
}

#[derive(Debug)]
struct Shared {
    playbook: Arc<Playbook>,
    options: Options,
    caches: Caches,
}

/// The unfiltered answer to a question, as the cache holds it.
#[derive(Debug, Default)]
struct CachedAnswer {
    diagnoses: Vec<Arc<Diagnosis>>,
    traces: Arc<Vec<Trace>>,
    notices: Vec<String>,
    partial: bool,
    asked: Vec<String>,
    /// The operation or trace that the question resolved to, if it asked for a single one.
    target: Option<Target>,
}

/// An unfinished answer: what has been read from Jaeger so far.
#[derive(Debug, Default)]
struct Gathered {
    traces: Vec<Trace>,
    notices: Vec<String>,
    truncated: bool,
    asked: Vec<String>,
    /// Traces that were read by id.
    read: HashSet<TraceId>,
    /// Traces that could not be read by id, each with the reason.
    unread: HashMap<TraceId, String>,
}

impl Gathered {
    /// Adds what a search found; returns whether it brought new spans.
    fn add(&mut self, found: jaeger::SearchResult) -> bool {
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

impl CachedAnswer {
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
            basis: None,
        }
    }
}

impl Investigator {
    /// An investigator for the Jaeger behind `client`.
    #[must_use]
    pub fn new(client: jaeger::Client, playbook: Arc<Playbook>, options: Options) -> Self {
        let shared = Arc::new(Shared { playbook, options, caches: Caches::default() });
        Self { client, shared, history: None, deadline: None }
    }

    /// The same investigator that answers from recorded operations where it can.
    #[must_use]
    pub fn with_history(self, history: History) -> Self {
        Self { history: Some(history), ..self }
    }

    /// The same investigator for a caller with these headers (the identity that Grafana forwards). Callers with different
    /// headers do not share cache entries, and recorded operations are for nobody in particular, so they get none of them.
    ///
    /// # Errors
    /// When a name or value is not valid in a header.
    pub fn with_headers<N: AsRef<str>, V: AsRef<str>>(
        &self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, jaeger::Error> {
        let client = self.client.with_headers(headers)?;
        Ok(Self { client, shared: Arc::clone(&self.shared), history: None, deadline: self.deadline })
    }

    /// The same investigator for a question that must be answered by `deadline`; see [`jaeger::Client::with_deadline`].
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        let client = self.client.with_deadline(deadline);
        Self { client, deadline: Some(deadline), ..self.clone() }
    }

    /// The client that queries Jaeger.
    #[must_use]
    pub fn client(&self) -> &jaeger::Client {
        &self.client
    }

    /// How often the cache answered, over all callers.
    #[must_use]
    pub fn cache_use(&self) -> CacheUse {
        self.caches().usage()
    }

    /// The playbook that is applied.
    #[must_use]
    pub fn playbook(&self) -> &Arc<Playbook> {
        &self.shared.playbook
    }

    fn options(&self) -> &Options {
        &self.shared.options
    }

    /// How far before a time range to look for operations that still run.
    fn lookback(&self) -> Micros {
        self.options().lookback_with(&self.shared.playbook)
    }

    /// How far back operations are compared.
    fn baseline_window(&self) -> Micros {
        self.options().baseline_window_with(&self.shared.playbook)
    }

    fn caches(&self) -> &Caches {
        &self.shared.caches
    }

    /// One operation (one row, verdict `not_found` when no trace has the id) or all operations of one trace.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn diagnosis(&self, target: &Target, now: Time) -> Result<Answer, Error> {
        if let Some(mut kept) = self.kept(target, now).await {
            if let Target::Trace(id) = kept.target {
                select::main_first(&mut kept.answer.diagnoses, id);
            }
            return Ok(kept.answer);
        }
        let cached = self.single(target, now).await?;
        Ok(cached.answer(cached.diagnoses.clone()))
    }

    /// The traces to show in the trace view: those of an operation, the main one first, or the requested trace.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn traces(&self, target: &Target, now: Time) -> Result<Vec<Trace>, Error> {
        let kept = self
            .kept(target, now)
            .await
            .map(|kept| (traces_of(Some(&kept.target), &kept.answer.diagnoses, &kept.traces), kept.is_cut));
        if let Some((traces, false)) = kept {
            return Ok(traces);
        }
        let live = self.single(target, now).await;
        let live = live.map(|cached| traces_of(cached.target.as_ref(), &cached.diagnoses, &cached.traces));
        match (kept, live) {
            // Jaeger may have forgotten what is still kept in part.
            (Some((kept, _)), Err(_)) => Ok(kept),
            (Some((kept, _)), Ok(live)) if live.iter().all(Trace::is_empty) => Ok(kept),
            (_, live) => Ok(live?),
        }
    }

    /// What is kept of the operations that an id names. A store that cannot be read is no reason not to ask Jaeger.
    async fn kept(&self, target: &Target, now: Time) -> Option<Kept> {
        let kept = self.history.as_ref()?.single(target, now).await;
        kept.unwrap_or_else(|error| {
            tracing::warn!(%error, "recorded operations cannot be read: asking Jaeger");
            None
        })
    }

    fn context(&self, now: Time, tags: Vec<(String, String)>) -> Context {
        let Options { stall_threshold, baseline_window, .. } = *self.options();
        Context { now, baseline_window, tags, stall_threshold, ..Context::default() }
    }

    /// Applies the playbook on a blocking thread.
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

    fn cached_answer(gathered: Gathered, report: Report, target: Option<Target>) -> CachedAnswer {
        let partial = gathered.truncated;
        let mut diagnoses: Vec<_> = report.diagnoses.into_iter().map(Arc::new).collect();
        diagnoses.shrink_to_fit();
        let traces = Arc::new(gathered.traces);
        CachedAnswer { diagnoses, traces, notices: gathered.notices, partial, asked: gathered.asked, target }
    }
}

/// The traces of an operation, the main one first, or the trace that was asked for.
fn traces_of(target: Option<&Target>, diagnoses: &[Arc<Diagnosis>], traces: &[Trace]) -> Vec<Trace> {
    let mut ids: Vec<TraceId> = match target {
        Some(Target::Trace(id)) => vec![*id],
        _ => diagnoses.iter().flat_map(|d| &d.trace_ids).copied().collect(),
    };
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(*id));
    ids.iter().filter_map(|id| traces.iter().find(|trace| trace.id() == *id).cloned()).collect()
}
