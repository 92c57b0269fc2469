//! The list of an operation's HTTP calls.

use super::rows::HttpCall;
use crate::{
    read::{
        class_name::short_class,
        reported::{self, Source},
        request::Request,
    },
    slice::operation_spans::{Member, OperationSpans},
};
use trace::SpanKind;

/// The calls of an operation: client spans, and server spans that nobody in the traces called.
pub(crate) fn calls(operation: &OperationSpans<'_, '_>) -> Vec<HttpCall> {
    operation
        .members
        .iter()
        .chain(&operation.context)
        .filter_map(|member| call(operation, member))
        .collect::<Vec<_>>()
        .sorted()
}

fn call(operation: &OperationSpans<'_, '_>, member: &Member<'_, '_>) -> Option<HttpCall> {
    let (span, scan) = (member.span, operation.scan(member));
    let called = match span.kind() {
        SpanKind::Client => true,
        SpanKind::Server => {
            let parent = scan.tree.parent(span.ix()).and_then(|ix| scan.trace.span(ix));
            parent.is_none_or(|parent| parent.kind() != SpanKind::Client)
        }
        _ => false,
    };
    let request = called.then(|| Request::of(span, &scan.vocabulary)).flatten().filter(|r| r.method.is_some())?;
    let callee = if span.kind() == SpanKind::Client { scan.callee(span) } else { None };
    let callee_request = callee.and_then(|callee| Request::of(callee, &scan.vocabulary));
    let known = || request.service(&scan.vocabulary).map(|s| s.name.clone()).filter(|name| !name.is_empty());
    let target = match span.kind() {
        SpanKind::Server => Some(span.service().to_owned()),
        _ => callee.map(|callee| callee.service().to_owned()).or_else(known),
    };
    let recorded = || reported::errors(scan, span).into_iter().rfind(|e| e.source != Source::Answer);
    let error_type = if span.is_error() || request.status.is_none() {
        recorded().and_then(|error| error.class).map(|class| short_class(&class).to_owned())
    } else {
        None
    };
    Some(HttpCall {
        time: Some(span.start()),
        method: request.method.map(str::to_owned),
        url: request.url.or(request.path).map(str::to_owned),
        route: callee_request.and_then(|r| r.route).or(request.route).map(str::to_owned),
        service: span.service().to_owned(),
        target_service: target,
        status_code: request.status,
        duration_ms: span.duration().millis(),
        error_type,
        span_id: span.id(),
        trace_id: span.trace().id(),
    })
}

trait Sorted {
    fn sorted(self) -> Self;
}

impl Sorted for Vec<HttpCall> {
    fn sorted(mut self) -> Self {
        self.sort_by_key(|a| (a.time, a.trace_id, a.span_id));
        self
    }
}
