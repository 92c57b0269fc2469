//! Random operations, random questions: every backend gives the answer that the records themselves give.

use std::{collections::BTreeMap, future::Future, sync::Arc};

use diagnosis::{Diagnosis, Filters, GroupBy, Measure, OperationStatus, TimeRange, Verdict};
use proptest::{
    option,
    prelude::*,
    sample::{select, subsequence},
    test_runner::{Config, TestRunner},
};
use store::{
    Acquired, AggregateQuery, Batch, Buckets, ComparableQuery, Field, LEASE_TTL, OperationFilter, Order, SourceId,
    States, Store, StoredOperation,
};
use trace::{Micros, Time, TraceId};

use crate::operations::{DAY, ERRORS, NOON, SERVICES, TAGS, playbook, random, time, without_traces};

#[derive(Clone, Debug)]
struct Question {
    range: TimeRange,
    clock: Time,
    filters: Filters,
    states: States,
    order: Order,
    limit: usize,
    measure: Measure,
    group_by: Vec<GroupBy>,
    bucket: Option<Micros>,
    field: Field,
    beside: usize,
}

fn some<T: Clone + std::fmt::Debug + 'static>(of: &'static [T]) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![2 => Just(Vec::new()), 1 => subsequence(of, 0..=of.len())]
}

fn some_texts(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    some(of).prop_map(|some| some.into_iter().map(str::to_owned).collect())
}

fn measures() -> Vec<Measure> {
    Measure::names().filter_map(Measure::parse).collect()
}

prop_compose! {
    fn filters()(
        types in some_texts(&["TRAINING", "data_load", "unknown"]),
        statuses in some(&OperationStatus::ALL),
        verdicts in some(&Verdict::ALL),
        error_types in some_texts(&ERRORS),
        services in some_texts(&SERVICES),
        tags in prop_oneof![3 => Just(Vec::new()), 1 => subsequence(&TAGS[..], 0..=2)],
        min_duration in option::weighted(0.2, 0..4 * DAY.0),
        max_duration in option::weighted(0.2, 0..4 * DAY.0),
    ) -> Filters {
        Filters {
            types, statuses, verdicts, error_types, services,
            tags: tags.into_iter().map(|(key, value): (&str, &str)| (key.to_owned(), value.to_owned())).collect(),
            min_duration: min_duration.map(Micros),
            max_duration: max_duration.map(Micros),
        }
    }
}

prop_compose! {
    fn question()(
        (from, to, clock) in (time(), time(), time()),
        filters in filters(),
        states in select(vec![States::All, States::Closed, States::Open]),
        order in select(vec![Order::Newest, Order::Worst, Order::Longest]),
        limit in 0..30_usize,
        measure in select(measures()),
        group_by in subsequence(&GroupBy::ALL[..], 0..=3),
        bucket in option::of(select(vec![1, 60_000_000, DAY.0, 7 * DAY.0 + 13]).prop_map(Micros)),
        field in select(vec![
            Field::OperationType, Field::ErrorType, Field::Service, Field::Worker, Field::TagKey,
            Field::TagValue("symbol".to_owned()), Field::TagValue("a=b".to_owned()),
        ]),
        beside in 0..4_usize,
    ) -> Question {
        // Buckets of a microsecond are only for ranges without length.
        let to = if bucket == Some(Micros(1)) { from } else { to };
        let range = TimeRange { from: from.min(to), to: from.max(to) };
        Question { range, clock, filters, states, order, limit, measure, group_by, bucket, field, beside }
    }
}

/// Stores random operations in a source of their own, and asks random questions about them.
pub(crate) fn questions_have_the_answers_of_the_records<F, K>(open: impl Fn() -> F)
where
    F: Future<Output = (Arc<dyn Store>, K)>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (store, _keep) = runtime.block_on(open());
    let number = std::cell::Cell::new(0);
    let cases = (random(60), proptest::collection::vec(question(), 1..12));
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let tested = TestRunner::new(config).run(&cases, |(operations, questions)| {
        number.set(number.get() + 1);
        let source = SourceId::new(format!("source {}", number.get()));
        runtime.block_on(async {
            fill(&*store, &source, &operations).await;
            for question in questions {
                check(&*store, &source, &operations, &question).await;
            }
            check_lookups(&*store, &source, &operations).await;
        });
        Ok(())
    });
    tested.unwrap();
}

async fn fill(store: &dyn Store, source: &SourceId, operations: &[StoredOperation]) {
    let Acquired::Held(lease) = store.acquire(source, "test", LEASE_TTL, NOON).await.unwrap() else { panic!() };
    let mut batch = Batch::new(lease, NOON);
    batch.operations = operations.iter().cloned().map(without_traces).collect();
    assert_eq!(store.commit(batch).await.unwrap().written, operations.len() as u64);
}

async fn check(store: &dyn Store, source: &SourceId, all: &[StoredOperation], question: &Question) {
    let playbook = playbook();
    let Question { range, clock, filters, .. } = question;
    let fits = |record: &Diagnosis| range.overlaps(record, *clock) && filters.fit(record, playbook);
    let wanted = |operation: &&StoredOperation| {
        let state = match question.states {
            States::All => true,
            States::Closed => operation.closed,
            States::Open => !operation.closed,
        };
        state && fits(&operation.record) && filters.tags.iter().all(|tag| operation.tags.contains(tag))
    };
    let mut expected: Vec<StoredOperation> = all.iter().filter(wanted).cloned().collect();
    let filter = OperationFilter::new(*range, *clock, filters, playbook).states(question.states);

    sort(&mut expected, question.order);
    let page = store.operations(source, &filter, question.order, question.limit).await.unwrap();
    let first: Vec<_> = expected.iter().take(question.limit).cloned().collect();
    assert_eq!(page.operations, first, "{question:?}");
    assert_eq!(page.total, expected.len() as u64, "{question:?}");

    let mut values: Vec<String> = expected.iter().flat_map(|operation| values(operation, &question.field)).collect();
    values.retain(|value| !value.is_empty());
    values.sort();
    values.dedup();
    assert_eq!(store.distinct(source, &question.field, &filter, 1_000).await.unwrap(), values, "{question:?}");
    values.truncate(2);
    assert_eq!(store.distinct(source, &question.field, &filter, 2).await.unwrap(), values);

    let beside: Vec<Arc<Diagnosis>> = all.iter().take(question.beside).map(|o| Arc::clone(&o.record)).collect();
    let buckets = question.bucket.map(|width| Buckets { range: *range, width });
    let mut counted: Vec<&Diagnosis> = expected.iter().map(|operation| &*operation.record).collect();
    counted.extend(beside.iter().map(|record| &**record).filter(|record| fits(record)));
    let mut groups: BTreeMap<(Vec<String>, Option<Time>), Vec<&Diagnosis>> = BTreeMap::new();
    for record in counted {
        let labels = question.group_by.iter().map(|group| group.of(record).to_owned()).collect();
        let bucket = buckets.map(|Buckets { range, width }| {
            let end = record.end.unwrap_or(range.to).max(range.from).min(range.to);
            Time(end.0.div_euclid(width.0) * width.0)
        });
        groups.entry((labels, bucket)).or_default().push(record);
    }
    let (measure, group_by) = (question.measure, question.group_by.clone());
    let query = AggregateQuery { filter, measure, group_by, buckets, beside: beside.clone() };
    let rows = store.aggregate(source, &query).await.unwrap();
    let rows: Vec<_> = rows.into_iter().map(|row| ((row.labels, row.bucket), row.value, row.count)).collect();
    let expected: Vec<_> =
        groups.into_iter().map(|(key, group)| (key, measure.over(&group), group.len() as u64)).collect();
    assert_eq!(rows, expected, "{question:?}");
}

/// Newest first, as [`diagnosis::diagnose`] gives them, then stably by what is asked for.
fn sort(operations: &mut [StoredOperation], order: Order) {
    let id = |o: &StoredOperation| (o.record.operation_id.clone(), o.record.trace_id);
    operations.sort_by(|a, b| b.record.start.cmp(&a.record.start).then_with(|| id(a).cmp(&id(b))));
    match order {
        Order::Newest => {}
        Order::Worst => operations.sort_by_key(|o| std::cmp::Reverse(o.record.severity)),
        Order::Longest => operations.sort_by(|a, b| {
            let duration = |o: &StoredOperation| o.record.duration_ms.unwrap_or(-1.0);
            duration(b).total_cmp(&duration(a))
        }),
    }
}

fn values(operation: &StoredOperation, field: &Field) -> Vec<String> {
    let record = &operation.record;
    match field {
        Field::OperationType => vec![record.operation_type.clone()],
        Field::ErrorType => record.error_type.clone().into_iter().collect(),
        Field::Service => record.services.clone(),
        Field::Worker => record.worker_id.clone().into_iter().collect(),
        Field::TagKey => operation.tags.iter().map(|tag| tag.0.clone()).collect(),
        Field::TagValue(key) => operation.tags.iter().filter(|tag| tag.0 == *key).map(|tag| tag.1.clone()).collect(),
    }
}

async fn check_lookups(store: &dyn Store, source: &SourceId, all: &[StoredOperation]) {
    let newest = |wanted: &dyn Fn(&StoredOperation) -> bool| {
        let mut found: Vec<_> = all.iter().filter(|operation| wanted(operation)).cloned().collect();
        sort(&mut found, Order::Newest);
        found
    };
    assert_eq!(store.open_operations(source).await.unwrap(), newest(&|operation| !operation.closed));
    for trace in (1..40).map(TraceId) {
        let expected = newest(&|operation| operation.record.trace_ids.contains(&trace));
        assert_eq!(store.by_trace(source, trace).await.unwrap(), expected);
    }
    for operation in all {
        assert_eq!(store.get(source, &operation.key).await.unwrap().as_ref(), Some(operation));
        let window = DAY;
        let before = operation.record.end.unwrap_or(NOON);
        let mut expected: Vec<_> =
            all.iter().filter(|o| o.key != operation.key).filter_map(|o| o.comparable.clone()).collect();
        expected.retain(|c| c.operation_type == operation.record.operation_type && c.key == operation.comparable_by);
        expected.retain(|c| c.end <= before && before - c.end <= window);
        expected.sort_by(|a, b| b.end.cmp(&a.end).then_with(|| a.operation_id.cmp(&b.operation_id)));
        expected.truncate(2);
        let query = ComparableQuery {
            operation_type: operation.record.operation_type.clone(),
            comparable_by: operation.comparable_by.clone(),
            before,
            window,
            except: Some(operation.key.clone()),
            limit: 2,
        };
        assert_eq!(store.comparables(source, &query).await.unwrap(), expected);
    }
}
