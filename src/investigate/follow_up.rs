//! Follow-up searches: what else is worth fetching once the operations of a question are known.
//!
//! An operation that still runs gets the latest polls and health checks of its services, which show whether it is alive.
//! Operations that went wrong get the failing spans elsewhere in their time, which may explain them. An operation that was
//! asked for by a trace id gets its other traces. A follow-up search that fails becomes a notice and never an error, because
//! the operations themselves are known.

use futures_util::StreamExt as _;
use hashbrown::HashSet;

use super::{CONCURRENT_REQUESTS, Gathered, Investigator};
use diagnosis::playbook::{Attr, RouteRole};
use diagnosis::{Diagnosis, OperationStatus, Severity, Verdict};
use jaeger::Search;
use trace::{Micros, Time};

/// How many operations get follow-up searches.
const MOST_OPERATIONS: usize = 20;
/// How many of an operation's services are asked for polls and health checks.
const MOST_SERVICES: usize = 6;
/// How many services are asked for the other traces of an operation.
const MOST_CANDIDATES: usize = 40;
/// How many polls to read, or more if the playbook needs them; only the latest matter.
const LAST_FEW: usize = 5;
/// How many health checks to read, or more if the playbook needs them.
const HEALTH_CHECKS: usize = 20;
/// How many traces of failures elsewhere to read.
const MOST_CONTEXT: usize = 50;

/// Searches to run after the operations are known.
#[derive(Debug, Default)]
pub(super) struct FollowUpSearches {
    searches: Vec<Search>,
    /// Pairs of searches: the second runs only if the first finds nothing.
    fallbacks: Vec<(Search, Search)>,
}

impl FollowUpSearches {
    pub(super) fn extend(&mut self, other: Self) {
        self.searches.extend(other.searches);
        self.fallbacks.extend(other.fallbacks);
    }
}

/// From the first start to the last end of the operations that went wrong.
fn span_of_problems(selected: &[&Diagnosis], clock: Time) -> Option<(Time, Time)> {
    let wrong =
        |d: &&&Diagnosis| d.severity >= Severity::Warning || d.error_count > 0 || d.status == OperationStatus::Failed;
    let mut times = selected.iter().filter(wrong).filter_map(|d| Some((d.start?, d.end.unwrap_or(clock))));
    let first = times.next()?;
    Some(times.fold(first, |(from, to), (start, end)| (Ord::min(from, start), Ord::max(to, end))))
}

fn is_open(d: &Diagnosis) -> bool {
    !d.status.is_terminal() && d.operation_id.is_some()
}

impl Investigator {
    /// Searches that may explain these operations.
    pub(super) async fn follow_ups(&self, selected: &[&Diagnosis], clock: Time) -> FollowUpSearches {
        let mut follow_ups = FollowUpSearches::default();
        for diagnosis in selected.iter().filter(|d| is_open(d)).take(MOST_OPERATIONS) {
            self.add_request_searches(diagnosis, clock, &mut follow_ups).await;
            self.add_health_searches(diagnosis, clock, &mut follow_ups).await;
        }
        self.add_context_searches(selected, clock, &mut follow_ups).await;
        follow_ups
    }

    /// Further searches for an operation that was asked for by itself: requests for it after its end, and traces that belong
    /// to it without carrying its id.
    pub(super) async fn follow_ups_of_one(&self, diagnosis: &Diagnosis, clock: Time) -> FollowUpSearches {
        let mut follow_ups = FollowUpSearches::default();
        if !is_open(diagnosis) && diagnosis.operation_id.is_some() {
            self.add_request_searches(diagnosis, clock, &mut follow_ups).await;
        }
        let lost = matches!(diagnosis.verdict, Verdict::TraceBroken | Verdict::Unknown);
        if let Some(start) = diagnosis.start.filter(|_| lost) {
            let named = self.candidates(&mut Gathered::default()).await.unwrap_or_default();
            let window = self.shared.playbook.thresholds().start_window;
            follow_ups.searches.extend(named.into_iter().flat_map(|(service, names)| {
                names.into_iter().map(move |name| Search {
                    service: Some(service.clone()),
                    operation: Some(name),
                    from: start - window,
                    to: start + window,
                    limit: LAST_FEW,
                    ..Search::default()
                })
            }));
        }
        follow_ups
    }

    /// The other traces of operations that may still change, in the services where they were seen. Traces of other services
    /// contain a state transition, which discovery searches for.
    pub(super) async fn other_traces_of_open(&self, selected: &[&Diagnosis], clock: Time) -> FollowUpSearches {
        let mut follow_ups = FollowUpSearches::default();
        let any = !self.client.requires_service().await.unwrap_or(true);
        for diagnosis in selected.iter().filter(|d| is_open(d)).take(MOST_OPERATIONS) {
            let own = diagnosis.services.iter().take(MOST_SERVICES).cloned().map(Some).collect();
            self.add_id_searches(diagnosis, if any { vec![None] } else { own }, clock, &mut follow_ups);
        }
        follow_ups
    }

    /// All other traces of these operations.
    pub(super) async fn other_traces(&self, selected: &[&Diagnosis], clock: Time) -> FollowUpSearches {
        let mut follow_ups = FollowUpSearches::default();
        let services: Vec<Option<String>> = if self.client.requires_service().await.unwrap_or(true) {
            let named = self.candidates(&mut Gathered::default()).await.unwrap_or_default();
            named.into_iter().take(MOST_CANDIDATES).map(|(service, _)| Some(service)).collect()
        } else {
            vec![None]
        };
        for diagnosis in selected.iter().take(MOST_OPERATIONS) {
            self.add_id_searches(diagnosis, services.clone(), clock, &mut follow_ups);
        }
        follow_ups
    }

    fn add_id_searches(
        &self,
        diagnosis: &Diagnosis,
        services: Vec<Option<String>>,
        clock: Time,
        follow_ups: &mut FollowUpSearches,
    ) {
        let Some(id) = &diagnosis.operation_id else { return };
        let from = self.shared.playbook.time_in_id(id).or(diagnosis.start).unwrap_or(clock);
        let from = from - self.shared.playbook.thresholds().id_margin;
        for service in services {
            follow_ups.searches.extend(self.shared.playbook.operation_id_keys().iter().map(|key| Search {
                service: service.clone(),
                attributes: vec![(key.clone(), id.clone())],
                from,
                to: clock,
                limit: LAST_FEW * 4,
                ..Search::default()
            }));
        }
    }

    /// Requests with the id in their URL: polls show whether the operation could be reached, others change its state.
    async fn add_request_searches(&self, diagnosis: &Diagnosis, clock: Time, follow_ups: &mut FollowUpSearches) {
        let playbook = &self.shared.playbook;
        let id = diagnosis.operation_id.as_deref().unwrap_or_default();
        let mentions = playbook.mentions(id);
        let recent = clock - playbook.thresholds().poll_window;
        for service in diagnosis.services.iter().take(MOST_SERVICES) {
            let search = |operation: Option<&String>, key: &str, value: &str| Search {
                service: Some(service.clone()),
                operation: operation.cloned(),
                attributes: vec![(key.to_owned(), value.to_owned())],
                from: diagnosis.start.unwrap_or(recent),
                to: clock,
                limit: LAST_FEW.max(playbook.thresholds().timed_out_polls),
                ..Search::default()
            };
            follow_ups.searches.extend(mentions.iter().map(|(key, value)| search(None, key, value)));
            let Ok(names) = self.names_of(service).await else { continue };
            for name in names.iter() {
                let Some(target) = self.target_of(name, id) else { continue };
                follow_ups
                    .searches
                    .extend(playbook.keys(Attr::HttpTarget).iter().map(|key| search(Some(name), key, &target)));
            }
        }
    }

    /// The URL path for this id, if a server span of this name (`PATCH /operations/{id}/status`) changes an operation's
    /// state.
    fn target_of(&self, name: &str, id: &str) -> Option<String> {
        let (method, path) = name.split_once(' ')?;
        let (before, rest) = path.split_once('{')?;
        let (_, after) = rest.split_once('}')?;
        let target = format!("{before}{id}{after}");
        let role = self.shared.playbook.route(method, &target)?.role;
        matches!(role, RouteRole::StatusUpdate | RouteRole::Cancel | RouteRole::Resume).then_some(target)
    }

    /// The latest health checks of the services, which show whether they are alive.
    async fn add_health_searches(&self, diagnosis: &Diagnosis, clock: Time, follow_ups: &mut FollowUpSearches) {
        // The window is so short that any health check in it shows that the service is alive.
        let alive = Micros(self.shared.playbook.thresholds().health_gap.0.saturating_mul(2));
        for service in diagnosis.services.iter().take(MOST_SERVICES) {
            let Ok(names) = self.names_of(service).await else { continue };
            for name in names.iter().filter(|name| self.is_health(name)) {
                let recent = Search {
                    service: Some(service.clone()),
                    operation: Some(name.clone()),
                    from: clock - alive,
                    to: clock,
                    limit: HEALTH_CHECKS.max(self.shared.playbook.thresholds().health_checks),
                    ..Search::default()
                };
                let window_start = clock - self.shared.playbook.thresholds().poll_window;
                let from = diagnosis.start.map_or(window_start, |start| start.min(window_start));
                let earlier = Search { from, ..recent.clone() };
                follow_ups.fallbacks.push((recent, earlier));
            }
        }
    }

    fn is_health(&self, name: &str) -> bool {
        let route = name.split_once(' ').and_then(|(method, path)| self.shared.playbook.route(method, path));
        route.is_some_and(|route| route.role == RouteRole::Health)
    }

    /// Failing spans elsewhere during the operations that went wrong.
    async fn add_context_searches(&self, selected: &[&Diagnosis], clock: Time, follow_ups: &mut FollowUpSearches) {
        let failure_spans = self.shared.playbook.context_spans();
        let Some((from, to)) = span_of_problems(selected, clock) else { return };
        let around = self.shared.playbook.thresholds().context_window;
        let mut ignored = Gathered::default();
        let found = self.services_with(|name| failure_spans.iter().any(|known| known == name), &mut ignored).await;
        for (service, names) in found.unwrap_or_default() {
            follow_ups.searches.extend(names.into_iter().map(|name| Search {
                service: Some(service.clone()),
                operation: Some(name),
                from: from - around,
                to: Ord::min(to + around, clock),
                limit: MOST_CONTEXT,
                ..Search::default()
            }));
        }
    }

    /// Runs the searches; returns whether they brought new spans. A search that fails becomes a notice.
    pub(super) async fn run_follow_ups(&self, follow_ups: FollowUpSearches, gathered: &mut Gathered) -> bool {
        let FollowUpSearches { mut searches, mut fallbacks } = follow_ups;
        let mut seen = HashSet::new();
        searches.retain(|search| seen.insert(search.clone()));
        let mut added = false;
        // An answer as long as its limit is complete here, because only the latest traces were requested.
        let truncated = gathered.truncated;
        if !searches.is_empty() {
            match self.fetch_all(searches).await {
                Ok(found) => added |= gathered.add(found),
                Err(error) => gathered.notice(format!("traces that may explain more could not be read: {error}")),
            }
        }
        fallbacks.retain(|(recent, _)| seen.insert(recent.clone()));
        let each = fallbacks.into_iter().map(|(recent, earlier)| async {
            match self.fetch(recent).await {
                Ok(found) if found.traces.is_empty() => self.fetch(earlier).await,
                other => other,
            }
        });
        let mut answers = futures_util::stream::iter(each).buffer_unordered(CONCURRENT_REQUESTS);
        while let Some(found) = answers.next().await {
            match found {
                Ok(found) => added |= gathered.add(found),
                Err(error) => gathered.notice(format!("health checks could not be read: {error}")),
            }
        }
        gathered.truncated = truncated;
        added
    }
}
