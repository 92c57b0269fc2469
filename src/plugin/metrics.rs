//! The plugin's own metrics, in Prometheus text format.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use prometheus_client::{
    encoding::{
        EncodeLabelSet,
        text::{encode_eof, encode_registry},
    },
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::now;
use crate::{
    investigate::Investigator,
    recorder::{Observed, write_metrics},
};

const SECONDS: [f64; 10] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// How a query ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueryOutcome {
    Ok,
    /// An error of Jaeger or of the query.
    Downstream,
    /// An error of the plugin.
    Plugin,
    /// The caller went away.
    Cancelled,
}

impl QueryOutcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Downstream => "downstream_error",
            Self::Plugin => "plugin_error",
            Self::Cancelled => "cancelled",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueryLabels {
    query_type: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TypeLabels {
    query_type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResourceLabels {
    status: u16,
}

/// What was asked of Jaeger and of the cache before it, over all data sources.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct JaegerTotals {
    questions: u64,
    cache_hits: u64,
    calls: u64,
    errors: u64,
    retries: u64,
    bytes: u64,
    seconds: f64,
}

impl JaegerTotals {
    /// Adds what one data source did.
    pub(super) fn add(&mut self, investigator: &Investigator) {
        let (one, cache) = (investigator.client().stats().snapshot(), investigator.cache_use());
        self.questions += cache.questions;
        self.cache_hits += cache.hits;
        self.calls += one.calls;
        self.errors += one.errors;
        self.retries += one.retries;
        self.bytes += one.bytes;
        self.seconds += one.duration.as_secs_f64();
    }
}

/// All metrics.
#[derive(Clone, Debug)]
pub(super) struct Metrics {
    registry: Arc<Registry>,
    queries: Family<QueryLabels, Counter>,
    durations: Family<TypeLabels, Histogram, fn() -> Histogram>,
    resources: Family<ResourceLabels, Counter>,
    streams: Gauge,
    jaeger: Jaeger,
}

/// Counters that are kept elsewhere and updated when the metrics are read.
#[derive(Clone, Debug, Default)]
struct Jaeger {
    questions: Counter,
    cache_hits: Counter,
    calls: Counter,
    errors: Counter,
    retries: Counter,
    bytes: Counter,
    seconds: Counter<f64, AtomicU64>,
}

impl Jaeger {
    fn register(&self, registry: &mut Registry) {
        registry.register("cache_lookups", "Questions that the cache was asked first", self.questions.clone());
        registry.register("cache_hits", "Questions that the cache answered", self.cache_hits.clone());
        registry.register("jaeger_requests", "Requests to Jaeger, retries included", self.calls.clone());
        registry.register("jaeger_errors", "Requests to Jaeger without a usable answer", self.errors.clone());
        registry.register("jaeger_retries", "Requests to Jaeger that were sent again", self.retries.clone());
        registry.register("jaeger_bytes", "Bytes that Jaeger answered, unpacked", self.bytes.clone());
        registry.register("jaeger_seconds", "Time that requests to Jaeger took", self.seconds.clone());
    }

    fn update(&self, totals: JaegerTotals) {
        let raise = |counter: &Counter, to: u64| counter.inc_by(to.saturating_sub(counter.get()));
        raise(&self.questions, totals.questions);
        raise(&self.cache_hits, totals.cache_hits);
        raise(&self.calls, totals.calls);
        raise(&self.errors, totals.errors);
        raise(&self.retries, totals.retries);
        raise(&self.bytes, totals.bytes);
        self.seconds.inc_by((totals.seconds - self.seconds.get()).max(0.0));
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("ktrdr_diagnosis");
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let metrics = (
            Family::<QueryLabels, Counter>::default(),
            Family::new_with_constructor(histogram),
            Family::<ResourceLabels, Counter>::default(),
            Gauge::default(),
        );
        registry.register("queries", "Queries by type and outcome", metrics.0.clone());
        registry.register("query_duration_seconds", "Time to answer a query", metrics.1.clone());
        registry.register("resource_requests", "Resource requests by HTTP status", metrics.2.clone());
        registry.register("live_streams", "Operations that are followed live", metrics.3.clone());
        let jaeger = Jaeger::default();
        jaeger.register(&mut registry);
        let (queries, durations, resources, streams) = metrics;
        Self { registry: Arc::new(registry), queries, durations, resources, streams, jaeger }
    }
}

impl Metrics {
    /// Counts an answered query.
    pub(super) fn query(&self, query_type: &'static str, outcome: QueryOutcome, took: Duration) {
        self.queries.get_or_create(&QueryLabels { query_type, outcome: outcome.as_str() }).inc();
        self.durations.get_or_create(&TypeLabels { query_type }).observe(took.as_secs_f64());
    }

    /// Counts an answered resource request.
    pub(super) fn resource(&self, status: u16) {
        self.resources.get_or_create(&ResourceLabels { status }).inc();
    }

    /// Counts a live stream for as long as the guard lives.
    pub(super) fn stream(&self) -> StreamGuard {
        self.streams.inc();
        StreamGuard(self.streams.clone())
    }

    /// Prometheus text, with the metrics of these recorders.
    pub(super) fn text(&self, totals: JaegerTotals, recorders: &[Observed]) -> String {
        self.jaeger.update(totals);
        let mut text = String::new();
        let written = encode_registry(&mut text, &self.registry)
            .and_then(|()| write_metrics(&mut text, recorders, now()))
            .and_then(|()| encode_eof(&mut text));
        match written {
            Ok(()) => text,
            Err(error) => {
                tracing::error!(%error, "metrics cannot be written");
                String::new()
            }
        }
    }
}

/// A live stream that is being counted.
#[derive(Debug)]
pub(super) struct StreamGuard(Gauge);

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_written_in_prometheus_text_format() {
        let metrics = Metrics::default();
        metrics.query("operations", QueryOutcome::Ok, Duration::from_millis(3));
        metrics.resource(200);
        let guard = metrics.stream();
        let totals = JaegerTotals { calls: 3, questions: 5, cache_hits: 2, ..JaegerTotals::default() };
        let text = metrics.text(totals, &[]);
        assert!(text.contains("ktrdr_diagnosis_jaeger_requests_total 3"), "{text}");
        assert!(text.contains("ktrdr_diagnosis_cache_hits_total 2"), "{text}");
        assert!(text.contains(r#"ktrdr_diagnosis_queries_total{query_type="operations",outcome="ok"} 1"#), "{text}");
        assert!(text.contains("ktrdr_diagnosis_query_duration_seconds_bucket"), "{text}");
        assert!(text.contains("ktrdr_diagnosis_live_streams 1"), "{text}");
        drop(guard);
        assert!(metrics.text(totals, &[]).contains("ktrdr_diagnosis_live_streams 0"));
    }
}
