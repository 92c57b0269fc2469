//! Completed operations of the same types: the baseline that durations are compared with. A baseline only improves an
//! answer, so a type whose history cannot be read simply has none.

use std::sync::Arc;

use super::{Gathered, Investigator};
use diagnosis::playbook::{Attr, OperationSource, SpanRole};
use diagnosis::{Comparable, diagnose};
use jaeger::Search;
use trace::{Micros, Time};

/// How many services to search for one type.
const MOST_SERVICES: usize = 12;
/// For how many types one question fetches a history.
const MOST_TYPES: usize = 6;
/// Steps in which the end of the history follows the clock.
const HISTORY_STEP: Micros = Micros::from_secs(600);

/// Up to when the history of a question at this clock reaches: questions within the same ten minutes share it.
fn history_until(now: Time) -> Time {
    Time(now.0.div_euclid(HISTORY_STEP.0) * HISTORY_STEP.0)
}

impl Investigator {
    /// Completed operations of these types (with the services that they were seen in) within the baseline window. Types
    /// whose history cannot be read are left out.
    pub(super) async fn history(&self, types: Vec<(String, Vec<String>)>, now: Time) -> Vec<Comparable> {
        let each = types.into_iter().take(MOST_TYPES).map(|(kind, services)| async move {
            // The value depends only on the key, so no answer depends on what was asked before (review B2).
            let until = history_until(now);
            let key = (self.client.identity(), kind.clone(), until);
            let work = async { Arc::new(self.history_of(&kind, &services, until).await) };
            self.caches().history.get_with(key, work).await
        });
        let all = futures_util::future::join_all(each).await;
        all.iter().flat_map(|of_type| of_type.iter().cloned()).collect()
    }

    async fn history_of(&self, kind: &str, seen_in: &[String], now: Time) -> Vec<Comparable> {
        let playbook = &self.shared.playbook;
        if playbook.operation_source() == OperationSource::RootRequests {
            let roots: Vec<Search> = self.searches_for_root(kind, seen_in, now).into_iter().collect();
            if !roots.is_empty() {
                return self.comparables(roots, kind, now).await;
            }
        }
        let registers = |name: &str| playbook.span_roles(name).any(|role| role == SpanRole::Register);
        let mut ignored = Gathered::default();
        let Ok(mut named) = self.services_with(registers, &mut ignored).await else { return Vec::new() };
        // Services where this type was seen come first.
        named.sort_by_key(|(service, _)| !seen_in.contains(service));
        let searches = named.into_iter().take(MOST_SERVICES).flat_map(|(service, names)| {
            let keys = playbook.keys(Attr::OperationType);
            names.into_iter().flat_map(move |name| {
                let service = service.clone();
                keys.iter().map(move |key| Search {
                    service: Some(service.clone()),
                    operation: Some(name.clone()),
                    attributes: vec![(key.clone(), kind.to_owned())],
                    from: now - self.baseline_window(),
                    to: now,
                    limit: playbook.thresholds().baseline_max_operations,
                    ..Search::default()
                })
            })
        });
        self.comparables(searches.collect(), kind, now).await
    }

    /// A search for the root requests of one type, which is made of their service and the name of their span.
    fn searches_for_root(&self, kind: &str, seen_in: &[String], now: Time) -> Option<Search> {
        let named =
            |service: &String| Some((service.clone(), kind.strip_prefix(service.as_str())?.strip_prefix(": ")?));
        let (service, span) = seen_in.iter().find_map(named)?;
        Some(Search {
            service: Some(service),
            operation: Some(span.to_owned()),
            from: now - self.baseline_window(),
            to: now,
            limit: self.shared.playbook.thresholds().baseline_max_operations,
            ..Search::default()
        })
    }

    /// The completed operations of one type in what these searches find.
    async fn comparables(&self, searches: Vec<Search>, kind: &str, now: Time) -> Vec<Comparable> {
        if searches.is_empty() {
            return Vec::new();
        }
        let playbook = &self.shared.playbook;
        let found = match self.fetch_all(searches).await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, kind, "no baseline");
                return Vec::new();
            }
        };
        let (playbook, context) = (Arc::clone(playbook), self.context(now, Vec::new()));
        let work = move || diagnose(&found.traces, &playbook, &context).comparables;
        let mut comparables = tokio::task::spawn_blocking(work).await.unwrap_or_default();
        comparables.retain(|known| known.operation_type == kind);
        comparables.sort_by(|a, b| b.end.cmp(&a.end).then_with(|| a.operation_id.cmp(&b.operation_id)));
        comparables
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Review B2: a question about last week must not leave its history to a question about today.
    #[test]
    fn questions_of_different_times_have_different_histories() {
        let step = HISTORY_STEP.0;
        assert_eq!(history_until(Time(step - 1)), Time(0));
        assert_eq!(history_until(Time(step)), Time(step));
        assert_eq!(history_until(Time(2 * step - 1)), Time(step));
        assert_eq!(history_until(Time(-1)), Time(-step));
    }
}
