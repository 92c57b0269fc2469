//! The answer to "what changed": what was compared, what deviates, and what a reader must know about it.

use std::collections::BTreeSet;

use hashbrown::HashSet;

use super::{ComparedRanges, Comparison, Parameters, RequestProfile, culprits, profiles};
use crate::Observed;
use trace::{Time, Trace, TraceId};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The operations of the playbook.
    Operations,
    /// Every root span with what is below it.
    Requests,
}

impl Compared {
    /// The word for several of them.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operations => "operations",
            Self::Requests => "requests",
        }
    }
}

/// What changed, and what to know about the answer.
#[derive(Clone, Debug)]
pub struct WhatChanged {
    /// What was compared.
    pub compared: Compared,
    /// The ranges that were compared; `None` for trace files.
    pub ranges: Option<ComparedRanges>,
    /// The culprits.
    pub comparison: Comparison,
    /// Whether so little was compared that no row can be of high confidence.
    pub is_thin: bool,
    /// What a reader must know: how many were compared, the size of the sample, what was left out.
    pub notices: Vec<String>,
    /// Whether something is missing that would belong to the sample.
    pub partial: bool,
    /// What was asked of Jaeger, in a form a person can repeat.
    pub executed: String,
}

/// The operations or requests of one range.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// What is compared.
    pub profiles: Vec<RequestProfile>,
    /// Operations that have not ended or were cancelled, so that they cannot be compared.
    pub not_compared: usize,
    /// What a reader must know.
    pub notices: Vec<String>,
    /// Whether something is missing that would belong to the sample.
    pub partial: bool,
    /// What was asked of Jaeger.
    pub executed: Vec<String>,
}

impl Side {
    /// The operations among these that have ended.
    pub fn of_operations(observed: impl IntoIterator<Item = Observed>) -> Self {
        let mut side = Self::default();
        for one in observed {
            match one.profile {
                Some(profile) => side.profiles.push(profile),
                None => side.not_compared += 1,
            }
        }
        side
    }

    /// The requests of these traces.
    pub fn of_requests<'t>(traces: impl IntoIterator<Item = &'t Trace>) -> Self {
        Self { profiles: traces.into_iter().flat_map(profiles).collect(), ..Self::default() }
    }
}

impl WhatChanged {
    /// Compares two sides. What is in both counts for the window only.
    #[must_use]
    pub fn new(compared: Compared, ranges: Option<ComparedRanges>, window: Side, mut baseline: Side) -> Self {
        let parameters = Parameters::default();
        let known: HashSet<(TraceId, Time)> = window.profiles.iter().map(|one| (one.trace_id, one.start)).collect();
        baseline.profiles.retain(|one| !known.contains(&(one.trace_id, one.start)));
        let comparison = culprits(&window.profiles, &baseline.profiles, &parameters);
        let is_thin = comparison.operations < parameters.high.affected
            || comparison.baseline_operations < parameters.high.baseline;
        let notices = notices(compared, &comparison, is_thin, &window, &baseline, &parameters);
        let executed: Vec<String> = window.executed.into_iter().chain(baseline.executed).collect();
        Self {
            compared,
            ranges,
            comparison,
            is_thin,
            notices,
            partial: window.partial || baseline.partial,
            executed: executed.join("\n"),
        }
    }
}

/// What a reader must know, the most important first.
fn notices(
    compared: Compared,
    comparison: &Comparison,
    is_thin: bool,
    window: &Side,
    baseline: &Side,
    parameters: &Parameters,
) -> Vec<String> {
    let noun = compared.as_str();
    let (operations, baseline_operations) = (comparison.operations, comparison.baseline_operations);
    let mut notices = Vec::new();
    if comparison.culprits.is_empty() && operations > 0 && baseline_operations > 0 {
        notices.push("nothing deviates from the baseline".to_owned());
    }
    notices.push(format!("{operations} {noun} of the window were compared with {baseline_operations} of the baseline"));
    if is_thin {
        notices.push(format!(
            "this is too little to be sure: high confidence needs at least {} {noun} that deviate and {} of the \
             baseline; choose longer ranges",
            parameters.high.affected, parameters.high.baseline
        ));
    }
    if !comparison.unknown_types.is_empty() {
        notices.push(format!(
            "the baseline has no {noun} of these types, so they could not be compared: {}",
            listed(&comparison.unknown_types)
        ));
    }
    for (side, name) in [(window, "window"), (baseline, "baseline")] {
        if side.not_compared > 0 {
            notices.push(format!(
                "{} operations of the {name} have not ended or were cancelled and were left out",
                side.not_compared
            ));
        }
    }
    let of_sides: BTreeSet<&String> = window.notices.iter().chain(&baseline.notices).collect();
    notices.extend(of_sides.into_iter().cloned());
    notices
}

/// Names for people, cut when there are many.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let mut text = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text = format!("{text} and {} more", names.len() - SHOWN);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SectionKind;
    use crate::culprits::{Place, Section};
    use trace::Micros;

    fn side(n: usize, first: u128, ms: i64) -> Side {
        let place = Place { service: "cart".into(), caller: None, span: "Get".into() };
        let section = Section {
            kind: SectionKind::Span,
            place,
            calls: 1,
            time: Micros::from_millis(ms),
            span_id: None,
            waiting: None,
        };
        let profile = |at: usize| RequestProfile {
            operation_type: "cart: Get".into(),
            trace_id: TraceId(first + at as u128),
            start: Time(0),
            duration: Micros::from_millis(ms),
            sections: vec![section.clone()],
            visits: Vec::new(),
        };
        Side { profiles: (0..n).map(profile).collect(), ..Side::default() }
    }

    fn changed(window: Side, baseline: Side) -> WhatChanged {
        WhatChanged::new(Compared::Requests, None, window, baseline)
    }

    /// High confidence needs 5 that deviate and 20 of the baseline (`HighConfidence`), so fewer are a thin sample.
    #[test]
    fn a_sample_is_thin_below_what_high_confidence_needs() {
        for (window, baseline, thin) in [(5, 20, false), (4, 20, true), (5, 19, true), (0, 0, true)] {
            let answer = changed(side(window, 1, 10), side(baseline, 1000, 10));
            assert_eq!(answer.is_thin, thin, "{window} against {baseline}");
            assert_eq!(answer.notices.iter().any(|notice| notice.contains("too little")), thin, "{:?}", answer.notices);
        }
    }

    #[test]
    fn the_first_notice_says_that_nothing_deviates_unless_nothing_could_be_compared() {
        let first = |window, baseline| changed(window, baseline).notices.swap_remove(0);
        assert_eq!(first(side(30, 1, 10), side(30, 1000, 10)), "nothing deviates from the baseline");
        assert!(first(side(30, 1, 90), side(30, 1000, 10)).starts_with("30 requests of the window"));
        assert!(first(side(0, 1, 10), side(30, 1000, 10)).starts_with("0 requests of the window"));
        assert!(first(side(30, 1, 10), side(0, 1000, 10)).starts_with("0 requests of the window"));
    }

    #[test]
    fn what_is_in_both_sides_counts_for_the_window_only() {
        let answer = changed(side(30, 1, 90), side(60, 1, 90));
        assert_eq!((answer.comparison.operations, answer.comparison.baseline_operations), (30, 30));
    }

    #[test]
    fn long_lists_of_types_are_cut() {
        let names: Vec<String> = (0..11).map(|n| n.to_string()).collect();
        assert_eq!(listed(&names[..10]), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9");
        assert_eq!(listed(&names), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1 more");
    }
}
