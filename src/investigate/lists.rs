//! Lists of names for query editors and variables.

use std::collections::BTreeSet;

use super::Investigator;
use diagnosis::{Answer, Filters, TimeRange};
use jaeger::Error;
use trace::{SpanRef, Time, Trace};

/// How many names a list has at most.
const MOST_NAMES: usize = 1000;
/// How many operations are looked at.
const MOST_OPERATIONS: usize = 500;

impl Investigator {
    /// The services that are searched for operations, sorted.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn services(&self) -> Result<Vec<String>, Error> {
        Ok(self.all_services().await?.to_vec())
    }

    /// The span names of a service or (bounded) of all, sorted.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn span_names(&self, service: Option<&str>) -> Result<Vec<String>, Error> {
        if let Some(service) = service.filter(|service| !service.is_empty()) {
            return Ok(self.names_of(service).await?.iter().take(MOST_NAMES).cloned().collect());
        }
        let named = self.services_with(|_| true, &mut super::Gathered::default()).await?;
        Ok(sorted(named.into_iter().flat_map(|(_, names)| names)))
    }

    /// The ids of the operations of a range, newest first.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn operation_ids(&self, range: TimeRange, filters: &Filters, now: Time) -> Result<Vec<String>, Error> {
        let answer = self.all(range, filters, now).await?;
        let mut ids: Vec<String> = Vec::new();
        for id in answer.diagnoses.iter().filter_map(|d| d.operation_id.clone()) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// The types of the operations of a range, and those that the playbook knows.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn operation_types(&self, range: TimeRange, filters: &Filters, now: Time) -> Result<Vec<String>, Error> {
        let answer = self.all(range, filters, now).await?;
        let found = answer.diagnoses.iter().map(|d| d.operation_type.clone());
        Ok(sorted(found.chain(self.shared.playbook.operation_types())))
    }

    /// The short error classes in a range.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn error_types(&self, range: TimeRange, filters: &Filters, now: Time) -> Result<Vec<String>, Error> {
        let answer = self.all(range, filters, now).await?;
        Ok(sorted(answer.diagnoses.iter().filter_map(|d| d.error_type.clone())))
    }

    /// The workers that were chosen in a range.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn workers(&self, range: TimeRange, filters: &Filters, now: Time) -> Result<Vec<String>, Error> {
        let answer = self.all(range, filters, now).await?;
        let chosen = answer.diagnoses.iter().flat_map(|d| {
            let selected = d.workers.iter().filter_map(|selection| selection.worker_id.clone());
            d.worker_id.clone().into_iter().chain(selected)
        });
        Ok(sorted(chosen))
    }

    /// The attribute keys of the spans in the traces of a range's operations.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn tag_keys(&self, range: TimeRange, filters: &Filters, now: Time) -> Result<Vec<String>, Error> {
        self.over_spans(range, filters, now, |span, add| {
            span.attributes().chain(span.resource_attributes()).for_each(|(key, _)| add(key));
        })
        .await
    }

    /// The values of an attribute in the traces of a range's operations.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn tag_values(
        &self,
        key: &str,
        range: TimeRange,
        filters: &Filters,
        now: Time,
    ) -> Result<Vec<String>, Error> {
        self.over_spans(range, filters, now, |span, add| {
            let all = span.attributes().chain(span.resource_attributes());
            all.filter(|(name, _)| *name == key).for_each(|(_, value)| add(&value.to_text()));
        })
        .await
    }

    async fn all(&self, range: TimeRange, filters: &Filters, now: Time) -> Result<Answer, Error> {
        self.operations(range, filters, MOST_OPERATIONS, now).await
    }

    async fn over_spans(
        &self,
        range: TimeRange,
        filters: &Filters,
        now: Time,
        each: impl Fn(SpanRef<'_>, &mut dyn FnMut(&str)),
    ) -> Result<Vec<String>, Error> {
        let case = self.list(range, &filters.tags, MOST_OPERATIONS, now).await?;
        let clock = range.to.min(now);
        let wanted =
            case.diagnoses.iter().filter(|d| range.overlaps(d, clock) && filters.fit(d, &self.shared.playbook));
        let ids: BTreeSet<_> = wanted.flat_map(|d| d.trace_ids.iter().copied()).collect();
        let mut names: BTreeSet<String> = BTreeSet::new();
        for span in case.traces.iter().filter(|trace| ids.contains(&trace.id())).flat_map(Trace::spans) {
            each(span, &mut |name| {
                if names.len() < MOST_NAMES && !names.contains(name) {
                    names.insert(name.to_owned());
                }
            });
        }
        Ok(names.into_iter().collect())
    }
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let names: BTreeSet<String> = names.filter(|name| !name.is_empty()).collect();
    names.into_iter().take(MOST_NAMES).collect()
}
