//! Metrics of recorders and their stores, in Prometheus' text format.
//!
//! They are made anew each time they are read, from the state of the recorder and from the store, so that they agree with
//! what queries answer.

use std::{fmt, sync::atomic::AtomicU64};

use diagnosis::{GroupBy, Measure, TimeRange};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text::encode_registry},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use store::{AggregateQuery, AggregateRow, OperationFilter, SourceId, Store};
use trace::{Micros, Time};

use super::status::Status;

/// Operations whose window touches this much time before the clock are counted.
const COUNTED_OPERATIONS: Micros = Micros::from_secs(86_400);

/// What is known of a recorder when its metrics are read.
#[derive(Clone, Debug)]
pub struct Observed {
    source: SourceId,
    status: Status,
    /// Operations by type, verdict and rule; `None` if the store does not answer.
    operations: Option<Vec<AggregateRow>>,
}

impl Observed {
    /// Asks the store what a recorder does not know itself: how many operations there are and, while another one writes,
    /// what is covered.
    pub async fn read(source: SourceId, mut status: Status, store: &dyn Store, now: Time) -> Self {
        let query = AggregateQuery {
            filter: OperationFilter::all(TimeRange { from: now - COUNTED_OPERATIONS, to: now }, now),
            measure: Measure::Count,
            group_by: vec![GroupBy::OperationType, GroupBy::Verdict, GroupBy::Rule],
            buckets: None,
            beside: Vec::new(),
        };
        let answer = async {
            let coverage = if status.is_writer { None } else { Some(store.coverage(&source).await?) };
            Ok::<_, store::Error>((coverage, store.aggregate(&source, &query).await?))
        };
        let operations = match answer.await {
            Ok((coverage, operations)) => {
                status.coverage = coverage.unwrap_or(status.coverage);
                Some(operations)
            }
            Err(error) => {
                tracing::warn!(%error, source = source.as_str(), "the store does not answer for metrics");
                None
            }
        };
        Self { source, status, operations }
    }
}

/// A metric with one value per recorder: its name, what it says, and its value if that is known.
type Gauged = (&'static str, &'static str, fn(&Observed, Time) -> Option<f64>);
type Counted = (&'static str, &'static str, fn(&Status) -> u64);

const GAUGES: [Gauged; 9] = [
    ("writer", "Whether this process writes the store (1) or another one may (0)", |one, _| {
        Some(flag(one.status.is_writer))
    }),
    ("caught_up", "Whether the history window is covered and every operation is judged", |one, _| {
        Some(flag(one.status.caught_up))
    }),
    ("store_up", "Whether the store answered when these metrics were read", |one, _| {
        Some(flag(one.operations.is_some()))
    }),
    ("live_edge_lag_seconds", "How far what was read once is behind the clock", |one, now| {
        Some(seconds(now - one.status.coverage.live_edge?))
    }),
    ("watermark_lag_seconds", "How far what was read again, after it had settled, is behind the clock", |one, now| {
        Some(seconds(now - one.status.coverage.watermark?))
    }),
    ("complete_since_timestamp_seconds", "Since when nothing is missing up to the watermark", |one, _| {
        Some(seconds(one.status.complete_since()? - Time(0)))
    }),
    ("gaps", "Times that could not be read completely", |one, _| Some(one.status.coverage.gaps.len() as f64)),
    ("gap_seconds", "How long these times are together", |one, _| {
        let gaps = one.status.coverage.gaps.iter();
        Some(gaps.map(|gap| seconds(gap.range.to - gap.range.from)).fold(0.0, |sum, length| sum + length))
    }),
    ("clock_skew_seconds", "How far Jaeger's clock is ahead of this machine's", |one, _| {
        Some(seconds(one.status.coverage.clock_skew?))
    }),
];

const COUNTERS: [Counted; 5] = [
    ("requests", "Requests of the recorder to Jaeger", |status| status.requests),
    ("failures", "Tasks of the recorder that failed and were repeated", |status| status.failures),
    ("commits", "Commits of the recorder", |status| status.commits),
    ("operations_written", "Operations that were added or replaced", |status| status.operations_written),
    ("traces_read", "Traces that were read, repetitions included", |status| status.traces_read),
];

/// Adds the metrics of these recorders to a page, without the mark of its end.
///
/// # Errors
/// When the page cannot be written.
pub fn write_metrics(page: &mut String, recorders: &[Observed], now: Time) -> fmt::Result {
    let mut all = Registry::with_prefix("ktrdr_diagnosis");
    let registry = all.sub_registry_with_prefix("history");
    let label = |one: &Observed| SourceLabel { source: Text(one.source.as_str().to_owned()) };
    let operations = Family::<OperationLabels, Gauge<i64>>::default();
    for one in recorders {
        for row in one.operations.iter().flatten() {
            let [operation_type, verdict, rule] = row.labels.as_slice() else { continue };
            let labels = OperationLabels {
                source: Text(one.source.as_str().to_owned()),
                operation_type: Text(operation_type.clone()),
                verdict: Text(verdict.clone()),
                rule: Text(rule.clone()),
            };
            operations.get_or_create(&labels).set(row.count as i64);
        }
    }
    registry.register("operations", "Operations of the last 24 hours", operations);
    for (name, help, value) in GAUGES {
        let gauges = Family::<SourceLabel, Gauge<f64, AtomicU64>>::default();
        for one in recorders {
            if let Some(value) = value(one, now) {
                gauges.get_or_create(&label(one)).set(value);
            }
        }
        registry.register(name, help, gauges);
    }
    for (name, help, value) in COUNTERS {
        let counters = Family::<SourceLabel, Counter>::default();
        for one in recorders {
            counters.get_or_create(&label(one)).inc_by(value(&one.status));
        }
        registry.register(name, help, counters);
    }
    encode_registry(page, &all)
}

fn flag(value: bool) -> f64 {
    f64::from(u8::from(value))
}

fn seconds(length: Micros) -> f64 {
    length.0 as f64 / 1e6
}

/// A label's text. What would end it is escaped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Text(String);

impl EncodeLabelValue for Text {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        let escaped = self.0.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        fmt::Write::write_str(encoder, &escaped)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SourceLabel {
    source: Text,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    source: Text,
    operation_type: Text,
    verdict: Text,
    rule: Text,
}

#[cfg(test)]
mod tests {
    use store::{CoverageChange, Gap, Interval};

    use super::*;

    const NOW: Time = Time(1_795_342_000_000_000);

    fn page(observed: &Observed) -> String {
        let mut page = String::new();
        write_metrics(&mut page, std::slice::from_ref(observed), NOW).unwrap();
        page
    }

    fn observed(status: Status) -> Observed {
        Observed { source: SourceId::new("jaeger:16686"), status, operations: Some(Vec::new()) }
    }

    #[test]
    fn what_is_not_known_has_no_value() {
        let page = page(&observed(Status::default()));
        assert!(!page.contains("live_edge_lag"), "{page}");
        assert!(page.contains("ktrdr_diagnosis_history_writer{source=\"jaeger:16686\"} 0"), "{page}");
    }

    #[test]
    fn marks_and_gaps_are_seconds() {
        let mut status = Status { requests: 7, is_writer: true, ..Status::default() };
        let ago = |seconds| NOW - Micros::from_secs(seconds);
        for change in [
            CoverageChange::LiveEdge(ago(12)),
            CoverageChange::Watermark(ago(310)),
            CoverageChange::Covered(Interval { from: ago(7_200), to: ago(310) }),
            CoverageChange::Gap(Gap {
                range: Interval { from: ago(9_000), to: ago(8_940) },
                reason: "too many".into(),
            }),
        ] {
            status.coverage.apply(change);
        }
        let page = page(&observed(status));
        for line in [
            "history_writer{source=\"jaeger:16686\"} 1.0",
            "history_live_edge_lag_seconds{source=\"jaeger:16686\"} 12.0",
            "history_watermark_lag_seconds{source=\"jaeger:16686\"} 310.0",
            "history_complete_since_timestamp_seconds{source=\"jaeger:16686\"} 1795334800.0",
            "history_gaps{source=\"jaeger:16686\"} 1.0",
            "history_gap_seconds{source=\"jaeger:16686\"} 60.0",
            "history_requests_total{source=\"jaeger:16686\"} 7",
        ] {
            assert!(page.contains(line), "{line} is not in {page}");
        }
    }

    #[test]
    fn a_label_cannot_end_itself() {
        let labels = vec!["GET \"/a\\b\"\n".to_owned(), "failed".to_owned(), "error.x".to_owned()];
        let row = AggregateRow { labels, bucket: None, value: Some(2.0), count: 2 };
        let page = page(&Observed { operations: Some(vec![row]), ..observed(Status::default()) });
        assert!(page.contains(r#"operation_type="GET \"/a\\b\"\n",verdict="failed",rule="error.x"} 2"#), "{page}");
    }
}
