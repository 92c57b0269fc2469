//! What other traces prove: failures elsewhere, and the other half of an operation whose trace context was lost.

use diagnosis::{Context, Diagnosis, diagnose};
use trace::TraceId;

use crate::{picture::*, scenes::download};

/// A download that waits on the IB host from 100 s to 130 s, and a connection of that host elsewhere.
fn timed_out_download(connect: &str) -> Diagnosis {
    let picture = download(
        "api | > POST http://localhost:5001/data/validate | 100s +30s | !httpx.ReadTimeout: \n\
         api | running->failed {D} | 131s | operation.error=Host service timeout: Request timed out after 4 attempts: ",
    );
    let failing = "ib.host=127.0.0.1 ; ib.port=4002 ; !ConnectionRefusedError: [Errno 111] Connect call failed";
    of(D, &format!("{picture}\nib | ib.connect | {connect} | {failing}\n"), "1h")
}

#[test]
fn a_failure_elsewhere_explains_what_happened_within_a_minute_of_it() {
    // Mutant M02: before the waiting as well as after it.
    for (connect, rule) in [
        ("39s +1s", "service.ib_gateway"),
        ("38999999us +1s", "service.ib_host"),
        ("110s +1ms", "service.ib_gateway"),
        ("90s +2m", "service.ib_gateway"),
        ("190s +1ms", "service.ib_gateway"),
        ("190000001us +1ms", "service.ib_host"),
    ] {
        assert_eq!(timed_out_download(connect).rule, rule, "{connect}");
    }
}

/// A command whose start was dispatched at a time, without the worker's part.
fn dispatched(at: &str, how: &str) -> String {
    format!(
        "
cli | cli.train | {at} +400ms | ok
  cli | > POST http://backend:8000/api/v1/trainings/start 200 | {at} +50ms
    api | < POST /api/v1/trainings/start 200 | {at} +40ms
      api | > POST http://{how}
"
    )
}

/// A worker's part that does not say who asked for it.
fn served(id: &str, how: &str, at: &str) -> String {
    format!(
        "
train | < POST /training/start 200 | {how}
  train | register {id} training | {at} +0
  train | pending->running {id} | {at} +0
  train | running->completed {id} | 8m
"
    )
}

const WORKER: &str = "training-worker-1:5005/training/start 200";

fn training_id(nth: u32) -> String {
    format!("op_training_20261122_100505_{nth:08x}")
}

/// The traces of an operation besides its own, by position in the picture.
fn others(all: &[Diagnosis], id: &str, own: u128) -> Vec<u128> {
    let found = all.iter().find(|d| d.operation_id.as_deref() == Some(id)).unwrap();
    let positions = found.trace_ids.iter().map(|id| id.0 - TraceId(0xabc0).0);
    positions.filter(|position| *position != own).collect()
}

#[test]
fn of_two_starts_within_a_second_each_operation_gets_the_nearest_one() {
    let (first, second) = (training_id(1), training_id(2));
    // The first operation is nearer to the second start than to its own; the second operation is nearer still.
    let picture = dispatched("0", &format!("{WORKER} | 0 +10ms"))
        + &dispatched("400ms", &format!("{WORKER} | 400ms +10ms"))
        + &served(&first, "300ms +5ms", "300ms")
        + &served(&second, "410ms +5ms", "410ms");
    let raw = draw(&picture);
    for turned in [false, true] {
        let mut raw = raw.clone();
        if turned {
            raw.reverse();
        }
        let context = Context { now: BASE + span_of_time("1h"), ..Context::default() };
        let all = diagnose(&traces(&raw), playbook(), &context).diagnoses;
        assert_eq!(all.len(), 2);
        assert_eq!((others(&all, &first, 2), others(&all, &second, 3)), (vec![0], vec![1]));
    }
}

#[test]
fn every_start_is_given_away_once() {
    let ids: Vec<String> = (0..4).map(training_id).collect();
    let starts: String = (0..2).map(|_| dispatched("0", &format!("{WORKER} | 0 +10ms"))).collect();
    let picture: String = starts + &ids.iter().map(|id| served(id, "5ms +5ms", "5ms")).collect::<String>();
    let all = read(&picture, "1h");
    assert_eq!(all.len(), 4);
    let joined: Vec<_> = all.iter().filter(|d| d.trace_ids.len() == 2).map(|d| d.trace_ids.last()).collect();
    assert!(joined.len() == 2 && joined[0] != joined[1], "{joined:?}");
}

/// Whether a dispatch and a worker's request are taken for one call.
fn is_one_call(sent: &str, served_as: &str) -> bool {
    let picture = dispatched("10s", sent) + &served(T, served_as, "10s");
    let all = read(&picture, "1h");
    assert!(all.len() == 1 || all.len() == 2);
    all.len() == 1
}

#[test]
fn a_request_arrives_within_a_second_of_its_dispatch() {
    // From 10 s to 10.01 s; the clocks of two machines may differ by one second.
    let sent = format!("{WORKER} | 10s +10ms");
    for (arrives, one) in
        [("9s +1ms", true), ("8999999us +1ms", false), ("11010ms +1ms", true), ("11010001us +1ms", false)]
    {
        assert_eq!(is_one_call(&sent, arrives), one, "{arrives}");
    }
    let long = format!("{WORKER} | 10s +30s");
    assert!(is_one_call(&long, "35s +1ms"), "a worker that is slow to answer");
}

#[test]
fn a_request_arrives_at_the_address_it_was_sent_to() {
    let sent = |address: &str| format!("{address} 200 | 10s +10ms");
    assert!(is_one_call(&sent("training-worker-1:5005/training/start"), "10s +1ms"));
    assert!(!is_one_call(&sent("training-worker-2:5006/training/start"), "10s +1ms"), "another port");
    assert!(!is_one_call(&sent("training-worker-1:5005/training/resume"), "10s +1ms"), "another path");
}

#[test]
fn a_port_says_more_than_the_clock() {
    let at = |worker: &str, at: &str| dispatched(at, &format!("{worker}/training/start 200 | {at} +10ms"));
    // The second dispatch is nearer, the first went to the worker's port.
    let picture =
        at("training-worker-1:5005", "0") + &at("training-worker-1", "300ms") + &served(T, "310ms +5ms", "310ms");
    assert_eq!(others(&read(&picture, "1h"), T, 2), [0]);
}

#[test]
fn a_start_stands_for_the_dispatch_that_was_not_refused() {
    let twice = |first: u16, second: u16| {
        dispatched("10s", &format!("training-worker-1:5005/training/start {first} | 10s +10ms"))
            + &format!("      api | > POST http://training-worker-2:5006/training/start {second} | 11s +10ms\n")
            + &served(T, "10005ms +1ms", "10005ms")
    };
    assert_eq!(read(&twice(200, 503), "1h").len(), 1, "the first worker took it");
    assert_eq!(read(&twice(503, 200), "1h").len(), 2, "the second worker took it");
}

#[test]
fn a_start_without_id_belongs_to_the_operation_that_begins_within_a_second_of_it() {
    let both = |begins: &str| {
        let picture = format!(
            "
api | < POST /api/v1/trainings/start 200 | 10s +100ms
?train | register {{T}} training | {begins} +0
  train | running->completed {{T}} | 8m
"
        );
        read(&picture, "1h").len()
    };
    for (begins, operations) in [("9s", 1), ("8999999us", 2), ("11100ms", 1), ("11100001us", 2)] {
        assert_eq!(both(begins), operations, "{begins}");
    }
}
