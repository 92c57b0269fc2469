//! Places where errors arise more often than in the baseline.

use std::rc::Rc;

use hashbrown::HashMap;

use super::{
    CulpritKind, Place, RequestProfile, Visit,
    cell::{Affected, Cell, Detail, Sides},
};

#[derive(Default)]
struct Group<'p> {
    window: Vec<(usize, &'p Visit)>,
    baseline: Vec<(usize, &'p Visit)>,
}

/// Per type and place: the requests with an error that arises there. Where the baseline does not know the place, all
/// requests of the type count.
pub(super) fn cells<'p>(sides: &Sides<'p>) -> Vec<Cell<'p>> {
    let failing = visits(sides.window).filter(|(_, _, visit)| visit.error.is_some());
    let mut groups: HashMap<(&str, &Place), Group<'p>> = failing
        .map(|(_, profile, visit)| ((profile.operation_type.as_str(), &visit.place), Group::default()))
        .collect();
    for (request, profile, visit) in visits(sides.window) {
        if let Some(group) = groups.get_mut(&(profile.operation_type.as_str(), &visit.place)) {
            group.window.push((request, visit));
        }
    }
    for (request, profile, visit) in visits(sides.baseline) {
        if let Some(group) = groups.get_mut(&(profile.operation_type.as_str(), &visit.place)) {
            group.baseline.push((request, visit));
        }
    }
    let cell = |((operation_type, place), group)| cell(operation_type, place, &group, sides);
    groups.into_iter().filter_map(cell).collect()
}

fn visits(profiles: &[RequestProfile]) -> impl Iterator<Item = (usize, &RequestProfile, &Visit)> {
    let numbered = profiles.iter().enumerate();
    numbered.flat_map(|(request, profile)| profile.visits.iter().map(move |visit| (request, profile, visit)))
}

fn cell<'p>(operation_type: &'p str, place: &Place, group: &Group<'p>, sides: &Sides<'p>) -> Option<Cell<'p>> {
    let all = sides.all_of(operation_type)?;
    let positions = |visits: &[(usize, &Visit)]| visits.iter().map(|(request, _)| *request).collect::<Vec<usize>>();
    let (passing, baseline_passing, typical_duration) = if group.baseline.is_empty() {
        (Rc::clone(&all.window), Rc::clone(&all.baseline), all.typical_duration)
    } else {
        let baseline: Rc<[usize]> = positions(&group.baseline).into();
        let typical_duration = sides.typical_duration(&baseline);
        (positions(&group.window).into(), baseline, typical_duration)
    };
    let failing = |visits: &[(usize, &'p Visit)]| -> Vec<(usize, &'p Visit)> {
        visits.iter().filter(|(_, visit)| visit.error.is_some()).copied().collect()
    };
    let affected = failing(&group.window).into_iter();
    Some(Cell {
        operation_type,
        kind: CulpritKind::Errors,
        place: place.clone(),
        passing,
        affected: affected
            .map(|(request, visit)| Affected {
                request,
                excess: typical_duration,
                at: &visit.place,
                span_id: visit.error,
            })
            .collect(),
        baseline_passing,
        baseline_affected: positions(&failing(&group.baseline)),
        detail: Detail::Errors,
    })
}
