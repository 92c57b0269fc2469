//! Fills SQLite and PostgreSQL with operations and measures every read.
//!
//!     cargo run --release -p store --example scale -- sqlite PATH [OPERATIONS]
//!     cargo run --release -p store --example scale -- postgres 'host=/run/postgresql user=postgres dbname=test' [OPERATIONS]
//!
//! Prints a line per read and range: its median, its 95th percentile, and how many rows it looked at. A store that already
//! has the operations is not filled again.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints its results")]

use std::{env, error::Error, path::Path, sync::Arc, time::Instant};

use diagnosis::{
    Comparable, Diagnosis, Finding, GroupBy, LargestSections, Measure, OperationStatus, Severity, TimeRange, Verdict,
};
use store::{
    Acquired, AggregateQuery, Batch, Buckets, CompactTraces, ComparableQuery, CoverageChange, Field, Interval,
    LEASE_TTL, OperationFilter, OperationKey, Order, PlainConnector, SourceId, SqliteOptions, States, Store,
    StoredOperation, Upsert, open_postgres, open_sqlite,
};
use trace::{Micros, Time, TraceId};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Operations are spread over 90 days before this time.
const NOW: Time = Time(1_795_348_800_000_000);
const DAY: Micros = Micros::from_secs(86_400);
const DAYS: i64 = 90;
const OF_BATCH: i64 = 500;
const REPETITIONS: usize = 20;

#[tokio::main]
async fn main() -> Outcome<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let (Some(kind), Some(place)) = (args.first(), args.get(1)) else {
        return Err("usage: scale sqlite PATH | postgres CONNECTION [OPERATIONS]".into());
    };
    let count: i64 = args.get(2).map_or(Ok(1_000_000), |count| count.parse())?;
    let store = match kind.as_str() {
        "sqlite" => open_sqlite(Path::new(place), SqliteOptions::default()).await?,
        "postgres" => open_postgres(place.parse()?, Arc::new(PlainConnector)).await?,
        other => return Err(format!("`{other}` is neither sqlite nor postgres").into()),
    };
    let source = SourceId::new("1-scale");
    fill(&*store, &source, count).await?;
    for operations in [1_000, 10_000, 100_000, count] {
        measure(&*store, &source, operations, count).await?;
    }
    Ok(())
}

async fn fill(store: &dyn Store, source: &SourceId, count: i64) -> Outcome<()> {
    let everything = OperationFilter::all(TimeRange { from: Time(0), to: NOW }, NOW);
    if store.operations(source, &everything, Order::Newest, 1).await?.total == count as u64 {
        return Ok(());
    }
    let Acquired::Held(lease) = store.acquire(source, "scale", LEASE_TTL, NOW).await? else {
        return Err("another process has the lease".into());
    };
    let started = Instant::now();
    for first in (0..count).step_by(OF_BATCH as usize) {
        let mut batch = Batch::new(lease.clone(), NOW);
        batch.operations = (first..count.min(first + OF_BATCH)).map(|number| upsert(number, count)).collect();
        let covered = Interval { from: start(0, count), to: start(first + OF_BATCH, count) };
        batch.coverage = vec![CoverageChange::Covered(covered)];
        store.commit(batch).await?;
        if first % 50_000 == 0 {
            eprintln!("{first} operations after {:.0} s", started.elapsed().as_secs_f64());
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("filled {count} operations in {seconds:.0} s: {:.0} a second", count as f64 / seconds);
    Ok(())
}

fn start(number: i64, count: i64) -> Time {
    NOW - Micros(DAYS * DAY.0) + Micros((DAYS * DAY.0) / count * number)
}

/// Numbers that look random, always the same for the same seed.
fn random(seed: i64, below: i64) -> i64 {
    let mixed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (mixed ^ (mixed >> 29)).unsigned_abs() as i64 % below
}

fn upsert(number: i64, count: i64) -> Upsert {
    let start = start(number, count);
    let seconds = [5, 40, 90, 400, 900, 4_000, 30_000].into_iter().nth(random(number, 7) as usize).unwrap_or(60);
    let duration = Micros(seconds * 1_000_000 + random(number + 1, 1_000_000));
    let operation_type = ["training", "backtesting", "data_load", "agent_research"];
    let operation_type = operation_type.into_iter().nth(random(number + 2, 4) as usize).unwrap_or("training");
    let (status, verdict, severity) = match random(number + 3, 20) {
        0 => (OperationStatus::Failed, Verdict::Failed, Severity::Critical),
        1 => (OperationStatus::Failed, Verdict::MissingData, Severity::Critical),
        2 => (OperationStatus::Completed, Verdict::Slow, Severity::Warning),
        _ => (OperationStatus::Completed, Verdict::Healthy, Severity::Fine),
    };
    let failed = status == OperationStatus::Failed;
    let trace = TraceId(number.cast_unsigned().into());
    let id = format!("op_{operation_type}_{number:08}");
    let summary =
        format!("{operation_type} {number} took {duration}, most of it in the section `training.fit` of worker");
    let finding = || Finding {
        rule: "slow.section".to_owned(),
        verdict,
        severity,
        summary: summary.clone(),
        root_cause: Some("a section took longer than in comparable operations".to_owned()),
        solution: Some("look at the section in the flow, and at what its worker did".to_owned()),
        evidence: Vec::new(),
    };
    let diagnosis = Diagnosis {
        operation_id: Some(id.clone()),
        operation_type: operation_type.to_owned(),
        status,
        verdict,
        severity,
        rule: format!("rule.{}", verdict.as_str()),
        summary: summary.clone(),
        root_cause: failed.then(|| summary.clone()),
        error_type: failed.then(|| format!("Error{}", random(number + 4, 12))),
        bottleneck_span: Some(format!("span {}", random(number + 5, 40))),
        bottleneck_service: Some(format!("worker-{}", random(number + 6, 200))),
        start: Some(start),
        end: Some(start + duration),
        duration_ms: Some(duration.millis()),
        slowdown: Some(1.0 + random(number + 7, 100) as f64 / 70.0),
        services: vec!["ktrdr-api".to_owned(), format!("worker-{}", random(number + 6, 200))],
        findings: (0..random(number, 4)).map(|_| finding()).collect(),
        trace_id: Some(trace),
        trace_ids: vec![trace],
        span_count: 40,
        ..Diagnosis::default()
    };
    let symbol = format!("SYM{}", random(number + 8, 50));
    let operation = StoredOperation {
        tags: vec![("strategy".to_owned(), format!("s{}", random(number, 30))), ("symbol".to_owned(), symbol.clone())],
        comparable: (!failed).then(|| Comparable {
            operation_id: id,
            operation_type: operation_type.to_owned(),
            key: vec![Some(symbol.clone())],
            end: start + duration,
            duration,
            sections: LargestSections::default(),
        }),
        comparable_by: vec![Some(symbol)],
        closed: number < count - 200,
        ..StoredOperation::of(diagnosis).unwrap_or_else(|| unreachable!("it has an id"))
    };
    let recent = number > count * (DAYS - 7) / DAYS;
    Upsert { operation, traces: recent.then(|| CompactTraces::from_bytes(vec![7; 6_000])) }
}

/// Measures every read over the latest operations, and in the middle of all.
async fn measure(store: &dyn Store, source: &SourceId, operations: i64, count: i64) -> Outcome<()> {
    let length = Micros(DAYS * DAY.0 / count * operations);
    let middle = NOW - Micros(DAYS * DAY.0 / 2) + Micros(length.0 / 2);
    let ends = if operations == count { vec![("all", NOW)] } else { vec![("latest", NOW), ("middle", middle)] };
    for (name, end) in ends {
        let filter = OperationFilter::all(TimeRange { from: end - length, to: end }, end);
        let label = format!("{operations} {name}");
        let repetitions = if operations == count { 3 } else { REPETITIONS };
        reads(store, source, &filter, &label, repetitions).await?;
    }
    Ok(())
}

async fn reads(
    store: &dyn Store,
    source: &SourceId,
    filter: &OperationFilter,
    label: &str,
    repetitions: usize,
) -> Outcome<()> {
    let narrowed = |change: &dyn Fn(&mut OperationFilter)| {
        let mut narrowed = filter.clone();
        change(&mut narrowed);
        narrowed
    };
    let by_service = narrowed(&|filter| filter.filters.services = vec!["worker-7".to_owned()]);
    let by_tag = narrowed(&|filter| filter.filters.tags = vec![("symbol".to_owned(), "SYM7".to_owned())]);
    let failed = narrowed(&|filter| filter.filters.statuses = vec![OperationStatus::Failed]);
    for (what, filter, order) in [
        ("newest 100", filter, Order::Newest),
        ("worst 100", filter, Order::Worst),
        ("longest 100", filter, Order::Longest),
        ("newest 100 of a service", &by_service, Order::Newest),
        ("newest 100 with a tag", &by_tag, Order::Newest),
        ("newest 100 failed", &failed, Order::Newest),
    ] {
        timed(label, what, repetitions, || async { Ok(store.operations(source, filter, order, 100).await?.total) })
            .await?;
    }
    let width = Micros((filter.range.to - filter.range.from).0 / 500 + 1);
    for (what, measure, group_by, buckets) in [
        ("count", Measure::Count, vec![], false),
        ("count by type and verdict", Measure::Count, vec![GroupBy::OperationType, GroupBy::Verdict], false),
        ("failed by error over time", Measure::Failed, vec![GroupBy::ErrorType], true),
        ("failure ratio", Measure::FailureRatio, vec![], false),
        ("p95 duration by type", Measure::P95Duration, vec![GroupBy::OperationType], false),
        ("p95 duration over time", Measure::P95Duration, vec![GroupBy::OperationType], true),
        ("slowdown by service", Measure::Slowdown, vec![GroupBy::Service], false),
    ] {
        let buckets = buckets.then_some(Buckets { range: filter.range, width });
        let filter = filter.clone().states(States::Closed);
        let query = AggregateQuery { filter, measure, group_by, buckets, beside: Vec::new() };
        let rows = || async { Ok(store.aggregate(source, &query).await?.iter().map(|row| row.count).sum()) };
        timed(label, what, repetitions, rows).await?;
    }
    for (what, field) in [
        ("services", Field::Service),
        ("operation types", Field::OperationType),
        ("values of a tag", Field::TagValue("symbol".to_owned())),
    ] {
        let values = || async { Ok(store.distinct(source, &field, filter, 1_000).await?.len() as u64) };
        timed(label, what, repetitions, values).await?;
    }
    let open = || async { Ok(store.open_operations(source).await?.len() as u64) };
    timed(label, "open operations", repetitions, open).await?;
    let query = ComparableQuery {
        operation_type: "training".to_owned(),
        comparable_by: vec![Some("SYM7".to_owned())],
        before: filter.range.to,
        window: Micros(7 * DAY.0),
        except: None,
        limit: 50,
    };
    let comparables = || async { Ok(store.comparables(source, &query).await?.len() as u64) };
    timed(label, "comparable operations", repetitions, comparables).await?;
    let key = OperationKey::new("op_training_00500000");
    let one = || async { Ok(u64::from(store.get(source, &key).await?.is_some())) };
    timed(label, "one operation", repetitions, one).await?;
    let by_trace = || async { Ok(store.by_trace(source, TraceId(500_001)).await?.len() as u64) };
    timed(label, "one operation by trace", repetitions, by_trace).await
}

async fn timed<F: Future<Output = Outcome<u64>>>(
    label: &str,
    what: &str,
    repetitions: usize,
    read: impl Fn() -> F,
) -> Outcome<()> {
    let mut times = Vec::with_capacity(repetitions);
    let mut found = read().await?;
    for _ in 0..repetitions {
        let started = Instant::now();
        found = read().await?;
        times.push(started.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    let at = |p: f64| times.get(((times.len() as f64 * p).ceil() as usize).saturating_sub(1)).copied().unwrap_or(0.0);
    println!("{label:<18} {what:<28} median {:>8.1} ms   p95 {:>8.1} ms   {found}", at(0.5), at(0.95));
    Ok(())
}
