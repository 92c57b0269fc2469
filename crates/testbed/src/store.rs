//! An in-memory store of traces with the search of Jaeger.
//!
//! A search returns the traces in which one span meets all conditions. Tags are compared as text and are searched in the
//! span's attributes, its process and its events, as Jaeger does.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use super::span::{RawSpan, RawTrace, Text};
use trace::{Micros, SpanKind, Time, TraceId};

/// The conditions of a search. A trace is found if one of its spans meets all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Name of the service.
    pub service: Option<String>,
    /// Exact name of the span.
    pub operation: Option<String>,
    /// Attributes of the span, its process or its events, as text.
    pub tags: Vec<(String, String)>,
    /// Earliest start.
    pub from: Option<Time>,
    /// Latest start.
    pub to: Option<Time>,
    /// Shortest duration.
    pub min_duration: Option<Micros>,
    /// Longest duration.
    pub max_duration: Option<Micros>,
}

impl Filter {
    fn matches(&self, span: &RawSpan) -> bool {
        self.from.is_none_or(|from| span.start >= from)
            && self.to.is_none_or(|to| span.start <= to)
            && self.service.as_ref().is_none_or(|service| *service == span.service)
            && self.operation.as_ref().is_none_or(|name| *name == span.name)
            && self.min_duration.is_none_or(|least| span.duration >= least)
            && self.max_duration.is_none_or(|most| span.duration <= most)
            && self.tags.iter().all(|(key, value)| has_tag(span, key, value))
    }
}

fn has_tag(span: &RawSpan, key: &str, value: &str) -> bool {
    let events = span.events.iter().flat_map(|event| &event.attributes);
    let mut pairs = span.attributes.iter().chain(span.process.iter()).chain(events);
    pairs.any(|(name, is)| name == key && is.to_text() == value)
        || span.kind_and_status_tags().iter().any(|(name, is)| *name == key && is.to_text() == value)
}

/// The names and kinds of a service's spans.
pub(super) type SpanNames = BTreeSet<(String, &'static str)>;

#[derive(Debug, Default)]
struct Content {
    traces: Vec<Arc<RawTrace>>,
    by_id: HashMap<TraceId, usize>,
    /// Positions of the traces with a span of a service, by its name, in ascending order.
    by_span: HashMap<Text, HashMap<Text, Vec<usize>>>,
    services: BTreeMap<String, SpanNames>,
}

impl Content {
    fn insert(&mut self, trace: RawTrace) {
        for span in &trace.spans {
            let kind = if span.kind == SpanKind::Unspecified { "" } else { span.kind.as_str() };
            if let Some(names) = self.services.get_mut(span.service.as_ref()) {
                if !names.iter().any(|(name, of)| *name == span.name && *of == kind) {
                    names.insert((span.name.to_string(), kind));
                }
            } else {
                self.services.insert(span.service.to_string(), [(span.name.to_string(), kind)].into());
            }
        }
        let at = *self.by_id.entry(trace.id).or_insert(self.traces.len());
        self.index(at, &trace.spans);
        if let Some(existing) = self.traces.get_mut(at) {
            Arc::make_mut(existing).spans.extend(trace.spans);
        } else {
            self.traces.push(Arc::new(trace));
        }
    }

    fn index(&mut self, at: usize, spans: &[RawSpan]) {
        for span in spans {
            let names = self.by_span.entry(span.service.clone()).or_default();
            let positions = names.entry(span.name.clone()).or_default();
            if let Err(place) = positions.binary_search(&at) {
                positions.insert(place, at);
            }
        }
    }

    /// The traces that may match a filter.
    fn candidates(&self, filter: &Filter) -> Vec<&Arc<RawTrace>> {
        let Some(service) = &filter.service else { return self.traces.iter().collect() };
        let names = self.by_span.get(service.as_str());
        let positions: BTreeSet<usize> = match &filter.operation {
            Some(name) => names.and_then(|names| names.get(name.as_str())).into_iter().flatten().copied().collect(),
            None => names.into_iter().flat_map(HashMap::values).flatten().copied().collect(),
        };
        positions.into_iter().filter_map(|at| self.traces.get(at)).collect()
    }
}

/// Traces in memory. Traces can be added while others search.
#[derive(Debug, Default)]
pub struct Store {
    content: RwLock<Content>,
}

impl Store {
    /// A store with these traces.
    #[must_use]
    pub fn new(traces: Vec<RawTrace>) -> Self {
        let store = Self::default();
        store.add(traces);
        store
    }

    /// Adds traces. If the store already has a trace with this id, adds the spans to it.
    pub fn add(&self, traces: Vec<RawTrace>) {
        let mut content = self.content.write().unwrap_or_else(PoisonError::into_inner);
        for trace in traces {
            content.insert(trace);
        }
    }

    /// Removes traces. As in Jaeger, the names of their services and spans remain.
    pub fn remove(&self, ids: &HashSet<TraceId>) {
        let mut content = self.content.write().unwrap_or_else(PoisonError::into_inner);
        content.traces.retain(|trace| !ids.contains(&trace.id));
        content.by_id = content.traces.iter().enumerate().map(|(at, trace)| (trace.id, at)).collect();
        content.by_span.clear();
        for at in 0..content.traces.len() {
            if let Some(trace) = content.traces.get(at).map(Arc::clone) {
                content.index(at, &trace.spans);
            }
        }
    }

    /// Number of traces.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().traces.len()
    }

    /// Whether it has no traces.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The trace with this id.
    #[must_use]
    pub fn get(&self, id: TraceId) -> Option<Arc<RawTrace>> {
        let content = self.read();
        content.by_id.get(&id).and_then(|&at| content.traces.get(at)).map(Arc::clone)
    }

    /// The newest `limit` traces that match the filter, newest first. 0 means all.
    #[must_use]
    pub fn search(&self, filter: &Filter, limit: usize) -> Vec<Arc<RawTrace>> {
        let content = self.read();
        let hit = |trace: &&Arc<RawTrace>| trace.spans.iter().any(|span| filter.matches(span));
        let candidates = content.candidates(filter).into_iter();
        let mut found: Vec<Arc<RawTrace>> = candidates.filter(hit).map(Arc::clone).collect();
        drop(content);
        found.sort_by_key(|trace| (std::cmp::Reverse(trace.start()), trace.id));
        if limit > 0 {
            found.truncate(limit);
        }
        found
    }

    pub(super) fn services(&self) -> Vec<String> {
        self.read().services.keys().cloned().collect()
    }

    pub(super) fn span_names(&self, service: &str) -> SpanNames {
        self.read().services.get(service).cloned().unwrap_or_default()
    }

    fn read(&self) -> RwLockReadGuard<'_, Content> {
        self.content.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Telemetry, generate, scenarios};

    const BASE: Time = Time(1_795_341_900_000_000);

    fn filled() -> Store {
        let traces = scenarios()
            .iter()
            .filter(|scenario| ["2", "4"].contains(&scenario.number))
            .flat_map(|scenario| generate(scenario, Telemetry::Current, BASE, 1).traces);
        Store::new(traces.collect())
    }

    fn tagged(key: &str, value: &str) -> Filter {
        Filter { tags: vec![(key.to_owned(), value.to_owned())], ..Filter::default() }
    }

    #[test]
    fn one_span_must_meet_all_conditions() {
        let store = filled();
        let found = |filter: &Filter| store.search(filter, 0).len();
        assert_eq!(found(&Filter { operation: Some("workers.select".to_owned()), ..Filter::default() }), 2);
        assert_eq!(found(&tagged("worker.total_workers", "0")), 1);
        let elsewhere = Filter { service: Some("ktrdr-cli".to_owned()), ..tagged("worker.total_workers", "0") };
        assert_eq!(found(&elsewhere), 0, "the command line's spans have no counts");
        let later = Filter { from: Some(BASE + Micros::from_secs(3600)), ..Filter::default() };
        assert_eq!(found(&later), 0);
        let long = Filter { min_duration: Some(Micros::from_secs(8)), ..Filter::default() };
        assert_eq!(found(&long), 2, "the retries of one, the features of the other");
    }

    #[test]
    fn kind_status_process_and_events_are_searched_too() {
        let store = filled();
        for (key, value, traces) in [
            ("span.kind", "server", 2),
            ("error", "true", 1),
            ("http.status_code", "503", 1),
            ("deployment.environment", "development", 2),
            ("exception.type", "click.exceptions.Exit", 1),
        ] {
            assert_eq!(store.search(&tagged(key, value), 0).len(), traces, "{key}={value}");
        }
    }

    #[test]
    fn the_newest_traces_win_and_late_spans_join_their_trace() {
        let store = filled();
        let all = store.search(&Filter::default(), 0);
        assert_eq!(store.search(&Filter::default(), 1).len(), 1);
        let trace = RawTrace::clone(&all[0]);
        let (id, before) = (trace.id, trace.spans.len());
        store.add(vec![RawTrace { id, spans: trace.spans.into_iter().take(1).collect() }]);
        assert_eq!(store.get(id).unwrap().spans.len(), before + 1);
        assert_eq!(store.len(), all.len());
    }

    #[test]
    fn removed_traces_are_gone_and_the_others_are_still_found() {
        let store = filled();
        let all = store.search(&Filter::default(), 0);
        store.remove(&[all[0].id].into());
        assert_eq!(store.len(), all.len() - 1);
        assert!(store.get(all[0].id).is_none());
        assert!(all[1..].iter().all(|trace| store.get(trace.id).is_some_and(|kept| kept.id == trace.id)));
    }
}
