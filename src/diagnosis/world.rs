//! What traces without an operation tell about the same time: refused connections elsewhere, health checks.

use hashbrown::HashMap;

use super::{case::Member, scan::Scan};
use crate::{
    playbook::{Correlation, Playbook, RouteRole, Service, SpanRole},
    trace::{SpanKind, Time},
};

/// A failing span elsewhere.
#[derive(Clone, Copy)]
pub(super) struct Witness<'a, 'p> {
    pub(super) member: Member<'a, 'p>,
    pub(super) correlation: &'p Correlation,
}

/// When a service was asked for its health.
#[derive(Clone, Copy, Debug)]
pub(super) struct Health {
    pub(super) last: Time,
    pub(super) checks: usize,
}

/// Everything beside the operations.
pub(super) struct World<'a, 'p> {
    playbook: &'p Playbook,
    witnesses: Vec<Witness<'a, 'p>>,
    health: HashMap<&'a str, Health>,
}

impl<'a, 'p> World<'a, 'p> {
    pub(super) fn new(scans: &'a [Scan<'a, 'p>], playbook: &'p Playbook) -> Self {
        let mut world = Self { playbook, witnesses: Vec::new(), health: HashMap::new() };
        for (at, scan) in scans.iter().enumerate() {
            for span in scan.trace.spans() {
                let sight = scan.sight(span.ix());
                if sight.is(SpanRole::Context) && span.is_error() {
                    let member = Member { span, scan: at, sight, folded: 0 };
                    world.witness(member);
                }
                if sight.route_is(RouteRole::Health) && span.kind() == SpanKind::Server && !span.is_error() {
                    let health = world.health.entry(span.service()).or_insert(Health { last: span.end(), checks: 0 });
                    health.last = health.last.max(span.end());
                    health.checks += 1;
                }
            }
        }
        world
    }

    fn witness(&mut self, member: Member<'a, 'p>) {
        let correlations = self.playbook.correlations().iter();
        if let Some(correlation) = correlations.into_iter().find(|c| c.span.fits(member.span.name())) {
            self.witnesses.push(Witness { member, correlation });
        }
    }

    /// Health checks of a service.
    pub(super) fn health(&self, service: &str) -> Option<Health> {
        self.health.get(service).copied()
    }

    /// The failing span that explains why `waited_on` did not answer between two times, and the service it blames.
    pub(super) fn explains(
        &self,
        waited_on: &Service,
        (from, to): (Time, Time),
    ) -> Option<(&'p Service, Witness<'a, 'p>)> {
        let slack = self.playbook.thresholds().correlation_window;
        let (from, to) = (from - slack, to + slack);
        let near = |w: &&Witness<'a, 'p>| w.member.span.end() >= from && w.member.span.start() <= to;
        let witness = self.witnesses.iter().filter(near).find(|w| w.correlation.waiting_on == waited_on.rule)?;
        let blamed = self.playbook.services().iter().find(|s| s.rule == witness.correlation.explains)?;
        Some((blamed, *witness))
    }
}
