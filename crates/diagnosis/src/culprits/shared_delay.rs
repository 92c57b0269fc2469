//! A service whose calls to everybody became slow.
//!
//! When a process gets too little processor time, or its network is slow, it sees *all* answers late. Each delay would
//! be blamed on the callee. That so many callees became slow for one caller at once is explained better by the caller,
//! so the delays are moved to the span by which requests enter it. A callee that is delayed far more than the others
//! keeps its own.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use super::{
    CulpritKind, Parameters, Place,
    cell::{Affected, Cell, Detail},
    statistics::{median, sum},
    times::most_frequent,
};

/// Moves delays that all calls of a service share to that service. `cells` are those that deviate; others show which
/// services a caller calls at all.
pub(super) fn attribute<'p>(cells: Vec<(Cell<'p>, bool)>, parameters: &Parameters) -> Vec<Cell<'p>> {
    let mut callers: BTreeMap<String, Caller> = BTreeMap::new();
    for (cell, deviates) in &cells {
        if let Some(caller) = cell.place.caller.as_ref().filter(|_| cell.kind == CulpritKind::Network) {
            callers.entry(caller.clone()).or_default().add(cell, *deviates);
        }
    }
    let sharing: BTreeMap<String, BTreeSet<String>> =
        callers.into_iter().filter_map(|(name, caller)| Some((name, caller.sharing(parameters)?))).collect();
    let is_shared = |cell: &Cell<'_>| {
        let sharing = cell.place.caller.as_ref().and_then(|caller| sharing.get(caller));
        cell.kind == CulpritKind::Network && sharing.is_some_and(|callees| callees.contains(&cell.place.service))
    };
    let deviating = cells.into_iter().filter(|(_, deviates)| *deviates).map(|(cell, _)| cell);
    let (shared, mut kept): (Vec<_>, Vec<_>) = deviating.partition(is_shared);
    let mut by_caller: BTreeMap<(String, &str), Vec<Cell<'p>>> = BTreeMap::new();
    for cell in shared {
        let caller = cell.place.caller.clone().unwrap_or_default();
        by_caller.entry((caller, cell.operation_type)).or_default().push(cell);
    }
    for ((_, operation_type), parts) in by_caller {
        let Some(entry) = entry(&parts) else {
            kept.extend(parts);
            continue;
        };
        let own = |cell: &Cell<'_>| {
            cell.kind == CulpritKind::Span && cell.operation_type == operation_type && cell.place == *entry
        };
        let own = kept.iter().position(own).map(|at| kept.swap_remove(at));
        let parts: Vec<Cell<'p>> = own.into_iter().chain(parts).collect();
        kept.push(merge(entry, operation_type, &parts));
    }
    kept
}

/// The services that one service calls.
#[derive(Default)]
struct Caller {
    callees: BTreeMap<String, Callee>,
}

#[derive(Default)]
struct Callee {
    deviates: bool,
    calls: u64,
    delay: f64,
}

impl Caller {
    fn add(&mut self, cell: &Cell<'_>, deviates: bool) {
        let Detail::Time { calls, .. } = cell.detail else { return };
        let callee = self.callees.entry(cell.place.service.clone()).or_default();
        callee.deviates |= deviates;
        callee.calls += calls;
        callee.delay += sum(cell.affected.iter().map(|affected| affected.excess).collect());
    }

    /// The callees whose calls share a delay, if they do.
    fn sharing(&self, parameters: &Parameters) -> Option<BTreeSet<String>> {
        let deviating = || self.callees.iter().filter(|(_, callee)| callee.deviates);
        let per_call = |callee: &Callee| callee.delay / callee.calls.max(1) as f64;
        let most = parameters.shared_delay_spread
            * median(&mut deviating().map(|(_, callee)| per_call(callee)).collect::<Vec<f64>>());
        let alike = deviating().filter(|(_, callee)| per_call(callee) <= most);
        let alike: BTreeSet<String> = alike.map(|(name, _)| name.clone()).collect();
        let enough = alike.len() >= parameters.shared_delay_callees
            && alike.len() as f64 > parameters.shared_delay_share * self.callees.len() as f64;
        enough.then_some(alike)
    }
}

/// The span by which most requests entered the caller.
fn entry<'p>(parts: &[Cell<'p>]) -> Option<&'p Place> {
    most_frequent(parts.iter().filter_map(|part| match part.detail {
        Detail::Time { waiting, .. } => waiting,
        _ => None,
    }))
}

/// One cell in the place of several of the same requests.
fn merge<'p>(entry: &Place, operation_type: &'p str, parts: &[Cell<'p>]) -> Cell<'p> {
    let union = |list: for<'c> fn(&'c Cell<'p>) -> &'c [usize]| -> Vec<usize> {
        parts.iter().flat_map(list).copied().collect::<BTreeSet<usize>>().into_iter().collect()
    };
    let mut affected: HashMap<usize, (Affected<'p>, f64)> = HashMap::new();
    let (mut baseline, mut calls, mut shared_by) = (0.0, 0, BTreeSet::new());
    for part in parts {
        for one in &part.affected {
            let (all, largest) = affected.entry(one.request).or_insert((Affected { excess: 0.0, ..*one }, 0.0));
            all.excess += one.excess;
            if one.excess > *largest {
                *largest = one.excess;
                (all.at, all.span_id) = (one.at, one.span_id);
            }
        }
        if let Detail::Time { baseline: own, calls: own_calls, .. } = part.detail {
            baseline += own;
            calls += own_calls;
        }
        if part.kind == CulpritKind::Network {
            shared_by.insert(part.place.service.clone());
        }
    }
    Cell {
        operation_type,
        kind: CulpritKind::Span,
        place: entry.clone(),
        passing: union(|part| &part.passing).into(),
        affected: affected.into_values().map(|(all, _)| all).collect(),
        baseline_affected: union(|part| &part.baseline_affected),
        baseline_passing: union(|part| &part.baseline_passing).into(),
        detail: Detail::Time { baseline, calls, waiting: None, shared_by: shared_by.into_iter().collect() },
    }
}
