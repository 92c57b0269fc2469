//! Numbers for groups of operations, in the two frame types that Grafana's alert rules read: one number per group
//! ([`numeric`]) or one time series per group ([`timeseries`]).
//!
//! A count or ratio is 0 if nothing happened, so an alert rule does not report "no data". A duration is missing instead.

use std::collections::BTreeMap;

use super::{
    config::{Color, Config},
    display,
    field::Field,
    frame::Frame,
    measure::{group_title, title, unit},
    record::{About, describe},
};
use diagnosis::{Buckets, GroupBy, Measure, MetricAnswer, Verdict};
use trace::Time;

/// One row per group: text columns and exactly one number column, named after the measure. The answer has no buckets.
///
/// A count or ratio has at least one row. A group without a duration is left out.
#[must_use]
pub fn numeric(answer: &MetricAnswer, measure: Measure, by: &[GroupBy]) -> Frame {
    let by = GroupBy::distinct(by);
    let mut rows: Vec<(Vec<&str>, f64)> = answer
        .rows
        .iter()
        .filter_map(|row| Some((row.labels.iter().map(String::as_str).collect(), row.value?)))
        .collect();
    if rows.is_empty() {
        rows.extend(measure.when_empty().map(|value| (vec![GroupBy::NONE; by.len()], value)));
    }
    let column = |(at, group): (usize, &GroupBy)| {
        let values = rows.iter().map(|(labels, _)| labels.get(at).copied().unwrap_or(GroupBy::NONE));
        Field::text(group.as_str(), values).config(column_config(*group)).named(group_title(*group))
    };
    let mut fields: Vec<_> = by.iter().enumerate().map(column).collect();
    let numbers = Field::float(measure.as_str(), rows.iter().map(|(_, value)| *value));
    fields.push(numbers.config(display::plain(130)).named(title(measure)).unit(unit(measure)));
    typed(Frame::new(measure.as_str(), fields), "numeric-long", answer)
}

fn column_config(group: GroupBy) -> Config {
    match group {
        GroupBy::Verdict => display::verdict(),
        GroupBy::WorkerStatus => display::worker_status(),
        GroupBy::OperationType => display::text(125),
        GroupBy::ErrorType => display::text(190),
        GroupBy::Service => display::text(225),
        GroupBy::BottleneckSpan | GroupBy::Rule => display::text(200),
    }
}

/// A wide time series over the buckets of the answer. An operation counts in the bucket in which its window ends, or in the
/// last one if it has no end.
///
/// A group that lacks a label, such as operations without an error, is left out if nothing in it is counted. Otherwise, a
/// chart of failures by error would have a line at 0 for operations without an error.
#[must_use]
pub fn timeseries(answer: &MetricAnswer, measure: Measure, by: &[GroupBy], buckets: Buckets) -> Frame {
    let by = GroupBy::distinct(by);
    let starts = buckets.starts();
    let mut groups: BTreeMap<Vec<&str>, BTreeMap<Time, Option<f64>>> = BTreeMap::new();
    for row in &answer.rows {
        let labels = row.labels.iter().map(String::as_str).collect();
        groups.entry(labels).or_default().extend(row.bucket.map(|bucket| (bucket, row.value)));
    }
    groups.retain(|labels, points| {
        !labels.contains(&GroupBy::NONE) || points.values().any(|value| *value != measure.when_empty())
    });
    if groups.is_empty() && measure.when_empty().is_some() {
        groups.insert(vec![GroupBy::NONE; by.len()], BTreeMap::new());
    }
    let series = groups.into_iter().map(|(values, known)| {
        let labels = by.iter().map(|group| group.as_str().to_owned()).zip(values.iter().copied().map(str::to_owned));
        let points = starts.iter().map(|start| known.get(start).copied().unwrap_or_else(|| measure.when_empty()));
        let config = if known.is_empty() { Config::default() } else { series_config(&by, &values) };
        let config = Config { display_name: config.display_name.or_else(|| Some(title(measure))), ..config };
        Field::opt_float(measure.as_str(), points).labels(labels.collect()).config(config).unit(unit(measure))
    });
    let series: Vec<_> = series.collect();
    let mut fields = Vec::new();
    // A time column alone is not a series. A frame without columns means "no data".
    if !series.is_empty() {
        let interval = Config { interval: Some(buckets.width.millis()), ..Config::default() };
        fields.push(Field::time("time", starts.iter().copied()).config(interval));
        fields.extend(series);
    }
    typed(Frame::new(measure.as_str(), fields), "timeseries-wide", answer)
}

/// A series has the name of its group. If it is grouped by verdict, it has the verdict's colour in every panel.
fn series_config(by: &[GroupBy], values: &[&str]) -> Config {
    let label = |(group, value): (&GroupBy, &&str)| match group {
        GroupBy::Verdict | GroupBy::OperationType => display::label(value),
        _ => (*value).to_owned(),
    };
    let name = by.iter().zip(values).map(label).collect::<Vec<_>>().join(", ");
    let verdict = by.iter().zip(values).find_map(|(group, value)| match group {
        GroupBy::Verdict => Verdict::parse(value),
        _ => None,
    });
    Config {
        display_name: (!name.is_empty()).then_some(name),
        color: verdict.map(|verdict| Color::fixed(display::verdict_color(verdict))),
        ..Config::default()
    }
}

fn typed(mut frame: Frame, kind: &'static str, answer: &MetricAnswer) -> Frame {
    describe(&mut frame, About::from(answer));
    frame.meta.kind = Some(kind);
    frame.meta.type_version = Some([0, 1]);
    frame
}
