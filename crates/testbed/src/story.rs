//! Telling a story as spans: a [`Story`] collects traces, a [`SpanPen`] fills in one span.

use super::{
    rng::Rng,
    scenario::{Form, Generated},
    span::{RawEvent, RawSpan, RawTrace, RawValue, Text, ktrdr_process},
};
use trace::{Micros, SpanId, SpanKind, Status, Time, TraceId};

/// Whole milliseconds.
pub(crate) const fn ms(count: i64) -> Micros {
    Micros::from_millis(count)
}

/// Whole seconds.
pub(crate) const fn secs(count: i64) -> Micros {
    Micros::from_secs(count)
}

/// Whole minutes.
pub(crate) const fn mins(count: i64) -> Micros {
    Micros::from_secs(count * 60)
}

/// Where a span hangs: in which trace and under which span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    trace: usize,
    /// The parent; `None` at the top of a trace.
    pub(crate) parent: Option<SpanId>,
}

/// Names of the attributes of HTTP spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HttpNames {
    /// `http.url`, `http.status_code`: what KTRDR emits.
    Old,
    /// `url.full`, `http.response.status_code`, `error.type`.
    New,
}

/// A scenario while it is told.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) form: Form,
    /// About when the operation starts.
    pub(crate) base: Time,
    /// The clock at which the expectation holds.
    pub(crate) now: Time,
    pub(crate) rng: Rng,
    pub(crate) http_names: HttpNames,
    /// Seed of the deployment: worker services keep their names over all scenarios of a seed.
    pub(crate) seed: u64,
    main: Option<String>,
    traces: Vec<RawTrace>,
}

impl Story {
    pub(crate) fn new(name: &str, form: Form, base: Time, seed: u64) -> Self {
        let rng = Rng::new(name, &[form as u64, base.0 as u64, seed]);
        Self { form, base, now: base, rng, http_names: HttpNames::Old, seed, main: None, traces: Vec::new() }
    }

    /// Ends the story.
    pub(crate) fn finish(self) -> Generated {
        let traces = self.traces.into_iter().filter(|trace| !trace.spans.is_empty()).collect();
        Generated { traces, operation_id: self.main, now: self.now }
    }

    /// Sets the clock of the expectation, as distance from the start.
    pub(crate) fn clock(&mut self, after: Micros) {
        self.now = self.base + after;
    }

    /// Says which operation the expectation is about; the last call counts.
    pub(crate) fn about_operation(&mut self, id: &str) {
        self.main = Some(id.to_owned());
    }

    /// A new trace.
    pub(crate) fn trace(&mut self) -> At {
        let id = u128::from(self.rng.draw()) << 64 | u128::from(self.rng.draw());
        self.traces.push(RawTrace { id: TraceId(id), spans: Vec::new() });
        At { trace: self.traces.len() - 1, parent: None }
    }

    /// A place under a span that was never exported.
    pub(crate) fn under_missing(&mut self, at: At) -> At {
        At { parent: Some(self.span_id()), ..at }
    }

    pub(crate) fn span_id(&mut self) -> SpanId {
        SpanId(self.rng.draw() | 1)
    }

    /// Takes a span out of the story, leaving its children behind.
    pub(crate) fn lose(&mut self, at: At) {
        if let Some(trace) = self.traces.get_mut(at.trace) {
            trace.spans.retain(|span| Some(span.id) != at.parent);
        }
    }

    /// Shifts all spans of a service in time, as a wrong clock does.
    pub(crate) fn skew(&mut self, service: &str, by: Micros) {
        let spans = self.traces.iter_mut().flat_map(|trace| &mut trace.spans);
        for span in spans.filter(|span| span.service == service) {
            span.start = span.start + by;
            for event in &mut span.events {
                event.time = event.time + by;
            }
        }
    }

    /// Makes a span last until `end`; its events do not last longer.
    pub(crate) fn stretch(&mut self, at: At, end: Time) {
        let spans = self.traces.get_mut(at.trace).map(|trace| trace.spans.as_mut_slice()).unwrap_or_default();
        if let Some(span) = spans.iter_mut().find(|span| Some(span.id) == at.parent) {
            span.duration = end - span.start;
            span.events.iter_mut().for_each(|event| event.time = event.time.min(end));
        }
    }

    /// Starts a span whose id was given away before.
    pub(crate) fn span_with_id(
        &mut self,
        at: At,
        id: SpanId,
        service: impl Into<Text>,
        name: impl Into<Text>,
        start: Time,
        duration: Micros,
    ) -> SpanPen<'_> {
        let mut pen = self.span(at, service, name, start, duration);
        pen.span.id = id;
        pen
    }

    /// Starts a span; fill it in with the pen.
    pub(crate) fn span(
        &mut self,
        at: At,
        service: impl Into<Text>,
        name: impl Into<Text>,
        start: Time,
        duration: Micros,
    ) -> SpanPen<'_> {
        let span = RawSpan {
            id: self.span_id(),
            parent: at.parent,
            name: name.into(),
            service: service.into(),
            kind: SpanKind::Internal,
            status: Status::Unset,
            status_message: Text::Borrowed(""),
            start,
            duration: Micros(duration.0.max(0)),
            process: ktrdr_process(),
            scope: (Text::Borrowed(""), Text::Borrowed("")),
            attributes: Vec::new(),
            events: Vec::new(),
        };
        SpanPen { story: self, trace: at.trace, span }
    }
}

/// Fills in a span; [`SpanPen::done`] puts it into its trace.
pub(crate) struct SpanPen<'s> {
    story: &'s mut Story,
    trace: usize,
    span: RawSpan,
}

impl SpanPen<'_> {
    pub(crate) fn scope(mut self, name: &'static str, version: &'static str) -> Self {
        self.span.scope = (name.into(), version.into());
        self
    }

    pub(crate) fn kind(mut self, kind: SpanKind) -> Self {
        self.span.kind = kind;
        self
    }

    pub(crate) fn attr(mut self, key: impl Into<Text>, value: impl Into<RawValue>) -> Self {
        self.span.attributes.push((key.into(), value.into()));
        self
    }

    pub(crate) fn ok(mut self) -> Self {
        self.span.status = Status::Ok;
        self
    }

    pub(crate) fn error(mut self, message: impl Into<Text>) -> Self {
        self.span.status = Status::Error;
        self.span.status_message = message.into();
        self
    }

    /// Ends it in an exception, recorded `times` times: decorated functions record it twice.
    pub(crate) fn raised(mut self, class: &'static str, message: impl Into<Text>, times: usize) -> Self {
        let message = message.into();
        let short = class.rsplit('.').next().unwrap_or(class);
        let end = self.span.end();
        for nth in 0..times {
            let before = Micros((times - nth) as i64 * 300).0.min(self.span.duration.0);
            self.span.events.push(RawEvent {
                time: end - Micros(before),
                name: "exception".into(),
                attributes: vec![
                    ("exception.type".into(), class.into()),
                    ("exception.message".into(), message.clone().into()),
                    ("exception.stacktrace".into(), stack(&self.span.name, class, &message).into()),
                    ("exception.escaped".into(), "False".into()),
                ],
            });
        }
        self.error(format!("{short}: {message}"))
    }

    /// Puts it into its trace; the answer is the place for its children.
    pub(crate) fn done(self) -> At {
        let at = At { trace: self.trace, parent: Some(self.span.id) };
        if let Some(trace) = self.story.traces.get_mut(self.trace) {
            trace.spans.push(self.span);
        }
        at
    }
}

fn stack(span: &str, class: &str, message: &str) -> String {
    format!(
        "Traceback (most recent call last):\n  File \"/app/ktrdr/monitoring/service_telemetry.py\", line 112, in \
         async_wrapper\n    result = await func(*args, **kwargs)\n  # in {span}\n{class}: {message}\n"
    )
}
