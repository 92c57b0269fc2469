//! Small traces made by code: a request is a tree of steps, laid out one after the other.

use std::sync::Arc;

use diagnosis::culprits::{Comparison, Culprit, CulpritKind, Parameters, RequestProfile, culprits, profiles};
use trace::{
    Micros, Parent, Relation, SpanDraft, SpanId, SpanKind, Status, Strings, Time, Trace, TraceBuilder, TraceId,
};

/// A span with what happens inside it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) service: &'static str,
    pub(crate) name: &'static str,
    pub(crate) kind: SpanKind,
    pub(crate) error: bool,
    /// Its own time before and after its children, µs.
    pub(crate) before: i64,
    pub(crate) after: i64,
    /// Added to its start and those of all below: another clock, or work that starts later.
    pub(crate) shift: i64,
    /// Its children start together instead of one after the other.
    pub(crate) parallel: bool,
    /// The parent goes on at once.
    pub(crate) background: bool,
    pub(crate) children: Vec<Step>,
}

/// A span that takes `ms` by itself, half before and half after its children.
pub(crate) fn step(service: &'static str, name: &'static str, ms: i64) -> Step {
    Step {
        service,
        name,
        kind: SpanKind::Internal,
        error: false,
        before: ms * 500,
        after: ms * 500,
        shift: 0,
        parallel: false,
        background: false,
        children: Vec::new(),
    }
}

/// A call with both its spans: `network` ms pass between caller and callee, the callee takes `ms` by itself.
pub(crate) fn call(caller: &'static str, callee: &'static str, name: &'static str, network: i64, ms: i64) -> Step {
    step(caller, name, network).kind(SpanKind::Client).with(step(callee, name, ms).kind(SpanKind::Server))
}

impl Step {
    pub(crate) fn kind(mut self, kind: SpanKind) -> Self {
        self.kind = kind;
        self
    }

    pub(crate) fn with(mut self, child: Step) -> Self {
        self.children.push(child);
        self
    }

    pub(crate) fn failed(mut self) -> Self {
        self.error = true;
        self
    }

    pub(crate) fn shifted(mut self, ms: i64) -> Self {
        self.shift = ms * 1000;
        self
    }

    pub(crate) fn parallel(mut self) -> Self {
        self.parallel = true;
        self
    }

    pub(crate) fn background(mut self) -> Self {
        self.background = true;
        self
    }

    /// Changes every span of the request.
    pub(crate) fn each(&mut self, change: &mut impl FnMut(&mut Step)) {
        change(self);
        self.children.iter_mut().for_each(|child| child.each(change));
    }

    /// The first span of this name in this service.
    pub(crate) fn at(&mut self, service: &str, name: &str) -> &mut Step {
        fn find<'s>(step: &'s mut Step, service: &str, name: &str) -> Option<&'s mut Step> {
            if step.service == service && step.name == name {
                return Some(step);
            }
            step.children.iter_mut().find_map(|child| find(child, service, name))
        }
        find(self, service, name).unwrap_or_else(|| panic!("no {name} of {service}"))
    }

    /// Takes `ms` longer by itself.
    pub(crate) fn slower(&mut self, ms: i64) {
        self.before += ms * 500;
        self.after += ms * 500;
    }
}

/// A finished span: id, parent, step, start and end.
pub(crate) struct Laid<'s> {
    id: u64,
    parent: u64,
    step: &'s Step,
    start: i64,
    end: i64,
}

fn lay<'s>(step: &'s Step, parent: u64, start: i64, all: &mut Vec<Laid<'s>>) -> i64 {
    let at = all.len();
    let id = at as u64 + 1;
    let start = start + step.shift;
    all.push(Laid { id, parent, step, start, end: 0 });
    let mut now = start + step.before;
    let mut latest = now;
    for child in &step.children {
        let from = if step.parallel { start + step.before } else { now };
        let end = lay(child, id, from, all) - child.shift;
        if !child.background {
            now = end;
            latest = latest.max(end);
        }
    }
    let end = if step.parallel { latest } else { now } + step.after;
    all[at].end = end;
    end
}

/// The trace of a request.
pub(crate) fn trace(number: u64, root: &Step) -> Trace {
    trace_of(number, &[root], |_| true)
}

/// The trace of several requests, without the spans that `keep` refuses.
pub(crate) fn trace_of(number: u64, roots: &[&Step], keep: impl Fn(&Step) -> bool) -> Trace {
    let mut laid = Vec::new();
    let start = 1_700_000_000_000_000 + number as i64 * 1_000_000;
    for root in roots {
        lay(root, 0, start, &mut laid);
    }
    let mut strings = Strings::default();
    let mut builder = TraceBuilder::new(TraceId(u128::from(number)));
    for span in laid.iter().filter(|span| keep(span.step)) {
        let (service, name) = (strings.intern(span.step.service), strings.intern(span.step.name));
        let resource = builder.resource(service, &mut Vec::new(), &strings);
        let parent = (span.parent != 0).then_some(Parent { span: SpanId(span.parent), relation: Relation::ChildOf });
        let mut draft = SpanDraft {
            id: SpanId(span.id),
            parent,
            name,
            resource,
            start: Some(Time(span.start)),
            duration: Some(Micros(span.end - span.start)),
            kind: span.step.kind,
            status: if span.step.error { Status::Error } else { Status::Unset },
            ..SpanDraft::default()
        };
        builder.push(&mut draft, &strings);
    }
    builder.finish(&Arc::new(strings))
}

/// `n` requests, numbered from `first`; `change` may alter each.
pub(crate) fn requests(first: u64, n: u64, root: &Step, mut change: impl FnMut(u64, &mut Step)) -> Vec<RequestProfile> {
    let numbers = first..first + n;
    let trace = |number: u64| {
        let mut root = root.clone();
        change(number - first, &mut root);
        trace(number, &root)
    };
    numbers.map(trace).flat_map(|trace| profiles(&trace)).collect()
}

/// `n` requests as they usually are.
pub(crate) fn usual(n: u64, root: &Step) -> Vec<RequestProfile> {
    requests(1_000_000, n, root, |_, _| {})
}

/// `n` requests of the window, changed.
pub(crate) fn window(n: u64, root: &Step, change: impl FnMut(u64, &mut Step)) -> Vec<RequestProfile> {
    requests(1, n, root, change)
}

pub(crate) fn compare(window: &[RequestProfile], baseline: &[RequestProfile]) -> Comparison {
    culprits(window, baseline, &Parameters::default())
}

/// The rows of a comparison.
pub(crate) fn rows(window: &[RequestProfile], baseline: &[RequestProfile]) -> Vec<Culprit> {
    compare(window, baseline).culprits
}

/// A row's place and kind: `service <- caller span kind`.
pub(crate) fn places(rows: &[Culprit]) -> Vec<String> {
    let place = |row: &Culprit| {
        let caller = row.caller.as_ref().map(|caller| format!(" <- {caller}")).unwrap_or_default();
        format!("{}{caller}: {} ({})", row.service, row.span, row.kind.as_str())
    };
    rows.iter().map(place).collect()
}

/// The only row.
pub(crate) fn only(rows: &[Culprit]) -> &Culprit {
    let [row] = rows else { panic!("{:?}", places(rows)) };
    row
}

pub(crate) fn kinds(rows: &[Culprit]) -> Vec<CulpritKind> {
    rows.iter().map(|row| row.kind).collect()
}
