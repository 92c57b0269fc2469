//! What changed: the operations of a range against those of a baseline range.
//!
//! Where no service has spans that start or register an operation of the playbook, the requests are compared instead, one
//! per root span. Either way the answer rests on a bounded sample of both ranges, and says so.

use std::{collections::BTreeSet, sync::Arc};

use hashbrown::HashSet;

use super::{Gathered, Investigator};
use diagnosis::{
    Context, Detail, Diagnosis, Filters, Observed, TimeRange,
    culprits::{Comparison, Parameters, RequestProfile, culprits, profiles},
    observe_operations,
};
use jaeger::{Error, Search};
use trace::{Micros, Time, Trace, TraceId};

/// How many operations or requests of each range are compared.
pub const SAMPLE: usize = 200;
/// Requests are sampled in so many parts of a range, so that not only its newest minutes count.
const PARTS: i64 = 8;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The operations of the playbook.
    Operations,
    /// Every root span with what is below it.
    Requests,
}

/// What changed, and what to know about the answer.
#[derive(Clone, Debug)]
pub struct WhatChanged {
    /// What was compared.
    pub compared: Compared,
    /// The culprits.
    pub comparison: Comparison,
    /// What a reader must know: the size of the sample, what was left out.
    pub notices: Vec<String>,
    /// Whether something is missing that would belong to the sample.
    pub partial: bool,
    /// What was asked of Jaeger, in a form a person can repeat.
    pub executed: String,
}

/// The operations or requests of one range.
#[derive(Clone, Debug, Default)]
pub struct Side {
    profiles: Vec<RequestProfile>,
    /// Operations that have not ended or were cancelled.
    not_compared: usize,
    notices: Vec<String>,
    partial: bool,
    executed: Vec<String>,
}

impl Side {
    /// The operations among these that have ended.
    pub fn of_operations(observed: impl IntoIterator<Item = Observed>) -> Self {
        let mut side = Self::default();
        for one in observed {
            match one.profile {
                Some(profile) => side.profiles.push(profile),
                None => side.not_compared += 1,
            }
        }
        side
    }

    /// The requests of these traces.
    pub fn of_requests<'t>(traces: impl IntoIterator<Item = &'t Trace>) -> Self {
        Self { profiles: traces.into_iter().flat_map(profiles).collect(), ..Self::default() }
    }
}

impl WhatChanged {
    /// Compares two ranges. What is in both counts for the window only.
    #[must_use]
    pub fn new(compared: Compared, window: Side, mut baseline: Side) -> Self {
        let known: HashSet<(TraceId, Time)> = window.profiles.iter().map(|one| (one.trace_id, one.start)).collect();
        baseline.profiles.retain(|one| !known.contains(&(one.trace_id, one.start)));
        let comparison = culprits(&window.profiles, &baseline.profiles, &Parameters::default());
        let mut notices: BTreeSet<String> = BTreeSet::new();
        let noun = match compared {
            Compared::Operations => "operations",
            Compared::Requests => "requests",
        };
        notices.insert(format!(
            "{} {noun} of the window were compared with {} of the baseline",
            comparison.operations, comparison.baseline_operations
        ));
        if !comparison.unknown_types.is_empty() {
            notices.insert(format!(
                "the baseline has no {noun} of these types, so they could not be compared: {}",
                jaeger::abbreviated_list(&comparison.unknown_types)
            ));
        }
        for (side, name) in [(&window, "window"), (&baseline, "baseline")] {
            if side.not_compared > 0 {
                notices.insert(format!(
                    "{} operations of the {name} have not ended or were cancelled and were left out",
                    side.not_compared
                ));
            }
        }
        notices.extend(window.notices.into_iter().chain(baseline.notices));
        let executed: Vec<String> = window.executed.into_iter().chain(baseline.executed).collect();
        Self {
            compared,
            comparison,
            notices: notices.into_iter().collect(),
            partial: window.partial || baseline.partial,
            executed: executed.join("\n"),
        }
    }
}

impl Investigator {
    /// What changed in `window`, compared with `baseline`. Filters apply to operations; requests have none but `services`
    /// and tags.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn culprits(
        &self,
        window: TimeRange,
        baseline: TimeRange,
        filters: &Filters,
        now: Time,
    ) -> Result<WhatChanged, Error> {
        let has_operations = !self.candidates(&mut Gathered::default()).await?.is_empty();
        if has_operations {
            let sides = tokio::try_join!(
                self.operations_of("window", window, filters, now),
                self.operations_of("baseline", baseline, filters, now)
            );
            let (window, baseline) = sides?;
            return Ok(WhatChanged::new(Compared::Operations, window, baseline));
        }
        let (window, baseline) = tokio::try_join!(
            self.requests_of("window", window, filters),
            self.requests_of("baseline", baseline, filters)
        )?;
        let mut answer = WhatChanged::new(Compared::Requests, window, baseline);
        answer.notices.push(
            "no service has spans that start or register an operation of the playbook, so requests are compared, one per \
             root span"
                .to_owned(),
        );
        Ok(answer)
    }

    async fn operations_of(&self, name: &str, range: TimeRange, filters: &Filters, now: Time) -> Result<Side, Error> {
        let case = self.list(range, &filters.tags, SAMPLE, now).await?;
        let clock = range.to.min(now);
        let fits = |d: &&Arc<Diagnosis>| range.overlaps(d, clock) && filters.fit(d, &self.shared.playbook);
        let wanted: Vec<&Arc<Diagnosis>> = case.diagnoses.iter().filter(fits).collect();
        let all = wanted.len();
        let key = |d: &Diagnosis| (d.operation_id.clone(), d.trace_id);
        let sample: HashSet<_> = wanted.iter().take(SAMPLE).map(|d| key(d)).collect();
        let context =
            Context { detail: Detail::Record, latest: Some(now), ..self.context(clock, filters.tags.clone()) };
        let (traces, playbook) = (Arc::clone(&case.traces), Arc::clone(&self.shared.playbook));
        let work = move || observe_operations(&traces, &playbook, &context);
        let observed = tokio::task::spawn_blocking(work).await;
        let failure =
            observed.as_ref().err().map(|why| format!("the operations of the {name} could not be compared: {why}"));
        let observed = observed.unwrap_or_default().into_iter();
        let mut side = Side::of_operations(observed.filter(|one| sample.contains(&key(&one.diagnosis))));
        if all > SAMPLE {
            side.notices.push(format!("of {all} operations of the {name} the newest {SAMPLE} were read"));
        }
        let answer = case.answer(Vec::new());
        side.notices.extend(answer.notices.into_iter().map(|notice| format!("{name}: {notice}")));
        side.partial = answer.partial || failure.is_some();
        side.notices.extend(failure);
        side.executed.push(answer.executed);
        Ok(side)
    }

    /// Requests of a range, as many of each part of it.
    async fn requests_of(&self, name: &str, range: TimeRange, filters: &Filters) -> Result<Side, Error> {
        let length = (range.to - range.from).0;
        let parts = PARTS.min(length.max(1));
        let services: Vec<Option<String>> = if filters.services.is_empty() {
            if self.options().discovery_services.is_empty() {
                vec![None]
            } else {
                self.all_services().await?.iter().cloned().map(Some).collect()
            }
        } else {
            filters.services.iter().cloned().map(Some).collect()
        };
        let limit = SAMPLE.div_ceil(parts.unsigned_abs() as usize);
        let searches = |part: i64| -> Vec<Search> {
            let at = |part: i64| range.from + Micros(length / parts * part);
            let to = if part + 1 == parts { range.to } else { at(part + 1) - Micros(1) };
            let attributes = filters.tags.clone();
            let search = Search { attributes, from: at(part), to, limit, ..Search::default() };
            services.iter().map(|service| Search { service: service.clone(), ..search.clone() }).collect()
        };
        let mut gathered = Gathered::default();
        let (mut is_sample, mut partial) = (false, false);
        for part in 0..parts {
            let mut found = self.fetch_all(searches(part)).await?;
            is_sample |= found.truncated || found.traces.len() > limit;
            partial |= found.partial;
            found.traces.truncate(limit);
            gathered.add(found);
        }
        let mut side = Side::of_requests(&gathered.traces);
        side.notices = gathered.notices.into_iter().map(|notice| format!("{name}: {notice}")).collect();
        if is_sample {
            side.notices.push(format!(
                "the {name} has more traces than the {} that were read, spread over {parts} parts of it",
                gathered.traces.len()
            ));
        }
        (side.partial, side.executed) = (partial, gathered.asked);
        Ok(side)
    }
}
