//! Agent research: one trace with a research run, its training and its backtest, and the coordinator's polls.

use super::{
    backtest,
    training::{self, End},
};
use crate::{
    http::{Peer, Request},
    ktrdr::{API, CLI, Deployment, Exit, Operation},
    scenario_builder::{ScenarioBuilder, TraceContext, mins, ms, secs},
    span::RawValue,
};
use trace::{Micros, Time};

const WORKER: &str = "ktrdr.agents.workers.research_worker";
const ARGS: &str = "\"goal\": \"mean reversion on EURUSD\", \"model\": null, \"follow\": false";

/// How far a research run gets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Complete,
    GateFails,
    /// The training is still running, so the coordinator's span does not exist yet.
    StillTraining,
    DesignFails,
}

/// Symbols and duration of the training loop.
type TrainingLoop = (&'static str, Micros);

/// The symbols of the trainings in the scenarios.
const EURAUD: &str = "EURUSD,EURAUD";

struct Research {
    deployment: Deployment,
    operation: Operation,
    coordinator: TraceContext,
    running: TraceContext,
}

fn begin(builder: &mut ScenarioBuilder) -> Research {
    let deployment = Deployment::new(builder.seed);
    let base = builder.base;
    let top = builder.new_trace();
    let cli = builder.cli(top, "research", ARGS, base, ms(390), Exit::Ok);
    let request = Request::new("POST", "/api/v1/agent/trigger");
    let server = builder.call(cli, CLI, &deployment.api, &request, (base + ms(120), ms(230)), 200);
    let trigger = builder
        .span(server, API, "agent.trigger", base + ms(131), ms(190))
        .scope(crate::ktrdr::SERVICE, "")
        .attr("service.method", "agent.trigger")
        .attr("training.strategy", "None")
        .ok()
        .add();
    for nth in 0..3 {
        builder.method(trigger, API, "operations.list", base + ms(140 + nth), Micros(140));
    }
    builder.list_workers(trigger, base + ms(150), 2);
    let when = base + ms(170);
    let operation = builder.operation("agent_research", when, "None", "None");
    builder.register(trigger, API, &operation, when);
    builder.transition(trigger, API, &operation, when + ms(1), ("pending", "running"), &[]);
    // The coordinator's span is exported when it ends, if it ends.
    let coordinator = builder.below_missing_span(trigger);
    builder.set_main_operation(&operation.id);
    Research { deployment, operation, coordinator, running: trigger }
}

/// Adds the coordinator's polls: one every 5 s, which also asks the worker about its operation if there is one.
fn polls(builder: &mut ScenarioBuilder, research: &Research, from: Time, to: Time, child: Option<(&Operation, &Peer)>) {
    let mut when = from;
    while when + secs(1) < to {
        for nth in 0..2 {
            builder.method(research.coordinator, API, "operations.list", when + ms(nth), Micros(120));
        }
        if let Some((child, worker)) = child {
            let path = format!("/api/v1/operations/{}", child.id);
            let request = Request::with_path("GET", "/api/v1/operations/{operation_id}", path);
            builder.call(research.coordinator, API, worker, &request, (when + ms(4), ms(6)), 200);
        }
        when = when + secs(5);
    }
}

fn phase(
    builder: &mut ScenarioBuilder,
    research: &Research,
    name: &'static str,
    when: Time,
    facts: &[(&'static str, RawValue)],
) {
    let mut span = builder
        .span(research.coordinator, API, name, when, Micros(28))
        .scope(WORKER, "")
        .attr("operation.id", research.operation.id.clone());
    for (key, value) in facts {
        span = span.attr(*key, value.clone());
    }
    span.add();
}

fn gate(name: &'static str, passed: bool, reason: &'static str) -> [(&'static str, RawValue); 3] {
    [("gate.name", name.into()), ("gate.passed", passed.into()), ("gate.reason", reason.into())]
}

fn design(builder: &mut ScenarioBuilder, research: &Research) -> Time {
    let (from, to) = (builder.base + secs(2), builder.base + secs(94));
    polls(builder, research, from, to, None);
    phase(
        builder,
        research,
        "agent.phase.design",
        to,
        &[
            ("phase", "designing".into()),
            ("strategy_name", "mean_reversion_eurusd_v1".into()),
            ("tokens.input", 18_240.into()),
            ("tokens.output", 2_911.into()),
            ("tokens.total", 21_151.into()),
        ],
    );
    to
}

/// Adds the training of the research run. Returns its end.
fn train(
    builder: &mut ScenarioBuilder,
    research: &Research,
    at: Time,
    end: End,
    (symbols, silent): TrainingLoop,
) -> Time {
    let run = training::Run { symbols, silent, end, ..training::eurusd(&research.deployment) };
    let start = training::service(builder, research.coordinator, at, ms(190));
    let started = training::dispatch(builder, research.coordinator, start, &run, at + ms(120));
    // The coordinator polls as long as the loop runs.
    let until = if matches!(run.end, End::Open) { at + silent } else { started.end + secs(4) };
    polls(builder, research, at + secs(5), until, Some((&started.operation, &run.worker)));
    until
}

fn evaluate(builder: &mut ScenarioBuilder, research: &Research, at: Time) -> Time {
    let run = backtest::Run { symbol: "EURAUD", ..backtest::Run::usual(&research.deployment) };
    let (child, end) = backtest::select_and_dispatch(builder, research.coordinator, &run, at);
    polls(builder, research, at + secs(5), end + secs(3), Some((&child, &run.worker)));
    let at = end + secs(3);
    let [name, passed, reason] = gate("backtest", true, "passed");
    let facts =
        [name, passed, reason, ("sharpe_ratio", 1.12.into()), ("win_rate", 0.54.into()), ("max_drawdown", 0.11.into())];
    phase(builder, research, "agent.phase.backtest", at, &facts);
    polls(builder, research, at + secs(2), at + secs(61), None);
    let at = at + secs(61);
    phase(
        builder,
        research,
        "agent.phase.assessment",
        at,
        &[
            ("verdict", "promising".into()),
            ("tokens.input", 9_412.into()),
            ("tokens.output", 1_380.into()),
            ("tokens.total", 10_792.into()),
        ],
    );
    at
}

fn run_research(builder: &mut ScenarioBuilder, outcome: Outcome, training: TrainingLoop) {
    let research = begin(builder);
    let start = builder.base + ms(173);
    let mut at = design(builder, &research);
    let mut end = ("completed", None);
    match outcome {
        Outcome::DesignFails => end = ("failed", Some("Design phase produced no valid strategy after 3 attempts")),
        Outcome::StillTraining => {
            train(builder, &research, at + secs(1), End::Open, training);
            builder.set_clock(mins(19));
            return;
        }
        Outcome::Complete | Outcome::GateFails => {
            at = train(builder, &research, at + secs(1), End::Completed, training);
            let (passed, reason, accuracy) = if outcome == Outcome::Complete {
                (true, "passed", 0.58)
            } else {
                (false, "accuracy_below_threshold (41.3% < 45.0%)", 0.413)
            };
            let [name, passed, reason] = gate("training", passed, reason);
            let facts = [name, passed, reason, ("accuracy", accuracy.into()), ("final_loss", 0.412.into())];
            phase(builder, &research, "agent.phase.training", at, &facts);
            if outcome == Outcome::Complete {
                at = evaluate(builder, &research, at + secs(2));
            }
        }
    }
    let (status, error) = end;
    let extra: Vec<_> = error.map(|text| ("operation.error", RawValue::from(text))).into_iter().collect();
    builder.transition(research.running, API, &research.operation, at + ms(40), ("running", status), &extra);
    coordinator(builder, &research, start, at + secs(5) - start, error);
    builder.set_clock(mins(90));
}

/// Adds the coordinator's own span, which is exported when it ends.
fn coordinator(
    builder: &mut ScenarioBuilder,
    research: &Research,
    start: Time,
    took: Micros,
    error: Option<&'static str>,
) {
    let Some(id) = research.coordinator.span else { return };
    let done = start + took;
    let span = builder
        .span_with_id(research.running, id, API, "agent.coordinator", start, took)
        .scope(WORKER, "")
        .attr("operation.type", "coordinator")
        .attr("operation.id", research.operation.id.clone())
        .attr("progress.percentage", 100.0)
        .attr("progress.phase", if error.is_some() { "Failed" } else { "Complete" })
        .attr("progress.updated_at", done.0 as f64 / 1e6);
    match error {
        // KTRDR writes the message to an attribute named `error`. Jaeger adds a flag with the same name.
        Some(text) => span.attr("outcome", "failed").attr("error", text).raised("RuntimeError", text, 1),
        None => span,
    }
    .add();
}

/// A research run of everyday work. `passes` says whether its training passes the quality gate.
pub(super) fn everyday(builder: &mut ScenarioBuilder, passes: bool, training: TrainingLoop) {
    run_research(builder, if passes { Outcome::Complete } else { Outcome::GateFails }, training);
}

/// 17: three operations in one trace.
pub(super) fn complete(builder: &mut ScenarioBuilder) {
    run_research(builder, Outcome::Complete, (EURAUD, mins(31)));
}

/// 17: the quality gate rejects the training, which is not an error.
pub(super) fn gate_fails(builder: &mut ScenarioBuilder) {
    run_research(builder, Outcome::GateFails, (EURAUD, mins(9)));
}

/// 17: while the coordinator runs, its children have no parent.
pub(super) fn coordinator_missing(builder: &mut ScenarioBuilder) {
    run_research(builder, Outcome::StillTraining, (EURAUD, mins(17)));
}

/// 17b: the coordinator fails.
pub(super) fn coordinator_failed(builder: &mut ScenarioBuilder) {
    run_research(builder, Outcome::DesignFails, (EURAUD, mins(0)));
}
