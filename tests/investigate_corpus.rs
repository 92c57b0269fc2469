//! Every scenario of the corpus end to end: a Jaeger that serves it with noise around it, searches, diagnosis.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Arc;

use diagnosis::playbook::Playbook;
use diagnosis::{Answer, Filters, TimeRange};
use diagnosis::{Context, Diagnosis, diagnose};
use jaeger::{Client, Config, decode};
use ktrdr_diagnosis::investigate::{Investigator, Options, Target};
use testbed::{Flavour, Generated, Scenario, Store, Telemetry, generate, noise, otlp_json, scenarios, serve};
use trace::{Micros, Time};

const BASE: Time = Time(1_795_341_900_000_000);

/// The fields that must be equal whether the traces come from a file or from searches.
fn essence(d: &Diagnosis) -> String {
    let mut ids = d.trace_ids.clone();
    ids.truncate(1);
    format!(
        "{:?} {} {:?} {:?} {} error={:?} workers={:?} bottleneck={:?} {:?} spans={} attempts={} traces={:?} start={:?} end={:?}",
        d.operation_id,
        d.operation_type,
        d.verdict,
        d.status,
        d.rule,
        d.error_type,
        d.worker_status,
        d.bottleneck_span,
        d.bottleneck_kind,
        d.span_count,
        d.attempts,
        ids,
        d.start,
        d.end
    )
}

fn from_file(generated: &Generated) -> Vec<Diagnosis> {
    let traces = decode(&otlp_json(&generated.traces)).unwrap().traces;
    diagnose(&traces, &Playbook::ktrdr(), &Context { now: generated.now, ..Context::default() }).diagnoses
}

async fn investigator(generated: &Generated, flavour: Flavour) -> (testbed::Server, Investigator) {
    let mut traces = noise(generated.now - Micros::from_secs(20), generated.now, 2);
    traces.extend(generated.traces.iter().cloned());
    let server = serve(Store::new(traces), flavour).await.unwrap();
    let client = Client::new(&Config { url: server.url.clone(), ..Config::default() }).unwrap();
    (server, Investigator::new(client, Arc::new(Playbook::ktrdr()), Options::default()))
}

async fn check(scenario: &Scenario, telemetry: Telemetry, flavour: Flavour, wrong: &mut Vec<String>) {
    let generated = generate(scenario, telemetry, BASE, 1);
    let expected = from_file(&generated);
    let (server, investigator) = investigator(&generated, flavour).await;
    let wide = TimeRange { from: BASE - Micros::from_secs(3600), to: generated.now };
    let list: Answer = investigator.operations(wide, &Filters::default(), 100, generated.now).await.unwrap();
    let mut of_list: Vec<_> = list.diagnoses.iter().map(|d| essence(d)).collect();
    let inside = |d: &&Diagnosis| d.end.is_none_or(|end| end >= wide.from);
    let mut of_file: Vec<_> = expected.iter().filter(inside).map(essence).collect();
    of_list.sort();
    of_file.sort();
    if of_list != of_file {
        let asked = server.requests().len();
        wrong.push(format!(
            "{} {telemetry:?} {flavour:?} list ({asked} requests)\n  {}\nfile\n  {}",
            scenario.name,
            of_list.join("\n  "),
            of_file.join("\n  ")
        ));
    }
    for d in expected.iter().filter(|d| d.operation_id.is_some()) {
        let target = Target::parse(d.operation_id.as_deref().unwrap()).unwrap();
        let answer = investigator.diagnosis(&target, generated.now).await.unwrap();
        let found: Vec<_> = answer.diagnoses.iter().map(|d| essence(d)).collect();
        if found != [essence(d)] {
            wrong.push(format!(
                "{} {telemetry:?} {flavour:?} by id\n  {}\nfile\n  {}",
                scenario.name,
                found.join("\n  "),
                essence(d)
            ));
        }
    }
}

#[tokio::test]
async fn searches_and_files_give_the_same_diagnoses() {
    let mut wrong = Vec::new();
    for (ix, scenario) in scenarios().iter().enumerate() {
        // Each scenario in one generation of telemetry and through one API, because all combinations would take minutes.
        let telemetry = scenario.telemetry[ix % scenario.telemetry.len()];
        let flavour = if ix % 2 == 0 { Flavour::LegacyOnly } else { Flavour::V3Only };
        check(scenario, telemetry, flavour, &mut wrong).await;
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
