//! The stand-in for Grafana that is written in Go: cases in, answers out.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::frame::Frame;

/// The id of the data source in every call.
pub const UID: &str = "ktrdr-test";

/// What the stand-in saw.
#[derive(Debug)]
pub struct Seen(pub Value);

/// Starts the plugin in the stand-in and asks it what the cases say.
pub fn ask(host: &Path, cases: &Value) -> Seen {
    let mut child = Command::new(host)
        .args(["-plugin", env!("CARGO_BIN_EXE_gpx_ktrdr_diagnosis"), "-cases", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the stand-in starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    stdin.write_all(cases.to_string().as_bytes()).expect("the stand-in reads its cases");
    drop(stdin);
    let output = child.wait_with_output().expect("the stand-in ends");
    let seen = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("the stand-in failed ({error}): {}", String::from_utf8_lossy(&output.stderr)));
    Seen(seen)
}

/// A data source for this Jaeger.
pub fn data_source(url: &str) -> Value {
    json!({"uid": UID, "url": url, "jsonData": {"timeout": 30}, "updated": 1})
}

impl Seen {
    /// Fails with everything that was not as it must be.
    pub fn assert_no_problems(&self) {
        let problems: Vec<&str> =
            self.0["problems"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
        assert!(self.0["checked"].as_u64().unwrap_or_default() > 0, "nothing was checked");
    }

    /// The answer to one query.
    pub fn answer(&self, case: &str, ref_id: &str) -> &Value {
        let answer = &self.0["queries"][case][ref_id];
        assert!(answer.is_object(), "no answer to {case}/{ref_id}");
        answer
    }

    /// The frames of one query.
    pub fn frames(&self, case: &str, ref_id: &str) -> Vec<Frame> {
        self.answer(case, ref_id)["frames"].as_array().into_iter().flatten().map(Frame::read).collect()
    }

    /// What an alert rule reads: the value of each label set, labels as `a=b,c=d`.
    pub fn numbers(&self, case: &str, ref_id: &str) -> Vec<(String, Option<f64>)> {
        let numbers = self.answer(case, ref_id)["alert"]["numbers"].as_array().cloned().unwrap_or_default();
        numbers.iter().map(|number| (labels(&number["labels"]), number["value"].as_f64())).collect()
    }
}

fn labels(labels: &Value) -> String {
    let pairs =
        labels.as_object().into_iter().flatten().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default()));
    pairs.collect::<Vec<_>>().join(",")
}
