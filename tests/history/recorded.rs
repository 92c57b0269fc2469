//! What a recorder has kept of a simulated day answers as all its traces do.

use std::{sync::Arc, time::Duration};

use diagnosis::{Answer, Filters, GroupBy, Measure, MetricAnswer, TimeRange};
use ktrdr_diagnosis::{
    history::History,
    investigate::{Investigator, MetricQuery, Options, Order, Reader},
    recorder::Clock as _,
};
use store::SourceId;
use trace::Micros;

use crate::{
    corpus::{DAY, HOUR, NOBODY, all_at, assert_same, backends},
    simulated::{SOURCE, Setup},
};

#[tokio::test(start_paused = true)]
async fn lists_and_numbers_of_a_recorded_day_are_those_of_all_its_traces() {
    for (store, _folder) in backends().await {
        let mut setup = Setup::new(5, |_| {});
        setup.store = store;
        setup.record(Duration::from_secs(3600)).await;
        let now = setup.clock.now();
        let (playbook, options) = (Arc::clone(&setup.playbook), Options::default());
        let source = SourceId::new(SOURCE);
        let history = History::new(Arc::clone(&setup.store), source, Arc::clone(&playbook), &options, None);
        let config = jaeger::Config { url: NOBODY.to_owned(), ..jaeger::Config::default() };
        let client = jaeger::Client::new(&config).unwrap();
        let ask = Investigator::new(client, Arc::clone(&playbook), options).with_history(history.with_window(DAY));

        for length in [HOUR, Micros(12 * HOUR.0)] {
            // Spans are under way for some seconds, and what just ended is read again later.
            let to = now - Micros(HOUR.0 / 6);
            let range = TimeRange { from: to - length, to };
            let all = all_at(&setup.jaeger.all(), &playbook, to, now, &[]);
            let truth: Vec<_> = all.into_iter().filter(|one| range.overlaps(one, to)).collect();
            assert!(truth.len() > 5, "{}", truth.len());
            for order in Order::ALL {
                let mut expected = truth.clone();
                order.sort(&mut expected);
                let answer = ask.ranked(range, &Filters::default(), order, 10_000, now).await.unwrap();
                assert_same(&answer.diagnoses, &expected, &format!("{order:?} of {length}"));
            }
            let by = vec![GroupBy::OperationType, GroupBy::Verdict];
            let query =
                MetricQuery { measure: Measure::Count, by: by.clone(), buckets: None, reader: Reader::AlertRule, limit: 1 };
            let numbers = ask.metric(range, &Filters::default(), &query, now).await.unwrap();
            let answer = Answer { diagnoses: truth, ..Answer::default() };
            assert_eq!(numbers.rows, MetricAnswer::over(&answer, Measure::Count, &by, None).rows);
        }
    }
}
