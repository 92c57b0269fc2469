//! The exact filter that is applied to the results of every search. Storages match loosely: Elasticsearch reads values as
//! regular expressions, Badger concatenates key and value, and Cassandra and Badger match the trace instead of one span.

use super::{Search, decode::service_name};
use trace::{SpanRef, Status, Trace, Value};

/// Whether a span of the trace matches the search.
pub(super) fn matches(trace: &Trace, search: &Search) -> bool {
    let service = search.service.as_deref().map(service_name);
    trace.spans().any(|span| {
        service.is_none_or(|service| span.service() == service)
            && search.operation.as_deref().is_none_or(|name| span.name() == name)
            && search.min_duration.is_none_or(|least| span.duration() >= least)
            && search.max_duration.is_none_or(|most| span.duration() <= most)
            && search.attributes.iter().all(|(key, value)| has(span, key, value))
    })
}

/// Whether a span, its process or one of its events has an attribute with this value as text.
fn has(span: SpanRef<'_>, key: &str, wanted: &str) -> bool {
    let folded = match key {
        "error" => wanted == if span.is_error() { "true" } else { "false" },
        "span.kind" => !wanted.is_empty() && span.kind().as_str() == wanted,
        "otel.status_code" => match span.status() {
            Status::Error => wanted == "ERROR",
            Status::Ok => wanted == "OK",
            Status::Unset => false,
        },
        "otel.status_description" => span.status_message() == wanted,
        "otel.scope.name" | "otel.library.name" => span.scope().0 == wanted,
        "otel.scope.version" | "otel.library.version" => span.scope().1 == wanted,
        "service.name" => span.service() == wanted,
        _ => false,
    };
    folded
        || any(span.attributes(), key, wanted)
        || any(span.resource_attributes(), key, wanted)
        || span.events().any(|event| any(event.attributes(), key, wanted))
}

fn any<'t>(mut attributes: impl Iterator<Item = (&'t str, Value<'t>)>, key: &str, wanted: &str) -> bool {
    attributes.any(|(name, value)| name == key && same(value, wanted))
}

fn same(value: Value<'_>, wanted: &str) -> bool {
    match value {
        Value::Float(x) => wanted.parse::<f64>().is_ok_and(|wanted| wanted.total_cmp(&x).is_eq()),
        other => other.to_text() == wanted,
    }
}
