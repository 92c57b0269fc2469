//! Operations that started and have no end: running, or stuck.

use std::collections::BTreeSet;

use crate::{
    gather::{
        errors,
        facts::{Facts, is_open},
        operation_status::OperationStatus,
        surrounding_traces::SurroundingTraces,
    },
    judge::draft::Draft,
    playbook::{Address, Attr, Confidence, Effect, Placeholder as P, RouteRole, SpanRole, any_fits, rule_ids},
    read::{request::Request, scan::Scan},
    slice::operation_spans::Member,
};
use trace::{Micros, SpanKind, SpanRef, Time, Value};

pub(super) fn apply<'p>(
    facts: &Facts<'_, '_, 'p>,
    surroundings: &SurroundingTraces<'_, 'p>,
    baseline: Option<Micros>,
    drafts: &mut Vec<Draft<'p>>,
) {
    if !is_open(facts) {
        return;
    }
    let mismatch = instance_mismatch(facts);
    let mut found: Vec<Draft<'p>> = progress_frozen(facts).into_iter().chain(worker_lost(facts)).collect();
    if found.is_empty() {
        found.extend(health_checks_ended(facts, surroundings));
    }
    let certain = mismatch.as_ref().is_some_and(|(_, certain)| *certain);
    if found.is_empty() && !certain {
        found.extend(work_cut_off(facts, baseline));
    }
    if found.is_empty() && !certain {
        found.extend(never_started(facts));
    }
    if found.is_empty() && !certain {
        found.extend(silent(facts, baseline));
    }
    // An instance in each service may be meant so: it explains an operation that does not go on, and no other.
    let explains = certain || !found.is_empty();
    drafts.extend(mismatch.map(|(draft, _)| if explains { draft } else { draft.finding_only() }));
    drafts.extend(found);
    drafts.extend(running(facts));
}

fn silence(facts: &Facts<'_, '_, '_>) -> Micros {
    Micros((facts.context.now - facts.last_activity.unwrap_or(facts.context.now)).0.max(0))
}

/// How long the operation may be silent now.
fn allowed(facts: &Facts<'_, '_, '_>, baseline: Option<Micros>) -> Option<Micros> {
    if let Some(set) = facts.context.stall_threshold {
        return Some(set);
    }
    let last = facts.work_before(facts.context.now).map(|m| m.span.name());
    let table = facts.operation.playbook.silence(&facts.operation_type, last)?.allowed;
    let thresholds = facts.operation.playbook.thresholds();
    // What is usual counts in both directions; but nothing that starts up is stuck before it may be pending.
    let floor = table.min(thresholds.pending_for);
    let usual = baseline.map(|usual| Micros((usual.0 as f64 * thresholds.silence_factor) as i64).max(floor));
    Some(usual.unwrap_or(table))
}

fn running<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let last = facts.states.last()?;
    let member = facts.operation.members.get(last.member)?;
    let draft = Draft::of(facts, rule_ids::RUNNING_ACTIVE)?.attribute(facts, member, Attr::ToStatus);
    Some(draft.absence(Some(member), "transition to an end", "not there", facts.context.now))
}

fn silent<'p>(facts: &Facts<'_, '_, 'p>, baseline: Option<Micros>) -> Option<Draft<'p>> {
    let (silence, allowed) = (silence(facts), allowed(facts, baseline)?);
    if silence <= allowed {
        return None;
    }
    let last = facts.work_before(facts.context.now);
    let draft = Draft::of(facts, rule_ids::STUCK_SILENT)?
        .set(P::Silence, silence.to_string())
        .set(P::Allowed, allowed.to_string())
        .absence(last, "span or event", &format!("none for {silence}"), facts.context.now);
    Some(draft.comparison(None, "silence / allowed silence", &format!("{silence} / {allowed}")))
}

fn never_started<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let silence = silence(facts);
    let allowed = facts.context.stall_threshold.unwrap_or(facts.operation.playbook.thresholds().pending_for);
    if facts.status != OperationStatus::Pending || silence <= allowed {
        return None;
    }
    let registered = facts.states.last().and_then(|s| facts.operation.members.get(s.member));
    Some(Draft::of(facts, rule_ids::STUCK_NEVER_STARTED)?.set(P::Silence, silence.to_string()).absence(
        registered,
        "transition to running",
        "not there",
        facts.context.now,
    ))
}

/// Work whose own span never ended, though nothing came after it for longer than allowed.
fn work_cut_off<'p>(facts: &Facts<'_, '_, 'p>, baseline: Option<Micros>) -> Option<Draft<'p>> {
    let last = facts.operation.cut_off.last()?;
    let (silence, allowed) = (silence(facts), allowed(facts, baseline)?);
    if silence <= allowed {
        return None;
    }
    let draft = Draft::of(facts, rule_ids::STUCK_WORK_CUT_OFF)?
        .set(P::Silence, silence.to_string())
        .set(P::Allowed, allowed.to_string())
        .quote(P::Span, last.span.name())
        .quote(P::Target, last.span.service())
        .absence(Some(last), "parent span", "named, but not in the trace", last.span.start());
    Some(draft.comparison(None, "silence / allowed silence", &format!("{silence} / {allowed}")))
}

/// A poll that the backend handed on to the worker and got no answer to, with no answered one after it.
fn worker_lost<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let mut gone: Option<(Time, Member<'_, 'p>)> = None;
    let mut answered: Option<Time> = None;
    let mut unanswered = 0;
    let thresholds = facts.operation.playbook.thresholds();
    for mention in facts.operation.mentions.iter().filter(|m| m.role == RouteRole::Poll) {
        let Some(scan) = facts.operation.scans.get(mention.scan) else { continue };
        let Some(member) = facts.operation.member(mention.scan, mention.span.ix()) else { continue };
        let span = mention.span;
        // Only the backend's own request to the worker says anything of the worker; the command's poll asks the backend.
        if span.kind() != SpanKind::Client || !asked_by_backend(facts, scan, span) {
            continue;
        }
        let request = Request::of(span, &scan.vocabulary).unwrap_or_default();
        if request.status == Some(404) {
            // A worker that was restarted answers, but knows nothing of the operation.
            gone = Some((span.end(), member));
        } else if request.status.is_some() {
            (answered, unanswered) = (answered.max(Some(span.end())), 0);
        } else if span.is_error() {
            unanswered += 1;
            // A busy worker may let one request wait for too long; nobody lets every one wait.
            let class = errors::own_class(facts.operation, &member);
            let known = errors::classify(facts.operation.playbook, class.as_deref(), None);
            let timed_out = known.is_some_and(|(row, _)| row.effect == Effect::TimedOut);
            if !timed_out || unanswered >= thresholds.timed_out_polls {
                gone = Some((span.end(), member));
            }
        }
    }
    let (at, member) = gone.filter(|(at, _)| answered.is_none_or(|last| last < *at))?;
    if silence(facts) <= thresholds.worker_lost_after || facts.last_activity.is_some_and(|last| last > at) {
        return None;
    }
    let mut draft = Draft::of(facts, rule_ids::STUCK_WORKER_LOST)?;
    // Workers and the backend serve operations under the same path, so only the address distinguishes them.
    if let Some(request) = Request::of(member.span, &facts.operation.scan(&member).vocabulary)
        && let Some(service) = facts.operation.playbook.service_at(Address { path: None, ..request.target() })
    {
        draft = draft.container(service, &request);
    }
    let draft = draft.address(facts, &member).attribute(facts, &member, Attr::HttpStatus).first_error(facts, &member);
    let last = facts.work_before(facts.context.now);
    Some(draft.absence(last, "transition to an end", "not there", facts.context.now))
}

/// Whether a client span is the backend's own: it hangs below something that is not a command (a request it serves, a
/// coordinator), or below nothing (a coordinator that still runs is not there yet) in a service that the playbook knows.
fn asked_by_backend(facts: &Facts<'_, '_, '_>, scan: &Scan<'_, '_>, span: SpanRef<'_>) -> bool {
    match scan.tree.parent(span.ix()) {
        Some(parent) => !scan.span_class(parent).is(SpanRole::Wrapper),
        None => facts.operation.playbook.services().iter().any(|s| any_fits(&s.names, span.service())),
    }
}

fn health_checks_ended<'p>(facts: &Facts<'_, '_, 'p>, surroundings: &SurroundingTraces<'_, 'p>) -> Option<Draft<'p>> {
    let service = facts.worker_service()?;
    let thresholds = facts.operation.playbook.thresholds();
    let health = surroundings.health(service).filter(|health| health.checks >= thresholds.health_checks)?;
    let silence = facts.context.now - health.last;
    let gap = thresholds.health_gap;
    let after = facts.last_activity.is_none_or(|last| last <= health.last + gap);
    if silence <= gap || !after || self::silence(facts) <= gap {
        return None;
    }
    let last = facts.work_before(facts.context.now);
    let value = format!("none since {}", health.last);
    Some(Draft::of(facts, rule_ids::STUCK_HEALTH_CHECKS_ENDED)?.set(P::Silence, silence.to_string()).absence(
        last,
        "health checks of the worker",
        &value,
        health.last,
    ))
}

/// The span went on for long after its progress was written last.
fn progress_frozen<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let progress = &facts.progress;
    let member = facts.operation.members.get(progress.member?)?;
    let percent = progress.percent.filter(|percent| (0.0..100.0).contains(percent))?;
    let frozen = member.span.end() - progress.at?;
    if frozen < facts.operation.playbook.thresholds().progress_frozen {
        return None;
    }
    let draft = Draft::of(facts, rule_ids::STUCK_PROGRESS_FROZEN)?
        .set(P::Percent, format!("{percent}"))
        .set(P::Silence, (facts.context.now.max(member.span.end()) - progress.at?).to_string())
        .quote(P::Phase, progress.phase.as_deref().unwrap_or(member.span.name()));
    Some(draft.attribute(facts, member, Attr::ProgressPercent).attribute(facts, member, Attr::ProgressAt))
}

/// Two instances of the operations service; certain when one service holds both.
fn instance_mismatch<'p>(facts: &Facts<'_, '_, 'p>) -> Option<(Draft<'p>, bool)> {
    let carriers: Vec<_> = facts
        .operation
        .members
        .iter()
        .filter_map(|m| Some((m, facts.operation.scan(m).get(m.span, Attr::Instance).map(Value::to_text)?)))
        .collect();
    let instances: BTreeSet<&str> = carriers.iter().map(|(_, id)| &**id).collect();
    if instances.len() < 2 {
        return None;
    }
    let mut draft = Draft::of(facts, rule_ids::STUCK_INSTANCE_MISMATCH)?;
    let mut proven = BTreeSet::new();
    for (member, id) in &carriers {
        if proven.insert(&**id) {
            draft = draft.attribute(facts, member, Attr::Instance);
        }
    }
    let pairs: BTreeSet<(&str, &str)> = carriers.iter().map(|(m, id)| (m.span.service(), &**id)).collect();
    let services: BTreeSet<&str> = pairs.iter().map(|(service, _)| *service).collect();
    let certain = pairs.len() > services.len();
    draft = draft.quote(P::Value, instances.iter().next().copied().unwrap_or_default());
    if !certain {
        draft = draft
            .with_confidence(Confidence::Medium, "each service has one instance of its own, which may be meant so");
    }
    Some((draft, certain))
}
