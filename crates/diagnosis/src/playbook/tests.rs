use super::*;

#[test]
fn the_embedded_playbook_is_sound_and_every_rule_is_documented() {
    let playbook = Playbook::with_overlay("").unwrap();
    assert!(playbook.rules().len() > 50);
    for rule in playbook.rules() {
        assert!(!rule.doc.is_empty(), "{}", rule.id);
    }
    let mut ids: Vec<_> = playbook.rules().iter().map(|r| &r.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), playbook.rules().len(), "ids are unique");
}

#[test]
fn type_and_time_are_read_from_the_right_of_an_id() {
    let playbook = Playbook::ktrdr();
    let id = "op_data_load_20261122_100917_501eeb49";
    assert_eq!(playbook.type_in_id(id).as_deref(), Some("data_load"));
    assert_eq!(playbook.time_in_id(id).unwrap().to_string(), "2026-11-22T10:09:17Z");
    assert_eq!(
        playbook.type_in_id("op_batch_agent_research_20261122_100917_501eeb49").as_deref(),
        Some("agent_research")
    );
    assert_eq!(playbook.type_in_id("worker_backtest_0123456789ab").as_deref(), Some("backtesting"));
    assert_eq!(playbook.type_in_id("op_training_20251113_123456_abc123").as_deref(), Some("training"));
    assert_eq!(playbook.type_in_id("hello"), None);
    assert_eq!(playbook.fold_type("DATA_DOWNLOAD"), "data_load");
}

#[test]
fn a_service_is_found_by_route_first_and_port_second() {
    let playbook = Playbook::ktrdr();
    let rule = |path, host, port| {
        let address = Address { path: Some(path), host: Some(host), port, peer: None };
        playbook.service_at(address).map(|s| s.rule.as_str())
    };
    assert_eq!(rule("/data/validate", "localhost", Some(15001)), Some("service.ib_host"));
    assert_eq!(rule("/training/start", "127.0.0.1", Some(15999)), Some("service.training_worker"));
    assert_eq!(rule("/training/start", "host.docker.internal", Some(5002)), Some("service.training_host"));
    assert_eq!(rule("/api/v1/trainings/start", "127.0.0.1", Some(18000)), Some("service.backend"));
    assert_eq!(rule("/somewhere", "127.0.0.1", Some(5432)), Some("service.database"));
    assert_eq!(rule("/somewhere", "elsewhere", None), None);
    assert_eq!(
        rule("/somewhere", "training-worker-1", Some(5003)),
        Some("service.training_worker"),
        "a name beats a port"
    );
    let peer = |peer| playbook.service_at(Address { peer: Some(peer), ..Address::default() }).map(|s| s.rule.as_str());
    assert_eq!(peer("ktrdr-backtest-worker-7"), Some("service.backtest_worker"));
    assert_eq!(peer("my-ib-host"), Some("service.ib_host"));
    assert_eq!(peer("elsewhere"), None);
}

#[test]
fn a_service_has_a_pattern_that_outlives_its_processes() {
    let playbook = Playbook::ktrdr();
    let patterns = ["ktrdr-training-worker-3f2a", "ktrdr-training-worker-91bc", "ktrdr-api", "shop"]
        .map(|name| playbook.service_pattern(name).into_owned());
    assert_eq!(patterns, ["ktrdr-training-worker-*", "ktrdr-training-worker-*", "ktrdr-api", "shop"]);
}

#[test]
fn an_overlay_changes_and_adds_rules_by_id() {
    let overlay = r#"
        [[error]]
        id = "error.gpu_memory"
        summary = "Ours: {message}"
        [[error]]
        id = "error.licence"
        doc = "No licence."
        classes = ["LicenceError"]
        verdict = "failed"
        severity = 3
        summary = "No licence"
        [[rule]]
        id = "chatty.n_plus_one"
        enabled = false
        [spans]
        noise = ["GET /ours"]
    "#;
    let playbook = Playbook::with_overlay(overlay).unwrap();
    let memory = playbook.rule("error.gpu_memory").unwrap();
    assert_eq!(memory.summary.raw(), "Ours: {message}");
    assert!(memory.solution.is_some(), "what the overlay leaves out stays");
    assert_eq!(playbook.errors()[0].rule, "error.licence", "new rows are tried first");
    assert!(playbook.rule("chatty.n_plus_one").is_none());
    assert!(playbook.span_roles("GET /ours").eq([SpanRole::Noise]));
    assert!(playbook.span_roles("operations.list").eq([SpanRole::Noise]));
}

#[test]
fn a_playbook_may_stand_alone() {
    let playbook = Playbook::with_overlay("extends = \"none\"\nname = \"Shop\"\n").unwrap();
    assert_eq!((playbook.name(), playbook.rules().len()), ("Shop", 0));
}

#[test]
fn mistakes_are_reported_with_their_line() {
    let line = |text| Playbook::with_overlay(text).unwrap_err().remove(0);
    assert_eq!(line("name = \"x\"\n[[error]\n").line, 2);
    let regex = line("[[error]]\nid = \"error.mine\"\nmessages = [\"(\"]\n");
    assert_eq!(regex.line, 3);
    assert!(regex.message.contains("not a regular expression"), "{}", regex.message);
    let missing = line("\n[[error]]\nid = \"error.mine\"\nclasses = [\"X\"]\n");
    assert_eq!(missing, PlaybookError { line: 3, message: "'error.mine' lacks the field 'doc'".into() });
    assert!(line("[spans]\nnoises = []\n").message.contains("it may be one of"));
    assert!(line("[thresholds]\nhealth_gap = \"soon\"\n").message.contains("not a duration"));
    assert!(line("[[rule]]\nid = \"x\"\nseverty = 2\n").message.contains("severty"));
    assert!(line("extends = \"other\"\n").message.contains("none"));
}

/// Review B5: a misspelt placeholder went unnoticed.
#[test]
fn placeholders_that_nothing_fills_are_reported_with_their_line() {
    let mine = "\
[[rule]]
id = \"healthy.completed\"
summary = \"Done in {duration}\"
solution = \"\"\"
See {{literal}} and {operation}:
  ktrdr status {operation|ID}
  ktrdr data load {sybmol|SYMBOL} {symbo} {sybmol}\"\"\"

[[service]]
id = \"service.ib_host\"
root_cause_timeout = \"{path} of {addres}\"

[[error]]
id = \"error.licence\"
doc = \"No licence.\"
messages = ['licence (?P<licence>\\w+)']
verdict = \"failed\"
severity = 3
summary = \"No {licence} for {nobody}\"
";
    let errors = Playbook::with_overlay(mine).unwrap_err();
    let found: Vec<_> = errors.iter().map(|e| (e.line, e.message.as_str())).collect();
    assert_eq!(
        found,
        [
            (7, "nothing fills the placeholder `{sybmol}`; perhaps `{symbol}`"),
            (7, "nothing fills the placeholder `{symbo}`; perhaps `{symbol}`"),
            (11, "nothing fills the placeholder `{addres}`; perhaps `{address}`"),
            (19, "nothing fills the placeholder `{nobody}`"),
        ]
    );
    // `path` is a group of the embedded playbook; a playbook that stands alone does not have it.
    let alone = format!("extends = \"none\"\n{mine}");
    assert!(Playbook::with_overlay(&alone).unwrap_err().iter().any(|e| e.line == 12 && e.message.contains("`{path}`")));
}

#[test]
fn braces_that_stand_alone_are_reported_with_their_line() {
    let with =
        |text: &str| format!("[[rule]]\nid = \"healthy.completed\"\nsolution = \"\"\"\nfine {{{{}}}}\n{text}\"\"\"\n");
    let first = |text: &str| Playbook::with_overlay(&with(text)).unwrap_err().remove(0);
    let go = first("  docker ps --format '{.Names}'");
    assert_eq!(go.line, 5);
    assert!(go.message.contains("`{.Names}` is not a placeholder") && go.message.contains("{{"), "{}", go.message);
    assert_eq!(first("print({").message, "`{` stands alone; write `{{` for a literal brace");
    assert_eq!(first("print(})").message, "`}` stands alone; write `}}` for a literal brace");
    assert!(Playbook::with_overlay(&with("  docker ps --format '{{{{.Names}}}}'")).is_ok());
}

#[test]
fn every_template_is_checked() {
    for place in ["summary", "root_cause", "solution", "confidence_reason"] {
        for (table, id) in [
            ("rule", "healthy.completed"),
            ("step", "slow.ib_latency"),
            ("service", "service.ib_host"),
            ("error", "error.timeout"),
        ] {
            let errors = Playbook::with_overlay(&format!("[[{table}]]\nid = \"{id}\"\n{place} = \"{{nothing}}\"\n"))
                .unwrap_err();
            assert_eq!((errors.len(), errors[0].line), (1, 3), "{table} {place}");
        }
    }
}

/// Review B19: the version was read and used nowhere.
#[test]
fn a_playbook_of_another_version_is_refused() {
    assert!(Playbook::with_overlay("version = 1\n").is_ok());
    for version in [0, 2] {
        let error = Playbook::with_overlay(&format!("name = \"x\"\nversion = {version}\n")).unwrap_err().remove(0);
        assert_eq!(error.line, 2);
        assert!(error.message.contains("reads playbooks of version 1"), "{}", error.message);
    }
}

#[test]
fn reasons_of_cancellations_are_anchored() {
    let row = |reason: &str| {
        format!("[[cancellation]]\nid = \"cancellation.x\"\nreason = '{reason}'\nrule = \"cancelled.user\"\n")
    };
    assert!(Playbook::with_overlay(&row("^Budget")).is_ok() && Playbook::with_overlay(&row("(?i)^Budget")).is_ok());
    let loose = Playbook::with_overlay(&row("budget")).unwrap_err().remove(0);
    assert_eq!((loose.line, loose.message.as_str()), (2, "the reason of 'cancellation.x' must begin with ^"));
    let lost =
        Playbook::with_overlay(&row("^Budget").replace("cancelled.user", "cancelled.nobody")).unwrap_err().remove(0);
    assert_eq!(lost.line, 4);
}

#[test]
fn words_for_states_are_read_in_any_case() {
    let playbook =
        Playbook::with_overlay("[operation.states]\nSUCCESS = \"Completed\"\n\"in work\" = \"running\"\n").unwrap();
    assert_eq!(playbook.state(" success "), Some(State::Completed));
    assert_eq!(playbook.state("In Work"), Some(State::Running));
    assert_eq!(playbook.state("RESUMING"), Some(State::Resuming));
    assert_eq!(playbook.state("done"), None);
}

#[test]
fn gaps_are_named_by_their_neighbours() {
    let playbook = Playbook::ktrdr();
    let span = |name| Some((name, SpanKind::Internal));
    let transition = span("operation.state_transition");
    assert_eq!(playbook.phase("training", span("training.data_loading"), transition), Some("training loop"));
    assert_eq!(playbook.phase("training", transition, span("training.data_loading")), Some("worker start-up"));
    assert_eq!(playbook.phase("backtesting", span("backtest.feature_compute"), None), Some("simulation"));
    assert_eq!(playbook.phase("dummy", span("a"), span("b")), None);
}

#[test]
fn gaps_are_named_by_the_kinds_of_their_neighbours() {
    let playbook = Playbook::generic();
    let (sent, taken) = (Some(("a", SpanKind::Producer)), Some(("b", SpanKind::Consumer)));
    assert_eq!(playbook.phase("x", sent, taken), Some("waiting in the queue"));
    assert_eq!(playbook.phase("x", taken, sent), None);
    assert_eq!(playbook.phase("x", sent, None), None);
}

#[test]
fn silence_depends_on_type_and_last_phase() {
    let playbook = Playbook::ktrdr();
    let allowed = |t, after| playbook.silence(t, after).unwrap().id.clone();
    assert_eq!(allowed("training", Some("training.data_loading")), "silence.training_loop");
    assert_eq!(allowed("training", Some("operation.state_transition")), "silence.training_start");
    assert_eq!(allowed("fuzzy_analysis", None), "silence.default");
}

#[test]
fn words_of_the_system_are_placeholders() {
    let text = "\
[words]
cluster = [\"k8s.cluster\"]
symbol = [\"ours.symbol\"]
[[rule]]
id = \"healthy.completed\"
summary = \"Done on {cluster|} with {symbol|}\"
";
    let playbook = Playbook::with_overlay(text).unwrap();
    let keys = |name: &str| playbook.words().iter().find(|word| word.name == name).unwrap().keys.clone();
    assert_eq!(keys("cluster"), ["k8s.cluster"]);
    assert_eq!(keys("symbol"), ["ours.symbol", "data.symbol", "error.symbol"], "an overlay's keys come first");
    // Overlays from before there were words give the keys in [attributes].
    let before = Playbook::with_overlay("[attributes]\nsymbol = [\"ours.symbol\"]\n").unwrap();
    let symbol = before.words().iter().find(|word| word.name == "symbol").unwrap();
    assert_eq!(symbol.keys, ["ours.symbol", "data.symbol", "error.symbol"]);
}

#[test]
fn mistakes_in_the_words_and_in_the_worker_tables_are_reported_with_their_line() {
    let first = |text: &str| Playbook::with_overlay(text).unwrap_err().remove(0);
    let taken = first("[words]\na = []\nmessage = [\"x\"]\n");
    assert_eq!(taken.line, 3);
    assert!(taken.message.contains("'message', a placeholder that is filled anyway"), "{}", taken.message);
    let nobody = first("name = \"x\"\n[operation]\nerror_words = [\"nobody\"]\n");
    assert_eq!((nobody.line, nobody.message.contains("not in [words]")), (3, true), "{}", nobody.message);
    let status = first("[worker.statuses]\n\nnone = \"NOBODY\"\n");
    assert_eq!(status.line, 3);
    assert!(status.message.contains("it may be one of: SUCCESS, NO_WORKERS_STARTED"), "{}", status.message);
    let unknown = first("[attributes]\ncluster = [\"x\"]\n");
    assert_eq!((unknown.line, unknown.message.contains("belong into [words]")), (2, true), "{}", unknown.message);
    for (text, line) in [
        ("[worker]\nbussy = [503]\n", 2),
        ("[worker]\nbusy = [\"503\"]\n", 2),
        ("[worker.types]\ntraining = 1\n", 2),
        ("[worker.containers]\n\ntraining = []\n", 3),
        ("[operation]\ncalled_direct = []\n", 2),
        ("[[rule]]\nid = \"running.active\"\nhidden_beside = [\"nothing\"]\n", 3),
        ("[[rule]]\nid = \"running.active\"\ngeneral = \"yes\"\n", 3),
        ("[[service]]\nid = \"service.ib_host\"\npreferred = 1\n", 3),
    ] {
        assert_eq!(first(text).line, line, "{text}: {}", first(text).message);
    }
}

#[test]
fn worker_tables_are_joined_and_single_values_replaced() {
    let text = "\
[operation]
called_directly = [\"direct-*\"]
[worker]
busy = [429]
local_name = \"API\"
[worker.statuses]
\"Nobody There\" = \"no_workers_started\"
[worker.types]
repair = \"mechanic\"
[worker.containers]
mechanic = \"mechanic-1\"
";
    let playbook = Playbook::with_overlay(text).unwrap();
    let workers = playbook.workers();
    assert_eq!((workers.busy.as_slice(), workers.local_name.as_deref()), (&[429][..], Some("API")));
    assert_eq!(workers.name.as_deref(), Some("worker"), "what the overlay leaves out stays");
    assert_eq!(workers.status(" nobody there "), Some(WorkerStatus::NoWorkersStarted));
    assert_eq!(workers.status("no_workers_registered"), Some(WorkerStatus::NoWorkersStarted));
    assert_eq!(workers.status("all_workers_busy"), Some(WorkerStatus::AllWorkersBusy), "an outcome's own name");
    assert_eq!(workers.status("no idea"), None);
    assert_eq!(workers.type_for("repair").and_then(|kind| workers.container(kind)), Some("mechanic-1"));
    assert_eq!(workers.type_for("training").and_then(|kind| workers.container(kind)), Some("training-worker-1"));
    assert!(workers.is_accepted("Dispatched") && !workers.is_accepted("rejected"));
    assert!(playbook.is_called_directly("direct-1") && !playbook.is_called_directly("worker_backtest_0123456789ab"));
}

/// A playbook that stands alone has the numbers of the conditions, and nothing of KTRDR.
#[test]
fn a_playbook_that_stands_alone_takes_over_conditions_only() {
    let text = "extends = \"none\"\n[thresholds]\nhealth_checks = 7\n[[rule]]\nid = \"running.active\"\ndoc = \"d\"\n\
                verdict = \"running\"\nseverity = 0\nsummary = \"s\"\n";
    let (alone, ktrdr) = (Playbook::with_overlay(text).unwrap(), Playbook::ktrdr());
    assert_eq!(alone.thresholds().health_checks, 7);
    assert_eq!(alone.thresholds().clock_skew, ktrdr.thresholds().clock_skew);
    assert!(alone.rule(rule_ids::RUNNING_ACTIVE).unwrap().general);
    assert_eq!(alone.workers().busy, [503]);
    assert_eq!((alone.workers().type_for("training"), alone.workers().container("training")), (None, None));
    assert!(alone.words().is_empty() && !alone.is_called_directly("worker_backtest_0123456789ab"));
}
