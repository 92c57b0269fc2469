//! Builds the traces of a scenario span by span.
//!
//! [`ScenarioBuilder`] collects traces and knows what they have in common: the generation of telemetry, the time at
//! which the operation starts and the source of ids. [`ScenarioBuilder::span`] starts a span, [`SpanBuilder`] fills it in
//! and [`SpanBuilder::add`] adds it to its trace. The modules `http` and `ktrdr` add methods for groups of spans that
//! always occur together, such as the two spans of an HTTP call.

use super::{
    rng::Rng,
    span::{RawEvent, RawSpan, RawTrace, RawValue, Text, ktrdr_process},
    telemetry::Telemetry,
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

/// The trace and the parent of the next span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TraceContext {
    trace: usize,
    /// The parent; `None` for the root of a trace.
    pub(crate) span: Option<SpanId>,
}

/// The semantic conventions that name the attributes of HTTP spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HttpNames {
    /// `http.url`, `http.status_code`: what KTRDR emits.
    Old,
    /// `url.full`, `http.response.status_code`, `error.type`.
    New,
}

/// A scenario that was generated.
#[derive(Clone, Debug, PartialEq)]
pub struct Generated {
    /// Its traces, in no particular order.
    pub traces: Vec<RawTrace>,
    /// The id of the operation that the expectation is about; `None` if no span carries it.
    pub operation_id: Option<String>,
    /// The clock at which the expectation holds.
    pub now: Time,
}

/// Builds the traces of one scenario.
#[derive(Debug)]
pub(crate) struct ScenarioBuilder {
    pub(crate) telemetry: Telemetry,
    /// The time at which the operation starts, within a few seconds.
    pub(crate) base: Time,
    /// The clock at which the expectation holds.
    pub(crate) now: Time,
    pub(crate) rng: Rng,
    pub(crate) http_names: HttpNames,
    /// Seed of the deployment. The services of workers have the same names in all scenarios of a seed.
    pub(crate) seed: u64,
    main_operation: Option<String>,
    traces: Vec<RawTrace>,
}

impl ScenarioBuilder {
    pub(crate) fn new(name: &str, telemetry: Telemetry, base: Time, seed: u64) -> Self {
        let rng = Rng::new(name, &[telemetry as u64, base.0 as u64, seed]);
        Self {
            telemetry,
            base,
            now: base,
            rng,
            http_names: HttpNames::Old,
            seed,
            main_operation: None,
            traces: Vec::new(),
        }
    }

    pub(crate) fn build(self) -> Generated {
        let traces = self.traces.into_iter().filter(|trace| !trace.spans.is_empty()).collect();
        Generated { traces, operation_id: self.main_operation, now: self.now }
    }

    /// Sets the clock of the expectation to this time after the start.
    pub(crate) fn set_clock(&mut self, after: Micros) {
        self.now = self.base + after;
    }

    /// Sets the operation that the expectation is about. The last call counts.
    pub(crate) fn set_main_operation(&mut self, id: &str) {
        self.main_operation = Some(id.to_owned());
    }

    /// Starts a trace.
    pub(crate) fn new_trace(&mut self) -> TraceContext {
        let id = u128::from(self.rng.draw()) << 64 | u128::from(self.rng.draw());
        self.traces.push(RawTrace { id: TraceId(id), spans: Vec::new() });
        TraceContext { trace: self.traces.len() - 1, span: None }
    }

    /// The context below a span that is not exported.
    pub(crate) fn below_missing_span(&mut self, parent: TraceContext) -> TraceContext {
        TraceContext { span: Some(self.span_id()), ..parent }
    }

    pub(crate) fn span_id(&mut self) -> SpanId {
        SpanId(self.rng.draw() | 1)
    }

    /// Removes a span but keeps its children.
    pub(crate) fn remove_span(&mut self, context: TraceContext) {
        if let Some(trace) = self.traces.get_mut(context.trace) {
            trace.spans.retain(|span| Some(span.id) != context.span);
        }
    }

    /// Shifts all spans of a service in time, as a wrong clock does.
    pub(crate) fn skew_clock(&mut self, service: &str, by: Micros) {
        let spans = self.traces.iter_mut().flat_map(|trace| &mut trace.spans);
        for span in spans.filter(|span| span.service == service) {
            span.start = span.start + by;
            for event in &mut span.events {
                event.time = event.time + by;
            }
        }
    }

    /// Changes the end of a span. Its events do not lie after the new end.
    pub(crate) fn extend_until(&mut self, context: TraceContext, end: Time) {
        let spans = self.traces.get_mut(context.trace).map(|trace| trace.spans.as_mut_slice()).unwrap_or_default();
        if let Some(span) = spans.iter_mut().find(|span| Some(span.id) == context.span) {
            span.duration = end - span.start;
            span.events.iter_mut().for_each(|event| event.time = event.time.min(end));
        }
    }

    /// Starts a span whose id other spans already refer to.
    pub(crate) fn span_with_id(
        &mut self,
        parent: TraceContext,
        id: SpanId,
        service: impl Into<Text>,
        name: impl Into<Text>,
        start: Time,
        duration: Micros,
    ) -> SpanBuilder<'_> {
        let mut span = self.span(parent, service, name, start, duration);
        span.span.id = id;
        span
    }

    /// Starts a span.
    pub(crate) fn span(
        &mut self,
        parent: TraceContext,
        service: impl Into<Text>,
        name: impl Into<Text>,
        start: Time,
        duration: Micros,
    ) -> SpanBuilder<'_> {
        let span = RawSpan {
            id: self.span_id(),
            parent: parent.span,
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
        SpanBuilder { scenario: self, trace: parent.trace, span }
    }
}

/// Fills in one span. Nothing is recorded until [`SpanBuilder::add`] is called.
#[must_use]
pub(crate) struct SpanBuilder<'s> {
    scenario: &'s mut ScenarioBuilder,
    trace: usize,
    span: RawSpan,
}

impl SpanBuilder<'_> {
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

    /// Ends the span with an exception that is recorded `times` times. Decorated functions record it twice.
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
                    ("exception.stacktrace".into(), stacktrace(&self.span.name, class, &message).into()),
                    ("exception.escaped".into(), "False".into()),
                ],
            });
        }
        self.error(format!("{short}: {message}"))
    }

    /// Adds the span to its trace. Returns the context for its children.
    pub(crate) fn add(self) -> TraceContext {
        let context = TraceContext { trace: self.trace, span: Some(self.span.id) };
        if let Some(trace) = self.scenario.traces.get_mut(self.trace) {
            trace.spans.push(self.span);
        }
        context
    }
}

fn stacktrace(span: &str, class: &str, message: &str) -> String {
    format!(
        "Traceback (most recent call last):\n  File \"/app/ktrdr/monitoring/service_telemetry.py\", line 112, in \
         async_wrapper\n    result = await func(*args, **kwargs)\n  # in {span}\n{class}: {message}\n"
    )
}
