//! Names to choose from, for query editors and variables: services, span names, types, errors, workers and tags.
//!
//! They come from recorded operations, or without a history from the answers that lists of operations are cached as, so that
//! opening an editor costs Jaeger no more than one list. All are sorted, without duplicates and empty names, and at most [`MAX_SUGGESTIONS`] long.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _};

use super::{CONCURRENT_REQUESTS, Error, Gathered, Investigator};
use diagnosis::{Filters, TimeRange};
use store::Field;
use trace::{SpanRef, Time, Trace};

/// The most names that one list holds.
pub const MAX_SUGGESTIONS: usize = 1000;
/// How many operations the names come from.
const MAX_OPERATIONS: usize = 200;

impl Investigator {
    /// The services that took part in the operations of a range; without a history, those that are searched for operations.
    ///
    /// # Errors
    /// When Jaeger or the store cannot be read.
    pub async fn services(&self, range: TimeRange, filters: &Filters, now: Time) -> Result<Vec<String>, Error> {
        if let Some(recorded) = self.recorded(&Field::Service, range, filters, now).await? {
            return Ok(recorded);
        }
        Ok(sorted(self.all_services().await?.iter().cloned()))
    }

    /// The span names of these services; without any, those of all services that are searched.
    ///
    /// # Errors
    /// When Jaeger or the store cannot be read.
    pub async fn span_names(&self, services: &[String]) -> Result<Vec<String>, Error> {
        if services.is_empty() {
            let all = self.services_with(|_| true, &mut Gathered::default()).await?;
            return Ok(sorted(all.into_iter().flat_map(|(_, names)| names)));
        }
        let each: Vec<_> = futures_util::stream::iter(services.to_vec())
            .map(|service| async move { self.names_of(&service).await })
            .buffered(CONCURRENT_REQUESTS)
            .try_collect()
            .await?;
        Ok(sorted(each.iter().flat_map(|names| names.iter().cloned())))
    }

    /// The types of the operations of a range, and those that the playbook knows.
    ///
    /// # Errors
    /// When Jaeger or the store cannot be read.
    pub async fn operation_types(&self, range: TimeRange, filters: &Filters, now: Time) -> Result<Vec<String>, Error> {
        let found = if let Some(recorded) = self.recorded(&Field::OperationType, range, filters, now).await? {
            recorded
        } else {
            let answer = self.newest(range, filters, MAX_OPERATIONS, now).await?;
            answer.diagnoses.iter().map(|d| d.operation_type.clone()).collect()
        };
        Ok(sorted(found.into_iter().chain(self.shared.playbook.operation_types())))
    }

    /// The short error classes in a range.
    ///
    /// # Errors
    /// When Jaeger or the store cannot be read.
    pub async fn error_types(&self, range: TimeRange, filters: &Filters, now: Time) -> Result<Vec<String>, Error> {
        if let Some(recorded) = self.recorded(&Field::ErrorType, range, filters, now).await? {
            return Ok(recorded);
        }
        let answer = self.newest(range, filters, MAX_OPERATIONS, now).await?;
        Ok(sorted(answer.diagnoses.iter().filter_map(|d| d.error_type.clone())))
    }

    /// The workers that were selected in a range, those that refused the dispatch included.
    ///
    /// # Errors
    /// When Jaeger or the store cannot be read.
    pub async fn workers(&self, range: TimeRange, filters: &Filters, now: Time) -> Result<Vec<String>, Error> {
        if let Some(recorded) = self.recorded(&Field::Worker, range, filters, now).await? {
            return Ok(recorded);
        }
        let answer = self.newest(range, filters, MAX_OPERATIONS, now).await?;
        let selected = answer.diagnoses.iter().flat_map(|d| {
            let dispatched = d.workers.iter().filter_map(|selection| selection.worker_id.clone());
            d.worker_id.clone().into_iter().chain(dispatched)
        });
        Ok(sorted(selected))
    }

    /// The keys of the attributes and resource attributes in the traces of a range's operations; with a history, of those
    /// attributes that the playbook stores.
    ///
    /// # Errors
    /// When Jaeger or the store cannot be read.
    pub async fn tag_keys(&self, range: TimeRange, filters: &Filters, now: Time) -> Result<Vec<String>, Error> {
        if let Some(recorded) = self.recorded(&Field::TagKey, range, filters, now).await? {
            return Ok(recorded);
        }
        self.over_spans(range, filters, now, |span, add| {
            span.attributes().chain(span.resource_attributes()).for_each(|(key, _)| add(key));
        })
        .await
    }

    /// The values of an attribute or resource attribute in the traces of a range's operations.
    ///
    /// # Errors
    /// When Jaeger or the store cannot be read.
    pub async fn tag_values(
        &self,
        key: &str,
        range: TimeRange,
        filters: &Filters,
        now: Time,
    ) -> Result<Vec<String>, Error> {
        if let Some(recorded) = self.recorded(&Field::TagValue(key.to_owned()), range, filters, now).await? {
            return Ok(recorded);
        }
        self.over_spans(range, filters, now, |span, add| {
            let all = span.attributes().chain(span.resource_attributes());
            all.filter(|(name, _)| *name == key).for_each(|(_, value)| add(&value.to_text()));
        })
        .await
    }

    /// The values of a field in recorded operations, if there is a history.
    async fn recorded(
        &self,
        field: &Field,
        range: TimeRange,
        filters: &Filters,
        now: Time,
    ) -> Result<Option<Vec<String>>, Error> {
        let Some(history) = &self.history else { return Ok(None) };
        history.distinct(field, range, filters, MAX_SUGGESTIONS, now, self.deadline).await.map(Some)
    }

    async fn over_spans(
        &self,
        range: TimeRange,
        filters: &Filters,
        now: Time,
        each: impl Fn(SpanRef<'_>, &mut dyn FnMut(&str)),
    ) -> Result<Vec<String>, Error> {
        let cached = self.list(range, &filters.tags, MAX_OPERATIONS, now).await?;
        let clock = range.to.min(now);
        let wanted =
            cached.diagnoses.iter().filter(|d| range.overlaps(d, clock) && filters.fit(d, &self.shared.playbook));
        let ids: BTreeSet<_> = wanted.flat_map(|d| d.trace_ids.iter().copied()).collect();
        let mut names: BTreeSet<String> = BTreeSet::new();
        for span in cached.traces.iter().filter(|trace| ids.contains(&trace.id())).flat_map(Trace::spans) {
            each(span, &mut |name| {
                if names.len() < MAX_SUGGESTIONS && !name.is_empty() && !names.contains(name) {
                    names.insert(name.to_owned());
                }
            });
        }
        Ok(names.into_iter().collect())
    }
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let names: BTreeSet<String> = names.filter(|name| !name.is_empty()).collect();
    names.into_iter().take(MAX_SUGGESTIONS).collect()
}
