//! Trainings that do not end where they began: crashed, running, shut down, cancelled, resumed.

use super::training::{self, End, Run, Started};
use crate::{
    http::{Peer, Reply, Request},
    ktrdr::{API, CLI, Deployment, Exit},
    story::{Story, mins, ms, secs},
};
use trace::{Micros, Time};

fn open_run(d: &Deployment, symbols: &'static str, worker: &Peer) -> Run {
    Run { symbols, worker: worker.clone(), loading: secs(5), end: End::Open, ..training::eurusd(d) }
}

/// Health checks of a worker every 10 s: `alive` of them answered, then three refused, then no more.
fn health_until(story: &mut Story, worker: &Peer, death: Time, alive: i64) {
    for nth in 0..alive {
        story.health_check(worker, death - secs(10 * (alive - nth)) + ms(4_000), true);
    }
    for nth in 0..3 {
        story.health_check(worker, death + secs(10 * nth) + ms(4_000), false);
    }
}

fn crash(story: &mut Story, d: &Deployment, worker: &Peer) -> Started {
    let base = story.base;
    let started = training::train(story, d, &open_run(d, "EURUSD,GBPUSD", worker), base);
    let death = base + mins(2);
    health_until(story, worker, death, 11);
    let refused = Some((worker, Reply::Refused));
    story.status_command(d, &started.operation, base + mins(20), refused);
    story.status_command(d, &started.operation, base + mins(95), refused);
    story.about_operation(&started.operation.id);
    started
}

/// 10: the worker dies; nothing says so in the operation's own trace.
pub(super) fn crashed(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let worker = d.training[2].clone();
    crash(story, &d, &worker);
    story.clock(mins(190));
}

/// 10, later: the orphan detector gives up and writes a trace of a single span.
pub(super) fn crashed_and_failed(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let mut worker = d.training[1].clone();
    // A process that lived once: no other scenario knows this service name.
    worker.service = format!("ktrdr-training-worker-{:08x}", story.rng.draw() as u32);
    let started = crash(story, &d, &worker);
    let top = story.trace();
    let error = [("operation.error", "Operation was RUNNING but no worker claimed it".into())];
    let when = story.base + mins(2) + secs(71);
    story.transition(top, API, &started.operation, when, ("running", "failed"), &error);
    story.clock(mins(190));
}

/// 10b: the same beginning, but it is alive: polls are answered and the last one is a minute old.
pub(super) fn running(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let worker = d.training[0].clone();
    let base = story.base;
    let started = training::train(story, &d, &open_run(&d, "EURUSD,USDCAD", &worker), base);
    for minute in [4, 8, 11] {
        story.status_command(&d, &started.operation, base + mins(minute), Some((&worker, Reply::Status(200))));
    }
    story.about_operation(&started.operation.id);
    story.clock(mins(12));
}

/// 10c: the worker is shut down and says so itself.
pub(super) fn shut_down(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let worker = d.training[1].clone();
    let base = story.base;
    let started = training::train(story, &d, &open_run(&d, "EURUSD,USDSEK", &worker), base);
    let top = story.trace();
    let request = Request::with_path(
        "PATCH",
        "/api/v1/operations/{operation_id}/status",
        format!("/api/v1/operations/{}/status", started.operation.id),
    );
    story.call(top, &worker.service, &d.api, &request, (base + mins(6), ms(21)), 200);
    story.about_operation(&started.operation.id);
    story.clock(mins(60));
}

/// `ktrdr cancel`: a trace of its own in which worker and API write the end.
fn cancel(story: &mut Story, d: &Deployment, started: &Started, worker: &Peer, when: Time) {
    let operation = &started.operation;
    let top = story.trace();
    let args = format!("\"operation_id\": \"{}\", \"reason\": null, \"force\": false", operation.id);
    let root = story.cli(top, "cancel", &args, when, ms(190), Exit::Ok);
    let path = format!("/api/v1/operations/{}", operation.id);
    let request = Request::with_path("DELETE", "/api/v1/operations/{operation_id}", path.clone());
    let server = story.call(root, CLI, &d.api, &request, (when + ms(88), ms(54)), 200);
    let inner = Request::with_path("DELETE", "/api/v1/operations/{operation_id}/cancel", format!("{path}/cancel"));
    let there = story.call(server, API, worker, &inner, (when + ms(98), ms(18)), 200);
    let reason = ("operation.cancellation_reason", "Operation cancelled by user".into());
    let extra = [reason, ("operation.children_cancelled", 0.into())];
    let ended = ("running", "cancelled");
    story.transition(there, &worker.service, operation, when + ms(104), ended, &extra);
    story.transition(server, API, operation, when + ms(121), ended, &extra);
}

/// 11: cancelled by its user; the main trace stops at running.
pub(super) fn cancelled(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let worker = d.training[0].clone();
    let base = story.base;
    let started = training::train(story, &d, &open_run(&d, "EURUSD,USDNOK", &worker), base);
    cancel(story, &d, &started, &worker, base + mins(7));
    story.about_operation(&started.operation.id);
    story.clock(mins(60));
}

/// 12: cancelled, then resumed from its checkpoint and completed: one operation, two attempts.
pub(super) fn resumed(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let worker = d.training[0].clone();
    let base = story.base;
    let first = open_run(&d, "EURUSD,USDMXN", &worker);
    let started = training::train(story, &d, &first, base);
    cancel(story, &d, &started, &worker, base + mins(7));
    let operation = &started.operation;
    let when = base + mins(16);
    let top = story.trace();
    let args = format!("\"operation_id\": \"{}\", \"follow\": false", operation.id);
    let root = story.cli(top, "resume", &args, when, ms(310), Exit::Ok);
    let request = Request::with_path(
        "POST",
        "/api/v1/operations/{operation_id}/resume",
        format!("/api/v1/operations/{}/resume", operation.id),
    );
    let server = story.call(root, CLI, &d.api, &request, (when + ms(90), ms(120)), 200);
    let resumed = [("operation.resumed", true.into())];
    story.transition(server, API, operation, when + ms(104), ("cancelled", "resuming"), &resumed);
    story.select_worker(server, "training", when + ms(120), Micros(90), ["4", "2", "2"]);
    let request = Request::new("POST", "/training/resume");
    let second = Run { worker: d.training[1].clone(), silent: mins(13), end: End::Completed, ..first };
    let client = story.client(server, API, &second.worker, &request, (when + ms(160), ms(9)), Reply::Status(200));
    let there = story.server(client, &second.worker, &request, (when + ms(163), Micros(2500)), 200);
    training::work(story, there, &second, operation, when + ms(167), ("resuming", "running"));
    story.about_operation(&started.operation.id);
    story.clock(mins(60));
}
