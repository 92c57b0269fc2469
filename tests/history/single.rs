//! An operation that is asked for by its id comes from its compact traces, and is what a file of all traces would say.

use std::{collections::BTreeMap, sync::Arc};

use diagnosis::{Context, Diagnosis, TimeRange, diagnose, playbook::Playbook};
use ktrdr_diagnosis::investigate::{Error, Target};
use trace::Trace;

use crate::corpus::{DAY, NOW, ask, backends, commit, differences, read, stored, traces};
use trace::Micros;

/// The complete diagnoses of these traces, by id.
fn file(traces: &[Trace]) -> BTreeMap<String, Diagnosis> {
    let context = Context { now: NOW, ..Context::default() };
    let found = diagnose(traces, &Playbook::ktrdr(), &context).diagnoses;
    found.into_iter().filter_map(|one| Some((one.operation_id.clone()?, one))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_operation_is_field_by_field_what_a_file_says() {
    let (traces, playbook) = (traces(), Playbook::ktrdr());
    let truth = file(&traces);
    for (store, _) in backends().await {
        let operations = stored(&traces, &playbook);
        let closed: Vec<_> =
            operations.iter().filter(|one| one.operation.closed).map(|one| one.operation.clone()).collect();
        commit(&*store, operations, read(NOW - Micros(30 * DAY.0), NOW)).await;
        let ask = ask(&store);
        let (mut wrong, mut with_lists) = (Vec::new(), 0);
        for operation in &closed {
            let Some(id) = &operation.record.operation_id else { continue };
            let answer = ask.diagnosis(&Target::Operation(id.clone()), NOW).await.unwrap();
            let [found] = answer.diagnoses.as_slice() else { panic!("{id}: {}", answer.diagnoses.len()) };
            with_lists += usize::from(!found.flow.is_empty() && !found.http.is_empty());
            let differ = differences(found, &truth[id]);
            if !differ.is_empty() {
                wrong.push(format!("{id}: {}", differ.join("\n  ")));
            }
            // The record of the list is the same without its lists.
            let mut bare = Diagnosis::clone(found);
            bare.flow.clear();
            bare.errors.clear();
            bare.http.clear();
            bare.workers.clear();
            bare.cut_lists.clear();
            assert_eq!(differences(&operation.record, &bare), Vec::<String>::new(), "{id}");
            // The service map is made of the same answer, the trace view of the same traces.
            let shown = ask.traces(&Target::Operation(id.clone()), NOW).await.unwrap();
            assert_eq!(shown.iter().map(Trace::id).collect::<Vec<_>>(), found.trace_ids, "{id}");
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), closed.len(), wrong.join("\n"));
        assert!(with_lists > 10, "{with_lists} of {} have lists", closed.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_has_all_its_operations_the_main_one_first() {
    let (traces, playbook) = (traces(), Playbook::ktrdr());
    let truth = file(&traces);
    for (store, _) in backends().await {
        commit(&*store, stored(&traces, &playbook), read(NOW - Micros(30 * DAY.0), NOW)).await;
        let ask = ask(&store);
        let mut several = 0;
        for trace in &traces {
            let mut of_trace: Vec<&Diagnosis> =
                truth.values().filter(|one| one.trace_ids.contains(&trace.id())).collect();
            let kept = store.by_trace(&crate::corpus::source(), trace.id()).await.unwrap();
            if of_trace.is_empty() || kept.iter().any(|one| !one.closed || one.record.operation_id.is_none()) {
                continue;
            }
            of_trace.sort_by_key(|one| (one.trace_id != Some(trace.id()), one.start, one.operation_id.clone()));
            several += usize::from(of_trace.len() > 1);
            let answer = ask.diagnosis(&Target::Trace(trace.id()), NOW).await.unwrap();
            let ids = |all: &[Arc<Diagnosis>]| all.iter().map(|one| one.operation_id.clone()).collect::<Vec<_>>();
            let should: Vec<_> = of_trace.iter().map(|one| one.operation_id.clone()).collect();
            assert_eq!(ids(&answer.diagnoses), should, "{}", trace.id());
            let shown = ask.traces(&Target::Trace(trace.id()), NOW).await.unwrap();
            assert_eq!(shown.iter().map(Trace::id).collect::<Vec<_>>(), [trace.id()]);
            assert_eq!(shown[0].len(), trace.len());
        }
        assert!(several > 0);
    }
}

/// No Jaeger listens, so an error says that Jaeger was asked.
#[tokio::test(flavor = "multi_thread")]
async fn jaeger_is_asked_for_what_may_change_and_for_what_is_not_kept() {
    let (traces, playbook) = (traces(), Playbook::ktrdr());
    for (store, _) in backends().await {
        let mut operations = stored(&traces, &playbook);
        let at = operations.iter().position(|one| one.operation.closed && one.operation.record.operation_id.is_some());
        let forgotten = Arc::clone(&operations[at.unwrap()].operation.record);
        operations[at.unwrap()].traces = None;
        let open = operations.iter().find(|one| !one.operation.closed).unwrap();
        let open = Arc::clone(&open.operation.record);
        commit(&*store, operations, read(NOW - Micros(30 * DAY.0), NOW)).await;
        let ask = ask(&store);
        let ids = [forgotten.operation_id.clone(), open.operation_id.clone(), Some("op_training_x".to_owned())];
        for id in ids.map(Option::unwrap) {
            let error = ask.diagnosis(&Target::Operation(id.clone()), NOW).await.unwrap_err();
            assert!(matches!(error, Error::Jaeger(_)), "{id}: {error}");
            assert!(error.to_string().contains("127.0.0.1:9"), "{error}");
        }
        // The record of what is not kept stays in lists.
        let range = TimeRange { from: forgotten.start.unwrap(), to: forgotten.start.unwrap() };
        let list = ask.operations(range, &diagnosis::Filters::default(), 1000, NOW).await.unwrap();
        assert!(list.diagnoses.iter().any(|one| one.operation_id == forgotten.operation_id));
    }
}
