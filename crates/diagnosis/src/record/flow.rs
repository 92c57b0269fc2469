//! The execution flow: the operation's spans, the command above it, and the gaps of its path, in time order.

use hashbrown::{HashMap, HashSet};

use super::{
    diagnosis::MAX_LIST_ROWS,
    rows::{FlowStep, StepKind, StepStatus},
};
use crate::{
    gather::{
        baseline::Baseline,
        errors::own_class,
        path::{Path, SectionKey, Segment},
        timeline::Window,
    },
    slice::operation_spans::{Member, OperationSpans},
};
use trace::{Micros, SpanId, SpanIx, Time};

/// Its steps, and how many there are in all. Of more than [`MAX_LIST_ROWS`] the important ones are kept (gaps, errors, the
/// bottleneck), then the earliest.
pub(crate) fn steps(
    operation: &OperationSpans<'_, '_>,
    window: Option<Window>,
    path: Option<&Path<'_>>,
    baseline: Option<&Baseline<'_>>,
) -> (Vec<FlowStep>, usize) {
    let start = window.map_or_else(|| operation.members.first().map_or(Time(0), |m| m.span.start()), |w| w.start);
    let usual = usual(operation, path, baseline);
    let flow = Flow { operation, path, start, bottleneck: bottleneck(path), usual, depths: depths(operation) };
    let mut places = flow.places();
    let all = places.len();
    if all > MAX_LIST_ROWS {
        places.sort_unstable_by_key(|place| (!place.important, place.order));
        places.truncate(MAX_LIST_ROWS);
    }
    places.sort_by_key(|place| place.order);
    (places.iter().filter_map(|place| flow.step(place.what)).collect(), all)
}

/// Where a step comes in the flow.
type Order = (Time, u32, Option<SpanId>);

struct Place {
    order: Order,
    important: bool,
    what: StepSource,
}

/// What a step shows: a place in the lists of the operation or of its path.
#[derive(Clone, Copy)]
enum StepSource {
    Context(usize),
    Member(usize),
    Gap(usize),
}

struct Flow<'f, 'a, 'p> {
    operation: &'f OperationSpans<'a, 'p>,
    path: Option<&'f Path<'a>>,
    start: Time,
    bottleneck: HashSet<usize>,
    usual: Usual<'a>,
    depths: Depths,
}

/// What one run of a section usually takes, in milliseconds.
type Usual<'a> = HashMap<SectionKey<'a>, f64>;

/// Looked up once for each section: a thousand epochs are a thousand steps of one section.
fn usual<'a>(
    operation: &OperationSpans<'a, '_>,
    path: Option<&Path<'a>>,
    baseline: Option<&Baseline<'_>>,
) -> Usual<'a> {
    let (Some(path), Some(baseline)) = (path, baseline) else { return Usual::new() };
    let of_members = (0..operation.members.len()).filter_map(|member| path.key_of(operation, member));
    let keys: HashSet<SectionKey<'a>> = of_members.chain(path.sums.iter().map(|sum| sum.key.clone())).collect();
    keys.into_iter()
        .filter_map(|key| {
            let usual = baseline.run(key.comparable(operation.playbook))?.millis();
            Some((key, usual))
        })
        .collect()
}

/// Members that the bottleneck is made of.
fn bottleneck(path: Option<&Path<'_>>) -> HashSet<usize> {
    path.and_then(Path::bottleneck).iter().flat_map(|b| b.members.iter().copied()).collect()
}

impl<'a> Flow<'_, 'a, '_> {
    fn places(&self) -> Vec<Place> {
        let of = |member: &Member<'_, '_>, important, what| Place {
            order: (member.span.start(), depth_of(&self.depths, member), Some(member.span.id())),
            important,
            what,
        };
        let context = self.operation.context.iter().enumerate().map(|(ix, m)| of(m, true, StepSource::Context(ix)));
        let members = self.operation.members.iter().enumerate().map(|(ix, m)| {
            let important = m.span.is_error() || self.bottleneck.contains(&ix);
            of(m, important, StepSource::Member(ix))
        });
        let gaps = self.segments().iter().enumerate().filter(|(_, segment)| segment.member.is_none());
        let gaps =
            gaps.map(|(ix, gap)| Place { order: (gap.start, 0, None), important: true, what: StepSource::Gap(ix) });
        context.chain(members).chain(gaps).collect()
    }

    fn segments(&self) -> &[Segment<'a>] {
        self.path.map(|path| path.segments.as_slice()).unwrap_or_default()
    }

    fn step(&self, what: StepSource) -> Option<FlowStep> {
        Some(match what {
            StepSource::Context(ix) => self.of_span(self.operation.context.get(ix)?),
            StepSource::Member(ix) => {
                let member = self.operation.members.get(ix)?;
                let micros =
                    |list: Option<&Vec<i64>>| list.and_then(|l| l.get(ix)).map_or(0.0, |us| Micros(*us).millis());
                FlowStep {
                    self_ms: micros(self.path.map(|p| &p.self_us)),
                    path_ms: micros(self.path.map(|p| &p.on_path_us)),
                    baseline_ms: self.path.and_then(|path| self.usual.get(&path.key_of(self.operation, ix)?).copied()),
                    is_bottleneck: self.bottleneck.contains(&ix),
                    error_type: own_class(self.operation, member),
                    ..self.of_span(member)
                }
            }
            StepSource::Gap(ix) => self.of_gap(self.segments().get(ix)?),
        })
    }

    fn of_gap(&self, gap: &Segment<'a>) -> FlowStep {
        let length = gap.length().millis();
        let bottleneck = self.path.and_then(Path::bottleneck);
        FlowStep {
            baseline_ms: self.usual.get(&gap.key).copied(),
            span: gap.key.name.clone().into_owned(),
            service: gap.key.service.to_owned(),
            span_id: None,
            trace_id: None,
            depth: 0,
            kind: StepKind::Gap,
            status: StepStatus::Unset,
            start: Some(gap.start),
            offset_ms: (gap.start - self.start).millis(),
            duration_ms: length,
            self_ms: length,
            path_ms: length,
            is_bottleneck: bottleneck.is_some_and(|bottleneck| bottleneck.key == gap.key),
            folded: 0,
            error_type: None,
        }
    }

    fn of_span(&self, member: &Member<'_, '_>) -> FlowStep {
        let span = member.span;
        FlowStep {
            span: span.name().to_owned(),
            service: span.service().to_owned(),
            span_id: Some(span.id()),
            trace_id: Some(span.trace().id()),
            depth: depth_of(&self.depths, member),
            kind: span.kind().into(),
            status: span.status().into(),
            start: Some(span.start()),
            offset_ms: (span.start() - self.start).millis(),
            duration_ms: span.duration().millis(),
            self_ms: 0.0,
            path_ms: 0.0,
            baseline_ms: None,
            is_bottleneck: false,
            folded: member.folded,
            error_type: None,
        }
    }
}

type Depths = HashMap<(usize, SpanIx), u32>;

fn depths(operation: &OperationSpans<'_, '_>) -> Depths {
    let mut depths = Depths::new();
    let mut all: Vec<&Member<'_, '_>> = operation.context.iter().chain(&operation.members).collect();
    let known: HashSet<_> = all.iter().map(|m| (m.scan, m.span.ix())).collect();
    all.sort_by_key(|m| (m.scan, m.span.ix()));
    for member in all {
        // Walks up to the nearest span whose depth is known, then back down, so that deep chains stay linear.
        let scan = operation.scan(member);
        let mut chain = vec![member.span.ix()];
        let mut base = None;
        for above in scan.tree.ancestors(member.span.ix()) {
            if let Some(depth) = depths.get(&(member.scan, above)) {
                base = Some(*depth);
                break;
            }
            if !known.contains(&(member.scan, above)) {
                break;
            }
            chain.push(above);
        }
        for (depth, ix) in (base.map_or(0, |depth| depth + 1)..).zip(chain.into_iter().rev()) {
            depths.entry((member.scan, ix)).or_insert(depth);
        }
    }
    depths
}

fn depth_of(depths: &Depths, member: &Member<'_, '_>) -> u32 {
    depths.get(&(member.scan, member.span.ix())).copied().unwrap_or(0)
}
