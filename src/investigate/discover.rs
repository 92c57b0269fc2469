//! Finds operations by the names of the spans that start or register them, service by service. Health checks and polls
//! are far more frequent than operations and would fill the answer of any wider search.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _};
use wildmatch::WildMatch;

use super::{CONCURRENT_REQUESTS, Gathered, Investigator};
use diagnosis::TimeRange;
use jaeger::{Error, Search, abbreviated_list};
use trace::{Micros, Time};

/// How many services to search.
const MOST_SERVICES: usize = 200;
/// How many searches (services × span names) a list of operations may take.
const MOST_SEARCHES: usize = 400;
/// How many traces of one operation are asked for, per service.
const TRACES_OF_ONE: usize = 100;

/// A service with the span names that were chosen.
pub(super) type Named = (String, Vec<String>);

impl Investigator {
    /// The services that may be searched, sorted.
    pub(super) async fn all_services(&self) -> Result<Arc<Vec<String>>, Error> {
        let work = async { self.client.services().await.map(Arc::new) };
        let all = self.caches().services.try_get_with(self.client.identity(), work).await;
        let all = all.map_err(|error| Error::clone(&error))?;
        let globs: Vec<_> = self.options().discovery_services.iter().map(|glob| WildMatch::new(glob.trim())).collect();
        if globs.is_empty() {
            return Ok(all);
        }
        let fits = |service: &&String| globs.iter().any(|glob| glob.matches(service));
        Ok(Arc::new(all.iter().filter(fits).cloned().collect()))
    }

    /// The span names of a service, sorted.
    pub(super) async fn names_of(&self, service: &str) -> Result<Arc<Vec<String>>, Error> {
        let key = (self.client.identity(), service.to_owned());
        let work = async { self.client.operations(service).await.map(Arc::new) };
        self.caches().names.try_get_with(key, work).await.map_err(|error| Error::clone(&error))
    }

    /// The services that have spans of which `wanted` is true, with their names.
    pub(super) async fn services_with(
        &self,
        wanted: impl Fn(&str) -> bool + Sync,
        gathered: &mut Gathered,
    ) -> Result<Vec<Named>, Error> {
        let all = self.all_services().await?;
        if let Some(rest) = all.get(MOST_SERVICES..).filter(|rest| !rest.is_empty()) {
            gathered.truncated = true;
            gathered.notice(format!(
                "{MOST_SERVICES} of {} services were searched; not asked: {}; narrow the discovery services in the \
                 settings",
                all.len(),
                abbreviated_list(rest)
            ));
        }
        let services: Vec<String> = all.iter().take(MOST_SERVICES).cloned().collect();
        let all: Vec<(String, Arc<Vec<String>>)> = futures_util::stream::iter(services)
            .map(|service| async move {
                let names = self.names_of(&service).await?;
                Ok::<_, Error>((service, names))
            })
            .buffer_unordered(CONCURRENT_REQUESTS)
            .try_collect()
            .await?;
        let choose = |names: &[String]| names.iter().filter(|name| wanted(name)).cloned().collect();
        let mut named: Vec<Named> = all.into_iter().map(|(service, names)| (service, choose(&names))).collect();
        named.retain(|(_, names)| !names.is_empty());
        named.sort();
        Ok(named)
    }

    /// The services where operations are found.
    pub(super) async fn candidates(&self, gathered: &mut Gathered) -> Result<Vec<Named>, Error> {
        let names = self.shared.playbook.discovery_spans();
        self.services_with(|name| names.iter().any(|known| known == name), gathered).await
    }

    /// The traces that start, register or change operations in a range and before it.
    pub(super) async fn discover(&self, range: TimeRange, limit: usize, clock: Time) -> Result<Gathered, Error> {
        let mut gathered = Gathered::default();
        let from = range.from - self.lookback();
        let candidates = self.candidates(&mut gathered).await?;
        let mut searches: Vec<Search> = candidates
            .into_iter()
            .flat_map(|(service, names)| names.into_iter().map(move |name| (service.clone(), name)))
            .map(|(service, name)| Search {
                service: Some(service),
                operation: Some(name),
                from,
                to: clock,
                limit,
                ..Search::default()
            })
            .collect();
        if let Some(rest) = searches.get(MOST_SEARCHES..).filter(|rest| !rest.is_empty()) {
            let mut services: Vec<_> = rest.iter().filter_map(|search| search.service.clone()).collect();
            services.dedup();
            gathered.truncated = true;
            gathered.notice(format!(
                "{} span names were not searched, of: {}",
                rest.len(),
                abbreviated_list(&services)
            ));
        }
        searches.truncate(MOST_SEARCHES);
        if searches.is_empty() {
            return Ok(gathered);
        }
        let found = self.fetch_all(searches.clone()).await?;
        let truncated = found.truncated;
        gathered.add(found);
        if truncated {
            // A storage need not return the newest traces, so the range itself is searched again, without the lookback.
            let inner = searches.into_iter().map(|search| Search { from: range.from, ..search }).collect();
            let found = self.fetch_all(inner).await?;
            let still = found.truncated;
            gathered.add(found);
            gathered.notice(if still {
                format!(
                    "there may be more than the {limit} traces per span name that were read: shorten the time range or \
                     raise the limit"
                )
            } else {
                format!(
                    "before the time range there may be more than the {limit} traces per span name that were read: \
                     operations that started there and still run may be missing"
                )
            });
        }
        Ok(gathered)
    }

    /// The traces with a span that carries an operation's id, first where operations are found, then everywhere.
    pub(super) async fn search_id(&self, id: &str, from: Time, to: Time, gathered: &mut Gathered) -> Result<(), Error> {
        let keys = self.shared.playbook.operation_id_keys();
        let search = |service: Option<&String>, key: &String| Search {
            service: service.cloned(),
            attributes: vec![(key.clone(), id.to_owned())],
            from,
            // Spans carry the clock of their host, which may be ahead of ours.
            to: to + Micros::from_secs(60),
            limit: TRACES_OF_ONE,
            ..Search::default()
        };
        if self.options().discovery_services.is_empty() && !self.client.requires_service().await? {
            let found = self.fetch_all(keys.iter().map(|key| search(None, key)).collect()).await?;
            gathered.add(found);
            return Ok(());
        }
        let candidates: Vec<String> = self.candidates(gathered).await?.into_iter().map(|(name, _)| name).collect();
        let all = self.all_services().await?;
        let others = all.iter().filter(|name| !candidates.contains(name)).take(MOST_SERVICES).cloned().collect();
        for services in [candidates, others] {
            let searches: Vec<Search> =
                services.iter().flat_map(|service| keys.iter().map(|key| search(Some(service), key))).collect();
            if searches.is_empty() || !gathered.traces.is_empty() {
                continue;
            }
            let found = self.fetch_all(searches).await?;
            gathered.add(found);
        }
        Ok(())
    }
}
