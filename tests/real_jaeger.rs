//! The plugin with real Jaegers. They receive the example traces over OTLP, and the plugin must give the same answers as the
//! library for the same traces, with every API and storage. Needs Go; without it the tests are skipped with a message.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "clippy knows test code only in functions marked as tests"
)]

mod support;

use diagnosis::Diagnosis;
use support::{
    example_traces::{self, Clock, ExampleTraces},
    go, grafana,
    jaeger::{Jaeger, Kind},
    version_proxy::{self, ImitatedVersion},
};

#[tokio::test(flavor = "multi_thread")]
async fn jaeger_1_42_gives_the_library_s_answers() {
    answers_are_the_library_s(Kind::V1Old, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jaeger_1_76_gives_the_library_s_answers() {
    answers_are_the_library_s(Kind::V1Last, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jaeger_2_13_gives_the_library_s_answers() {
    answers_are_the_library_s(Kind::V2Memory, Some(ImitatedVersion::Own)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jaeger_2_13_over_badger_gives_the_library_s_answers() {
    answers_are_the_library_s(Kind::V2Badger, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jaeger_without_the_legacy_search_gives_the_library_s_answers() {
    answers_are_the_library_s(Kind::V2Memory, Some(ImitatedVersion::V3Only)).await;
}

async fn answers_are_the_library_s(kind: Kind, imitated: Option<ImitatedVersion>) {
    let name = format!("real_jaeger {kind:?}");
    let Some(program) = go::or_skip(&name, go::jaeger(kind.version())) else { return };
    let Some(host) = go::or_skip(&name, go::grafana_host()) else { return };
    let jaeger = Jaeger::start(kind, &program).await;
    let examples = ExampleTraces::recent();
    for part in examples.otlp() {
        jaeger.feed(part).await;
    }
    for trace in &examples.traces {
        jaeger.wait_for(&trace.id.to_string(), trace.spans.len()).await;
    }
    let proxy = match imitated {
        None => None,
        Some(imitated) => Some(version_proxy::start(&jaeger.url, imitated).await),
    };
    let url = proxy.as_ref().map_or(&jaeger.url, |proxy| &proxy.url).clone();

    let library = examples.library();
    let ids: Vec<&str> = library.iter().filter_map(|d| d.operation_id.as_deref()).collect();
    assert!(ids.len() > 20, "the example traces hold operations");
    let cases = examples.cases(&url, &ids);
    let seen = tokio::task::spawn_blocking(move || grafana::ask(&host, &cases)).await.expect("the Go test host ends");
    seen.assert_no_problems();

    let mut wrong = Vec::new();
    compare_list(&seen, &library, &mut wrong);
    for diagnosis in &library {
        compare_one(&seen, diagnosis, &mut wrong);
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

fn compare_list(seen: &grafana::Seen, library: &[Diagnosis], wrong: &mut Vec<String>) {
    let frames = seen.frames("list", "A");
    let (rows, library) = (example_traces::rows_by_key(&frames[0]), example_traces::by_key(library));
    for (key, diagnosis) in &library {
        match rows.get(key) {
            Some(row) => wrong.extend(
                example_traces::differences(row, diagnosis, Clock::Same).iter().map(|d| format!("list, {key}: {d}")),
            ),
            None => wrong.push(format!("list, {key}: missing ({:?} {})", diagnosis.verdict, diagnosis.operation_type)),
        }
    }
    for key in rows.keys().filter(|key| !library.contains_key(*key)) {
        wrong.push(format!("list, {key}: the library knows no such operation"));
    }
}

fn compare_one(seen: &grafana::Seen, diagnosis: &Diagnosis, wrong: &mut Vec<String>) {
    let Some(id) = diagnosis.operation_id.as_deref() else { return };
    let frames = seen.frames(id, "A");
    let differences = example_traces::differences(frames[0].only(), diagnosis, Clock::Later);
    wrong.extend(differences.iter().map(|difference| format!("one, {id}: {difference}")));
}
