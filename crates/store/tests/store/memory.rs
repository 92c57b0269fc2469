//! The store in memory stays within its limit and does not claim what it dropped.

use diagnosis::TimeRange;
use store::{CompactTraces, CoverageChange, Interval, MemoryStore, OperationKey, Store, Upsert};
use trace::Time;

use crate::{
    operations::{NOON, operation, with_record},
    suite::{batch, keys, lease, source},
};

const MAX_BYTES: usize = 400_000;
const TRACES: usize = 3_000;

async fn filled(count: i64) -> MemoryStore {
    let store = MemoryStore::new(MAX_BYTES);
    let lease = lease(&store, &source()).await;
    for number in 0..count {
        let stored = operation(&format!("op {number:04}"), count - number);
        let mut batch = batch(&lease, []);
        batch.operations = vec![Upsert { operation: stored, traces: Some(CompactTraces::from_bytes(vec![7; TRACES])) }];
        if number == 0 {
            batch.coverage = vec![CoverageChange::Covered(Interval { from: Time(0), to: NOON })];
        }
        store.commit(batch).await.unwrap();
        assert!(store.bytes() <= MAX_BYTES, "{} bytes after {number}", store.bytes());
    }
    store
}

#[tokio::test]
async fn the_oldest_traces_go_first() {
    let store = filled(100).await;
    assert_eq!(keys(&store, &source()).await.len(), 100);
    let mut kept = Vec::new();
    for number in 0..100 {
        let key = OperationKey::new(format!("op {number:04}"));
        kept.push(store.compact_traces(&source(), &key).await.unwrap().is_some());
    }
    let first = kept.iter().position(|kept| *kept).unwrap();
    assert!(first > 0 && kept[first..].iter().all(|kept| *kept), "{kept:?}");
    let coverage = store.coverage(&source()).await.unwrap();
    assert_eq!(coverage.missing_in(TimeRange { from: Time(0), to: Time(NOON.0 - 1) }), []);
}

#[tokio::test]
async fn then_the_oldest_operations_go_and_their_times_are_not_covered_any_more() {
    let store = filled(2_000).await;
    let kept = keys(&store, &source()).await;
    assert!(kept.len() > 50 && kept.len() < 2_000, "{}", kept.len());
    assert_eq!(kept[0], "op 1999");
    let newest: Vec<String> = (2_000 - kept.len()..2_000).rev().map(|number| format!("op {number:04}")).collect();
    assert_eq!(kept, newest);
    let last_dropped = operation("dropped", kept.len() as i64 + 1).record.end.unwrap();
    let coverage = store.coverage(&source()).await.unwrap();
    let covered: Vec<Interval> = coverage.covered.iter().collect();
    assert!(covered.len() == 1 && covered[0].from > last_dropped && covered[0].to == NOON, "{covered:?}");
}

#[tokio::test]
async fn open_operations_go_last_and_leave_nothing_covered() {
    let store = MemoryStore::new(20_000);
    let lease = lease(&store, &source()).await;
    let mut open = operation("open", 50_000);
    open.closed = false;
    let mut first = batch(&lease, [open]);
    first.coverage = vec![CoverageChange::Covered(Interval { from: Time(0), to: NOON })];
    store.commit(first).await.unwrap();
    store.commit(batch(&lease, (0..40).map(|number| operation(&format!("op {number}"), number)))).await.unwrap();
    assert!(keys(&store, &source()).await.contains(&"open".to_owned()));
    assert!(!store.coverage(&source()).await.unwrap().covered.is_empty());
    let mut huge = with_record(operation("huge", 1), |record| record.summary = "x".repeat(15_000));
    huge.closed = false;
    store.commit(batch(&lease, [huge])).await.unwrap();
    assert_eq!(keys(&store, &source()).await, ["huge"]);
    assert!(store.coverage(&source()).await.unwrap().covered.is_empty());
}
