//! Other formulas that culprits could be ranked by, to compare them on real faults.

use std::collections::{BTreeMap, HashMap};

use diagnosis::{
    Confidence, SectionKind,
    culprits::{Culprit, Parameters, RequestProfile, Section, culprits},
};

/// What a formula says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// Services, most suspicious first.
    pub(crate) services: Vec<String>,
    pub(crate) is_sure: bool,
}

type Requests<'p> = &'p [RequestProfile];
pub(crate) type Formula = fn(Requests<'_>, Requests<'_>) -> Answer;

/// All that are compared; the last is the one in use.
pub(crate) const ALL: [(&str, Formula); 11] = [
    ("growth of own time; the caller keeps the network's", |w, b| by_place(w, b, caller_keeps, Times::growth)),
    ("growth of own time; the callee gets the network's", |w, b| by_place(w, b, callee_gets, Times::growth)),
    ("the same, divided by the growth of all places (load)", |w, b| {
        by_place(&unloaded(w, b), b, callee_gets, Times::growth)
    }),
    ("median deviation in MADs (robust z)", |w, b| by_place(w, b, callee_gets, Times::robust_z)),
    ("growth × logarithm of the ratio", |w, b| by_place(w, b, callee_gets, Times::growth_by_ratio)),
    ("Ochiai: slow place against slow request", |w, b| by_place(w, b, callee_gets, Times::ochiai)),
    ("tested deviations, by ratio to the baseline", |w, b| reranked(w, b, ratio)),
    ("tested deviations, by affected × logarithm of the ratio", |w, b| {
        reranked(w, b, |row| row.affected as f64 * ratio(row).ln())
    }),
    ("tested deviations, excess × affected, no shared delays", |w, b| {
        let parameters = Parameters { shared_delay_callees: usize::MAX, ..Parameters::default() };
        answer(&culprits(w, b, &parameters).culprits)
    }),
    ("**in use**, divided by the growth of all places (load)", |w, b| in_use(&unloaded(w, b), b)),
    ("**in use**: tested deviations, excess × affected", in_use),
];

fn in_use(window: Requests<'_>, baseline: Requests<'_>) -> Answer {
    answer(&culprits(window, baseline, &Parameters::default()).culprits)
}

/// The services of rows in their order.
pub(crate) fn answer(rows: &[Culprit]) -> Answer {
    let mut services: Vec<String> = Vec::new();
    for row in rows {
        if !services.contains(&row.service) {
            services.push(row.service.clone());
        }
    }
    Answer { services, is_sure: rows.first().is_some_and(|row| row.confidence == Confidence::High) }
}

fn reranked(window: Requests<'_>, baseline: Requests<'_>, score: fn(&Culprit) -> f64) -> Answer {
    let mut rows = culprits(window, baseline, &Parameters::default()).culprits;
    rows.sort_by(|a, b| score(b).total_cmp(&score(a)));
    answer(&rows)
}

/// Of the time that an affected operation takes to the usual; a missing child counts as twice.
fn ratio(row: &Culprit) -> f64 {
    match (row.excess_ms, row.baseline_ms) {
        (Some(excess), Some(usual)) => 1.0 + excess / usual.max(0.1),
        _ => 2.0,
    }
}

fn caller_keeps(section: &Section) -> &str {
    match section.kind {
        SectionKind::Network => section.place.caller.as_deref().unwrap_or(&section.place.service),
        SectionKind::Span | SectionKind::Gap => &section.place.service,
    }
}

fn callee_gets(section: &Section) -> &str {
    &section.place.service
}

/// The times of one place: per request that passes it its position and microseconds.
#[derive(Default)]
struct Times {
    window: Vec<(usize, f64)>,
    baseline: Vec<f64>,
    /// Positions of the window's slow requests.
    slow: Vec<bool>,
}

impl Times {
    fn window(&self) -> Vec<f64> {
        self.window.iter().map(|(_, us)| *us).collect()
    }

    fn growth(&self) -> f64 {
        (mean(&self.window()) - mean(&self.baseline)) * self.window.len() as f64
    }

    fn robust_z(&self) -> f64 {
        let usual = median(&self.baseline);
        let spread = median(&self.baseline.iter().map(|us| (us - usual).abs()).collect::<Vec<f64>>());
        median(&self.window().iter().map(|us| (us - usual) / (1.4826 * spread).max(1.0)).collect::<Vec<f64>>())
    }

    fn growth_by_ratio(&self) -> f64 {
        self.growth() * (mean(&self.window()).max(1.0) / mean(&self.baseline).max(1.0)).ln().max(0.0)
    }

    fn ochiai(&self) -> f64 {
        let limit = quantile(&self.baseline, 0.95);
        let deviating: Vec<usize> = self.window.iter().filter(|(_, us)| *us > limit).map(|(at, _)| *at).collect();
        let both = deviating.iter().filter(|at| self.slow[**at]).count() as f64;
        let slow = self.slow.iter().filter(|slow| **slow).count() as f64;
        both / (deviating.len() as f64 * slow).sqrt().max(1.0)
    }
}

fn by_place(
    window: Requests<'_>,
    baseline: Requests<'_>,
    service: fn(&Section) -> &str,
    score: fn(&Times) -> f64,
) -> Answer {
    let mut places: BTreeMap<_, (&str, Times)> = BTreeMap::new();
    let usual: Vec<f64> = baseline.iter().map(|request| request.duration.0 as f64).collect();
    let limit = quantile(&usual, 0.95);
    let slow: Vec<bool> = window.iter().map(|request| request.duration.0 as f64 > limit).collect();
    for (request, profile) in window.iter().enumerate() {
        for section in &profile.sections {
            let times = places.entry((section.kind, &section.place)).or_default();
            times.0 = service(section);
            times.1.window.push((request, section.time.0 as f64));
        }
    }
    for section in baseline.iter().flat_map(|profile| &profile.sections) {
        if let Some((_, times)) = places.get_mut(&(section.kind, &section.place)) {
            times.baseline.push(section.time.0 as f64);
        }
    }
    let mut scored: Vec<(f64, &str)> = places
        .into_values()
        .map(|(service, mut times)| {
            times.slow.clone_from(&slow);
            (score(&times), service)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let mut services: Vec<String> = Vec::new();
    for (_, service) in scored.into_iter().filter(|(score, _)| *score > 0.0) {
        if !services.iter().any(|known| known == service) {
            services.push(service.to_owned());
        }
    }
    Answer { services, is_sure: false }
}

/// The window as if everything took as long as usual: all times divided by the median growth of the places.
fn unloaded(window: Requests<'_>, baseline: Requests<'_>) -> Vec<RequestProfile> {
    let medians = |requests: Requests<'_>| {
        let mut times: HashMap<_, Vec<f64>> = HashMap::new();
        for section in requests.iter().flat_map(|request| &request.sections) {
            times.entry((section.kind, section.place.clone())).or_default().push(section.time.0 as f64);
        }
        times.into_iter().map(|(key, times)| (key, median(&times))).collect::<HashMap<_, f64>>()
    };
    let (now, usual) = (medians(window), medians(baseline));
    let growth = now.iter().filter_map(|(key, us)| Some(us / usual.get(key).filter(|usual| **usual > 200.0)?));
    let load = median(&growth.collect::<Vec<f64>>()).max(1.0);
    let mut window = window.to_vec();
    for section in window.iter_mut().flat_map(|request| &mut request.sections) {
        section.time.0 = (section.time.0 as f64 / load) as i64;
    }
    window
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

fn quantile(values: &[f64], q: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get((q * values.len() as f64) as usize).or(values.last()).copied().unwrap_or_default()
}
