//! Texts that a person on call reads: commands exist, causes are states, nothing is left unfilled.

use diagnosis::playbook::{Bindings, Placeholder, Template};

use crate::picture::playbook;

/// Commands that KTRDR has, without their arguments. `ktrdr ib …` is left out: it prints fixed texts, whatever the state.
const COMMANDS: &[&str] = &[
    "ktrdr workers",
    "ktrdr status",
    "ktrdr ops",
    "ktrdr follow",
    "ktrdr cancel",
    "ktrdr resume",
    "ktrdr train",
    "ktrdr backtest",
    "ktrdr research",
    "ktrdr agent status",
    "ktrdr data load",
    "ktrdr data range",
    "ktrdr data show",
    "ktrdr list strategies",
    "ktrdr list models",
    "ktrdr list checkpoints",
    "ktrdr validate",
    "ktrdr checkpoints show",
    "ktrdr local-prod host-status",
    "ktrdr local-prod start-ib-host",
    "ktrdr local-prod start-training-host",
    "ktrdr local-prod stop-hosts",
    "docker compose up -d",
    "docker compose restart",
    "docker compose logs",
    "curl ",
    "nvidia-smi",
];

const CONTAINERS: &[&str] = &[
    "db",
    "backend",
    "backtest-worker-1",
    "backtest-worker-2",
    "training-worker-1",
    "training-worker-2",
    "design-agent-1",
    "assessment-agent-1",
];

fn solutions() -> impl Iterator<Item = (&'static str, String)> {
    let filled = |template: &Template| {
        let mut bindings = Bindings::default();
        for placeholder in Placeholder::ALL.iter().filter(|p| ![Placeholder::WorkerContainer].contains(p)) {
            bindings.set(*placeholder, "X");
        }
        template.fill(&bindings)
    };
    playbook().rules().iter().filter_map(move |rule| Some((rule.id.as_str(), filled(rule.solution.as_ref()?))))
}

#[test]
fn solutions_use_commands_that_exist() {
    for (rule, text) in solutions() {
        // What `unknown.state` shows is a piece of a playbook.
        for line in text.lines().filter(|line| line.starts_with("  ") && rule != "unknown.state") {
            let line = line.trim();
            assert!(COMMANDS.iter().any(|known| line.starts_with(known)), "{rule}: {line}");
            if let Some(names) =
                line.strip_prefix("docker compose up -d ").or(line.strip_prefix("docker compose restart "))
            {
                assert!(names.split(' ').all(|name| CONTAINERS.contains(&name)), "{rule}: {line}");
            }
        }
    }
}

/// A placeholder is filled by a fact that the rule always has, or has a default.
#[test]
fn no_rule_depends_on_a_word_that_may_be_missing() {
    // Set for every operation with a window, or by the rule itself.
    let always = [
        "phase",
        "duration",
        "bottleneck",
        "bottleneck_service",
        "share",
        "error_type",
        "count",
        "value",
        "silence",
        "allowed",
        "percent",
        "slowdown",
        "baseline",
        "total",
        "address",
        "status_code",
        "state",
        "operation",
    ];
    for rule in playbook().rules() {
        let texts = [Some(&rule.summary), rule.root_cause.as_ref(), rule.confidence_reason.as_ref()];
        for text in texts.into_iter().flatten() {
            for (name, has_default) in text.placeholders() {
                assert!(has_default || always.contains(&name), "{}: {{{name}}} may be missing", rule.id);
            }
        }
    }
}

#[test]
fn every_serious_verdict_says_why_and_what_to_do() {
    // What failed in a way that nobody knows, or was refused without a reason, has no known cause.
    let without_cause = ["failed.operation", "failed.start_refused", "slow.baseline"];
    for rule in playbook().rules().iter().filter(|rule| rule.severity.level() >= 2) {
        let lent = [
            "error.wrapper",
            "error.consequence",
            "error.worker_unavailable",
            "error.host_service",
            "error.host_service_timeout",
            "error.connection",
            "error.timeout",
        ];
        if lent.contains(&rule.id.as_str()) {
            continue;
        }
        assert!(rule.root_cause.is_some() || without_cause.contains(&rule.id.as_str()), "{} has no cause", rule.id);
        assert!(rule.solution.is_some(), "{} has no remedy", rule.id);
    }
}
