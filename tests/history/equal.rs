//! Random questions: lists and numbers from the store are those that all traces give.

use std::sync::Arc;

use diagnosis::{
    Answer, Buckets, Diagnosis, Filters, GroupBy, Measure, MetricAnswer, OperationStatus, Severity, TimeRange, Verdict,
    playbook::Playbook,
};
use ktrdr_diagnosis::investigate::{MetricQuery, Order, Reader};
use proptest::{
    option,
    prelude::*,
    sample::{select, subsequence},
    test_runner::{Config, TestRunner},
};
use trace::{Micros, Time};

use crate::corpus::{DAY, HOUR, MINUTE, NOW, all_at, ask, assert_same, backends, commit, read, stored, traces};

#[derive(Clone, Debug)]
struct Question {
    range: TimeRange,
    now: Time,
    filters: Filters,
    order: Order,
    limit: usize,
    measure: Measure,
    by: Vec<GroupBy>,
    points: Option<i64>,
    least: Severity,
}

fn some_texts(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    let some = prop_oneof![3 => Just(Vec::new()), 1 => subsequence(of, 0..=of.len())];
    some.prop_map(|some| some.into_iter().map(str::to_owned).collect())
}

fn some<T: Clone + std::fmt::Debug + 'static>(of: &'static [T]) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![3 => Just(Vec::new()), 1 => subsequence(of, 1..=of.len().min(3))]
}

/// Times in minutes before [`NOW`], among which those of the newest operations are likely.
fn ago() -> impl Strategy<Value = i64> {
    prop_oneof![2 => 0..90_i64, 2 => 0..24 * 60_i64, 1 => 0..60 * 60_i64]
}

prop_compose! {
    fn question()(
        (first, second) in (ago(), ago()),
        later in prop_oneof![2 => Just(0_i64), 1 => 1..600_i64],
        to_now in any::<bool>(),
        types in some_texts(&["TRAINING", "backtest", "data_load", "agent_session"]),
        statuses in some(&OperationStatus::ALL),
        verdicts in some(&Verdict::ALL),
        services in some_texts(&["ktrdr-api", "ktrdr-training-worker-1", "ktrdr-backtest-worker-1"]),
        tag in option::weighted(0.15, select(vec![("data.symbol", "AAPL"), ("data.timeframe", "1h"), ("x", "y")])),
        min_duration in option::weighted(0.2, 0..7200_i64),
        max_duration in option::weighted(0.2, 0..86_400_i64),
        order in select(Order::ALL.to_vec()),
        limit in 1..40_usize,
        measure in select(Measure::names().filter_map(Measure::parse).collect::<Vec<_>>()),
        by in subsequence(&GroupBy::ALL[..], 0..=3),
        points in option::of(1..50_i64),
        least in select(vec![Severity::Fine, Severity::Notice, Severity::Warning, Severity::Critical]),
    ) -> Question {
        let at = |minutes: i64| NOW - Micros(minutes * MINUTE.0);
        let to = if to_now { NOW + Micros(later * MINUTE.0) } else { at(first.min(second)) };
        let filters = Filters {
            types, statuses, verdicts, services,
            tags: tag.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            min_duration: min_duration.map(Micros::from_secs),
            max_duration: max_duration.map(Micros::from_secs),
            ..Filters::default()
        };
        let range = TimeRange { from: at(first.max(second)), to };
        Question { range, now: NOW + Micros(later * MINUTE.0), filters, order, limit, measure, by, points, least }
    }
}

#[test]
fn lists_and_numbers_are_those_of_all_traces_for_any_filter_order_limit_range_and_clock() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (traces, playbook) = (traces(), Playbook::ktrdr());
    let stores = runtime.block_on(async {
        let backends = backends().await;
        for (store, _) in &backends {
            commit(&**store, stored(&traces, &playbook), read(NOW - Micros(30 * DAY.0), NOW + DAY)).await;
        }
        backends
    });
    let investigators: Vec<_> = stores.iter().map(|(store, _)| ask(store)).collect();
    let config = Config { cases: 12, failure_persistence: None, ..Config::default() };
    let tested = TestRunner::new(config).run(&proptest::collection::vec(question(), 1..8), |questions| {
        // One clock for each case: judging all traces takes time.
        let (now, to) = (questions[0].now, questions[0].range.to);
        let clock = to.min(now);
        let any_tags = all_at(&traces, &playbook, clock, now, &[]);
        for question in questions {
            let question = Question { now, range: TimeRange { to, from: question.range.from.min(to) }, ..question };
            let tags = &question.filters.tags;
            let tagged = (!tags.is_empty()).then(|| all_at(&traces, &playbook, clock, now, tags));
            let all = tagged.as_ref().unwrap_or(&any_tags);
            let wanted =
                |one: &&Arc<Diagnosis>| question.range.overlaps(one, clock) && question.filters.fit(one, &playbook);
            let truth: Vec<_> = all.iter().filter(wanted).cloned().collect();
            for ask in &investigators {
                runtime.block_on(check(ask, &question, &truth));
            }
        }
        Ok(())
    });
    tested.unwrap();
}

async fn check(ask: &ktrdr_diagnosis::investigate::Investigator, question: &Question, truth: &[Arc<Diagnosis>]) {
    let Question { range, now, filters, order, limit, measure, by, points, least } = question;
    let said = format!("{question:?}");

    let mut ranked = truth.to_vec();
    order.sort(&mut ranked);
    let rest = (ranked.len() > *limit).then(|| {
        format!("the {} {limit} of {} operations are shown: raise the limit to see more", order.as_str(), ranked.len())
    });
    ranked.truncate(*limit);
    let answer = ask.ranked(*range, filters, *order, *limit, *now).await.unwrap();
    assert_same(&answer.diagnoses, &ranked, &said);
    assert_eq!(answer.notices, Vec::from_iter(rest), "{said}");
    assert!(!answer.partial);

    let clock = range.to.min(*now);
    let buckets = points.map(|points| Buckets::new(TimeRange { to: clock, ..*range }, MINUTE, points));
    let query = MetricQuery { measure: *measure, by: by.clone(), buckets, reader: Reader::AlertRule, limit: 1 };
    let numbers = ask.metric(*range, filters, &query, *now).await.unwrap();
    let all = Answer { diagnoses: truth.to_vec(), ..Answer::default() };
    assert_eq!(numbers.rows, MetricAnswer::over(&all, *measure, by, buckets).rows, "{said}");

    let severe: Vec<_> = truth.iter().filter(|one| one.severity >= *least).cloned().collect();
    let marks = ask.annotations(*range, filters, *least, 1000, *now).await.unwrap();
    assert_same(&marks.diagnoses, &severe, &said);

    let mut kinds: Vec<String> = truth.iter().map(|one| one.operation_type.clone()).collect();
    kinds.extend(Playbook::ktrdr().operation_types());
    kinds.sort();
    kinds.dedup();
    assert_eq!(ask.operation_types(*range, filters, *now).await.unwrap(), kinds, "{said}");
    let mut errors: Vec<String> = truth.iter().filter_map(|one| one.error_type.clone()).collect();
    errors.sort();
    errors.dedup();
    assert_eq!(ask.error_types(*range, filters, *now).await.unwrap(), errors, "{said}");
    let mut services: Vec<String> = truth.iter().flat_map(|one| one.services.clone()).collect();
    services.sort();
    services.dedup();
    assert_eq!(ask.services(*range, filters, *now).await.unwrap(), services, "{said}");
}

/// What the test above would not notice: that its questions have no answers.
#[tokio::test]
async fn an_hour_has_operations_of_every_kind_and_those_that_run_become_stuck() {
    let (traces, playbook) = (traces(), Playbook::ktrdr());
    for (store, _) in backends().await {
        let operations = stored(&traces, &playbook);
        let open = operations.iter().filter(|one| !one.operation.closed).count();
        assert!(open > 8 && operations.len() > 4 * open, "{open} of {} are open", operations.len());
        commit(&*store, operations, read(NOW - Micros(30 * DAY.0), NOW + DAY)).await;
        let ask = ask(&store);
        let verdicts = async |now: Time| {
            let range = TimeRange { from: NOW - HOUR, to: now };
            let answer = ask.operations(range, &Filters::default(), 1000, now).await.unwrap();
            let count = |verdict| answer.diagnoses.iter().filter(|one| one.verdict == verdict).count();
            (count(Verdict::Running), count(Verdict::Stuck))
        };
        let (running, stuck) = verdicts(NOW).await;
        let (running_later, stuck_later) = verdicts(NOW + Micros(12 * HOUR.0)).await;
        assert!(running > 0 && stuck_later >= stuck + running - running_later && running_later < running);
        assert_eq!(verdicts(NOW).await, (running, stuck), "a question changes no other answer");
    }
}
