//! Numbers for groups of operations, in the two frame types that Grafana's alert rules read: one number per group
//! ([`numeric`]) or one time series per group ([`timeseries`]).
//!
//! A count or ratio is 0 if nothing happened, so an alert rule does not report "no data". A duration is missing instead.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    config::{Color, Config},
    display,
    field::Field,
    frame::Frame,
    measure::{GroupBy, Measure, NONE},
    record::describe,
};
use diagnosis::{Answer, TimeRange};
use diagnosis::{Diagnosis, Verdict};
use trace::{Micros, Time};

type Groups<'a> = BTreeMap<Vec<&'a str>, Vec<&'a Diagnosis>>;

fn groups<'a>(answer: &'a Answer, by: &[GroupBy]) -> Groups<'a> {
    let mut groups = Groups::new();
    for diagnosis in &answer.diagnoses {
        groups.entry(by.iter().map(|group| group.of(diagnosis)).collect()).or_default().push(diagnosis);
    }
    groups
}

fn distinct(by: &[GroupBy]) -> Vec<GroupBy> {
    let mut seen = BTreeSet::new();
    by.iter().copied().filter(|group| seen.insert(*group)).collect()
}

/// One row per group: text columns and exactly one number column, named after the measure.
///
/// A count or ratio has at least one row. A group without a duration is left out.
#[must_use]
pub fn numeric(answer: &Answer, measure: Measure, by: &[GroupBy]) -> Frame {
    let by = distinct(by);
    let mut rows: Vec<(Vec<&str>, f64)> =
        groups(answer, &by).into_iter().filter_map(|(labels, group)| Some((labels, measure.over(&group)?))).collect();
    if rows.is_empty() {
        rows.extend(measure.when_empty().map(|value| (vec![NONE; by.len()], value)));
    }
    let column = |(at, group): (usize, &GroupBy)| {
        let values = rows.iter().map(|(labels, _)| labels.get(at).copied().unwrap_or(NONE));
        Field::text(group.as_str(), values).config(column_config(*group)).named(group.title())
    };
    let mut fields: Vec<_> = by.iter().enumerate().map(column).collect();
    let numbers = Field::float(measure.as_str(), rows.iter().map(|(_, value)| *value));
    fields.push(numbers.config(display::plain(130)).named(measure.title()).unit(measure.unit()));
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

/// The points of a time series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buckets {
    range: TimeRange,
    width: Micros,
}

impl Buckets {
    /// Maximum number of points, regardless of the request.
    const MAX_POINTS: i64 = 11_000;

    /// Buckets of length `interval`, or longer if there would be more than `most` points.
    #[must_use]
    pub fn new(range: TimeRange, interval: Micros, most: i64) -> Self {
        let least = (range.to - range.from).0.max(0) / most.clamp(1, Self::MAX_POINTS) + 1;
        let step = interval.0.max(1_000);
        let width = Micros(least.div_euclid(step).saturating_add(i64::from(least % step > 0)).max(1) * step);
        Self { range, width }
    }

    fn start(self, at: Time) -> Time {
        Time(at.0.div_euclid(self.width.0) * self.width.0)
    }

    fn starts(self) -> Vec<Time> {
        let last = self.start(self.range.to);
        std::iter::successors(Some(self.start(self.range.from)), |at| Some(*at + self.width))
            .take_while(|at| *at <= last)
            .collect()
    }
}

/// A wide time series. An operation counts in the bucket in which its window ends, or in the last one if it has no end.
///
/// A group that lacks a label, such as operations without an error, is left out if nothing in it is counted. Otherwise, a
/// chart of failures by error would have a line at 0 for operations without an error.
#[must_use]
pub fn timeseries(answer: &Answer, measure: Measure, by: &[GroupBy], buckets: Buckets) -> Frame {
    let by = distinct(by);
    let starts = buckets.starts();
    let mut groups = groups(answer, &by);
    groups.retain(|labels, group| !labels.contains(&NONE) || measure.over(group) != measure.when_empty());
    if groups.is_empty() && measure.when_empty().is_some() {
        groups.insert(vec![NONE; by.len()], Vec::new());
    }
    let series = groups.into_iter().map(|(values, group)| {
        let labels = by.iter().map(|group| group.as_str().to_owned()).zip(values.iter().copied().map(str::to_owned));
        let mut ended: BTreeMap<Time, Vec<&Diagnosis>> = BTreeMap::new();
        for diagnosis in &group {
            let end = diagnosis.end.unwrap_or(buckets.range.to).clamp(buckets.range.from, buckets.range.to);
            ended.entry(buckets.start(end)).or_default().push(diagnosis);
        }
        let points = starts.iter().map(|start| match ended.get(start) {
            Some(group) => measure.over(group),
            None => measure.when_empty(),
        });
        let config = if group.is_empty() { Config::default() } else { series_config(&by, &values) };
        let config = Config { display_name: config.display_name.or_else(|| Some(measure.title())), ..config };
        Field::opt_float(measure.as_str(), points).labels(labels.collect()).config(config).unit(measure.unit())
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

fn typed(mut frame: Frame, kind: &'static str, answer: &Answer) -> Frame {
    describe(&mut frame, answer);
    frame.meta.kind = Some(kind);
    frame.meta.type_version = Some([0, 1]);
    frame
}
