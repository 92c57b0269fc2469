//! Everything the rules ask about an operation, gathered once.

use std::borrow::Cow;

use hashbrown::HashSet;

use super::{
    comparable,
    context::Context,
    errors::{self, Fault},
    operation_status::OperationStatus,
    origin::Origin,
    origin_search::origin,
    path::{self, Path, SectionKind, SectionSum},
    status::status,
    timeline::{self, StateChange, Window},
    waiting::Waiting,
    workers::{self, AssignmentStep, SelectionOutcome},
};
use crate::{
    playbook::{Attr, RouteRole, SpanRole, Verdict, WorkerStatus},
    read::request::Request,
    slice::operation_spans::{Member, OperationSpans},
};
use trace::{Micros, SpanIx, SpanKind, SpanRef, Time, Value};

/// The last progress that was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress<'t> {
    pub(crate) percent: Option<f64>,
    pub(crate) phase: Option<Cow<'t, str>>,
    pub(crate) at: Option<Time>,
    /// Position of the span that carries the percentage.
    pub(crate) member: Option<usize>,
}

/// The type of an operation whose type is not known.
pub(crate) const UNKNOWN: &str = "unknown";

/// The facts.
pub(crate) struct Facts<'c, 'a, 'p> {
    pub(crate) operation: &'c OperationSpans<'a, 'p>,
    pub(crate) context: &'c Context,
    pub(crate) operation_type: String,
    pub(crate) states: Vec<StateChange<'a>>,
    pub(crate) status: OperationStatus,
    pub(crate) window: Option<Window>,
    pub(crate) path: Option<Path<'a>>,
    pub(crate) faults: Vec<Fault<'a, 'p>>,
    pub(crate) origin: Option<Origin<'a, 'p>>,
    pub(crate) assignment: Vec<AssignmentStep<'a, 'p>>,
    pub(crate) workers: SelectionOutcome<'a, 'p>,
    pub(crate) progress: Progress<'a>,
    pub(crate) last_activity: Option<Time>,
    pub(crate) attempts: u32,
    /// What it is compared by, in the playbook's order.
    pub(crate) comparable: Vec<Option<String>>,
}

impl<'c, 'a, 'p> Facts<'c, 'a, 'p> {
    pub(crate) fn new(operation: &'c OperationSpans<'a, 'p>, context: &'c Context) -> Self {
        let operation_type = operation_type(operation);
        let states = timeline::states(operation);
        let assignment = workers::assignment(operation);
        let resumes: Vec<Time> = states.iter().filter(|change| change.resuming).map(|change| change.at).collect();
        let last_attempt = resumes.last().copied().or_else(|| last_start(operation));
        let workers = workers::outcome(&assignment, last_attempt);
        let waiting = Waiting::new(operation);
        let faults = errors::faults(operation);
        let status = status(operation, &states, &workers, &faults, &waiting);
        let ended = status.is_terminal() || operation.id.is_none() && status != OperationStatus::Pending;
        let window = if operation.root_request.is_some() {
            timeline::window_of_root_request(operation, &waiting)
        } else {
            timeline::window(operation, &states, ended, context.now)
        };
        let path = window.map(|window| path::path(operation, &waiting, window, &operation_type));
        let origin = origin(
            operation,
            &consequential_faults(operation, &faults, &workers, &waiting),
            status == OperationStatus::Failed,
            last_attempt,
        );
        let workers = status_from_error(workers, origin.as_ref(), operation);
        Self {
            operation,
            context,
            attempts: attempts(operation, resumes.len()),
            operation_type,
            states,
            status,
            window,
            path,
            faults,
            origin,
            assignment,
            workers,
            progress: progress(operation),
            comparable: comparable::key(operation),
            last_activity: operation.last_activity(),
        }
    }

    /// The phase that the operation is in (or ended in).
    pub(crate) fn phase(&self) -> String {
        let until = self.window.map_or(self.context.now, |w| w.until);
        let last = self.work_before(until);
        let named = last.map(|m| (m.span.name(), m.span.kind()));
        let open = self.window.is_some_and(|window| window.end.is_none());
        let by_message = || {
            let path = self.path.as_ref().filter(|_| open)?;
            path.phase(self.operation, &self.operation_type, (until, None))
        };
        let by_gap = self.operation.playbook.phase(&self.operation_type, named, None).or_else(by_message);
        let own = || last.map(|m| m.span.name().to_owned()).filter(|name| !name.is_empty());
        by_gap
            .map(str::to_owned)
            .or_else(|| self.progress.phase.as_deref().map(str::to_owned))
            .or_else(own)
            .unwrap_or_else(|| "start".to_owned())
    }

    /// The last span that lies on the window before a time, transitions to an end left out.
    pub(crate) fn work_before(&self, at: Time) -> Option<&Member<'a, 'p>> {
        let path = self.path.as_ref()?;
        let mut at = at;
        loop {
            let member = path.last_top(self.operation, at)?;
            let state = self.operation.scan(member).text(member.span, Attr::ToStatus);
            let state = state.and_then(|word| self.operation.playbook.state(&word)).map(OperationStatus::from);
            if !state.is_some_and(OperationStatus::is_terminal) {
                return Some(member);
            }
            at = member.span.start() - Micros(1);
        }
    }

    /// Whether a span shows how the operation ended, and nothing of it began or was asked for after that.
    pub(crate) fn end_is_shown(&self) -> bool {
        if self.operation.root_request.is_some() {
            return self.operation.root().is_some();
        }
        let end = self.states.last().filter(|change| change.status.is_terminal()).map(|change| change.at);
        let works = self.operation.members.iter().map(|m| m.span.start());
        let resumes = self.operation.mentions.iter().filter(|m| m.role == RouteRole::Resume).map(|m| m.span.start());
        end.is_some_and(|end| works.chain(resumes).all(|start| start <= end))
    }

    /// Members of one service that did the operation's work: where it was registered, if that is not where it was asked
    /// for.
    pub(crate) fn worker_service(&self) -> Option<&'a str> {
        let registered =
            self.operation.members.iter().rev().find(|m| m.span_class.is(SpanRole::Register))?.span.service();
        let asked = self.operation.members.iter().find(|m| m.span_class.route_is(RouteRole::Start));
        (asked.is_none_or(|m| m.span.service() != registered)).then_some(registered)
    }

    /// Whether the work was registered where it was asked for.
    pub(crate) fn work_is_local(&self) -> bool {
        let registered = self.operation.members.iter().any(|m| m.span_class.is(SpanRole::Register));
        registered
            && self.worker_service().is_none()
            && self.workers.accepted.is_none()
            && self.operation.route_type.is_some()
    }

    /// The first value of the playbook's `nth` word over the operation's spans.
    pub(crate) fn word(&self, nth: usize) -> Option<Value<'a>> {
        self.operation.members.iter().find_map(|m| Some(self.operation.scan(m).word(m.span, nth)?.1))
    }

    /// What the operation's start was answered, when it has no id.
    pub(crate) fn start_answer(&self) -> Option<Request<'a>> {
        let starts = self.operation.members.iter().filter(|m| m.span_class.route_is(RouteRole::Start));
        let last = starts.max_by_key(|m| (m.span.start(), m.span.kind() == SpanKind::Server))?;
        Request::of(last.span, &self.operation.scan(last).vocabulary)
    }

    /// What a section is called in a sentence.
    pub(crate) fn section_name(&self, section: &SectionSum<'_>) -> String {
        let caller = section.largest.and_then(|ix| self.operation.members.get(ix));
        let callee = caller.and_then(|m| self.operation.scan(m).callee(m.span)).map(SpanRef::service);
        match callee.filter(|_| section.key.kind == SectionKind::Network) {
            Some(callee) => format!("network between {} and {callee}", section.key.service),
            None => section.key.name.clone().into_owned(),
        }
    }
}

/// Whether the operation still goes on as far as the traces show.
pub(crate) fn is_open(facts: &Facts<'_, '_, '_>) -> bool {
    use OperationStatus::{Pending, Running};
    facts.operation.id.is_some() && matches!(facts.status, Running | Pending)
}

/// The faults without those that cost nothing: workers that refused before another took the work, and what happened below
/// a call of a root request that was answered well.
fn consequential_faults<'a, 'p>(
    operation: &OperationSpans<'a, 'p>,
    faults: &[Fault<'a, 'p>],
    workers: &SelectionOutcome<'a, 'p>,
    waiting: &Waiting,
) -> Vec<Fault<'a, 'p>> {
    let refused = workers.refused.iter().filter(|_| workers.accepted.is_some());
    let mut harmless = at_and_below(operation, refused.map(|choice| choice.member));
    if operation.root_request.is_some() && !faults.is_empty() {
        harmless.extend(survived(operation, waiting));
    }
    faults.iter().filter(|f| !harmless.contains(&(f.member.scan, f.member.span.ix()))).cloned().collect()
}

/// The spans that something above waited for and that was answered well all the same.
fn survived(operation: &OperationSpans<'_, '_>, waiting: &Waiting) -> HashSet<(usize, SpanIx)> {
    let well = |member: &Member<'_, '_>| {
        !member.span.is_error() && operation.scan(member).request(member.span).is_some_and(|answer| answer.accepted())
    };
    let well: Vec<bool> = operation.members.iter().map(well).collect();
    // Known for every span once it is known for the one above.
    let mut known: Vec<Option<bool>> = vec![None; operation.members.len()];
    for member in 0..operation.members.len() {
        let open: Vec<usize> =
            waiting.upwards(member).take_while(|at| known.get(*at).is_some_and(Option::is_none)).collect();
        for at in open.into_iter().rev() {
            let above = waiting.parents.get(at).copied().flatten();
            let is = |list: &[bool], at: usize| list.get(at).copied().unwrap_or(false);
            let below =
                above.is_some_and(|above| is(&well, above) || known.get(above).copied().flatten() == Some(true));
            if let Some(slot) = known.get_mut(at) {
                *slot = Some(below);
            }
        }
    }
    let survived = operation.members.iter().zip(known).filter(|(_, known)| *known == Some(true));
    survived.map(|(member, _)| (member.scan, member.span.ix())).collect()
}

/// These spans and all spans below them, each looked at once.
fn at_and_below<'a, 'p>(
    operation: &OperationSpans<'a, 'p>,
    tops: impl Iterator<Item = Member<'a, 'p>>,
) -> HashSet<(usize, SpanIx)> {
    let mut found = HashSet::new();
    let mut stack: Vec<(usize, SpanIx)> = tops.map(|top| (top.scan, top.span.ix())).collect();
    while let Some((scan, ix)) = stack.pop() {
        if found.insert((scan, ix)) {
            stack.extend(operation.scan_at(scan).tree.children(ix).iter().map(|child| (scan, *child)));
        }
    }
    found
}

/// Training leaves no selection span: its error is the only trace of the selection.
fn status_from_error<'a, 'p>(
    mut workers: SelectionOutcome<'a, 'p>,
    origin: Option<&Origin<'a, 'p>>,
    operation: &OperationSpans<'a, 'p>,
) -> SelectionOutcome<'a, 'p> {
    let class = origin.and_then(|origin| origin.class.as_ref());
    let rule = class.and_then(|(class, _)| operation.playbook.rule(&class.rule));
    if workers.status.is_none() && rule.is_some_and(|rule| rule.verdict == Verdict::NoWorkers) {
        workers.status = Some(WorkerStatus::NoWorkersAvailable);
    }
    workers
}

/// `part` of `whole`, 0 to 1.
pub(crate) fn share(part: Micros, whole: Micros) -> f64 {
    if whole.0 > 0 { (part.0 as f64 / whole.0 as f64).clamp(0.0, 1.0) } else { 0.0 }
}

fn operation_type(operation: &OperationSpans<'_, '_>) -> String {
    if let Some(request) = &operation.root_request {
        return request.operation_type.clone();
    }
    let playbook = operation.playbook;
    let by_id = operation.id.and_then(|id| playbook.type_in_id(id));
    let said = || {
        let registered = operation.members.iter().filter(|m| !m.span_class.is(SpanRole::Coordinator));
        registered.into_iter().find_map(|m| operation.scan(m).text(m.span, Attr::OperationType))
    };
    let said = || said().map(|t| playbook.fold_type(&t));
    said().or(by_id).or_else(|| operation.route_type.map(str::to_owned)).unwrap_or_else(|| UNKNOWN.to_owned())
}

/// Retries of a start without id are attempts of one start: the last of them counts.
fn last_start(operation: &OperationSpans<'_, '_>) -> Option<Time> {
    if operation.id.is_some() || operation.start_requests < 2 {
        return None;
    }
    operation.members.iter().filter(|m| m.span_class.route_is(RouteRole::Start)).map(|m| m.span.start()).max()
}

fn attempts(operation: &OperationSpans<'_, '_>, resumes: usize) -> u32 {
    operation.start_requests.max(1) + operation.refused_starts + resumes as u32
}

fn progress<'t>(operation: &OperationSpans<'t, '_>) -> Progress<'t> {
    let mut progress = Progress::default();
    for (ix, member) in operation.members.iter().enumerate() {
        let (scan, span) = (operation.scan(member), member.span);
        if member.span_class.is(SpanRole::Coordinator) && !timeline::names(operation, member) {
            continue;
        }
        let percent = scan.get(span, Attr::ProgressPercent).and_then(Value::as_f64);
        let phase = scan.text(span, Attr::ProgressPhase);
        if percent.is_none() && phase.is_none() {
            continue;
        }
        let written = scan.get(span, Attr::ProgressAt).and_then(Value::as_f64).map(|secs| Time((secs * 1e6) as i64));
        let possible = written.filter(|at| (span.start()..=span.end()).contains(at));
        let at = possible.or(percent.map(|_| span.end())).filter(|_| span.has_time());
        if at.is_some() && at < progress.at {
            continue;
        }
        if percent.is_some() {
            (progress.percent, progress.at, progress.member) = (percent, at, Some(ix));
        }
        progress.phase = phase.or(progress.phase);
    }
    progress
}
