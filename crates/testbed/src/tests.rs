use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::*;
use trace::SpanId;

const BASE: Time = Time(1_795_341_900_000_000);

fn everything(seed: u64) -> impl Iterator<Item = (&'static Scenario, Telemetry, Generated)> {
    scenarios().iter().flat_map(move |scenario| {
        scenario
            .telemetry
            .iter()
            .map(move |&telemetry| (scenario, telemetry, generate(scenario, telemetry, BASE, seed)))
    })
}

#[test]
fn the_same_arguments_give_the_same_spans_and_others_share_no_id() {
    for scenario in scenarios() {
        let telemetry = scenario.telemetry[0];
        let generated = generate(scenario, telemetry, BASE, 1);
        assert_eq!(generated, generate(scenario, telemetry, BASE, 1), "{}", scenario.name);
        let ids = |generated: &Generated| generated.traces.iter().map(|trace| trace.id).collect::<HashSet<_>>();
        for other in
            [generate(scenario, telemetry, BASE, 2), generate(scenario, telemetry, BASE + Micros::from_secs(60), 1)]
        {
            assert!(ids(&generated).is_disjoint(&ids(&other)), "{}", scenario.name);
            assert!(
                generated.operation_id.is_none() || generated.operation_id != other.operation_id,
                "{}",
                scenario.name
            );
        }
    }
}

#[test]
fn names_are_unique_and_every_situation_has_a_row() {
    let names: HashSet<_> = scenarios().iter().map(|scenario| scenario.name).collect();
    assert_eq!(names.len(), scenarios().len());
    let numbers: HashSet<_> = scenarios().iter().map(|scenario| scenario.number).collect();
    let known = "1 1b 2 3 3b 4 4b 5 6 6b 7 7b 7c 7d 8 8b 8c 9 10 10b 10c 11 12 13 14 15 16 17 17b 18 19 20 21 22";
    for number in known.split(' ') {
        assert!(numbers.contains(number), "{number}");
    }
}

#[test]
fn span_ids_are_unique_and_parents_present_unless_the_scenario_takes_them_away() {
    for (scenario, telemetry, generated) in everything(3) {
        let may_miss = ["7d-ib-gateway-down", "17-coordinator-missing", "missing-root"].contains(&scenario.name)
            || (scenario.name == "10-worker-crash" && telemetry == Telemetry::Planned);
        let mut missing = 0;
        for trace in &generated.traces {
            let ids: HashSet<SpanId> = trace.spans.iter().map(|span| span.id).collect();
            assert_eq!(ids.len(), trace.spans.len(), "{}", scenario.name);
            missing += trace.spans.iter().filter_map(|span| span.parent).filter(|id| !ids.contains(id)).count();
        }
        assert_eq!(missing > 0, may_miss, "{} {telemetry:?}: {missing} missing", scenario.name);
    }
}

#[test]
fn nothing_of_a_scenario_happens_after_its_clock() {
    for (scenario, telemetry, generated) in everything(4) {
        let end = generated.traces.iter().filter_map(RawTrace::end).max().unwrap();
        assert!(end <= generated.now, "{} {telemetry:?}: {end} > {}", scenario.name, generated.now);
        assert_eq!(generated.now, now(scenario, telemetry, BASE), "{}", scenario.name);
    }
}

#[test]
fn the_operation_in_question_is_named_by_a_span() {
    for (scenario, telemetry, generated) in everything(5) {
        let Some(id) = &generated.operation_id else { continue };
        let named = generated
            .traces
            .iter()
            .flat_map(|trace| &trace.spans)
            .any(|span| matches!(span.attribute("operation.id"), Some(RawValue::Text(text)) if text == id));
        assert!(named, "{} {telemetry:?}", scenario.name);
        let parts: Vec<&str> = id.rsplitn(4, '_').collect();
        assert!(parts[0].len() == 8 && parts[1].len() == 6 && parts[2].len() == 8, "{id}");
    }
}

#[test]
fn background_work_starts_after_the_request_that_started_it_was_answered() {
    let generated = generate(&scenarios()[0], Telemetry::Current, BASE, 1);
    let spans = &generated.traces[0].spans;
    let server = spans.iter().find(|span| span.name == "POST /training/start").unwrap();
    let late = spans.iter().filter(|span| span.parent == Some(server.id) && span.start > server.end()).count();
    assert_eq!(late, 6, "create, two transitions, three loads");
}

#[test]
fn both_formats_carry_the_same_spans() {
    let traces: Vec<RawTrace> = everything(6).flat_map(|(_, _, generated)| generated.traces).collect();
    let otlp: Value = serde_json::from_slice(&otlp_json(&traces)).unwrap();
    let expected = from_otlp(&otlp);
    assert_eq!(expected.len(), traces.iter().map(|trace| trace.spans.len()).sum::<usize>());
    for version in [JaegerVersion::V1_53, JaegerVersion::V2] {
        let legacy: Value = serde_json::from_slice(&jaeger_json(&traces, version)).unwrap();
        assert_eq!(from_legacy(&legacy), expected, "{version:?}");
    }
}

/// (trace, span) → (parent, name, service, start in µs, number of attributes, number of events).
type SpanSummaries = HashMap<(String, String), (String, String, String, i64, usize, usize)>;

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn from_otlp(otlp: &Value) -> SpanSummaries {
    let mut all = SpanSummaries::new();
    for resource in otlp["resourceSpans"].as_array().unwrap() {
        let service = text(&resource["resource"]["attributes"][0]["value"]["stringValue"]);
        for scope in resource["scopeSpans"].as_array().unwrap() {
            for span in scope["spans"].as_array().unwrap() {
                let start = text(&span["startTimeUnixNano"]).parse::<i64>().unwrap() / 1000;
                let row = (
                    text(&span["parentSpanId"]),
                    text(&span["name"]),
                    service.clone(),
                    start,
                    span["attributes"].as_array().unwrap().len(),
                    span["events"].as_array().unwrap().len(),
                );
                all.insert((text(&span["traceId"]), text(&span["spanId"])), row);
            }
        }
    }
    all
}

fn from_legacy(legacy: &Value) -> SpanSummaries {
    let mut all = SpanSummaries::new();
    for trace in legacy["data"].as_array().unwrap() {
        for span in trace["spans"].as_array().unwrap() {
            let process = &trace["processes"][span["processID"].as_str().unwrap()];
            let own = span["tags"].as_array().unwrap().iter().filter(|tag| {
                let key = tag["key"].as_str().unwrap();
                let added = key == "error" && tag["type"] == "bool" && span["operationName"] != "ib.fetch_historical";
                !key.starts_with("otel.") && key != "span.kind" && !added
            });
            // Where a program set `error` itself, Jaeger's flag comes on top.
            let twice = span["operationName"] == "ib.fetch_historical"
                && span["tags"].as_array().unwrap().iter().filter(|tag| tag["key"] == "error").count() == 2;
            let row = (
                text(&span["references"][0]["spanID"]),
                text(&span["operationName"]),
                text(&process["serviceName"]),
                span["startTime"].as_i64().unwrap(),
                own.count() - usize::from(twice),
                span["logs"].as_array().unwrap().len(),
            );
            all.insert((text(&span["traceID"]), text(&span["spanID"])), row);
        }
    }
    all
}

#[test]
fn counts_are_text_and_flags_are_not() {
    let four = scenarios().iter().find(|scenario| scenario.number == "4").unwrap();
    let json = String::from_utf8(jaeger_json(&build(four, Telemetry::Current, BASE, 1), JaegerVersion::V1_53)).unwrap();
    for expected in [
        r#"{"key":"worker.total_workers","type":"string","value":"0"}"#,
        r#"{"key":"http.status_code","type":"int64","value":503}"#,
        r#"{"key":"error","type":"bool","value":true}"#,
        r#"{"key":"otel.status_description","type":"string","value":"Exit: 1"}"#,
        r#"{"key":"exception.type","type":"string","value":"click.exceptions.Exit"}"#,
    ] {
        assert!(json.contains(expected), "{expected}");
    }
    assert_eq!(json.matches("workers.select\",\"references").count(), 4, "the first try and three retries");
}

#[test]
fn the_demo_holds_every_scenario_of_today_within_the_last_hours() {
    let traces = demo(BASE, 7);
    let ids: HashSet<_> = traces.iter().map(|trace| trace.id).collect();
    assert_eq!(ids.len(), traces.len());
    assert!(traces.iter().all(|trace| trace.end().unwrap() <= BASE));
    assert!(traces.iter().all(|trace| trace.start().unwrap() > BASE - Micros::from_secs(48 * 3600)));
    let wire = scenarios().iter().filter(|scenario| scenario.telemetry.contains(&Telemetry::Current)).count();
    assert!(traces.len() > wire);
}

#[test]
fn a_deployment_makes_about_seventy_traces_of_noise_a_minute() {
    let count = noise(BASE, BASE + Micros::from_secs(600), 1).len();
    assert!((600..800).contains(&count), "{count}");
}

#[test]
fn a_giant_grows_with_its_length() {
    let short = giant(BASE, Micros::from_secs(60), 1).traces[0].spans.len();
    let long = giant(BASE, Micros::from_secs(240), 1).traces[0].spans.len();
    assert!(long > 3 * short, "{short} {long}");
}
