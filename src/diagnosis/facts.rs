//! Everything the rules ask about an operation, gathered once.

use std::borrow::Cow;

use hashbrown::HashSet;

use super::{
    Context, OperationStatus, SectionKind, Verdict, WorkerStatus, baseline,
    case::{Case, Member},
    errors::{self, Fault},
    http::Request,
    origin::{self, Origin},
    path::{self, Path, SectionSum},
    status::status,
    timeline::{self, StateChange, Window},
    workers::{self, Choice, Outcome},
};
use crate::{
    playbook::{Attr, Fill, RouteRole, SpanRole},
    trace::{Micros, SpanIx, SpanKind, SpanRef, Time, Value},
};

/// The last progress that was seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress<'t> {
    pub(super) percent: Option<f64>,
    pub(super) phase: Option<Cow<'t, str>>,
    pub(super) at: Option<Time>,
    /// Position of the span that carries the percentage.
    pub(super) member: Option<usize>,
}

/// The type of an operation that nothing tells the type of.
pub(super) const UNKNOWN: &str = "unknown";

/// The facts.
pub(super) struct Facts<'c, 'a, 'p> {
    pub(super) case: &'c Case<'a, 'p>,
    pub(super) context: &'c Context,
    pub(super) operation_type: String,
    pub(super) states: Vec<StateChange<'a>>,
    pub(super) status: OperationStatus,
    pub(super) window: Option<Window>,
    pub(super) path: Option<Path<'a>>,
    pub(super) faults: Vec<Fault<'a, 'p>>,
    pub(super) origin: Option<Origin<'a, 'p>>,
    pub(super) choices: Vec<Choice<'a, 'p>>,
    pub(super) workers: Outcome<'a, 'p>,
    pub(super) progress: Progress<'a>,
    pub(super) last_activity: Option<Time>,
    pub(super) attempts: u32,
    /// What it is compared by, in the playbook's order.
    pub(super) comparable: Vec<Option<String>>,
    /// Words that every rule may use.
    pub(super) fill: Fill,
}

impl<'c, 'a, 'p> Facts<'c, 'a, 'p> {
    pub(super) fn new(case: &'c Case<'a, 'p>, context: &'c Context) -> Self {
        let operation_type = operation_type(case);
        let states = timeline::states(case);
        let choices = workers::choices(case);
        let resumes: Vec<Time> = states.iter().filter(|change| change.resuming).map(|change| change.at).collect();
        let last_attempt = resumes.last().copied().or_else(|| last_start(case));
        let workers = workers::outcome(&choices, last_attempt);
        let status = status(case, &states, &workers);
        let ended = status.is_terminal() || case.id.is_none() && status != OperationStatus::Pending;
        let window = timeline::window(case, &states, ended, context.now);
        let path = window.map(|window| path::path(case, window, &operation_type));
        let faults = errors::faults(case);
        let origin =
            origin::origin(case, &survived(case, &faults, &workers), status == OperationStatus::Failed, last_attempt);
        let workers = told_by_error(workers, origin.as_ref(), case);
        let mut facts = Self {
            case,
            context,
            attempts: attempts(case, resumes.len()),
            operation_type,
            states,
            status,
            window,
            path,
            faults,
            origin,
            choices,
            workers,
            progress: progress(case),
            comparable: baseline::key(case),
            last_activity: case.last_activity(),
            fill: Fill::default(),
        };
        facts.fill = facts.placeholders();
        facts
    }

    /// The phase that the operation is in (or ended in).
    pub(super) fn phase(&self) -> String {
        let until = self.window.map_or(self.context.now, |w| w.until);
        let last = self.work_before(until);
        let by_gap = self.case.playbook.phase(&self.operation_type, last.map(|m| m.span.name()), None);
        let own = || last.map(|m| m.span.name().to_owned()).filter(|name| !name.is_empty());
        by_gap
            .map(str::to_owned)
            .or_else(|| self.progress.phase.as_deref().map(str::to_owned))
            .or_else(own)
            .unwrap_or_else(|| "start".to_owned())
    }

    /// The last span that lies on the window before a time, transitions to an end left out.
    pub(super) fn work_before(&self, at: Time) -> Option<&Member<'a, 'p>> {
        let path = self.path.as_ref()?;
        let mut at = at;
        loop {
            let member = path.last_top(self.case, at)?;
            let state = self.case.scan(member).text(member.span, Attr::ToStatus);
            let state = state.and_then(|word| self.case.playbook.state(&word)).map(OperationStatus::from);
            if !state.is_some_and(OperationStatus::is_terminal) {
                return Some(member);
            }
            at = member.span.start() - Micros(1);
        }
    }

    /// Whether a span shows how the operation ended, and nothing of it began or was asked for after that.
    pub(super) fn end_is_shown(&self) -> bool {
        let end = self.states.last().filter(|change| change.status.is_terminal()).map(|change| change.at);
        let works = self.case.members.iter().map(|m| m.span.start());
        let resumes = self.case.mentions.iter().filter(|m| m.role == RouteRole::Resume).map(|m| m.span.start());
        end.is_some_and(|end| works.chain(resumes).all(|start| start <= end))
    }

    /// Members of one service that did the operation's work: where it was registered, if that is not where it was asked
    /// for.
    pub(super) fn worker_service(&self) -> Option<&'a str> {
        let registered = self.case.members.iter().rev().find(|m| m.sight.is(SpanRole::Register))?.span.service();
        let asked = self.case.members.iter().find(|m| m.sight.route_is(RouteRole::Start));
        (asked.is_none_or(|m| m.span.service() != registered)).then_some(registered)
    }

    /// Whether the work was registered where it was asked for.
    pub(super) fn work_is_local(&self) -> bool {
        let registered = self.case.members.iter().any(|m| m.sight.is(SpanRole::Register));
        registered
            && self.worker_service().is_none()
            && self.workers.accepted.is_none()
            && self.case.route_type.is_some()
    }

    /// The first value of an attribute over the operation's spans.
    pub(super) fn first(&self, attr: Attr) -> Option<Value<'a>> {
        self.case.members.iter().find_map(|m| self.case.scan(m).get(m.span, attr))
    }

    /// The first value of the playbook's `nth` word over the operation's spans.
    pub(super) fn word(&self, nth: usize) -> Option<Value<'a>> {
        self.case.members.iter().find_map(|m| Some(self.case.scan(m).word(m.span, nth)?.1))
    }

    /// What the operation's start was answered, when it has no id.
    pub(super) fn start_answer(&self) -> Option<Request<'a>> {
        let starts = self.case.members.iter().filter(|m| m.sight.route_is(RouteRole::Start));
        let last = starts.max_by_key(|m| (m.span.start(), m.span.kind() == SpanKind::Server))?;
        Request::of(last.span, &self.case.scan(last).lexicon)
    }

    /// What a section is called in a sentence.
    pub(super) fn section_name(&self, section: &SectionSum<'_>) -> String {
        let caller = section.largest.and_then(|ix| self.case.members.get(ix));
        let callee = caller.and_then(|m| self.case.scan(m).callee(m.span)).map(SpanRef::service);
        match callee.filter(|_| section.key.kind == SectionKind::Network) {
            Some(callee) => format!("network between {} and {callee}", section.key.service),
            None => section.key.name.clone().into_owned(),
        }
    }
}

/// The faults without those that cost nothing: workers that refused before another took the work.
fn survived<'a, 'p>(case: &Case<'a, 'p>, faults: &[Fault<'a, 'p>], workers: &Outcome<'a, 'p>) -> Vec<Fault<'a, 'p>> {
    let refused = workers.refused.iter().filter(|_| workers.accepted.is_some());
    let harmless = at_and_below(case, refused.map(|choice| choice.member));
    faults.iter().filter(|f| !harmless.contains(&(f.member.scan, f.member.span.ix()))).cloned().collect()
}

/// These spans and all spans below them, each looked at once.
fn at_and_below<'a, 'p>(case: &Case<'a, 'p>, tops: impl Iterator<Item = Member<'a, 'p>>) -> HashSet<(usize, SpanIx)> {
    let mut found = HashSet::new();
    let mut stack: Vec<(usize, SpanIx)> = tops.map(|top| (top.scan, top.span.ix())).collect();
    while let Some((scan, ix)) = stack.pop() {
        if found.insert((scan, ix)) {
            stack.extend(case.scan_at(scan).tree.children(ix).iter().map(|child| (scan, *child)));
        }
    }
    found
}

/// Training leaves no selection span: its error is the only trace of the selection.
fn told_by_error<'a, 'p>(
    mut workers: Outcome<'a, 'p>,
    origin: Option<&Origin<'a, 'p>>,
    case: &Case<'a, 'p>,
) -> Outcome<'a, 'p> {
    let class = origin.and_then(|origin| origin.class.as_ref());
    let rule = class.and_then(|(class, _)| case.playbook.rule(&class.rule));
    if workers.status.is_none() && rule.is_some_and(|rule| rule.verdict == Verdict::NoWorkers) {
        workers.status = Some(WorkerStatus::NoWorkersAvailable);
    }
    workers
}

/// `part` of `whole`, 0 to 1.
pub(super) fn share(part: Micros, whole: Micros) -> f64 {
    if whole.0 > 0 { (part.0 as f64 / whole.0 as f64).clamp(0.0, 1.0) } else { 0.0 }
}

fn operation_type(case: &Case<'_, '_>) -> String {
    let playbook = case.playbook;
    let by_id = case.id.and_then(|id| playbook.type_in_id(id));
    let said = || {
        let registered = case.members.iter().filter(|m| !m.sight.is(SpanRole::Coordinator));
        registered.into_iter().find_map(|m| case.scan(m).text(m.span, Attr::OperationType))
    };
    let said = || said().map(|t| playbook.fold_type(&t));
    said().or(by_id).or_else(|| case.route_type.map(str::to_owned)).unwrap_or_else(|| UNKNOWN.to_owned())
}

/// Retries of a start without id are attempts of one start: the last of them counts.
fn last_start(case: &Case<'_, '_>) -> Option<Time> {
    if case.id.is_some() || case.start_requests < 2 {
        return None;
    }
    case.members.iter().filter(|m| m.sight.route_is(RouteRole::Start)).map(|m| m.span.start()).max()
}

fn attempts(case: &Case<'_, '_>, resumes: usize) -> u32 {
    case.start_requests.max(1) + case.refused_starts + resumes as u32
}

fn progress<'t>(case: &Case<'t, '_>) -> Progress<'t> {
    let mut progress = Progress::default();
    for (ix, member) in case.members.iter().enumerate() {
        let (scan, span) = (case.scan(member), member.span);
        if member.sight.is(SpanRole::Coordinator) && !timeline::names(case, member) {
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
