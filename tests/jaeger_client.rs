//! The client against fake servers that behave like real ones.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod fake;

use std::time::Duration;

use fake::{Fake, Profile, legacy_error, span, text, trace};
use jaeger::{Auth, Client, Config, Dialect, ErrorKind, Search, Secret, TraceForm};
use serde_json::json;
use trace::{Micros, Time, Trace, TraceId};

const NOON: i64 = 1_795_341_600_000_000;
const SECOND: i64 = 1_000_000;

fn client(fake: &Fake) -> Client {
    with(fake, |_| {})
}

fn with(fake: &Fake, change: impl FnOnce(&mut Config)) -> Client {
    let mut config = Config { url: fake.url.clone(), timeout: Duration::from_secs(20), ..Config::default() };
    change(&mut config);
    Client::new(&config).unwrap()
}

fn search(service: Option<&str>, attributes: &[(&str, &str)]) -> Search {
    Search {
        service: service.map(str::to_owned),
        attributes: attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        from: Time(NOON - 3600 * SECOND),
        to: Time(NOON + 3600 * SECOND),
        limit: 20,
        ..Search::default()
    }
}

/// Three traces of two services; the operation is in the workers only.
fn traces() -> Vec<serde_json::Value> {
    let mut failing = span("worker", "training.data_loading", NOON + 2 * SECOND, SECOND, &[]);
    failing.tags = vec![
        json!({"key": "error", "type": "bool", "value": true}),
        json!({"key": "otel.status_code", "type": "string", "value": "ERROR"}),
        json!({"key": "data.rows", "type": "int64", "value": 7}),
        json!({"key": "span.kind", "type": "string", "value": "internal"}),
    ];
    vec![
        trace(
            1,
            &[
                span("api", "POST /train", NOON, 5 * SECOND, &[("span.kind", "server")]),
                span("worker", "operation.register", NOON + SECOND, 1000, &[("operation.id", "op.1")]),
                failing,
            ],
        ),
        trace(
            2,
            &[
                span("api", "GET /health", NOON + 60 * SECOND, 10, &[]),
                span("worker", "operation.register", NOON + 61 * SECOND, 1000, &[("operation.id", "opX1")]),
            ],
        ),
        trace(3, &[span("api", "GET /health", NOON - 60 * SECOND, 10, &[])]),
    ]
}

fn ids(traces: &[Trace]) -> Vec<u128> {
    traces.iter().map(|trace| trace.id().0).collect()
}

#[tokio::test]
async fn every_generation_answers_the_same_questions_alike() {
    let mut answers = Vec::new();
    for (profile, dialect) in [
        (Profile::v1_62(), Dialect::Legacy),
        (Profile::v2_20(), Dialect::Legacy),
        (Profile::v2_21(), Dialect::V3),
        (Profile { operations_route: false, ..Profile::v2_20() }, Dialect::Legacy),
        (Profile { base: "/select/jaeger".to_owned(), ..Profile::v2_20() }, Dialect::Legacy),
        (Profile { base: "/jaeger".to_owned(), ..Profile::v2_21() }, Dialect::V3),
    ] {
        let fake = Fake::start(profile.clone(), traces()).await;
        let client = client(&fake);
        assert_eq!(client.server_info().await.unwrap().dialect, dialect, "{profile:?}");
        assert_eq!(client.services().await.unwrap(), ["api", "worker"]);
        let names = client.operations("worker").await.unwrap();
        assert_eq!(names, ["operation.register", "training.data_loading"]);
        let found = client.search(&search(Some("worker"), &[("operation.id", "op.1")])).await.unwrap();
        assert_eq!(ids(&found.traces), [1]);
        let all = client.search(&search(None, &[])).await.unwrap();
        assert_eq!(ids(&all.traces), [2, 1, 3], "newest first");
        let one = client.trace(TraceId(1)).await.unwrap().unwrap();
        assert_eq!(one.canonical(), found.traces[0].canonical());
        assert!(client.trace(TraceId(99)).await.unwrap().is_none());
        let nothing = client.search(&search(Some("worker"), &[("operation.id", "none")])).await.unwrap();
        assert!(nothing.traces.is_empty() && !nothing.truncated);
        answers.push(all.traces.iter().map(Trace::canonical).collect::<Vec<_>>());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn a_search_asks_in_the_words_of_the_dialect() {
    let mut wanted = search(Some("a b&c"), &[("operation.id", "x"), ("k", "v")]);
    wanted.operation = Some("POST /x".to_owned());
    wanted.min_duration = Some(Micros(1500));
    let legacy = Fake::start(Profile::v2_20(), traces()).await;
    client(&legacy).search(&wanted).await.unwrap();
    let seen = legacy.searches().remove(0);
    assert_eq!((seen.get("service"), seen.get("operation"), seen.get("limit")), ("a b&c", "POST /x", "20"));
    assert_eq!((seen.get("tags"), seen.get("minDuration")), ("{\"k\":\"v\",\"operation.id\":\"x\"}", "1500us"));
    assert_eq!(seen.get("start"), (NOON - 3600 * SECOND).to_string());
    let v3 = Fake::start(Profile::v2_21(), traces()).await;
    client(&v3).search(&wanted).await.unwrap();
    let seen = v3.searches().remove(0);
    assert_eq!((seen.get("query.serviceName"), seen.get("query.searchDepth")), ("a b&c", "20"));
    assert_eq!(seen.get("query.startTimeMin"), "2026-11-22T09:00:00Z");
    assert_eq!(seen.get("query.attributes"), "{\"k\":\"v\",\"operation.id\":\"x\"}");
}

#[tokio::test]
async fn a_search_without_service_is_spread_over_the_services_with_a_cap_that_is_noted() {
    let fake = Fake::start(Profile::v2_20(), traces()).await;
    let found = client(&fake).search(&search(None, &[("operation.id", "op.1")])).await.unwrap();
    assert_eq!(ids(&found.traces), [1]);
    let mut services: Vec<_> = fake.searches().iter().map(|seen| seen.get("service").to_owned()).collect();
    services.sort();
    services.dedup();
    assert_eq!(services, ["api", "worker"]);
    let capped = with(&fake, |config| config.max_services = 1);
    let found = capped.search(&search(None, &[])).await.unwrap();
    assert!(found.truncated && found.notes[0].contains("1 of 2 services") && found.notes[0].contains("worker"));
}

#[tokio::test]
async fn a_newer_storage_that_wants_a_service_is_asked_service_by_service() {
    let profile = Profile { service_required: true, ..Profile::v2_21() };
    let fake = Fake::start(profile, traces()).await;
    let client = client(&fake);
    for _ in 0..2 {
        let found = client.search(&search(None, &[("operation.id", "opX1")])).await.unwrap();
        assert_eq!(ids(&found.traces), [2]);
    }
    let refused = fake.searches().iter().filter(|seen| seen.get("query.serviceName").is_empty()).count();
    assert_eq!(refused, 1, "the refusal is remembered");
}

#[tokio::test]
async fn regular_expressions_of_the_storage_give_no_false_answers() {
    let fake = Fake::start(Profile { regex: true, ..Profile::v2_20() }, traces()).await;
    let client = client(&fake);
    let found = client.search(&search(Some("worker"), &[("operation.id", "op.1")])).await.unwrap();
    assert_eq!(ids(&found.traces), [1], "opX1 matches the expression op.1 too");
    fake.add(trace(4, &[span("worker", "w", NOON, 1, &[("operation.id", "a(b)+c")])]));
    let found = client.search(&search(Some("worker"), &[("operation.id", "a(b)+c")])).await.unwrap();
    assert_eq!(ids(&found.traces), [4], "found by the escaped form");
}

#[tokio::test]
async fn durations_are_compared_here_where_the_storage_cannot() {
    let fake = Fake::start(Profile { no_duration_with_tags: true, ..Profile::v2_20() }, traces()).await;
    let mut wanted = search(Some("worker"), &[("operation.id", "op.1")]);
    wanted.min_duration = Some(Micros(500));
    assert_eq!(ids(&client(&fake).search(&wanted).await.unwrap().traces), [1]);
    wanted.min_duration = Some(Micros(5000));
    assert!(client(&fake).search(&wanted).await.unwrap().traces.is_empty());
}

#[tokio::test]
async fn a_limit_above_the_storage_s_is_halved_and_a_full_answer_is_called_truncated() {
    let many: Vec<_> = (1..=9).map(|n| trace(n, &[span("api", "x", NOON + n as i64, 1, &[])])).collect();
    let fake = Fake::start(Profile { max_limit: 6, ..Profile::v2_20() }, many).await;
    let found = client(&fake).search(&search(Some("api"), &[])).await.unwrap();
    assert_eq!(ids(&found.traces), [9, 8, 7, 6, 5]);
    assert!(found.truncated && found.limit_reached);
    assert_eq!(found.notes, ["the storage of Jaeger gives at most 5 traces at a time"]);
}

#[tokio::test]
async fn a_search_says_whether_its_limit_was_reached() {
    for profile in [Profile::v2_20(), Profile::v2_21()] {
        let many: Vec<_> = (1..=5).map(|n| trace(n, &[span("api", "x", NOON + n as i64, 1, &[])])).collect();
        let client = client(&Fake::start(profile, many).await);
        let reached = async |limit, min_duration| {
            let wanted = Search { limit, min_duration, ..search(Some("api"), &[]) };
            let found = client.search(&wanted).await.unwrap();
            (found.traces.len(), found.limit_reached, found.truncated)
        };
        assert_eq!(reached(4, None).await, (4, true, true));
        // Five of five may be all, but Jaeger does not say so.
        assert_eq!(reached(5, None).await, (5, true, true));
        assert_eq!(reached(6, None).await, (5, false, false));
        assert_eq!(reached(6, Some(Micros(2))).await, (0, false, false));
    }
    // Services that were not searched are not a limit that was reached.
    let fake = Fake::start(Profile::v2_20(), traces()).await;
    let found = with(&fake, |config| config.max_services = 1).search(&search(None, &[])).await.unwrap();
    assert!(found.truncated && !found.limit_reached);
}

#[tokio::test]
async fn raw_traces_are_requested_only_if_wanted() {
    for (profile, in_search, by_id) in
        [(Profile::v2_20(), "raw", "raw"), (Profile::v2_21(), "query.rawTraces", "rawTraces")]
    {
        let fake = Fake::start(profile, traces()).await;
        let client = client(&fake);
        let raw = Search { form: TraceForm::Raw, ..search(Some("api"), &[]) };
        let found = client.search(&search(Some("api"), &[])).await.unwrap().traces;
        assert_eq!(ids(&client.search(&raw).await.unwrap().traces), ids(&found));
        let sent: Vec<_> = fake.searches().iter().map(|seen| seen.get(in_search).to_owned()).collect();
        assert_eq!(sent, ["", "true"]);

        let adjusted = client.trace(TraceId(1)).await.unwrap().unwrap();
        let raw = client.trace_in_form(TraceId(1), TraceForm::Raw).await.unwrap().unwrap();
        assert_eq!(raw.canonical(), adjusted.canonical());
        let requests = fake.seen().into_iter().filter(|seen| seen.path.ends_with(&TraceId(1).to_string()));
        assert_eq!(requests.map(|seen| seen.get(by_id).to_owned()).collect::<Vec<_>>(), ["", "true"]);
    }
}

#[tokio::test]
async fn the_server_s_clock_is_read_from_the_date_of_answers() {
    // The fake writes no date of its own, so hyper's is used.
    let client = client(&Fake::start(Profile::v2_20(), traces()).await);
    assert_eq!(client.server_clock(), None, "nothing was asked yet");
    client.services().await.unwrap();
    assert_eq!(client.server_clock().unwrap().certain_difference(), Micros(0));

    let dated = |seconds: i64, age: Option<&'static str>| {
        Fake::scripted(Profile::v2_20(), traces(), move |seen, _| {
            let date = chrono::Utc::now() + chrono::TimeDelta::seconds(seconds);
            let mut response =
                (seen.path == "/api/services").then(|| text(200, "application/json", "{\"data\":[]}"))?;
            let date = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            response.headers_mut().insert("date", date.parse().unwrap());
            if let Some(age) = age {
                response.headers_mut().insert("age", age.parse().unwrap());
            }
            Some(response)
        })
    };
    for seconds in [-3600, 3600] {
        let client = self::client(&dated(seconds, None).await);
        client.services().await.unwrap();
        let clock = client.server_clock().unwrap();
        assert!((clock.ahead.0 - Micros::from_secs(seconds).0).abs() <= clock.uncertainty.0, "{clock:?}");
        assert!(clock.certain_difference() > Micros::from_secs(3500), "{clock:?}");
    }
    let cached = self::client(&dated(-3600, Some("3600")).await);
    cached.services().await.unwrap();
    assert_eq!(cached.server_clock(), None, "the date of a cached answer is that of the cache");
}

#[tokio::test]
async fn values_that_the_older_api_cannot_write_are_read_through_the_newer() {
    let fake = Fake::start(Profile { nan: true, ..Profile::v2_20() }, traces()).await;
    let client = client(&fake);
    assert_eq!(client.trace(TraceId(1)).await.unwrap().unwrap().len(), 3);
    let found = client.search(&search(Some("worker"), &[("operation.id", "op.1")])).await.unwrap();
    assert_eq!(ids(&found.traces), [1]);
}

#[tokio::test]
async fn an_upgrade_or_downgrade_under_us_is_noticed() {
    let fake = Fake::start(Profile::v2_20(), traces()).await;
    let client = client(&fake);
    let wanted = search(Some("worker"), &[("operation.id", "op.1")]);
    for profile in [Profile::v2_20(), Profile::v2_21(), Profile { v3: false, ..Profile::v1_62() }] {
        fake.become_(profile);
        assert_eq!(ids(&client.search(&wanted).await.unwrap().traces), [1]);
    }
}

#[tokio::test]
async fn the_dialect_is_probed_once_for_many_questions() {
    let fake = Fake::start(Profile::v2_20(), traces()).await;
    let client = client(&fake);
    let wanted = search(Some("worker"), &[]);
    let (a, b) = tokio::join!(client.search(&wanted), client.search(&wanted));
    assert!(a.is_ok() && b.is_ok());
    assert_eq!(fake.seen().iter().filter(|seen| seen.path == "/api/services").count(), 1);
}

/// Review B7: with a silent Jaeger, queries waited for their timeouts one after the other.
#[tokio::test]
async fn all_who_wait_share_one_probe_and_its_failure_for_a_moment() {
    let fake = Fake::scripted(Profile::v2_20(), traces(), |_, before| (before == 0).then(fake::endless)).await;
    let client = with(&fake, |config| config.timeout = Duration::from_millis(800));
    let asked = std::time::Instant::now();
    let questions = (0..5).map(|_| client.services());
    for answer in futures_util::future::join_all(questions).await {
        assert_eq!(*answer.unwrap_err().kind(), ErrorKind::Timeout);
    }
    assert!(client.services().await.is_err(), "remembered");
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    assert_eq!(fake.seen().len(), 1);
    tokio::time::sleep(Duration::from_millis(1600)).await;
    assert_eq!(client.services().await.unwrap(), ["api", "worker"], "asked again");
}

/// Different callers may have different permissions.
#[tokio::test]
async fn a_refused_caller_does_not_refuse_the_others() {
    let fake = Fake::start(Profile { tenant: true, ..Profile::v2_20() }, traces()).await;
    let client = client(&fake);
    assert_eq!(*client.services().await.unwrap_err().kind(), ErrorKind::Tenant);
    let other = client.with_headers([("x-tenant", "blue")]).unwrap();
    assert_eq!(other.services().await.unwrap(), ["api", "worker"]);
}

async fn failure(
    script: impl Fn(&fake::Seen, usize) -> Option<axum::response::Response> + Send + Sync + 'static,
) -> jaeger::Error {
    let fake = Fake::scripted(Profile::v2_20(), traces(), script).await;
    with(&fake, |config| config.max_body = 1 << 20).search(&search(Some("api"), &[])).await.unwrap_err()
}

#[tokio::test]
async fn unexpected_answers_in_place_of_jaeger_are_recognised() {
    let error = failure(|_, _| Some(text(401, "text/plain", "unknown tenant\n"))).await;
    assert_eq!((error.kind(), error.status_code()), (&ErrorKind::Tenant, 401));
    let error = failure(|_, _| Some(text(401, "text/plain", "no\n"))).await;
    assert_eq!(error.kind(), &ErrorKind::Unauthorized);
    let login = "<html><title>Sign in</title><form><input type=password></form></html>";
    let error = failure(move |_, _| Some(text(200, "text/html", login))).await;
    assert_eq!(error.kind(), &ErrorKind::Login);
    assert!(error.to_string().contains("Sign in"), "{error}");
    let error = failure(|_, _| Some(text(200, "text/html", "<html><title>Jaeger UI</title></html>"))).await;
    assert_eq!(error.kind(), &ErrorKind::Html);
    let error = failure(|_, _| Some(text(404, "text/plain", "404 page not found\n"))).await;
    assert_eq!(error.kind(), &ErrorKind::NotFound);
    let error = failure(|seen, _| {
        Some(if seen.path == "/api/echo" { text(200, "text/plain", "echo") } else { text(404, "text/plain", "no") })
    })
    .await;
    assert_eq!(error.kind(), &ErrorKind::Tempo);
    let error = failure(|_, _| Some(text(503, "text/html", "<html><title>Gateway</title></html>"))).await;
    assert_eq!((error.kind(), error.status_code()), (&ErrorKind::Unavailable, 503));
}

#[tokio::test]
async fn refusals_of_jaeger_keep_its_words() {
    let only_search = |response: fn() -> axum::response::Response| {
        move |seen: &fake::Seen, _| (seen.path == "/api/traces").then(response)
    };
    let error = failure(only_search(|| legacy_error(400, "malformed 'x'"))).await;
    assert_eq!(error.kind(), &ErrorKind::BadRequest);
    assert!(error.to_string().contains("malformed 'x'") && error.to_string().contains("/api/traces"), "{error}");
    let error = failure(only_search(|| legacy_error(500, "no shard"))).await;
    assert_eq!((error.kind(), error.status_code(), error.upstream_status()), (&ErrorKind::Storage, 502, Some(500)));
    let error = failure(only_search(|| text(200, "application/json", "{\"batches\":[]}"))).await;
    assert_eq!(error.kind(), &ErrorKind::Tempo);
    let error = failure(only_search(|| text(200, "application/json", "{\"data\":[{\"spans\":["))).await;
    assert!(matches!(error.kind(), ErrorKind::Decode(_)) && error.to_string().contains("cut off"), "{error}");
}

#[tokio::test]
async fn large_slow_and_broken_bodies_end_in_bounds() {
    let only_search = |response: fn() -> axum::response::Response| {
        move |seen: &fake::Seen, _| (seen.path == "/api/traces").then(response)
    };
    let error = failure(only_search(fake::huge)).await;
    assert!(error.is_too_large() && error.status_code() == 413 && error.to_string().contains("1 MiB"), "{error}");
    let error = failure(only_search(fake::cut_off)).await;
    assert_eq!(error.kind(), &ErrorKind::Broken);
    let fake = Fake::scripted(Profile::v2_20(), traces(), only_search(fake::endless)).await;
    let client = with(&fake, |config| config.timeout = Duration::from_millis(300));
    let error = client.search(&search(Some("api"), &[])).await.unwrap_err();
    assert!(error.is_timeout() && error.status_code() == 504, "{error}");
    let zipped = Fake::scripted(Profile { gzip: true, ..Profile::v2_20() }, vec![], |seen, _| {
        use std::io::Write as _;
        (seen.path == "/api/traces").then(|| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            encoder.write_all(&vec![b' '; 4 << 20]).unwrap();
            let mut response = text(200, "application/json", encoder.finish().unwrap());
            response.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
            response
        })
    })
    .await;
    let client = with(&zipped, |config| config.max_body = 1 << 20);
    assert!(client.search(&search(Some("api"), &[])).await.unwrap_err().is_too_large(), "the unpacked size counts");
}

#[tokio::test]
async fn a_gateway_hiccup_is_retried_once_and_a_refusal_is_not() {
    let fake =
        Fake::scripted(Profile::v2_20(), traces(), |_, before| (before == 0).then(|| text(502, "text/plain", "bad")))
            .await;
    let client = client(&fake);
    client.services().await.unwrap();
    assert_eq!(client.stats().snapshot().retries, 1);
    let fake = Fake::scripted(Profile::v2_20(), traces(), |seen, _| {
        (seen.path == "/api/traces").then(|| legacy_error(500, "no shard"))
    })
    .await;
    let client = self::client(&fake);
    client.search(&search(Some("api"), &[])).await.unwrap_err();
    assert_eq!(fake.searches().len(), 1);
    let stats = client.stats().snapshot();
    assert_eq!((stats.calls, stats.errors, stats.retries), (2, 1, 0));
    assert!(stats.bytes > 0 && stats.buckets.iter().sum::<u64>() == 2);
}

#[tokio::test]
async fn nobody_at_home_is_said_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(&Config { url, ..Config::default() }).unwrap();
    let error = client.services().await.unwrap_err();
    assert_eq!((error.kind(), error.status_code()), (&ErrorKind::Connect, 502));
    assert!(error.to_string().contains("cannot be reached"), "{error}");
}

#[tokio::test]
async fn redirects_stay_on_the_host_and_secrets_stay_secret() {
    let thief = Fake::start(Profile::v2_20(), traces()).await;
    let to = format!("{}/login?next=x", thief.url.replace("127.0.0.1", "localhost"));
    let fake = Fake::scripted(Profile::v2_20(), traces(), move |_, _| {
        let mut response = text(302, "text/plain", "");
        response.headers_mut().insert("location", to.parse().unwrap());
        Some(response)
    })
    .await;
    let client = with(&fake, |config| config.headers = vec![("x-api-key".to_owned(), Secret::new("hunter2"))]);
    let error = client.services().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Login);
    assert!(error.to_string().contains("redirects to http://localhost"), "{error}");
    assert!(thief.seen().is_empty());
    let slash = Fake::scripted(Profile::v2_20(), traces(), |seen, _| {
        (!seen.query.contains_key("again")).then(|| {
            let mut response = text(307, "text/plain", "");
            response.headers_mut().insert("location", format!("{}?again=1", seen.path).parse().unwrap());
            response
        })
    })
    .await;
    assert_eq!(self::client(&slash).services().await.unwrap().len(), 2);
    let echo = Fake::scripted(Profile::v2_20(), traces(), |seen, _| {
        Some(text(
            500,
            "text/plain",
            format!("bad header {:?} {:?}", seen.headers["authorization"], seen.headers["x-id-token"]),
        ))
    })
    .await;
    let client = with(&echo, |config| config.auth = Auth::Bearer(Secret::new("hunter2")));
    let client = client.with_headers([("X-ID-Token", "my-identity")]).unwrap();
    let error = format!("{0} {0:?} {client:?}", client.services().await.unwrap_err());
    assert!(!error.contains("hunter2") && !error.contains("my-identity"), "{error}");
    assert_eq!(echo.seen()[0].headers["authorization"], "Bearer hunter2");
}

#[tokio::test]
async fn headers_of_settings_tenant_and_caller_are_sent() {
    let fake = Fake::start(Profile { tenant: true, ..Profile::v2_20() }, traces()).await;
    assert_eq!(client(&fake).services().await.unwrap_err().kind(), &ErrorKind::Tenant);
    let client = with(&fake, |config| {
        config.tenant = Some(("x-tenant".to_owned(), "a".to_owned()));
        config.auth = Auth::Basic { user: "u".to_owned(), password: Secret::new("p") };
    });
    client.services().await.unwrap();
    let forwarded = client.with_headers([("Authorization", "Bearer user")]).unwrap();
    forwarded.services().await.unwrap();
    assert_ne!(client.identity(), forwarded.identity());
    let sent: Vec<_> = fake.seen().iter().filter_map(|seen| seen.headers.get("authorization").cloned()).collect();
    assert_eq!(sent.first().unwrap(), "Basic dTpw");
    assert_eq!(sent.last().unwrap(), "Bearer user");
    assert!(fake.seen().last().unwrap().headers["user-agent"].to_str().unwrap().starts_with("ktrdr-diagnosis/"));
}

#[tokio::test]
async fn bad_settings_are_refused_at_once() {
    let refused = |change: fn(&mut Config)| {
        let mut config = Config { url: "http://h".to_owned(), ..Config::default() };
        change(&mut config);
        Client::new(&config).unwrap_err().to_string()
    };
    assert!(refused(|c| c.url = String::new()).contains("address"));
    assert!(refused(|c| c.tls.ca_pem = Some("nonsense".to_owned())).contains("CA certificate"));
    let key = refused(|c| c.tls.client_pem = Some(("nonsense".to_owned(), Secret::new("hunter2"))));
    assert!(key.contains("client certificate") && !key.contains("hunter2"));
    let header = refused(|c| c.headers = vec![("bad name".to_owned(), Secret::new("hunter2"))]);
    assert!(header.contains("bad name") && !header.contains("hunter2"));
}

#[tokio::test]
async fn tags_of_victoriatraces_and_greptimedb_are_understood() {
    let mut victoria = span("api", "op", NOON, 5, &[("error", "unset"), ("span.kind", "server"), ("n", "7")]);
    victoria.tags.push(json!({"key": "operation.id", "type": "string", "value": "op_1"}));
    let mut greptime = span("api", "op2", NOON, 5, &[]);
    greptime.tags = vec![json!({"key": "flag", "type": "boolean", "value": true})];
    let fake = Fake::start(Profile::v2_20(), vec![trace(1, &[victoria]), trace(2, &[greptime])]).await;
    let client = client(&fake);
    let found = client.search(&search(Some("api"), &[("n", "7")])).await.unwrap();
    assert!(!found.traces[0].spans().next().unwrap().is_error());
    let found = client.search(&search(Some("api"), &[("flag", "true")])).await.unwrap();
    assert_eq!(ids(&found.traces), [2]);
}
