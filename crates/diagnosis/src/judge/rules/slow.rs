//! Operations that take longer than usual, and steps over a threshold of their own.

use std::collections::BTreeMap;

use crate::{
    gather::{
        baseline::Baseline,
        comparable::{OfKey, by_comparable_key},
        facts::{Facts, is_open, share},
        operation_status::OperationStatus,
        path::{ComparableKey, SectionSum},
    },
    judge::draft::Draft,
    playbook::{
        Attr, AttributeMatch, Confidence, Placeholder as P, SpanRole, Step, Thresholds, any_fits, first_line, rule_ids,
    },
    read::request::Request,
    slice::operation_spans::Member,
};
use trace::{Micros, SpanKind, SpanRef, Time, Value};

pub(super) fn apply<'p>(facts: &Facts<'_, '_, 'p>, baseline: Option<&Baseline<'_>>, drafts: &mut Vec<Draft<'p>>) {
    let completed = facts.status == OperationStatus::Completed;
    for step in facts.operation.playbook.steps() {
        // A step that was slow explains a failure or a running operation too, but does not decide there.
        let draft = slow_step(facts, step);
        drafts.extend(draft.map(|draft| if completed { draft } else { draft.finding_only() }));
    }
    if completed {
        drafts.extend(above_baseline(facts, baseline));
    }
    drafts.extend(chatty(facts));
}

/// An operation that takes much longer than usual, and the section that grew most. A section that grew in an operation
/// of usual length says nothing.
fn above_baseline<'p>(facts: &Facts<'_, '_, 'p>, baseline: Option<&Baseline<'_>>) -> Option<Draft<'p>> {
    let baseline = baseline?;
    let (usual, length) = (baseline.duration, facts.window?.length());
    let thresholds = facts.operation.playbook.thresholds();
    let slowdown = length.0 as f64 / usual.0.max(1) as f64;
    if slowdown < thresholds.slow_factor || Micros(length.0 - usual.0) < thresholds.slow_excess {
        return None;
    }
    let path = facts.path.as_ref()?;
    let member = |section: &SectionSum<'_>| section.largest.and_then(|ix| facts.operation.members.get(ix));
    let draft = Draft::of(facts, rule_ids::SLOW_BASELINE)?
        .set(P::Slowdown, format!("{slowdown:.1}"))
        .set(P::Baseline, usual.to_string())
        .comparison(None, "duration / baseline", &format!("{length} / {usual}"));
    let playbook = facts.operation.playbook;
    Some(match grown_most(&by_comparable_key(&path.sums, playbook), baseline) {
        Some(grown) => draft
            .quote(P::GrownSpan, &facts.section_name(grown.section))
            .quote(P::GrownService, grown.section.key.service)
            .set(P::GrownBy, grown.by().to_string())
            .comparison(
                member(grown.section),
                "time on the path / usual",
                &format!("{} / {}", grown.took, grown.usual),
            ),
        None => draft,
    })
}

/// A section that took longer than usual.
#[derive(Clone, Copy)]
struct Grown<'s, 'a> {
    section: &'s SectionSum<'a>,
    took: Micros,
    usual: Micros,
}

impl Grown<'_, '_> {
    fn by(&self) -> Micros {
        Micros(self.took.0 - self.usual.0)
    }
}

/// The section that grew most against what is usual for it; of equals the first by service, name and kind.
fn grown_most<'s, 'a>(
    sections: &BTreeMap<ComparableKey<'s>, OfKey<'s, 'a>>,
    baseline: &Baseline<'_>,
) -> Option<Grown<'s, 'a>> {
    let compared = sections.iter().rev().filter_map(|(key, of_key)| {
        Some(Grown { section: of_key.largest, took: of_key.total, usual: baseline.section(*key)? })
    });
    compared.filter(|grown| grown.took > grown.usual).max_by_key(Grown::by)
}

/// One measured run of a step: how long, and where.
struct Measure<'c, 'a, 'p> {
    took: Micros,
    member: Option<&'c Member<'a, 'p>>,
}

fn slow_step<'p>(facts: &Facts<'_, '_, 'p>, step: &'p Step) -> Option<Draft<'p>> {
    if !step.types.is_empty() && !step.types.contains(&facts.operation_type) {
        return None;
    }
    let mut runs = measures(facts, step);
    runs.sort_by_key(|run| run.took);
    let median = runs.get(runs.len() / 2)?.took;
    let total = runs.iter().fold(Micros(0), |sum, run| sum + run.took);
    let whole = facts.window?.length();
    if median <= step.over || share(total, whole) < step.share {
        return None;
    }
    if attribute_matches(facts, &step.unless_attribute).is_some() || dispatched_to(facts, step) {
        return None;
    }
    let mut draft = Draft::of(facts, &step.rule)?
        .set(P::Value, median.to_string())
        .set(P::Count, runs.len().to_string())
        .set(P::Threshold, step.over.to_string())
        .set(
            P::Total,
            facts.workers.selection.as_ref().and_then(|s| s.total).map(|n| n.to_string()).unwrap_or_default(),
        )
        .comparison(None, "median / threshold", &format!("{median} / {}", step.over));
    if let Some(member) = runs.last().and_then(|run| run.member) {
        draft = if let Some((key, _)) = first_attribute(member, &step.milliseconds) {
            draft.attribute_named(member, key)
        } else {
            let longest = format!("{} / {}", member.span.duration(), step.over);
            draft.comparison(Some(member), "duration / threshold", &longest)
        };
    }
    if let Some((member, key)) = attribute_matches(facts, &step.certain_attribute) {
        draft = draft.attribute_named(member, key).with_confidence(Confidence::High, "");
    }
    Some(draft)
}

/// The first of these attributes that the span has.
fn first_attribute<'a, 'k>(member: &Member<'a, '_>, keys: &'k [String]) -> Option<(&'k str, Value<'a>)> {
    keys.iter().find_map(|key| Some((key.as_str(), member.span.attribute(key)?)))
}

/// The first span that has the attribute, and its key, if the value is one of those asked for.
fn attribute_matches<'c, 'a, 'p, 'k>(
    facts: &'c Facts<'_, 'a, 'p>,
    wanted: &'k AttributeMatch,
) -> Option<(&'c Member<'a, 'p>, &'k str)> {
    let with_attribute = |member| first_attribute(member, &wanted.keys).map(|(key, value)| (member, key, value));
    let (member, key, value) = facts.operation.members.iter().find_map(with_attribute)?;
    any_fits(&wanted.values, &value.to_text()).then_some((member, key))
}

fn measures<'c, 'a, 'p>(facts: &'c Facts<'_, 'a, 'p>, step: &Step) -> Vec<Measure<'c, 'a, 'p>> {
    let spans = facts.operation.members.iter().filter(|m| any_fits(&step.spans, m.span.name()));
    let spans = spans.filter_map(|member| {
        let took = if step.milliseconds.is_empty() {
            member.span.duration()
        } else {
            let (_, value) = first_attribute(member, &step.milliseconds)?;
            Micros((value.as_f64()? * 1000.0) as i64)
        };
        Some(Measure { took, member: Some(member) })
    });
    let segments = facts.path.as_ref().map(|path| path.segments.as_slice()).unwrap_or_default().iter();
    // A phase may fall into several gaps; it is one run all the same. One that still goes on does not count yet.
    let ended = !is_open(facts);
    let gaps = segments.filter(|s| ended && s.member.is_none() && step.phases.iter().any(|phase| *phase == s.key.name));
    let phase: i64 = gaps.map(|s| s.length().0).sum();
    let phase = (phase > 0).then_some(Measure { took: Micros(phase), member: None });
    spans.chain(phase).collect()
}

/// Whether the work went where the step may take long.
fn dispatched_to(facts: &Facts<'_, '_, '_>, step: &Step) -> bool {
    let calls = facts.operation.members.iter().filter(|m| m.span.kind() == SpanKind::Client);
    calls.filter_map(|m| Request::of(m.span, &facts.operation.scan(m).vocabulary)).any(|request| {
        request.port.is_some_and(|port| step.unless_ports.contains(&port))
            || request.host.is_some_and(|host| any_fits(&step.unless_hosts, host))
    })
}

/// Many similar children of one span, one after the other (Jaeger's own skill calls it N+1).
fn chatty<'p>(facts: &Facts<'_, '_, 'p>) -> Option<Draft<'p>> {
    let rule = facts.operation.playbook.rule(rule_ids::CHATTY_N_PLUS_ONE)?;
    let thresholds = facts.operation.playbook.thresholds();
    let most = thresholds.chatty_calls;
    let total = |calls: &[&Member<'_, '_>]| calls.iter().fold(Micros(0), |sum, m| sum + m.span.duration());
    let mut groups: BTreeMap<(usize, u32, String), Vec<&Member<'_, '_>>> = BTreeMap::new();
    for member in &facts.operation.members {
        let scan = facts.operation.scan(member);
        let Some(parent) = scan.tree.parent(member.span.ix()) else { continue };
        let span_class = scan.span_class(parent);
        if span_class.is(SpanRole::Coordinator) || scan.tree.children(parent).len() <= most {
            continue;
        }
        let name = call_name(facts, member);
        if !any_fits(&rule.ignore, &name) {
            groups.entry((member.scan, parent.index() as u32, name)).or_default().push(member);
        }
    }
    let ((scan, _, name), calls) = groups
        .into_iter()
        .filter(|(_, calls)| calls.len() > most && is_chatty(calls, thresholds))
        .max_by_key(|(_, calls)| (calls.len(), total(calls)))?;
    let parent = facts.operation.scans.get(scan).and_then(|s| s.trace.span(s.tree.parent(calls.first()?.span.ix())?));
    let draft = Draft::of(facts, &rule.id)?
        .set(P::Count, calls.len().to_string())
        .quote(P::Value, &name)
        .quote(P::Span, parent.map(SpanRef::name).unwrap_or_default())
        .set(P::Duration, total(&calls).to_string());
    let first = calls.first()?;
    Some(draft.count(first, "similar calls", calls.len()).finding_only())
}

/// A client span's name is often only its method; its route or path distinguishes one call from another, and a statement one
/// query from another.
fn call_name(facts: &Facts<'_, '_, '_>, member: &Member<'_, '_>) -> String {
    let scan = facts.operation.scan(member);
    if let Some(statement) = scan.text(member.span, Attr::DbStatement) {
        return first_line(&statement);
    }
    let request = scan.request(member.span).filter(|_| member.span.kind() == SpanKind::Client);
    let Some(path) = request.and_then(|request| request.path) else { return member.span.name().to_owned() };
    let route = scan.callee(member.span).and_then(|callee| scan.request(callee)?.route);
    let method = request.and_then(|request| request.method).unwrap_or(member.span.name());
    format!("{method} {}", route.map_or_else(|| without_ids(path), str::to_owned))
}

/// A path with `*` in place of numbers and of long hexadecimal ids: calls for different items are alike.
fn without_ids(path: &str) -> String {
    let is_id = |part: &str| {
        let hex = part.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        !part.is_empty() && (part.chars().all(|c| c.is_ascii_digit()) || hex && part.len() >= SHORTEST_ID)
    };
    let parts: Vec<&str> = path.split('/').map(|part| if is_id(part) { "*" } else { part }).collect();
    parts.join("/")
}

/// Hexadecimal ids have at least so many digits; shorter parts of a path may be words.
const SHORTEST_ID: usize = 16;

/// Some clocks only count milliseconds, so that calls seem to begin before the one before has ended.
const MILLISECOND: Micros = Micros::from_millis(1);

fn is_coarse(time: Time) -> bool {
    time.0 % MILLISECOND.0 == 0
}

/// Of similar length for the most part, and one after the other.
fn is_chatty(calls: &[&Member<'_, '_>], thresholds: &Thresholds) -> bool {
    let spread = i64::from(thresholds.chatty_spread);
    let mut lengths: Vec<i64> = calls.iter().map(|m| m.span.duration().0).collect();
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
    let alike = |us: i64| us.saturating_mul(spread) >= median && us <= median.saturating_mul(spread);
    let alike = lengths.iter().filter(|us| alike(**us)).count();
    let mut overlapping = 0;
    for pair in calls.windows(2) {
        if let [a, b] = pair {
            let end = if is_coarse(a.span.start()) && is_coarse(b.span.start()) {
                a.span.end() - MILLISECOND
            } else {
                a.span.end()
            };
            overlapping += usize::from(b.span.start() < end);
        }
    }
    alike * 100 >= calls.len().saturating_mul(thresholds.chatty_alike_percent)
        && overlapping * 100 <= calls.len().saturating_mul(thresholds.chatty_overlap_percent)
}
