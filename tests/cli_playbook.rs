//! `ktrdr-diagnose playbook` and `--playbook` through the real executable: each mistake that `check` finds, what `--against`
//! lists, and the playbook that a file without a choice gets.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy knows test code only in functions marked as tests"
)]

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ktrdr-diagnose"));
    command.args(args).env_clear().stdin(Stdio::null()).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Checks a text; gives the lines of the answer that begin with `line`.
fn check(text: &str) -> (Option<i32>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.toml");
    std::fs::write(&path, text).unwrap();
    let output = run(&["playbook", "check", path.to_str().unwrap()]);
    let lines = err(&output).lines().filter_map(|line| line.strip_prefix("  ").map(str::to_owned)).collect();
    (output.status.code(), lines)
}

const ERROR: &str = "doc = \"d\"\nverdict = \"failed\"\nseverity = 3\nsummary = \"s\"\n";
const SERVICE: &str = "doc = \"d\"\nverdict = \"unreachable\"\nseverity = 3\nsummary = \"s\"\n";

/// Texts with one mistake each, and what is said about it.
fn mistakes() -> Vec<(String, &'static str)> {
    let row = |table: &str, id: &str, fields: &str| format!("[[{table}]]\nid = \"{id}\"\n{fields}\n");
    let error = |id: &str, fields: &str| row("error", id, &format!("{ERROR}{fields}"));
    let service = |id: &str, fields: &str| row("service", id, &format!("{SERVICE}{fields}"));
    vec![
        // Syntax, tables, fields and values.
        ("name = \"x\n".into(), "line 1: invalid basic string"),
        ("[attribute]\noperation_id = [\"a\"]\n".into(), "line 1: unknown field `attribute`; perhaps `attributes`"),
        (row("error", "e", "severty = 3"), "line 3: unknown field `severty`; perhaps `severity`"),
        (row("rule", "healthy.completed", "severity = \"high\""), "line 3: invalid type: string \"high\", expected u8"),
        (
            row("rule", "healthy.completed", "severity = 4"),
            "line 2: 'healthy.completed' has severity 4; it may be 0, 1, 2 or 3",
        ),
        (
            row("rule", "healthy.completed", "verdict = \"heathy\""),
            "line 3: unknown variant `heathy`; perhaps `healthy`",
        ),
        (row("silence", "s", "type = \"*\"\nallowed = \"soon\""), "line 4: 'soon' is not a duration"),
        (error("e", "messages = [\"(\"]"), "line 7: '(' is not a regular expression: unclosed group"),
        (
            "extends = \"other\"\n".into(),
            "line 1: extends = \"other\": it may be one of \"ktrdr\", \"generic\" and \"none\"",
        ),
        ("version = 2\n".into(), "line 1: version = 2: this build reads playbooks of version 1"),
        (
            "[operation]\nsource = \"roots\"\n".into(),
            "line 2: unknown variant `roots`, expected `ids` or `root_requests`",
        ),
        (row("phase", "p", "after_kind = \"sender\"\nname = \"n\""), "line 3: 'sender' is not a kind of span"),
        ("[spans]\nnosie = [\"a\"]\n".into(), "line 2: [spans] has no 'nosie'; it may be one of: register"),
        ("[attributes]\noperatoin_id = [\"a\"]\n".into(), "line 2: [attributes] has no 'operatoin_id'"),
        (
            "[operation.states]\nDONE = \"finished\"\n".into(),
            "line 2: [operation.states] has 'DONE' as 'finished'; it may be one of: pending",
        ),
        ("[worker.statuses]\nnone = \"GONE\"\n".into(), "line 2: [worker.statuses] has 'none' as 'GONE'"),
        ("[words]\nmessage = [\"a\"]\n".into(), "line 2: [words] has 'message', a placeholder that is filled anyway"),
        ("[[error]]\ndoc = \"d\"\n".into(), "line 1: a [[error]] lacks its id"),
        (row("error", "e", "classes = [\"X\"]"), "line 2: 'e' lacks the field 'doc'"),
        (error("e", ""), "line 2: 'e' needs 'classes' or 'messages'"),
        (
            error("e", "classes = [\"X\"]\nrule = \"nobody\""),
            "line 8: there is no rule 'nobody' to take the words from",
        ),
        (
            row("cancellation", "c", "reason = \"budget\"\nrule = \"cancelled.user\""),
            "line 2: the reason of 'c' must begin with ^",
        ),
        (
            row("step", "s", &format!("{ERROR}spans = [\"a\"]\nattribute = \"latency\"\nover = \"1s\"")),
            "line 8: unknown field `attribute`",
        ),
        // Templates.
        (
            row("rule", "healthy.completed", "summary = \"{sybmol}\""),
            "line 3: nothing fills the placeholder `{sybmol}`; perhaps `{symbol}`",
        ),
        (
            row("rule", "healthy.completed", "summary = \"{\""),
            "line 3: `{` stands alone; write `{{` for a literal brace",
        ),
        // What can never apply.
        (
            row("rule", "healty.completed", ERROR),
            "line 2: nothing applies the rule 'healty.completed'; perhaps 'healthy.completed'",
        ),
        (error("e", "classes = [\"X\"]") + &error("e", "classes = [\"Y\"]"), "line 9: the id 'e' is there twice"),
        (
            error("a", "classes = [\"X\"]") + &error("b", "classes = [\"X\"]"),
            "line 14: the class 'X' of 'b' is already that of 'a'",
        ),
        (
            error("a", "messages = [\"x\"]") + &error("b", "messages = [\"x\"]"),
            "line 9: the message 'x' of 'b' is already that of 'a'",
        ),
        (
            row("phase", "a", "after = \"run*\"\nname = \"n\"") + &row("phase", "b", "after = \"run.x\"\nname = \"m\""),
            "line 6: 'b' never applies: 'a' is tried first and fits whatever it fits",
        ),
        (
            row("silence", "a", "type = \"*\"\nallowed = \"1m\"")
                + &row("silence", "b", "type = \"x\"\nallowed = \"2m\""),
            "line 6: 'b' never applies: 'a' is tried first",
        ),
        (
            row("route", "a", "role = \"poll\"\nmethod = \"GET\"\npath = \"/a/*\"")
                + &row("route", "b", "role = \"start\"\nmethod = \"GET\"\npath = \"/a/b\""),
            "line 7: 'b' never applies: 'a' is tried first",
        ),
        (
            row("cancellation", "a", "reason = \"^x\"\nrule = \"cancelled.user\"")
                + &row("cancellation", "b", "reason = \"^x\"\nrule = \"cancelled.user\""),
            "line 6: 'b' never applies: 'a' is tried first",
        ),
        (
            service("s", "name = \"shop\""),
            "line 2: nothing identifies the service 's': give `names`, `routes`, `ports` or `hosts`",
        ),
        (
            "extends = \"generic\"\n".to_owned() + &service("zz", "name = \"\"") + &service("zy", "name = \"\""),
            "line 10: 'zy' is a second service with an empty name, which stands for all others",
        ),
        (
            row("step", "s", &format!("{ERROR}over = \"1s\"")),
            "line 2: nothing is measured for 's': give `spans` or `phases`",
        ),
        (
            row("step", "s", &format!("{ERROR}over = \"1s\"\nphases = [\"trainig loop\"]")),
            "line 8: 's' measures 'trainig loop', but no [[phase]] has this name; perhaps 'training loop'",
        ),
        (
            row(
                "correlation",
                "c",
                "doc = \"d\"\nspan = \"x\"\nwaiting_on = \"service.ib_hots\"\nexplains = \"service.ib_gateway\"",
            ),
            "line 5: 'c' names 'service.ib_hots', but there is no such [[service]]; perhaps 'service.ib_host'",
        ),
        (
            "[verdicts]\nprecedence = [\"failed\"]\n".into(),
            "line 2: rules have these verdicts, but [verdicts] precedence does not: cancelled, healthy",
        ),
        // A playbook that stands alone.
        ("extends = \"none\"\n[attributes]\n".into(), "line 2: no operation can be found: give `operation_id`"),
        (
            "extends = \"none\"\n[attributes]\noperation_id = [\"a\"]\nto_status = [\"b\"]\n".into(),
            "line 1: operations are found in trace files only",
        ),
        (
            "extends = \"none\"\n[discovery]\nspans = [\"x\"]\n[attributes]\noperation_id = [\"a\"]\n".into(),
            "line 4: no operation ever ends: give the attribute of its state",
        ),
        (
            "extends = \"none\"\n[attributes]\noperation_id = [\"a\"]\n".into(),
            "line 1: operations that end well have no words: there is no [[rule]] 'healthy.completed'",
        ),
        (
            "extends = \"none\"\n[attributes]\noperation_id = [\"a\"]\n".into(),
            "line 1: operations that fail have no words: there is no [[rule]] 'failed.operation'",
        ),
    ]
}

#[test]
fn each_mistake_is_found_with_its_line() {
    let mut missing = Vec::new();
    for (text, expected) in mistakes() {
        let (status, found) = check(&text);
        if status != Some(1) || !found.iter().any(|line| line.starts_with(expected)) {
            missing.push(format!("{text}\n  expected: {expected}\n  found: {found:#?}"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n\n"));
}

#[test]
fn all_mistakes_are_listed_at_once() {
    let text = "\
nmae = \"Shop\"
[thresholds]
slow_excess = \"soon\"
[[error]]
id = \"e\"
severty = 3
messages = [\"(\"]
[[silence]]
id = \"s\"
allowed = 15
";
    let (status, found) = check(text);
    let lines: Vec<&str> = found.iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!((status, lines), (Some(1), vec!["line 1", "line 3", "line 6", "line 7", "line 10"]), "{found:#?}");
}

#[test]
fn a_sound_playbook_has_no_mistakes() {
    for file in ["docs/examples/celery.toml", "docs/examples/shop-playbook.toml"] {
        let output = run(&["playbook", "check", file]);
        assert_eq!(
            (output.status.code(), out(&output)),
            (Some(0), format!("{file}: no mistakes\n")),
            "{}",
            err(&output)
        );
    }
    for name in ["ktrdr", "generic"] {
        let text = out(&run(&["playbook", "print", name]));
        assert_eq!(check(&text), (Some(0), Vec::new()), "{name}");
    }
    let unknown = run(&["playbook", "print", "shop"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        err(&unknown).contains("no playbook is called `shop`; it may be one of: ktrdr, generic"),
        "{}",
        err(&unknown)
    );
}

/// Patterns of every kind that fit nothing in the traces of the shop, each with what is there instead.
#[test]
fn patterns_that_match_nothing_are_listed_with_their_lines() {
    let mine = "\
extends = \"generic\"
[attributes]
operation_id = [\"order.di\", \"orderid\"]
to_status = [\"order.to\"]
[words]
kind = [\"order.kidn\"]
[spans]
register = [\"order.acept\", \"order.accept\"]
noise = [\"GET /healthz*\"]
[discovery]
spans = [\"order.sate\"]
[operation]
comparable_by = [\"order.item\"]
types = [\"expres\"]
[operation.states]
DELIVERED = \"completed\"
[[phase]]
id = \"p\"
after = \"ordre.*\"
name = \"n\"
[[silence]]
id = \"s\"
type = \"bulk*\"
allowed = \"1m\"
[[route]]
id = \"r\"
role = \"poll\"
method = \"PUT\"
path = \"/charge\"
[[service]]
id = \"service.pay\"
doc = \"d\"
name = \"pay\"
names = [\"pay-*\"]
routes = [\"/chrage\"]
ports = [9000, 9001]
hosts = [\"paiment\"]
verdict = \"unreachable\"
severity = 3
summary = \"s\"
[[error]]
id = \"error.stock\"
doc = \"d\"
classes = [\"OutOfStok\"]
messages = [\"sold (?P<out>out)\"]
verdict = \"failed\"
severity = 3
summary = \"s\"
[[cancellation]]
id = \"c\"
reason = \"^Changed\"
rule = \"cancelled.user\"
";
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.toml");
    std::fs::write(&path, mine).unwrap();
    let output = run(&["playbook", "check", path.to_str().unwrap(), "--against", "docs/examples/shop-traces.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let text = out(&output);
    let found: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let expected = [
        "line 3: no span or event has an attribute for operation_id of [attributes]: `order.di`, `orderid`; `order.id` is there",
        "line 6: no span or event has an attribute for kind of [words]: `order.kidn`; `order.kind` is there",
        "line 8: no span has a name like `order.acept`; `order.accept` is there",
        "line 9: no span has a name like `GET /healthz*`",
        "line 11: no span has the name `order.sate`; `order.state` is there",
        "line 13: no span has the attribute `order.item`; `order.items` is there",
        "line 14: no operation has the type `expres`",
        "line 16: no span has the state `DELIVERED`",
        "line 19: no span has a name like `ordre.*`; `order.accept` is there",
        "line 23: no operation has a type like `bulk*`",
        "line 29: no PUT request has a path like `/charge`",
        "line 34: no service has a name like `pay-*`",
        "line 35: no request has a path like `/chrage`; `/charge` is there",
        "line 36: no request goes to the port `9001`",
        "line 37: no request goes to a host like `paiment`; `payment` is there",
        "line 44: no error has the class `OutOfStok`; `OutOfStock` is there",
        "line 45: no error has a message like `sold (?P<out>out)`",
        "line 51: nothing was cancelled with a reason like `^Changed`",
    ];
    assert_eq!(found, expected, "{text}");
    assert!(
        text.contains("mine.toml: no mistakes; 18 of its 21 patterns match nothing in docs/examples/shop-traces.json:"),
        "{text}"
    );
}

#[test]
fn patterns_that_all_match_are_praised() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.toml");
    std::fs::write(&path, "extends = \"generic\"\n[attributes]\noperation_id = [\"order.id\"]\n").unwrap();
    let output = run(&["playbook", "check", path.to_str().unwrap(), "--against", "docs/examples/shop-traces.json"]);
    assert!(
        out(&output)
            .ends_with("no mistakes; each of its 1 patterns matches something in docs/examples/shop-traces.json\n"),
        "{}",
        out(&output)
    );
    let nothing = run(&["playbook", "check", path.to_str().unwrap(), "--against", "docs/examples/nothing.json"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(err(&nothing).contains("cannot read docs/examples/nothing.json"), "{}", err(&nothing));
}

fn types(args: &[&str]) -> (Vec<String>, String) {
    let output = run(&[args, &["--format", "json"]].concat());
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", err(&output)));
    let mut types: Vec<String> = rows.iter().map(|row| row["operation_type"].as_str().unwrap().to_owned()).collect();
    types.sort();
    types.dedup();
    (types, err(&output))
}

const FOREIGN: &str = "tests/systems/go-http-grpc/success.json";

#[test]
fn a_file_of_another_system_gets_the_playbook_generic_and_says_so() {
    let (found, notes) = types(&["file", FOREIGN]);
    assert_eq!(found, ["front: GET /orders/{order}", "front: GET /orders/{order}/label"]);
    assert!(
        notes.contains(
            "the playbook `generic` was applied: every root request is an operation; choose another with `--playbook`"
        ),
        "{notes}"
    );
    // What was chosen is not changed.
    let (found, notes) = types(&["file", FOREIGN, "--playbook", "ktrdr"]);
    assert!(found.is_empty() && notes.contains("for other systems than KTRDR add `--playbook generic`"), "{notes}");
    let (found, notes) = types(&["file", FOREIGN, "--playbook", "Generic"]);
    assert_eq!((found.len(), notes.as_str()), (2, ""));
}

#[test]
fn a_trace_of_another_system_is_explained_in_full() {
    let output = run(&["file", "tests/systems/go-http-grpc/callee-refused.json", "--now", "2026-11-25T12:00:00Z"]);
    let text = out(&output);
    assert!(text.contains("unreachable") && text.contains("127.0.0.1:18049"), "{text}");
    let rule = out(&run(&["playbook", "explain", "trace.root_missing", "--playbook", "generic"]));
    assert!(rule.contains("The root span of the request is missing"), "{rule}");
}

#[test]
fn a_name_is_a_playbook_and_a_path_is_a_file() {
    let missing = run(&["file", FOREIGN, "--playbook", "./generic"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(err(&missing).contains("cannot read ./generic"), "{}", err(&missing));
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(FOREIGN).exists());
}
