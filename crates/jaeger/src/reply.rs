//! A complete answer, and what it is if it has no traces: a list of names, an error of Jaeger, or something that did not come
//! from Jaeger's API.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    decode::{self, ApiError},
    error::ErrorKind,
};

/// How much of a body an error shows, in characters.
pub(super) const MAX_EXCERPT_CHARS: usize = 200;

/// A complete answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// For people.
    pub(super) url: String,
    /// Whether this is only the beginning of the body.
    pub(super) truncated: bool,
    /// How long the server asks us to wait before a retry.
    pub(super) retry_after: Option<Duration>,
    /// Whether the body is a web page.
    pub(super) html: bool,
    /// Held until a large body is decoded.
    pub(super) _large_body_permit: Option<OwnedSemaphorePermit>,
}

impl Reply {
    pub(super) fn is_html(&self) -> bool {
        self.html
    }

    /// Whether it says that the route does not exist. Older versions answer with their user interface, newer ones with
    /// a text.
    pub(super) fn has_no_route(&self) -> bool {
        let text = self.status == 404 && !is_jaeger_json(self);
        text || self.html && matches!(self.status, 200 | 404)
    }

    /// The beginning of the body as text on one line.
    pub(super) fn text(&self) -> String {
        let start = self.body.get(..4 * MAX_EXCERPT_CHARS * 5).unwrap_or(&self.body);
        String::from_utf8_lossy(start).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The kind of error that an answer means if it is not JSON of Jaeger.
    pub(super) fn classify_unexpected(&self) -> ErrorKind {
        let text = self.text().to_ascii_lowercase();
        match self.status {
            401 if text.contains("tenant") => ErrorKind::Tenant,
            401 | 403 | 407 => ErrorKind::Unauthorized,
            429 => ErrorKind::Throttled,
            502..=504 => ErrorKind::Unavailable,
            _ if self.html => {
                let jaeger = text.contains("jaeger_version") || text.contains("<title>jaeger");
                let login = ["password", "login", "log in", "sign in", "signin", "oauth", "saml"];
                if !jaeger && login.iter().any(|word| text.contains(word)) { ErrorKind::Login } else { ErrorKind::Html }
            }
            400 => ErrorKind::BadRequest,
            500.. => ErrorKind::Storage,
            _ => ErrorKind::NotFound,
        }
    }
}

/// The sorted names in an answer to `services` or `operations` of either API; `None` for any other answer.
pub(super) fn names(reply: &Reply) -> Option<Vec<String>> {
    let object = object(reply)?;
    let lists: Vec<&Value> = ["data", "services", "operations"].iter().filter_map(|key| object.get(*key)).collect();
    // The newer API omits an empty list.
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

/// Whether an answer is a JSON object. All of Jaeger's answers are, including errors; for a route that does not exist it
/// answers with text or a web page.
pub(super) fn is_jaeger_json(reply: &Reply) -> bool {
    object(reply).is_some()
}

/// The first error in an answer.
pub(super) fn api_error(reply: &Reply) -> Option<ApiError> {
    let answer = decode::read(&reply.body).ok().filter(|_| !reply.is_html());
    answer.and_then(|answer| answer.errors.into_iter().next())
}

/// Whether an answer only says that nothing was found, as the newer API does for a search without a result.
pub(super) fn is_not_found(reply: &Reply) -> bool {
    matches!(reply.status, 200 | 404) && api_error(reply).is_some_and(|error| error.is_not_found())
}

/// The kind of an error. A gateway may answer with status 200 and put the real HTTP or gRPC status into the body.
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

/// Whether the legacy API failed to encode NaN or an infinity.
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
