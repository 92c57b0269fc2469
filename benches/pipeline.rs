//! Bytes in memory → decoded traces → diagnoses → frames, beside the time that `serde_json` needs to skip through the
//! same bytes. See `docs/performance.md`.

#![allow(missing_docs, reason = "criterion's macros write functions without")]

mod cpu;
mod workloads;

use std::{hint::black_box, sync::Arc, time::Duration};

use cpu::CpuTime;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use diagnosis::Answer;
use diagnosis::playbook::Playbook;
use diagnosis::{Context, Diagnosis, diagnose};
use frames::{self, Source};
use jaeger::decode;
use serde::de::IgnoredAny;
use testbed::otlp_json;
use trace::{Trace, Tree, critical_path};

fn traces(body: &[u8]) -> Vec<Trace> {
    decode(body).unwrap_or_default().traces
}

fn diagnoses(traces: &[Trace], playbook: &Playbook) -> Vec<Diagnosis> {
    let context = Context { now: workloads::NOW, ..Context::default() };
    diagnose(traces, playbook, &context).diagnoses
}

fn encoded(diagnoses: Vec<Diagnosis>) -> usize {
    let diagnoses = diagnoses.into_iter().map(Arc::new).collect();
    let answer = Answer { diagnoses, ..Answer::default() };
    frames::operations(&answer, &Source::default()).encode().map_or(0, |bytes| bytes.len())
}

/// All stages of one workload, and the bound.
fn stages(criterion: &mut Criterion<CpuTime>, name: &str, body: &[u8]) {
    let playbook = Playbook::ktrdr();
    let decoded = traces(body);
    let found = diagnoses(&decoded, &playbook);
    assert!(!found.is_empty(), "{name}: nothing was diagnosed, so nothing would be measured");
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(body.len() as u64)).sample_size(10);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    group.bench_function("bound: serde_json skips", |b| {
        b.iter(|| serde_json::from_slice::<IgnoredAny>(black_box(body)).is_ok());
    });
    group.bench_function("decode", |b| b.iter(|| traces(black_box(body))));
    group.bench_function("path", |b| b.iter(|| paths(black_box(&decoded))));
    group.bench_function("diagnose", |b| b.iter(|| diagnoses(black_box(&decoded), &playbook)));
    group.bench_function("frames", |b| {
        b.iter_batched(|| found.clone(), encoded, criterion::BatchSize::PerIteration);
    });
    group.bench_function("whole", |b| b.iter(|| encoded(diagnoses(&traces(black_box(body)), &playbook))));
    group.finish();
}

/// Tree and critical path alone.
fn paths(traces: &[Trace]) -> usize {
    traces.iter().map(|trace| critical_path(trace, &Tree::new(trace)).len()).sum()
}

fn all(criterion: &mut Criterion<CpuTime>) {
    for (name, body) in [
        ("S1 20x50", workloads::s1 as fn() -> Vec<u8>),
        ("S2 1x50000", workloads::s2),
        ("S3 1500x50", workloads::s3),
        ("S5 20000 siblings", workloads::s5),
        ("S6 100000 deep", workloads::s6),
        ("R1 nested references", workloads::r1),
    ] {
        stages(criterion, name, &body());
    }
    stages(criterion, "S3 as OTLP", &otlp_json(&workloads::plain(1_500, 50)));
}

criterion_group!(name = benches; config = Criterion::default().with_measurement(CpuTime); targets = all);
criterion_main!(benches);
