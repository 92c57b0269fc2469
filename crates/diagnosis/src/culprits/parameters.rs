//! The numbers that decide what deviates and how sure the answer is.

/// The numbers that decide what deviates. `docs/culprits.md` explains each and shows how far it can be moved before the
/// answers on real faults change.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// A place deviates in a request when it takes longer there than in this share of the baseline's requests
    /// (a quantile, 0 to 1, by nearest rank) …
    pub time_quantile: f64,
    /// … and takes at least this share of a typical request's duration longer than its median.
    pub least_slowdown: f64,
    /// A span lacks children when it has fewer kinds of them than all but this share of the baseline's requests
    /// (a quantile, 0 to 1).
    pub children_quantile: f64,
    /// A child is usual when at least this share of the baseline's requests has it.
    pub usual_child: f64,
    /// Fewer requests than this never make a culprit.
    pub least_affected: usize,
    /// The share of requests that take longer, or lack children, must exceed the baseline's by this much.
    pub least_extra_share: f64,
    /// The share of requests that deviate must exceed the baseline's beyond the uncertainty of both: their Wilson
    /// intervals of so many standard errors must not overlap.
    pub standard_errors: f64,
    /// The calls of a service share a delay when calls to at least so many other services deviate …
    pub shared_delay_callees: usize,
    /// … which are more than this share of the services that it calls.
    pub shared_delay_share: f64,
    /// A callee whose calls are delayed so many times as much as those to a typical callee stands on its own.
    pub shared_delay_spread: f64,
    /// When the answer is sure.
    pub high: HighConfidence,
    /// How many example traces and pieces of evidence a row carries.
    pub examples: usize,
}

/// What a row needs for high confidence.
#[derive(Clone, Debug, PartialEq)]
pub struct HighConfidence {
    /// At least so many requests deviate.
    pub affected: usize,
    /// At least so many requests of the baseline passed the same place.
    pub baseline: usize,
    /// Times: at least this share of the requests that pass the place deviates.
    pub affected_share: f64,
    /// The score is at least so many times that of any other service.
    pub lead: f64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            time_quantile: 0.99,
            least_slowdown: 0.2,
            children_quantile: 0.1,
            usual_child: 0.5,
            least_affected: 3,
            least_extra_share: 0.1,
            standard_errors: 2.5,
            shared_delay_callees: 3,
            shared_delay_share: 0.5,
            shared_delay_spread: 3.0,
            high: HighConfidence::default(),
            examples: 3,
        }
    }
}

impl Default for HighConfidence {
    fn default() -> Self {
        Self { affected: 5, baseline: 20, affected_share: 0.5, lead: 2.0 }
    }
}
