//! The statements that read a store, and what their rows mean.

use std::collections::BTreeSet;

use diagnosis::{GroupBy, Measure};
use trace::{Time, TraceId};

use super::{
    operation_row::{comparable_key, key_param, source_param},
    select::{ORDER_COLUMNS, Selection, order_by},
    statement::{Row, Statement},
    text::{items, key_and_value, unescape},
};
use crate::{
    AggregateQuery, ComparableQuery, Field, OperationFilter, OperationKey, Order, Result, SourceId,
    aggregate::{Group, Groups, rank},
};

/// The records of the operations that a selection `o` names.
const JOIN_RECORD: &str = "JOIN history_record r ON r.source = o.source AND r.operation_key = o.operation_key";

pub(super) fn count(source: &SourceId, filter: &OperationFilter) -> Statement {
    let selection = Selection::new(source, filter);
    let sql = format!("SELECT COUNT(*) {}", selection.from("source"));
    selection.statement(sql)
}

/// The records of the first operations, and nothing else: an index often has all that [`count`] needs.
pub(super) fn page(source: &SourceId, filter: &OperationFilter, order: Order, limit: usize) -> Statement {
    page_with(source, filter, order, limit, "o.*", "r.record")
}

/// The records of the first operations, each with how many fit: for filters that both [`count`] and [`page`] would have to
/// evaluate on every row.
pub(super) fn counted_page(source: &SourceId, filter: &OperationFilter, order: Order, limit: usize) -> Statement {
    page_with(source, filter, order, limit, "o.*, COUNT(*) OVER () AS total", "r.record, o.total")
}

fn page_with(
    source: &SourceId,
    filter: &OperationFilter,
    order: Order,
    limit: usize,
    columns: &str,
    shown: &str,
) -> Statement {
    let mut selection = Selection::new(source, filter);
    let (from, order) = (selection.from(ORDER_COLUMNS), order_by(order));
    let limit = selection.param(limit as i64);
    let sql = format!("SELECT {shown} FROM (SELECT {columns} {from} {order} LIMIT {limit}) o {JOIN_RECORD} {order}");
    selection.statement(sql)
}

pub(super) fn open(source: &SourceId) -> Statement {
    let order = order_by(Order::Newest);
    let sql =
        format!("SELECT r.record FROM history_operation o {JOIN_RECORD} WHERE o.source = $1 AND o.closed = 0 {order}");
    Statement::new(sql, [source_param(source)])
}

pub(super) fn record(source: &SourceId, key: &OperationKey) -> Statement {
    let sql = "SELECT record FROM history_record WHERE source = $1 AND operation_key = $2";
    Statement::new(sql, [source_param(source), key_param(key)])
}

pub(super) fn by_trace(source: &SourceId, trace: TraceId) -> Statement {
    let order = order_by(Order::Newest);
    let sql = format!(
        "SELECT r.record FROM history_operation_trace t JOIN history_operation o ON o.source = t.source AND \
         o.operation_key = t.operation_key {JOIN_RECORD} WHERE t.source = $1 AND t.trace_id = $2 {order}"
    );
    Statement::new(sql, [source_param(source), trace.to_string().into()])
}

pub(super) fn compact_traces(source: &SourceId, key: &OperationKey) -> Statement {
    let sql = "SELECT traces FROM history_compact_trace WHERE source = $1 AND operation_key = $2";
    Statement::new(sql, [source_param(source), key_param(key)])
}

pub(super) fn comparables(source: &SourceId, query: &ComparableQuery) -> Statement {
    let sql = format!(
        "SELECT r.record FROM (SELECT source, operation_key, comparable_end_us, operation_id FROM history_operation \
         WHERE source = $1 AND comparable_key = $2 AND comparable_end_us IS NOT NULL AND comparable_end_us <= $3 \
         AND comparable_end_us >= $4 AND operation_key <> $5 ORDER BY comparable_end_us DESC, operation_id LIMIT $6) o \
         {JOIN_RECORD} ORDER BY o.comparable_end_us DESC, o.operation_id"
    );
    // No operation has an empty key.
    let except = query.except.as_ref().map_or_else(|| String::new().into(), key_param);
    let params = [
        source_param(source),
        comparable_key(&query.operation_type, &query.comparable_by),
        query.before.0.into(),
        (query.before - query.window).0.into(),
        except,
        (query.limit as i64).into(),
    ];
    Statement::new(sql, params)
}

pub(super) fn marked(source: &SourceId, limit: usize) -> Statement {
    let sql = "SELECT operation_key FROM history_mark WHERE source = $1 ORDER BY operation_key LIMIT $2";
    Statement::new(sql, [source_param(source), (limit as i64).into()])
}

pub(super) fn coverage(source: &SourceId) -> Statement {
    let sql = "SELECT revision, coverage FROM history_coverage WHERE source = $1";
    Statement::new(sql, [source_param(source)])
}

/// Every source that was ever written has a lease.
pub(super) fn sources() -> Statement {
    let sql = "SELECT l.source FROM history_lease l \
        WHERE EXISTS (SELECT 1 FROM history_operation o WHERE o.source = l.source) \
        OR EXISTS (SELECT 1 FROM history_coverage c WHERE c.source = l.source) ORDER BY l.source";
    Statement::new(sql, [])
}

pub(super) fn distinct(source: &SourceId, field: &Field, filter: &OperationFilter) -> Statement {
    let column = match field {
        Field::OperationType => "operation_type",
        Field::ErrorType => "error_type",
        Field::Service => "services",
        Field::Worker => "workers",
        Field::TagKey | Field::TagValue(_) => "tags",
    };
    let selection = Selection::new(source, filter);
    let sql = format!("SELECT DISTINCT o.{column} {}", selection.from(column));
    selection.statement(sql)
}

/// The first `limit` values in the rows of [`distinct`].
pub(super) fn distinct_values(rows: Vec<Row>, field: &Field, limit: usize, place: &str) -> Result<Vec<String>> {
    let mut values: BTreeSet<String> = BTreeSet::new();
    for row in rows {
        let Some(text) = row.columns(place).opt_text()? else { continue };
        let plain = |text: &str| unescape(text).into_owned();
        match field {
            Field::OperationType | Field::ErrorType => values.extend([plain(&text)]),
            Field::Service | Field::Worker => values.extend(items(&text).map(plain)),
            Field::TagKey => {
                values.extend(items(&text).filter_map(key_and_value).map(|(key, _)| key.into_owned()));
            }
            Field::TagValue(wanted) => {
                let tags = items(&text).filter_map(key_and_value).filter(|(key, _)| key == wanted);
                values.extend(tags.map(|(_, value)| value.into_owned()));
            }
        }
    }
    Ok(values.into_iter().filter(|value| !value.is_empty()).take(limit).collect())
}

pub(super) fn aggregate(source: &SourceId, query: &AggregateQuery) -> Statement {
    let mut selection = Selection::new(source, &query.filter);
    let columns: Vec<&'static str> = query.groups().into_iter().map(column).collect();
    let bucket = query.buckets.map(|buckets| {
        let (from, to) = (buckets.range.from.0, buckets.range.to.0);
        let (from, to) = (selection.param(from), selection.param(to));
        let width = selection.param(buckets.width.0.max(1));
        let end = format!("CASE WHEN o.end_us > {to} THEN {to} WHEN o.end_us < {from} THEN {from} ELSE o.end_us END");
        // The remainder is negative for negative times.
        format!("({end}) - ((({end}) % {width}) + {width}) % {width}")
    });
    let labels = columns.iter().map(|column| format!("COALESCE(o.{column}, '')")).chain(bucket);
    let mut selected: Vec<String> = labels.collect();
    let grouped: Vec<String> = (1..=selected.len()).map(|number| number.to_string()).collect();
    let measure = query.measure;
    let from = selection.from(&needed(&columns, measure, query.buckets.is_some()));
    let group_by = if rank(measure).is_some() {
        selected.push("o.duration_ms".to_owned());
        String::new()
    } else {
        selected.push("COUNT(*)".to_owned());
        selected.push(format!("SUM(CASE WHEN {} THEN 1 ELSE 0 END)", hit(measure)));
        selected.push(format!("MAX({})", value(measure)));
        if grouped.is_empty() { String::new() } else { format!(" GROUP BY {}", grouped.join(", ")) }
    };
    selection.statement(format!("SELECT {} {from}{group_by}", selected.join(", ")))
}

/// What the rows of [`aggregate`] say of each group.
pub(super) fn groups(rows: Vec<Row>, query: &AggregateQuery, place: &str) -> Result<Groups> {
    let mut groups = Groups::default();
    let by = query.groups();
    for row in rows {
        let mut columns = row.columns(place);
        let mut labels = Vec::with_capacity(by.len());
        for _ in &by {
            let label = columns.text()?;
            labels.push(if label.is_empty() { GroupBy::NONE.to_owned() } else { unescape(&label).into_owned() });
        }
        let bucket = if query.buckets.is_some() { Some(Time(columns.int()?)) } else { None };
        let group = if rank(query.measure).is_some() {
            let durations = columns.opt_float()?.into_iter().collect();
            Group { count: 1, durations, ..Group::default() }
        } else {
            let count = columns.int()?.cast_unsigned();
            if count == 0 {
                // Without groups, the database gives a row for no operations too.
                continue;
            }
            Group { count, hits: columns.int()?.cast_unsigned(), largest: columns.opt_float()?, durations: Vec::new() }
        };
        groups.entry((labels, bucket)).or_default().merge(group);
    }
    Ok(groups)
}

/// The columns that a measure needs beside those of its groups: the fewer, the more often an index has all of them.
fn needed(labels: &[&'static str], measure: Measure, buckets: bool) -> String {
    let of_measure = match measure {
        Measure::Count => None,
        Measure::Failed | Measure::FailureRatio => Some("status"),
        Measure::Verdict(_) | Measure::NotHealthy => Some("verdict"),
        Measure::P50Duration | Measure::P95Duration | Measure::MaxDuration => Some("duration_ms"),
        Measure::Slowdown => Some("slowdown"),
    };
    let end = buckets.then_some("end_us");
    let all: BTreeSet<&str> = labels.iter().copied().chain(of_measure).chain(end).chain(["source"]).collect();
    all.into_iter().collect::<Vec<_>>().join(", ")
}

fn column(group: GroupBy) -> &'static str {
    match group {
        GroupBy::OperationType => "operation_type",
        GroupBy::Verdict => "verdict",
        GroupBy::ErrorType => "error_type",
        GroupBy::BottleneckSpan => "bottleneck_span",
        GroupBy::WorkerStatus => "worker_status",
        GroupBy::Service => "bottleneck_service",
        GroupBy::Rule => "rule",
    }
}

/// What a measure counts. The words are fixed, so they need no parameters.
fn hit(measure: Measure) -> String {
    match measure {
        Measure::Failed | Measure::FailureRatio => "o.status = 'failed'".to_owned(),
        Measure::Verdict(verdict) => format!("o.verdict = '{}'", verdict.as_str()),
        Measure::NotHealthy => "o.verdict NOT IN ('healthy', 'running')".to_owned(),
        _ => "1 = 0".to_owned(),
    }
}

/// What a measure takes the largest of.
fn value(measure: Measure) -> &'static str {
    match measure {
        Measure::MaxDuration => "o.duration_ms",
        Measure::Slowdown => "o.slowdown",
        _ => "CAST(NULL AS DOUBLE PRECISION)",
    }
}
