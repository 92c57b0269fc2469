//! What every backend does.

use diagnosis::{OperationStatus, TimeRange};
use store::{
    Acquired, Batch, CompactTraces, Coverage, CoverageChange, EngineVersion, Error, Gap, Interval, LEASE_TTL, Lease,
    Mark, OperationFilter, OperationKey, Order, PlaybookHash, Pruned, Retention, SourceId, Store, StoredOperation,
    Upsert,
};
use trace::{Micros, Time};

use crate::operations::{DAY, NOON, comparable, operation, with_record, without_traces};

const SECOND: Micros = Micros(1_000_000);

pub(crate) fn source() -> SourceId {
    SourceId::new("1-jaeger")
}

pub(crate) async fn lease(store: &dyn Store, source: &SourceId) -> Lease {
    match store.acquire(source, "test", LEASE_TTL, NOON).await.unwrap() {
        Acquired::Held(lease) => lease,
        other @ Acquired::HeldByOther { .. } => panic!("{other:?}"),
    }
}

pub(crate) fn batch(lease: &Lease, operations: impl IntoIterator<Item = StoredOperation>) -> Batch {
    let operations = operations.into_iter().map(without_traces).collect();
    Batch { operations, ..Batch::new(lease.clone(), NOON) }
}

pub(crate) async fn keys(store: &dyn Store, source: &SourceId) -> Vec<String> {
    let everything = TimeRange { from: Time(0), to: Time(i64::MAX) };
    let filter = OperationFilter::all(everything, NOON);
    let page = store.operations(source, &filter, Order::Newest, 10_000).await.unwrap();
    assert_eq!(page.total, page.operations.len() as u64);
    page.operations.into_iter().map(|operation| operation.key.as_str().to_owned()).collect()
}

fn covered(from: i64, to: i64) -> CoverageChange {
    CoverageChange::Covered(Interval { from: Time(from), to: Time(to) })
}

pub(crate) async fn one_writer_holds_the_lease(store: &dyn Store) {
    let source = source();
    let acquire = |holder: &'static str, now| store.acquire(&source, holder, LEASE_TTL, now);
    let Acquired::Held(first) = acquire("a", NOON).await.unwrap() else { panic!() };
    assert_eq!((first.holder.as_str(), first.expires_at), ("a", NOON + LEASE_TTL));
    let busy = Acquired::HeldByOther { holder: "a".to_owned(), expires_at: first.expires_at };
    assert_eq!(acquire("b", first.expires_at - Micros(1)).await.unwrap(), busy);
    let renewed = store.renew(&first, LEASE_TTL, NOON + SECOND).await.unwrap();
    assert_eq!((renewed.token, renewed.expires_at), (first.token, NOON + SECOND + LEASE_TTL));
    assert!(matches!(acquire("b", first.expires_at).await.unwrap(), Acquired::HeldByOther { .. }));
    // The same holder again, after a restart: its earlier self is fenced off.
    let Acquired::Held(again) = acquire("a", NOON).await.unwrap() else { panic!() };
    assert!(again.token > first.token);
    assert!(matches!(store.renew(&first, LEASE_TTL, NOON).await, Err(Error::LostLease { .. })));
    // Expired: another takes over.
    let Acquired::Held(other) = acquire("b", again.expires_at).await.unwrap() else { panic!() };
    assert!(other.token > again.token);
    store.release(&again, NOON).await.unwrap();
    assert!(matches!(acquire("a", other.expires_at - Micros(1)).await.unwrap(), Acquired::HeldByOther { .. }));
    store.release(&other, NOON).await.unwrap();
    assert!(matches!(acquire("a", NOON).await.unwrap(), Acquired::Held(lease) if lease.token > other.token));
}

pub(crate) async fn a_commit_without_the_lease_changes_nothing(store: &dyn Store) {
    let source = source();
    let first = lease(store, &source).await;
    let write = |lease: &Lease, id: &str, now| {
        let mut batch = batch(lease, [operation(id, 5)]);
        (batch.now, batch.coverage) = (now, vec![covered(1, 2)]);
        store.commit(batch)
    };
    write(&first, "held", first.expires_at - Micros(1)).await.unwrap();
    let expired = write(&first, "expired", first.expires_at).await;
    assert!(matches!(&expired, Err(Error::LostLease { of, .. }) if *of == source), "{expired:?}");
    let second = lease(store, &source).await;
    assert!(matches!(write(&first, "foreign", NOON).await, Err(Error::LostLease { .. })));
    let retention = Retention { operations_from: NOON, traces_from: NOON };
    assert!(matches!(store.prune(&first, retention, NOON).await, Err(Error::LostLease { .. })));
    assert_eq!(keys(store, &source).await, ["held"]);
    write(&second, "second", NOON).await.unwrap();
    assert_eq!(keys(store, &source).await.len(), 2);
    let nobody = Lease { source: SourceId::new("never leased"), ..second };
    assert!(matches!(write(&nobody, "nobody", NOON).await, Err(Error::LostLease { .. })));
}

pub(crate) async fn operations_are_replaced_and_removed(store: &dyn Store) {
    let source = source();
    let lease = lease(store, &source).await;
    let traces = CompactTraces::from_bytes([1, 0, 3]);
    let first = operation("op", 10);
    let trace = first.record.trace_id.unwrap();
    let upsert = |operation: StoredOperation, traces| {
        let mut batch = batch(&lease, []);
        batch.operations = vec![Upsert { operation, traces }];
        store.commit(batch)
    };
    upsert(first.clone(), Some(traces.clone())).await.unwrap();
    assert_eq!(store.get(&source, &first.key).await.unwrap(), Some(first.clone()));
    // Replaced as a whole, with other traces; the compact ones are kept until there are new ones.
    let second = with_record(first.clone(), |record| {
        record.status = OperationStatus::Failed;
        record.trace_ids = vec![trace::TraceId(5)];
    });
    assert_eq!(upsert(second.clone(), None).await.unwrap().written, 1);
    assert_eq!(store.get(&source, &first.key).await.unwrap(), Some(second.clone()));
    assert_eq!(store.by_trace(&source, trace).await.unwrap(), []);
    assert_eq!(store.by_trace(&source, trace::TraceId(5)).await.unwrap(), std::slice::from_ref(&second));
    assert_eq!(store.compact_traces(&source, &first.key).await.unwrap(), Some(traces));
    let newer = CompactTraces::from_bytes([1, 0, 4]);
    upsert(second, Some(newer.clone())).await.unwrap();
    assert_eq!(store.compact_traces(&source, &first.key).await.unwrap(), Some(newer));
    // A start request whose id was found later is one operation, not two.
    let mut merged = batch(&lease, [operation("with id", 10)]);
    merged.remove = vec![first.key.clone(), OperationKey::new("unknown")];
    store.commit(merged).await.unwrap();
    assert_eq!(keys(store, &source).await, ["with id"]);
    assert_eq!(store.get(&source, &first.key).await.unwrap(), None);
    assert_eq!(store.compact_traces(&source, &first.key).await.unwrap(), None);
    assert_eq!(store.by_trace(&source, trace::TraceId(5)).await.unwrap(), []);
}

pub(crate) async fn an_older_engine_replaces_nothing(store: &dyn Store) {
    let source = source();
    let lease = lease(store, &source).await;
    let of_engine = |id: &str, version, rule: &str| {
        let mut operation = with_record(operation(id, 5), |record| rule.clone_into(&mut record.rule));
        operation.engine_version = EngineVersion(version);
        operation
    };
    let traces = CompactTraces::from_bytes([1, 0, 3]);
    let mut newer = batch(&lease, []);
    newer.operations = vec![Upsert { operation: of_engine("op", 3, "new"), traces: Some(traces.clone()) }];
    newer.marks = vec![Mark::Operation(OperationKey::new("op"))];
    store.commit(newer).await.unwrap();
    let mut older = batch(&lease, [of_engine("other", 2, "old")]);
    older
        .operations
        .push(Upsert { operation: of_engine("op", 2, "old"), traces: Some(CompactTraces::from_bytes([1, 0, 2])) });
    older.coverage = vec![covered(1, 2)];
    let committed = store.commit(older).await.unwrap();
    assert_eq!((committed.written, committed.skipped_as_older), (1, 1));
    let key = OperationKey::new("op");
    assert_eq!(store.get(&source, &key).await.unwrap().unwrap().record.rule, "new");
    assert_eq!(store.compact_traces(&source, &key).await.unwrap(), Some(traces));
    assert_eq!(store.marked(&source, 9).await.unwrap(), std::slice::from_ref(&key));
    let same = store.commit(batch(&lease, [of_engine("op", 3, "same")])).await.unwrap();
    assert_eq!((same.written, same.skipped_as_older), (1, 0));
    assert_eq!(store.get(&source, &key).await.unwrap().unwrap().record.rule, "same");
}

pub(crate) async fn marks_are_set_with_what_caused_them(store: &dyn Store) {
    let source = source();
    let lease = lease(store, &source).await;
    let key = [Some("AAPL"), None];
    let mut open = comparable(operation("open", 30), &key);
    open.closed = false;
    let failed = with_record(comparable(operation("failed", 20), &key), |r| r.status = OperationStatus::Failed);
    let other_type = with_record(comparable(operation("other type", 30), &key), |record| {
        "data_load".clone_into(&mut record.operation_type);
    });
    let all = [
        comparable(operation("at once", 40), &key),
        comparable(operation("after", 39), &key),
        failed,
        comparable(operation("last", 10), &key),
        comparable(operation("too late", 9), &key),
        comparable(operation("other key", 30), &[Some("AAPL"), Some("")]),
        other_type,
        open,
    ];
    store.commit(batch(&lease, all)).await.unwrap();
    let mut late = batch(&lease, [comparable(operation("late", 40), &key)]);
    late.marks = vec![
        Mark::Comparable {
            operation_type: "training".to_owned(),
            comparable_by: key.map(|value| value.map(str::to_owned)).to_vec(),
            after: NOON - Micros(40_000_000),
            until: NOON - Micros(10_000_000),
        },
        Mark::Operation(OperationKey::new("too late")),
        Mark::Operation(OperationKey::new("unknown")),
    ];
    store.commit(late).await.unwrap();
    let marked = |limit| async move {
        let keys = store.marked(&self::source(), limit).await.unwrap();
        keys.iter().map(|key| key.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(marked(9).await, ["after", "failed", "last", "too late"]);
    assert_eq!(marked(2).await, ["after", "failed"]);
    // Judged again: no mark.
    store.commit(batch(&lease, [comparable(operation("last", 10), &key)])).await.unwrap();
    let mut removed = batch(&lease, []);
    removed.remove = vec![OperationKey::new("failed")];
    store.commit(removed).await.unwrap();
    assert_eq!(marked(9).await, ["after", "too late"]);
}

pub(crate) async fn retention_deletes_old_operations_and_their_coverage(store: &dyn Store) {
    let source = source();
    let lease = lease(store, &source).await;
    let limit = NOON - DAY;
    let ending = |id: &str, end: Time| with_record(operation(id, 0), |record| record.end = Some(end));
    let silent = |id: &str, last: Time| {
        with_record(operation(id, 0), |record| (record.end, record.last_activity) = (None, Some(last)))
    };
    let mut open = silent("open", limit - DAY);
    open.closed = false;
    let all = [
        ending("old", limit - Micros(1)),
        ending("kept", limit),
        silent("silent", limit - Micros(1)),
        silent("less silent", limit),
        ending("new", NOON),
        open,
    ];
    let traces = CompactTraces::from_bytes([1, 0, 3]);
    let mut batch = batch(&lease, []);
    batch.operations = all.into_iter().map(|operation| Upsert { operation, traces: Some(traces.clone()) }).collect();
    batch.marks = vec![Mark::OtherPlaybook(PlaybookHash(77))];
    let gap = Gap { range: Interval { from: limit - DAY, to: limit + SECOND }, reason: "cut".to_owned() };
    batch.coverage = vec![covered(0, NOON.0), CoverageChange::Gap(gap), CoverageChange::Watermark(NOON)];
    let before = store.commit(batch).await.unwrap().coverage;
    assert_eq!(store.marked(&source, 9).await.unwrap().len(), 5);
    let retention = Retention { operations_from: limit, traces_from: limit + Micros(1) };
    let pruned = store.prune(&lease, retention, NOON).await.unwrap();
    assert_eq!(pruned, Pruned { operations: 2, traces: 2 });
    let mut left = keys(store, &source).await;
    left.sort();
    assert_eq!(left, ["kept", "less silent", "new", "open"]);
    for (key, kept) in [("old", false), ("kept", false), ("less silent", false), ("new", true), ("open", true)] {
        let traces = store.compact_traces(&source, &OperationKey::new(key)).await.unwrap();
        assert_eq!(traces.is_some(), kept, "{key}");
    }
    assert_eq!(store.marked(&source, 9).await.unwrap().len(), 3);
    let mut expected = before;
    expected.remove_before(limit);
    assert_eq!(store.coverage(&source).await.unwrap(), expected);
    assert_eq!(expected.covered.iter().next().unwrap().from, limit + SECOND);
    assert_eq!(expected.gaps.len(), 1);
}

pub(crate) async fn sources_do_not_see_each_other(store: &dyn Store) {
    let (one, two) = (SourceId::new("1-a"), SourceId::new("2-b"));
    assert_eq!(store.sources().await.unwrap(), []);
    let (of_one, of_two) = (lease(store, &one).await, lease(store, &two).await);
    assert_eq!(store.sources().await.unwrap(), [], "a lease alone is nothing that is kept");
    let mut first = batch(&of_one, [operation("op", 5)]);
    first.coverage = vec![covered(1, 2)];
    store.commit(first).await.unwrap();
    let of_other = with_record(operation("op", 5), |record| "two".clone_into(&mut record.rule));
    store.commit(batch(&of_two, [of_other, operation("more", 6)])).await.unwrap();
    assert_eq!(store.sources().await.unwrap(), [one.clone(), two.clone()]);
    assert_eq!(keys(store, &one).await, ["op"]);
    assert_eq!(keys(store, &two).await, ["op", "more"]);
    assert_eq!(store.coverage(&two).await.unwrap(), Coverage::default());
    let everything = Retention { operations_from: NOON + DAY, traces_from: NOON + DAY };
    store.prune(&of_two, everything, NOON).await.unwrap();
    assert_eq!(keys(store, &one).await, ["op"]);
    assert_eq!(store.coverage(&one).await.unwrap().covered.iter().len(), 1);
}

pub(crate) async fn commits_of_one_writer_do_not_lose_coverage(store: &dyn Store) {
    let source = source();
    let lease = lease(store, &source).await;
    let commits = (0..6).map(|number| {
        let mut batch = batch(&lease, [operation(&format!("op {number}"), number)]);
        batch.coverage = vec![covered(number * 10, number * 10 + 5), CoverageChange::LiveEdge(Time(number))];
        store.commit(batch)
    });
    for committed in futures_util::future::join_all(commits).await {
        committed.unwrap();
    }
    let coverage = store.coverage(&source).await.unwrap();
    assert_eq!(coverage.covered.iter().map(|interval| interval.from.0).collect::<Vec<_>>(), [0, 10, 20, 30, 40, 50]);
    assert_eq!(coverage.live_edge, Some(Time(5)));
    assert_eq!(keys(store, &source).await.len(), 6);
}

pub(crate) async fn any_text_reads_back(store: &dyn Store) {
    let odd = "a\0b\n'\"\\%_;--\u{1}\u{1F600}";
    let source = SourceId::new(odd);
    let Acquired::Held(lease) = store.acquire(&source, odd, LEASE_TTL, NOON).await.unwrap() else { panic!() };
    assert_eq!(lease.holder, odd);
    let mut stored = with_record(operation("op", 5), |record| {
        record.operation_id = Some(odd.to_owned());
        record.summary = odd.repeat(3_000);
        record.services = vec![odd.to_owned(), String::new()];
        record.remarks = vec![odd.to_owned()];
        record.bottleneck_share = Some(0.1 + 0.2);
    });
    stored.key = OperationKey::of(&stored.record).unwrap();
    stored.tags = vec![(odd.to_owned(), odd.to_owned())];
    let mut batch = batch(&lease, [stored.clone()]);
    let reason = odd.to_owned();
    batch.coverage =
        vec![CoverageChange::Gap(Gap { range: Interval { from: Time(1), to: Time(2) }, reason: reason.clone() })];
    batch.marks = vec![Mark::Operation(stored.key.clone())];
    store.commit(batch).await.unwrap();
    assert_eq!(store.get(&source, &stored.key).await.unwrap(), Some(stored.clone()));
    assert_eq!(store.coverage(&source).await.unwrap().gaps[0].reason, reason);
    assert_eq!(store.marked(&source, 2).await.unwrap(), std::slice::from_ref(&stored.key));
    assert_eq!(store.sources().await.unwrap(), std::slice::from_ref(&source));
    let range = TimeRange { from: NOON - DAY, to: NOON };
    let mut filter = OperationFilter::all(range, NOON);
    filter.filters.tags = vec![(odd.to_owned(), odd.to_owned())];
    filter.filters.services = vec![odd.to_owned()];
    let page = store.operations(&source, &filter, Order::Worst, 5).await.unwrap();
    assert_eq!(page.operations, [stored]);
}
