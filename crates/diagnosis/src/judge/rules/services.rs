//! Services that do not answer.

use hashbrown::HashMap;

use crate::{
    gather::{
        errors::{Fault, classify},
        facts::{Facts, is_open},
        operation_status::OperationStatus,
        origin::{Origin, Proof},
        surrounding_traces::{RelatedFailure, SurroundingTraces},
    },
    judge::draft::Draft,
    playbook::{Attr, Confidence, Effect, ErrorClass, Placeholder as P, Service, any_fits},
    read::{
        reported::Source,
        request::{Request, address_in},
    },
    slice::operation_spans::Member,
};
use trace::{SpanIx, SpanKind, SpanRef, Time, Value};

pub(super) fn apply<'p>(
    facts: &Facts<'_, '_, 'p>,
    surroundings: &SurroundingTraces<'_, 'p>,
    drafts: &mut Vec<Draft<'p>>,
) {
    // A connection error that the operation survived did not keep it from its end.
    let ended_well = matches!(facts.status, OperationStatus::Completed | OperationStatus::Cancelled);
    let Some(silent) = silent_service(facts) else { return };
    if ended_well {
        return;
    }
    let waited = waited(facts, &silent).or_else(|| facts.window.map(|w| (w.start, w.until)));
    let draft = match waited.and_then(|waited| surroundings.explains(silent.service, waited)) {
        Some((service, failure)) if silent.timeout => by_correlation(facts, &silent, service, failure),
        _ => unanswered(facts, &silent),
    };
    drafts.extend(draft.map(|draft| match silent.weight {
        Weight::Failed => draft,
        Weight::CanOnlyFail => {
            draft.with_confidence(Confidence::Medium, "the operation still runs, and its next call may be answered")
        }
        Weight::Waiting => draft.finding_only(),
    }));
}

/// What a missing answer means for the operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// It failed of it.
    Failed,
    /// It still runs, but every call so far got no answer.
    CanOnlyFail,
    /// It still runs, and other calls were answered.
    Waiting,
}

/// A request that got no answer.
struct Silent<'a, 'p> {
    service: &'p Service,
    request: Request<'a>,
    member: Option<Member<'a, 'p>>,
    /// Absent where nothing says why no answer came.
    error_type: Option<String>,
    timeout: bool,
    weight: Weight,
}

/// From the first to the last call of the service that got no answer.
fn waited(facts: &Facts<'_, '_, '_>, silent: &Silent<'_, '_>) -> Option<(Time, Time)> {
    let member = silent.member.as_ref()?;
    let called = |m: &&Member<'_, '_>| {
        let vocabulary = &facts.operation.scan(m).vocabulary;
        let request = Request::of(m.span, vocabulary).filter(|request| !request.answered());
        request
            .and_then(|request| request.service(vocabulary))
            .is_some_and(|service| service.rule == silent.service.rule)
    };
    let calls = facts.operation.members.iter().filter(|m| m.span.kind() == SpanKind::Client && m.span.is_error());
    let calls = calls.filter(called).chain([member]).map(|m| (m.span.start(), m.span.end()));
    calls.reduce(|(start, end), (from, to)| (start.min(from), end.max(to)))
}

/// The service that the deciding error waited for.
fn silent_service<'a, 'p>(facts: &Facts<'_, 'a, 'p>) -> Option<Silent<'a, 'p>> {
    let origin = facts.origin.as_ref().filter(|_| facts.status == OperationStatus::Failed);
    let Some(origin) = origin else { return waiting(facts) };
    let row = origin.class.as_ref().map(|(row, _)| *row);
    let called = origin.member.filter(|m| m.span.kind() == SpanKind::Client);
    let request = called.and_then(|m| Request::of(m.span, &facts.operation.scan(&m).vocabulary));
    let timeout = row.is_some_and(|row| row.effect == Effect::TimedOut);
    if !row.map_or_else(|| got_no_answer(origin, request), ErrorClass::is_unreachable) || is_answer(facts, origin) {
        return None;
    }
    // The error may be written far from the request: then the last failing request of the operation is meant.
    let path = origin.class.as_ref().and_then(|(_, groups)| groups.get("path"));
    let (request, member) = match request {
        Some(request) => (request, called),
        None => match last_unanswered(facts, path) {
            Some((request, member)) => (request, Some(member)),
            None => (Request::default(), None),
        },
    };
    if member.is_none()
        && let Some(silent) = behind(facts, timeout)
    {
        return Some(silent);
    }
    let mut target = request.target();
    target.path = target.path.or(path);
    if member.is_none()
        && let Some(address) = address_in_message(origin)
    {
        let (host, port) = address.rsplit_once(':').map_or((address, None), |(host, port)| (host, port.parse().ok()));
        (target.host, target.port) = (Some(host), port);
    }
    let service = facts.operation.playbook.service_at(target).or_else(|| other(facts))?;
    let error_type = (!origin.is_unanswered()).then(|| origin.error_type.clone());
    Some(Silent { service, request, member, error_type, timeout, weight: Weight::Failed })
}

/// The address that the message of an error names; it may be all that does.
fn address_in_message<'o>(origin: &'o Origin<'_, '_>) -> Option<&'o str> {
    let in_group = origin.class.as_ref().and_then(|(_, groups)| groups.get(P::Address.name()));
    in_group.or_else(|| address_in(origin.message.as_deref()?))
}

/// Whether the error is what a server itself answered, by nothing but its status: it may call itself unavailable.
fn is_answer(facts: &Facts<'_, '_, '_>, origin: &Origin<'_, '_>) -> bool {
    let server = origin.member.filter(|member| member.span.kind() == SpanKind::Server);
    let answered = server.is_some_and(|m| facts.operation.scan(&m).get(m.span, Attr::GrpcStatus).is_some());
    let message = origin.message.as_deref();
    answered && !origin.class.as_ref().is_some_and(|(row, _)| row.fits(None, message))
}

/// Whether the origin is a request without an answer, whatever the playbook knows of its error.
fn got_no_answer(origin: &Origin<'_, '_>, request: Option<Request<'_>>) -> bool {
    let http = request.is_some_and(|request| request.method.is_some() && !request.answered());
    origin.is_unanswered()
        || http && !origin.wrapper && matches!(origin.proof, Proof::Span(source) if source.is_described())
}

/// An error inside a service that is known to wait on another one, away from any request: then that one is silent.
fn behind<'a, 'p>(facts: &Facts<'_, 'a, 'p>, timeout: bool) -> Option<Silent<'a, 'p>> {
    let origin = facts.origin.as_ref()?;
    let member = origin.member?;
    let playbook = facts.operation.playbook;
    let within = playbook.services().iter().find(|s| any_fits(&s.names, member.span.service()))?;
    let known = playbook.correlations().iter().find(|c| c.waiting_on == within.rule)?;
    let service = playbook.services().iter().find(|s| s.rule == known.explains)?;
    Some(Silent {
        service,
        request: Request::default(),
        member: Some(member),
        error_type: Some(origin.error_type.clone()),
        timeout,
        weight: Weight::Failed,
    })
}

fn other<'p>(facts: &Facts<'_, '_, 'p>) -> Option<&'p Service> {
    facts.operation.playbook.services().iter().find(|service| service.name.is_empty())
}

fn last_unanswered<'a, 'p>(facts: &Facts<'_, 'a, 'p>, path: Option<&str>) -> Option<(Request<'a>, Member<'a, 'p>)> {
    facts.operation.members.iter().rev().filter(|m| m.span.kind() == SpanKind::Client && m.span.is_error()).find_map(
        |m| {
            let request = Request::of(m.span, &facts.operation.scan(m).vocabulary)?;
            let meant = path.is_none_or(|path| request.path == Some(path));
            (meant && !request.answered()).then_some((request, *m))
        },
    )
}

/// An operation that still runs, whose latest work is a request that got no answer.
fn waiting<'a, 'p>(facts: &Facts<'_, 'a, 'p>) -> Option<Silent<'a, 'p>> {
    if !is_open(facts) {
        return None;
    }
    let calls = || facts.operation.members.iter().filter(|m| m.span.kind() == SpanKind::Client);
    let faults: HashMap<_, _> = facts.faults.iter().map(|f| ((f.member.scan, f.member.span.ix()), f)).collect();
    let last = call(facts, &faults, calls().next_back()?)?;
    let (error_type, timeout) = last.failure.clone()?;
    // Calls of one service; those that the playbook does not know are distinguished by their address.
    let name = |call: &Call<'a, 'p>| {
        (call.service.rule.as_str(), call.service.name.is_empty().then(|| call.request.address()))
    };
    let same: Vec<Call<'a, 'p>> =
        calls().filter_map(|m| call(facts, &faults, m)).filter(|c| name(c) == name(&last)).collect();
    let enough = same.len() >= facts.operation.playbook.thresholds().failing_calls;
    let none_answered = same.iter().all(|call| call.failure.is_some());
    let can_only_fail = enough && none_answered && !goes_on(facts, &last.member);
    let weight = if can_only_fail { Weight::CanOnlyFail } else { Weight::Waiting };
    Some(Silent {
        service: last.service,
        request: last.request,
        member: Some(last.member),
        error_type,
        timeout,
        weight,
    })
}

/// A call of a service.
struct Call<'a, 'p> {
    member: Member<'a, 'p>,
    request: Request<'a>,
    service: &'p Service,
    /// The error's class and whether it timed out, where no answer came.
    failure: Option<(Option<String>, bool)>,
}

fn call<'a, 'p>(
    facts: &Facts<'_, 'a, 'p>,
    faults: &HashMap<(usize, SpanIx), &Fault<'a, 'p>>,
    member: &Member<'a, 'p>,
) -> Option<Call<'a, 'p>> {
    let vocabulary = &facts.operation.scan(member).vocabulary;
    let request = Request::of(member.span, vocabulary)?;
    let service = request.service(vocabulary).or_else(|| other(facts))?;
    let failure = || {
        let fault = faults.get(&(member.scan, member.span.ix()))?;
        if fault.source == Source::NoAnswer {
            return Some((None, false));
        }
        let (row, _) = classify(facts.operation.playbook, fault.class.as_deref(), fault.message.as_deref())?;
        row.is_unreachable().then(|| (fault.class.clone(), row.effect == Effect::TimedOut))
    };
    let failure = if request.answered() { None } else { failure() };
    Some(Call { member: *member, request, service, failure })
}

/// Whether the operation did other work after a call had failed.
fn goes_on(facts: &Facts<'_, '_, '_>, call: &Member<'_, '_>) -> bool {
    use crate::playbook::SpanRole::{Coordinator, Marker, Transition};
    let works = |m: &&Member<'_, '_>| ![Coordinator, Marker, Transition].into_iter().any(|role| m.span_class.is(role));
    facts.operation.members.iter().filter(works).any(|m| m.span.start() >= call.span.end() && !m.span.is_error())
}

impl Draft<'_> {
    /// The container of a service that was called by its name: commands are about that one.
    pub(super) fn container(self, service: &Service, request: &Request<'_>) -> Self {
        match request.host.filter(|host| any_fits(&service.hosts, host)) {
            Some(host) => self.quote(P::WorkerContainer, host),
            None => self,
        }
    }

    /// Where the service is: as the trace says, else at its usual port.
    fn at_address(self, service: &Service, address: Option<&str>) -> Self {
        match (address, service.ports.first()) {
            (Some(address), _) => self.quote(P::Address, address),
            (None, Some(port)) => self.set(P::Address, format!("localhost:{port}")),
            (None, None) => self,
        }
    }
}

fn unanswered<'p>(facts: &Facts<'_, '_, 'p>, silent: &Silent<'_, 'p>) -> Option<Draft<'p>> {
    let address = silent.request.address();
    let in_message = || facts.origin.as_ref().and_then(address_in_message);
    let callee = silent.member.and_then(|m| facts.operation.scan(&m).callee(m.span)).map(SpanRef::service);
    let mut draft = Draft::of(facts, &silent.service.rule)?
        .at_address(silent.service, address.as_deref().or_else(in_message))
        .quote(P::Url, silent.request.url.unwrap_or_default())
        .quote(P::Target, callee.filter(|_| silent.service.name.is_empty()).unwrap_or_default())
        .set(P::Target, silent.service.name.as_str())
        .quote(P::ErrorType, silent.error_type.as_deref().unwrap_or_default())
        .quote(P::Caller, silent.member.map(|m| m.span.service()).unwrap_or_default())
        .container(silent.service, &silent.request);
    if silent.timeout {
        draft = draft.with_root_cause(silent.service.root_cause_timeout.as_ref());
    }
    if silent.error_type.is_none() {
        draft = draft.with_confidence(Confidence::Medium, "the caller's span says that the call failed, but not why");
    }
    let Some(member) = &silent.member else { return Some(draft.origin(facts)) };
    draft = draft.address(facts, member);
    if silent.request.method.is_some() && !silent.request.answered() {
        let key = facts.operation.playbook.keys(Attr::HttpStatus).first().map_or("status code", String::as_str);
        draft = draft.lacks(member, key, "no answer came");
    }
    Some(draft.first_error(facts, member))
}

fn by_correlation<'p>(
    facts: &Facts<'_, '_, 'p>,
    silent: &Silent<'_, 'p>,
    service: &'p Service,
    failure: RelatedFailure<'_, 'p>,
) -> Option<Draft<'p>> {
    let attribute =
        |key: &Option<String>| key.as_ref().and_then(|key| failure.member.span.attribute(key)).map(Value::to_text);
    let host = attribute(&failure.correlation.host).unwrap_or_default();
    let port = attribute(&failure.correlation.port).unwrap_or_default();
    let address = format!("{host}:{port}");
    let mut draft = Draft::of(facts, &service.rule)?
        .at_address(service, Some(address.trim_matches(':')).filter(|address| !address.is_empty()))
        .quote(P::ErrorType, silent.error_type.as_deref().unwrap_or_default())
        .set(P::Target, service.name.as_str());
    if let Some(member) = &silent.member {
        draft = draft.address(facts, member).first_error(facts, member);
    }
    draft = draft.first_error(facts, &failure.member);
    for key in [&failure.correlation.host, &failure.correlation.port].into_iter().flatten() {
        draft = draft.attribute_named(&failure.member, key);
    }
    Some(draft)
}
