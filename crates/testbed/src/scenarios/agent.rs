//! Agent research: one trace that holds a research, its training and its backtest, and hours of polls.

use super::{
    backtest,
    training::{self, End},
};
use crate::{
    http::{Peer, Request},
    ktrdr::{API, CLI, Deployment, Exit, Operation},
    span::RawValue,
    story::{At, Story, mins, ms, secs},
};
use trace::{Micros, Time};

const WORKER: &str = "ktrdr.agents.workers.research_worker";
const ARGS: &str = "\"goal\": \"mean reversion on EURUSD\", \"model\": null, \"follow\": false";

/// How far a research comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    Complete,
    GateFails,
    /// The training still runs: the coordinator's span does not exist yet.
    Training,
    DesignFails,
}

/// Symbols and length of the training loop.
type Loop = (&'static str, Micros);

/// What the trainings of the examples look like.
const EURAUD: &str = "EURUSD,EURAUD";

struct Research {
    d: Deployment,
    operation: Operation,
    coordinator: At,
    running: At,
}

fn begin(story: &mut Story) -> Research {
    let d = Deployment::new(story.seed);
    let base = story.base;
    let top = story.trace();
    let cli = story.cli(top, "research", ARGS, base, ms(390), Exit::Ok);
    let request = Request::new("POST", "/api/v1/agent/trigger");
    let server = story.call(cli, CLI, &d.api, &request, (base + ms(120), ms(230)), 200);
    let trigger = story
        .span(server, API, "agent.trigger", base + ms(131), ms(190))
        .scope(crate::ktrdr::SERVICE, "")
        .attr("service.method", "agent.trigger")
        .attr("training.strategy", "None")
        .ok()
        .done();
    for nth in 0..3 {
        story.method(trigger, API, "operations.list", base + ms(140 + nth), Micros(140));
    }
    story.list_workers(trigger, base + ms(150), 2);
    let when = base + ms(170);
    let operation = story.operation("agent_research", when, "None", "None");
    story.register(trigger, API, &operation, when);
    story.transition(trigger, API, &operation, when + ms(1), ("pending", "running"), &[]);
    // Its span is exported when it ends, if it ends.
    let coordinator = story.under_missing(trigger);
    story.about_operation(&operation.id);
    Research { d, operation, coordinator, running: trigger }
}

/// One look of the coordinator every 5 s, at the worker's operation if there is one.
fn polls(story: &mut Story, r: &Research, from: Time, to: Time, child: Option<(&Operation, &Peer)>) {
    let mut when = from;
    while when + secs(1) < to {
        for nth in 0..2 {
            story.method(r.coordinator, API, "operations.list", when + ms(nth), Micros(120));
        }
        if let Some((child, worker)) = child {
            let path = format!("/api/v1/operations/{}", child.id);
            let request = Request::with_path("GET", "/api/v1/operations/{operation_id}", path);
            story.call(r.coordinator, API, worker, &request, (when + ms(4), ms(6)), 200);
        }
        when = when + secs(5);
    }
}

fn phase(story: &mut Story, r: &Research, name: &'static str, when: Time, facts: &[(&'static str, RawValue)]) {
    let mut pen = story
        .span(r.coordinator, API, name, when, Micros(28))
        .scope(WORKER, "")
        .attr("operation.id", r.operation.id.clone());
    for (key, value) in facts {
        pen = pen.attr(*key, value.clone());
    }
    pen.done();
}

fn gate(name: &'static str, passed: bool, reason: &'static str) -> [(&'static str, RawValue); 3] {
    [("gate.name", name.into()), ("gate.passed", passed.into()), ("gate.reason", reason.into())]
}

fn design(story: &mut Story, r: &Research) -> Time {
    let (from, to) = (story.base + secs(2), story.base + secs(94));
    polls(story, r, from, to, None);
    phase(
        story,
        r,
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

/// The training of the research; answers when it ended.
fn train(story: &mut Story, r: &Research, at: Time, end: End, (symbols, silent): Loop) -> Time {
    let run = training::Run { symbols, silent, end, ..training::eurusd(&r.d) };
    let start = training::service(story, r.coordinator, at, ms(190));
    let started = training::dispatch(story, r.coordinator, start, &run, at + ms(120));
    // The coordinator watches for as long as the loop lasts.
    let until = if matches!(run.end, End::Open) { at + silent } else { started.end + secs(4) };
    polls(story, r, at + secs(5), until, Some((&started.operation, &run.worker)));
    until
}

fn evaluate(story: &mut Story, r: &Research, at: Time) -> Time {
    let run = backtest::Run { symbol: "EURAUD", ..backtest::Run::usual(&r.d) };
    let (child, end) = backtest::select_and_dispatch(story, r.coordinator, &run, at);
    polls(story, r, at + secs(5), end + secs(3), Some((&child, &run.worker)));
    let at = end + secs(3);
    let [name, passed, reason] = gate("backtest", true, "passed");
    let facts =
        [name, passed, reason, ("sharpe_ratio", 1.12.into()), ("win_rate", 0.54.into()), ("max_drawdown", 0.11.into())];
    phase(story, r, "agent.phase.backtest", at, &facts);
    polls(story, r, at + secs(2), at + secs(61), None);
    let at = at + secs(61);
    phase(
        story,
        r,
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

fn research(story: &mut Story, course: Course, work: Loop) {
    let r = begin(story);
    let start = story.base + ms(173);
    let mut at = design(story, &r);
    let mut end = ("completed", None);
    match course {
        Course::DesignFails => end = ("failed", Some("Design phase produced no valid strategy after 3 attempts")),
        Course::Training => {
            train(story, &r, at + secs(1), End::Open, work);
            story.clock(mins(19));
            return;
        }
        Course::Complete | Course::GateFails => {
            at = train(story, &r, at + secs(1), End::Completed, work);
            let (passed, reason, accuracy) = if course == Course::Complete {
                (true, "passed", 0.58)
            } else {
                (false, "accuracy_below_threshold (41.3% < 45.0%)", 0.413)
            };
            let [name, passed, reason] = gate("training", passed, reason);
            let facts = [name, passed, reason, ("accuracy", accuracy.into()), ("final_loss", 0.412.into())];
            phase(story, &r, "agent.phase.training", at, &facts);
            if course == Course::Complete {
                at = evaluate(story, &r, at + secs(2));
            }
        }
    }
    let (status, error) = end;
    let extra: Vec<_> = error.map(|text| ("operation.error", RawValue::from(text))).into_iter().collect();
    story.transition(r.running, API, &r.operation, at + ms(40), ("running", status), &extra);
    coordinator(story, &r, start, at + secs(5) - start, error);
    story.clock(mins(90));
}

/// The coordinator's own span, exported when it ends.
fn coordinator(story: &mut Story, r: &Research, start: Time, took: Micros, error: Option<&'static str>) {
    let Some(id) = r.coordinator.parent else { return };
    let done = start + took;
    let pen = story
        .span_with_id(r.running, id, API, "agent.coordinator", start, took)
        .scope(WORKER, "")
        .attr("operation.type", "coordinator")
        .attr("operation.id", r.operation.id.clone())
        .attr("progress.percentage", 100.0)
        .attr("progress.phase", if error.is_some() { "Failed" } else { "Complete" })
        .attr("progress.updated_at", done.0 as f64 / 1e6);
    match error {
        // The text lands in an attribute named `error`, beside the flag of the same name that Jaeger adds.
        Some(text) => pen.attr("outcome", "failed").attr("error", text).raised("RuntimeError", text, 1),
        None => pen,
    }
    .done();
}

/// An everyday research: it trains this, and its gate lets it pass or not.
pub(super) fn everyday(story: &mut Story, passes: bool, work: Loop) {
    research(story, if passes { Course::Complete } else { Course::GateFails }, work);
}

/// 17: three operations in one trace.
pub(super) fn complete(story: &mut Story) {
    research(story, Course::Complete, (EURAUD, mins(31)));
}

/// 17: the quality gate rejects the training; that is no error.
pub(super) fn gate_fails(story: &mut Story) {
    research(story, Course::GateFails, (EURAUD, mins(9)));
}

/// 17: while it runs, its children look like orphans.
pub(super) fn coordinator_missing(story: &mut Story) {
    research(story, Course::Training, (EURAUD, mins(17)));
}

/// 17b: the coordinator itself fails.
pub(super) fn coordinator_failed(story: &mut Story) {
    research(story, Course::DesignFails, (EURAUD, mins(0)));
}
