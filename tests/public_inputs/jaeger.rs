//! Misleading answers of Jaeger, through `operations` and `operation`.

use std::time::{Duration, Instant};

use axum::response::Response;
use serde_json::{Value, json};

use crate::{
    command::{Answer, NOW, command, read},
    fake::{Fake, Profile, Seen, text},
};

/// The server of a public case: it answers what the file holds, whatever is asked.
struct Served {
    services: Value,
    names: Vec<Value>,
    search: Value,
    by_id: Value,
    v3: bool,
}

impl Served {
    fn of(case: &Value) -> Self {
        let traces =
            [&case["byid"], &case["search"]].map(|answer| answer["data"].as_array().cloned().unwrap_or_default());
        let spans =
            traces.concat().into_iter().flat_map(|trace| trace["spans"].as_array().cloned().unwrap_or_default());
        let mut names: Vec<Value> = spans.map(|span| span["operationName"].clone()).collect();
        if names.is_empty() {
            names.push("operation.register".into());
        }
        Self {
            services: case["services"].clone(),
            names,
            search: case["search"].clone(),
            by_id: case["byid"].clone(),
            v3: case["v3"] == true,
        }
    }

    fn answer(&self, seen: &Seen) -> Response {
        let json = |value: Value| text(200, "application/json", value.to_string());
        let parts: Vec<&str> = seen.path.split('/').filter(|part| !part.is_empty()).collect();
        let list = |names: &[Value]| names.iter().map(|name| json!({"name": name, "spanKind": ""})).collect::<Value>();
        match (self.v3, parts.as_slice()) {
            (false, ["api", "services"]) => json(json!({"data": self.services})),
            (true, ["api", "v3", "services"]) => json(json!({"services": self.services})),
            (false, ["api", "operations"]) => json(json!({"data": list(&self.names)})),
            (true, ["api", "v3", "operations"]) => json(json!({"operations": list(&self.names)})),
            (false, ["api", "traces"]) | (true, ["api", "v3", "traces"]) => json(self.search.clone()),
            (false, ["api", "traces", _]) | (true, ["api", "v3", "traces", _]) if !self.by_id.is_null() => {
                json(self.by_id.clone())
            }
            _ => text(404, "text/plain", "404 page not found\n"),
        }
    }
}

fn case(name: &str) -> Value {
    serde_json::from_slice(&read(name)).unwrap()
}

/// Runs the command line while the server runs.
async fn ask(fake: &Fake, args: &[&str]) -> Answer {
    let url = fake.url.clone();
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let asking = tokio::task::spawn_blocking(move || {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        command(&args).args(["--jaeger", &url, "--now", NOW, "--format", "json"]).output().unwrap()
    });
    asking.await.unwrap().into()
}

async fn operations(fake: &Fake) -> Answer {
    ask(fake, &["operations", "--from", "2026-11-22T09:00:00Z"]).await
}

async fn serve(served: Served) -> Fake {
    Fake::scripted(Profile::v2_20(), Vec::new(), move |seen, _| Some(served.answer(seen))).await
}

/// A server with this answer to searches; it answers other requests as in case 19.
async fn searching(answer: impl Fn() -> Response + Send + Sync + 'static) -> Fake {
    let served = Served::of(&case("19-api-search-cuts-traces.json"));
    Fake::scripted(Profile::v2_20(), Vec::new(), move |seen, _| {
        Some(if seen.path == "/api/traces" { answer() } else { served.answer(seen) })
    })
    .await
}

/// jaeger#9007, `GreptimeDB` pull request 7298: the search gives the first second of a trace.
#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_not_stuck_before_its_trace_was_read_by_id() {
    let fake = serve(Served::of(&case("19-api-search-cuts-traces.json"))).await;
    let records = operations(&fake).await.json();
    assert_eq!(records.as_array().unwrap().len(), 1);
    assert_eq!((records[0]["verdict"].as_str(), records[0]["severity"].as_u64()), (Some("healthy"), Some(0)));
    assert_eq!(records[0]["partial"], false);
    let id = records[0]["operation_id"].as_str().unwrap();
    let one = ask(&fake, &["operation", id]).await.json();
    assert_eq!((one[0]["verdict"].as_str(), one[0]["span_count"].as_u64()), (Some("healthy"), Some(7)));
}

/// An operation whose trace cannot be read completely is not called stuck, and a deleted trace is called incomplete.
#[tokio::test(flavor = "multi_thread")]
async fn an_operation_whose_trace_cannot_be_read_is_unknown() {
    let served = Served::of(&case("19-api-search-cuts-traces.json"));
    let fake = Fake::scripted(Profile::v2_20(), Vec::new(), move |seen, _| {
        let by_id = seen.path.starts_with("/api/traces/") || seen.path.starts_with("/api/v3/traces/");
        Some(if by_id { text(500, "text/plain", "the disk is full") } else { served.answer(seen) })
    })
    .await;
    let answer = operations(&fake).await;
    let records = answer.json();
    assert_eq!((records[0]["verdict"].as_str(), records[0]["severity"].as_u64()), (Some("unknown"), Some(1)));
    assert_eq!(records[0]["rule"], "unknown.trace_unread");
    assert!(records[0]["root_cause"].as_str().unwrap().contains("the disk is full"), "{records}");
    assert!(records[0]["partial"] == true && answer.err.contains("the disk is full"), "{}", answer.err);

    let mut gone = case("19-api-search-cuts-traces.json");
    gone["byid"] = json!({"data": null, "errors": [{"code": 404, "msg": "trace not found"}]});
    let records = operations(&serve(Served::of(&gone)).await).await.json();
    assert_eq!((records[0]["verdict"].as_str(), records[0]["confidence"].as_str()), (Some("stuck"), Some("medium")));
    assert!(records[0]["remarks"].to_string().contains("no longer has it as a whole"), "{records}");
}

/// grafana pull request 112610: an error with status 200 is not an empty answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_with_status_200_is_an_error() {
    let fake = serve(Served::of(&case("20-api-v3-error-with-200.json"))).await;
    let answer = operations(&fake).await;
    assert!(answer.refusal().contains("storage is on fire") && answer.err.contains(&fake.url), "{}", answer.err);

    for error in [
        json!({"data": null, "errors": [{"code": 500, "msg": "storage is on fire"}]}),
        json!({"data": [], "errors": [{"code": 500, "msg": "storage is on fire"}]}),
        json!({"errors": [{"msg": "storage is on fire"}]}),
        json!({"errors": "storage is on fire"}),
        json!({"error": {"grpc_code": 13, "http_code": 500, "message": "storage is on fire"}}),
        json!({"error": "storage is on fire"}),
        json!({"code": 13, "message": "storage is on fire", "details": []}),
        json!({"status": "error", "message": "storage is on fire"}),
    ] {
        let body = error.to_string();
        let fake = searching(move || text(200, "application/json", body.clone())).await;
        let answer = operations(&fake).await;
        assert!(
            answer.refusal().contains("storage is on fire") && answer.err.contains(&fake.url),
            "{error}: {}",
            answer.err
        );
    }
}

/// The same in the lists of names, without which nothing is searched at all.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_place_of_names_is_an_error() {
    for route in ["/api/services", "/api/operations"] {
        for (body, word) in [
            (json!({"data": null, "errors": [{"code": 500, "msg": "storage is on fire"}]}), "storage is on fire"),
            (json!({"error": {"message": "storage is on fire"}}), "storage is on fire"),
            (json!({"code": 14, "message": "storage is on fire"}), "storage is on fire"),
            (json!({"hits": []}), "list of names"),
            (json!([]), "list of names"),
        ] {
            let served = Served::of(&case("19-api-search-cuts-traces.json"));
            let text_of = body.to_string();
            let fake = Fake::scripted(Profile::v2_20(), Vec::new(), move |seen, before| {
                let odd = seen.path == route && (route != "/api/services" || before > 0);
                Some(if odd { text(200, "application/json", text_of.clone()) } else { served.answer(seen) })
            })
            .await;
            let answer = operations(&fake).await;
            assert!(answer.refusal().contains(word), "{route} {body}: {}", answer.err);
        }
    }
}

/// Errors beside traces: the answer is used, and says that something is missing.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_beside_traces_is_said_and_makes_the_answer_partial() {
    let mut half = case("19-api-search-cuts-traces.json");
    half["search"] = half["byid"].clone();
    half["search"]["errors"] = json!([{"code": 500, "msg": "a shard is gone"}]);
    let answer = operations(&serve(Served::of(&half)).await).await;
    let records = answer.json();
    assert_eq!((records[0]["verdict"].as_str(), records[0]["partial"].as_bool()), (Some("healthy"), Some(true)));
    assert!(answer.err.contains("a shard is gone"), "{}", answer.err);
    assert!(records[0]["remarks"].to_string().contains("a shard is gone"), "{records}");
}

/// Gateways, login pages, cut and empty bodies: the message names the status and what to try.
#[tokio::test(flavor = "multi_thread")]
async fn answers_of_gateways_are_errors_with_their_status() {
    let page =
        |title: &str| format!("<html><head><title>{title}</title></head><body><form>Sign in</form></body></html>");
    for (status, kind, body, words) in [
        (502, "text/html", page("502 Bad Gateway"), ["status 502", "not available"]),
        (503, "text/plain", "upstream connect error".to_owned(), ["status 503", "upstream connect error"]),
        (504, "application/json", "{\"message\":\"gateway timeout\"}".to_owned(), ["status 504", "gateway timeout"]),
        (429, "text/plain", "slow down".to_owned(), ["status 429", "takes no more requests"]),
        (
            404,
            "application/json",
            "{\"message\":\"no Route matched with those values\"}".to_owned(),
            ["status 404", "no Route"],
        ),
        (200, "text/html", page("Single sign-on"), ["login page", "credentials"]),
        (200, "application/json", String::new(), ["is empty", "status 200"]),
        (
            200,
            "application/json",
            "{\"data\":[{\"traceID\":\"ab\",\"spans\":[".to_owned(),
            ["cut off at byte", "status 200"],
        ),
        (200, "application/json", "[]".to_owned(), ["holds no traces", "status 200"]),
        (200, "application/json", "{}".to_owned(), ["holds no traces", "status 200"]),
    ] {
        let message = format!("{status} {body}");
        let fake = searching(move || text(status, kind, body.clone())).await;
        let answer = operations(&fake).await;
        for word in words {
            assert!(answer.refusal().contains(word) && answer.err.contains("What to try"), "{message}: {}", answer.err);
        }
    }
}

fn busy(status: u16, retry_after: &str) -> Response {
    let mut response = text(status, "text/plain", "slow down");
    response.headers_mut().insert("retry-after", retry_after.parse().unwrap());
    response
}

/// If a server says when to retry, the request is retried then, unless that is too late.
#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_honoured() {
    let served = Served::of(&case("19-api-search-cuts-traces.json"));
    let fake = Fake::scripted(Profile::v2_20(), Vec::new(), move |seen, before| {
        Some(if before < 2 { busy(429, "1") } else { served.answer(seen) })
    })
    .await;
    let asked = Instant::now();
    assert_eq!(operations(&fake).await.json()[0]["verdict"], "healthy");
    assert!(asked.elapsed() >= Duration::from_secs(2), "{:?}", asked.elapsed());

    let fake = Fake::scripted(Profile::v2_20(), Vec::new(), |_, _| Some(busy(503, "3600"))).await;
    let asked = Instant::now();
    let answer = operations(&fake).await;
    assert!(answer.refusal().contains("ask again in 3600 s"), "{}", answer.err);
    assert!(asked.elapsed() < Duration::from_secs(5) && fake.seen().len() == 1, "{:?}", asked.elapsed());
}
