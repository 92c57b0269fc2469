//! Everything the rules ask about an operation, gathered once.

use hashbrown::HashSet;

use super::{
    Context, OperationStatus, SectionKind, Verdict, WorkerStatus, baseline,
    case::{Case, Member},
    errors::{self, Fault, Origin},
    http::Request,
    timeline::{self, Path, StateChange, Window},
    workers::{self, Choice, Outcome},
};
use crate::{
    playbook::{Attr, Fill, RouteRole, SpanRole},
    trace::{Micros, SpanKind, SpanRef, Status, Time, Value},
};

/// The last progress that was seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress<'t> {
    pub(super) percent: Option<f64>,
    pub(super) phase: Option<&'t str>,
    pub(super) at: Option<Time>,
    /// Position of the span that carries the percentage.
    pub(super) member: Option<usize>,
}

/// The type of an operation that nothing tells the type of.
const UNKNOWN: &str = "unknown";

/// The facts.
pub(super) struct Facts<'c, 'a, 'p> {
    pub(super) case: &'c Case<'a, 'p>,
    pub(super) context: &'c Context,
    pub(super) operation_type: String,
    pub(super) states: Vec<StateChange>,
    pub(super) status: OperationStatus,
    pub(super) window: Option<Window>,
    pub(super) path: Option<Path>,
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
        let path = window.map(|window| timeline::path(case, window, &operation_type));
        let faults = errors::faults(case);
        let origin =
            errors::origin(case, &survived(case, &faults, &workers), status == OperationStatus::Failed, last_attempt);
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
        facts.fill = facts.words();
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
            .or_else(|| self.progress.phase.map(str::to_owned))
            .or_else(own)
            .unwrap_or_else(|| "start".to_owned())
    }

    /// The last span that lies on the window before a time, transitions to an end left out.
    pub(super) fn work_before(&self, at: Time) -> Option<&Member<'a, 'p>> {
        let path = self.path.as_ref()?;
        let mut at = at;
        loop {
            let member = path.last_top(self.case, at)?;
            let ends = self
                .case
                .scan(member)
                .text(member.span, Attr::ToStatus)
                .and_then(OperationStatus::parse)
                .is_some_and(OperationStatus::is_terminal);
            if !ends {
                return Some(member);
            }
            at = member.span.start() - Micros(1);
        }
    }

    /// Members of one service that did the operation's work: where it was registered, if that is not where it was asked
    /// for.
    pub(super) fn worker_service(&self) -> Option<&'a str> {
        let registered = self.case.members.iter().rev().find(|m| m.sight.is(SpanRole::Register))?.span.service();
        let asked = self.case.members.iter().find(|m| m.sight.route_is(RouteRole::Start));
        (asked.is_none_or(|m| m.span.service() != registered)).then_some(registered)
    }

    /// Whether the work was registered where it was asked for.
    fn work_is_local(&self) -> bool {
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

    /// What the operation's start was answered, when it has no id.
    pub(super) fn start_answer(&self) -> Option<Request<'a>> {
        let starts = self.case.members.iter().filter(|m| m.sight.route_is(RouteRole::Start));
        let last = starts.max_by_key(|m| (m.span.start(), m.span.kind() == SpanKind::Server))?;
        Request::of(last.span, &self.case.scan(last).lexicon)
    }

    fn words(&self) -> Fill {
        let mut fill = Fill::default();
        fill.set("operation", self.case.id.unwrap_or_default());
        fill.set("operation_type", Some(self.operation_type.as_str()).filter(|t| *t != UNKNOWN).unwrap_or_default());
        // Downloads and researches run inside the backend.
        fill.set("doer", if self.work_is_local() { "backend" } else { "worker" });
        for (key, attr) in [
            ("symbol", Attr::Symbol),
            ("timeframe", Attr::Timeframe),
            ("start_date", Attr::StartDate),
            ("end_date", Attr::EndDate),
            ("strategy", Attr::Strategy),
        ] {
            if let Some(value) = self.first(attr) {
                fill.set(key, value.to_text());
            }
        }
        // Several symbols are no argument of a command; the first stands for them there.
        if let Some(first) = fill.get("symbol").and_then(|s| s.split(',').next()).map(str::to_owned) {
            fill.set("symbol", first);
        }
        if let Some(first) = fill.get("timeframe").and_then(|s| s.split(',').next()).map(str::to_owned) {
            fill.set("timeframe", first);
        }
        fill.set("duration", self.window.map_or_else(|| "some time".to_owned(), |window| window.length().to_string()));
        fill.set("phase", self.phase());
        if let Some(bottleneck) = self.path.as_ref().and_then(|p| p.bottleneck.as_ref()) {
            let callee = bottleneck.members.first().and_then(|ix| self.case.members.get(*ix));
            let callee = callee.and_then(|m| self.case.scan(m).callee(m.span)).map(SpanRef::service);
            match callee.filter(|_| bottleneck.kind == SectionKind::Network) {
                Some(callee) => fill.set("bottleneck", format!("network between {} and {callee}", bottleneck.service)),
                None => fill.set("bottleneck", bottleneck.name.as_str()),
            }
            fill.set("bottleneck_service", bottleneck.service.as_str());
            let share = self.window.map_or(0.0, |w| share(bottleneck.total, w.length()));
            fill.set("share", format!("{:.0} %", share * 100.0));
        }
        let worker_type = self.workers.selection.as_ref().and_then(|s| s.worker_type);
        let worker_type = worker_type.or(match self.operation_type.as_str() {
            "training" => Some("training"),
            "backtesting" => Some("backtesting"),
            _ => None,
        });
        fill.set("worker_type", worker_type.unwrap_or_default());
        fill.set(
            "worker_container",
            match worker_type {
                Some("training") => "training-worker-1",
                Some("backtesting") => "backtest-worker-1",
                _ => "",
            },
        );
        if let Some(service) = self.worker_service() {
            fill.set("at_worker", format!(" {service}"));
        }
        if let Some(origin) = &self.origin {
            fill.set("error_type", origin.error_type.as_str());
            fill.set("message", one_line(origin.message.as_deref().unwrap_or_default()));
            let at = origin.at.filter(|_| origin.member.is_none_or(|member| member.span.has_time()));
            fill.set("error_at", at.map(|at| at.to_string()).unwrap_or_default());
            if let Some(member) = origin.member {
                fill.set("span", member.span.name());
                fill.set("caller", member.span.service());
            }
            if let Some((_, more)) = &origin.class {
                fill = fill.with(more);
            }
        }
        fill
    }
}

/// A message within a sentence: one line, and not the whole page that some validators write.
fn one_line(text: &str) -> String {
    const MOST: usize = 300;
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = line.char_indices().nth(MOST) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

/// The faults without those that cost nothing: workers that refused before another took the work.
fn survived<'a, 'p>(case: &Case<'a, 'p>, faults: &[Fault<'a, 'p>], workers: &Outcome<'a, 'p>) -> Vec<Fault<'a, 'p>> {
    let refusals: HashSet<_> = workers.refused.iter().map(|c| (c.member.scan, c.member.span.ix())).collect();
    let harmless = |f: &Fault<'a, 'p>| {
        let above = case.scan(&f.member).tree.ancestors(f.member.span.ix());
        std::iter::once(f.member.span.ix()).chain(above).any(|ix| refusals.contains(&(f.member.scan, ix)))
    };
    let costly = workers.accepted.is_none() || refusals.is_empty();
    faults.iter().filter(|f| costly || !harmless(f)).cloned().collect()
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
    let said = || said().map(|t| playbook.fold_type(t));
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

fn status(case: &Case<'_, '_>, states: &[StateChange], workers: &Outcome<'_, '_>) -> OperationStatus {
    if case.id.is_none() {
        return status_without_id(case);
    }
    let last = states.last().map(|change| change.status);
    let given_back = timeline::given_back(case, states).is_some();
    match last {
        Some(OperationStatus::Running | OperationStatus::Pending) if given_back => OperationStatus::Cancelled,
        // Nobody took the work and nothing happened since: the start has failed, whether that was written or not.
        Some(OperationStatus::Pending) | None if workers.found_nobody() || start_refused(case) => {
            OperationStatus::Failed
        }
        Some(status) => status,
        None => status_by_root(case),
    }
}

/// Whether the start was asked for, and the last answer was an error.
fn start_refused(case: &Case<'_, '_>) -> bool {
    let starts = case.members.iter().filter(|m| m.sight.route_is(RouteRole::Start));
    let last = starts.max_by_key(|m| (m.span.start(), m.span.kind() == SpanKind::Server));
    last.and_then(|m| Request::of(m.span, &case.scan(m).lexicon)).is_some_and(|request| request.refused())
}

/// Without any state the command or the first span must tell; a good end of a fire-and-forget start tells nothing.
fn status_by_root(case: &Case<'_, '_>) -> OperationStatus {
    let failed = case.members.iter().any(|m| m.span.status() == Status::Error);
    if failed { OperationStatus::Failed } else { OperationStatus::Unknown }
}

fn status_without_id(case: &Case<'_, '_>) -> OperationStatus {
    let starts = case.members.iter().filter(|m| m.sight.route_is(RouteRole::Start));
    let last = starts.max_by_key(|m| (m.span.start(), m.span.kind() == SpanKind::Server));
    let Some(last) = last else { return OperationStatus::Unknown };
    let request = Request::of(last.span, &case.scan(last).lexicon).unwrap_or_default();
    if request.refused() || request.status.is_none() && last.span.is_error() {
        OperationStatus::Failed
    } else {
        OperationStatus::Unknown
    }
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
