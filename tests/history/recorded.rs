//! What a recorder has kept of a simulated day answers as all its traces do.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use diagnosis::{Answer, Diagnosis, Filters, GroupBy, Measure, MetricAnswer, TimeRange};
use ktrdr_diagnosis::{
    history::History,
    investigate::{Investigator, MetricQuery, Options, Order, Reader},
    recorder::Clock as _,
};
use store::{OperationFilter, OperationKey, SourceId, States};
use trace::Micros;

use crate::{
    corpus::{DAY, HOUR, NOBODY, all_at, assert_same, backends},
    simulated::{SOURCE, Setup},
};

#[tokio::test(start_paused = true)]
async fn lists_and_numbers_of_a_recorded_day_are_those_of_all_its_traces() {
    // The tests of what is said record to a store in memory.
    for (store, _folder) in backends().await.into_iter().skip(1) {
        let mut setup = Setup::new(5);
        setup.store = store;
        setup.record(Duration::from_secs(660)).await;
        let now = setup.clock.now();
        let (playbook, options) = (Arc::clone(&setup.playbook), Options::default());
        let source = SourceId::new(SOURCE);
        let history = History::new(Arc::clone(&setup.store), source.clone(), Arc::clone(&playbook), &options, None);
        let config = jaeger::Config { url: NOBODY.to_owned(), ..jaeger::Config::default() };
        let client = jaeger::Client::new(&config).unwrap();
        let ask = Investigator::new(client, Arc::clone(&playbook), options).with_history(history.with_window(DAY));

        // Before the last minutes: spans are under way for some seconds, and what just ended is read again later.
        let to = now - Micros(HOUR.0 / 6);
        let range = TimeRange { from: to - Micros(12 * HOUR.0), to };
        let filter = OperationFilter::all(range, to).states(States::Closed);
        let closed = setup.store.operations(&source, &filter, Order::Newest, 10_000).await.unwrap().operations;
        let closed: BTreeSet<OperationKey> = closed.into_iter().map(|one| one.key).collect();
        let is_closed = |one: &Arc<Diagnosis>| OperationKey::of(one).is_some_and(|key| closed.contains(&key));
        let mut truth = all_at(&setup.jaeger.all(), &playbook, to, now, &[]);
        truth.retain(|one| range.overlaps(one, to) && is_closed(one));
        assert!(truth.len() > 100 && truth.len() == closed.len(), "{} of {}", truth.len(), closed.len());

        for order in Order::ALL {
            let mut expected = truth.clone();
            order.sort(&mut expected);
            let mut answer = ask.ranked(range, &Filters::default(), order, 10_000, now).await.unwrap();
            let all = answer.diagnoses.clone();
            answer.diagnoses.retain(is_closed);
            assert_same(&answer.diagnoses, &expected, &format!("{order:?}"));

            // Numbers agree with the list, open operations included.
            let by = vec![GroupBy::OperationType, GroupBy::Verdict];
            let query = MetricQuery {
                measure: Measure::Count,
                by: by.clone(),
                buckets: None,
                reader: Reader::Person,
                limit: 1,
            };
            let numbers = ask.metric(range, &Filters::default(), &query, now).await.unwrap();
            let listed = Answer { diagnoses: all, ..Answer::default() };
            assert_eq!(numbers.rows, MetricAnswer::over(&listed, Measure::Count, &by, None).rows);
        }
    }
}
