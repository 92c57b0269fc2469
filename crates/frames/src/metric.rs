//! Numbers over groups of operations, in the two shapes that Grafana's alert rules read.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    config::{Color, Config},
    field::Field,
    frame::Frame,
    look,
    measure::{group_title, title, unit},
    record::describe,
};
use diagnosis::{Answer, Diagnosis, GroupBy, Measure, TimeRange, Verdict};
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

/// One number per group: text columns and exactly one number, named after the measure.
///
/// A count or ratio has at least one row, so that "nothing happened" is a 0 and not "no data"; a group without a
/// duration is left out.
#[must_use]
pub fn numeric(answer: &Answer, measure: Measure, by: &[GroupBy]) -> Frame {
    let by = distinct(by);
    let mut rows: Vec<(Vec<&str>, f64)> =
        groups(answer, &by).into_iter().filter_map(|(labels, group)| Some((labels, measure.over(&group)?))).collect();
    if rows.is_empty() {
        rows.extend(measure.of_none().map(|value| (vec![GroupBy::NONE; by.len()], value)));
    }
    let column = |(at, group): (usize, &GroupBy)| {
        let values = rows.iter().map(|(labels, _)| labels.get(at).copied().unwrap_or(GroupBy::NONE));
        Field::text(group.as_str(), values).config(column_look(*group)).named(group_title(*group))
    };
    let mut fields: Vec<_> = by.iter().enumerate().map(column).collect();
    let numbers = Field::float(measure.as_str(), rows.iter().map(|(_, value)| *value));
    fields.push(numbers.config(look::plain(130)).named(title(measure)).unit(unit(measure)));
    typed(Frame::new(measure.as_str(), fields), "numeric-long", answer)
}

fn column_look(group: GroupBy) -> Config {
    match group {
        GroupBy::Verdict => look::verdict(),
        GroupBy::WorkerStatus => look::worker_status(),
        GroupBy::OperationType => look::text(125),
        GroupBy::ErrorType => look::text(190),
        GroupBy::Service => look::text(225),
        GroupBy::BottleneckSpan | GroupBy::Rule => look::text(200),
    }
}

/// The points of a time series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buckets {
    range: TimeRange,
    width: Micros,
}

impl Buckets {
    /// Most points, whatever a request asks for.
    const MOST: i64 = 11_000;

    /// Buckets of `interval`, or wider ones where that would make more than `most` points.
    #[must_use]
    pub fn new(range: TimeRange, interval: Micros, most: i64) -> Self {
        let least = (range.to - range.from).0.max(0) / most.clamp(1, Self::MOST) + 1;
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

/// A wide time series: operations are counted where their window ends, those without an end in the last bucket.
///
/// Counts and ratios are 0 where nothing happened; durations are missing there. A group that lacks a label, such as
/// operations without an error, is left out when nothing of it is counted: it would be a line at 0 among failures by error.
#[must_use]
pub fn timeseries(answer: &Answer, measure: Measure, by: &[GroupBy], buckets: Buckets) -> Frame {
    let by = distinct(by);
    let starts = buckets.starts();
    let mut groups = groups(answer, &by);
    groups.retain(|labels, group| !labels.contains(&GroupBy::NONE) || measure.over(group) != measure.of_none());
    if groups.is_empty() && measure.of_none().is_some() {
        groups.insert(vec![GroupBy::NONE; by.len()], Vec::new());
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
            None => measure.of_none(),
        });
        let config = if group.is_empty() { Config::default() } else { series_look(&by, &values) };
        let config = Config { display_name: config.display_name.or_else(|| Some(title(measure))), ..config };
        Field::opt_float(measure.as_str(), points).labels(labels.collect()).config(config).unit(unit(measure))
    });
    let series: Vec<_> = series.collect();
    let mut fields = Vec::new();
    // a time column alone is no series; a frame without columns says "no data"
    if !series.is_empty() {
        let interval = Config { interval: Some(buckets.width.millis()), ..Config::default() };
        fields.push(Field::time("time", starts.iter().copied()).config(interval));
        fields.extend(series);
    }
    typed(Frame::new(measure.as_str(), fields), "timeseries-wide", answer)
}

/// A series is named after its group, and one of a verdict has that verdict's colour in every panel.
fn series_look(by: &[GroupBy], values: &[&str]) -> Config {
    let word = |(group, value): (&GroupBy, &&str)| match group {
        GroupBy::Verdict | GroupBy::OperationType => look::words(value),
        _ => (*value).to_owned(),
    };
    let name = by.iter().zip(values).map(word).collect::<Vec<_>>().join(", ");
    let verdict = by.iter().zip(values).find_map(|(group, value)| match group {
        GroupBy::Verdict => Verdict::parse(value),
        _ => None,
    });
    Config {
        display_name: (!name.is_empty()).then_some(name),
        color: verdict.map(|verdict| Color::fixed(look::verdict_color(verdict))),
        ..Config::default()
    }
}

fn typed(mut frame: Frame, kind: &'static str, answer: &Answer) -> Frame {
    describe(&mut frame, answer);
    frame.meta.kind = Some(kind);
    frame.meta.type_version = Some([0, 1]);
    frame
}
