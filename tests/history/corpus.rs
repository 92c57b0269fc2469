//! Traces of many operations, a store filled with them, and what all traces say.

use std::{collections::BTreeSet, sync::Arc};

use diagnosis::{Context, Detail, Diagnosis, diagnose, playbook::Playbook, record_operations};
use jaeger::{Client, Config};
use ktrdr_diagnosis::{
    history::History,
    investigate::{Investigator, Options},
};
use store::{
    Acquired, Batch, CompactTraces, Coverage, CoverageChange, Interval, LEASE_TTL, MemoryStore, SourceId,
    SqliteOptions, Store, StoredOperation, Upsert, open_sqlite,
};
use tempfile::TempDir;
use trace::{Micros, Time, Trace, TraceId};

pub(crate) const NOW: Time = Time(1_795_342_000_000_000);
pub(crate) const MINUTE: Micros = Micros::from_secs(60);
pub(crate) const HOUR: Micros = Micros::from_secs(3600);
pub(crate) const DAY: Micros = Micros::from_secs(86_400);
/// How many failures elsewhere, and health checks of each of its services, are kept of an operation.
const FEW: usize = 8;
/// An address at which nothing listens.
pub(crate) const NOBODY: &str = "http://127.0.0.1:9";

pub(crate) fn source() -> SourceId {
    SourceId::new("1-ktrdr")
}

/// Two days on which every known problem occurs once, the second one without most of its noise.
pub(crate) fn traces() -> Vec<Trace> {
    let mut raw = testbed::demo(NOW, 1);
    let yesterday = testbed::demo(NOW - Micros(25 * HOUR.0), 2);
    raw.extend(yesterday.into_iter().filter(|trace| trace.spans.len() > 2));
    let mut traces = jaeger::decode(&testbed::otlp_json(&raw)).unwrap().traces;
    jaeger::merge(&mut traces);
    traces
}

pub(crate) async fn backends() -> Vec<(Arc<dyn Store>, Option<TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = open_sqlite(&folder.path().join("store.db"), SqliteOptions::default()).await.unwrap();
    vec![(Arc::new(MemoryStore::default()), None), (sqlite, Some(folder))]
}

/// Writes changes of the coverage and operations.
pub(crate) async fn commit(store: &dyn Store, operations: Vec<Upsert>, coverage: Vec<CoverageChange>) -> Coverage {
    let Acquired::Held(lease) = store.acquire(&source(), "test", LEASE_TTL, NOW).await.unwrap() else { panic!() };
    let mut batch = Batch::new(lease, NOW);
    batch.operations = operations;
    batch.coverage = coverage;
    store.commit(batch).await.unwrap().coverage
}

/// Everything was read from `from` up to this live edge.
pub(crate) fn read(from: Time, edge: Time) -> Vec<CoverageChange> {
    let watermark = edge - Micros(5 * MINUTE.0);
    vec![
        CoverageChange::Covered(Interval { from, to: watermark }),
        CoverageChange::LiveEdge(edge),
        CoverageChange::Watermark(watermark),
    ]
}

/// The operations in these traces as a recorder keeps them. Those that ended in the last hour before [`NOW`] are open, and
/// so are those that have not ended.
pub(crate) fn stored(traces: &[Trace], playbook: &Playbook) -> Vec<Upsert> {
    let context = Context { now: NOW, detail: Detail::Record, ..Context::default() };
    let found = record_operations(traces, playbook, &context);
    let of_operations: BTreeSet<TraceId> = found.iter().flat_map(|one| one.diagnosis.trace_ids.clone()).collect();
    let around = playbook.thresholds().context_window;
    let upsert = |one: diagnosis::RecordedOperation| {
        let (start, end) = (one.diagnosis.start.unwrap_or(NOW), one.diagnosis.end.unwrap_or(NOW));
        let own = |trace: &&Trace| one.diagnosis.trace_ids.contains(&trace.id());
        let near = |trace: &&Trace| {
            let is_near = trace.start() <= Some(end + around) && trace.end() >= Some(start - around);
            is_near && !of_operations.contains(&trace.id())
        };
        let mut near: Vec<&Trace> = traces.iter().filter(near).collect();
        near.sort_by_key(|trace| std::cmp::Reverse(trace.end()));
        let failed = |trace: &&&Trace| trace.spans().any(|span| span.status() == trace::Status::Error);
        let mut surroundings: Vec<&Trace> = near.iter().filter(failed).take(FEW).copied().collect();
        for service in &one.diagnosis.services {
            let of_service = |trace: &&&Trace| trace.spans().any(|span| span.service() == service);
            surroundings.extend(near.iter().filter(of_service).take(FEW));
        }
        surroundings.sort_by_key(|trace| trace.id());
        surroundings.dedup_by_key(|trace| trace.id());
        let kept: Vec<Trace> = traces.iter().filter(own).chain(surroundings).cloned().collect();
        let closed = one.diagnosis.status.is_terminal() && end + HOUR < NOW;
        let mut operation = StoredOperation::of(one.diagnosis).unwrap();
        operation.sections = one.sections;
        operation.tags = one.attributes;
        operation.comparable_by = one.comparable_by;
        operation.comparable = one.comparable;
        operation.closed = closed;
        operation.observed_at = NOW;
        Upsert { operation, traces: Some(CompactTraces::encode(&kept, playbook)) }
    };
    found.into_iter().map(upsert).collect()
}

/// Answers from a store alone: no Jaeger is there.
pub(crate) fn ask(store: &Arc<dyn Store>) -> Investigator {
    let client = Client::new(&Config { url: NOBODY.to_owned(), ..Config::default() }).unwrap();
    let (playbook, options) = (Arc::new(Playbook::ktrdr()), Options::default());
    let history = History::new(Arc::clone(store), source(), Arc::clone(&playbook), &options, None);
    Investigator::new(client, playbook, options).with_history(history)
}

/// All operations at a clock, without lists.
pub(crate) fn all_at(
    traces: &[Trace],
    playbook: &Playbook,
    clock: Time,
    now: Time,
    tags: &[(String, String)],
) -> Vec<Arc<Diagnosis>> {
    let (latest, tags) = (Some(now), tags.to_vec());
    let context = Context { now: clock, latest, tags, detail: Detail::Record, ..Context::default() };
    let found = diagnose(traces, playbook, &context).diagnoses.into_iter().map(|mut one| {
        one.workers.clear();
        Arc::new(one)
    });
    found.collect()
}

/// The fields in which two records differ.
pub(crate) fn differences(is: &Diagnosis, should: &Diagnosis) -> Vec<String> {
    let fields = |d: &Diagnosis| serde_json::to_value(d).unwrap().as_object().unwrap().clone();
    let (is, should) = (fields(is), fields(should));
    let differs = |(name, value): (&String, &serde_json::Value)| {
        (should.get(name) != Some(value)).then(|| format!("{name}: {value} instead of {}", should[name]))
    };
    is.iter().filter_map(differs).collect()
}

pub(crate) fn assert_same(is: &[Arc<Diagnosis>], should: &[Arc<Diagnosis>], question: &str) {
    let id = |d: &Arc<Diagnosis>| d.operation_id.clone().unwrap_or_else(|| format!("{:?}", d.trace_id));
    let (is_ids, should_ids): (Vec<_>, Vec<_>) = (is.iter().map(id).collect(), should.iter().map(id).collect());
    let without = |all: &[String], others: &[String]| -> Vec<String> {
        all.iter().filter(|id| !others.contains(id)).cloned().collect()
    };
    let (more, less) = (without(&is_ids, &should_ids), without(&should_ids, &is_ids));
    assert!(more.is_empty() && less.is_empty(), "{question}\n{more:?} should not be there, {less:?} is missing");
    assert_eq!(is_ids, should_ids, "{question}");
    for (is, should) in is.iter().zip(should) {
        let differ = differences(is, should);
        assert!(differ.is_empty(), "{question}\n{}: {}", id(should), differ.join("\n"));
    }
}
