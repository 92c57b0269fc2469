//! The command line on a trace file.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

/// The clock of every command here.
pub(crate) const NOW: &str = "2026-11-22T12:00:00Z";
/// When the traces here begin: 2026-11-22T10:06:40Z.
pub(crate) const START: i64 = 1_795_342_000_000_000;

/// A file of `tests/public-cases`.
pub(crate) fn case(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/public-cases").join(name)
}

/// A command's answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: Option<i32>,
    out: Vec<u8>,
    pub(crate) err: String,
}

impl Answer {
    /// The JSON of a command that could answer.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, Some(0), "{}", self.err);
        serde_json::from_slice(&self.out).unwrap()
    }

    /// What a command says that could not answer.
    pub(crate) fn refusal(&self) -> &str {
        assert_eq!((self.status, self.out.as_slice()), (Some(1), &b""[..]), "{}", self.err);
        &self.err
    }
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        let err = String::from_utf8(output.stderr).unwrap();
        Self { status: output.status.code(), out: output.stdout, err }
    }
}

pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ktrdr-diagnose"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

fn on(args: &[&str], file: &[u8]) -> Answer {
    let mut child = command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let file = file.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&file));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join();
    output.into()
}

/// `critical-path FILE --format json`.
pub(crate) fn critical_path(file: &[u8]) -> Answer {
    on(&["critical-path", "-", "--format", "json"], file)
}

/// `file FILE --format json --now …`.
pub(crate) fn diagnose(file: &[u8]) -> Answer {
    on(&["file", "-", "--format", "json", "--now", NOW], file)
}

/// The same with the playbook of the public cases, in which an operation is what carries `order.id`.
pub(crate) fn diagnose_orders(file: &[u8]) -> Answer {
    let playbook = case("generic-playbook.toml");
    on(&["file", "-", "--format", "json", "--now", NOW, "--playbook", playbook.to_str().unwrap()], file)
}

pub(crate) fn read(name: &str) -> Vec<u8> {
    std::fs::read(case(name)).unwrap()
}

/// Span id, start and end of each section, both in microseconds after [`START`], of the only trace.
pub(crate) fn sections(paths: &Value) -> Vec<(u64, i64, i64)> {
    assert_eq!(paths.as_array().unwrap().len(), 1, "{paths}");
    let of = |section: &Value| {
        let at = |key: &str| section[key].as_i64().unwrap() - START;
        let id = u64::from_str_radix(section["span_id"].as_str().unwrap(), 16).unwrap();
        (id, at("start_us"), at("end_us"))
    };
    paths[0]["sections"].as_array().unwrap().iter().map(of).collect()
}

pub(crate) fn remarks(record: &Value) -> Vec<&str> {
    record["remarks"].as_array().unwrap().iter().map(|remark| remark.as_str().unwrap()).collect()
}

/// A span of Jaeger's user interface; what is odd about it is put over it.
pub(crate) fn span(id: u64, parent: u64, start: i64, duration: i64, odd: Value) -> Value {
    let references = match parent {
        0 => json!([]),
        parent => json!([{"refType": "CHILD_OF", "traceID": "ab", "spanID": format!("{parent:016x}")}]),
    };
    let mut span = json!({"traceID": "ab", "spanID": format!("{id:016x}"), "operationName": format!("s{id}"),
        "references": references, "startTime": START + start, "duration": duration, "tags": [], "logs": [],
        "processID": "p1", "warnings": null});
    if let Value::Object(odd) = odd {
        for (key, value) in odd {
            match value {
                Value::String(text) if text == "REMOVED" => drop(span.as_object_mut().unwrap().remove(&key)),
                value => span[key] = value,
            }
        }
    }
    span
}

/// An answer of Jaeger with one trace of these spans.
pub(crate) fn answer(spans: &[Value]) -> Vec<u8> {
    json!({"data": [{"traceID": "ab", "spans": spans, "processes": {"p1": {"serviceName": "api", "tags": []}},
        "warnings": null}], "total": 0, "limit": 0, "offset": 0, "errors": null})
    .to_string()
    .into_bytes()
}

fn tags(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(key, value)| json!({"key": key, "type": "string", "value": value})).collect()
}

/// An order of 300 ms that completed, with a query of 230 ms, and one more span.
pub(crate) fn order(extra: &[Value]) -> Vec<u8> {
    let state = |from: &str, to: &str| tags(&[("order.id", "order-40"), ("order.from", from), ("order.to", to)]);
    let mut spans = vec![
        span(1, 0, 0, 300_000, json!({"tags": tags(&[("order.id", "order-40"), ("span.kind", "server")])})),
        span(2, 1, 2_000, 200, json!({"operationName": "order.state", "tags": state("pending", "running")})),
        span(3, 1, 299_500, 200, json!({"operationName": "order.state", "tags": state("running", "completed")})),
        span(4, 1, 20_000, 230_000, json!({"operationName": "db.query", "tags": tags(&[("span.kind", "client")])})),
    ];
    spans.extend(extra.iter().cloned());
    answer(&spans)
}
