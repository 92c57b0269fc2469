//! The table of culprits and its number for alert rules.

use serde_json::{Value, json};

use super::{names, values};
use crate::{NoticeSeverity, Source, culprit_score, culprits};
use diagnosis::culprits::{Compared, Comparison, Culprit, CulpritKind, WhatChanged};
use diagnosis::{Confidence, Evidence, EvidenceKind};
use trace::{SpanId, Time, TraceId};

fn culprit(rank: usize, service: &str, kind: CulpritKind, score: f64) -> Culprit {
    let evidence = Evidence {
        rule: format!("culprit.{}", kind.as_str()),
        kind: EvidenceKind::Comparison,
        trace_id: Some(TraceId(0xa)),
        span_id: Some(SpanId(0xb)),
        service: Some(service.into()),
        span: Some("Get".into()),
        key: "time on the critical path".into(),
        value: "80 ms more than 10 ms".into(),
        at: Some(Time(1_000_000)),
    };
    Culprit {
        rank,
        service: service.into(),
        caller: (kind == CulpritKind::Network).then(|| "frontend".into()),
        span: "Get".into(),
        kind,
        operation_types: vec!["training".into()],
        affected: 12,
        excess_ms: kind.is_time().then_some(80.0),
        share: 0.5,
        baseline_ms: kind.is_time().then_some(10.0),
        error_ratio: 0.25,
        baseline_error_ratio: 0.0,
        score,
        confidence: Confidence::Medium,
        summary: format!("{service} takes 80 ms longer"),
        example_trace_ids: vec![TraceId(0xa), TraceId(0xc)],
        evidence: vec![evidence],
    }
}

fn changed(culprits: Vec<Culprit>) -> WhatChanged {
    WhatChanged {
        compared: Compared::Operations,
        ranges: None,
        comparison: Comparison { operations: 40, baseline_operations: 60, culprits, ..Comparison::default() },
        is_thin: false,
        notices: vec!["40 operations of the window were compared with 60 of the baseline".into()],
        partial: false,
        executed: "GET /api/traces".into(),
    }
}

/// Two culprits in one service, and one elsewhere.
pub(super) fn two() -> WhatChanged {
    changed(vec![
        culprit(1, "cart", CulpritKind::Network, 70.0),
        culprit(2, "cart", CulpritKind::Errors, 30.0),
        culprit(3, "mail", CulpritKind::Missing, 5.5),
    ])
}

/// The contract's columns; those that matter most come first, and the first example is a column of its own with links.
#[test]
fn a_row_has_the_columns_of_the_contract() {
    let frame = culprits(&two(), &Source { uid: "u".into(), name: "n".into() });
    let others = [
        "caller",
        "span",
        "operation_types",
        "baseline_ms",
        "error_ratio",
        "baseline_error_ratio",
        "score",
        "example_trace_ids",
        "evidence",
    ];
    let first =
        ["rank", "service", "kind", "summary", "affected", "excess_ms", "share", "confidence", "example_trace_id"];
    assert_eq!(names(&frame), [first, others].concat());
    let found = values(&frame);
    assert_eq!(found[0], json!([1, 2, 3]));
    assert_eq!(found[5], json!([80.0, null, null]));
    assert_eq!(found[8], json!([TraceId(0xa).to_string(), TraceId(0xa).to_string(), TraceId(0xa).to_string()]));
    let example = frame.field("example_trace_id").unwrap();
    let links = serde_json::to_value(&example.config.links).unwrap();
    assert_eq!(links[0]["internal"]["query"]["queryType"], "diagnosis");
    assert!(links[1]["url"].as_str().unwrap().starts_with("/d/ktrdr-diagnosis?var-diagnosis=u&var-operation="));
    assert_eq!(links[2]["internal"]["query"]["queryType"], "trace");
    assert_eq!(frame.meta.preferred_visualisation_type, Some("table"));
    assert_eq!(frame.meta.executed_query_string, "GET /api/traces");
}

#[test]
fn the_frame_says_what_was_compared_also_if_nothing_deviates() {
    let source = Source::default();
    let none = culprits(&changed(Vec::new()), &source);
    assert_eq!((none.rows(), none.fields.len()), (0, culprits(&two(), &source).fields.len()));
    assert_eq!(none.meta.notices[0].severity, NoticeSeverity::Info);
    let custom = none.meta.custom.unwrap();
    assert_eq!((&custom["operations"], &custom["baselineOperations"]), (&json!(40), &json!(60)));
    assert_eq!(
        (&custom["partial"], &custom["isThin"], &custom["window"]),
        (&json!(false), &json!(false), &Value::Null)
    );
    let partial = WhatChanged { partial: true, ..two() };
    assert_eq!(culprits(&partial, &source).meta.notices[0].severity, NoticeSeverity::Warning);
}

#[test]
fn the_score_for_alert_rules_is_the_largest_or_that_of_each_service_or_0() {
    let all = culprit_score(&two(), false);
    assert_eq!((names(&all), values(&all)), (vec!["culprit_score"], json!([[70.0]])));
    let each = culprit_score(&two(), true);
    assert_eq!(names(&each), ["service", "culprit_score"]);
    assert_eq!(values(&each), json!([["cart", "mail"], [70.0, 5.5]]));
    assert_eq!((each.meta.kind, each.meta.type_version), (Some("numeric-long"), Some([0, 1])));
    assert!(each.fields.iter().all(|field| !field.nullable));
    let none = changed(Vec::new());
    assert_eq!(values(&culprit_score(&none, false)), json!([[0.0]]));
    assert_eq!(values(&culprit_score(&none, true)), json!([["none"], [0.0]]));
}
