//! Reads all traces of a time range that start operations: one search for each service and span name.
//!
//! An answer that is as long as its limit may be cut off. Then the time range is halved and searched again, never with a
//! smaller limit. What cannot be halved any further is a gap, which is reported.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use diagnosis::playbook::{Playbook, RouteRole, SpanRole};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::BoxFuture};
use jaeger::{Search, merge};
use store::{Gap, Interval};
use trace::{Micros, Time, Trace, TraceId};
use wildmatch::WildMatch;

use super::{
    limits::LimitCheck,
    plan::LONG_SPAN,
    source::{Source, SourceError},
};

/// The limit of every search: the largest that every Jaeger takes.
const MOST_TRACES: usize = 1000;
/// Time ranges are not halved below this length.
const SHORTEST_RANGE: Micros = Micros::from_millis(1);
/// Nor below this length where the answer lacks something that a shorter range may lack too, such as a damaged trace.
const SHORTEST_PARTIAL: Micros = Micros::from_secs(60);
/// How many requests are prepared at a time; the budget decides how many are sent.
const CONCURRENT_REQUESTS: usize = 8;
/// How often the list of services is read.
const SERVICES_EVERY: Micros = Micros::from_secs(60);
/// How often the span names of a service are read again. The settled read comes later, so that a name that is new is not
/// missed.
const NAMES_EVERY: Micros = Micros::from_secs(240);

/// A service where no operation was found for so long is only asked when a range has settled. Workers have a new name with
/// every start, so most names are those of processes that ended.
const ACTIVE_FOR: Micros = Micros::from_secs(600);

/// The span names of a service that matter.
#[derive(Clone, Debug, Default)]
struct Names {
    /// Names by which operations are found.
    discovery: Vec<String>,
    /// Whether it has commands, which may have failed before an operation was started.
    has_commands: bool,
    /// Names of health checks.
    health: Vec<String>,
    /// Names of failures that explain operations elsewhere.
    context: Vec<String>,
    read_at: Option<Time>,
    /// When the service appeared, or until when a search found operations in it.
    active_at: Option<Time>,
}

/// Which services are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Services {
    /// All: the range is covered afterwards.
    All,
    /// Those where operations were found a short time ago, and new ones. Others are asked when the range has settled.
    Active,
}

/// Whether a recorder finds all operations that a playbook describes. It cannot where only a sample of the traces is read.
#[must_use]
pub fn can_record(playbook: &Playbook) -> bool {
    playbook.sample().is_none()
}

/// Reads from a source, and remembers which services have which span names.
#[derive(Debug)]
pub(super) struct Reader {
    source: Arc<dyn Source>,
    playbook: Arc<Playbook>,
    globs: Vec<WildMatch>,
    services: BTreeMap<String, Names>,
    services_at: Option<Time>,
    limits: LimitCheck,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) traces: Vec<Trace>,
    /// Parts that could not be read completely.
    pub(super) gaps: Vec<Gap>,
    /// The services in which something was found.
    pub(super) services: BTreeSet<String>,
    /// The search that found the most, and how many.
    pub(super) largest: Option<(usize, Search)>,
}

impl Reading {
    fn found(&mut self, search: Search, traces: Vec<Trace>) {
        if !traces.is_empty() {
            self.services.extend(search.service.clone());
        }
        if self.largest.as_ref().is_none_or(|(most, _)| *most < traces.len()) {
            self.largest = Some((traces.len(), search));
        }
        self.traces.extend(traces);
    }

    fn absorb(&mut self, other: Self) {
        if other.largest.as_ref().map(|(most, _)| *most) > self.largest.as_ref().map(|(most, _)| *most) {
            self.largest = other.largest;
        }
        self.services.extend(other.services);
        self.traces.extend(other.traces);
        self.gaps.extend(other.gaps);
    }
}

impl Reader {
    /// Reads from the services whose names fit one of the globs; without globs, from all.
    pub(super) fn new(source: Arc<dyn Source>, playbook: Arc<Playbook>, globs: &[String]) -> Self {
        let globs = globs.iter().map(|glob| WildMatch::new(glob.trim())).collect();
        Self { source, playbook, globs, services: BTreeMap::new(), services_at: None, limits: LimitCheck::default() }
    }

    pub(super) fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// Learns the services and their span names, unless that was done a short time ago.
    pub(super) async fn learn_names(&mut self, now: Time) -> Result<(), SourceError> {
        let due = |at: Option<Time>, every: Micros| at.is_none_or(|at| now - at >= every || at > now);
        if due(self.services_at, SERVICES_EVERY) {
            let all: BTreeSet<String> = self.source.services().await?.into_iter().collect();
            let wanted = |name: &String| self.globs.is_empty() || self.globs.iter().any(|glob| glob.matches(name));
            let known = &mut self.services;
            known.retain(|name, _| all.contains(name));
            for name in all.into_iter().filter(wanted) {
                known.entry(name).or_insert_with(|| Names { active_at: Some(now), ..Names::default() });
            }
            self.services_at = Some(now);
        }
        let outdated = self.services.iter().filter(|(_, names)| due(names.read_at, NAMES_EVERY));
        let outdated: Vec<String> = outdated.map(|(service, _)| service.clone()).collect();
        let mut requests = Vec::with_capacity(outdated.len());
        for service in outdated {
            let source = &self.source;
            requests.push(async move { Ok((source.span_names(&service).await?, service)) }.boxed());
        }
        for (names, service) in at_once(requests).await? {
            let active_at = self.services.get(&service).and_then(|known| known.active_at);
            self.services.insert(service, Names { active_at, ..self.classify(names, now) });
        }
        Ok(())
    }

    fn classify(&self, names: Vec<String>, now: Time) -> Names {
        let mut sorted = Names { read_at: Some(now), ..Names::default() };
        for name in names {
            let role = route_role(&self.playbook, &name);
            if role == Some(RouteRole::Health) {
                sorted.health.push(name.clone());
            }
            if self.playbook.context_spans().contains(&name) {
                sorted.context.push(name.clone());
            }
            if is_discovery_name(&self.playbook, &name) {
                sorted.discovery.push(name);
            } else if is_command(&self.playbook, &name) {
                sorted.has_commands = true;
            }
        }
        sorted
    }

    /// The traces of operations that started in a range, and of commands that failed to start one.
    pub(super) async fn operations(
        &mut self,
        range: Interval,
        services: Services,
        now: Time,
    ) -> Result<Reading, SourceError> {
        let mut searches = self.searches(range, |names| &names.discovery);
        let commands = self.services.iter().filter(|(_, names)| names.has_commands);
        searches.extend(commands.map(|(service, _)| Search {
            attributes: vec![("error".to_owned(), "true".to_owned())],
            ..search(service, None, range)
        }));
        let is_active = |service: &String| {
            let active_at = self.services.get(service).and_then(|names| names.active_at);
            active_at.is_some_and(|at| now - at < ACTIVE_FOR)
        };
        searches.retain(|search| services == Services::All || search.service.as_ref().is_some_and(is_active));
        let reading = self.all(searches).await?;
        for service in &reading.services {
            if let Some(names) = self.services.get_mut(service) {
                names.active_at = names.active_at.max(Some(range.to));
            }
        }
        Ok(reading)
    }

    /// Whether the storage fills its limits, where that was checked now: `false` if the halves of a time range have traces
    /// that the whole range lacks, though its answer was not full.
    pub(super) async fn fills_limits(&mut self, read: &Reading, now: Time) -> Result<Option<bool>, SourceError> {
        let Some(search) = self.limits.search(read, now) else { return Ok(None) };
        let middle = search.from + Micros((search.to - search.from).0 / 2);
        let parts = [Search { to: middle, ..search.clone() }, Search { from: middle + Micros(1), ..search.clone() }];
        let known: BTreeSet<TraceId> = read.traces.iter().map(Trace::id).collect();
        let mut more = BTreeSet::new();
        for part in parts {
            more.extend(self.source.search(&part).await?.traces.iter().map(Trace::id).filter(|id| !known.contains(id)));
        }
        if !more.is_empty() {
            // They may have arrived in between.
            let again = self.source.search(&search).await?;
            let whole: BTreeSet<TraceId> = again.traces.iter().map(Trace::id).collect();
            more.retain(|id| !whole.contains(id));
            if again.truncated {
                more.clear();
            }
        }
        Ok(Some(more.is_empty()))
    }

    /// The traces with a long span that started in a range.
    pub(super) async fn long_spans(&self, range: Interval) -> Result<Reading, SourceError> {
        let mut searches = self.searches(range, |names| &names.discovery);
        for search in &mut searches {
            search.min_duration = Some(LONG_SPAN);
        }
        self.all(searches).await
    }

    /// Failures elsewhere that may explain operations of a range.
    pub(super) async fn failures(&self, range: Interval) -> Result<Vec<Trace>, SourceError> {
        Ok(self.all(self.searches(range, |names| &names.context)).await?.traces)
    }

    /// The latest health checks of some services.
    pub(super) async fn health_checks(
        &self,
        services: &BTreeSet<String>,
        now: Time,
    ) -> Result<Vec<Trace>, SourceError> {
        let thresholds = self.playbook.thresholds();
        // A pause of the health checks must be visible to its end.
        let range = Interval { from: now - Micros(thresholds.health_gap.0.saturating_mul(4)), to: now };
        let searches = self.searches(range, |names| &names.health).into_iter();
        let searches = searches.filter(|search| search.service.as_ref().is_some_and(|name| services.contains(name)));
        let searches = searches.map(|search| Search { limit: thresholds.health_checks.max(1), ..search });
        self.some_of_each(searches.collect()).await
    }

    /// Everything that carries or mentions the id of an operation, in the services where it was seen and in those where
    /// operations are found.
    pub(super) async fn mentions(
        &self,
        id: &str,
        seen_in: &[String],
        range: Interval,
    ) -> Result<Vec<Trace>, SourceError> {
        let carried = self.playbook.operation_id_keys().iter().map(|key| (key.clone(), id.to_owned()));
        let attributes: Vec<(String, String)> = carried.chain(self.playbook.mentions(id)).collect();
        let found_in = self.services.iter().filter(|(_, names)| !names.discovery.is_empty());
        let services: BTreeSet<&String> = found_in.map(|(service, _)| service).chain(seen_in).collect();
        let searches = services.into_iter().flat_map(|service| {
            attributes.iter().map(move |attribute| Search {
                service: Some(service.clone()),
                attributes: vec![attribute.clone()],
                from: range.from,
                to: range.to,
                limit: 100,
                ..Search::default()
            })
        });
        self.some_of_each(searches.collect()).await
    }

    /// What the searches find within their limits.
    async fn some_of_each(&self, searches: Vec<Search>) -> Result<Vec<Trace>, SourceError> {
        let mut requests = Vec::with_capacity(searches.len());
        for search in searches {
            requests.push(async move { self.source.search(&search).await }.boxed());
        }
        let mut traces: Vec<Trace> = at_once(requests).await?.into_iter().flat_map(|found| found.traces).collect();
        merge(&mut traces);
        Ok(traces)
    }

    fn searches<'n>(&'n self, range: Interval, of: impl Fn(&'n Names) -> &'n Vec<String>) -> Vec<Search> {
        let named = self.services.iter().flat_map(|(service, names)| of(names).iter().map(move |name| (service, name)));
        named.map(|(service, name)| search(service, Some(name), range)).collect()
    }

    async fn all(&self, searches: Vec<Search>) -> Result<Reading, SourceError> {
        let mut requests = Vec::with_capacity(searches.len());
        for search in searches {
            requests.push(self.complete(search).boxed());
        }
        let mut all = Reading::default();
        at_once(requests).await?.into_iter().for_each(|reading| all.absorb(reading));
        merge(&mut all.traces);
        all.gaps.sort_by_key(|gap| gap.range);
        Ok(all)
    }

    /// All traces of a search, however many they are.
    async fn complete(&self, search: Search) -> Result<Reading, SourceError> {
        let mut todo = vec![search];
        let mut all = Reading::default();
        while let Some(part) = todo.pop() {
            let length = part.to - part.from;
            let mut shortest = SHORTEST_RANGE;
            let why = match self.source.search(&part).await {
                Ok(found) if found.partial => {
                    shortest = SHORTEST_PARTIAL;
                    all.traces.extend(found.traces);
                    found.notes.join("; ")
                }
                Ok(found) if !found.truncated => {
                    all.found(part, found.traces);
                    continue;
                }
                Ok(found) => {
                    if length < SHORTEST_RANGE {
                        all.traces.extend(found.traces);
                    }
                    format!("{MOST_TRACES} or more traces start in the same millisecond")
                }
                Err(SourceError::TooLarge(why)) => why,
                Err(error) => return Err(error),
            };
            if length >= shortest {
                let middle = part.from + Micros(length.0 / 2);
                todo.push(Search { to: middle, ..part.clone() });
                todo.push(Search { from: middle + Micros(1), ..part });
                continue;
            }
            if shortest == SHORTEST_RANGE
                && let Ok(found) = self.source.search_truncated(&part).await
            {
                all.traces.extend(found.traces);
            }
            let service = part.service.unwrap_or_default();
            let range = Interval { from: part.from, to: part.to + Micros(1) };
            all.gaps.push(Gap { range, reason: format!("service {service}: {why}") });
        }
        Ok(all)
    }
}

/// Searches a range for a service's spans of this name, or of any.
fn search(service: &str, name: Option<&str>, range: Interval) -> Search {
    Search {
        service: Some(service.to_owned()),
        operation: name.map(str::to_owned),
        from: range.from,
        // Jaeger takes the end as part of the range.
        to: range.to - Micros(1),
        limit: MOST_TRACES,
        ..Search::default()
    }
}

/// Whether traces with a span of this name start an operation, or change what is known of one: it was resumed, cancelled or
/// given back.
fn is_discovery_name(playbook: &Playbook, name: &str) -> bool {
    let changes = |role| matches!(role, RouteRole::Resume | RouteRole::Cancel | RouteRole::StatusUpdate);
    playbook.primary_discovery_spans().iter().any(|primary| primary == name)
        || route_role(playbook, name).is_some_and(changes)
}

/// Whether operations are found by a command's span of this name. Those that were started are found by other names too.
fn is_command(playbook: &Playbook, name: &str) -> bool {
    playbook.discovery_spans().iter().any(|known| known == name)
        && playbook.span_roles(name).any(|role| role == SpanRole::Wrapper)
}

/// The role of the route that a span's name consists of, such as `GET /health`.
fn route_role(playbook: &Playbook, name: &str) -> Option<RouteRole> {
    if playbook.span_roles(name).any(|role| role == SpanRole::Noise) {
        return None;
    }
    let (method, path) = name.split_once(' ')?;
    playbook.route(method, path).map(|route| route.role)
}

/// Sends requests, a few at a time.
async fn at_once<T>(requests: Vec<BoxFuture<'_, Result<T, SourceError>>>) -> Result<Vec<T>, SourceError> {
    futures_util::stream::iter(requests).buffer_unordered(CONCURRENT_REQUESTS).try_collect().await
}

#[cfg(test)]
mod tests {
    use diagnosis::{Context, Detail, Diagnosis, diagnose};
    use testbed::{JaegerVersion, build, jaeger_json, scenarios};
    use trace::SpanRef;

    use super::*;

    const BASE: Time = Time(1_795_341_900_000_000);

    /// Nobody knows of an operation that no search finds. And nobody looks again at one that has ended, so the searches must
    /// find all that the diagnosis of such an operation rests on.
    #[test]
    fn the_names_find_every_operation_of_every_scenario() {
        let playbook = Playbook::ktrdr();
        let searched = |trace: &&Trace| {
            let commands: BTreeSet<&str> =
                trace.spans().filter(|span| is_command(&playbook, span.name())).map(SpanRef::service).collect();
            trace.spans().any(|span| {
                is_discovery_name(&playbook, span.name())
                    || commands.contains(span.service()) && span.is_error()
                    || playbook.context_spans().iter().any(|name| name == span.name())
            })
        };
        let mut wrong = Vec::new();
        for scenario in scenarios() {
            for telemetry in scenario.telemetry {
                let traces = build(scenario, *telemetry, BASE, 1);
                let traces = jaeger::decode(&jaeger_json(&traces, JaegerVersion::V2)).unwrap().traces;
                let now = testbed::now(scenario, *telemetry, BASE);
                let context = Context { now, detail: Detail::Record, ..Context::default() };
                let read: Vec<Trace> = traces.iter().filter(searched).cloned().collect();
                let read = diagnose(&read, &playbook, &context).diagnoses;
                for truth in diagnose(&traces, &playbook, &context).diagnoses {
                    let same = |one: &&Diagnosis| one.operation_id == truth.operation_id;
                    let is_open = |one: &Diagnosis| one.operation_id.is_some() && !one.status.is_terminal();
                    if !read.iter().find(same).is_some_and(|one| is_open(one) || *one == truth) {
                        wrong.push(format!("{} {telemetry:?}: {}", scenario.name, truth.summary));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
