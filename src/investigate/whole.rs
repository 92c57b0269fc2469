//! Reading traces by their id. A search may give only a part of a trace: some storages only look near the time that was
//! searched, others stop at a number of rows. Whatever rests on spans that are not there must not rest on such a part, so
//! those traces are read by id before a verdict is given.

use std::sync::atomic::Ordering::Relaxed;

use futures_util::StreamExt as _;

use super::{AT_ONCE, Gathered, Investigator};
use crate::{
    diagnosis::{Confidence, Context, Diagnosis, Severity, Verdict},
    jaeger::Error,
    playbook::{Fill, Placeholder, rule_ids},
    trace::{Micros, Trace, TraceId},
};

/// Some storages give of a longer trace only the part within an hour of the search's window.
const LONG: Micros = Micros::from_secs(45 * 60);
/// How many traces one question reads because a verdict rests on what they lack.
const MOST_DOUBTFUL: usize = 200;
/// How many traces one question reads to see whether searches give whole traces.
const MOST_SAMPLES: usize = 20;
/// After so many that were whole already, searches are taken to give whole traces.
const USELESS_READS: u32 = 5;
/// How often new spans may lead to more traces in one question.
const MOST_ROUNDS: usize = 3;
/// The verdict of an operation whose trace could not be read.
const UNREAD: &str = rule_ids::UNKNOWN_TRACE_UNREAD;

/// What is known of a trace after it was asked for by id.
enum Whole {
    /// It has more spans than the search gave.
    Larger(Trace),
    /// The search gave all of it.
    Known(usize),
    /// Jaeger gave it up, or the answer was cut; why.
    Partial(Option<Trace>, String),
    Failed(Error),
}

/// Whether the verdict rests on spans that are not there.
fn rests_on_absence(d: &Diagnosis) -> bool {
    let open = !d.status.is_terminal() && d.severity >= Severity::Warning;
    open || matches!(d.verdict, Verdict::Stuck | Verdict::TraceBroken | Verdict::Unknown)
}

fn is_long(trace: &Trace) -> bool {
    trace.start().zip(trace.end()).is_some_and(|(start, end)| end - start > LONG)
}

impl Investigator {
    /// Diagnoses again after reading by id what the verdicts of `at_hand` rest on, until that finds nothing new. A
    /// verdict that rests on a trace which could not be read becomes `unknown`.
    pub(super) async fn read_doubtful(
        &self,
        gathered: &mut Gathered,
        report: &mut Vec<Diagnosis>,
        at_hand: impl Fn(&Diagnosis) -> bool,
        context: &Context,
    ) {
        for _ in 0..MOST_ROUNDS {
            let doubtful = report.iter().filter(|d| at_hand(d) && rests_on_absence(d));
            let ids: Vec<TraceId> = doubtful.flat_map(|d| d.trace_ids.iter().copied()).collect();
            let running = report.iter().filter(|d| at_hand(d) && !d.status.is_terminal());
            let samples: Vec<TraceId> = running.flat_map(|d| d.trace_ids.iter().copied()).collect();
            if !self.read_whole(gathered, &ids, &samples).await {
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

    /// Reads by id the traces `ids`, and a few of the others as long as that finds something; says whether it did.
    async fn read_whole(&self, gathered: &mut Gathered, ids: &[TraceId], samples: &[TraceId]) -> bool {
        let identity = self.client.identity();
        for id in ids.iter().skip(MOST_DOUBTFUL) {
            let why = format!("more than {MOST_DOUBTFUL} traces would have to be read: ask for a shorter time range");
            gathered.unread.entry(*id).or_insert(why);
        }
        let mut wanted: Vec<(TraceId, usize)> = Vec::new();
        for id in ids.iter().take(MOST_DOUBTFUL) {
            let had = gathered.traces.iter().find(|trace| trace.id() == *id).map(Trace::len);
            let Some(had) = had.filter(|_| !gathered.read.contains(id)) else { continue };
            if self.caches().whole.get(&(identity, *id)).await.is_none_or(|whole| whole > had) {
                gathered.read.insert(*id);
                wanted.push((*id, had));
            }
        }
        let mut added = self.read_each(gathered, wanted).await;
        let mut left = MOST_SAMPLES;
        loop {
            // As many as may still be useless; one that is not allows more.
            let most = USELESS_READS.saturating_sub(self.caches().useless_reads.load(Relaxed)) as usize;
            let unread = gathered.traces.iter().filter(|trace| !gathered.read.contains(&trace.id()));
            let worth = unread.filter(|trace| is_long(trace) || samples.contains(&trace.id()));
            let batch: Vec<_> = worth.map(|trace| (trace.id(), trace.len())).take(most.min(left)).collect();
            if batch.is_empty() {
                return added;
            }
            left -= batch.len();
            added |= self.read_each(gathered, batch).await;
        }
    }

    /// Reads these traces by id, each with the number of spans that are known; says whether that found anything new.
    async fn read_each(&self, gathered: &mut Gathered, wanted: Vec<(TraceId, usize)>) -> bool {
        gathered.asked.extend(wanted.iter().map(|(id, _)| format!("trace {id}")));
        gathered.read.extend(wanted.iter().map(|(id, _)| *id));
        let each = wanted.into_iter().map(|(id, had)| async move { (id, self.whole(id, had).await) });
        let mut answers = futures_util::stream::iter(each).buffered(AT_ONCE);
        let mut added = false;
        while let Some((id, whole)) = answers.next().await {
            added |= self.take_whole(gathered, id, whole).await;
        }
        crate::jaeger::merge(&mut gathered.traces);
        added
    }

    async fn whole(&self, id: TraceId, had: usize) -> Whole {
        match self.trace_or_start(id).await {
            Ok(Some(trace)) => match trace.partial().map(str::to_owned) {
                Some(why) => Whole::Partial(Some(trace), why),
                None if trace.len() > had => Whole::Larger(trace),
                None => Whole::Known(trace.len()),
            },
            Ok(None) => {
                let why = "Jaeger no longer has it as a whole: only what the search gave was read";
                Whole::Partial(None, why.to_owned())
            }
            Err(error) => Whole::Failed(error),
        }
    }

    /// A trace by its id, as much of it as fits into an answer.
    pub(super) async fn trace_or_start(&self, id: TraceId) -> Result<Option<Trace>, Error> {
        match self.client.trace(id).await {
            Err(error) if error.is_too_large() => self.client.trace_cut(id).await,
            other => other,
        }
    }

    /// Keeps what was read; says whether the diagnosis may change.
    async fn take_whole(&self, gathered: &mut Gathered, id: TraceId, whole: Whole) -> bool {
        let key = (self.client.identity(), id);
        let why = match whole {
            Whole::Larger(trace) => {
                self.caches().useless_reads.store(0, Relaxed);
                self.caches().whole.insert(key, trace.len()).await;
                gathered.traces.push(trace);
                return true;
            }
            Whole::Known(spans) => {
                self.caches().useless_reads.fetch_add(1, Relaxed);
                self.caches().whole.insert(key, spans).await;
                return false;
            }
            Whole::Partial(trace, why) => {
                gathered.traces.extend(trace);
                why
            }
            Whole::Failed(error) => {
                gathered.truncated = true;
                gathered.notice(format!("trace {id} could not be read as a whole: {error}"));
                gathered.unread.insert(id, error.to_string());
                format!("it could not be read as a whole: {error}")
            }
        };
        crate::jaeger::merge(&mut gathered.traces);
        if let Some(trace) = gathered.traces.iter_mut().find(|trace| trace.id() == id) {
            trace.mark_partial(why);
        }
        true
    }

    /// The same operation with the verdict that nothing can be said, because a trace could not be read.
    fn unread(&self, diagnosis: &Diagnosis, why: &str) -> Diagnosis {
        let rule = self.shared.playbook.rule(UNREAD);
        let mut fill = Fill::default();
        fill.quote(Placeholder::Operation, diagnosis.operation_id.as_deref().unwrap_or_default());
        fill.quote(Placeholder::Message, why);
        let summary = rule.map_or_else(
            || "A trace of this operation could not be read as a whole".to_owned(),
            |rule| rule.summary.fill(&fill),
        );
        Diagnosis {
            verdict: Verdict::Unknown,
            rule: UNREAD.to_owned(),
            severity: Severity::Notice,
            summary,
            root_cause: rule.and_then(|rule| rule.root_cause.as_ref()).map(|text| text.fill(&fill)),
            solution: rule.and_then(|rule| rule.solution.as_ref()).map(|text| text.fill(&fill)),
            confidence: Confidence::Low,
            confidence_reason: Some(format!("a trace could not be read as a whole: {why}")),
            evidence: Vec::new(),
            findings: Vec::new(),
            partial: true,
            ..diagnosis.clone()
        }
    }
}
