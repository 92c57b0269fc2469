//! `ktrdr-diagnose demo`, as a new user runs it.

use std::process::Command;

use diagnosis::Verdict;

#[test]
fn the_demonstration_shows_every_verdict_and_one_report_and_ends() {
    // Building the tests also builds the plugin's executable, in the same folder as the command line tool.
    let output = Command::new(env!("CARGO_BIN_EXE_ktrdr-diagnose")).arg("demo").env_clear().output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains('\x1b'));
    // These two verdicts are about missing traces, so the example traces cannot show them.
    for verdict in Verdict::ALL.into_iter().filter(|v| !matches!(v, Verdict::Unknown | Verdict::NotFound)) {
        let row = format!("{}  ", verdict.as_str());
        assert!(text.lines().any(|line| line.contains(&row)), "{} is missing in\n{text}", verdict.as_str());
    }
    for part in [
        "stuck: no activity for too long",
        "KTRDR is a system",
        "ROOT CAUSE",
        "SOLUTION",
        "EVIDENCE",
        "--jaeger http://localhost:16686",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let legend = text.find("stuck: no activity for too long");
    assert!(legend < text.find("VERDICT  "), "the legend comes before the table:\n{text}");
    let whole = "No worker is registered: the backtesting operation could not be placed";
    assert!(text.lines().any(|line| line.contains("no_workers") && line.ends_with(whole)), "cut summaries:\n{text}");
}

#[test]
fn a_missing_plugin_is_named_with_what_to_do() {
    let output = Command::new(env!("CARGO_BIN_EXE_ktrdr-diagnose"))
        .args(["demo", "--plugin", "/nonexistent/gpx"])
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("/nonexistent/gpx"), "{message}");
}
