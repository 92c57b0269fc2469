//! An operation as rows: narrow columns for questions, and the whole of it compressed.

use std::sync::LazyLock;

use diagnosis::WorkerStatus;
use trace::Micros;

use super::{
    statement::{Param, Statement},
    text::{escape, list, tag},
};
use crate::{
    Error, OperationKey, Result, SourceId, StoredOperation,
    compact::{compress, expand},
    query::duration,
};

/// The end of a window without an end, and the begin of one without a start.
pub(super) const NEVER: i64 = i64::MAX;

/// The longest windows of each class but the last, which has all others and those without an end.
pub(super) const LENGTH_CLASSES: [Micros; 6] = [
    Micros::from_secs(10),
    Micros::from_secs(60),
    Micros::from_secs(600),
    Micros::from_secs(3_600),
    Micros::from_secs(6 * 3_600),
    Micros::from_secs(48 * 3_600),
];

/// The columns after `source` and `operation_key`.
const COLUMNS: [&str; 27] = [
    "closed",
    "begin_us",
    "end_us",
    "length_class",
    "start_us",
    "last_us",
    "duration_us",
    "duration_ms",
    "slowdown",
    "operation_id",
    "trace_id",
    "operation_type",
    "status",
    "verdict",
    "severity",
    "rule",
    "error_type",
    "bottleneck_span",
    "bottleneck_service",
    "worker_status",
    "services",
    "workers",
    "tags",
    "comparable_key",
    "comparable_end_us",
    "playbook_hash",
    "engine_version",
];

/// Adds or replaces an operation's columns, unless a newer engine has judged it.
static UPSERT: LazyLock<String> = LazyLock::new(|| {
    let numbers: Vec<String> = (1..=COLUMNS.len() + 2).map(|number| format!("${number}")).collect();
    let updates: Vec<String> = COLUMNS.iter().map(|column| format!("{column} = excluded.{column}")).collect();
    format!(
        "INSERT INTO history_operation (source, operation_key, {}) VALUES ({}) ON CONFLICT (source, operation_key) DO \
         UPDATE SET {} WHERE history_operation.engine_version <= excluded.engine_version",
        COLUMNS.join(", "),
        numbers.join(", "),
        updates.join(", "),
    )
});

/// The statement that adds or replaces an operation's columns; it changes nothing if a newer engine has judged it.
pub(super) fn upsert(source: &SourceId, operation: &StoredOperation) -> Statement {
    let record = &operation.record;
    let begin = record.start.or(record.last_activity).map_or(NEVER, |at| at.0);
    let end = record.end.map_or(NEVER, |at| at.0);
    let text = |text: &str| Param::from(escape(text).into_owned());
    let opt_text = |text: Option<&str>| Param::from(text.map(|text| escape(text).into_owned()));
    let params = [
        source_param(source),
        key_param(&operation.key),
        i64::from(operation.closed).into(),
        begin.into(),
        end.into(),
        length_class(begin, end).into(),
        record.start.map_or(i64::MIN, |at| at.0).into(),
        operation.last_time().0.into(),
        duration(record).map(|duration| duration.0).into(),
        record.duration_ms.into(),
        record.slowdown.into(),
        text(record.operation_id.as_deref().unwrap_or_default()),
        record.trace_id.map(|id| id.to_string()).unwrap_or_default().into(),
        text(&record.operation_type),
        record.status.as_str().to_owned().into(),
        record.verdict.as_str().to_owned().into(),
        i64::from(record.severity.level()).into(),
        text(&record.rule),
        opt_text(record.error_type.as_deref()),
        opt_text(record.bottleneck_span.as_deref()),
        opt_text(record.bottleneck_service.as_deref()),
        opt_text(record.worker_status.map(WorkerStatus::as_str)),
        list(record.services.iter().map(|service| escape(service))).into(),
        list(operation.workers.iter().map(|worker| escape(worker))).into(),
        list(operation.tags.iter().map(|(key, value)| tag(key, value).into())).into(),
        comparable_key(&record.operation_type, &operation.comparable_by),
        operation.comparable.as_ref().map(|comparable| comparable.end.0).into(),
        operation.playbook_hash.0.into(),
        i64::from(operation.engine_version.0).into(),
    ];
    Statement::new(UPSERT.as_str(), params)
}

fn length_class(begin: i64, end: i64) -> i64 {
    let length = end.saturating_sub(begin);
    let class = LENGTH_CLASSES.iter().position(|longest| length <= longest.0);
    if end == NEVER { LENGTH_CLASSES.len() as i64 } else { class.unwrap_or(LENGTH_CLASSES.len()) as i64 }
}

pub(super) fn source_param(source: &SourceId) -> Param {
    escape(source.as_str()).into_owned().into()
}

pub(super) fn key_param(key: &OperationKey) -> Param {
    escape(key.as_str()).into_owned().into()
}

/// Type and values as one text; equal texts mean equal types and values.
pub(super) fn comparable_key(operation_type: &str, values: &[Option<String>]) -> Param {
    let values = values.iter().map(|value| match value {
        Some(value) => format!("={}", escape(value)).into(),
        None => "-".into(),
    });
    list(std::iter::once(escape(operation_type)).chain(values)).into()
}

/// The version of the form in which operations are kept.
const VERSION: u8 = 1;

/// The whole operation, compressed.
pub(super) fn encode(operation: &StoredOperation) -> Vec<u8> {
    // An operation is plain data that JSON can always hold.
    let json = serde_json::to_vec(operation).unwrap_or_default();
    let mut bytes = vec![VERSION];
    bytes.append(&mut compress(&json));
    bytes
}

/// An operation from what was kept.
pub(super) fn decode(bytes: &[u8], place: &str) -> Result<StoredOperation> {
    let corrupt = |reason: &dyn std::fmt::Display| Error::corrupt(place, "an operation", reason);
    let json = match bytes {
        [VERSION, compressed @ ..] => expand(compressed).map_err(|error| corrupt(&error))?,
        _ => return Err(corrupt(&"its format is not known")),
    };
    serde_json::from_slice(&json).map_err(|error| corrupt(&error))
}
