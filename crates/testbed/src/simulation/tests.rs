use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::*;
use crate::{RawValue, jaeger_json};
use diagnosis::playbook::Playbook;
use diagnosis::{Context, Diagnosis, OperationStatus, Verdict, diagnose};

const BEGIN: Time = Time(1_795_341_900_000_000);

fn hours(count: i64) -> Micros {
    mins(60 * count)
}

/// Series and values of a scrape.
fn series(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        })
        .collect()
}

fn scrape(simulation: &Simulation) -> BTreeMap<String, f64> {
    let each = |process: Process| {
        let text = simulation.metrics().write(process);
        series(&text).into_iter().map(move |(name, value)| (format!("{} {name}", process.host()), value))
    };
    Process::ALL.into_iter().flat_map(each).collect()
}

/// Sum of the series whose names start with `name`. All of them are integers.
fn sum_of(scrape: &BTreeMap<String, f64>, name: &str) -> u64 {
    let series = scrape.iter().filter(|(series, _)| series.split(' ').nth(1).is_some_and(|of| of.starts_with(name)));
    series.map(|(_, value)| *value as u64).sum()
}

fn diagnoses(traces: &[RawTrace], now: Time) -> Vec<Diagnosis> {
    let json = jaeger_json(traces, crate::JaegerVersion::V2);
    let traces = jaeger::decode(&json).unwrap().traces;
    diagnose(&traces, &Playbook::ktrdr(), &Context { now, ..Context::default() }).diagnoses
}

#[test]
fn the_steps_in_which_the_clock_is_moved_change_nothing() {
    let until = BEGIN + hours(2);
    let mut at_once = Simulation::new(Activity::Everyday, BEGIN, 5);
    let mut all = at_once.advance(until);
    let mut by_steps = Simulation::new(Activity::Everyday, BEGIN, 5);
    let (mut spans, mut clock) = (HashMap::new(), BEGIN);
    while clock < until {
        clock = (clock + secs(97)).min(until);
        let EndedSpans { work, noise } = by_steps.advance(clock);
        for RawTrace { id, spans: part } in work.into_iter().chain(noise) {
            assert!(part.iter().all(|span| span.end() <= clock && span.end() > clock - secs(97)));
            spans.entry(id).or_insert_with(Vec::new).extend(part);
        }
    }
    assert_eq!(scrape(&at_once), scrape(&by_steps));
    let all: HashMap<_, _> = all.work.drain(..).chain(all.noise).map(|trace| (trace.id, trace.spans)).collect();
    assert!(all == spans, "{} and {} traces", all.len(), spans.len());
    let other = Simulation::new(Activity::Everyday, BEGIN, 6).advance(until);
    assert!(other.work.iter().all(|trace| !all.contains_key(&trace.id)));
}

#[test]
fn counters_never_fall_and_histograms_add_up() {
    let mut simulation = Simulation::new(Activity::Everyday, BEGIN, 1);
    let mut before: BTreeMap<String, f64> = BTreeMap::new();
    for minute in 1..120 {
        simulation.advance(BEGIN + mins(minute));
        let now = scrape(&simulation);
        for (series, was) in &before {
            let name = series.split([' ', '{']).nth(1).unwrap();
            let metric = Metric::ALL.into_iter().find(|metric| name.starts_with(metric.name())).unwrap();
            assert!(now.contains_key(series), "{series} is gone");
            assert!(metric.kind() == MetricKind::Gauge || now[series] >= *was, "{series} fell to {}", now[series]);
        }
        before = now;
    }
    let counts = before.iter().filter(|(series, _)| series.contains("_count"));
    let mut histograms = 0;
    for (series, count) in counts {
        let (head, labels) = series.split_once("_count").unwrap();
        let labels = labels.trim_matches(['{', '}']);
        let start =
            if labels.is_empty() { format!("{head}_bucket{{le=") } else { format!("{head}_bucket{{{labels},le=") };
        let mut buckets: Vec<f64> =
            before.iter().filter(|(name, _)| name.starts_with(&start)).map(|(_, n)| *n).collect();
        buckets.sort_by(f64::total_cmp);
        assert_eq!(buckets.last(), Some(count), "{series}");
        histograms += 1;
    }
    assert!(histograms > 20, "{histograms}");
}

/// The number of operations in the traces by type and last state.
fn ends(traces: &[RawTrace]) -> BTreeMap<(String, String), u64> {
    let mut last: HashMap<String, (Time, String)> = HashMap::new();
    for span in traces.iter().flat_map(|trace| &trace.spans).filter(|span| span.name == "operation.state_transition") {
        let text = |key| span.attribute(key).map(RawValue::to_text).unwrap_or_default().into_owned();
        let entry = last.entry(text("operation.id")).or_insert((span.end(), text("operation.to_status")));
        if span.end() >= entry.0 {
            *entry = (span.end(), text("operation.to_status"));
        }
    }
    let mut ends = BTreeMap::new();
    for (id, (_, status)) in last {
        let kind = id.trim_start_matches("op_").rsplitn(4, '_').last().unwrap().to_owned();
        *ends.entry((kind, status)).or_insert(0) += 1;
    }
    ends
}

#[test]
fn metrics_count_the_operations_of_the_traces() {
    let mut simulation = Simulation::new(Activity::Everyday, BEGIN, 2);
    let traces = simulation.advance(BEGIN + hours(6)).work;
    let mut counted = scrape(&simulation);
    counted.retain(|series, _| !series.starts_with("backend ktrdr_workers"));
    let ends = ends(&traces);
    for ((kind, status), count) in &ends {
        if status == "running" {
            continue;
        }
        let labels = format!("{{operation_type=\"{kind}\",status=\"{status}\"}}");
        assert_eq!(sum_of(&counted, &format!("ktrdr_operations_total{labels}")), *count, "{labels}");
        assert_eq!(sum_of(&counted, &format!("ktrdr_operation_duration_seconds_count{labels}")), *count, "{labels}");
    }
    let running: u64 = ends.iter().filter(|((_, status), _)| status == "running").map(|(_, count)| count).sum();
    assert_eq!(sum_of(&counted, "ktrdr_operations_active"), running);
    assert_eq!(sum_of(&counted, "agent_cycles_total"), sum_of(&counted, "agent_cycle_duration_seconds_count"));
    for status in ["completed", "failed", "cancelled"] {
        assert!(ends.keys().any(|(_, is)| is == status), "{status} never happens");
    }
    for kind in ["training", "backtesting", "data_load", "agent_research"] {
        assert!(ends.contains_key(&(kind.to_owned(), "completed".to_owned())), "no {kind} completes");
    }
}

#[test]
fn workers_work_on_one_operation_at_a_time_and_are_not_available_meanwhile() {
    let mut simulation = Simulation::new(Activity::Everyday, BEGIN, 3);
    let mut seen = BTreeSet::new();
    for step in 1..2400 {
        simulation.advance(BEGIN + secs(10 * step));
        let metrics = simulation.metrics();
        for kind in WorkerType::ALL {
            let of_kind = || Process::ALL.into_iter().filter(|process| process.worker_type() == Some(kind));
            let busy: Vec<usize> = of_kind().map(|process| metrics.active(process)).collect();
            assert!(busy.iter().all(|active| *active <= 1), "{busy:?}");
            let (registered, available) = metrics.workers(kind);
            let free = busy.iter().filter(|active| **active == 0).count();
            assert!(available == free || available == 0, "{available} of {free}");
            assert!(available <= registered);
            seen.insert((registered, available));
        }
    }
    assert!([(2, 0), (2, 1), (2, 2), (0, 0)].iter().all(|state| seen.contains(state)), "{seen:?}");
}

#[test]
fn simulated_problems_get_their_intended_verdicts() {
    let now = BEGIN + hours(5);
    let mut simulation = Simulation::new(Activity::Everyday, BEGIN, 4);
    let found = diagnoses(&simulation.advance(now).work, now);
    let mut verdicts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for diagnosis in &found {
        *verdicts.entry(diagnosis.verdict).or_default() += 1;
    }
    let count = |verdict| verdicts.get(&verdict).copied().unwrap_or(0);
    // The verdicts of the examples and of the backtest that takes four times as long. Nothing is stuck or unclear.
    for verdict in [
        Verdict::Healthy,
        Verdict::Running,
        Verdict::Failed,
        Verdict::NoWorkers,
        Verdict::Unreachable,
        Verdict::MissingData,
        Verdict::Slow,
        Verdict::Cancelled,
    ] {
        assert!(count(verdict) > 0, "{verdict:?}: {verdicts:?}");
    }
    for verdict in [Verdict::Stuck, Verdict::TraceBroken, Verdict::Unknown] {
        let why: Vec<_> =
            found.iter().filter(|d| d.verdict == verdict).map(|d| (&d.operation_id, &d.summary)).collect();
        assert!(why.is_empty(), "{verdict:?}: {why:#?}");
    }
    assert!(count(Verdict::Healthy) * 10 > found.len() * 8, "{verdicts:?} of {}", found.len());
    assert!(found.len() > 5 * 60, "{}", found.len());
    let slow = found.iter().filter(|d| d.verdict == Verdict::Slow);
    let unintended: Vec<_> = slow
        .filter(|d| d.slowdown.is_some_and(|factor| factor > 1.5) && d.operation_type != "backtesting")
        .map(|d| (&d.operation_id, d.slowdown, &d.summary))
        .collect();
    assert!(unintended.is_empty(), "{unintended:#?}");
    let running = found.iter().filter(|d| d.status == OperationStatus::Running).count();
    assert!(running <= 6, "{running} are open at the end");
}

#[test]
fn the_backlog_has_the_demo_and_hours_of_work() {
    let now = BEGIN;
    let mut simulation = Simulation::with_backlog(now, 7);
    let EndedSpans { work, noise } = simulation.advance(now);
    let found = diagnoses(&work, now);
    for verdict in Verdict::ALL.into_iter().filter(|verdict| !matches!(verdict, Verdict::Unknown | Verdict::NotFound)) {
        assert!(found.iter().any(|d| d.verdict == verdict), "{verdict:?} is missing");
    }
    assert!(found.len() > 300, "{}", found.len());
    assert!(noise.len() > 1000 && noise.iter().all(|trace| trace.end().unwrap() > now - mins(31)));
    let later = simulation.advance(now + mins(1));
    assert!((40..100).contains(&later.noise.len()), "{} traces of noise a minute", later.noise.len());
    for trace in work.iter().chain(&noise) {
        assert!(trace.end().unwrap() <= now);
    }
}

#[test]
fn an_idle_deployment_has_only_noise() {
    let mut simulation = Simulation::new(Activity::Idle, BEGIN, 1);
    let ended = simulation.advance(BEGIN + mins(10));
    assert!(ended.work.is_empty() && ended.noise.len() > 500);
    let scrape = scrape(&simulation);
    assert_eq!(sum_of(&scrape, "ktrdr_workers_available"), 4);
    assert_eq!(sum_of(&scrape, "ktrdr_operations"), 0);
    assert!(sum_of(&scrape, "http_server_duration_milliseconds_count") > 10);
}

#[test]
fn the_labels_are_those_of_ktrdr() {
    let mut simulation = Simulation::new(Activity::Everyday, BEGIN, 1);
    simulation.advance(BEGIN + hours(4));
    let text = simulation.metrics().write(Process::Backend);
    for start in [
        "ktrdr_workers_registered_total{worker_type=\"backtesting\"} ",
        "ktrdr_operations_total{operation_type=\"data_load\",status=\"completed\"} ",
        "agent_cycles_total{outcome=\"completed\"} ",
        "agent_cycle_duration_seconds_bucket{le=\"1800.0\"} ",
        "agent_gate_results_total{gate=\"training\",result=\"fail\"} ",
        "agent_gate_results_total{gate=\"backtest\",result=\"pass\"} ",
        "agent_tokens_total{phase=\"design\"} ",
        "agent_budget_spend_total ",
        "http_server_duration_milliseconds_bucket{http_flavor=\"1.1\",http_host=\"backend:8000\",http_method=\"POST\",\
         http_scheme=\"http\",http_server_name=\"backend:8000\",http_status_code=\"503\",\
         http_target=\"/api/v1/backtests/start\",net_host_port=\"8000\",le=\"250.0\"} ",
        "process_resident_memory_bytes ",
    ] {
        assert!(text.lines().any(|line| line.starts_with(start)), "{start} is missing in\n{text}");
    }
    for phase in ["designing", "training", "backtesting", "assessing"] {
        assert!(text.contains(&format!("agent_phase_duration_seconds_count{{phase=\"{phase}\"}}")), "{phase}");
    }
    assert!(text.contains("http_target=\"/api/v1/operations/{operation_id}\""), "routes are templates");
    let worker = simulation.metrics().write(Process::TrainingWorker2);
    assert!(worker.contains("ktrdr_operations_total{operation_type=\"training\",status=\"completed\"} "), "{worker}");
    assert!(!worker.contains("http_server_duration") && !worker.contains("agent_"), "{worker}");
}

#[test]
fn continued_health_checks_show_that_a_running_operation_is_not_stuck() {
    let (now, later) = (BEGIN, BEGIN + mins(10));
    let mut traces = crate::demo(now, 1);
    let running =
        |traces: &[RawTrace], at| diagnoses(traces, at).into_iter().filter(|d| d.verdict == Verdict::Running).count();
    let fresh = running(&traces, now);
    assert!(fresh >= 2);
    assert!(running(&traces, later) < fresh, "without health checks, running operations become stuck");
    traces.extend(Simulation::new(Activity::Idle, now, 1).advance(later).noise);
    assert_eq!(running(&traces, later), fresh);
}
