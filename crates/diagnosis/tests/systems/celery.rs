//! Celery, whose words only `docs/examples/celery.toml` knows.

use std::sync::LazyLock;

use diagnosis::{Diagnosis, OperationStatus, playbook::Playbook};
use trace::Micros;

use crate::{Expected, compare, operations, recorded};

/// Longer than the playbook allows a task to be silent.
const LATER: Micros = Micros::from_secs(3600);

fn playbook() -> &'static Playbook {
    static CELERY: LazyLock<Playbook> =
        LazyLock::new(|| Playbook::with_overlay(include_str!("../../../../docs/examples/celery.toml")).unwrap());
    &CELERY
}

const CASES: &[Expected] = &[
    (
        "broker-down",
        &[
            "unreachable | shop-front: POST /orders/<task> | OperationalError in shop-front / POST /orders/<task> | span shop-front / POST /orders/<task>",
            "unreachable | shop-front: POST /orders/<task> | RuntimeError in shop-front / POST /orders/<task> | span shop-front / POST /orders/<task>",
        ],
    ),
    (
        "callee-refused",
        &["unreachable | shop.reserve_nowhere | NewConnectionError in shop-worker / GET | span shop-worker / GET"],
    ),
    (
        "canvas",
        &[
            "healthy | shop.reserve | - | span shop-worker / run/shop.reserve",
            "healthy | shop.label | - | span shop-worker / run/shop.label",
            "healthy | shop.invoice | - | span shop-worker / apply_async/shop.invoice",
            "healthy | shop-front: POST /group/<int:orders> | - | span shop-front / POST /group/<int:orders>",
            "healthy | shop.label | - | span shop-worker / run/shop.label",
            "healthy | shop.label | - | span shop-worker / run/shop.label",
            "healthy | shop.label | - | span shop-worker / run/shop.label",
            "healthy | shop.label | - | span shop-worker / run/shop.label",
            "healthy | shop-front: POST /chord/<int:orders> | - | span shop-front / POST /chord/<int:orders>",
            "healthy | shop.label | - | span shop-worker / run/shop.label",
            "healthy | shop.label | - | span shop-worker / run/shop.label",
            "healthy | shop.label | - | span shop-worker / run/shop.label",
            "healthy | shop.invoice | - | gap shop-worker / in the queue",
            "healthy | shop.reserve | - | span shop-worker / run/shop.reserve",
            "failed | shop.charge | PaymentDeclined in shop-worker / run/shop.charge | span shop-worker / run/shop.charge",
        ],
    ),
    ("countdown", &["healthy | shop.reserve | - | gap shop-front / in the queue"]),
    (
        "expired",
        &[
            "healthy | shop.pack | - | span shop-worker / run/shop.pack",
            "stuck | shop.label | - | gap shop-front / in the queue",
        ],
    ),
    (
        "failure",
        &[
            "failed | shop.charge | PaymentDeclined in shop-worker / run/shop.charge | span shop-front / apply_async/shop.charge",
            "failed | shop.charge | PaymentDeclined in shop-worker / run/shop.charge | span shop-worker / run/shop.charge",
        ],
    ),
    (
        "failure-expected",
        &[
            "failed | shop.charge_expected | PaymentDeclined in shop-worker / run/shop.charge_expected | gap shop-front / in the queue",
        ],
    ),
    (
        "ignored-rejected",
        &[
            "healthy | shop.ignore | - | span shop-worker / run/shop.ignore",
            "cancelled | shop.reject | - | gap shop-front / in the queue",
        ],
    ),
    (
        "n-plus-one",
        &[
            "healthy | shop.count_http | - | network shop-worker / GET | chatty.n_plus_one",
            "healthy | shop.count_sql | - | span shop-worker / run/shop.count_sql | chatty.n_plus_one",
        ],
    ),
    (
        "never-picked-up",
        &[
            "stuck | shop.reserve | - | gap shop-front / in the queue",
            "stuck | shop.reserve | - | gap shop-front / in the queue",
        ],
    ),
    ("produced-outside", &["healthy | shop.reserve | - | network shop-worker / GET"]),
    (
        "queue-wait",
        &[
            "healthy | shop.label | - | span shop-worker / run/shop.label",
            "healthy | shop.label | - | span shop-worker / run/shop.label",
            "healthy | shop.label | - | span shop-worker / run/shop.label",
            "healthy | shop.label | - | span shop-worker / run/shop.label",
            "healthy | shop.label | - | span shop-worker / run/shop.label",
            "healthy | shop.label | - | span shop-worker / run/shop.label",
            "healthy | shop.label | - | span shop-worker / run/shop.label",
            "healthy | shop.label | - | span shop-worker / run/shop.label",
            "healthy | shop.pack | - | span shop-worker / run/shop.pack",
            "slow | shop.label | - | gap shop-front / in the queue",
        ],
    ),
    (
        "redis-spans",
        &[
            "healthy | shop.reserve | - | span shop-worker / SETEX PUBLISH",
            "healthy | shop-worker: PUBLISH | - | span shop-worker / PUBLISH",
        ],
    ),
    (
        "retries-exhausted",
        &[
            "failed | shop.reserve_flaky | StockUnavailable in shop-worker / run/shop.reserve_flaky | gap shop-worker / waiting for the retry | attempts.several",
            "failed | shop.retry_without_cause | MaxRetriesExceededError in shop-worker / run/shop.retry_without_cause | gap shop-worker / waiting for the retry | attempts.several",
        ],
    ),
    (
        "retry-then-success",
        &[
            "healthy | shop.reserve_flaky | - | gap shop-worker / waiting for the retry | attempts.several",
            "healthy | shop.reserve_by_hand | HTTP 423 in shop-worker / GET | gap shop-worker / waiting for the retry | error.suppressed, attempts.several",
        ],
    ),
    ("revoked-running", &["stuck | shop.pack | - | gap shop-worker / GET → (no end yet)"]),
    (
        "revoked-waiting",
        &[
            "healthy | shop.pack | - | span shop-worker / run/shop.pack",
            "stuck | shop.label | - | gap shop-front / in the queue",
        ],
    ),
    ("send-by-name", &["healthy | shop.reserve | - | gap shop-front-by-name / in the queue"]),
    (
        "slow-callee",
        &[
            "healthy | shop.reserve | - | span shop-stock / GET /articles/<article>",
            "healthy | shop.reserve | - | span shop-stock / GET /articles/<article>",
            "healthy | shop.reserve | - | span shop-stock / GET /articles/<article>",
            "healthy | shop.reserve | - | span shop-stock / GET /articles/<article>",
            "healthy | shop.reserve | - | span shop-stock / GET /articles/<article>",
            "healthy | shop.reserve | - | span shop-stock / GET /articles/<article>",
            "healthy | shop.reserve | - | span shop-stock / GET /articles/<article>",
            "healthy | shop.reserve | - | span shop-stock / GET /articles/<article>",
            "slow | shop.reserve | - | span shop-stock / GET /articles/<article>",
        ],
    ),
    (
        "span-links",
        &[
            "healthy | shop.reserve | - | gap shop-front / in the queue",
            "failed | shop.charge | PaymentDeclined in shop-worker / run/shop.charge | span shop-worker / run/shop.charge",
        ],
    ),
    (
        "success",
        &[
            "healthy | shop.reserve | - | span shop-worker / run/shop.reserve",
            "healthy | shop.reserve | - | gap shop-front / in the queue",
        ],
    ),
    (
        "time-limit",
        &[
            "stuck | shop.report | - | gap shop-worker / GET → (no end yet)",
            "failed | shop.report_soft | SoftTimeLimitExceeded in shop-worker / run/shop.report_soft | span shop-worker / run/shop.report_soft",
            "healthy | shop.report_soft_caught | - | span shop-worker / run/shop.report_soft_caught",
            "failed | shop.report | TimeLimitExceeded in shop-front / POST /orders/<task>/wait | span shop-worker / run/shop.report",
        ],
    ),
    (
        "whole-worker-lost",
        &[
            "healthy | shop.pack_late | - | gap shop-worker / in the queue | attempts.cut_off",
            "stuck | shop.pack | - | gap shop-worker / GET → (no end yet)",
        ],
    ),
    ("worker-lost", &["stuck | shop.pack | - | gap shop-worker / GET → (no end yet)"]),
    (
        "worker-lost-redelivered",
        &["healthy | shop.pack_late | - | span shop-worker / run/shop.pack_late | attempts.cut_off"],
    ),
    (
        "worker-lost-waiting",
        &[
            "failed | shop.pack | WorkerLostError in shop-front / POST /orders/<task>/wait | gap shop-worker / GET → (no end yet)",
        ],
    ),
];

#[test]
fn tasks_retries_queues_and_lost_workers() {
    compare("celery", playbook(), LATER, CASES);
}

fn of(case: &str, after: Micros) -> Vec<Diagnosis> {
    operations(&recorded(&format!("celery/{case}")), playbook(), after)
}

#[test]
fn every_retry_is_an_attempt_and_the_pause_between_two_is_named() {
    let all = of("retry-then-success", LATER);
    assert_eq!(all.iter().map(|d| d.attempts).collect::<Vec<_>>(), [3, 2]);
    assert!(all.iter().all(|d| d.bottleneck_share.unwrap() > 0.9 && d.status == OperationStatus::Completed));
    assert_eq!(of("retries-exhausted", LATER)[0].attempts, 4);
}

#[test]
fn the_time_in_the_queue_is_a_gap_of_its_own() {
    let slow = of("queue-wait", LATER).pop().unwrap();
    assert!(slow.summary.contains("'in the queue' grew most, by 2.1 s"), "{}", slow.summary);
}

/// A process that is killed leaves the spans of its calls and never its own.
#[test]
fn a_lost_worker_is_running_until_it_is_silent_for_too_long() {
    let allowed = Micros::from_secs(900);
    let soon = of("worker-lost", allowed).remove(0);
    assert_eq!((soon.verdict.as_str(), soon.status), ("running", OperationStatus::Running));
    let late = of("worker-lost", allowed + Micros(1)).remove(0);
    assert_eq!(late.rule, "stuck.work_cut_off");
    assert!(late.summary.starts_with("A worker began 'shop.pack', then was silent for 15 min"), "{}", late.summary);
    assert!(late.root_cause.unwrap().contains("worker process was lost"));
}

#[test]
fn who_waited_for_a_lost_worker_says_how_it_was_lost() {
    let lost = of("worker-lost-waiting", LATER).remove(0);
    assert_eq!((lost.rule.as_str(), lost.status), ("error.worker_lost", OperationStatus::Failed));
    assert!(lost.root_cause.unwrap().contains("signal 9 (SIGKILL)"));
}

#[test]
fn a_broker_that_is_down_is_named_though_no_task_was_sent() {
    let all = of("broker-down", LATER);
    assert!(all.iter().all(|d| d.operation_id.is_none()));
    assert_eq!(
        all[0].root_cause.as_deref().unwrap(),
        "Redis or RabbitMQ (127.0.0.1:6379) is not running, or not reachable from shop-front"
    );
}
