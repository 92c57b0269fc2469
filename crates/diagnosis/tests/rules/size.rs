//! Large traces are answered; whatever is quadratic here does not end in a debug build.

use diagnosis::{OperationStatus, Verdict as V};

use crate::{picture::*, scenes::*};

#[test]
fn an_operation_of_twenty_thousand_spans() {
    let epochs: String = (0..20_000)
        .map(|nth| {
            format!("train | training.epoch | {}ms +9ms | operation.id={{T}} ; !KeyError: {nth}\n", 6000 + nth * 10)
        })
        .collect();
    let d = one(&training(&(epochs + "train | running->completed {T} | 10m")), "1h");
    assert_eq!((d.span_count, d.verdict), (20_008, V::Healthy));
}

#[test]
fn a_chain_of_ten_thousand_errors() {
    let mut raw = draw(&training(
        "train | training.fit | 6s +1m | operation.id={T} ; !KeyError: deep\ntrain | running->failed {T} | 10m",
    ));
    let spans = &mut raw[0].spans;
    let first = spans.iter().find(|s| s.name == "training.fit").unwrap().clone();
    for nth in 0..10_000u64 {
        let mut next = first.clone();
        (next.id, next.parent) = (trace::SpanId(1_000_000 + nth), Some(spans.last().unwrap().id));
        if nth == 0 {
            next.parent = Some(first.id);
        }
        spans.push(next);
    }
    let context = diagnosis::Context { now: BASE + span_of_time("1h"), ..Default::default() };
    let d = diagnosis::diagnose(&traces(&raw), playbook(), &context).diagnoses.remove(0);
    assert_eq!((d.error_path.len(), d.error_type.as_deref()), (10_001, Some("KeyError")));
}

#[test]
fn two_thousand_operations_in_one_trace() {
    let one_of = |nth: i64| {
        let id = format!("op_training_20261122_100505_{nth:08x}");
        format!(
            "  api | > POST http://training-worker-1:5005/training/start 200 | {nth}s +9ms\n    \
             train | < POST /training/start 200 | {nth}s +5ms\n      train | register {id} training | {nth}s\n      \
             train | pending->running {id} | {nth}s\n      train | running->completed {id} | {}s\n",
            nth + 60
        )
    };
    let all: String = (0..2000).map(one_of).collect();
    assert_eq!(read(&format!("?api | agent.coordinator | 0 +1h\n{all}"), "3h").len(), 2000);
}

#[test]
fn twenty_thousand_polls_from_as_many_commands() {
    let polls: String = (0..20_000)
        .map(|nth| format!("\napi | < GET /api/v1/operations/{{T}} 200 | {}ms +9ms\n", 6000 + nth * 10))
        .collect();
    let d = one(&(training("train | running->completed {T} | 10m") + &polls), "1h");
    assert_eq!((d.verdict, d.trace_ids.len()), (V::Healthy, 1), "it has ended");
    let d = one(&(training("") + &polls), "210s");
    assert_eq!((d.status, d.trace_ids.len()), (OperationStatus::Running, 20_001));
}

#[test]
fn thousands_of_refused_starts() {
    let tries: String = (0..3000)
        .map(|nth| format!("  cli | > POST http://backend:8000/api/v1/trainings/start 503 | {0}ms +5ms\n    api | < POST /api/v1/trainings/start 503 | {0}ms +3ms\n", nth * 10))
        .collect();
    let d = one(&format!("cli | cli.train | 0 +40s\n{tries}"), "1h");
    assert_eq!(d.attempts, 3000);
}
