//! Checks names and versions against Cargo.toml, which leads, and stamps the commit into the binaries.
//!
//! It does what Grafana's usual Magefile does for plugins in Go.

// Cargo takes its instructions from stdout.
#![allow(clippy::print_stdout)]

use std::{env, fs, path::Path, process::Command};

use serde_json::Value;

/// Overrides git, for builds from an archive.
const COMMIT: &str = "KTRDR_DIAGNOSIS_COMMIT";
const EXECUTABLE: &str = "gpx_ktrdr_diagnosis";

fn main() -> Result<(), String> {
    let version = env::var("CARGO_PKG_VERSION").map_err(|error| error.to_string())?;
    let name = env::var("CARGO_PKG_NAME").map_err(|error| error.to_string())?;
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed={COMMIT}");

    let checks = [
        ("plugin.json", "/id", format!("{name}-datasource")),
        ("plugin.json", "/info/version", version.clone()),
        ("plugin.json", "/executable", EXECUTABLE.to_owned()),
        ("frontend/src/panel/plugin.json", "/id", format!("{name}-panel")),
        ("frontend/src/panel/plugin.json", "/info/version", version.clone()),
        ("frontend/package.json", "/version", version),
    ];
    for (file, pointer, expected) in &checks {
        check(file, pointer, expected)?;
    }
    println!("cargo:rustc-env={COMMIT}={}", commit());
    Ok(())
}

/// A file that is not there is not wrong: the crate can be built without the browser's side.
fn check(file: &str, pointer: &str, expected: &str) -> Result<(), String> {
    if !Path::new(file).exists() {
        return Ok(());
    }
    println!("cargo:rerun-if-changed={file}");
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let json: Value = serde_json::from_str(&text).map_err(|error| format!("{file}: {error}"))?;
    match json.pointer(pointer).and_then(Value::as_str) {
        Some(found) if found == expected => Ok(()),
        found => Err(format!("{file}: {pointer} is {found:?}, but Cargo.toml makes it {expected:?}")),
    }
}

fn commit() -> String {
    if let Ok(commit) = env::var(COMMIT)
        && !commit.trim().is_empty()
    {
        return commit.trim().to_owned();
    }
    // this log changes with every commit; HEAD itself only with the branch
    for file in ["logs/HEAD", "HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]).filter(|path| Path::new(path).exists()) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".to_owned())
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
