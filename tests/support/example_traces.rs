//! A recent day of example traces, the library's diagnoses of it, and how answers are compared with these.

use std::collections::BTreeMap;

use chrono::Utc;
use diagnosis::playbook::Playbook;
use diagnosis::{Context, Diagnosis, diagnose};
use jaeger;
use serde_json::{Map, Value, json};
use testbed::{self, RawSpan, RawTrace};
use trace::Time;

/// Example traces that end now.
#[derive(Debug)]
pub struct ExampleTraces {
    /// The clock at which they are judged, in whole milliseconds because Grafana knows no finer ranges.
    pub now: Time,
    /// The traces.
    pub traces: Vec<RawTrace>,
}

/// How many bytes of OTLP are sent at once.
const CHUNK: usize = 4 << 20;

impl ExampleTraces {
    /// Everything that is known to happen, ending now.
    pub fn recent() -> Self {
        let now = Time::from_millis(Utc::now().timestamp_millis());
        let mut traces = testbed::demo(now, 20_261_122);
        // as a Jaeger gets to know them: a span is sent when it ends, and storage in memory finds the latest first
        traces.sort_by_key(|trace| trace.spans.iter().map(RawSpan::end).min());
        Self { now, traces }
    }

    /// The range in milliseconds that holds all of it.
    pub fn range(&self) -> (i64, i64) {
        let now = self.now.0 / 1000;
        (now - 24 * 3600 * 1000, now)
    }

    /// The traces as OTLP, in parts that any receiver takes.
    pub fn otlp(&self) -> Vec<Vec<u8>> {
        let mut parts: Vec<Vec<RawTrace>> = vec![Vec::new()];
        let mut size = 0;
        for trace in &self.traces {
            let bytes = trace.spans.len() * 1500;
            if size + bytes > CHUNK {
                parts.push(Vec::new());
                size = 0;
            }
            size += bytes;
            if let Some(part) = parts.last_mut() {
                part.push(trace.clone());
            }
        }
        parts.iter().filter(|part| !part.is_empty()).map(testbed::otlp_json).collect()
    }

    /// The library's diagnoses of the same traces.
    pub fn library(&self) -> Vec<Diagnosis> {
        let traces = jaeger::decode(&testbed::otlp_json(&self.traces)).expect("the corpus is OTLP").traces;
        let context = Context { now: self.now, ..Context::default() };
        diagnose(&traces, &Playbook::ktrdr(), &context).diagnoses
    }

    /// Cases that ask for all operations as `list/A`, and for each of these ids as `<id>/A`.
    pub fn cases(&self, url: &str, ids: &[&str]) -> Value {
        let (from, to) = self.range();
        let list = json!({
            "refId": "A", "model": {"queryType": "operations", "limit": 1000},
            "expect": {"frames": [{"name": "operations", "as": "table", "minRows": 1}]},
        });
        let one = |id: &&str| {
            let model = json!({"queryType": "diagnosis", "operationId": id, "views": ["diagnosis"]});
            json!({"name": id, "fromMs": from, "toMs": to, "queries": [{"refId": "A", "model": model}]})
        };
        let mut queries = vec![json!({"name": "list", "fromMs": from, "toMs": to, "queries": [list]})];
        queries.extend(ids.iter().map(one));
        json!({"dataSource": super::grafana::data_source(url), "queries": queries})
    }
}

/// Columns about how an answer was obtained, not about its content.
const ASIDE: [&str; 1] = ["remarks"];
/// Columns that change with the clock while an operation has no end; texts contain the time that has passed.
const CLOCK: [&str; 9] = [
    "bottleneck_ms",
    "bottleneck_share",
    "confidence_reason",
    "duration_ms",
    "evidence",
    "findings",
    "root_cause",
    "slowdown",
    "summary",
];

/// At which clock a row was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// At the library's: the end of the range.
    Same,
    /// Some seconds later: an operation is looked up by its id at the time of asking.
    Later,
}

/// Every field in which a row differs from the library's diagnosis.
pub fn differences(row: &Map<String, Value>, library: &Diagnosis, clock: Clock) -> Vec<String> {
    let record = serde_json::to_value(library).expect("a diagnosis is JSON");
    let mut found = Vec::new();
    for (name, got) in row {
        let want = &record[name.as_str()];
        let went_on = clock == Clock::Later && library.end.is_none() && CLOCK.contains(&name.as_str());
        let same = if name == "trace_ids" { same_main(got, want) } else { alike(got, want) };
        if !ASIDE.contains(&name.as_str()) && !went_on && !same {
            found.push(format!("{name}: {} instead of {}", short(got), short(want)));
        }
    }
    found
}

/// Later commands that only looked at an operation need not have been found, as long as the main trace is the same.
fn same_main(got: &Value, want: &Value) -> bool {
    let (Some(got), Some(want)) = (got.as_array(), want.as_array()) else { return false };
    got.first() == want.first() && got.iter().all(|id| want.contains(id))
}

fn alike(got: &Value, want: &Value) -> bool {
    match (got, want) {
        // a column of times is in milliseconds, the record in RFC 3339
        (Value::Number(ms), Value::String(text)) => {
            Time::parse_rfc3339(text).is_some_and(|time| ms.as_i64() == Some(time.0.div_euclid(1000)))
        }
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
            _ => false,
        },
        (a, b) => a == b,
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    text.chars().take(300).collect()
}

/// The key of an operation: its id, else its trace.
pub fn key(id: Option<&str>, trace: Option<&str>) -> String {
    id.or(trace).unwrap_or_default().to_owned()
}

/// The library's diagnoses by name.
pub fn by_key(library: &[Diagnosis]) -> BTreeMap<String, &Diagnosis> {
    let name = |d: &Diagnosis| key(d.operation_id.as_deref(), d.trace_id.map(|id| id.to_string()).as_deref());
    library.iter().map(|d| (name(d), d)).collect()
}

/// Rows of a table of operations by name.
pub fn rows_by_key(frame: &super::frame::Frame) -> BTreeMap<String, &Map<String, Value>> {
    frame.rows.iter().map(|row| (key(row["operation_id"].as_str(), row["trace_id"].as_str()), row)).collect()
}
