//! What traces without an operation show about the same time: refused connections elsewhere, health checks.

use hashbrown::HashMap;

use crate::{
    playbook::{Correlation, Playbook, RouteRole, Service, SpanRole},
    read::scan::Scan,
    slice::{intervals::Intervals, operation_spans::Member},
};
use trace::{SpanKind, Time};

/// A failing span elsewhere.
#[derive(Clone, Copy)]
pub(crate) struct RelatedFailure<'a, 'p> {
    pub(crate) member: Member<'a, 'p>,
    pub(crate) correlation: &'p Correlation,
}

/// When a service was asked for its health.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HealthChecks {
    pub(crate) last: Time,
    pub(crate) checks: usize,
}

/// Failing spans that explain why one service did not answer, by start.
struct RelatedFailures<'a, 'p> {
    times: Intervals,
    failures: Vec<RelatedFailure<'a, 'p>>,
}

impl<'a, 'p> RelatedFailures<'a, 'p> {
    fn new(mut failures: Vec<RelatedFailure<'a, 'p>>) -> Self {
        failures.sort_by_key(|f| (f.member.span.start(), f.member.span.trace().id(), f.member.span.ix()));
        let times = Intervals::new(failures.iter().map(|f| (f.member.span.start(), f.member.span.end())));
        Self { times, failures }
    }

    /// The first that lasted into the time between `from` and `to`.
    fn between(&self, from: Time, to: Time) -> Option<&RelatedFailure<'a, 'p>> {
        let first = self.times.first_reaching(from, 0)?;
        self.failures.get(first).filter(|failure| failure.member.span.start() <= to)
    }
}

/// Everything beside the operations.
pub(crate) struct SurroundingTraces<'a, 'p> {
    playbook: &'p Playbook,
    /// By the rule of the service that did not answer.
    related: HashMap<&'p str, RelatedFailures<'a, 'p>>,
    health: HashMap<&'a str, HealthChecks>,
}

impl<'a, 'p> SurroundingTraces<'a, 'p> {
    pub(crate) fn new(scans: &'a [Scan<'a, 'p>], playbook: &'p Playbook) -> Self {
        let mut health: HashMap<&'a str, HealthChecks> = HashMap::new();
        let mut failures: HashMap<&'p str, Vec<RelatedFailure<'a, 'p>>> = HashMap::new();
        for (at, scan) in scans.iter().enumerate() {
            for span in scan.trace.spans() {
                let span_class = scan.span_class(span.ix());
                if span_class.is(SpanRole::Context) && span.is_error() {
                    let member = Member { span, scan: at, span_class, folded: 0 };
                    if let Some(failure) = related_failure(member, playbook) {
                        failures.entry(&failure.correlation.waiting_on).or_default().push(failure);
                    }
                }
                if span_class.route_is(RouteRole::Health) && span.kind() == SpanKind::Server && !span.is_error() {
                    let health = health.entry(span.service()).or_insert(HealthChecks { last: span.end(), checks: 0 });
                    health.last = health.last.max(span.end());
                    health.checks += 1;
                }
            }
        }
        let related = failures.into_iter().map(|(service, failures)| (service, RelatedFailures::new(failures)));
        Self { playbook, related: related.collect(), health }
    }

    /// Health checks of a service.
    pub(crate) fn health(&self, service: &str) -> Option<HealthChecks> {
        self.health.get(service).copied()
    }

    /// The failing span that explains why `waited_on` did not answer between two times, and the service it blames.
    pub(crate) fn explains(
        &self,
        waited_on: &Service,
        (from, to): (Time, Time),
    ) -> Option<(&'p Service, RelatedFailure<'a, 'p>)> {
        let slack = self.playbook.thresholds().correlation_window;
        let failure = self.related.get(waited_on.rule.as_str())?.between(from - slack, to + slack)?;
        let blamed = self.playbook.services().iter().find(|s| s.rule == failure.correlation.explains)?;
        Some((blamed, *failure))
    }
}

fn related_failure<'a, 'p>(member: Member<'a, 'p>, playbook: &'p Playbook) -> Option<RelatedFailure<'a, 'p>> {
    let correlation = playbook.correlations().iter().find(|c| c.span.fits(member.span.name()))?;
    Some(RelatedFailure { member, correlation })
}
