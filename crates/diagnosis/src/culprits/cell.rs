//! The window's requests of one type beside the baseline's.

use std::{collections::BTreeSet, rc::Rc};

use hashbrown::HashMap;

use super::{
    CulpritKind, Parameters, Place, RequestProfile,
    statistics::{Count, median},
};
use trace::SpanId;

/// Both windows, with their requests by operation type.
pub(super) struct Sides<'p> {
    pub(super) window: &'p [RequestProfile],
    pub(super) baseline: &'p [RequestProfile],
    types: HashMap<&'p str, AllOfType>,
}

/// All requests of one type: their positions, shared by the cells that need all of them.
#[derive(Clone, Debug)]
pub(super) struct AllOfType {
    pub(super) window: Rc<[usize]>,
    pub(super) baseline: Rc<[usize]>,
    /// Median duration of those in the baseline, µs.
    pub(super) typical_duration: f64,
}

impl<'p> Sides<'p> {
    pub(super) fn new(window: &'p [RequestProfile], baseline: &'p [RequestProfile]) -> Self {
        let mut sides = Self { window, baseline, types: HashMap::new() };
        let (mut by_type, mut baseline_by_type) = (by_type(window), by_type(baseline));
        let names: BTreeSet<&str> = by_type.keys().chain(baseline_by_type.keys()).copied().collect();
        for name in names {
            let window = by_type.remove(name).unwrap_or_default().into();
            let baseline = baseline_by_type.remove(name).unwrap_or_default();
            let typical_duration = sides.typical_duration(&baseline);
            sides.types.insert(name, AllOfType { window, baseline: baseline.into(), typical_duration });
        }
        sides
    }

    /// All requests of a type that the baseline has.
    pub(super) fn all_of(&self, operation_type: &str) -> Option<&AllOfType> {
        self.types.get(operation_type).filter(|all| !all.baseline.is_empty())
    }

    /// How many requests of the window are of a type that the baseline has.
    pub(super) fn operations(&self) -> usize {
        self.types.values().filter(|all| !all.baseline.is_empty()).map(|all| all.window.len()).sum()
    }

    pub(super) fn unknown_types(&self) -> Vec<String> {
        let unknown = self.types.iter().filter(|(_, all)| all.baseline.is_empty());
        unknown.map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<String>>().into_iter().collect()
    }

    /// Median duration of requests of the baseline in microseconds.
    pub(super) fn typical_duration(&self, requests: &[usize]) -> f64 {
        let durations = requests.iter().filter_map(|at| self.baseline.get(*at)).map(|p| p.duration.0 as f64);
        median(&mut durations.collect::<Vec<f64>>())
    }
}

fn by_type(profiles: &[RequestProfile]) -> HashMap<&str, Vec<usize>> {
    let mut types: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, profile) in profiles.iter().enumerate() {
        types.entry(&profile.operation_type).or_default().push(at);
    }
    types
}

/// How one place deviates in one way in requests of one type.
#[derive(Clone, Debug)]
pub(super) struct Cell<'p> {
    pub(super) operation_type: &'p str,
    pub(super) kind: CulpritKind,
    pub(super) place: Place,
    /// Positions of the window's requests that pass the place.
    pub(super) passing: Rc<[usize]>,
    /// Those that deviate.
    pub(super) affected: Vec<Affected<'p>>,
    /// Positions of the baseline's requests that pass the place.
    pub(super) baseline_passing: Rc<[usize]>,
    /// Those that would deviate too.
    pub(super) baseline_affected: Vec<usize>,
    pub(super) detail: Detail<'p>,
}

/// What only one kind of deviation has.
#[derive(Clone, Debug)]
pub(super) enum Detail<'p> {
    Time {
        /// Median time at the place in the baseline, µs.
        baseline: f64,
        /// How often the window's requests passed it.
        calls: u64,
        /// Network: the span of the caller that most requests entered by.
        waiting: Option<&'p Place>,
        /// The services whose calls share the delay, where they do.
        shared_by: Vec<String>,
    },
    Errors,
    Missing {
        /// The span that lacks children.
        parent: &'p Place,
        /// Names of the children that are usually there, most often missing first.
        children: Vec<&'p str>,
    },
}

/// A request of the window that deviates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affected<'p> {
    /// Its position in the window.
    pub(super) request: usize,
    /// By how much, µs; errors and missing children count as a typical duration.
    pub(super) excess: f64,
    /// Where it shows.
    pub(super) at: &'p Place,
    /// The span that shows it.
    pub(super) span_id: Option<SpanId>,
}

impl Cell<'_> {
    pub(super) fn count(&self) -> Count {
        Count { deviating: self.affected.len(), passing: self.passing.len() }
    }

    pub(super) fn baseline_count(&self) -> Count {
        Count { deviating: self.baseline_affected.len(), passing: self.baseline_passing.len() }
    }
}

impl CulpritKind {
    /// Whether the share of deviating requests has grown enough to matter. Any new error matters.
    pub(super) fn is_common(self, window: Count, baseline: Count, parameters: &Parameters) -> bool {
        let extra = window.share() - baseline.share();
        window.deviating > 0 && (self == Self::Errors || extra >= parameters.least_extra_share)
    }
}
