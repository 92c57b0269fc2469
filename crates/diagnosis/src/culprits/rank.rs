//! Keeps what deviates more often than chance explains, and ranks it.

use std::{cmp::Reverse, collections::BTreeMap};

use hashbrown::{HashMap, HashSet};

use super::{
    Culprit, CulpritKind, Parameters, Place, RequestProfile,
    cell::{Affected, Cell, Detail, Sides},
    statistics::{Count, median, sum},
    summary,
};
use crate::Confidence;
use trace::TraceId;

/// Marks the cells that deviate, and brings all into a fixed order.
///
/// A place must deviate more often than chance explains: in requests of one type and from one caller, or in all that
/// pass it together. So a place that few requests pass on each way is found as well.
pub(super) fn significant<'p>(mut cells: Vec<Cell<'p>>, parameters: &Parameters) -> Vec<(Cell<'p>, bool)> {
    cells.sort_by(|a, b| {
        let key = |cell: &Cell<'p>| (cell.operation_type, cell.kind);
        key(a).cmp(&key(b)).then_with(|| a.place.cmp(&b.place)).then_with(|| parent(a).cmp(&parent(b)))
    });
    let marks = marks(&cells, parameters);
    cells.into_iter().zip(marks).collect()
}

/// For each cell, whether it deviates.
fn marks(cells: &[Cell<'_>], parameters: &Parameters) -> Vec<bool> {
    let key = |cell: &Cell<'_>| (cell.kind, cell.place.service.clone(), cell.place.span.clone());
    let mut together: HashMap<(CulpritKind, String, String), (Count, Count)> = HashMap::new();
    for cell in cells {
        let (window, baseline) = together.entry(key(cell)).or_default();
        window.add(cell.count());
        baseline.add(cell.baseline_count());
    }
    let deviates = |cell: &Cell<'_>| {
        let common = |window, baseline| cell.kind.is_common(window, baseline, parameters);
        let (window, baseline) = (cell.count(), cell.baseline_count());
        let Some((all, baseline_all)) = together.get(&key(cell)) else { return false };
        let alone = window.exceeds(baseline, parameters);
        let all = all.exceeds(*baseline_all, parameters) && common(*all, *baseline_all);
        common(window, baseline) && (alone || all)
    };
    cells.iter().map(deviates).collect()
}

/// The span that lacks children, which distinguishes cells of one missing child.
fn parent<'p>(cell: &Cell<'p>) -> Option<&'p Place> {
    match cell.detail {
        Detail::Missing { parent, .. } => Some(parent),
        _ => None,
    }
}

/// The rows, highest score first.
pub(super) fn rows(cells: &[Cell<'_>], sides: &Sides<'_>, parameters: &Parameters) -> Vec<Culprit> {
    let mut groups: BTreeMap<(CulpritKind, &Place), Vec<&Cell<'_>>> = BTreeMap::new();
    for cell in cells {
        groups.entry((cell.kind, &cell.place)).or_default().push(cell);
    }
    let errors = ErrorRatios::new(groups.keys().map(|(_, place)| *place), sides);
    let mut rows: Vec<Row<'_, '_>> =
        groups.into_iter().map(|((kind, place), cells)| Row::new(kind, place, cells, sides)).collect();
    let all: f64 = rows.iter().map(|row| row.total).sum();
    rows.sort_by(|a, b| {
        let by_share = b.score.total_cmp(&a.score).then(b.total.total_cmp(&a.total));
        by_share.then_with(|| a.name().cmp(&b.name()))
    });
    let best: Vec<(&str, f64)> = rows.iter().map(|row| (row.place.service.as_str(), row.score)).collect();
    let culprits = rows.iter().enumerate().map(|(at, row)| {
        let runner_up = best.iter().find(|(service, _)| *service != row.place.service).map_or(0.0, |(_, score)| *score);
        let (error_ratio, baseline_error_ratio) = errors.of(row);
        let examples = row.examples(sides.window, parameters.examples);
        Culprit {
            rank: at + 1,
            service: row.place.service.clone(),
            caller: row.place.caller.clone(),
            span: row.place.span.clone(),
            kind: row.kind,
            operation_types: row.cells.iter().map(|cell| cell.operation_type.to_owned()).collect(),
            affected: row.count.deviating,
            excess_ms: row.kind.is_time().then_some(row.excess / 1000.0),
            share: if all > 0.0 { row.total / all } else { 0.0 },
            baseline_ms: row.baseline.map(|us| us / 1000.0),
            error_ratio,
            baseline_error_ratio,
            score: row.score / 1000.0,
            confidence: row.confidence(runner_up, parameters),
            summary: summary::summary(row),
            example_trace_ids: examples.iter().map(|(_, profile)| profile.trace_id).collect(),
            evidence: examples.iter().map(|(affected, profile)| summary::evidence(row, affected, profile)).collect(),
        }
    });
    culprits.collect()
}

/// Cells of one kind and place, over all types of operations. Times are in microseconds.
pub(super) struct Row<'c, 'p> {
    pub(super) kind: CulpritKind,
    pub(super) place: &'c Place,
    pub(super) cells: Vec<&'c Cell<'p>>,
    pub(super) count: Count,
    pub(super) baseline_count: Count,
    /// Median over the affected.
    pub(super) excess: f64,
    /// Sum over the affected.
    total: f64,
    pub(super) baseline: Option<f64>,
    score: f64,
}

impl<'c, 'p> Row<'c, 'p> {
    fn new(kind: CulpritKind, place: &'c Place, mut cells: Vec<&'c Cell<'p>>, sides: &Sides<'_>) -> Self {
        // One type has several cells where several spans lack the same child. The one that lacks it most often counts.
        cells.sort_by(|a, b| {
            a.operation_type
                .cmp(b.operation_type)
                .then(b.affected.len().cmp(&a.affected.len()))
                .then_with(|| parent(a).cmp(&parent(b)))
        });
        cells.dedup_by(|b, a| a.operation_type == b.operation_type);
        let (mut count, mut baseline_count, mut expected) = (Count::default(), Count::default(), 0.0);
        for cell in &cells {
            count.add(cell.count());
            baseline_count.add(cell.baseline_count());
            expected += cell.baseline_count().share() * cell.passing.len() as f64;
        }
        let affected = cells.iter().flat_map(|cell| &cell.affected);
        let mut excesses: Vec<f64> = affected.map(|one| one.excess).collect();
        let excess = median(&mut excesses);
        let baselines = cells.iter().flat_map(|cell| match cell.detail {
            Detail::Time { baseline, .. } => vec![baseline; cell.affected.len()],
            _ => Vec::new(),
        });
        let baseline = kind.is_time().then(|| median(&mut baselines.collect::<Vec<f64>>()));
        let operations = sides.operations().max(1) as f64;
        Self {
            kind,
            place,
            count,
            baseline_count,
            excess,
            total: sum(excesses),
            baseline,
            score: excess * (count.deviating as f64 - expected) / operations,
            cells,
        }
    }

    /// What orders rows that are equal otherwise.
    fn name(&self) -> (&str, &str, CulpritKind, Option<&str>) {
        (&self.place.service, &self.place.span, self.kind, self.place.caller.as_deref())
    }

    /// Absence has many explanations, so it never gives high confidence.
    fn confidence(&self, runner_up: f64, parameters: &Parameters) -> Confidence {
        let high = &parameters.high;
        if self.count.deviating < high.affected || self.baseline_count.passing < high.baseline {
            return Confidence::Low;
        }
        let is_widespread = !self.kind.is_time() || self.count.share() >= high.affected_share;
        let leads = self.score >= high.lead * runner_up;
        if is_widespread && leads && self.kind != CulpritKind::Missing { Confidence::High } else { Confidence::Medium }
    }

    /// The requests that show it best, each trace once.
    fn examples<'w>(&self, window: &'w [RequestProfile], most: usize) -> Vec<(Affected<'p>, &'w RequestProfile)> {
        let affected = self.cells.iter().flat_map(|cell| &cell.affected);
        let mut examples: Vec<(Affected<'p>, &RequestProfile)> =
            affected.filter_map(|one| Some((*one, window.get(one.request)?))).collect();
        examples.sort_by(|(a, p), (b, q)| {
            let key = |profile: &RequestProfile| (profile.trace_id, profile.start, Reverse(profile.duration));
            b.excess.total_cmp(&a.excess).then(key(p).cmp(&key(q))).then(a.span_id.cmp(&b.span_id))
        });
        let mut seen: HashSet<TraceId> = HashSet::new();
        examples.retain(|(_, profile)| seen.insert(profile.trace_id));
        examples.truncate(most);
        examples
    }
}

/// How often errors arise at some places.
struct ErrorRatios<'c> {
    counts: HashMap<&'c Place, (Count, Count)>,
}

impl<'c> ErrorRatios<'c> {
    fn new(places: impl Iterator<Item = &'c Place>, sides: &Sides<'_>) -> Self {
        let mut counts: HashMap<&Place, (Count, Count)> = places.map(|place| (place, Default::default())).collect();
        let mut add = |profiles: &[RequestProfile], side: fn(&mut (Count, Count)) -> &mut Count| {
            for visit in profiles.iter().flat_map(|profile| &profile.visits) {
                if let Some(both) = counts.get_mut(&visit.place) {
                    side(both).add(Count { deviating: usize::from(visit.error.is_some()), passing: 1 });
                }
            }
        };
        add(sides.window, |(window, _)| window);
        add(sides.baseline, |(_, baseline)| baseline);
        Self { counts }
    }

    fn of(&self, row: &Row<'_, '_>) -> (f64, f64) {
        if row.kind == CulpritKind::Errors {
            return (row.count.share(), row.baseline_count.share());
        }
        self.counts.get(row.place).map_or((0.0, 0.0), |(window, baseline)| (window.share(), baseline.share()))
    }
}
