//! The metrics of one process, in the text format of Prometheus as Python's `prometheus_client` writes it.

use std::{collections::BTreeMap, fmt::Write};

/// A metric that KTRDR exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "`help` says what each is")]
pub enum Metric {
    WorkersRegistered,
    WorkersAvailable,
    OperationsActive,
    Operations,
    OperationDuration,
    AgentCycles,
    AgentCycleDuration,
    AgentPhaseDuration,
    AgentGateResults,
    AgentTokens,
    AgentBudgetSpend,
    HttpServerDuration,
    VirtualMemory,
    ResidentMemory,
    StartTime,
    CpuSeconds,
    OpenFds,
    MaxFds,
}

/// The type of a metric in Prometheus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricKind {
    /// A value that only increases.
    Counter,
    /// A value that increases and decreases.
    Gauge,
    /// Counts of observations by upper bound.
    Histogram(&'static [f64]),
}

const OPERATION: &[f64] = &[1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];
const AGENT: &[f64] = &[10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0];
/// The default buckets of OpenTelemetry.
const MILLISECONDS: &[f64] =
    &[0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0];

impl Metric {
    /// All metrics, in the order in which they are written.
    pub const ALL: [Self; 18] = [
        Self::VirtualMemory,
        Self::ResidentMemory,
        Self::StartTime,
        Self::CpuSeconds,
        Self::OpenFds,
        Self::MaxFds,
        Self::WorkersRegistered,
        Self::WorkersAvailable,
        Self::OperationsActive,
        Self::Operations,
        Self::OperationDuration,
        Self::AgentCycles,
        Self::AgentCycleDuration,
        Self::AgentPhaseDuration,
        Self::AgentGateResults,
        Self::AgentTokens,
        Self::AgentBudgetSpend,
        Self::HttpServerDuration,
    ];

    /// Its name. The series of a histogram append `_bucket`, `_sum` and `_count`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WorkersRegistered => "ktrdr_workers_registered_total",
            Self::WorkersAvailable => "ktrdr_workers_available",
            Self::OperationsActive => "ktrdr_operations_active",
            Self::Operations => "ktrdr_operations_total",
            Self::OperationDuration => "ktrdr_operation_duration_seconds",
            Self::AgentCycles => "agent_cycles_total",
            Self::AgentCycleDuration => "agent_cycle_duration_seconds",
            Self::AgentPhaseDuration => "agent_phase_duration_seconds",
            Self::AgentGateResults => "agent_gate_results_total",
            Self::AgentTokens => "agent_tokens_total",
            Self::AgentBudgetSpend => "agent_budget_spend_total",
            Self::HttpServerDuration => "http_server_duration_milliseconds",
            Self::VirtualMemory => "process_virtual_memory_bytes",
            Self::ResidentMemory => "process_resident_memory_bytes",
            Self::StartTime => "process_start_time_seconds",
            Self::CpuSeconds => "process_cpu_seconds_total",
            Self::OpenFds => "process_open_fds",
            Self::MaxFds => "process_max_fds",
        }
    }

    /// Its help text.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::WorkersRegistered => "Number of workers currently registered.",
            Self::WorkersAvailable => "Number of workers that can take an operation.",
            Self::OperationsActive => "Number of operations that run in this process.",
            Self::Operations => "Operations that have ended.",
            Self::OperationDuration => "Duration of operations that have ended, in seconds.",
            Self::AgentCycles => "Research cycles that have ended.",
            Self::AgentCycleDuration => "Duration of research cycles, in seconds.",
            Self::AgentPhaseDuration => "Duration of the phases of research cycles, in seconds.",
            Self::AgentGateResults => "Verdicts of the quality gates.",
            Self::AgentTokens => "Tokens used by the language model.",
            Self::AgentBudgetSpend => "Money spent on the language model, in US dollars.",
            Self::HttpServerDuration => "Duration of HTTP server requests.",
            Self::VirtualMemory => "Virtual memory size in bytes.",
            Self::ResidentMemory => "Resident memory size in bytes.",
            Self::StartTime => "Start time of the process since unix epoch in seconds.",
            Self::CpuSeconds => "Total user and system CPU time spent in seconds.",
            Self::OpenFds => "Number of open file descriptors.",
            Self::MaxFds => "Maximum number of open file descriptors.",
        }
    }

    /// Its type. `ktrdr_workers_registered_total` is a gauge, in spite of its name.
    #[must_use]
    pub fn kind(self) -> MetricKind {
        match self {
            Self::Operations
            | Self::AgentCycles
            | Self::AgentGateResults
            | Self::AgentTokens
            | Self::AgentBudgetSpend
            | Self::CpuSeconds => MetricKind::Counter,
            Self::OperationDuration => MetricKind::Histogram(OPERATION),
            Self::AgentCycleDuration | Self::AgentPhaseDuration => MetricKind::Histogram(AGENT),
            Self::HttpServerDuration => MetricKind::Histogram(MILLISECONDS),
            Self::WorkersRegistered
            | Self::WorkersAvailable
            | Self::OperationsActive
            | Self::VirtualMemory
            | Self::ResidentMemory
            | Self::StartTime
            | Self::OpenFds
            | Self::MaxFds => MetricKind::Gauge,
        }
    }
}

/// Names and values of labels, in the order in which they are written.
pub(super) type Labels = Vec<(&'static str, String)>;

#[derive(Clone, Debug, PartialEq)]
enum Series {
    Value(f64),
    /// The number of observations in each bucket (not cumulative; the last bucket has no upper bound), and their sum.
    Histogram(Vec<u64>, f64),
}

/// The metrics of a process.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Registry {
    series: BTreeMap<Metric, BTreeMap<Labels, Series>>,
}

impl Registry {
    /// Sets a gauge.
    pub(super) fn set(&mut self, metric: Metric, labels: Labels, to: f64) {
        self.series.entry(metric).or_default().insert(labels, Series::Value(to));
    }

    /// Increases a counter.
    pub(super) fn add(&mut self, metric: Metric, labels: Labels, by: f64) {
        if let Series::Value(value) = self.series.entry(metric).or_default().entry(labels).or_insert(Series::Value(0.0))
        {
            *value += by;
        }
    }

    /// Adds an observation to a histogram.
    pub(super) fn observe(&mut self, metric: Metric, labels: Labels, value: f64) {
        let bounds = bounds(metric);
        let at = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
        if let Series::Histogram(counts, sum) = self.histogram(metric, labels) {
            *sum += value;
            if let Some(count) = counts.get_mut(at) {
                *count += 1;
            }
        }
    }

    /// Adds a histogram that has no observations yet.
    pub(super) fn declare_histogram(&mut self, metric: Metric) {
        self.histogram(metric, Labels::new());
    }

    fn histogram(&mut self, metric: Metric, labels: Labels) -> &mut Series {
        let empty = || Series::Histogram(vec![0; bounds(metric).len() + 1], 0.0);
        self.series.entry(metric).or_default().entry(labels).or_insert_with(empty)
    }

    /// Writes the metrics that `which` selects. A metric without series has only its header.
    pub(super) fn write(&self, which: impl Fn(Metric) -> bool) -> String {
        let mut out = String::new();
        for metric in Metric::ALL.into_iter().filter(|metric| which(*metric)) {
            let kind = match metric.kind() {
                MetricKind::Counter => "counter",
                MetricKind::Gauge => "gauge",
                MetricKind::Histogram(_) => "histogram",
            };
            let name = metric.name();
            line(&mut out, format_args!("# HELP {name} {}\n# TYPE {name} {kind}", metric.help()));
            for (labels, series) in self.series.get(&metric).into_iter().flatten() {
                match series {
                    Series::Value(value) => line(&mut out, format_args!("{name}{} {value:?}", braced(labels, None))),
                    Series::Histogram(counts, sum) => histogram(&mut out, (metric, labels), counts, *sum),
                }
            }
        }
        out
    }
}

fn histogram(out: &mut String, (metric, labels): (Metric, &Labels), counts: &[u64], sum: f64) {
    let name = metric.name();
    let bounds = bounds(metric).iter().map(|bound| format!("{bound:?}")).chain(["+Inf".to_owned()]);
    let mut total = 0;
    for (bound, count) in bounds.zip(counts) {
        total += count;
        line(out, format_args!("{name}_bucket{} {total}.0", braced(labels, Some(&bound))));
    }
    let labels = braced(labels, None);
    line(out, format_args!("{name}_count{labels} {total}.0\n{name}_sum{labels} {sum:?}"));
}

fn bounds(metric: Metric) -> &'static [f64] {
    if let MetricKind::Histogram(bounds) = metric.kind() { bounds } else { &[] }
}

fn braced(labels: &Labels, bound: Option<&str>) -> String {
    let labels = labels.iter().map(|(name, value)| (*name, value.as_str())).chain(bound.map(|bound| ("le", bound)));
    let pairs: Vec<String> = labels.map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_writes_the_text_format_of_prometheus() {
        let mut registry = Registry::default();
        registry.set(Metric::WorkersRegistered, vec![("worker_type", "training".into())], 2.0);
        registry.add(Metric::Operations, vec![("status", "a\"b\\".into())], 1.0);
        registry.add(Metric::Operations, vec![("status", "a\"b\\".into())], 1.5);
        for value in [0.5, 5.0, 7.0, 9000.0] {
            registry.observe(Metric::OperationDuration, Labels::new(), value);
        }
        let text = registry.write(|metric| metric != Metric::AgentCycles && !metric.name().starts_with("process"));
        for expected in [
            "# TYPE ktrdr_workers_registered_total gauge\nktrdr_workers_registered_total{worker_type=\"training\"} 2.0\n",
            "# TYPE ktrdr_operations_total counter\nktrdr_operations_total{status=\"a\\\"b\\\\\"} 2.5\n",
            "ktrdr_operation_duration_seconds_bucket{le=\"1.0\"} 1.0\n",
            "ktrdr_operation_duration_seconds_bucket{le=\"5.0\"} 2.0\n",
            "ktrdr_operation_duration_seconds_bucket{le=\"+Inf\"} 4.0\nktrdr_operation_duration_seconds_count 4.0\n\
             ktrdr_operation_duration_seconds_sum 9012.5\n",
            "# TYPE agent_tokens_total counter\n# HELP",
        ] {
            assert!(text.contains(expected), "{expected}\nis missing in\n{text}");
        }
        assert!(!text.contains("agent_cycles_total"));
    }

    #[test]
    fn every_metric_is_listed_once() {
        let names: std::collections::BTreeSet<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        assert_eq!(names.len(), Metric::ALL.len());
    }
}
