//! Invariants of reading, for real traces with random damage: every span is accounted for, no time of a record lies after
//! the clock or outside the spans, and the order of spans, traces and attributes does not matter.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy knows test code only in functions marked as tests"
)]

use std::sync::LazyLock;

use diagnosis::playbook::Playbook;
use diagnosis::{Context, diagnose};
use jaeger::{DecodeError, decode};
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};
use trace::Time;

/// The real traces, as their files hold them.
static REAL: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traces")).unwrap();
    let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
});

static PLAYBOOK: LazyLock<Playbook> = LazyLock::new(Playbook::ktrdr);

const YEAR_2000: i128 = 946_684_800_000_000;
/// How far ahead of the clock a span may be.
const TOLERANCE: i128 = 60_000_000;

/// Damage to one span.
#[derive(Clone, Debug)]
enum Damage {
    Set(&'static str, Value),
    Remove(&'static str),
    EventTime(Value),
    Replace(Value),
    Copy,
    Drop,
}

fn odd_time() -> impl Strategy<Value = Value> {
    let known = prop::sample::select(vec![
        json!(null),
        json!(0),
        json!(-1),
        json!(1),
        json!(u64::MAX),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(18_446_744_073_709_551_425_u64),
        json!(1.844_674_407_370_955_2e19),
        json!(1_795_342_000_000_i64),
        json!(1_795_342_000_000_000_000_i64),
        json!("later"),
        json!("12.5"),
        json!(1e300),
        json!([]),
        json!({"a": 1}),
        json!(true),
    ]);
    let near = (1_763_000_000_000_000_i64..1_800_000_000_000_000).prop_map(|micros| json!(micros));
    let float = (0.0..1e7).prop_map(|micros: f64| json!(micros));
    prop_oneof![3 => known, 2 => near, 1 => float]
}

fn odd_id() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(""),
        json!("0000000000000000"),
        json!("req-1"),
        json!("0x12"),
        json!("ABCDEF"),
        json!(17),
        json!(["x"]),
        json!("AAAAAAAAABI="),
        json!("12345678-1234-1234-1234-123456789012"),
    ])
}

fn damage() -> impl Strategy<Value = Damage> {
    let field =
        || prop::sample::select(vec!["traceID", "spanID", "startTime", "duration", "references", "processID", "logs"]);
    let other =
        prop::sample::select(vec![json!(null), json!(3), json!("span"), json!([1]), json!({}), json!({"foo": 1})]);
    prop_oneof![
        3 => (prop::sample::select(vec!["startTime", "duration"]), odd_time()).prop_map(|(key, time)| Damage::Set(key, time)),
        2 => (prop::sample::select(vec!["traceID", "spanID"]), odd_id()).prop_map(|(key, id)| Damage::Set(key, id)),
        1 => odd_id().prop_map(|id| Damage::Set("references", json!([{"refType": "CHILD_OF", "spanID": id}]))),
        1 => field().prop_map(Damage::Remove),
        1 => odd_time().prop_map(Damage::EventTime),
        1 => other.prop_map(Damage::Replace),
        1 => Just(Damage::Copy),
        1 => Just(Damage::Drop),
    ]
}

/// A file of real traces with damage: which traces, and the damage to which of their spans.
#[derive(Clone, Debug)]
struct File {
    chosen: Vec<Index>,
    damages: Vec<(Index, Index, Damage)>,
}

fn file() -> impl Strategy<Value = File> {
    let chosen = prop::collection::vec(any::<Index>(), 1..3);
    let damages = prop::collection::vec((any::<Index>(), any::<Index>(), damage()), 0..12);
    (chosen, damages).prop_map(|(chosen, damages)| File { chosen, damages })
}

impl File {
    fn json(&self) -> Value {
        let of = |ix: &Index| ix.get(&REAL)["data"].as_array().unwrap().clone();
        let mut traces: Vec<Value> = self.chosen.iter().flat_map(of).collect();
        for (trace, span, damage) in &self.damages {
            let trace = trace.index(traces.len());
            let spans = traces[trace]["spans"].as_array_mut().unwrap();
            if !spans.is_empty() {
                apply(spans, span.index(spans.len()), damage.clone());
            }
        }
        json!({"data": traces, "total": 0, "limit": 0, "offset": 0, "errors": null})
    }
}

fn apply(spans: &mut Vec<Value>, at: usize, damage: Damage) {
    match damage {
        Damage::Replace(other) => spans[at] = other,
        Damage::Copy => spans.push(spans[at].clone()),
        Damage::Drop => drop(spans.remove(at)),
        _ if !spans[at].is_object() => {}
        Damage::Set(key, value) => spans[at][key] = value,
        Damage::Remove(key) => drop(spans[at].as_object_mut().unwrap().remove(key)),
        Damage::EventTime(time) => {
            spans[at]["logs"] = json!([{"timestamp": time, "fields": [
                {"key": "event", "type": "string", "value": "exception"},
                {"key": "exception.type", "type": "string", "value": "ValueError"}]}]);
        }
    }
}

fn spans_of(file: &Value) -> impl Iterator<Item = &Value> {
    file["data"].as_array().unwrap().iter().flat_map(|trace| trace["spans"].as_array().unwrap())
}

/// The file in equivalent forms.
fn forms(file: &Value) -> Vec<String> {
    let traces = file["data"].as_array().unwrap();
    let lines: Vec<String> = traces.iter().map(Value::to_string).collect();
    // Members in another order, and an unknown one for the fast reader.
    let slow = file.to_string().replacen('{', "{\"x\":null,", 1);
    vec![file.to_string(), format!("{file:#}"), slow, json!(traces).to_string(), lines.join("\n")]
}

/// How many spans a text gave, as a reader counts them.
fn accounted(text: &str) -> Result<usize, TestCaseError> {
    match decode(text.as_bytes()) {
        Ok(decoded) => {
            let read: usize = decoded.traces.iter().map(|trace| trace.len() + trace.duplicates()).sum();
            Ok(read + decoded.left_out.total())
        }
        Err(DecodeError::NothingReadable { left_out }) => Ok(left_out.total()),
        Err(DecodeError::NoSpans) => Ok(0),
        Err(error) => Err(TestCaseError::fail(error.to_string())),
    }
}

/// The interval that the spans of a file cover, without times that are impossible at this clock.
fn covered(file: &Value, clock: i128) -> Option<(i128, i128)> {
    let number = |value: &Value| {
        let text = value.as_str().and_then(|text| text.parse::<f64>().ok());
        let float = || value.as_f64().or(text).map(|float| float.round().clamp(-1e30, 1e30) as i128);
        value.as_i64().map(i128::from).or_else(float)
    };
    let intervals = spans_of(file).filter_map(|span| {
        let start = number(&span["startTime"]).filter(|start| (YEAR_2000..=clock + TOLERANCE).contains(start))?;
        let end = number(&span["duration"]).map_or(start, |duration| start + duration);
        let end = if (start..=clock + TOLERANCE).contains(&end) { end } else { start };
        Some((start.min(clock), end.min(clock)))
    });
    intervals.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// All times of a record, each with its field.
fn times(value: &Value, place: &str, found: &mut Vec<(String, Time)>) {
    match value {
        Value::Object(members) => {
            // Evidence of absence has no time of its own, so it has that of the clock.
            let absent = members.get("kind").is_some_and(|kind| kind == "absence" || kind == "comparison");
            for (key, value) in members.iter().filter(|(key, _)| !(absent && *key == "at")) {
                times(value, &format!("{place}.{key}"), found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| times(item, place, found)),
        Value::String(text) => {
            let keys = [".start", ".end", ".last_activity", ".progress_at", ".time", ".at"];
            if keys.iter().any(|key| place.ends_with(key)) {
                found.extend(Time::parse_rfc3339(text).map(|time| (place.to_owned(), time)));
            }
        }
        _ => {}
    }
}

fn records(text: &str, clock: Time) -> Value {
    let traces = decode(text.as_bytes()).map(|decoded| decoded.traces).unwrap_or_default();
    let context = Context { now: clock, ..Context::default() };
    serde_json::to_value(diagnose(&traces, &PLAYBOOK, &context).diagnoses).unwrap()
}

/// A clock around the time of the real traces, between them, or long after.
fn clock() -> impl Strategy<Value = i64> {
    prop_oneof![
        1_763_000_000_000_000_i64..1_800_000_000_000_000,
        any::<Index>().prop_map(|ix| {
            let file = ix.get(&REAL);
            let start = spans_of(file).filter_map(|span| span["startTime"].as_i64()).max().unwrap();
            start - 3_000_000
        }),
    ]
}

/// The items in another order that depends on the seed.
fn shuffled(items: &[Value], seed: usize) -> Vec<Value> {
    let mut items = items.to_vec();
    for at in 0..items.len() {
        let other = seed.wrapping_mul(2 * at + 7) % items.len();
        items.swap(at, other);
    }
    items
}

/// The file with traces, spans and tags in another order. Of tags with one key the first counts, so those stay.
fn reordered(file: &Value, seed: usize) -> Value {
    let reorder_tags = |span: &mut Value| {
        let Some(tags) = span.get("tags").and_then(Value::as_array) else { return };
        let mut keys: Vec<String> = tags.iter().map(|tag| tag["key"].to_string()).collect();
        keys.sort();
        if keys.windows(2).all(|pair| pair[0] != pair[1]) {
            span["tags"] = shuffled(tags, seed).into();
        }
    };
    let mut traces = shuffled(file["data"].as_array().unwrap(), seed);
    for trace in &mut traces {
        let mut spans = shuffled(trace["spans"].as_array().unwrap(), seed);
        spans.iter_mut().filter(|span| span.is_object()).for_each(reorder_tags);
        trace["spans"] = spans.into();
    }
    json!({ "data": traces })
}

/// `PROPTEST_CASES=5000` tries more cases.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn spans_in_are_spans_read_and_copies_and_spans_left_out(file in file()) {
        let file = file.json();
        let there = spans_of(&file).count();
        for (form, text) in forms(&file).iter().enumerate() {
            prop_assert_eq!(accounted(text)?, there, "form {}", form);
        }
    }

    #[test]
    fn no_time_of_a_record_lies_after_the_clock_or_outside_the_spans(file in file(), clock in clock()) {
        let file = file.json();
        let records = records(&file.to_string(), Time(clock));
        let mut found = Vec::new();
        times(&records, "", &mut found);
        let covered = covered(&file, clock.into());
        for (place, time) in found {
            let Some((first, last)) = covered else { return Err(TestCaseError::fail(format!("{place} is {time}"))) };
            prop_assert!((first..=last).contains(&i128::from(time.0)), "{} is {}, not in {} to {}", place, time, first, last);
        }
    }

    #[test]
    fn the_order_of_traces_spans_and_attributes_changes_nothing(file in file(), seed in 1..10_000usize) {
        let file = file.json();
        let clock = Time(1_800_000_000_000_000);
        let other = reordered(&file, seed);
        prop_assert_eq!(records(&file.to_string(), clock), records(&other.to_string(), clock));
        let left_out = |file: &Value| decode(file.to_string().as_bytes()).map(|decoded| decoded.left_out);
        prop_assert_eq!(left_out(&file), left_out(&other));
    }
}
