//! Services that do not answer.

use super::{Draft, EvidenceKind, Facts, World, at_span};
use crate::{
    diagnosis::{
        OperationStatus, Verdict,
        case::Member,
        errors::{Fault, classify},
        http::Request,
    },
    playbook::{Attr, Effect, Fill, Service, any_fits},
    trace::{SpanKind, Value},
};

pub(super) fn apply<'p>(facts: &Facts<'_, '_, 'p>, world: &World<'_, 'p>, drafts: &mut Vec<Draft<'p>>) {
    // A connection error that the operation survived did not keep it from its end.
    let ended_well = matches!(facts.status, OperationStatus::Completed | OperationStatus::Cancelled);
    let Some(silent) = silent_service(facts) else { return };
    if ended_well {
        return;
    }
    let waited = silent.member.map(|m| (m.span.start(), m.span.end()));
    let waited = waited.or_else(|| facts.window.map(|w| (w.start, w.until)));
    match waited.and_then(|waited| world.explains(silent.service, waited)) {
        Some((service, proof)) if silent.timeout => drafts.extend(by_correlation(facts, &silent, service, proof)),
        _ => drafts.extend(unanswered(facts, &silent)),
    }
}

/// A request that got no answer.
struct Silent<'a, 'p> {
    service: &'p Service,
    request: Request<'a>,
    member: Option<Member<'a, 'p>>,
    error_type: String,
    timeout: bool,
}

/// The service that the deciding error waited for.
fn silent_service<'a, 'p>(facts: &Facts<'_, 'a, 'p>) -> Option<Silent<'a, 'p>> {
    let origin = facts.origin.as_ref().filter(|_| facts.status == OperationStatus::Failed);
    let Some(origin) = origin else { return waiting(facts) };
    let (class, words) = origin.class.as_ref().filter(|(class, _)| class.is_unreachable())?;
    let lexicon = origin.member.map(|m| &facts.case.scan(&m).lexicon);
    let called = origin.member.filter(|m| m.span.kind() == SpanKind::Client);
    let request = called.zip(lexicon).and_then(|(m, lexicon)| Request::of(m.span, lexicon));
    // The error may be told far from the request: then the last failing request of the operation is meant.
    let (request, member) = match request {
        Some(request) => (request, called),
        None => match last_unanswered(facts, words.get("path")) {
            Some((request, member)) => (request, Some(member)),
            None => (Request::default(), None),
        },
    };
    if member.is_none()
        && let Some(silent) = behind(facts, class.effect == Effect::TimedOut)
    {
        return Some(silent);
    }
    let path = request.path.or(words.get("path")).unwrap_or_default();
    let found = facts.case.playbook.service_at(path, request.host.unwrap_or_default(), request.port);
    let service = found.or_else(|| other(facts))?;
    Some(Silent {
        service,
        request,
        member,
        error_type: origin.error_type.clone(),
        timeout: class.effect == Effect::TimedOut,
    })
}

/// An error inside a service that is known to wait on another one, away from any request: then that one is silent.
fn behind<'a, 'p>(facts: &Facts<'_, 'a, 'p>, timeout: bool) -> Option<Silent<'a, 'p>> {
    let origin = facts.origin.as_ref()?;
    let member = origin.member?;
    let playbook = facts.case.playbook;
    let within = playbook.services().iter().find(|s| any_fits(&s.names, member.span.service()))?;
    let known = playbook.correlations().iter().find(|c| c.waiting_on == within.rule)?;
    let service = playbook.services().iter().find(|s| s.rule == known.explains)?;
    let error_type = origin.error_type.clone();
    Some(Silent { service, request: Request::default(), member: Some(member), error_type, timeout })
}

fn other<'p>(facts: &Facts<'_, '_, 'p>) -> Option<&'p Service> {
    facts.case.playbook.services().iter().find(|service| service.name.is_empty())
}

fn last_unanswered<'a, 'p>(facts: &Facts<'_, 'a, 'p>, path: Option<&str>) -> Option<(Request<'a>, Member<'a, 'p>)> {
    facts.case.members.iter().rev().filter(|m| m.span.kind() == SpanKind::Client && m.span.is_error()).find_map(|m| {
        let request = Request::of(m.span, &facts.case.scan(m).lexicon)?;
        let meant = path.is_none_or(|path| request.path == Some(path));
        (meant && request.status.is_none()).then_some((request, *m))
    })
}

/// An operation that still runs, whose latest work is a request that got no answer.
fn waiting<'a, 'p>(facts: &Facts<'_, 'a, 'p>) -> Option<Silent<'a, 'p>> {
    if !super::is_open(facts) {
        return None;
    }
    let last = facts.case.members.iter().rev().find(|m| m.span.kind() == SpanKind::Client)?;
    let fault: &Fault<'a, 'p> = facts.faults.iter().rev().find(|f| f.member.span.id() == last.span.id())?;
    let (class, _) = classify(facts.case.playbook, fault.class.as_deref(), fault.message)?;
    let request = Request::of(last.span, &facts.case.scan(last).lexicon).filter(|r| r.status.is_none())?;
    let service = request.service(&facts.case.scan(last).lexicon).or_else(|| other(facts))?;
    class.is_unreachable().then(|| Silent {
        service,
        request,
        member: Some(*last),
        error_type: fault.class.clone().unwrap_or_default(),
        timeout: class.effect == Effect::TimedOut,
    })
}

fn unanswered<'p>(facts: &Facts<'_, '_, 'p>, silent: &Silent<'_, 'p>) -> Option<Draft<'p>> {
    let address =
        silent.request.address().or_else(|| silent.service.ports.first().map(|port| format!("localhost:{port}")));
    let mut draft = Draft::of(facts, &silent.service.rule)?
        .set("address", address.unwrap_or_default())
        .set("url", silent.request.url.unwrap_or_default())
        .set("target", silent.service.name.as_str())
        .set("error_type", silent.error_type.as_str())
        .set("caller", silent.member.map(|m| m.span.service().to_owned()).unwrap_or_default());
    if silent.timeout {
        draft = draft.because(silent.service.root_cause_timeout.as_ref());
    }
    if let Some(member) = &silent.member {
        draft = draft
            .attribute(facts, member, Attr::HttpUrl)
            .absence(Some(member), "http.status_code", "no answer came", member.span.end())
            .event(member, "exception.type", &silent.error_type);
    } else if let Some(member) = facts.origin.as_ref().and_then(|o| o.member) {
        draft = draft.attribute(facts, &member, Attr::OperationError);
    }
    if super::is_open(facts) {
        return Some(draft.aside());
    }
    Some(draft)
}

fn by_correlation<'p>(
    facts: &Facts<'_, '_, 'p>,
    silent: &Silent<'_, 'p>,
    service: &'p Service,
    proof: super::super::world::Witness<'_, 'p>,
) -> Option<Draft<'p>> {
    let mut words = Fill::default();
    let attribute =
        |key: &Option<String>| key.as_ref().and_then(|key| proof.member.span.attribute(key)).map(Value::to_text);
    let host = attribute(&proof.correlation.host).unwrap_or_default();
    let port = attribute(&proof.correlation.port).unwrap_or_default();
    words.set("address", format!("{host}:{port}").trim_matches(':'));
    words.set("error_type", silent.error_type.as_str());
    words.set("target", service.name.as_str());
    let mut draft = Draft::of(facts, &service.rule)?.words(&words);
    if let Some(member) = &silent.member {
        draft = draft.attribute(facts, member, Attr::HttpUrl).event(member, "exception.type", &silent.error_type);
    }
    draft = draft.event(&proof.member, "exception", proof.message);
    for key in [&proof.correlation.host, &proof.correlation.port].into_iter().flatten() {
        if let Some(value) = proof.member.span.attribute(key) {
            draft.evidence.push(at_span(draft.rule, EvidenceKind::Attribute, &proof.member, key, &value.to_text()));
        }
    }
    debug_assert_eq!(draft.verdict(), Verdict::Unreachable);
    Some(if super::is_open(facts) { draft.aside() } else { draft })
}
