//! What an answer says that holds no traces: names, errors, whose it is.

use serde_json::Value;

use super::{
    decode::{self, ApiError},
    error::ErrorKind,
    http::Reply,
};

/// The names in an answer of either API to "services" and "operations", sorted; `None` when it is another answer.
pub(super) fn names(reply: &Reply) -> Option<Vec<String>> {
    let object = object(reply)?;
    let lists: Vec<&Value> = ["data", "services", "operations"].iter().filter_map(|key| object.get(*key)).collect();
    // The newer API leaves an empty list out.
    if lists.is_empty() && !object.is_empty() {
        return None;
    }
    let name = |item: &Value| item.as_str().or_else(|| item.get("name")?.as_str()).map(str::to_owned);
    let mut names = Vec::new();
    for list in lists {
        match list {
            Value::Null => {}
            Value::Array(items) => names.extend(items.iter().map(name).collect::<Option<Vec<_>>>()?),
            _ => return None,
        }
    }
    names.sort_unstable();
    names.dedup();
    Some(names)
}

fn object(reply: &Reply) -> Option<serde_json::Map<String, Value>> {
    if reply.is_html() { None } else { serde_json::from_slice(&reply.body).ok() }
}

pub(super) fn has_key(reply: &Reply, wanted: &[&str]) -> bool {
    object(reply).is_some_and(|object| wanted.iter().any(|key| object.contains_key(*key)))
}

/// Whether an answer is a JSON object, as all of Jaeger's are, errors included; routes that do not exist answer with text
/// or a page.
pub(super) fn is_jaeger_json(reply: &Reply) -> bool {
    object(reply).is_some()
}

/// The first error that an answer holds.
pub(super) fn api_error(reply: &Reply) -> Option<ApiError> {
    let answer = decode::read(&reply.body).ok().filter(|_| !reply.is_html());
    answer.and_then(|answer| answer.errors.into_iter().next())
}

/// Whether an answer only says that there is no such trace, as the newer API does for a search without a result.
pub(super) fn is_not_found(reply: &Reply) -> bool {
    matches!(reply.status, 200 | 404) && api_error(reply).is_some_and(|error| error.is_not_found())
}

/// What kind of failure an error is; a gateway may answer with status 200 and put the real one, or that of gRPC, inside.
pub(super) fn kind_of(status: u16, error: &ApiError) -> ErrorKind {
    if wants_service_name(&error.message) {
        return ErrorKind::ServiceRequired;
    }
    let code = if status == 200 { error.code.unwrap_or(500) } else { status };
    match code {
        401 | 403 | 407 | 7 | 16 => ErrorKind::Unauthorized,
        429 | 8 => ErrorKind::Throttled,
        400 | 404 | 3 | 5 => ErrorKind::BadRequest,
        502..=504 | 4 | 14 => ErrorKind::Unavailable,
        _ => ErrorKind::Storage,
    }
}

pub(super) fn wants_service_name(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("parameter 'service' is required")
        || message.contains("service name must be set")
        || message.contains("requires a service name")
        || message.contains("service name is required")
}

/// The legacy API cannot write NaN and infinities.
pub(super) fn is_unencodable(reply: &Reply) -> bool {
    let text = || reply.text();
    reply.status == 500 && (text().contains("failed writing HTTP response") || text().contains("unsupported value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_inside_an_answer_counts_where_http_says_that_all_is_well() {
        let kind = |status, code, message: &str| {
            kind_of(status, &ApiError { code, message: message.to_owned(), trace_id: None })
        };
        assert_eq!(kind(200, Some(503), ""), ErrorKind::Unavailable);
        assert_eq!(kind(200, Some(14), ""), ErrorKind::Unavailable);
        assert_eq!(kind(200, Some(13), ""), ErrorKind::Storage);
        assert_eq!(kind(200, None, ""), ErrorKind::Storage);
        assert_eq!(kind(429, Some(500), ""), ErrorKind::Throttled);
        assert_eq!(kind(200, Some(7), ""), ErrorKind::Unauthorized);
        assert_eq!(kind(500, None, "parameter 'service' is required"), ErrorKind::ServiceRequired);
    }
}
