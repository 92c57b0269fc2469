//! The metrics that KTRDR's processes export.
//!
//! They are derived from the spans that end, so metrics and traces always describe the same operations.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use super::{
    process::{Process, WorkerType},
    registry::{Labels, Metric, Registry},
};
use crate::{RawSpan, ktrdr::Deployment, scenario_builder::secs};
use trace::{Micros, SpanKind, Time};

/// How long the gauges of workers show 0 after a start found no worker.
const SHORTAGE: Micros = secs(45);
/// Number of workers of each type.
const WORKERS: usize = 2;
/// Price of a token in US dollars.
const TOKEN_PRICE: f64 = 6e-6;

/// The metrics of all processes at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    started: Time,
    at: Time,
    services: HashMap<String, Process>,
    registries: BTreeMap<Process, Registry>,
    /// CPU time in nanoseconds. As an integer, its sum does not depend on the steps of the clock.
    cpu: BTreeMap<Process, i64>,
    running: BTreeMap<String, Running>,
    shortages: BTreeMap<WorkerType, Shortage>,
}

/// A running operation.
#[derive(Clone, Debug, PartialEq)]
struct Running {
    /// The process in which it runs; `None` if that process has no metrics.
    process: Option<Process>,
    since: Time,
    /// Start of the current phase of a research.
    phase: Time,
}

/// The time after a start that found no worker.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shortage {
    until: Time,
    /// Whether any workers of the type are registered.
    registered: bool,
}

impl Metrics {
    /// The metrics of processes that have just started.
    pub(super) fn new(started: Time, seed: u64) -> Self {
        let deployment = Deployment::new(seed);
        let services = Process::ALL.into_iter().map(|process| (process.service(&deployment), process)).collect();
        let mut registries: BTreeMap<Process, Registry> = BTreeMap::new();
        let backend = registries.entry(Process::Backend).or_default();
        backend.declare_histogram(Metric::AgentCycleDuration);
        backend.add(Metric::AgentBudgetSpend, Labels::new(), 0.0);
        Self {
            started,
            at: started,
            services,
            registries,
            cpu: BTreeMap::new(),
            running: BTreeMap::new(),
            shortages: BTreeMap::new(),
        }
    }

    /// The metrics of a process in the text format of Prometheus.
    #[must_use]
    pub fn write(&self, process: Process) -> String {
        let mut registry = self.registries.get(&process).cloned().unwrap_or_default();
        let mut set = |metric, value| registry.set(metric, Labels::new(), value);
        let active = self.active(process) as f64;
        let minutes = ((self.at - self.started).0 / 60_000_000) as f64;
        let (base, each) = match process.worker_type() {
            None => (410e6, 25e6),
            Some(WorkerType::Backtesting) => (540e6, 350e6),
            Some(WorkerType::Training) => (560e6, 920e6),
        };
        let resident = base + each * active + minutes % 10.0 * 1e6;
        set(Metric::ResidentMemory, resident);
        set(Metric::VirtualMemory, resident + 2.1e9);
        set(Metric::StartTime, self.started.0 as f64 / 1e6);
        set(Metric::CpuSeconds, self.cpu.get(&process).copied().unwrap_or(0) as f64 / 1e9);
        set(Metric::OpenFds, 41.0 + 3.0 * active);
        set(Metric::MaxFds, 1_048_576.0);
        set(Metric::OperationsActive, active);
        if process == Process::Backend {
            for kind in WorkerType::ALL {
                let (registered, available) = self.workers(kind);
                let label = || vec![("worker_type", kind.as_str().to_owned())];
                registry.set(Metric::WorkersRegistered, label(), registered as f64);
                registry.set(Metric::WorkersAvailable, label(), available as f64);
            }
        }
        registry.write(|metric| process == Process::Backend || !in_api_only(metric))
    }

    /// Number of operations that run in a process.
    #[must_use]
    pub fn active(&self, process: Process) -> usize {
        self.running.values().filter(|running| running.process == Some(process)).count()
    }

    /// Number of workers of a type: registered and available ones.
    #[must_use]
    pub fn workers(&self, kind: WorkerType) -> (usize, usize) {
        let of_kind = Process::ALL.into_iter().filter(|process| process.worker_type() == Some(kind));
        let free = of_kind.filter(|process| self.active(*process) == 0).count();
        match self.shortages.get(&kind) {
            Some(shortage) if self.at < shortage.until => (if shortage.registered { WORKERS } else { 0 }, 0),
            _ => (WORKERS, free),
        }
    }

    /// Advances the clock.
    pub(super) fn advance(&mut self, to: Time) {
        let passed = to - self.at;
        if passed.0 <= 0 {
            return;
        }
        for process in Process::ALL {
            let active = self.active(process) as i64;
            // In thousandths of a core.
            let load = if process == Process::Backend { 60 + 35 * active } else { 9 + 910 * active.min(1) };
            *self.cpu.entry(process).or_default() += passed.0 * load;
        }
        self.at = to;
    }

    /// Updates the metrics for a span that ended. Spans must be passed in the order of their ends.
    pub(super) fn observe(&mut self, span: &RawSpan) {
        self.advance(span.end());
        let process = self.services.get(span.service.as_ref()).copied();
        match span.name.as_ref() {
            "operation.state_transition" => self.transition(span, process),
            "workers.select" => self.selection(span),
            "training.start" if raised(span, "WorkerUnavailableError") => {
                self.shortage(WorkerType::Training, true);
            }
            name if name.starts_with("agent.phase.") => self.phase(span, name),
            _ if span.kind == SpanKind::Server && process == Some(Process::Backend) => self.request(span),
            _ => {}
        }
    }

    fn transition(&mut self, span: &RawSpan, process: Option<Process>) {
        let (Some(id), Some(to)) = (text(span, "operation.id"), text(span, "operation.to_status")) else { return };
        let end = span.end();
        if to == "running" {
            self.running.insert(id.into_owned(), Running { process, since: end, phase: end });
        } else if ["completed", "failed", "cancelled"].contains(&to.as_ref()) {
            // Both the API and the worker record a cancellation. Only the first one finds the operation running.
            let Some(running) = self.running.remove(id.as_ref()) else { return };
            let Some(process) = running.process.or(process) else { return };
            let (kind, took) = (operation_type(&id), (end - running.since).secs());
            let registry = self.registries.entry(process).or_default();
            if kind == "agent_research" {
                registry.add(Metric::AgentCycles, vec![("outcome", to.to_string())], 1.0);
                registry.observe(Metric::AgentCycleDuration, Labels::new(), took);
            }
            let labels = vec![("operation_type", kind), ("status", to.into_owned())];
            registry.add(Metric::Operations, labels.clone(), 1.0);
            registry.observe(Metric::OperationDuration, labels, took);
        }
    }

    fn phase(&mut self, span: &RawSpan, name: &str) {
        let (phase, tokens) = match name {
            "agent.phase.design" => ("designing", Some("design")),
            "agent.phase.training" => ("training", None),
            "agent.phase.backtest" => ("backtesting", None),
            "agent.phase.assessment" => ("assessing", Some("assessment")),
            _ => return,
        };
        let end = span.end();
        let id = text(span, "operation.id").unwrap_or_default();
        let began = self.running.get_mut(id.as_ref()).map(|running| std::mem::replace(&mut running.phase, end));
        let registry = self.registries.entry(Process::Backend).or_default();
        if let Some(began) = began {
            registry.observe(Metric::AgentPhaseDuration, vec![("phase", phase.to_owned())], (end - began).secs());
        }
        let total = text(span, "tokens.total").and_then(|total| total.parse::<f64>().ok());
        if let (Some(phase), Some(total)) = (tokens, total) {
            registry.add(Metric::AgentTokens, vec![("phase", phase.to_owned())], total);
            registry.add(Metric::AgentBudgetSpend, Labels::new(), total * TOKEN_PRICE);
        }
        if let (Some(gate), Some(passed)) = (text(span, "gate.name"), text(span, "gate.passed")) {
            let result = if passed == "true" { "pass" } else { "fail" };
            let labels = vec![("gate", gate.into_owned()), ("result", result.to_owned())];
            registry.add(Metric::AgentGateResults, labels, 1.0);
        }
    }

    fn selection(&mut self, span: &RawSpan) {
        let kind = text(span, "worker.type");
        let kind = WorkerType::ALL.into_iter().find(|known| kind.as_deref() == Some(known.as_str()));
        if let (Some(kind), Some("0")) = (kind, text(span, "worker.available_workers").as_deref()) {
            self.shortage(kind, text(span, "worker.capable_workers").as_deref() != Some("0"));
        }
    }

    fn shortage(&mut self, kind: WorkerType, registered: bool) {
        self.shortages.insert(kind, Shortage { until: self.at + SHORTAGE, registered });
    }

    fn request(&mut self, span: &RawSpan) {
        let either = |old, new| text(span, old).or_else(|| text(span, new)).unwrap_or_default().into_owned();
        let host = Process::Backend.instance();
        let labels = vec![
            ("http_flavor", "1.1".to_owned()),
            ("http_host", host.clone()),
            ("http_method", either("http.method", "http.request.method")),
            ("http_scheme", "http".to_owned()),
            ("http_server_name", host),
            ("http_status_code", either("http.status_code", "http.response.status_code")),
            ("http_target", either("http.route", "http.target")),
            ("net_host_port", Process::Backend.port().to_string()),
        ];
        let registry = self.registries.entry(Process::Backend).or_default();
        registry.observe(Metric::HttpServerDuration, labels, span.duration.millis());
    }
}

/// Whether only the API exports this metric.
fn in_api_only(metric: Metric) -> bool {
    metric.name().starts_with("agent_") || metric == Metric::HttpServerDuration
}

fn text<'s>(span: &'s RawSpan, key: &str) -> Option<Cow<'s, str>> {
    span.attribute(key).map(super::super::RawValue::to_text)
}

fn raised(span: &RawSpan, class: &str) -> bool {
    let mut values = span.events.iter().flat_map(|event| &event.attributes);
    values.any(|(key, value)| key == "exception.type" && value.to_text().ends_with(class))
}

/// The type in an id of the form `op_<type>_<date>_<time>_<hex>`. A type may contain underscores too.
fn operation_type(id: &str) -> String {
    let start = id.rsplitn(4, '_').nth(3).unwrap_or(id);
    start.strip_prefix("op_").unwrap_or(start).to_owned()
}
