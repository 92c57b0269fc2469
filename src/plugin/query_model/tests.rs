use serde_json::json;

use super::*;
use trace::TraceId;

fn parse(model: &Value) -> Result<QueryModel, Failure> {
    QueryModel::parse(model.to_string().as_bytes(), "")
}

fn message(model: &Value) -> String {
    let failure = parse(model).unwrap_err();
    assert_eq!(failure.status, 400);
    failure.message
}

#[test]
fn a_link_from_another_data_source_asks_for_a_trace() {
    let id = format!("{:0>32}", "abcdef");
    let trace = Target::Either(id.clone(), TraceId(0x00ab_cdef));
    for kind in [json!(null), json!(""), json!("trace"), json!("traceql")] {
        let model = json!({"queryType": kind, "query": id});
        assert_eq!(parse(&model), Ok(QueryModel::Trace { target: trace.clone() }));
    }
    let operation = json!({"query": "op_training_20251122_100505_ab12cd34"});
    assert!(matches!(parse(&operation), Ok(QueryModel::Trace { target: Target::Operation(_) })));
}

#[test]
fn the_envelope_has_the_type_where_the_model_does_not() {
    assert!(matches!(QueryModel::parse(b"{}", "operations"), Ok(QueryModel::Operations { limit: 100, .. })));
    assert!(matches!(QueryModel::parse(b"{\"queryType\":\"metric\"}", "operations"), Ok(QueryModel::Metric { .. })));
}

#[test]
fn filters_are_read_and_unknown_fields_ignored() {
    let model = json!({
        "queryType": "operations", "hide": false, "datasource": {"uid": "x"}, "limit": "7",
        "filters": {"types": "Training", "statuses": ["failed", ""], "verdicts": ["stuck"], "tags": "a=b",
                    "minDuration": "1m30s", "maxDuration": "", "future": 1},
    });
    let Ok(QueryModel::Operations { filters, limit, .. }) = parse(&model) else { panic!("{:?}", parse(&model)) };
    assert_eq!(limit, 7);
    assert_eq!(filters.types, ["training"]);
    assert_eq!(filters.statuses, [OperationStatus::Failed]);
    assert_eq!(filters.tags, [("a".to_owned(), "b".to_owned())]);
    assert_eq!((filters.min_duration, filters.max_duration), (Some(Micros::from_secs(90)), None));
}

#[test]
fn bad_values_are_named_with_what_is_allowed() {
    let of = |field: &str, value: Value| message(&json!({"queryType": "operations", "filters": {field: value}}));
    assert!(message(&json!({"queryType": "nonsense"})).contains("diagnosis"));
    let order = |word: &str| match parse(&json!({"queryType": "operations", "orderBy": word})) {
        Ok(QueryModel::Operations { order, .. }) => order,
        other => panic!("{other:?}"),
    };
    assert_eq!([order(""), order("worst")], [Order::Newest, Order::Worst]);
    assert!(message(&json!({"queryType": "operations", "orderBy": "best"})).contains("newest, worst, longest"));
    for limit in [json!(0), json!(10_001), json!(-1), json!("many"), json!(1.5)] {
        assert!(message(&json!({"queryType": "operations", "limit": limit})).contains("1 to 10000"));
    }
    assert!(of("minDuration", json!("5 parsecs")).contains("1m30s"));
    assert!(of("tags", json!("error")).contains("key=value"));
    assert!(of("verdicts", json!(["bad"])).contains("no_workers"));
    assert!(of("types", json!([1])).contains("list of texts"));
    assert!(message(&json!({"queryType": "diagnosis", "operationId": " "})).contains("operation id"));
    assert!(message(&json!({"queryType": "metric", "measure": "happiness"})).contains("failure_ratio"));
    assert!(message(&json!({"queryType": "metric", "groupBy": ["trace_id"]})).contains("bottleneck_span"));
    assert!(message(&json!({"queryType": "upload"})).contains("file"));
    assert!(QueryModel::parse(b"{nope", "").unwrap_err().message.contains("not a JSON object"));
}

#[test]
fn a_baseline_has_ends_in_the_spellings_of_the_command_line() {
    const NOW: Time = Time(1_795_342_000_000_000);
    let baseline = |range: Value| match parse(&json!({"queryType": "culprits", "baseline": range})) {
        Ok(QueryModel::Culprits { baseline, .. }) => baseline.map(|baseline| baseline.at(NOW)),
        other => panic!("{other:?}"),
    };
    let hour = Micros::from_secs(3600);
    let expected = Some(TimeRange { from: NOW - hour, to: NOW });
    assert_eq!(baseline(json!({"from": "now-1h", "to": "now"})), expected);
    assert_eq!(baseline(json!({"from": 1_795_338_400_000_i64, "to": "1795342000000"})), expected);
    assert_eq!(baseline(json!({"from": (NOW - hour).to_string(), "to": NOW.to_string()})), expected);
    for none in [json!(null), json!({}), json!({"from": "", "to": null})] {
        assert_eq!(baseline(none), None);
    }
}

#[test]
fn a_bad_baseline_is_named_with_what_is_allowed() {
    let of = |range: Value| message(&json!({"queryType": "culprits", "baseline": range}));
    assert!(of(json!("yesterday")).contains("object with `from` and `to`"));
    assert!(of(json!({"from": "now-1h"})).contains("both `from` and `to`"));
    let bad = of(json!({"from": "yesterday", "to": "now"}));
    assert!(bad.contains("`from` of `baseline`") && bad.contains("now-48h"), "{bad}");
    assert!(of(json!({"from": "now-1h", "to": 5})).contains("`to` of `baseline`"));
    assert!(of(json!({"from": true, "to": "now"})).contains("must be a text"));
}

#[test]
fn the_score_of_culprits_is_a_measure_with_one_group_and_one_format() {
    let of = |group: Value, format: &str| json!({"queryType": "metric", "measure": "culprit_score", "groupBy": group, "format": format});
    let by_service = |group| match parse(&of(group, "numeric")) {
        Ok(QueryModel::CulpritScore { by_service, .. }) => by_service,
        other => panic!("{other:?}"),
    };
    assert!(by_service(json!(["service"])) && !by_service(json!([])));
    assert!(message(&of(json!(["verdict"]), "numeric")).contains("`service` only"));
    assert!(message(&of(json!([]), "timeseries")).contains("`numeric` only"));
    parse(&of(json!([]), "numeric")).unwrap().check_alert().unwrap();
    let culprits = parse(&json!({"queryType": "culprits"})).unwrap();
    let refused = culprits.check_alert().unwrap_err().message;
    assert!(refused.contains("`metric`") && refused.contains("`culprit_score`"), "{refused}");
}

#[test]
fn an_alert_rule_on_another_type_gets_the_type_to_use() {
    let operations = parse(&json!({"queryType": "operations"})).unwrap();
    assert!(operations.check_alert().unwrap_err().message.contains("`metric`"));
    parse(&json!({"queryType": "metric"})).unwrap().check_alert().unwrap();
}
