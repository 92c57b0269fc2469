//! What else is worth fetching once it is known which operations are at hand.

use futures_util::StreamExt as _;
use hashbrown::HashSet;

use super::{AT_ONCE, Gathered, Investigator};
use crate::{
    diagnosis::{Diagnosis, OperationStatus, Severity, Verdict},
    jaeger::Search,
    playbook::{Attr, RouteRole},
    trace::{Micros, Time},
};

/// How many operations are looked at more closely.
const MOST_OPERATIONS: usize = 20;
/// How many of an operation's services are asked for polls and health checks.
const MOST_SERVICES: usize = 6;
/// How many services are asked for the other traces of an operation.
const MOST_CANDIDATES: usize = 40;
/// Polls that are read: the last ones tell.
const LAST_FEW: usize = 5;
/// Health checks that are read.
const HEALTH_CHECKS: usize = 20;
/// Traces that may explain others.
const MOST_CONTEXT: usize = 50;

/// Searches worth making.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    searches: Vec<Search>,
    /// Asked only when the search before it in the pair finds nothing.
    fallbacks: Vec<(Search, Search)>,
}

impl Wishes {
    pub(super) fn extend(&mut self, other: Self) {
        self.searches.extend(other.searches);
        self.fallbacks.extend(other.fallbacks);
    }
}

/// From the first start to the last end of the operations that went wrong.
fn time_of_trouble(at_hand: &[&Diagnosis], clock: Time) -> Option<(Time, Time)> {
    let wrong =
        |d: &&&Diagnosis| d.severity >= Severity::Warning || d.error_count > 0 || d.status == OperationStatus::Failed;
    let mut times = at_hand.iter().filter(wrong).filter_map(|d| Some((d.start?, d.end.unwrap_or(clock))));
    let first = times.next()?;
    Some(times.fold(first, |(from, to), (start, end)| (Ord::min(from, start), Ord::max(to, end))))
}

fn is_open(d: &Diagnosis) -> bool {
    !d.status.is_terminal() && d.operation_id.is_some()
}

impl Investigator {
    /// What would tell more about these operations.
    pub(super) async fn wishes(&self, at_hand: &[&Diagnosis], clock: Time) -> Wishes {
        let mut wishes = Wishes::default();
        for diagnosis in at_hand.iter().filter(|d| is_open(d)).take(MOST_OPERATIONS) {
            self.wish_requests(diagnosis, clock, &mut wishes).await;
            self.wish_health(diagnosis, clock, &mut wishes).await;
        }
        self.wish_context(at_hand, clock, &mut wishes).await;
        wishes
    }

    /// What would tell more about the one operation that was asked for: also who asked for it after its end, and what
    /// belongs to it without bearing its id.
    pub(super) async fn wishes_of_one(&self, diagnosis: &Diagnosis, clock: Time) -> Wishes {
        let mut wishes = Wishes::default();
        if !is_open(diagnosis) && diagnosis.operation_id.is_some() {
            self.wish_requests(diagnosis, clock, &mut wishes).await;
        }
        let lost = matches!(diagnosis.verdict, Verdict::TraceBroken | Verdict::Unknown);
        if let Some(start) = diagnosis.start.filter(|_| lost) {
            let named = self.candidates(&mut Gathered::default()).await.unwrap_or_default();
            let window = self.shared.playbook.thresholds().start_window;
            wishes.searches.extend(named.into_iter().flat_map(|(service, names)| {
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
        wishes
    }

    /// The other traces of operations that may still change, in the services that they were seen in: those of others
    /// hold a transition, by which discovery finds them.
    pub(super) async fn wish_open_ids(&self, at_hand: &[&Diagnosis], clock: Time) -> Wishes {
        let mut wishes = Wishes::default();
        let any = !self.client.wants_service().await.unwrap_or(true);
        for diagnosis in at_hand.iter().filter(|d| is_open(d)).take(MOST_OPERATIONS) {
            let own = diagnosis.services.iter().take(MOST_SERVICES).cloned().map(Some).collect();
            self.wish_id(diagnosis, if any { vec![None] } else { own }, clock, &mut wishes);
        }
        wishes
    }

    /// All other traces of these operations.
    pub(super) async fn wish_ids(&self, at_hand: &[&Diagnosis], clock: Time) -> Wishes {
        let mut wishes = Wishes::default();
        let services: Vec<Option<String>> = if self.client.wants_service().await.unwrap_or(true) {
            let named = self.candidates(&mut Gathered::default()).await.unwrap_or_default();
            named.into_iter().take(MOST_CANDIDATES).map(|(service, _)| Some(service)).collect()
        } else {
            vec![None]
        };
        for diagnosis in at_hand.iter().take(MOST_OPERATIONS) {
            self.wish_id(diagnosis, services.clone(), clock, &mut wishes);
        }
        wishes
    }

    fn wish_id(&self, diagnosis: &Diagnosis, services: Vec<Option<String>>, clock: Time, wishes: &mut Wishes) {
        let Some(id) = &diagnosis.operation_id else { return };
        let from = self.shared.playbook.time_in_id(id).or(diagnosis.start).unwrap_or(clock);
        let from = from - self.shared.playbook.thresholds().id_margin;
        for service in services {
            wishes.searches.extend(self.shared.playbook.operation_id_keys().iter().map(|key| Search {
                service: service.clone(),
                attributes: vec![(key.clone(), id.clone())],
                from,
                to: clock,
                limit: LAST_FEW * 4,
                ..Search::default()
            }));
        }
    }

    /// Requests that bear the id in their address: polls show whether anyone could reach the operation, others change
    /// its state.
    async fn wish_requests(&self, diagnosis: &Diagnosis, clock: Time, wishes: &mut Wishes) {
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
                limit: LAST_FEW,
                ..Search::default()
            };
            wishes.searches.extend(mentions.iter().map(|(key, value)| search(None, key, value)));
            let Ok(names) = self.names_of(service).await else { continue };
            for name in names.iter() {
                let Some(target) = self.target_of(name, id) else { continue };
                wishes
                    .searches
                    .extend(playbook.keys(Attr::HttpTarget).iter().map(|key| search(Some(name), key, &target)));
            }
        }
    }

    /// The address for this id of a request that changes an operation's state, by the name of its server span
    /// (`PATCH /operations/{id}/status`).
    fn target_of(&self, name: &str, id: &str) -> Option<String> {
        let (method, path) = name.split_once(' ')?;
        let (before, rest) = path.split_once('{')?;
        let (_, after) = rest.split_once('}')?;
        let target = format!("{before}{id}{after}");
        let role = self.shared.playbook.route(method, &target)?.role;
        matches!(role, RouteRole::StatusUpdate | RouteRole::Cancel | RouteRole::Resume).then_some(target)
    }

    /// The last health checks of the services show whether they live.
    async fn wish_health(&self, diagnosis: &Diagnosis, clock: Time, wishes: &mut Wishes) {
        // So short a window that whatever few a storage gives of it show that the service lives.
        let alive = Micros(self.shared.playbook.thresholds().health_gap.0.saturating_mul(2));
        for service in diagnosis.services.iter().take(MOST_SERVICES) {
            let Ok(names) = self.names_of(service).await else { continue };
            for name in names.iter().filter(|name| self.is_health(name)) {
                let recent = Search {
                    service: Some(service.clone()),
                    operation: Some(name.clone()),
                    from: clock - alive,
                    to: clock,
                    limit: HEALTH_CHECKS,
                    ..Search::default()
                };
                let window_start = clock - self.shared.playbook.thresholds().poll_window;
                let from = diagnosis.start.map_or(window_start, |start| start.min(window_start));
                let earlier = Search { from, ..recent.clone() };
                wishes.fallbacks.push((recent, earlier));
            }
        }
    }

    fn is_health(&self, name: &str) -> bool {
        let route = name.split_once(' ').and_then(|(method, path)| self.shared.playbook.route(method, path));
        route.is_some_and(|route| route.role == RouteRole::Health)
    }

    /// Failing spans elsewhere in the time of operations that went wrong.
    async fn wish_context(&self, at_hand: &[&Diagnosis], clock: Time, wishes: &mut Wishes) {
        let telling = self.shared.playbook.context_spans();
        let Some((from, to)) = time_of_trouble(at_hand, clock) else { return };
        let around = self.shared.playbook.thresholds().context_window;
        let mut ignored = Gathered::default();
        let found = self.services_with(|name| telling.iter().any(|known| known == name), &mut ignored).await;
        for (service, names) in found.unwrap_or_default() {
            wishes.searches.extend(names.into_iter().map(|name| Search {
                service: Some(service.clone()),
                operation: Some(name),
                from: from - around,
                to: Ord::min(to + around, clock),
                limit: MOST_CONTEXT,
                ..Search::default()
            }));
        }
    }

    /// Makes the searches; says whether that found anything new. A search that fails is noted, never an error: the operations
    /// themselves are known.
    pub(super) async fn grant(&self, wishes: Wishes, gathered: &mut Gathered) -> bool {
        let Wishes { mut searches, mut fallbacks } = wishes;
        let mut seen = HashSet::new();
        searches.retain(|search| seen.insert(search.clone()));
        let mut added = false;
        // An answer that is as long as its limit is no lack here: the last few were asked for.
        let whole = gathered.truncated;
        if !searches.is_empty() {
            match self.fetch_all(searches).await {
                Ok(found) => added |= gathered.absorb(found),
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
        let mut answers = futures_util::stream::iter(each).buffer_unordered(AT_ONCE);
        while let Some(found) = answers.next().await {
            match found {
                Ok(found) => added |= gathered.absorb(found),
                Err(error) => gathered.notice(format!("health checks could not be read: {error}")),
            }
        }
        gathered.truncated = whole;
        added
    }
}
