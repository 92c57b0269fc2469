//! The Grafana test host that is written in Go: cases in, answers out.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use base64::Engine as _;
use serde_json::{Value, json};
use testbed::grafana_harness::frame_json;

use super::frame::Frame;

/// The id of the data source in every call.
pub const UID: &str = "ktrdr-test";

/// What the Go test host saw.
#[derive(Debug)]
pub struct Seen(pub Value);

/// Starts the plugin in the Go test host and asks it what the cases say.
pub fn ask(host: &Path, cases: &Value) -> Seen {
    let mut child = Command::new(host)
        .args(["-plugin", env!("CARGO_BIN_EXE_gpx_ktrdr_diagnosis"), "-cases", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the Go test host starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    stdin.write_all(cases.to_string().as_bytes()).expect("the Go test host reads its cases");
    drop(stdin);
    let output = child.wait_with_output().expect("the Go test host ends");
    let seen = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("the Go test host failed ({error}): {}", String::from_utf8_lossy(&output.stderr))
    });
    Seen(seen)
}

/// A data source for this Jaeger.
pub fn data_source(url: &str) -> Value {
    json!({"uid": UID, "url": url, "jsonData": {"timeout": 30}, "updated": 1})
}

impl Seen {
    /// Fails with all problems that the harness found.
    pub fn assert_no_problems(&self) {
        let problems: Vec<&str> =
            self.0["problems"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
        assert!(self.0["checked"].as_u64().unwrap_or_default() > 0, "nothing was checked");
    }

    /// Holds the frames' JSON as our own harness writes it (for the browser tests) against Grafana's; says how many
    /// frames that were.
    pub fn assert_our_harness_writes_the_same(&self) -> usize {
        let answers = self.0["queries"].as_object().into_iter().flatten().filter_map(|(_, case)| case.as_object());
        let mut compared = 0;
        for answer in answers.flatten().map(|(_, answer)| answer) {
            let list = |key: &str| answer[key].as_array().cloned().unwrap_or_default();
            for (theirs, arrow) in list("frames").iter().zip(list("arrow")) {
                let bytes = base64::engine::general_purpose::STANDARD.decode(arrow.as_str().unwrap_or_default());
                let ours = frame_json(&bytes.expect("Go writes bytes as base64")).expect("Grafana takes it, so we do");
                let different = difference("frame", &in_one_spelling(&ours), &in_one_spelling(theirs));
                assert_eq!(different, None, "path, ours, Grafana's");
                compared += 1;
            }
        }
        compared
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

/// The first difference between two values.
fn difference(path: &str, ours: &Value, theirs: &Value) -> Option<(String, String, String)> {
    let short = |value: &Value| value.to_string().chars().take(200).collect::<String>();
    let here = || Some((path.to_owned(), short(ours), short(theirs)));
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            let mut keys = keys.into_iter();
            keys.find_map(|key| difference(&format!("{path}.{key}"), &ours[key.as_str()], &theirs[key.as_str()]))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(nth, (a, b))| difference(&format!("{path}[{nth}]"), a, b))
        }
        _ if ours == theirs => None,
        _ => here(),
    }
}

/// Converts numbers to floats and removes empty values: the two writers differ in `1` and `1.0` and in what they leave out.
fn in_one_spelling(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(in_one_spelling).collect(),
        Value::Object(fields) => {
            let kept = fields.iter().map(|(key, value)| (key.clone(), in_one_spelling(value)));
            let empty =
                |v: &Value| [json!(null), json!(""), json!([]), json!({}), json!(0.0), json!(false)].contains(v);
            let default = |key: &str, v: &Value| key == "typeVersion" && *v == json!([0.0, 0.0]);
            Value::Object(kept.filter(|(key, v)| !empty(v) && !default(key, v)).collect())
        }
        other => other.clone(),
    }
}

fn labels(labels: &Value) -> String {
    let pairs =
        labels.as_object().into_iter().flatten().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default()));
    pairs.collect::<Vec<_>>().join(",")
}
