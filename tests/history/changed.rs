//! What changed, from recorded operations.

use std::sync::Arc;

use diagnosis::{
    Context, Filters, TimeRange,
    culprits::{Compared, ComparedRanges, Culprit, Side, WhatChanged},
    observe_operations,
    playbook::Playbook,
};
use ktrdr_diagnosis::investigate::Error;
use store::{MemoryStore, Store};
use trace::{Micros, Trace};

use crate::corpus::{DAY, HOUR, NOW, ask, backends, commit, read, stored};

/// The ranges of the incident, which ended an hour ago, so that all operations are closed.
fn ranges() -> ComparedRanges {
    let from = NOW - Micros(2 * HOUR.0);
    ComparedRanges::new(TimeRange { from, to: NOW - HOUR - Micros(1) }, None).unwrap()
}

fn traces() -> Vec<Trace> {
    let raw = testbed::incident(NOW - HOUR, 1);
    jaeger::decode(&testbed::otlp_json(&raw)).unwrap().traces
}

/// What all traces say.
fn truth(traces: &[Trace], playbook: &Playbook) -> WhatChanged {
    let context = Context { now: NOW, ..Context::default() };
    let side = |range: TimeRange| {
        let observed = observe_operations(traces, playbook, &context).into_iter();
        Side::of_operations(observed.filter(|one| range.holds_start_or_end(&one.diagnosis)))
    };
    WhatChanged::new(Compared::Operations, Some(ranges()), side(ranges().window()), side(ranges().baseline()))
}

fn shown(changed: &WhatChanged) -> Vec<String> {
    let row = |culprit: &Culprit| format!("{} {:?} {:?}", culprit.summary, culprit.confidence, culprit.kind);
    changed.comparison.culprits.iter().map(row).collect()
}

#[tokio::test]
async fn recorded_operations_name_the_same_culprits_as_their_traces() {
    let (traces, playbook) = (traces(), Playbook::ktrdr());
    let truth = truth(&traces, &playbook);
    assert!(truth.comparison.culprits.len() > 1);
    for (store, _folder) in backends().await {
        commit(&*store, stored(&traces, &playbook), read(NOW - DAY, NOW)).await;
        let changed = ask(&store).culprits(ranges(), &Filters::default(), NOW).await.unwrap();
        assert_eq!(shown(&changed), shown(&truth));
        let counts = |of: &WhatChanged| (of.comparison.operations, of.comparison.baseline_operations);
        assert_eq!(counts(&changed), counts(&truth));
        assert!(changed.notices.iter().all(|notice| !notice.contains("newest")), "no sample: {:?}", changed.notices);
        assert!(changed.executed.starts_with("recorded operations"), "{}", changed.executed);
    }
}

#[tokio::test]
async fn filters_choose_among_recorded_operations() {
    let (traces, playbook) = (traces(), Playbook::ktrdr());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    commit(&*store, stored(&traces, &playbook), read(NOW - DAY, NOW)).await;
    let of_type = |name: &str| Filters { types: vec![name.to_owned()], ..Filters::default() };
    let downloads = ask(&store).culprits(ranges(), &of_type("data_load"), NOW).await.unwrap();
    let backtests = ask(&store).culprits(ranges(), &of_type("backtest"), NOW).await.unwrap();
    assert_eq!(downloads.comparison.culprits.len(), 1, "{:?}", shown(&downloads));
    assert_eq!(shown(&backtests), Vec::<String>::new());
    assert!(backtests.comparison.operations > 0);
}

/// Nothing listens where Jaeger should be, so an answer from a sample of its traces fails.
#[tokio::test]
async fn jaeger_is_asked_where_a_range_was_not_read_completely() {
    let (traces, playbook) = (traces(), Playbook::ktrdr());
    let baseline = ranges().baseline().from;
    for (from, is_recorded) in [(baseline, true), (baseline + Micros(1), false)] {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        commit(&*store, stored(&traces, &playbook), read(from, NOW)).await;
        let changed = ask(&store).culprits(ranges(), &Filters::default(), NOW).await;
        assert_eq!(changed.is_ok(), is_recorded);
        assert!(changed.is_ok() || matches!(changed, Err(Error::Jaeger(_))));
    }
}
