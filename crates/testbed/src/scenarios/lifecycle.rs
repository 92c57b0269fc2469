//! Trainings whose end is not in their first trace: crashed, running, shut down, cancelled, resumed.

use super::training::{self, End, Run, Started};
use crate::{
    http::{Peer, Reply, Request},
    ktrdr::{API, CLI, Deployment, Exit},
    scenario_builder::{ScenarioBuilder, mins, ms, secs},
};
use trace::{Micros, Time};

fn open_run(deployment: &Deployment, symbols: &'static str, worker: &Peer) -> Run {
    Run { symbols, worker: worker.clone(), loading: secs(5), end: End::Open, ..training::eurusd(deployment) }
}

/// Health checks of a worker every 10 s: `alive` of them are answered, then three are refused, then there are none.
fn health_until(builder: &mut ScenarioBuilder, worker: &Peer, death: Time, alive: i64) {
    for nth in 0..alive {
        builder.health_check(worker, death - secs(10 * (alive - nth)) + ms(4_000), true);
    }
    for nth in 0..3 {
        builder.health_check(worker, death + secs(10 * nth) + ms(4_000), false);
    }
}

fn crash(builder: &mut ScenarioBuilder, deployment: &Deployment, worker: &Peer) -> Started {
    let base = builder.base;
    let started = training::train(builder, deployment, &open_run(deployment, "EURUSD,GBPUSD", worker), base);
    let death = base + mins(2);
    health_until(builder, worker, death, 11);
    let refused = Some((worker, Reply::Refused));
    builder.status_command(deployment, &started.operation, base + mins(20), refused);
    builder.status_command(deployment, &started.operation, base + mins(95), refused);
    builder.set_main_operation(&started.operation.id);
    started
}

/// 10: the worker crashes. Nothing in the operation's own trace shows it.
pub(super) fn crashed(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let worker = deployment.training[2].clone();
    crash(builder, &deployment, &worker);
    builder.set_clock(mins(190));
}

/// 10, later: the orphan detector sets the operation to failed, in a trace with a single span.
pub(super) fn crashed_and_failed(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let mut worker = deployment.training[1].clone();
    // A process that ran only once, so no other scenario has this service name.
    worker.service = format!("ktrdr-training-worker-{:08x}", builder.rng.draw() as u32);
    let started = crash(builder, &deployment, &worker);
    let top = builder.new_trace();
    let error = [("operation.error", "Operation was RUNNING but no worker claimed it".into())];
    let when = builder.base + mins(2) + secs(71);
    builder.transition(top, API, &started.operation, when, ("running", "failed"), &error);
    builder.set_clock(mins(190));
}

/// 10b: starts like scenario 10, but the worker is alive: polls are answered, and the last one is a minute old.
pub(super) fn running(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let worker = deployment.training[0].clone();
    let base = builder.base;
    let started = training::train(builder, &deployment, &open_run(&deployment, "EURUSD,USDCAD", &worker), base);
    for minute in [4, 8, 11] {
        builder.status_command(
            &deployment,
            &started.operation,
            base + mins(minute),
            Some((&worker, Reply::Status(200))),
        );
    }
    builder.set_main_operation(&started.operation.id);
    builder.set_clock(mins(12));
}

/// 10c: the worker is shut down and reports it.
pub(super) fn shut_down(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let worker = deployment.training[1].clone();
    let base = builder.base;
    let started = training::train(builder, &deployment, &open_run(&deployment, "EURUSD,USDSEK", &worker), base);
    let top = builder.new_trace();
    let request = Request::with_path(
        "PATCH",
        "/api/v1/operations/{operation_id}/status",
        format!("/api/v1/operations/{}/status", started.operation.id),
    );
    builder.call(top, &worker.service, &deployment.api, &request, (base + mins(6), ms(21)), 200);
    builder.set_main_operation(&started.operation.id);
    builder.set_clock(mins(60));
}

/// Adds `ktrdr cancel`: a separate trace in which the worker and the API record the end.
fn cancel(builder: &mut ScenarioBuilder, deployment: &Deployment, started: &Started, worker: &Peer, when: Time) {
    let operation = &started.operation;
    let top = builder.new_trace();
    let args = format!("\"operation_id\": \"{}\", \"reason\": null, \"force\": false", operation.id);
    let root = builder.cli(top, "cancel", &args, when, ms(190), Exit::Ok);
    let path = format!("/api/v1/operations/{}", operation.id);
    let request = Request::with_path("DELETE", "/api/v1/operations/{operation_id}", path.clone());
    let server = builder.call(root, CLI, &deployment.api, &request, (when + ms(88), ms(54)), 200);
    let inner = Request::with_path("DELETE", "/api/v1/operations/{operation_id}/cancel", format!("{path}/cancel"));
    let there = builder.call(server, API, worker, &inner, (when + ms(98), ms(18)), 200);
    let reason = ("operation.cancellation_reason", "Operation cancelled by user".into());
    let extra = [reason, ("operation.children_cancelled", 0.into())];
    let ended = ("running", "cancelled");
    builder.transition(there, &worker.service, operation, when + ms(104), ended, &extra);
    builder.transition(server, API, operation, when + ms(121), ended, &extra);
}

/// 11: cancelled by its user. The last state in the main trace is `running`.
pub(super) fn cancelled(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let worker = deployment.training[0].clone();
    let base = builder.base;
    let started = training::train(builder, &deployment, &open_run(&deployment, "EURUSD,USDNOK", &worker), base);
    cancel(builder, &deployment, &started, &worker, base + mins(7));
    builder.set_main_operation(&started.operation.id);
    builder.set_clock(mins(60));
}

/// 12: cancelled, resumed from its checkpoint, and completed: one operation with two attempts.
pub(super) fn resumed(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let worker = deployment.training[0].clone();
    let base = builder.base;
    let first = open_run(&deployment, "EURUSD,USDMXN", &worker);
    let started = training::train(builder, &deployment, &first, base);
    cancel(builder, &deployment, &started, &worker, base + mins(7));
    let operation = &started.operation;
    let when = base + mins(16);
    let top = builder.new_trace();
    let args = format!("\"operation_id\": \"{}\", \"follow\": false", operation.id);
    let root = builder.cli(top, "resume", &args, when, ms(310), Exit::Ok);
    let request = Request::with_path(
        "POST",
        "/api/v1/operations/{operation_id}/resume",
        format!("/api/v1/operations/{}/resume", operation.id),
    );
    let server = builder.call(root, CLI, &deployment.api, &request, (when + ms(90), ms(120)), 200);
    let resumed = [("operation.resumed", true.into())];
    builder.transition(server, API, operation, when + ms(104), ("cancelled", "resuming"), &resumed);
    builder.select_worker(server, "training", when + ms(120), Micros(90), ["4", "2", "2"]);
    let request = Request::new("POST", "/training/resume");
    let second = Run { worker: deployment.training[1].clone(), silent: mins(13), end: End::Completed, ..first };
    let client = builder.client(server, API, &second.worker, &request, (when + ms(160), ms(9)), Reply::Status(200));
    let there = builder.server(client, &second.worker, &request, (when + ms(163), Micros(2500)), 200);
    training::work(builder, there, &second, operation, when + ms(167), ("resuming", "running"));
    builder.set_main_operation(&started.operation.id);
    builder.set_clock(mins(60));
}
