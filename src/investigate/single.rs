//! Answers questions about one operation or one trace, by its id. An answer whose operations have all ended stays in the
//! cache for longer, because it can no longer change.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use super::{CachedAnswer, Gathered, Investigator, LONGEST_LOOKBACK, cache::bucket, select, target::Target};
use diagnosis::playbook::{Bindings, Placeholder, Playbook, rule_ids};
use diagnosis::{Confidence, Context, Diagnosis, Severity, Verdict};
use jaeger;
use trace::{Time, TraceId};

impl Investigator {
    pub(super) async fn single(&self, target: &Target, now: Time) -> Result<Arc<CachedAnswer>, jaeger::Error> {
        self.caches().questions.fetch_add(1, Relaxed);
        let key = (self.client.identity(), target.clone());
        if let Some((cached, then)) = self.caches().finished.get(&key).await
            && then <= now
        {
            return Ok(cached);
        }
        let running_key = (key.clone(), bucket(now));
        let work = Box::pin(self.fetch_single(target.clone(), now));
        let cached =
            self.caches().single.try_get_with(running_key, work).await.map_err(|error| jaeger::Error::clone(&error))?;
        let finished = !cached.diagnoses.is_empty() && cached.diagnoses.iter().all(|d| d.status.is_terminal());
        if finished {
            self.caches().finished.insert(key, (Arc::clone(&cached), now)).await;
        }
        Ok(cached)
    }

    async fn fetch_single(&self, target: Target, now: Time) -> Result<Arc<CachedAnswer>, jaeger::Error> {
        self.caches().fetched.fetch_add(1, Relaxed);
        let mut gathered = Gathered::default();
        let meanings = target.meanings(&self.shared.playbook);
        let mut meaning = meanings.first().unwrap_or(&target);
        let mut searched = Vec::new();
        for next in &meanings {
            searched.push(self.find(next, now, &mut gathered).await?);
            if !gathered.traces.is_empty() {
                meaning = next;
                break;
            }
        }
        let target = meaning.clone();
        let context = self.context(now, Vec::new());
        let mut report = self.diagnose(&mut gathered, context.clone()).await;
        let selected: Vec<&Diagnosis> = report.diagnoses.iter().filter(|d| target.includes(d)).collect();
        let mut follow_ups = self.follow_ups(&selected, now).await;
        if matches!(target, Target::Trace(_)) {
            follow_ups.extend(self.other_traces(&selected, now).await);
        }
        if let Some(main) = selected.first() {
            follow_ups.extend(self.follow_ups_of_one(main, now).await);
        }
        let (added, history) =
            tokio::join!(self.run_follow_ups(follow_ups, &mut gathered), self.history(select::types(&selected), now));
        let context = Context { history, ..context };
        if added || !context.history.is_empty() {
            report = self.diagnose(&mut gathered, context.clone()).await;
        }
        self.reread_doubtful(&mut gathered, &mut report.diagnoses, |d| target.includes(d), &context).await;
        report.diagnoses.retain(|d| target.includes(d));
        let found = !gathered.traces.is_empty();
        if let Target::Trace(id) = &target {
            select::main_first(&mut report.diagnoses, *id);
            if report.diagnoses.is_empty() && found {
                gathered.notice(format!("trace {id} holds no operation of {}", self.shared.playbook.name()));
            }
        }
        if report.diagnoses.is_empty() && (!found || matches!(target, Target::Operation(_))) {
            report.diagnoses.push(not_found(&self.shared.playbook, &target, &searched.join("; ")));
        }
        Ok(Arc::new(Self::cached_answer(gathered, report, Some(target))))
    }

    /// Fetches the traces of an operation or the one trace; returns a sentence on where it searched.
    async fn find(&self, target: &Target, now: Time, gathered: &mut Gathered) -> Result<String, jaeger::Error> {
        match target {
            Target::Operation(id) | Target::Either(id, _) => self.find_operation(id, now, gathered).await,
            Target::Trace(id) => {
                self.find_trace(*id, gathered).await?;
                Ok(format!("no trace {id} was found at {}", self.client.base()))
            }
        }
    }

    /// Fetches all traces that carry an operation's id; returns a sentence on where it searched.
    async fn find_operation(&self, id: &str, now: Time, gathered: &mut Gathered) -> Result<String, jaeger::Error> {
        let margin = self.shared.playbook.thresholds().id_margin;
        let written = self.shared.playbook.time_in_id(id).filter(|at| *at <= now + margin);
        let starts = match written {
            Some(at) => vec![at - margin],
            None => vec![now - self.lookback(), now - LONGEST_LOOKBACK],
        };
        let mut from = now;
        for start in starts {
            from = start.min(from);
            self.search_id(id, from, now, gathered).await?;
            if !gathered.traces.is_empty() {
                break;
            }
        }
        Ok(format!("spans with the id were searched in {} from {from} to {now}", self.client.base()))
    }

    async fn find_trace(&self, id: TraceId, gathered: &mut Gathered) -> Result<(), jaeger::Error> {
        gathered.asked.push(format!("trace {id}"));
        gathered.read.insert(id);
        gathered.traces.extend(self.trace_or_start(id).await?);
        Ok(())
    }
}

/// The answer about an id that is nowhere, with a sentence on where it was searched.
pub(crate) fn not_found(playbook: &Playbook, target: &Target, searched: &str) -> Diagnosis {
    let (id, text) = match target {
        Target::Operation(id) | Target::Either(id, _) => (Some(id.clone()), id.clone()),
        Target::Trace(id) => (None, id.to_string()),
    };
    let rule = playbook.rule(rule_ids::NOT_FOUND_NO_TRACE);
    let mut bindings = Bindings::default();
    bindings.quote(Placeholder::Operation, &text);
    let summary = rule.map_or_else(|| format!("No trace has the id {text}"), |rule| rule.summary.fill(&bindings));
    Diagnosis {
        operation_type: id.as_deref().and_then(|id| playbook.type_in_id(id)).unwrap_or_else(|| "unknown".to_owned()),
        operation_id: id,
        verdict: Verdict::NotFound,
        rule: rule_ids::NOT_FOUND_NO_TRACE.to_owned(),
        severity: Severity::Notice,
        summary: format!("{summary}: {searched}"),
        root_cause: rule.and_then(|rule| rule.root_cause.as_ref()).map(|text| text.fill(&bindings)),
        solution: rule.and_then(|rule| rule.solution.as_ref()).map(|text| text.fill(&bindings)),
        confidence: Confidence::High,
        ..Diagnosis::default()
    }
}
