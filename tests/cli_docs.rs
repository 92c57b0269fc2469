//! Compares the documentation with the command line and the record.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy knows test code only in functions marked as tests"
)]

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    process::Command,
};

use diagnosis::playbook::Playbook;
use diagnosis::{Diagnosis, Verdict};
use regex::Regex;

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap()
}

fn stdout(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_ktrdr-diagnose"))
        .args(args)
        .env_clear()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The code blocks in one language.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn every_rule_is_listed_with_its_verdict_and_its_condition() {
    let path = file("docs/playbook.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let heading = "## All rules\n\n";
    let before = text.split(heading).next().unwrap();
    let table = |playbook: &Playbook| {
        let mut rows = "| rule | verdict | severity | when |\n|---|---|---|---|\n".to_owned();
        for rule in playbook.rules() {
            let (verdict, severity) = (rule.verdict.as_str(), rule.severity.level());
            rows.extend([format!("| `{}` | `{verdict}` | {severity} | {} |\n", rule.id, rule.doc)]);
        }
        rows
    };
    let (ktrdr, generic) = (table(&Playbook::ktrdr()), table(&Playbook::generic()));
    let expected = format!(
        "{before}{heading}### Of the playbook for KTRDR\n\n{ktrdr}\n### Of the playbook `generic`\n\n{generic}"
    );
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    } else {
        assert!(text == expected, "the rules have changed: run UPDATE_DOCS=1 cargo test --test cli_docs");
    }
}

#[test]
fn the_overlays_in_the_documentation_are_sound() {
    for page in ["docs/playbook.md", "docs/troubleshooting.md"] {
        let examples = read(page);
        let examples = blocks(&examples, "toml");
        assert!(!examples.is_empty());
        for example in examples {
            Playbook::with_overlay(example).unwrap();
        }
    }
}

#[test]
fn the_example_of_another_system_answers_as_documented() {
    let page = read("docs/playbook.md");
    let command = page.lines().find(|line| line.contains("shop-traces.json --playbook")).unwrap();
    let args: Vec<&str> = command.split(' ').skip(1).collect();
    let shown = stdout(&args);
    assert!(page.contains(shown.trim_end()), "docs/playbook.md shows something else than\n{shown}");
}

/// Follows the guide word by word: its playbook grows block by block, and each command prints what the page shows.
#[test]
fn the_guide_for_another_system_can_be_followed() {
    let page = read("docs/your-own-system.md");
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(file("docs/examples/shop-traces.json"), dir.path().join("traces.json")).unwrap();
    let (mut playbook, mut shown, mut answers) = (String::new(), None, 0);
    for block in page.split("```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').unwrap();
        match language {
            "toml" => {
                playbook += text;
                playbook += "\n";
                std::fs::write(dir.path().join("my.toml"), &playbook).unwrap();
            }
            "sh" if text.starts_with("ktrdr-diagnose ") => {
                let output = Command::new(env!("CARGO_BIN_EXE_ktrdr-diagnose"))
                    .args(text.split_whitespace().skip(1))
                    .env_clear()
                    .current_dir(dir.path())
                    .output()
                    .unwrap();
                assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
                shown = Some(String::from_utf8(output.stdout).unwrap());
            }
            "text" => {
                assert_eq!(
                    shown.take().as_deref().map(str::trim_end),
                    Some(text.trim_end()),
                    "the page shows something else"
                );
                answers += 1;
            }
            _ => {}
        }
    }
    assert_eq!(answers, 4);
    assert!(Playbook::unreachable(&playbook).unwrap().is_empty());
}

#[test]
fn every_field_and_every_verdict_is_explained() {
    let page = read("docs/reading-a-diagnosis.md");
    let record = serde_json::to_value(Diagnosis::default()).unwrap();
    for field in record.as_object().unwrap().keys() {
        assert!(page.contains(&format!("`{field}`")), "the field {field} is not explained");
    }
    for verdict in Verdict::ALL {
        assert!(page.contains(&format!("| `{}` | ", verdict.as_str())), "{} is not explained", verdict.as_str());
    }
}

#[test]
fn every_option_for_jaeger_is_documented() {
    let page = read("docs/command-line.md");
    let help = stdout(&["operations", "--help"]);
    let of_jaeger = help.split("Jaeger:").nth(1).unwrap().split("Rules:").next().unwrap();
    let options: Vec<&str> = of_jaeger.split_whitespace().filter(|word| word.starts_with("--")).collect();
    assert!(options.len() > 8, "{help}");
    for option in options {
        assert!(page.contains(&format!("`{option}")), "{option} is not documented");
    }
}

/// All options of a command.
fn options(help: &str) -> Vec<&str> {
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let names = lines.filter_map(|line| line.split(", ").last()?.split_whitespace().next());
    names.filter(|name| name.starts_with("--")).collect()
}

#[test]
fn every_option_of_the_demonstration_and_of_watching_is_documented() {
    let page = read("docs/command-line.md");
    for (command, least) in [("demo", 6), ("watch", 18)] {
        let help = stdout(&[command, "--help"]);
        let options = options(&help);
        assert!(options.len() > least, "{help}");
        for option in options.into_iter().filter(|option| !["--help", "--now"].contains(option)) {
            assert!(page.contains(&format!("`{option}")), "{option} is not documented");
        }
    }
}

#[test]
fn every_metric_of_a_recorder_is_documented() {
    let (page, code) = (read("docs/history.md"), read("src/recorder/metrics.rs"));
    let table = code.split("const GAUGES").nth(1).unwrap().split("/// Adds the metrics").next().unwrap();
    let names = Regex::new(r#"\("([a-z_]+)", ""#).unwrap();
    let names: Vec<&str> = names.captures_iter(table).map(|found| found.get(1).unwrap().as_str()).collect();
    assert_eq!(names.len(), 14, "{names:?}");
    for name in names {
        assert!(
            page.contains(&format!("`{name}`")) || page.contains(&format!("`{name}_total`")),
            "{name} is not explained"
        );
    }
}

/// The anchors of a page's headings, as `GitHub` derives them.
fn anchors(page: &Path) -> HashSet<String> {
    let text = std::fs::read_to_string(page).unwrap();
    let prose = text.split("```").step_by(2);
    let headings = prose.flat_map(str::lines).filter(|line| line.starts_with('#'));
    let kept = |c: &char| c.is_alphanumeric() || "-_ ".contains(*c);
    let anchor = |heading: &str| heading.trim_start_matches('#').trim().to_lowercase().chars().filter(kept).collect();
    headings.map(|heading| -> String { anchor(heading) }).map(|anchor| anchor.replace(' ', "-")).collect()
}

#[test]
fn links_between_the_pages_lead_to_existing_files_and_headings() {
    let pages = std::fs::read_dir(file("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|end| end == "md"));
    for page in pages.chain([file("README.md"), file("CONTRIBUTING.md")]) {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (target, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if target.is_empty() { page.clone() } else { page.parent().unwrap().join(target) };
            assert!(target.exists(), "{} links to {link}", page.display());
            assert!(heading.is_empty() || anchors(&target).contains(heading), "{} links to {link}", page.display());
        }
    }
}

#[test]
fn every_setting_of_the_data_source_is_documented() {
    let source = read("src/plugin/settings.rs");
    let setting = regex::Regex::new(r#"json\s*\.(?:text|number|flag|list|duration)\("(\w+)""#).unwrap();
    let configure = read("docs/configure.md");
    let names: Vec<&str> = setting.captures_iter(&source).map(|found| found.extract::<1>().1[0]).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(
            configure.contains(&format!("`{name}")) || configure.contains(&format!("{name}`")),
            "{name} is missing"
        );
    }
}

/// Every file below a folder, without builds and packages.
fn files_below(folder: &Path, found: &mut Vec<String>) {
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["target", "node_modules", "dist"].contains(&&*name) && !name.starts_with('.') {
                files_below(&path, found);
            }
        } else {
            found.push(path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string());
        }
    }
}

/// A file that was moved or renamed must not stay in the page that leads to it.
#[test]
fn files_named_on_the_architecture_page_exist() {
    let mut files = Vec::new();
    files_below(&file("."), &mut files);
    let page = read("docs/architecture.md");
    let is_file = |name: &&str| {
        [".rs", ".toml", ".ts", ".tsx", ".mjs", ".sh", ".json"].iter().any(|end| name.ends_with(end))
            && !name.contains(|c: char| c.is_whitespace() || "*<(".contains(c))
    };
    let named: Vec<&str> = page.split('`').skip(1).step_by(2).filter(is_file).collect();
    assert!(named.len() > 60, "{named:?}");
    let exists = |name: &str| files.iter().any(|known| known == name || known.ends_with(&format!("/{name}")));
    let missing: Vec<&str> = named.into_iter().filter(|name| !exists(name)).collect();
    assert!(missing.is_empty(), "files that do not exist: {missing:?}");
}
