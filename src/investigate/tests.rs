use super::{list::keep_first, *};
use diagnosis::Severity;
use trace::TraceId;

#[test]
fn ids_trace_ids_and_links_to_jaeger_are_distinguished() {
    let op = |id: &str| Some(Target::Operation(id.to_owned()));
    assert_eq!(Target::parse(" op_training_20261122_100505_a41e50c8 "), op("op_training_20261122_100505_a41e50c8"));
    assert_eq!(Target::parse("123456789abcdef"), op("123456789abcdef"), "15 digits");
    let either = |id: &str| Some(Target::Either(id.to_owned(), TraceId::parse(id).unwrap()));
    for digits in ["8212b7921662819341f6e69c550de215", "41f6e69c550de215"] {
        assert_eq!(Target::parse(digits), either(digits));
    }
    assert_eq!(
        Target::parse("8212b7921662819341f6e69c550de2150"),
        op("8212b7921662819341f6e69c550de2150"),
        "33 digits"
    );
    let trace = TraceId::parse("8212b7921662819341f6e69c550de215").unwrap();
    assert_eq!(
        Target::parse("http://jaeger/trace/8212b7921662819341f6e69c550de215?uiFind=x"),
        Some(Target::Trace(trace))
    );
    assert_eq!(Target::parse("  "), None);
}

/// Review B11: ids of Celery, Temporal and payment systems are hexadecimal digits.
#[test]
fn an_id_that_could_be_either_is_an_operation_first_unless_ids_look_otherwise() {
    let id = "4bc5e6d07c3c4f0a9d0b8a5f1e2d3c4b";
    let (operation, trace) = (Target::Operation(id.to_owned()), Target::Trace(TraceId::parse(id).unwrap()));
    let target = Target::parse(id).unwrap();
    let celery = Playbook::with_overlay("extends = \"none\"\nname = \"Celery\"").unwrap();
    assert_eq!(target.meanings(&celery), [operation.clone(), trace.clone()]);
    let hexadecimal = Playbook::with_overlay("[operation]\nid_pattern = '^[0-9a-f]{32}$'").unwrap();
    assert_eq!(target.meanings(&hexadecimal), [operation.clone(), trace.clone()]);
    assert_eq!(target.meanings(&Playbook::ktrdr()), [trace, operation], "KTRDR's ids begin with op_");
}

fn operation(id: &str, severity: Severity, start: i64, duration_ms: Option<f64>) -> Arc<Diagnosis> {
    let operation_id = Some(id.to_owned());
    Arc::new(Diagnosis { operation_id, severity, start: Some(Time(start)), duration_ms, ..Diagnosis::default() })
}

/// acceptance G10: a dashboard opened with some operation, not with the worst or newest one in trouble.
#[test]
fn operations_come_in_the_order_asked_for_and_the_rest_is_said() {
    let diagnoses = vec![
        operation("new", Severity::Fine, 9, Some(1.0)),
        operation("worse", Severity::Critical, 7, Some(2.0)),
        operation("bad", Severity::Critical, 5, None),
        operation("long", Severity::Warning, 4, Some(9.0)),
    ];
    let first = |order: Order, limit| {
        let mut answer = Answer { diagnoses: diagnoses.clone(), ..Answer::default() };
        keep_first(&mut answer, order, limit);
        let ids: Vec<&str> = answer.diagnoses.iter().filter_map(|d| d.operation_id.as_deref()).collect();
        (ids.join(" "), answer.notices)
    };
    assert_eq!(first(Order::Newest, 4), ("new worse bad long".to_owned(), vec![]));
    assert_eq!(first(Order::Worst, 4), ("worse bad long new".to_owned(), vec![]));
    assert_eq!(first(Order::Longest, 4), ("long worse new bad".to_owned(), vec![]));
    let (worst, notices) = first(Order::Worst, 3);
    assert_eq!(worst, "worse bad long");
    assert_eq!(notices, ["the worst 3 of 4 operations are shown: raise the limit to see more"]);
}
