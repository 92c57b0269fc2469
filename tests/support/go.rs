//! Programs that are built with Go.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Mutex, PoisonError},
};

/// One build at a time, because each uses all cores.
static BUILDING: Mutex<()> = Mutex::new(());

/// The built program, or `None` after printing why the test is skipped. `KTRDR_TESTS_NEED_GO` (set in CI) makes a skip a failure.
pub fn or_skip(test: &str, built: Result<PathBuf, String>) -> Option<PathBuf> {
    match built {
        Ok(path) => Some(path),
        Err(why) if std::env::var_os("KTRDR_TESTS_NEED_GO").is_none() => {
            println!("{test}: skipped, {why}");
            None
        }
        Err(why) => panic!("{test}: {why}, and KTRDR_TESTS_NEED_GO forbids to skip it"),
    }
}

/// The Go program that starts the plugin as Grafana does, built into `target/`.
pub fn grafana_host() -> Result<PathBuf, String> {
    let _one = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("grafana-host");
    let mut build = Command::new("go");
    build.args(["build", "-mod=readonly", "-buildvcs=false", "-o"]).arg(&target).arg(".");
    build.env("CGO_ENABLED", "0").current_dir(root().join("tests/grafana-host"));
    finish(&mut build, "Grafana's decoder")?;
    Ok(target)
}

/// A real Jaeger of this version, from the cache or newly built.
pub fn jaeger(version: &str) -> Result<PathBuf, String> {
    let _one = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let output = finish(Command::new(root().join("scripts/build-jaeger.sh")).arg(version), "Jaeger")?;
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    let path = line.split_whitespace().nth(1).ok_or(format!("build-jaeger.sh said {line:?}"))?;
    Ok(path.into())
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn finish(command: &mut Command, what: &str) -> Result<Output, String> {
    let output = command.output().map_err(|error| format!("Go is not installed or cannot be started ({error})"))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = said.lines().rev().take(5).collect();
    Err(format!("{what} could not be built: {}", last.into_iter().rev().collect::<Vec<_>>().join(" / ")))
}
