//! Sections that take longer than in the baseline.

use std::rc::Rc;

use hashbrown::HashMap;

use super::{
    Parameters, Place, Section,
    cell::{Affected, Cell, Detail, Sides},
    statistics::{median, upper_quantile},
};
use crate::SectionKind;

/// One request's time in a section.
struct Observation<'p> {
    request: usize,
    section: &'p Section,
}

#[derive(Default)]
struct Group<'p> {
    window: Vec<Observation<'p>>,
    baseline: Vec<Observation<'p>>,
}

/// Per type, kind and place: the requests that take longer there than nearly all of the baseline, by an amount that
/// matters to the whole request. A place that the baseline does not have took no time in it.
pub(super) fn cells<'p>(sides: &Sides<'p>, parameters: &Parameters) -> Vec<Cell<'p>> {
    let mut groups: HashMap<(&'p str, SectionKind, &'p Place), Group<'p>> = HashMap::new();
    for (request, profile) in sides.window.iter().enumerate() {
        for section in &profile.sections {
            let key = (profile.operation_type.as_str(), section.kind, &section.place);
            groups.entry(key).or_default().window.push(Observation::of(request, section));
        }
    }
    for (request, profile) in sides.baseline.iter().enumerate() {
        for section in &profile.sections {
            let key = (profile.operation_type.as_str(), section.kind, &section.place);
            if let Some(group) = groups.get_mut(&key) {
                group.baseline.push(Observation::of(request, section));
            }
        }
    }
    let cell = |((operation_type, kind, place), group)| cell(operation_type, kind, place, &group, sides, parameters);
    groups.into_iter().filter_map(cell).collect()
}

impl<'p> Observation<'p> {
    fn of(request: usize, section: &'p Section) -> Self {
        Self { request, section }
    }
}

fn cell<'p>(
    operation_type: &'p str,
    kind: SectionKind,
    place: &'p Place,
    group: &Group<'p>,
    sides: &Sides<'p>,
    parameters: &Parameters,
) -> Option<Cell<'p>> {
    let all = sides.all_of(operation_type)?;
    let positions = |observations: &[Observation<'_>]| observations.iter().map(|o| o.request).collect::<Rc<[usize]>>();
    let (passing, baseline_passing, typical_duration, usual) = if group.baseline.is_empty() {
        (Rc::clone(&all.window), Rc::clone(&all.baseline), all.typical_duration, Usual::default())
    } else {
        let baseline = positions(&group.baseline);
        let typical_duration = sides.typical_duration(&baseline);
        (positions(&group.window), baseline, typical_duration, Usual::of(&group.baseline, parameters))
    };
    let least = parameters.least_slowdown * typical_duration;
    let excess = |o: &Observation<'_>| usual.excess(o.section).filter(|excess| *excess >= least && *excess > 0.0);
    let affected = group.window.iter().filter_map(|o| Some((o, excess(o)?)));
    Some(Cell {
        operation_type,
        kind: kind.into(),
        place: place.clone(),
        passing,
        affected: affected
            .map(|(o, excess)| Affected { request: o.request, excess, at: place, span_id: o.section.span_id })
            .collect(),
        baseline_passing,
        baseline_affected: group.baseline.iter().filter(|o| excess(o).is_some()).map(|o| o.request).collect(),
        detail: Detail::Time {
            baseline: usual.time,
            calls: group.window.iter().map(|o| u64::from(o.section.calls)).sum(),
            waiting: most_frequent(group.window.iter().filter_map(|o| o.section.waiting.as_ref())),
            shared_by: Vec::new(),
        },
    })
}

/// How the baseline's requests pass a place; all zero where they do not. Times are in microseconds.
#[derive(Default)]
struct Usual {
    /// Median of the time per request.
    time: f64,
    /// Median of the time per call.
    time_per_call: f64,
    /// Nearly all requests take at most this long per call …
    most_per_call: f64,
    /// … and call at most this often.
    most_calls: f64,
}

impl Usual {
    fn of(observations: &[Observation<'_>], parameters: &Parameters) -> Self {
        let values = |value: fn(&Section) -> f64| observations.iter().map(|o| value(o.section)).collect::<Vec<f64>>();
        let (mut times, mut per_call) = (values(time), values(time_per_call));
        let mut calls = values(|section| f64::from(section.calls));
        calls.sort_unstable_by(f64::total_cmp);
        Self {
            time: median(&mut times),
            time_per_call: median(&mut per_call),
            most_per_call: upper_quantile(&per_call, parameters.time_quantile),
            most_calls: upper_quantile(&calls, parameters.time_quantile),
        }
    }

    /// By how much a request exceeds what is usual, if its calls take longer or are more than those of nearly all
    /// requests of the baseline.
    fn excess(&self, section: &Section) -> Option<f64> {
        let calls = f64::from(section.calls);
        let longer = time_per_call(section) > self.most_per_call;
        let more = calls > self.most_calls;
        let by_length = longer.then(|| time(section) - calls * self.time_per_call);
        let by_number = more.then(|| time(section) - self.time);
        by_length.into_iter().chain(by_number).max_by(f64::total_cmp)
    }
}

fn time(section: &Section) -> f64 {
    section.time.0 as f64
}

fn time_per_call(section: &Section) -> f64 {
    time(section) / f64::from(section.calls.max(1))
}

/// The place that occurs most often; of equals the first in order.
pub(super) fn most_frequent<'p>(places: impl Iterator<Item = &'p Place>) -> Option<&'p Place> {
    let mut counts: HashMap<&Place, usize> = HashMap::new();
    for place in places {
        *counts.entry(place).or_default() += 1;
    }
    counts.into_iter().max_by(|(a, m), (b, n)| m.cmp(n).then(b.cmp(a))).map(|(place, _)| place)
}
