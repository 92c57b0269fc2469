//! Reads traces again by their id. A search may return only a part of a trace: some storages only look near the time that
//! was searched, others stop at a number of rows. A verdict that rests on missing spans must not rest on such a part, so
//! these traces are read as a whole before the verdict is given.

use std::sync::atomic::Ordering::Relaxed;

use futures_util::StreamExt as _;

use super::{CONCURRENT_REQUESTS, Gathered, Investigator};
use diagnosis::playbook::{Bindings, Placeholder, rule_ids};
use diagnosis::{Confidence, Context, Diagnosis, Severity, Verdict};
use jaeger::Error;
use trace::{Micros, Trace, TraceId};

/// Of a longer trace some storages return only the part within an hour of the searched window.
const LONG: Micros = Micros::from_secs(45 * 60);
/// How many traces one question reads because a verdict rests on spans that are missing from them.
const MOST_DOUBTFUL: usize = 200;
/// How many traces one question reads to check whether searches return whole traces.
const MOST_SAMPLES: usize = 20;
/// After this many useless reads in a row, searches are assumed to return whole traces.
const USELESS_READS: u32 = 5;
/// How often one question diagnoses again because of new spans.
const MOST_ROUNDS: usize = 3;
/// The verdict of an operation whose trace could not be read.
const UNREAD: &str = rule_ids::UNKNOWN_TRACE_UNREAD;

/// What reading a trace by its id brought.
enum Reread {
    /// More spans than the search had returned.
    Larger(Trace),
    /// Nothing new: the search had returned the whole trace, with this many spans.
    Complete(usize),
    /// Only a part can be read, and the reason.
    Partial(Option<Trace>, String),
    Failed(Error),
}

/// Whether the verdict rests on missing spans.
fn rests_on_absence(d: &Diagnosis) -> bool {
    let open = !d.status.is_terminal() && d.severity >= Severity::Warning;
    open || matches!(d.verdict, Verdict::Stuck | Verdict::TraceBroken | Verdict::Unknown)
}

fn is_long(trace: &Trace) -> bool {
    trace.start().zip(trace.end()).is_some_and(|(start, end)| end - start > LONG)
}

impl Investigator {
    /// Diagnoses again after reading by id what the verdicts of `selected` rest on, until that finds nothing new. A
    /// verdict that rests on a trace which could not be read becomes `unknown`.
    pub(super) async fn reread_doubtful(
        &self,
        gathered: &mut Gathered,
        report: &mut Vec<Diagnosis>,
        selected: impl Fn(&Diagnosis) -> bool,
        context: &Context,
    ) {
        for _ in 0..MOST_ROUNDS {
            let doubtful = report.iter().filter(|d| selected(d) && rests_on_absence(d));
            let ids: Vec<TraceId> = doubtful.flat_map(|d| d.trace_ids.iter().copied()).collect();
            let running = report.iter().filter(|d| selected(d) && !d.status.is_terminal());
            let samples: Vec<TraceId> = running.flat_map(|d| d.trace_ids.iter().copied()).collect();
            if !self.reread(gathered, &ids, &samples).await {
                break;
            }
            *report = self.diagnose(gathered, context.clone()).await.diagnoses;
        }
        for diagnosis in report.iter_mut().filter(|d| rests_on_absence(d)) {
            let why = diagnosis.trace_ids.iter().find_map(|id| gathered.unread.get(id));
            if let Some(why) = why {
                *diagnosis = self.unread(diagnosis, why);
            }
        }
    }

    /// Reads by id the traces `ids`, and a few of the others as long as that brings new spans; returns whether any did.
    async fn reread(&self, gathered: &mut Gathered, ids: &[TraceId], samples: &[TraceId]) -> bool {
        let identity = self.client.identity();
        for id in ids.iter().skip(MOST_DOUBTFUL) {
            let why = format!("more than {MOST_DOUBTFUL} traces would have to be read: ask for a shorter time range");
            gathered.unread.entry(*id).or_insert(why);
        }
        let mut wanted: Vec<(TraceId, usize)> = Vec::new();
        for id in ids.iter().take(MOST_DOUBTFUL) {
            let had = gathered.traces.iter().find(|trace| trace.id() == *id).map(Trace::len);
            let Some(had) = had.filter(|_| !gathered.read.contains(id)) else { continue };
            if self.caches().span_counts.get(&(identity, *id)).await.is_none_or(|whole| whole > had) {
                gathered.read.insert(*id);
                wanted.push((*id, had));
            }
        }
        let mut added = self.reread_each(gathered, wanted).await;
        let mut left = MOST_SAMPLES;
        loop {
            // No more than may still be useless; a useful read allows more.
            let most = USELESS_READS.saturating_sub(self.caches().useless_reads.load(Relaxed)) as usize;
            let unread = gathered.traces.iter().filter(|trace| !gathered.read.contains(&trace.id()));
            let worth = unread.filter(|trace| is_long(trace) || samples.contains(&trace.id()));
            let batch: Vec<_> = worth.map(|trace| (trace.id(), trace.len())).take(most.min(left)).collect();
            if batch.is_empty() {
                return added;
            }
            left -= batch.len();
            added |= self.reread_each(gathered, batch).await;
        }
    }

    /// Reads these traces by id, each with the number of spans that are known; returns whether that found anything new.
    ///
    /// Which traces are read again depends on earlier questions. They are therefore not listed in `asked`: the same
    /// question always gets the same answer.
    async fn reread_each(&self, gathered: &mut Gathered, wanted: Vec<(TraceId, usize)>) -> bool {
        gathered.read.extend(wanted.iter().map(|(id, _)| *id));
        let each = wanted.into_iter().map(|(id, had)| async move { (id, self.reread_one(id, had).await) });
        let mut answers = futures_util::stream::iter(each).buffered(CONCURRENT_REQUESTS);
        let mut added = false;
        while let Some((id, outcome)) = answers.next().await {
            added |= self.add_reread(gathered, id, outcome).await;
        }
        jaeger::merge(&mut gathered.traces);
        added
    }

    async fn reread_one(&self, id: TraceId, had: usize) -> Reread {
        match self.trace_or_start(id).await {
            Ok(Some(trace)) => match trace.partial().map(str::to_owned) {
                Some(why) => Reread::Partial(Some(trace), why),
                None if trace.len() > had => Reread::Larger(trace),
                None => Reread::Complete(trace.len()),
            },
            Ok(None) => {
                let why = "Jaeger no longer has it as a whole: only what the search gave was read";
                Reread::Partial(None, why.to_owned())
            }
            Err(error) => Reread::Failed(error),
        }
    }

    /// A trace by its id, as much of it as fits into an answer.
    pub(super) async fn trace_or_start(&self, id: TraceId) -> Result<Option<Trace>, Error> {
        match self.client.trace(id).await {
            Err(error) if error.is_too_large() => self.client.trace_truncated(id).await,
            other => other,
        }
    }

    /// Adds what was read; returns whether the diagnosis may change.
    async fn add_reread(&self, gathered: &mut Gathered, id: TraceId, reread: Reread) -> bool {
        let key = (self.client.identity(), id);
        let why = match reread {
            Reread::Larger(trace) => {
                self.caches().useless_reads.store(0, Relaxed);
                self.caches().span_counts.insert(key, trace.len()).await;
                gathered.traces.push(trace);
                return true;
            }
            Reread::Complete(spans) => {
                self.caches().useless_reads.fetch_add(1, Relaxed);
                self.caches().span_counts.insert(key, spans).await;
                return false;
            }
            Reread::Partial(trace, why) => {
                gathered.traces.extend(trace);
                why
            }
            Reread::Failed(error) => {
                gathered.truncated = true;
                gathered.notice(format!("trace {id} could not be read as a whole: {error}"));
                gathered.unread.insert(id, error.to_string());
                format!("it could not be read as a whole: {error}")
            }
        };
        jaeger::merge(&mut gathered.traces);
        if let Some(trace) = gathered.traces.iter_mut().find(|trace| trace.id() == id) {
            trace.mark_partial(why);
        }
        true
    }

    /// The same operation with the verdict that nothing can be said, because a trace could not be read.
    fn unread(&self, diagnosis: &Diagnosis, why: &str) -> Diagnosis {
        let rule = self.shared.playbook.rule(UNREAD);
        let mut bindings = Bindings::default();
        bindings.quote(Placeholder::Operation, diagnosis.operation_id.as_deref().unwrap_or_default());
        bindings.quote(Placeholder::Message, why);
        let summary = rule.map_or_else(
            || "A trace of this operation could not be read as a whole".to_owned(),
            |rule| rule.summary.fill(&bindings),
        );
        Diagnosis {
            verdict: Verdict::Unknown,
            rule: UNREAD.to_owned(),
            severity: Severity::Notice,
            summary,
            root_cause: rule.and_then(|rule| rule.root_cause.as_ref()).map(|text| text.fill(&bindings)),
            solution: rule.and_then(|rule| rule.solution.as_ref()).map(|text| text.fill(&bindings)),
            confidence: Confidence::Low,
            confidence_reason: Some(format!("a trace could not be read as a whole: {why}")),
            evidence: Vec::new(),
            findings: Vec::new(),
            partial: true,
            ..diagnosis.clone()
        }
    }
}
