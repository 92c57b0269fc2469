//! What changed: the operations of a range against those of a baseline range.
//!
//! Where no service has spans that start or register an operation of the playbook, the requests are compared instead, one
//! per root span. Either way the answer rests on a bounded sample of both ranges, and says so. Only operations that have
//! ended are compared, so nothing is read beyond the two ranges: no lookback, and no follow-up searches for what still
//! runs. Where a history covers both ranges, the recorded operations are compared instead of a sample.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use futures_util::StreamExt as _;

use hashbrown::HashSet;
use tokio::time::Instant;

use super::{CONCURRENT_REQUESTS, Gathered, Investigator, cache::CulpritsKey, discover::Named, fetch::combined};
use diagnosis::playbook::{Playbook, RouteRole, SpanRole};
use diagnosis::{
    Context, Detail, Filters, Observed, TimeRange,
    culprits::{Compared, ComparedRanges, Side, WhatChanged},
    observe_operations,
};
use jaeger::{Error, Search, SearchResult};
use trace::{Micros, Time, Trace, TraceId};

/// How many operations or requests of each range are compared.
pub const SAMPLE: usize = 200;
/// Requests are sampled in so many parts of a range, so that not only its newest minutes count.
const PARTS: usize = 8;
/// How many searches one range may take.
const MOST_SEARCHES: usize = 400;
/// The least that a search asks for, however many there are.
const LEAST_PER_SEARCH: usize = 25;
/// The same for a search in a part of a range.
const LEAST_PER_PART: usize = 5;
/// How often searches that have more traces are asked for twice as many …
const MOST_ROUNDS: usize = 2;
/// … unless Jaeger already took this long: a smaller sample in time is better than none.
const LONGEST_ROUND: Duration = Duration::from_secs(4);

/// How many traces each of so many searches asks for. Some find the same operations or few, so together they may ask for
/// four times the sample.
fn limit_of_each(searches: usize) -> usize {
    (4 * SAMPLE).div_ceil(searches.max(1)).clamp(LEAST_PER_SEARCH, SAMPLE)
}

/// Into how many parts a range is divided when each is searched in so many services.
fn parts_of_range(services: usize) -> usize {
    (MOST_SEARCHES / services.max(1)).clamp(1, PARTS)
}

/// How many traces of a part are compared, and how many a search in one of so many services asks for. Services see the
/// same requests, so a few services may each bring a full part.
fn limits_of_part(parts: usize, services: usize) -> (usize, usize) {
    let of_part = SAMPLE.div_ceil(parts.max(1));
    let of_search = (of_part * PARTS).div_ceil(services.max(1)).clamp(LEAST_PER_PART.min(of_part), of_part);
    (of_part, of_search)
}

/// Whether spans of this name are written when an operation is requested.
fn is_start(playbook: &Playbook, name: &str) -> bool {
    let route = name.split_once(' ').and_then(|(method, path)| playbook.route(method, path));
    route.is_some_and(|route| route.role == RouteRole::Start)
}

/// Whether spans of this name are written when an operation changes its state, also at its end.
fn is_transition(playbook: &Playbook, name: &str) -> bool {
    playbook.span_roles(name).any(|role| role == SpanRole::Transition)
}

/// The names by which to find the operations that started or ended in a range, so that each is found about once: those of
/// starts in services that have them, those of transitions in others. All names if no service has either.
fn chosen(mut candidates: Vec<Named>, playbook: &Playbook) -> Vec<Named> {
    let fits = |name: &String| is_start(playbook, name) || is_transition(playbook, name);
    if !candidates.iter().any(|(_, names)| names.iter().any(fits)) {
        return candidates;
    }
    for (_, names) in &mut candidates {
        let has_starts = names.iter().any(|name| is_start(playbook, name));
        names.retain(|name| if has_starts { is_start(playbook, name) } else { is_transition(playbook, name) });
    }
    candidates.retain(|(_, names)| !names.is_empty());
    candidates
}

impl Investigator {
    /// What changed in a window, compared with a baseline. Filters apply to operations; requests have none but `services`
    /// and tags. Callers who ask the same at the same time share an answer.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn culprits(
        &self,
        ranges: ComparedRanges,
        filters: &Filters,
        now: Time,
    ) -> Result<Arc<WhatChanged>, super::Error> {
        self.caches().questions.fetch_add(1, Relaxed);
        let key = CulpritsKey::new(self.client.identity(), ranges, filters, now);
        if let Some(changed) = self.recorded_culprits(&key, ranges, filters, now).await? {
            return Ok(changed);
        }
        let work = Box::pin(async { self.compare(ranges, filters, now).await.map(Arc::new) });
        let changed = self.caches().culprits.try_get_with(key, work).await;
        Ok(changed.map_err(|error| Error::clone(&error))?)
    }

    /// The answer from recorded operations, where they cover both ranges.
    async fn recorded_culprits(
        &self,
        key: &CulpritsKey,
        ranges: ComparedRanges,
        filters: &Filters,
        now: Time,
    ) -> Result<Option<Arc<WhatChanged>>, super::Error> {
        let Some(history) = &self.history else { return Ok(None) };
        if let Some(changed) = self.caches().culprits.get(key).await {
            return Ok(Some(changed));
        }
        let Some((window, baseline)) = history.sides(ranges, filters, now).await? else { return Ok(None) };
        if window.profiles.is_empty() && baseline.profiles.is_empty() {
            // A system without operations of the playbook has none in the store either: its requests are compared.
            return Ok(None);
        }
        let changed = Arc::new(WhatChanged::new(Compared::Operations, Some(ranges), window, baseline));
        self.caches().culprits.insert(key.clone(), Arc::clone(&changed)).await;
        Ok(Some(changed))
    }

    async fn compare(&self, ranges: ComparedRanges, filters: &Filters, now: Time) -> Result<WhatChanged, Error> {
        self.caches().fetched.fetch_add(1, Relaxed);
        let mut services = Gathered::default();
        let named = chosen(self.candidates(&mut services).await?, &self.shared.playbook);
        let (compared, (mut window, baseline)) = if named.is_empty() {
            let sides = tokio::try_join!(
                self.requests_of("window", ranges.window(), filters),
                self.requests_of("baseline", ranges.baseline(), filters)
            );
            (Compared::Requests, sides?)
        } else {
            let sides = tokio::try_join!(
                self.operations_of("window", ranges.window(), &named, filters, now),
                self.operations_of("baseline", ranges.baseline(), &named, filters, now)
            );
            (Compared::Operations, sides?)
        };
        window.notices.extend(services.notices);
        window.partial |= services.truncated;
        let mut answer = WhatChanged::new(compared, Some(ranges), window, baseline);
        if compared == Compared::Requests {
            answer.notices.push(
                "no service has spans that start or register an operation of the playbook, so requests are compared, \
                 one per root span"
                    .to_owned(),
            );
        }
        Ok(answer)
    }

    /// Runs searches with few traces each. Those that have more are asked for twice as many, as long as all together have
    /// not found the sample.
    async fn fetch_sample(&self, searches: Vec<Search>) -> Result<SearchResult, Error> {
        let started = Instant::now();
        let mut answers = self.fetch_each(searches).await;
        for _ in 0..MOST_ROUNDS {
            if started.elapsed() > LONGEST_ROUND {
                break;
            }
            let traces = answers.iter().filter_map(|(_, answer)| answer.as_ref().ok()).flat_map(|found| &found.traces);
            if traces.map(Trace::id).collect::<HashSet<TraceId>>().len() >= SAMPLE {
                break;
            }
            let has_more = |(search, answer): &(Search, Result<SearchResult, Error>)| {
                search.limit < SAMPLE && answer.as_ref().is_ok_and(|found| found.truncated)
            };
            let (again, complete): (Vec<_>, Vec<_>) = answers.into_iter().partition(has_more);
            answers = complete;
            if again.is_empty() {
                break;
            }
            let more =
                again.iter().map(|(search, _)| Search { limit: (2 * search.limit).min(SAMPLE), ..search.clone() });
            let more = self.fetch_each(more.collect()).await;
            // What was found before remains if the larger search fails.
            let failed = |search: &Search| {
                let same = |other: &Search| (&other.service, &other.operation) == (&search.service, &search.operation);
                more.iter().any(|(other, answer)| answer.is_err() && same(other))
            };
            answers.extend(again.into_iter().filter(|(search, _)| failed(search)));
            answers.extend(more.into_iter().filter(|(_, answer)| answer.is_ok()));
        }
        combined(answers)
    }

    /// Operations that started or ended in a range.
    async fn operations_of(
        &self,
        name: &str,
        range: TimeRange,
        named: &[Named],
        filters: &Filters,
        now: Time,
    ) -> Result<Side, Error> {
        let clock = range.to.min(now);
        let pairs = named.iter().flat_map(|(service, names)| names.iter().map(move |name| (service, name)));
        let mut searches: Vec<Search> = pairs
            .map(|(service, name)| Search {
                service: Some(service.clone()),
                operation: Some(name.clone()),
                from: range.from,
                to: range.to,
                ..Search::default()
            })
            .collect();
        let not_searched = searches.len().saturating_sub(MOST_SEARCHES);
        searches.truncate(MOST_SEARCHES);
        let limit = limit_of_each(searches.len());
        for search in &mut searches {
            search.limit = limit;
        }
        let found = self.fetch_sample(searches).await?;
        let context =
            Context { detail: Detail::Record, latest: Some(now), ..self.context(clock, filters.tags.clone()) };
        let (traces, playbook) = (found.traces, Arc::clone(&self.shared.playbook));
        let work = move || observe_operations(&traces, &playbook, &context);
        let observed = tokio::task::spawn_blocking(work).await;
        let failure =
            observed.as_ref().err().map(|why| format!("the operations of the {name} could not be compared: {why}"));
        let fits = |one: &Observed| {
            range.holds_start_or_end(&one.diagnosis) && filters.fit(&one.diagnosis, &self.shared.playbook)
        };
        let mut wanted: Vec<Observed> = observed.unwrap_or_default().into_iter().filter(fits).collect();
        let all = wanted.len();
        wanted.truncate(SAMPLE);
        let mut side = Side::of_operations(wanted);
        if all > SAMPLE {
            side.notices.push(format!("of {all} operations of the {name} that were read the newest {SAMPLE} count"));
        }
        if found.truncated && !found.partial {
            side.notices.push(format!(
                "the {name} may have more operations than the {all} that were read, which are the newest"
            ));
        }
        if not_searched > 0 {
            side.notices.push(format!("{name}: {not_searched} span names were not searched"));
        }
        side.notices.extend(found.notes.into_iter().map(|notice| format!("{name}: {notice}")));
        side.partial = found.partial || not_searched > 0 || failure.is_some();
        side.notices.extend(failure);
        side.executed = found.asked;
        Ok(side)
    }

    /// The services in which requests are searched; `None` stands for all of them in one search.
    async fn services_of_requests(&self, filters: &Filters) -> Result<Vec<Option<String>>, Error> {
        if !filters.services.is_empty() {
            return Ok(filters.services.iter().cloned().map(Some).collect());
        }
        if self.options().discovery_services.is_empty() && !self.client.requires_service().await? {
            return Ok(vec![None]);
        }
        Ok(self.all_services().await?.iter().cloned().map(Some).collect())
    }

    /// Requests of a range, as many of each part of it.
    async fn requests_of(&self, name: &str, range: TimeRange, filters: &Filters) -> Result<Side, Error> {
        let mut services = self.services_of_requests(filters).await?;
        let not_searched = services.len().saturating_sub(MOST_SEARCHES);
        services.truncate(MOST_SEARCHES);
        if services.is_empty() {
            return Ok(Side::default());
        }
        let length = (range.to - range.from).0.max(1);
        let parts = parts_of_range(services.len()).min(usize::try_from(length).unwrap_or(PARTS));
        let (of_part, of_search) = limits_of_part(parts, services.len());
        let searches = |part: i64| -> Vec<Search> {
            let at = |part: i64| range.from + Micros(length / parts as i64 * part);
            let to = if part + 1 == parts as i64 { range.to } else { at(part + 1) - Micros(1) };
            let search =
                Search { attributes: filters.tags.clone(), from: at(part), to, limit: of_search, ..Search::default() };
            services.iter().map(|service| Search { service: service.clone(), ..search.clone() }).collect()
        };
        let mut gathered = Gathered::default();
        let (mut is_sample, mut partial) = (false, not_searched > 0);
        let at_once = CONCURRENT_REQUESTS.div_euclid(services.len()).max(1);
        let mut answers =
            futures_util::stream::iter(0..parts as i64).map(|part| self.fetch_all(searches(part))).buffered(at_once);
        while let Some(found) = answers.next().await {
            let mut found = found?;
            is_sample |= found.truncated || found.traces.len() > of_part;
            partial |= found.partial;
            found.traces.truncate(of_part);
            gathered.add(found);
        }
        let mut side = Side::of_requests(&gathered.traces);
        side.notices = gathered.notices.into_iter().map(|notice| format!("{name}: {notice}")).collect();
        if is_sample && !partial {
            side.notices.push(format!(
                "the {name} has more traces than the {} that were read, spread over {parts} parts of it",
                gathered.traces.len()
            ));
        }
        if not_searched > 0 {
            side.notices.push(format!("{name}: {not_searched} services were not searched"));
        }
        (side.partial, side.executed) = (partial, gathered.asked);
        Ok(side)
    }
}

#[cfg(test)]
mod tests {
    use diagnosis::Diagnosis;

    use super::*;

    #[test]
    fn searches_share_four_times_the_sample_and_each_asks_for_a_few() {
        let each = [0, 1, 4, 5, 31, 32, 33, 400].map(limit_of_each);
        assert_eq!(each, [200, 200, 200, 160, 26, 25, 25, 25]);
    }

    #[test]
    fn a_range_has_fewer_parts_where_many_services_are_searched() {
        assert_eq!([0, 1, 50, 51, 200, 201, 400].map(parts_of_range), [8, 8, 8, 7, 2, 1, 1]);
    }

    /// However many services there are, they are asked for at most eight times the sample, or five traces each.
    #[test]
    fn the_searches_of_a_part_share_a_limit() {
        assert_eq!(
            [1, 8, 9, 40, 41].map(|services| limits_of_part(8, services)),
            [(25, 25), (25, 25), (25, 23), (25, 5), (25, 5)]
        );
        assert_eq!(limits_of_part(1, 400), (200, 5));
        assert_eq!(limits_of_part(200, 1), (1, 1));
    }

    #[test]
    fn operations_are_found_by_starts_or_else_by_transitions_or_else_by_all_names() {
        let playbook = Playbook::ktrdr();
        let of =
            |service: &str, names: &[&str]| (service.to_owned(), names.iter().map(|&name| name.to_owned()).collect());
        let transition = "operation.state_transition";
        let worker = of("worker", &["POST /training/start", "operation.register", transition]);
        let api = of("api", &["POST /api/v1/trainings/start", "operation.register", transition]);
        let old = of("old", &["operation.register", "worker.training"]);
        let expected = [of("worker", &[transition]), of("api", &["POST /api/v1/trainings/start"])];
        assert_eq!(chosen(vec![worker, api, old.clone()], &playbook), expected);
        assert_eq!(chosen(vec![old.clone()], &playbook), [old]);
    }

    #[test]
    fn an_operation_belongs_to_the_ranges_in_which_it_started_or_ended() {
        let range = TimeRange { from: Time(100), to: Time(200) };
        let at = |start, end: Option<i64>| Diagnosis {
            start: Some(Time(start)),
            end: end.map(Time),
            ..Diagnosis::default()
        };
        for (start, end, inside) in [
            (100, None, true),
            (99, None, false),
            (200, Some(900), true),
            (201, Some(900), false),
            (50, Some(100), true),
            (50, Some(99), false),
            (50, Some(200), true),
            (50, Some(201), false),
        ] {
            assert_eq!(range.holds_start_or_end(&at(start, end)), inside, "{start} {end:?}");
        }
        assert!(!range.holds_start_or_end(&Diagnosis::default()));
    }
}
