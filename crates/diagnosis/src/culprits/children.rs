//! Children that are usually there and are not.
//!
//! A span that returns early has fewer kinds of children than usual. Which children it has may vary from request to
//! request, so their number decides, not their names. Where a span lacks children because one of its descendants does,
//! only the descendant counts.

use hashbrown::{HashMap, HashSet};

use super::{
    CulpritKind, Parameters, Place, RequestProfile, Visit,
    cell::{Affected, Cell, Detail, Sides},
    statistics::lower_quantile,
};

type Kind<'p> = (&'p str, &'p str);

/// What spans of one place had in the baseline.
struct Usual<'p> {
    /// Fewer kinds of children than this are too few.
    fewest: usize,
    /// Positions of the baseline's requests with a span there.
    requests: Vec<usize>,
    /// In how many of them a child was there.
    children: HashMap<Kind<'p>, usize>,
}

type PlaceOfType<'p> = (&'p str, &'p Place);

/// Per type and place: the requests in which a span there lacks children. The cell bears the missing child's place.
pub(super) fn cells<'p>(sides: &Sides<'p>, parameters: &Parameters) -> Vec<Cell<'p>> {
    let usual = usual(sides, parameters);
    let mut lacking: HashMap<PlaceOfType<'p>, Vec<(usize, &'p Visit)>> = HashMap::new();
    let mut passing: HashMap<PlaceOfType<'p>, Vec<usize>> = HashMap::new();
    for (request, profile) in sides.window.iter().enumerate() {
        for visit in profile.visits.iter().filter(|visit| visit.children.is_some()) {
            passing.entry((&profile.operation_type, &visit.place)).or_default().push(request);
        }
        for visit in lacking_visits(profile, &usual) {
            lacking.entry((&profile.operation_type, &visit.place)).or_default().push((request, visit));
        }
    }
    let mut baseline_lacking: HashMap<PlaceOfType<'p>, Vec<usize>> = HashMap::new();
    for (request, profile) in sides.baseline.iter().enumerate() {
        for visit in lacking_visits(profile, &usual) {
            baseline_lacking.entry((&profile.operation_type, &visit.place)).or_default().push(request);
        }
    }
    let cell = |(key, visits): (PlaceOfType<'p>, Vec<(usize, &'p Visit)>)| {
        let (operation_type, parent) = key;
        let usual = usual.get(&key)?;
        let (place, children) = missing(parent, &visits, usual, parameters)?;
        let typical_duration = sides.typical_duration(&usual.requests);
        Some(Cell {
            operation_type,
            kind: CulpritKind::Missing,
            place,
            passing: passing.remove(&key)?.into(),
            affected: visits
                .iter()
                .map(|(request, visit)| Affected {
                    request: *request,
                    excess: typical_duration,
                    at: parent,
                    span_id: visit.children.as_ref().map(|children| children.parent),
                })
                .collect(),
            baseline_passing: usual.requests.clone().into(),
            baseline_affected: baseline_lacking.remove(&key).unwrap_or_default(),
            detail: Detail::Missing { parent, children },
        })
    };
    lacking.into_iter().filter_map(cell).collect()
}

fn usual<'p>(sides: &Sides<'p>, parameters: &Parameters) -> HashMap<PlaceOfType<'p>, Usual<'p>> {
    let mut all: HashMap<PlaceOfType<'p>, (Usual<'p>, Vec<usize>)> = HashMap::new();
    for (request, profile) in sides.baseline.iter().enumerate() {
        for visit in &profile.visits {
            let Some(children) = &visit.children else { continue };
            let empty = || (Usual { fewest: 0, requests: Vec::new(), children: HashMap::new() }, Vec::new());
            let (usual, numbers) = all.entry((&profile.operation_type, &visit.place)).or_insert_with(empty);
            usual.requests.push(request);
            numbers.push(children.kinds.len());
            for (service, name) in &children.kinds {
                *usual.children.entry((service, name)).or_default() += 1;
            }
        }
    }
    let finished = all.into_iter().map(|(key, (mut usual, mut numbers))| {
        numbers.sort_unstable();
        usual.fewest = lower_quantile(&numbers, parameters.children_quantile);
        (key, usual)
    });
    finished.collect()
}

/// The visits whose spans lack children, without those that only lead to such a one.
fn lacking_visits<'p>(profile: &'p RequestProfile, usual: &HashMap<PlaceOfType<'p>, Usual<'p>>) -> Vec<&'p Visit> {
    let lacks = |visit: &Visit| {
        let usual = usual.get(&(profile.operation_type.as_str(), &visit.place));
        visit.children.as_ref().zip(usual).is_some_and(|(children, usual)| children.kinds.len() < usual.fewest)
    };
    let mut explained: HashSet<u32> = HashSet::new();
    let mut found = Vec::new();
    for (at, visit) in profile.visits.iter().enumerate().rev() {
        let is_explained = explained.contains(&(at as u32));
        let lacks = !is_explained && lacks(visit);
        if lacks {
            found.push(visit);
        }
        // Places come after the one that leads to them, so this reaches all ancestors.
        if let Some(parent) = visit.within.filter(|parent| (lacks || is_explained) && (*parent as usize) < at) {
            explained.insert(parent);
        }
    }
    found
}

/// Where the missing children belong, and their names. If all of them are in one other service, that service was not
/// reached; else their parent did not go on.
fn missing<'p>(
    parent: &Place,
    lacking: &[(usize, &'p Visit)],
    usual: &Usual<'p>,
    parameters: &Parameters,
) -> Option<(Place, Vec<&'p str>)> {
    let common = parameters.usual_child * usual.requests.len() as f64;
    let mut present: HashMap<Kind<'_>, usize> = HashMap::new();
    for children in lacking.iter().filter_map(|(_, visit)| visit.children.as_ref()) {
        for (service, name) in &children.kinds {
            *present.entry((service, name)).or_default() += 1;
        }
    }
    let absent = |kind: &Kind<'_>| lacking.len() - present.get(kind).copied().unwrap_or_default();
    let counted = |usual_only: bool| -> Vec<(Kind<'p>, usize)> {
        let children = usual.children.iter().filter(|(_, count)| !usual_only || **count as f64 >= common);
        children.map(|(kind, _)| (*kind, absent(kind))).filter(|(_, absent)| *absent > 0).collect()
    };
    let mut children = counted(true);
    if children.is_empty() {
        // No single child is usual: one of several is.
        children = counted(false);
    }
    children.sort_unstable_by(|(a, m), (b, n)| n.cmp(m).then(a.cmp(b)));
    let ((service, first), _) = *children.first()?;
    let names = children.iter().map(|((_, name), _)| *name).collect();
    let unreached = service != parent.service && children.iter().all(|((other, _), _)| *other == service);
    let place = if unreached {
        Place { service: service.to_owned(), caller: Some(parent.service.clone()), span: first.to_owned() }
    } else {
        Place { service: parent.service.clone(), caller: parent.caller.clone(), span: first.to_owned() }
    };
    Some((place, names))
}
