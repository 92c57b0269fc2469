//! Brings what formats write in several ways into one form: booleans, status, parents and the names of events.

use super::{scalar::Scalar, sink::Reference, well_known_key::WellKnownKey, wire_id::WireId};
use trace::{Attribute, EventDraft, Link, Parent, Relation, Status, StrId, Strings, TraceId, Value};

/// The boolean in an attribute `error`; `None` if it is another text, such as an exception's message.
pub(super) fn truth(value: Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(error) => Some(error),
        Value::Int(n @ (0 | 1)) => Some(n == 1),
        Value::Str(text) => match text {
            "1" => Some(true),
            "" | "0" => Some(false),
            _ if text.eq_ignore_ascii_case("true") => Some(true),
            _ if text.eq_ignore_ascii_case("false") || text.eq_ignore_ascii_case("unset") => Some(false),
            _ => None,
        },
        Value::Int(_) | Value::Float(_) => None,
    }
}

/// Reads the status in all spellings: 2, `ERROR`, `STATUS_CODE_ERROR`, `Error`.
pub(super) fn status_of(value: Value<'_>) -> Status {
    match value {
        Value::Int(1) => Status::Ok,
        Value::Int(2) => Status::Error,
        Value::Str(text) => {
            let name = text.strip_prefix("STATUS_CODE_").unwrap_or(text);
            if name.eq_ignore_ascii_case("error") || name == "2" {
                Status::Error
            } else if name.eq_ignore_ascii_case("ok") || name == "1" {
                Status::Ok
            } else {
                Status::Unset
            }
        }
        _ => Status::Unset,
    }
}

/// The parent by Jaeger's own rule: the first child-of reference within the trace, otherwise the first follows-from
/// reference within it. All other references become links. Also returns whether the span has a parent with an unreadable
/// id.
pub(super) fn parent_of(trace: TraceId, references: &[Reference], links: &mut Vec<Link>) -> (Option<Parent>, bool) {
    let own = |r: &Reference| match &r.trace {
        WireId::Missing => true,
        WireId::Known(other) => *other == trace,
        WireId::Unreadable(_) => false,
    };
    let first = |relation| references.iter().position(|r| own(r) && r.span.known().is_some() && r.relation == relation);
    let parent = first(Relation::ChildOf).or_else(|| first(Relation::FollowsFrom));
    let mut found = None;
    let mut unreadable = false;
    for (ix, reference) in references.iter().enumerate() {
        let to = match &reference.trace {
            WireId::Missing => Some(trace),
            WireId::Known(other) => Some(*other),
            WireId::Unreadable(_) => None,
        };
        match (to, &reference.span) {
            (_, WireId::Missing) => {}
            (Some(_), WireId::Known(span)) if Some(ix) == parent => {
                found = Some(Parent { span: *span, relation: reference.relation });
            }
            (Some(trace), WireId::Known(span)) => links.push(Link { trace, span: *span }),
            (None, _) | (_, WireId::Unreadable(_)) => unreadable |= reference.relation == Relation::ChildOf,
        }
    }
    (found, unreadable && found.is_none())
}

/// Jaeger writes an event's name into its field `event`, and very old versions into `message`. If the traced program wrote
/// such a field, that one is the name in Jaeger and therefore here.
pub(super) fn name_event(event: &mut EventDraft, strings: &mut Strings) {
    let position = |known| event.attributes.iter().position(|a| WellKnownKey::of(a.key()) == Some(known));
    let ix = position(WellKnownKey::Event)
        .or_else(|| position(WellKnownKey::Message).filter(|_| event.name == StrId::EMPTY));
    if let Some(ix) = ix {
        let named = event.attributes.remove(ix);
        event.name = named.text_id().unwrap_or_else(|| {
            let text = named.value(strings).to_text().into_owned();
            strings.intern(&text)
        });
    }
}

/// An attribute from its key and value.
pub(super) fn attribute(key: StrId, value: Scalar) -> Attribute {
    match value {
        Scalar::Text(id) => Attribute::text(key, id),
        Scalar::Bool(b) => Attribute::bool(key, b),
        Scalar::Int(n) => Attribute::int(key, n),
        Scalar::Float(x) => Attribute::float(key, x),
    }
}
