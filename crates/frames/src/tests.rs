use std::sync::Arc;

use arrow::{array::Float64Array, datatypes::DataType, ipc::reader::FileReader};
use serde_json::json;

use super::*;
use diagnosis::{Answer, MetricAnswer, TimeRange};
use diagnosis::{Diagnosis, MAX_LIST_ROWS, OperationStatus, Severity, Verdict};
use trace::{
    Attribute, EventDraft, Micros, Parent, Relation, SpanDraft, SpanId, Status, Strings, Time, Trace, TraceBuilder,
    TraceId,
};

mod changed;
mod display;

const MINUTE: i64 = 60_000_000;

fn operation(kind: &str, verdict: Verdict, end_minute: i64, duration_ms: f64) -> Diagnosis {
    let status = if verdict == Verdict::Failed { OperationStatus::Failed } else { OperationStatus::Completed };
    Diagnosis {
        operation_id: Some(format!("op_{kind}_{end_minute}")),
        operation_type: kind.to_owned(),
        verdict,
        status,
        severity: if verdict == Verdict::Healthy { Severity::Fine } else { Severity::Critical },
        error_type: (verdict == Verdict::Failed).then(|| "ValueError".to_owned()),
        start: Some(Time(0)),
        end: Some(Time(end_minute * MINUTE)),
        duration_ms: Some(duration_ms),
        ..Diagnosis::default()
    }
}

fn answer(diagnoses: Vec<Diagnosis>) -> Answer {
    Answer { diagnoses: diagnoses.into_iter().map(Arc::new).collect(), ..Answer::default() }
}

fn three() -> Answer {
    answer(vec![
        operation("training", Verdict::Failed, 9, 300.0),
        operation("training", Verdict::Healthy, 5, 100.0),
        operation("backtesting", Verdict::Healthy, 1, 50.0),
    ])
}

fn numbers(answer: &Answer, measure: Measure, by: &[GroupBy]) -> Frame {
    numeric(&MetricAnswer::over(answer, measure, by, None), measure, by)
}

fn series_of(answer: &Answer, measure: Measure, by: &[GroupBy], buckets: Buckets) -> Frame {
    timeseries(&MetricAnswer::over(answer, measure, by, Some(buckets)), measure, by, buckets)
}

fn values(frame: &Frame) -> serde_json::Value {
    frame.to_json().unwrap()["data"]["values"].clone()
}

fn names(frame: &Frame) -> Vec<&str> {
    frame.fields.iter().map(|field| field.name.as_str()).collect()
}

#[test]
fn a_metric_has_text_columns_and_one_number_named_after_the_measure() {
    let by = [GroupBy::OperationType, GroupBy::ErrorType];
    let frame = numbers(&three(), Measure::Failed, &by);
    assert_eq!(names(&frame), ["operation_type", "error_type", "failed"]);
    assert_eq!(
        values(&frame),
        json!([["backtesting", "training", "training"], ["none", "ValueError", "none"], [0.0, 1.0, 0.0]])
    );
    assert_eq!((frame.meta.kind, frame.meta.type_version), (Some("numeric-long"), Some([0, 1])));
    assert!(frame.fields.iter().all(|field| !field.nullable));
}

#[test]
fn counts_of_nothing_are_zero_and_durations_of_nothing_are_left_out() {
    let nothing = answer(vec![]);
    let by = [GroupBy::Verdict];
    for name in ["count", "failed", "stuck", "not_healthy", "failure_ratio"] {
        let frame = numbers(&nothing, Measure::parse(name).unwrap(), &by);
        assert_eq!(values(&frame), json!([["none"], [0.0]]), "{name}");
        assert_eq!(values(&numbers(&nothing, Measure::parse(name).unwrap(), &[])), json!([[0.0]]), "{name}");
    }
    for name in ["p50_duration", "p95_duration", "max_duration", "slowdown"] {
        assert_eq!(numbers(&nothing, Measure::parse(name).unwrap(), &by).rows(), 0, "{name}");
    }
}

#[test]
fn measures_count_what_their_names_say() {
    let all = three();
    let one = |name: &str| values(&numbers(&all, Measure::parse(name).unwrap(), &[]))[0][0].clone();
    assert_eq!(one("count"), 3.0);
    assert_eq!(one("not_healthy"), 1.0);
    assert_eq!(one("failure_ratio"), 1.0 / 3.0);
    assert_eq!(one("p50_duration"), 100.0);
    assert_eq!(one("p95_duration"), 300.0);
    assert_eq!(one("healthy"), 2.0);
    assert_eq!(Measure::parse("nonsense"), None);
    for name in Measure::names() {
        assert_eq!(Measure::parse(name).map(Measure::as_str), Some(name));
    }
}

#[test]
fn a_series_is_filled_with_zeros_and_counts_where_windows_end() {
    let range = TimeRange { from: Time(0), to: Time(10 * MINUTE) };
    let buckets = Buckets::new(range, Micros(5 * MINUTE), 100);
    let mut running = operation("training", Verdict::Stuck, 1, 1.0);
    running.end = None;
    let frame = series_of(
        &answer(vec![running, operation("training", Verdict::Stuck, 5, 1.0)]),
        Measure::Count,
        &[GroupBy::OperationType],
        buckets,
    );
    assert_eq!(values(&frame), json!([[0, 300_000, 600_000], [0.0, 1.0, 1.0]]));
    assert_eq!(frame.fields[1].labels.get("operation_type").map(String::as_str), Some("training"));
    let durations = series_of(&three(), Measure::MaxDuration, &[], buckets);
    assert_eq!(values(&durations)[1], json!([50.0, 300.0, null]));
    assert_eq!(series_of(&answer(vec![]), Measure::MaxDuration, &[], buckets).fields.len(), 0);
    assert_eq!(values(&series_of(&answer(vec![]), Measure::Count, &[], buckets))[1], json!([0.0, 0.0, 0.0]));
}

/// acceptance G7: a chart of failures by error had a line `…, none` at 0 for the operations without an error.
#[test]
fn a_series_of_nothing_is_left_out_where_its_label_is_missing() {
    let buckets = Buckets::new(TimeRange { from: Time(0), to: Time(10 * MINUTE) }, Micros(5 * MINUTE), 100);
    let by = [GroupBy::OperationType, GroupBy::ErrorType];
    let names = |frame: &Frame| -> Vec<String> {
        frame.fields.iter().skip(1).filter_map(|field| field.config.display_name.clone()).collect()
    };
    let series = |answer: &Answer, measure, by: &[GroupBy]| series_of(answer, measure, by, buckets);
    assert_eq!(names(&series(&three(), Measure::Failed, &by)), ["Training, ValueError"]);
    // A group that is counted stays, and so does a group with all of its labels.
    assert_eq!(
        names(&series(&three(), Measure::Count, &by)),
        ["Backtesting, none", "Training, ValueError", "Training, none"]
    );
    assert_eq!(names(&series(&three(), Measure::Failed, &by[..1])), ["Backtesting", "Training"]);
    // Without any failure there is one line at 0, with the labels that an alert rule expects.
    let well = answer(vec![operation("training", Verdict::Healthy, 5, 1.0)]);
    let frame = series(&well, Measure::Failed, &by);
    assert_eq!((names(&frame), values(&frame)[1].clone()), (vec!["Failed".to_owned()], json!([0.0, 0.0, 0.0])));
    assert_eq!(frame.fields[1].labels.get("error_type").map(String::as_str), Some("none"));
    assert_eq!(names(&series(&well, Measure::Slowdown, &by)), Vec::<String>::new());
}

#[test]
fn a_series_has_no_more_points_than_requested() {
    let range = TimeRange { from: Time(0), to: Time(1_000 * MINUTE) };
    for most in [1, 7, 100, i64::MAX] {
        let frame = series_of(&three(), Measure::Count, &[], Buckets::new(range, Micros(1_000_000), most));
        assert!(frame.rows() as i64 <= most.min(11_000).saturating_add(1), "{most}: {}", frame.rows());
    }
}

#[test]
fn annotations_leave_out_what_is_not_severe_and_escape_their_text() {
    let mut failed = operation("training", Verdict::Failed, 9, 300.0);
    failed.summary = "<script>".to_owned();
    failed.end = None;
    let frame = annotations(
        &answer(vec![failed, operation("training", Verdict::Healthy, 5, 1.0)]),
        Severity::Warning,
        Time(20 * MINUTE),
    );
    assert_eq!(frame.rows(), 1);
    let values = values(&frame);
    assert_eq!(values[1], json!([1_200_000]));
    assert_eq!(values[3], json!(["&lt;script&gt;"]));
    assert_eq!(values[4], json!(["training,failed,ValueError"]));
}

#[test]
fn lists_are_cut_with_a_notice() {
    let evidence = diagnosis::Evidence {
        rule: "r".into(),
        kind: diagnosis::EvidenceKind::Status,
        trace_id: None,
        span_id: None,
        service: None,
        span: None,
        key: "k".into(),
        value: "v".into(),
        at: None,
    };
    let diagnosis = Diagnosis { evidence: vec![evidence; MAX_LIST_ROWS + 5], ..Diagnosis::default() };
    let frames = lists(&diagnosis, &View::ALL, &Source::default());
    let evidence = frames.iter().find(|frame| frame.name == "evidence").unwrap();
    assert_eq!(evidence.rows(), MAX_LIST_ROWS);
    assert!(evidence.meta.notices[0].text.contains("10005"), "{:?}", evidence.meta.notices);
    assert_eq!(evidence.meta.custom.as_ref().unwrap()["partial"], true);
    assert_eq!(frames.len(), 5);
}

fn trace_of(spans: usize) -> Trace {
    let mut strings = Strings::default();
    let mut builder = TraceBuilder::new(TraceId(0xabc));
    let (name, poll, key, event) =
        (strings.intern("work"), strings.intern("poll"), strings.intern("n"), strings.intern("exception"));
    for at in 0..spans {
        let noise = at % 2 == 1;
        let mut draft = SpanDraft {
            id: SpanId(at as u64 + 1),
            parent: (at > 0).then_some(Parent { span: SpanId(1), relation: Relation::ChildOf }),
            name: if noise { poll } else { name },
            start: Some(Time(1_000_500 + at as i64)),
            duration: Some(Micros(1 + (spans - at) as i64)),
            status: if at + 1 == spans { Status::Error } else { Status::Unset },
            attributes: vec![Attribute::int(key, at as i64)],
            events: vec![EventDraft { time: Some(Time(1_000_502)), name: event, attributes: vec![] }],
            ..SpanDraft::default()
        };
        builder.push(&mut draft, &strings);
    }
    builder.finish(&Arc::new(strings))
}

#[test]
fn times_of_the_trace_view_are_milliseconds_also_in_logs() {
    let frame = trace_view(&[trace_of(2)], |_| false);
    let json = frame.to_json().unwrap();
    let column = |name: &str| {
        let at = frame.fields.iter().position(|field| field.name == name).unwrap();
        json["data"]["values"][at].clone()
    };
    assert_eq!(column("startTime"), json!([1000.5, 1000.501]));
    assert_eq!(column("logs")[0][0]["timestamp"], json!(1000.502));
    assert_eq!(column("statusCode"), json!([0, 2]));
    assert_eq!(column("tags")[1], json!([{"key": "n", "value": 1}, {"key": "error", "value": true}]));
    assert_eq!(column("parentSpanID"), json!([null, "0000000000000001"]));
    assert_eq!(column("serviceName"), json!(["unknown", "unknown"]));
}

#[test]
fn a_long_trace_loses_noise_first_then_its_shortest_spans_but_no_error() {
    let folded = trace_view(&[trace_of(MAX_TRACE_SPANS + 10)], |span| span.name() == "poll");
    assert_eq!(folded.rows(), MAX_TRACE_SPANS / 2 + 6);
    assert_eq!(folded.meta.notices.len(), 1);
    let cut = trace_view(&[trace_of(MAX_TRACE_SPANS + 10)], |_| false);
    assert_eq!(cut.rows(), MAX_TRACE_SPANS);
    let codes = cut.field("statusCode").unwrap();
    let last = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(&codes.values);
    assert_eq!(last.value(MAX_TRACE_SPANS - 1), 2);
}

#[test]
fn numbers_that_json_cannot_express_are_listed_separately() {
    let values = Arc::new(Float64Array::from(vec![Some(1.5), None, Some(f64::NAN), Some(f64::NEG_INFINITY)]));
    let frame = Frame::new(
        "f",
        vec![Field::new("x", values, true), Field::time("t", [Time(1), Time(1_000), Time(-1), Time(2_000)])],
    );
    let json = frame.to_json().unwrap();
    assert_eq!(json["data"]["values"], json!([[1.5, null, null, null], [0, 1, -1, 2]]));
    assert_eq!(json["data"]["entities"], json!([{"NaN": [2], "NegInf": [3]}, null]));
    assert_eq!(json["data"]["nanos"], json!([null, [1_000, 0, 999_000, 0]]));
}

#[test]
fn an_encoded_frame_keeps_names_labels_and_metadata() {
    let buckets = Buckets::new(TimeRange { from: Time(0), to: Time(MINUTE) }, Micros(MINUTE), 10);
    let mut frame = series_of(&three(), Measure::Count, &[GroupBy::OperationType], buckets);
    frame.ref_id = "B".into();
    let bytes = frame.encode().unwrap();
    let mut reader = FileReader::try_new(std::io::Cursor::new(bytes), None).unwrap();
    let schema = reader.schema();
    let batch = reader.next().unwrap().unwrap();
    assert_eq!(to_json(&schema, batch.columns()), frame.to_json().unwrap());
    assert_eq!(schema.metadata()["refId"], "B");
    assert_eq!(schema.field(1).metadata()["labels"], r#"{"operation_type":"backtesting"}"#);
}

#[test]
fn frames_without_columns_or_rows_can_be_sent() {
    for frame in [Frame::new("empty", vec![]), operations(&answer(vec![]), &Source::default())] {
        FileReader::try_new(std::io::Cursor::new(frame.encode().unwrap()), None).unwrap();
    }
}

#[test]
fn every_frame_has_only_columns_that_grafana_reads() {
    let all = three();
    let mut frames = vec![
        operations(&all, &Source::default()),
        diagnosis(&all, &Source::default()),
        annotations(&all, Severity::Fine, Time(0)),
        culprits(&changed::two(), &Source::default()),
        culprit_score(&changed::two(), true),
        trace_view(&[trace_of(3)], |_| false),
    ];
    frames.extend(lists(&all.diagnoses[0], &View::ALL, &Source::default()));
    frames.extend(service_map(&all));
    for frame in frames {
        for field in &frame.fields {
            assert!(is_accepted(field.values.data_type()), "{} {}", frame.name, field.name);
        }
    }
    assert!(!is_accepted(&DataType::LargeUtf8));
    assert!(!is_accepted(&DataType::Timestamp(arrow::datatypes::TimeUnit::Millisecond, None)));
}

/// Grafana's Go reader of live frames expects the schema before the data, and the values before `entities` and `nanos`.
#[test]
fn the_text_of_a_live_frame_keeps_grafanas_order_of_keys() {
    let source = Source { uid: "u".into(), name: "n".into() };
    let frame = operations(&three(), &source);
    let text = frame.to_json_text().unwrap();
    assert!(text.starts_with(r#"{"schema":{"#) && text.contains(r#","data":{"values":[["#), "{text}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), frame.to_json().unwrap());
}
