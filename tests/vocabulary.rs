//! Domain knowledge is data: what belongs to KTRDR stands in the playbook and not in the Rust code of the modules that read,
//! diagnose and answer. The words that are searched for come from the embedded playbook itself.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use diagnosis::playbook::{Embedded, Playbook, rule_ids};
use regex::Regex;

/// Sources without any word of KTRDR. The testbed and the texts of the command line (`src/cli`) have them.
const MODULES: &[&str] = &[
    "crates/trace/src",
    "crates/jaeger/src",
    "crates/diagnosis/src",
    "crates/frames/src",
    "crates/grafana-plugin-protocol/src",
    "src/investigate",
    "src/plugin",
];

/// Modules that may name rules: the testbed says which rule it expects.
const TESTBED: &[&str] = &["crates/testbed/src"];

/// What belongs to OpenTelemetry and gRPC and not to a system: first parts of attribute keys, and whole words.
const STANDARD_KEYS: &[&str] = &["exception.", "http.", "net.", "network.", "peer.", "rpc.", "server.", "url."];
const STANDARD_WORDS: &[&str] =
    &["error", "error.type", "error.message", "CANCELLED", "DEADLINE_EXCEEDED", "UNAVAILABLE"];

/// Literals that are words of this program as well as of KTRDR: the name of a list, of an attribute's role and of a setting,
/// the ending of an exception's class, statuses, and HTTP's methods.
const OUR_OWN: &[&str] = &["workers", "outcome", "timeout", "Exit", "SUCCESS", "success", "ok", "POST", "GET"];

/// A literal of a Rust source.
struct Literal {
    line: usize,
    text: String,
    is_number: bool,
}

/// A source without its `#[cfg(test)]` modules, which stand last.
fn without_tests(source: &str) -> &str {
    source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

/// The text and number literals of a source, without comments and without its `#[cfg(test)]` modules, which stand last.
fn literals(source: &str) -> Vec<Literal> {
    let chars: Vec<char> = without_tests(source).chars().collect();
    let at = |ix: usize| chars.get(ix).copied().unwrap_or('\0');
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut found, mut line, mut ix) = (Vec::new(), 1, 0);
    while ix < chars.len() {
        let from = line;
        if at(ix) == '/' && at(ix + 1) == '/' {
            while ix < chars.len() && at(ix) != '\n' {
                ix += 1;
            }
        } else if at(ix) == '\'' && (at(ix + 2) == '\'' || at(ix + 1) == '\\') {
            ix += if at(ix + 1) == '\\' { 2 } else { 1 };
            while ix < chars.len() && at(ix) != '\'' {
                ix += 1;
            }
            // A quote that is itself a character: '\''.
            ix += if at(ix + 1) == '\'' { 2 } else { 1 };
        } else if at(ix) == '"' || at(ix) == 'r' && matches!(at(ix + 1), '"' | '#') && !word(at(ix.wrapping_sub(1))) {
            let raw = at(ix) == 'r';
            let hashes = if raw { chars.iter().skip(ix + 1).take_while(|c| **c == '#').count() } else { 0 };
            ix += usize::from(raw) + hashes;
            if at(ix) != '"' {
                continue;
            }
            ix += 1;
            let mut text = String::new();
            while ix < chars.len() {
                let closes = at(ix) == '"' && (1..=hashes).all(|n| at(ix + n) == '#');
                if closes {
                    ix += 1 + hashes;
                    break;
                }
                if at(ix) == '\\' && !raw {
                    text.push(' ');
                    ix += 1;
                } else {
                    text.push(at(ix));
                }
                line += usize::from(at(ix) == '\n');
                ix += 1;
            }
            found.push(Literal { line: from, text, is_number: false });
        } else if at(ix).is_ascii_digit() && !word(at(ix.wrapping_sub(1))) {
            let number: String = chars.iter().skip(ix).take_while(|c| word(**c)).collect();
            ix += number.len();
            found.push(Literal { line, text: number.replace('_', ""), is_number: true });
        } else {
            line += usize::from(at(ix) == '\n');
            ix += 1;
        }
    }
    found
}

/// The sources below a folder, without those that are tests.
fn sources(folder: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
            if path.is_dir() && !is_test {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    found.sort();
    assert!(!found.is_empty(), "{folder} has sources");
    found
}

/// All texts below a value, and the keys of maps whose keys are words of the system.
fn texts(value: &toml::Value, found: &mut Vec<String>) {
    match value {
        toml::Value::String(text) => found.push(text.clone()),
        toml::Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        toml::Value::Table(table) => table.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

/// What the playbook knows of KTRDR alone.
#[derive(Default)]
struct Vocabulary {
    words: BTreeSet<String>,
    ports: BTreeSet<i64>,
}

impl Vocabulary {
    fn of(playbook: &str) -> Self {
        let playbook: toml::Table = playbook.parse().unwrap();
        let mut found = Vec::new();
        let mut take = |value: Option<&toml::Value>| {
            if let Some(value) = value {
                texts(value, &mut found);
            }
        };
        for table in ["attributes", "words", "spans", "discovery"] {
            take(playbook.get(table));
        }
        let nothing = toml::Value::Table(toml::Table::new());
        let within = |table: &str| playbook.get(table).unwrap_or(&nothing).clone();
        let (operation, worker) = (within("operation"), within("worker"));
        for field in ["types", "aliases", "comparable_by", "called_directly"] {
            take(operation.get(field));
        }
        for field in ["types", "containers", "accepted"] {
            take(worker.get(field));
        }
        let rows = |table: &str| playbook.get(table).and_then(toml::Value::as_array).cloned().unwrap_or_default();
        for (table, fields) in [
            ("route", &["path", "type"][..]),
            ("phase", &["after", "before", "name", "types"]),
            ("silence", &["type", "after"]),
            ("step", &["spans", "phases", "types", "unless_hosts"]),
            ("service", &["name", "names", "routes", "hosts"]),
            ("correlation", &["span", "host", "port"]),
            ("error", &["classes", "error_type"]),
        ] {
            for row in rows(table) {
                for field in fields {
                    take(row.get(*field));
                }
            }
        }
        // Keys of tables that are words of the system, and the commands in solutions.
        let keys = |table: Option<&toml::Value>| -> Vec<String> {
            table.and_then(toml::Value::as_table).into_iter().flat_map(|table| table.keys().cloned()).collect()
        };
        found.extend(keys(operation.get("aliases")));
        found.extend(keys(operation.get("states")));
        found.extend(keys(playbook.get("words")));
        found.extend(keys(worker.get("statuses")));
        for table in ["rule", "step", "service", "error"] {
            for row in rows(table) {
                let solution = row.get("solution").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
                // What `unknown.state` shows is a piece of a playbook.
                let commands = solution.lines().filter(|line| line.starts_with("  ") && !line.contains(['[', '=']));
                found.extend(commands.map(|line| line.trim().split(" {").next().unwrap_or_default().to_owned()));
            }
        }
        let words = found.iter().flat_map(|text| text.split('*')).map(|word| word.trim_matches(['-', ' ']));
        let ours = |word: &&str| {
            word.len() > 2
                && !STANDARD_WORDS.contains(word)
                && !OUR_OWN.contains(word)
                && !STANDARD_KEYS.iter().any(|key| word.starts_with(key))
        };
        let ports = rows("service").into_iter().filter_map(|row| row.get("ports")?.as_array().cloned()).flatten();
        let ports = ports.filter_map(|port| port.as_integer()).collect();
        Self { words: words.filter(ours).map(str::to_owned).collect(), ports }
    }

    /// The word of KTRDR that a literal holds. A plain word (`training`) is one only by itself, since it may be English
    /// within a sentence; a word with a mark of its own (`operation.id`, `/api/v1/workers`) anywhere.
    fn within(&self, literal: &Literal) -> Option<&str> {
        if literal.is_number {
            let is_port = literal.text.parse().is_ok_and(|number| self.ports.contains(&number));
            return is_port.then_some("a port");
        }
        let marked = |word: &str| word.contains(['.', '/', '-', '_', ' ']) || word.starts_with("ktrdr");
        let holds = |word: &&String| {
            let text = literal.text.as_str();
            let alone = |(at, _): (usize, &str)| {
                let joins = |c: char| c.is_alphanumeric() || c == '_';
                let before = text[..at].chars().next_back().is_some_and(joins);
                !before && !text[at + word.len()..].chars().next().is_some_and(joins)
            };
            text == word.as_str() || marked(word) && text.match_indices(word.as_str()).any(alone)
        };
        self.words.iter().find(holds).map(String::as_str)
    }
}

#[test]
fn no_word_of_ktrdr_stands_in_the_code() {
    let vocabulary = Vocabulary::of(Playbook::ktrdr_text());
    for word in
        ["operation.id", "training", "ib-host", "training-worker-1", "/training/start", "ktrdr workers", "symbol"]
    {
        assert!(vocabulary.words.contains(word), "{word} is searched for");
    }
    assert!(vocabulary.ports.contains(&5001));
    let mut hits = Vec::new();
    for path in MODULES.iter().flat_map(|folder| sources(folder)) {
        for literal in literals(&fs::read_to_string(&path).unwrap()) {
            if let Some(word) = vocabulary.within(&literal) {
                hits.push(format!("{}:{}: `{word}` in {:?}", path.display(), literal.line, literal.text));
            }
        }
    }
    assert!(hits.is_empty(), "these belong into the playbook:\n{}", hits.join("\n"));
}

/// Names of other systems, of their libraries and of their words, beside those that example playbooks know.
const FOREIGN: &[&str] = &[
    "celery",
    "kombu",
    "apply_async",
    "redis",
    "rabbitmq",
    "kafka",
    "django",
    "flask",
    "fastapi",
    "express",
    "spring",
    "sidekiq",
    "postgres",
    "mysql",
    "mongo",
    "otelhttp",
    "otelgrpc",
    "axios",
    "httpx",
    "gunicorn",
    "uvicorn",
    "asgi",
];

/// Systems other than KTRDR are known by playbooks alone.
#[test]
fn no_word_of_a_foreign_system_stands_in_the_code() {
    let example = |name: &str| {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples").join(name)).unwrap()
    };
    let celery = Vocabulary::of(&example("celery.toml"));
    let shop = Vocabulary::of(&example("shop-playbook.toml"));
    assert!(celery.words.contains("celery.state") && shop.words.contains("order.id"), "their words are searched for");
    let mut hits = Vec::new();
    for path in MODULES.iter().flat_map(|folder| sources(folder)) {
        for literal in literals(&fs::read_to_string(&path).unwrap()).iter().filter(|literal| !literal.is_number) {
            let lower = literal.text.to_lowercase();
            let words = || lower.split(|c: char| !c.is_alphanumeric() && c != '_');
            let named = FOREIGN.iter().find(|name| words().any(|word| word == **name)).copied();
            if let Some(word) = named.or_else(|| celery.within(literal)).or_else(|| shop.within(literal)) {
                hits.push(format!("{}:{}: `{word}` in {:?}", path.display(), literal.line, literal.text));
            }
        }
    }
    assert!(hits.is_empty(), "these belong into a playbook:\n{}", hits.join("\n"));
}

/// Words of KTRDR's trade that would show in the name of a type or a function. Its rules and its playbook are named so.
const TRADE: &[&str] = &[
    "backtest",
    "backtesting",
    "bar",
    "bars",
    "gate",
    "gateway",
    "gpu",
    "ib",
    "ktrdr",
    "symbol",
    "timeframe",
    "training",
];
const NAMED_AFTER_KTRDR: &[&str] =
    &["KTRDR", "Ktrdr", "ktrdr", "ktrdr_text", "DATA_FEWER_BARS", "QUALITY_GATE_REJECTED"];

static LITERAL_OR_COMMENT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""(\\.|[^"\\])*"|//.*"#).unwrap());
static IDENTIFIER: LazyLock<Regex> = LazyLock::new(|| Regex::new("[A-Za-z_][A-Za-z0-9_]*").unwrap());
static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new("[A-Z]+(?:[^a-z]|$)|[A-Z]?[a-z0-9]+").unwrap());

/// The identifiers of a source with their lines, without those in literals, comments and `#[cfg(test)]` modules.
fn identifiers(source: &str) -> Vec<(usize, String)> {
    let lines = without_tests(source).lines().map(|line| LITERAL_OR_COMMENT.replace_all(line, "")).enumerate();
    lines
        .flat_map(|(nth, line)| {
            IDENTIFIER.find_iter(&line).map(|hit| (nth + 1, hit.as_str().to_owned())).collect::<Vec<_>>()
        })
        .collect()
}

/// `DataFewerBars` and `DATA_FEWER_BARS` are the words data, fewer and bars.
fn words_of(identifier: &str) -> Vec<String> {
    WORD.find_iter(identifier).map(|word| word.as_str().trim_matches('_').to_lowercase()).collect()
}

#[test]
fn no_identifier_is_named_after_what_ktrdr_trades() {
    assert_eq!(words_of("DATA_FEWER_BARS"), ["data", "fewer", "bars"]);
    assert_eq!(words_of("BarsReceived"), ["bars", "received"]);
    let mut hits = Vec::new();
    for path in MODULES.iter().flat_map(|folder| sources(folder)) {
        for (line, identifier) in identifiers(&fs::read_to_string(&path).unwrap()) {
            let is_named_so = words_of(&identifier).iter().any(|word| TRADE.contains(&word.as_str()));
            if is_named_so && !NAMED_AFTER_KTRDR.contains(&identifier.as_str()) {
                hits.push(format!("{}:{line}: {identifier}", path.display()));
            }
        }
    }
    assert!(hits.is_empty(), "name these after what they mean in any system:\n{}", hits.join("\n"));
}

#[test]
fn ids_of_rules_are_spelt_in_one_place() {
    let rules: BTreeSet<String> = Playbook::ktrdr().rules().iter().map(|rule| rule.id.clone()).collect();
    let mut hits = Vec::new();
    let spelt_here = |path: &Path| path.ends_with("playbook/rule_ids.rs");
    let in_testbed =
        |path: &Path| TESTBED.iter().any(|folder| path.starts_with(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)));
    let all = sources("src").into_iter().chain(sources("crates"));
    for path in all.filter(|path| !spelt_here(path) && !in_testbed(path)) {
        for literal in literals(&fs::read_to_string(&path).unwrap()) {
            if rules.contains(&literal.text) {
                hits.push(format!("{}:{}: {:?}", path.display(), literal.line, literal.text));
            }
        }
    }
    assert!(hits.is_empty(), "take the constant of playbook::rule_ids:\n{}", hits.join("\n"));
}

/// A rule in code whose texts are missing, or texts that no code and no row of the playbook uses.
#[test]
fn the_rules_of_the_code_are_the_rules_of_the_playbook() {
    let texts = Embedded::ALL.map(|embedded| embedded.text().parse::<toml::Table>().unwrap());
    let rows = |table: &str| -> Vec<toml::Value> {
        texts.iter().filter_map(|text| text.get(table)?.as_array().cloned()).flatten().collect()
    };
    let field = |table: &str, name: &str| -> BTreeSet<String> {
        rows(table).iter().filter_map(|row| Some(row.get(name)?.as_str()?.to_owned())).collect()
    };
    let in_code: BTreeSet<String> = rule_ids::ALL.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(in_code.len(), rule_ids::ALL.len(), "each is listed once");
    let named: BTreeSet<String> = field("cancellation", "rule").union(&field("error", "rule")).cloned().collect();
    let used: BTreeSet<String> = in_code.union(&named).cloned().collect();
    assert_eq!(used, field("rule", "id"));
}

#[test]
fn literals_are_found_and_comments_and_tests_are_not() {
    let source = "// \"a comment\"\nlet a = \"b \\\" c\"; /// 'x\nlet c = ('\"', '\\'', r#\"raw \"d\"\"#, 5_001, x5002);\n\
                  fn f<'a>() -> &'a str { \"e\" }\n#[cfg(test)]\nmod tests {\n    \"f\"\n}\n";
    let found: Vec<_> = literals(source).into_iter().map(|l| (l.line, l.text, l.is_number)).collect();
    let text = |line: usize, text: &str| (line, text.to_owned(), false);
    assert_eq!(found, [text(2, "b   c"), text(3, "raw \"d\""), (3, "5001".to_owned(), true), text(4, "e")]);
}
