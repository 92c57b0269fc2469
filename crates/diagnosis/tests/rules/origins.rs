//! Where an error arose, on inputs that public reports showed: errors that only a status describes, wrappers and
//! consequences, answers that never came, ids and texts that are numbers.

use diagnosis::playbook::Playbook;
use diagnosis::{Confidence, Diagnosis, ErrorRole, EvidenceKind, OperationStatus as S, Verdict as V};

use crate::{picture::*, scenes::*};

/// A system of its own: an operation is an order.
fn shop() -> Playbook {
    let text = r#"
        extends = "none"
        name = "Shop"
        [attributes]
        operation_id = ["order.id"]
        operation_type = ["order.kind"]
        to_status = ["order.to"]
        operation_error = ["order.problem"]
        http_method = ["http.method"]
        http_url = ["http.url"]
        http_status = ["http.status_code"]
        exception_type = ["exception.type"]
        exception_message = ["exception.message"]
        [spans]
        register = ["order.accept"]
        transition = ["order.state"]
        [[rule]]
        id = "healthy.completed"
        doc = "Completed."
        verdict = "healthy"
        severity = 0
        summary = "Completed"
        [[rule]]
        id = "failed.operation"
        doc = "Failed."
        verdict = "failed"
        severity = 3
        summary = "Failed with {error_type}: {message|no message}"
        [[error]]
        id = "error.declined"
        doc = "The bank declined the card."
        messages = ["(?i)card (?P<value>\\w+) was declined"]
        error_type = "CardDeclined"
        verdict = "failed"
        severity = 3
        summary = "Card {value} declined: {message}"
    "#;
    Playbook::with_overlay(text).expect("a playbook")
}

/// An order that failed; `lines` are below the request.
fn order(root: &str, lines: &str) -> String {
    format!(
        "\
checkout | PlaceOrder | 0 +100ms | kind=server ; {root}
  checkout | order.accept | 1ms | order.id=order-9 ; order.kind=standard
{lines}
  checkout | order.state | 99ms | order.id=order-9 ; order.to=failed"
    )
}

fn origin(d: &Diagnosis) -> (Option<&str>, Option<&str>, Option<&str>) {
    (d.error_type.as_deref(), d.error_message.as_deref(), d.error_span.as_deref())
}

/// openobserve#4851, uptrace#248, opentelemetry-demo#1412: Go, gRPC and .NET describe errors in the status alone.
#[test]
fn the_text_of_a_status_is_an_error() {
    let text = "rpc error: code = Unavailable desc = connection refused";
    let call = |text: &str| format!("  checkout | GetProduct | 20ms +40ms | kind=client ; error={text}");
    let d = one_by(&shop(), &order("error=failed to prepare order", &call(text)), "1m");
    assert_eq!(origin(&d), (Some("OperationError"), Some(text), Some("GetProduct")));
    assert!(d.summary.contains(text), "{}", d.summary);
    let path: Vec<_> = d.error_path.iter().map(|step| step.span.as_str()).collect();
    assert_eq!(path, ["GetProduct", "PlaceOrder"]);
    assert!(d.evidence.iter().any(|e| e.kind == EvidenceKind::Status && e.value == text), "{:?}", d.evidence);
    assert!(!d.evidence.iter().any(|e| e.kind == EvidenceKind::Event), "there is no event: {:?}", d.evidence);
    let declined = "could not charge the card: rpc error: code = Unknown desc = card 4711 was declined";
    let d = one_by(&shop(), &order("error=failed", &call(declined)), "1m");
    assert_eq!((d.rule.as_str(), origin(&d).0), ("error.declined", Some("CardDeclined")));
    assert!(d.summary.starts_with("Card 4711 declined"), "{}", d.summary);
    let dotnet =
        one_by(&shop(), &order("error=failed", &call("Shop.Payments.CardException: card 4711 was declined")), "1m");
    assert_eq!(origin(&dotnet), (Some("CardException"), Some("card 4711 was declined"), Some("GetProduct")));
}

/// openobserve#4851 for KTRDR's own playbook: its patterns apply to every way of saying it.
#[test]
fn texts_of_a_status_are_classified() {
    for (text, error_type) in [
        ("dial tcp 10.0.0.7:5001: connect: connection refused", "ConnectError"),
        ("dial tcp: lookup ib-host on 10.0.0.10:53: no such host", "ConnectError"),
        ("rpc error: code = Unavailable desc = upstream gone", "ConnectError"),
        (r#"Status(StatusCode="Unavailable", Detail="Error starting gRPC call.")"#, "ConnectError"),
        ("No connection could be made because the target machine actively refused it", "ConnectError"),
        ("context deadline exceeded", "ReadTimeout"),
        ("rpc error: code = DeadlineExceeded desc = too slow", "ReadTimeout"),
        ("read tcp 10.0.0.1:5001: i/o timeout", "ReadTimeout"),
        ("System.Net.Http.HttpRequestException: Connection refused (ib-host:5001)", "HttpRequestException"),
    ] {
        let d = one(
            &download(&format!(
                "api | fetch | 1s +2s | kind=client ; server.address=ib-host ; server.port=5001 ; error={text}\napi | running->failed {{D}} | 4s"
            )),
            "1m",
        );
        assert_eq!((d.verdict, d.rule.as_str()), (V::Unreachable, "service.ib_host"), "{text}: {}", d.summary);
        assert_eq!(d.error_type.as_deref(), Some(error_type), "{text}");
    }
}

/// A span that has the status of an error and nothing more is still where it happened.
#[test]
fn an_error_without_a_word_has_its_span() {
    let d = one_by(&shop(), &order("error", "  checkout | charge | 20ms +40ms | error"), "1m");
    assert_eq!(origin(&d), (Some("OperationError"), None, Some("charge")));
    let written = one_by(
        &shop(),
        &order("error", "  checkout | charge | 20ms +40ms | error")
            .replace("order.to=failed", "order.to=failed ; order.problem=no stock"),
        "1m",
    );
    assert_eq!(origin(&written), (Some("OperationError"), Some("no stock"), Some("order.state")));
}

fn failing(lines: &str) -> Diagnosis {
    one(&training(&format!("{lines}\ntrain | running->failed {{T}} | 9s")), "1h")
}

const GONE: &str = "!ktrdr.errors.DataNotFoundError: no data for EURUSD 1h";

/// pyrollbar#441, starlette#1262: groups are wrappers wherever they are recorded.
#[test]
fn groups_are_wrappers_on_the_span_of_the_error_too() {
    for group in ["ExceptionGroup", "exceptiongroup.BaseExceptionGroup", "builtins.ExceptionGroup"] {
        let message = "unhandled errors in a TaskGroup (1 sub-exception)";
        let d = failing(&format!("train | training.fit | 1s +5s | @4800ms{GONE} ; @4899ms!{group}: {message}"));
        assert_eq!((d.verdict, d.error_type.as_deref()), (V::MissingData, Some("DataNotFoundError")), "{group}");
        let roles: Vec<_> = d.errors.iter().map(|e| e.role).collect();
        assert_eq!(roles, [ErrorRole::Origin, ErrorRole::Wrapper]);
    }
    // Recorded first, above or below, or under another name: by its message.
    let d = failing(&format!(
        "train | training.fit | 1s +5s | @1s!app.OurGroup: unhandled errors in a TaskGroup (2 sub-exceptions) ; @2s{GONE}\n  \
         train | training.part | 1s +2s | !anyio.ExceptionGroup: two (2 sub-exceptions)"
    ));
    assert_eq!(origin(&d).0, Some("DataNotFoundError"));
}

/// Retries, executors and cancellations wrap or follow from the real error.
#[test]
fn wrappers_and_consequences_are_never_the_cause() {
    for wrapper in [
        "!tenacity.RetryError: RetryError[<Future at 0x7f state=finished raised DataNotFoundError>]",
        "!urllib3.exceptions.MaxRetryError: HTTPConnectionPool(host='x', port=80): Max retries exceeded with url: /",
        "!app.LoadError: retries exhausted",
        "!app.LoadError: giving up after 4 attempts",
        "!app.LoadError: maximum number of retries reached",
        "!java.util.concurrent.ExecutionException: app.DataNotFoundError: gone",
        "!java.util.concurrent.CompletionException: gone",
        "!System.AggregateException: One or more errors occurred. (gone)",
        "!AggregateError: All promises were rejected",
        "!asyncio.exceptions.CancelledError: ",
        "!System.Threading.Tasks.TaskCanceledException: A task was canceled.",
        "!app.StepError: load symbols: context canceled",
        "!app.StepError: The operation was canceled.",
        "!click.exceptions.Exit: 1",
    ] {
        // On the span itself, above it, and deeper on a sibling that ended because of it.
        let here = format!("train | training.fit | 1s +5s | @2s{GONE} ; @1s{wrapper}");
        let above = format!("train | training.all | 1s +6s | {wrapper}\n  train | training.fit | 1s +5s | {GONE}");
        let beside = format!(
            "train | training.fit | 1s +5s | {GONE}\ntrain | training.other | 1s +6s\n  train | training.part | 1s +6s | {wrapper}"
        );
        for lines in [here, above, beside] {
            let d = failing(&lines);
            assert_eq!(origin(&d).0, Some("DataNotFoundError"), "{wrapper}\n{lines}");
        }
    }
}

/// The cause is taken out of a wrapper that names it, where nothing else is recorded.
#[test]
fn a_wrapper_alone_gives_its_cause_away() {
    let group = "Traceback of group:\\n  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)\\n  +-+---------------- 1 ----------------\\n    | Traceback (most recent call last):\\n    |   File \"/app/load.py\", line 3, in load\\n    |     raise error\\n    | ktrdr.errors.DataNotFoundError: no data for EURUSD 1h\\n    +------------------------------------";
    let chain = "Traceback (most recent call last):\\n  File \"/app/a.py\", line 1, in f\\n    g()\\nhttpx.ConnectError: All connection attempts failed\\n\\nThe above exception was the direct cause of the following exception:\\n\\nTraceback (most recent call last):\\n  File \"/app/a.py\", line 9\\napp.RetryError: gone";
    let java = "java.util.concurrent.ExecutionException: x\\n\\tat a.B.c(B.java:1)\\nCaused by: java.util.concurrent.CompletionException: y\\nCaused by: java.net.ConnectException: Connection refused\\n\\tat java.base/D.e(D.java)";
    let dotnet = "System.AggregateException: One or more errors occurred.\\n ---> System.Net.Http.HttpRequestException: Connection refused (ib:5001)\\n ---> System.Net.Sockets.SocketException (111): Connection refused\\n   at A.B()";
    for (wrapper, class, message) in [
        (format!("!ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception) ; trace={group}"), "DataNotFoundError", "no data for EURUSD 1h"),
        (format!("!app.RetryError: gone ; trace={chain}"), "ConnectError", "All connection attempts failed"),
        (format!("!java.util.concurrent.ExecutionException: x ; trace={java}"), "ConnectException", "Connection refused"),
        (format!("!System.AggregateException: One or more errors occurred. ; trace={dotnet}"), "SocketException", "Connection refused"),
        ("!java.util.concurrent.ExecutionException: java.net.ConnectException: Connection refused".into(), "ConnectException", "Connection refused"),
        ("!System.AggregateException: One or more errors occurred. (Connection refused (ib:5001))".into(), "ConnectError", "Connection refused (ib:5001)"),
        ("!MaxRetryError: Max retries exceeded with url: /x (Caused by NewConnectionError('<a.B object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused'))".into(), "NewConnectionError", "Failed to establish a new connection: [Errno 111] Connection refused"),
        ("!app.LoadError: retries exhausted: dial tcp 10.0.0.7:5001: connect: connection refused".into(), "ConnectError", "dial tcp 10.0.0.7:5001: connect: connection refused"),
        ("!tenacity.RetryError: RetryError[<Future at 0x7f state=finished raised KeyError>]".into(), "KeyError", "RetryError[<Future at 0x7f state=finished raised KeyError>]"),
    ] {
        let d = failing(&format!("train | training.fit | 1s +5s | {wrapper}"));
        assert_eq!(origin(&d), (Some(class), Some(message), Some("training.fit")), "{wrapper}");
        let roles: Vec<_> = d.errors.iter().map(|e| (e.role, e.error_type.as_deref())).collect();
        assert!(roles.contains(&(ErrorRole::Origin, Some(class))), "{roles:?}");
        assert!(roles.iter().any(|(role, _)| *role == ErrorRole::Wrapper), "{roles:?}");
    }
    // What happened *while* an error was handled is not certainly its cause.
    let during = chain.replace(
        "The above exception was the direct cause of the following exception",
        "During handling of the above exception, another exception occurred",
    );
    let d = failing(&format!("train | training.fit | 1s +5s | !app.RetryError: gone ; trace={during}"));
    assert_eq!(
        origin(&d),
        (Some("RetryError"), Some("gone"), Some("training.fit")),
        "the wrapper itself is all that is known"
    );
}

/// The operation's own words may be a wrapper's too.
#[test]
fn own_words_of_a_wrapper_give_way() {
    let with = |lines: &str, words: &str| {
        one(&training(&format!("{lines}\ntrain | running->failed {{T}} | 9s | operation.error={words}")), "1h")
    };
    let group = "unhandled errors in a TaskGroup (1 sub-exception)";
    let d = with("train | training.fit | 1s +5s | error=no data found in cache for EURUSD 1h", group);
    assert_eq!((origin(&d).0, origin(&d).2), (Some("DataNotFoundError"), Some("training.fit")));
    let alone = with("", group);
    assert_eq!(origin(&alone), (Some("OperationError"), Some(group), Some("operation.state_transition")));
    let named = with("", "ExecutionException: java.net.ConnectException: Connection refused");
    assert_eq!((origin(&named).0, named.verdict), (Some("ConnectException"), V::Unreachable));
}

/// Causes among errors of equal depth: the earliest.
#[test]
fn among_errors_of_equal_depth_the_earliest_is_the_cause() {
    let two = |a: &str, b: &str| {
        failing(&format!(
            "train | training.a | {a} | !app.FirstError: x\ntrain | training.b | {b} | !app.SecondError: y"
        ))
    };
    assert_eq!(origin(&two("1s +1s", "1s +3s")).0, Some("FirstError"));
    assert_eq!(origin(&two("1s +3s", "1s +1s")).0, Some("SecondError"));
    let d = failing("train | training.a | 1s +5s | @2s!app.FirstError: x ; @3s!app.SecondError: y");
    assert_eq!(origin(&d).0, Some("FirstError"), "on one span");
    // One that the span above survived is not the cause of anything later.
    let d = failing(
        "\
train | training.a | 1s +2s | ok
  train | training.cache | 1s +1s | !app.FirstError: x
train | training.b | 4s +2s
  train | training.step | 4s +1s | !app.SecondError: y",
    );
    assert_eq!(origin(&d).0, Some("SecondError"), "the first was handled");
}

/// jaeger-ui#281, jaeger#1882: ids, states, types and texts may come as numbers or truth values.
#[test]
fn texts_may_come_as_numbers() {
    let picture = order("ok", "")
        .replace("order-9", "4711")
        .replace("order.kind=standard", "order.kind=7")
        .replace("order.to=failed", "order.to=failed ; order.problem=503");
    let d = one_by(&shop(), &picture, "1m");
    assert_eq!((d.operation_id.as_deref(), d.operation_type.as_str(), d.status), (Some("4711"), "7", S::Failed));
    assert_eq!(d.error_message.as_deref(), Some("503"));
    let evidence: Vec<_> = d.evidence.iter().map(|e| (e.key.as_str(), e.value.as_str())).collect();
    assert!(evidence.contains(&("order.problem", "503")), "{evidence:?}");
    let states =
        Playbook::with_overlay("[operation.states]\n\"3\" = \"completed\"\ntrue = \"failed\"").expect("a playbook");
    let ended = |state: &str| {
        one_by(
            &states,
            &training(&format!(
                "train | operation.state_transition | 9m | operation.id={{T}} ; operation.to_status={state}"
            )),
            "1h",
        )
        .status
    };
    assert_eq!((ended("3"), ended("3.0"), ended("true")), (S::Completed, S::Completed, S::Failed));
    let event = failing("train | training.fit | 1s +1s | exception.type=app.OddError ; exception.message=42");
    assert_eq!(origin(&event), (Some("OddError"), Some("42"), Some("training.fit")));
}

/// jaeger#4400, opentelemetry-go-contrib#6975: servers leave the status unset below 500, some above it too.
#[test]
fn a_refused_start_has_the_code_as_class() {
    for code in [400, 401, 403, 404, 409, 422, 429, 499, 500, 502, 503, 504] {
        let d = one(
            &format!(
                "api | POST /api/v1/trainings/start | 0 +4ms | kind=server ; http.method=POST ; http.target=/api/v1/trainings/start ; http.status_code={code}"
            ),
            "1m",
        );
        let class = format!("HTTP {code}");
        assert_eq!(
            (d.status, origin(&d)),
            (S::Failed, (Some(class.as_str()), None, Some("POST /api/v1/trainings/start")))
        );
        assert_eq!(d.rule, "failed.start_refused", "{code}");
        assert!(d.evidence.iter().any(|e| (e.kind, e.key.as_str()) == (EvidenceKind::Attribute, "http.status_code")));
    }
    let good = one(
        "api | POST /api/v1/trainings/start | 0 +4ms | kind=server ; http.method=POST ; http.target=/api/v1/trainings/start ; http.status_code=399",
        "1m",
    );
    assert_eq!((good.status, good.error_type), (S::Unknown, None));
}

/// A gRPC status is a class, whether the span's own status says so or not.
#[test]
fn a_grpc_status_is_a_class() {
    let call = |more: &str| failing(&format!("train | app.Store/Load | 1s +1s | kind=client ; {more}"));
    let code = call("error ; rpc.grpc.status_code=13");
    assert_eq!((origin(&code).0, code.verdict), (Some("gRPC INTERNAL"), V::Failed));
    let unset = call("rpc.grpc.status_code=5");
    assert_eq!(origin(&unset), (Some("gRPC NOT_FOUND"), None, Some("app.Store/Load")));
    let named = call("error ; rpc.response.status_code=UNAVAILABLE ; server.address=db ; server.port=5432");
    assert_eq!((named.verdict, named.rule.as_str()), (V::Unreachable, "service.database"));
    assert_eq!(origin(&call("error ; rpc.grpc.status_code=1")).0, Some("gRPC CANCELLED"), "all that is known");
}

/// envoy#32797, opentelemetry-python-contrib#3637: a failed client span without status code and without an exception.
#[test]
fn an_answer_that_never_came_is_a_service_out_of_reach() {
    for (address, rule) in [
        ("http.method=GET ; http.url=http://ib-host:5001/data/historical", "service.ib_host"),
        ("http.method=GET ; http.url=http://10.0.0.7:5001/other", "service.ib_host"),
        ("http.method=GET ; http.url=http://ib-host:5001/data/historical ; http.status_code=0", "service.ib_host"),
        (
            "http.method=GET ; http.target=/data/historical ; net.peer.name=10.0.0.7 ; net.peer.port=9",
            "service.ib_host",
        ),
        ("http.method=GET ; net.peer.name=my-ib-host", "service.ib_host"),
        ("net.peer.name=10.0.0.7 ; net.peer.port=5001", "service.ib_host"),
        ("server.address=10.0.0.7 ; server.port=\"5001\"", "service.ib_host"),
        ("peer.service=ktrdr-ib-host-service", "service.ib_host"),
        ("peer.service=ktrdr-training-worker-201", "service.training_worker"),
        ("db.system=postgresql ; server.address=db ; server.port=5432", "service.database"),
        ("http.request.method=GET ; url.full=http://elsewhere:1234/x", "service.other"),
    ] {
        let d = failing(&format!(
            "train | training.all | 1s +6s\n  train | call | 2s +2s | kind=client ; {address} ; error"
        ));
        assert_eq!(
            (d.verdict, d.rule.as_str(), d.status),
            (V::Unreachable, rule, S::Failed),
            "{address}: {}",
            d.summary
        );
        assert_eq!(origin(&d), (Some("OperationError"), None, Some("call")));
        assert_eq!(d.confidence, Confidence::Medium);
        assert!(!d.summary.contains("OperationError"), "{}", d.summary);
    }
    // Answered, or taken in by the other side: then something else went wrong.
    let answered = failing("train | > GET http://ib-host:5001/data/historical 500 | 2s +2s");
    assert_eq!((answered.verdict, origin(&answered).0), (V::Failed, Some("HTTP 500")));
    let served = failing(
        "train | > GET http://ib-host:5001/data/historical | 2s +2s | error\n  ib | < GET /data/historical 200 | 2100ms +1s",
    );
    assert_eq!(served.verdict, V::Failed, "{}", served.summary);
}

/// Of a request without an answer nobody knows more than its exception says.
#[test]
fn an_unknown_error_of_a_request_without_an_answer_is_a_service_out_of_reach() {
    let d =
        failing("train | > GET http://ib-host:5001/data/historical | 2s +2s | !ssl.HandshakeFailed: bad certificate");
    assert_eq!(
        (d.verdict, d.rule.as_str(), origin(&d).0),
        (V::Unreachable, "service.ib_host", Some("HandshakeFailed"))
    );
    let cancelled = failing("train | > GET http://ib-host:5001/data/historical | 2s +2s | !asyncio.CancelledError: ");
    assert_eq!(cancelled.verdict, V::Failed, "a consequence says nothing of the service: {}", cancelled.summary);
    let known = failing("train | > GET http://ib-host:5001/data/historical | 2s +2s | !ValueError: no such mode");
    assert_eq!(known.rule, "error.invalid_value");
}
