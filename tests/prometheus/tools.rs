//! Prometheus and promtool.

use std::{
    io::Write as _,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

/// Whether Debian's package is installed. If not, prints why the test is skipped, and fails if `CI` is set.
pub(crate) fn there(test: &str) -> bool {
    let starts = |program| Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    let there = starts("prometheus") && starts("promtool");
    assert!(there || std::env::var_os("CI").is_none(), "{test}: the package `prometheus` is missing, and CI needs it");
    if !there {
        println!("{test}: skipped, the package `prometheus` is not installed");
    }
    there
}

/// Runs promtool over a text on its standard input.
pub(crate) fn promtool(args: &[&str], input: &str) -> Output {
    let mut command = Command::new("promtool");
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut tool = command.spawn().expect("promtool starts");
    tool.stdin.take().expect("it reads").write_all(input.as_bytes()).expect("it reads all");
    tool.wait_with_output().expect("promtool ends")
}

/// The output of a program.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A running Prometheus. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Prometheus {
    url: String,
    process: Child,
    folder: TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Prometheus {
    /// Starts one with this configuration and waits until it is ready.
    pub(crate) async fn start(config: &Value) -> Self {
        for _ in 0..3 {
            // The port may be taken between choosing it and Prometheus's opening it.
            if let Some(prometheus) = Self::try_start(config).await {
                return prometheus;
            }
        }
        panic!("Prometheus does not start");
    }

    async fn try_start(config: &Value) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, serde_yaml_ng::to_string(config).expect("YAML")).expect("the folder is ours");
        let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        let log = std::fs::File::create(folder.path().join("log")).expect("the folder is ours");
        let process = Command::new("prometheus")
            .arg(argument("--config.file", &file))
            .arg(argument("--storage.tsdb.path", &folder.path().join("data")))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .ok()?;
        let mut prometheus = Self { url: format!("http://127.0.0.1:{port}"), process, folder };
        for _ in 0..600 {
            let ready = reqwest::get(format!("{}/-/ready", prometheus.url)).await;
            if ready.is_ok_and(|answer| answer.status().is_success()) {
                return Some(prometheus);
            }
            if prometheus.process.try_wait().ok()?.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        println!("{}", prometheus.log());
        None
    }

    /// The values of an expression now: one per series.
    pub(crate) async fn ask(&self, promql: &str) -> Vec<f64> {
        let client = reqwest::Client::new();
        let answer = client.get(format!("{}/api/v1/query", self.url)).query(&[("query", promql)]).send().await;
        let answer: Value = answer.expect("Prometheus answers").json().await.expect("with JSON");
        assert_eq!(answer["status"], "success", "{promql}: {answer}");
        let data = &answer["data"];
        let number = |sample: &Value| sample[1].as_str().and_then(|text| text.parse().ok()).expect("a number");
        match data["resultType"].as_str() {
            Some("scalar") => vec![number(&data["result"])],
            Some("vector") => {
                data["result"].as_array().expect("a list").iter().map(|one| number(&one["value"])).collect()
            }
            other => panic!("{promql}: answers a {other:?}"),
        }
    }

    /// Its log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

fn argument(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}
