//! From traces to bytes.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

use diagnosis::playbook::{Attr, Playbook, SpanRole};
use trace::{Relation, SpanIx, SpanKind, SpanRef, Status, Time, Trace, Value};

use super::{
    CUT, CompactTraces, VERSION,
    bytes::{Writer, compress},
};

/// Texts in a form that would otherwise be too large are cut to this.
const SHORT_TEXT: usize = 256;
/// With more spans than this, the most important ones are chosen before anything is compressed.
const MAX_SPANS: usize = 50_000;

/// How much is kept.
struct Limits {
    text: usize,
    noise: bool,
    /// Which spans of each trace; `None` for all.
    spans: Option<Vec<HashSet<SpanIx>>>,
}

pub(super) fn encode(traces: &[Trace], playbook: &Playbook) -> CompactTraces {
    let all: usize = traces.iter().map(Trace::len).sum();
    let attempt = |limits: &Limits| Encoder::new(playbook, limits).encode(traces);
    let mut spans = all;
    if all <= MAX_SPANS {
        for (text, noise) in [(CompactTraces::MAX_TEXT, true), (SHORT_TEXT, true), (SHORT_TEXT, false)] {
            let bytes = attempt(&Limits { text, noise, spans: None });
            if bytes.len() <= CompactTraces::MAX_BYTES {
                return CompactTraces::from_bytes(bytes);
            }
            spans = spans.min(all * CompactTraces::MAX_BYTES / bytes.len());
        }
    }
    spans = spans.min(MAX_SPANS);
    let ranked = by_importance(traces);
    loop {
        let mut kept = vec![HashSet::new(); traces.len()];
        for (trace, ix) in ranked.iter().take(spans) {
            kept.get_mut(*trace).map(|kept| kept.insert(*ix));
        }
        let bytes = attempt(&Limits { text: SHORT_TEXT, noise: false, spans: Some(kept) });
        if bytes.len() <= CompactTraces::MAX_BYTES || spans == 0 {
            return CompactTraces::from_bytes(bytes);
        }
        spans = spans * 9 / 10;
    }
}

/// Spans with errors first, then the longest: those that a diagnosis rests on.
fn by_importance(traces: &[Trace]) -> Vec<(usize, SpanIx)> {
    let spans = traces.iter().enumerate().flat_map(|(at, trace)| trace.spans().map(move |span| (at, span)));
    let mut ranked: Vec<_> = spans.collect();
    ranked.sort_by_key(|(at, span)| (!span.is_error(), Reverse(span.duration()), *at, span.ix()));
    ranked.into_iter().map(|(at, span)| (at, span.ix())).collect()
}

struct Encoder<'l, 'p> {
    playbook: &'p Playbook,
    limits: &'l Limits,
    body: Writer,
    texts: HashMap<String, u64>,
    /// The texts in the order of their numbers.
    table: Vec<String>,
    cut: bool,
}

impl<'l, 'p> Encoder<'l, 'p> {
    fn new(playbook: &'p Playbook, limits: &'l Limits) -> Self {
        Self { playbook, limits, body: Writer::default(), texts: HashMap::new(), table: Vec::new(), cut: false }
    }

    fn encode(mut self, traces: &[Trace]) -> Vec<u8> {
        self.body.count(traces.len());
        for (at, trace) in traces.iter().enumerate() {
            self.trace(at, trace);
        }
        let mut payload = Writer::default();
        payload.count(self.table.len());
        self.table.iter().for_each(|text| payload.text(text));
        payload.raw(&self.body.0);
        let mut bytes = vec![VERSION, if self.cut { CUT } else { 0 }];
        bytes.append(&mut compress(&payload.0));
        bytes
    }

    fn trace(&mut self, at: usize, trace: &Trace) {
        let chosen = self.limits.spans.as_ref().map(|kept| kept.get(at).cloned().unwrap_or_default());
        let wanted = |span: &SpanRef<'_>| {
            chosen.as_ref().is_none_or(|kept| kept.contains(&span.ix())) && (self.limits.noise || !self.is_noise(*span))
        };
        let spans: Vec<_> = trace.spans().filter(wanted).collect();
        let left_out = trace.len() - spans.len();
        self.cut |= left_out > 0;
        self.body.raw(&trace.id().0.to_be_bytes());
        let reason = (left_out > 0).then(|| {
            format!("{} of {} spans were kept: the trace is too large to be stored whole", spans.len(), trace.len())
        });
        let gaps: Vec<&str> = trace.gaps().chain(reason.as_deref()).collect();
        self.body.count(gaps.len());
        for gap in gaps {
            self.text(gap);
        }
        self.body.count(trace.duplicates());
        let times = trace.impossible_times();
        for count in [times.starts, times.ends, times.after_clock, times.ends_after_clock, times.events] {
            self.body.count(count);
        }
        self.body.byte(u8::from(times.relative));
        let warnings: Vec<&str> = trace.warnings().collect();
        self.body.count(warnings.len());
        for warning in warnings {
            self.text(warning);
        }
        self.spans(&spans);
    }

    fn spans(&mut self, spans: &[SpanRef<'_>]) {
        let outer = std::mem::take(&mut self.body);
        let mut numbers: HashMap<Vec<u8>, u64> = HashMap::new();
        let mut resources = Writer::default();
        let mut of_spans = Vec::with_capacity(spans.len());
        for span in spans {
            self.text(span.service());
            self.attributes(span.resource_attributes().collect());
            let resource = std::mem::take(&mut self.body).0;
            let next = numbers.len() as u64;
            of_spans.push(*numbers.entry(resource).or_insert_with_key(|resource| {
                resources.raw(resource);
                next
            }));
        }
        self.body = outer;
        self.body.count(numbers.len());
        self.body.raw(&resources.0);
        self.body.count(spans.len());
        let mut before = Time(0);
        for (span, resource) in spans.iter().zip(of_spans) {
            self.body.number(resource);
            self.span(*span, before);
            before = span.start();
        }
    }

    fn span(&mut self, span: SpanRef<'_>, before: Time) {
        let bare = self.is_noise(span);
        let follows = span.parent().is_some_and(|parent| parent.relation == Relation::FollowsFrom);
        let parent = match () {
            () if span.has_unreadable_parent() => 2,
            () => u8::from(follows),
        };
        self.body.byte(kind(span.kind()) | status(span.status()) << 3 | parent << 5 | u8::from(span.has_time()) << 7);
        self.body.raw(&span.id().0.to_be_bytes());
        self.body.raw(&span.parent().map_or(0, |parent| parent.span.0).to_be_bytes());
        self.body.signed((span.start() - before).0);
        self.body.signed(span.duration().0);
        self.text(span.name());
        self.text(span.status_message());
        let (scope, version) = span.scope();
        self.text(scope);
        self.text(version);
        self.attributes(if bare { Vec::new() } else { span.attributes().collect() });
        let events: Vec<_> = if bare { Vec::new() } else { span.events().collect() };
        self.body.count(events.len());
        for event in events {
            self.body.signed((event.time() - span.start()).0);
            self.text(event.name());
            self.attributes(event.attributes().collect());
        }
        let links = if bare { &[] } else { span.links() };
        self.body.count(links.len());
        for link in links {
            self.body.raw(&link.trace.0.to_be_bytes());
            self.body.raw(&link.span.0.to_be_bytes());
        }
        let warnings: Vec<&str> = if bare { Vec::new() } else { span.warnings().collect() };
        self.body.count(warnings.len());
        for warning in warnings {
            self.text(warning);
        }
    }

    fn attributes(&mut self, attributes: Vec<(&str, Value<'_>)>) {
        self.body.count(attributes.len());
        for (key, value) in attributes {
            self.text(key);
            match value {
                Value::Str(text) => {
                    self.body.byte(0);
                    self.text(text);
                }
                Value::Bool(value) => self.body.byte(1 + u8::from(value)),
                Value::Int(value) => {
                    self.body.byte(3);
                    self.body.signed(value);
                }
                Value::Float(value) => {
                    self.body.byte(4);
                    self.body.raw(&value.to_bits().to_be_bytes());
                }
            }
        }
    }

    /// The number of a text, which is cut if it is too long.
    fn text(&mut self, text: &str) {
        let short = prefix(text, self.limits.text);
        self.cut |= short.len() < text.len();
        let number = if let Some(number) = self.texts.get(short) {
            *number
        } else {
            let number = self.table.len() as u64;
            self.table.push(short.to_owned());
            self.texts.insert(short.to_owned(), number);
            number
        };
        self.body.number(number);
    }

    /// Whether what the span carries is not kept: noise that reports nothing and does not name an operation.
    fn is_noise(&self, span: SpanRef<'_>) -> bool {
        let names_operation = || self.playbook.keys(Attr::OperationId).iter().any(|key| span.attribute(key).is_some());
        self.playbook.span_roles(span.name()).any(|role| role == SpanRole::Noise)
            && !span.is_error()
            && span.events().len() == 0
            && !names_operation()
    }
}

/// The text up to the last character that ends within so many bytes.
fn prefix(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

fn kind(kind: SpanKind) -> u8 {
    match kind {
        SpanKind::Unspecified => 0,
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

fn status(status: Status) -> u8 {
    match status {
        Status::Unset => 0,
        Status::Ok => 1,
        Status::Error => 2,
    }
}
