//! Operations to store: a plain one to change, and random ones.

use std::sync::{Arc, LazyLock};

use diagnosis::{
    Comparable, Diagnosis, LargestSections, OperationStatus, Severity, Verdict, WorkerStatus, playbook::Playbook,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use store::{EngineVersion, OperationKey, PlaybookHash, StoredOperation, Upsert};
use trace::{Micros, Time, TraceId};

/// Noon of a day; the times of all operations are within a week before it.
pub(crate) const NOON: Time = Time(1_795_348_800_000_000);
pub(crate) const SECOND: Micros = Micros::from_secs(1);
pub(crate) const DAY: Micros = Micros::from_secs(86_400);

/// KTRDR's playbook. Reading it takes a while.
pub(crate) fn playbook() -> &'static Playbook {
    static PLAYBOOK: LazyLock<Playbook> = LazyLock::new(Playbook::ktrdr);
    &PLAYBOOK
}

/// A completed training of a minute that ended so many seconds before noon.
pub(crate) fn operation(id: &str, seconds_before_noon: i64) -> StoredOperation {
    let end = NOON - Micros::from_secs(seconds_before_noon);
    let trace = TraceId(id.bytes().fold(7, |hash: u128, byte| hash.wrapping_mul(31) + u128::from(byte)));
    let diagnosis = Diagnosis {
        operation_id: Some(id.to_owned()),
        operation_type: "training".to_owned(),
        status: OperationStatus::Completed,
        verdict: Verdict::Healthy,
        rule: "ends.completed".to_owned(),
        start: Some(end - Micros::from_secs(60)),
        end: Some(end),
        duration_ms: Some(60_000.0),
        trace_id: Some(trace),
        trace_ids: vec![trace],
        ..Diagnosis::default()
    };
    let mut operation = StoredOperation::of(diagnosis).unwrap();
    operation.closed = true;
    operation
}

/// The same operation with another record.
pub(crate) fn with_record(mut operation: StoredOperation, change: impl FnOnce(&mut Diagnosis)) -> StoredOperation {
    change(Arc::make_mut(&mut operation.record));
    operation
}

/// To be compared with others of the same type and key.
pub(crate) fn comparable(mut operation: StoredOperation, key: &[Option<&str>]) -> StoredOperation {
    operation.comparable_by = key.iter().map(|value| value.map(str::to_owned)).collect();
    operation.comparable = operation.record.end.map(|end| Comparable {
        operation_id: operation.record.operation_id.clone().unwrap_or_default(),
        operation_type: operation.record.operation_type.clone(),
        key: operation.comparable_by.clone(),
        end,
        duration: Micros(60_000_000),
        sections: LargestSections::default(),
    });
    operation
}

pub(crate) fn without_traces(operation: StoredOperation) -> Upsert {
    Upsert { operation, traces: None }
}

pub(crate) const TYPES: [&str; 3] = ["training", "data_load", "unknown"];
pub(crate) const ERRORS: [&str; 4] = ["", "DataNotFoundError", "none", "a'b\n\0%_\u{1}"];
pub(crate) const SERVICES: [&str; 4] = ["ktrdr-api", "worker-1", "worker-11", "odd\nname"];
pub(crate) const TAGS: [(&str, &str); 4] = [("symbol", "AAPL"), ("symbol", "AAP"), ("mode", ""), ("a=b", "c\0=")];

fn texts(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    proptest::sample::subsequence(of, 0..=of.len()).prop_map(|some| some.into_iter().map(str::to_owned).collect())
}

fn opt_text(of: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    option::of(select(of).prop_map(str::to_owned))
}

/// Times at which windows begin and end: a few round ones, so that they meet the ends of ranges, and any other.
pub(crate) fn time() -> impl Strategy<Value = Time> {
    let round = select(vec![0, 1, 10, 60, 600, 3_600, 21_600, 172_800, 600_000]).prop_map(Micros::from_secs);
    let any = (0..7 * DAY.0).prop_map(Micros);
    prop_oneof![(round, -1..=1_i64).prop_map(|(ago, off)| NOON - ago + Micros(off)), any.prop_map(|ago| NOON - ago)]
}

/// Start, end and last activity, each of which may be missing.
fn window() -> impl Strategy<Value = (Option<Time>, Option<Time>, Option<Time>)> {
    let bounds = [10, 60, 600, 3_600, 21_600, 172_800];
    let length = prop_oneof![
        (select(bounds.to_vec()), -1..=1_i64).prop_map(|(secs, off)| Micros::from_secs(secs) + Micros(off)),
        (0..10 * SECOND.0).prop_map(Micros),
        (0..3 * DAY.0).prop_map(Micros),
    ];
    (option::weighted(0.95, time()), option::weighted(0.8, length), option::of(time())).prop_map(
        |(start, length, last)| {
            let end = length.and_then(|length| Some(start? + length));
            (start, end, last)
        },
    )
}

prop_compose! {
    fn record()(
        (start, end, last_activity) in window(),
        operation_type in select(&TYPES[..]),
        status in select(&OperationStatus::ALL[..]),
        verdict in select(&Verdict::ALL[..]),
        severity in 0..4_u8,
        error_type in opt_text(&ERRORS),
        bottleneck_span in opt_text(&["fit", "", "load → save"]),
        bottleneck_service in opt_text(&SERVICES),
        worker_status in option::of(select(&WorkerStatus::ALL[..])),
        worker_id in opt_text(&SERVICES),
        duration_us in option::weighted(0.9, 0..4 * DAY.0),
        slowdown in option::of(0.1..9.0_f64),
        services in texts(&SERVICES),
        traces in vec(1..40_u128, 1..3),
    ) -> Diagnosis {
        let trace_ids: Vec<TraceId> = traces.into_iter().map(TraceId).collect();
        Diagnosis {
            operation_type: operation_type.to_owned(),
            status,
            verdict,
            rule: format!("rule.{}", verdict.as_str()),
            severity: Severity::from_level(severity).unwrap(),
            error_type,
            bottleneck_span,
            bottleneck_service,
            worker_status,
            worker_id,
            start,
            end,
            last_activity,
            duration_ms: duration_us.map(|us| Micros(us).millis()),
            slowdown,
            services,
            trace_id: trace_ids.first().copied(),
            trace_ids,
            bottleneck_share: slowdown.map(|ratio| ratio / 9.7),
            ..Diagnosis::default()
        }
    }
}

prop_compose! {
    fn stored()(
        record in record(),
        tags in proptest::sample::subsequence(&TAGS[..], 0..=4),
        key in vec(opt_text(&["", "AAPL", "-"]), 2),
        closed in any::<bool>(),
        with_id in proptest::bool::weighted(0.9),
        engine in 1..3_u32,
        playbook in 1..3_i64,
    ) -> (bool, StoredOperation) {
        let mut operation = StoredOperation::of(record).unwrap();
        operation.tags = tags.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        operation.comparable_by = key;
        operation.closed = closed;
        operation.engine_version = EngineVersion(engine);
        operation.playbook_hash = PlaybookHash(playbook);
        operation.observed_at = NOON;
        (with_id, operation)
    }
}

/// Random operations with different keys. Most have an id; those that completed can be compared with.
pub(crate) fn random(most: usize) -> impl Strategy<Value = Vec<StoredOperation>> {
    vec(stored(), 0..most).prop_map(|all| {
        let number = |(at, (with_id, mut operation)): (usize, (bool, StoredOperation))| {
            let own = TraceId(1_000 + at as u128);
            let record = Arc::make_mut(&mut operation.record);
            record.operation_id = with_id.then(|| format!("op_{:03}", (at * 37) % 1_000));
            record.trace_id = Some(own);
            record.trace_ids.insert(0, own);
            operation.key = OperationKey::of(record).unwrap();
            if with_id && record.status == OperationStatus::Completed {
                let key: Vec<Option<String>> = operation.comparable_by.clone();
                operation = comparable(operation, &key.iter().map(Option::as_deref).collect::<Vec<_>>());
            }
            operation
        };
        all.into_iter().enumerate().map(number).collect()
    })
}
