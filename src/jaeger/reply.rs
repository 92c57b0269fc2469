//! What an answer says that holds no traces: names, errors, whose it is.

use super::{
    decode::{self, ApiError},
    http::Reply,
};

/// An answer of either API to "services" and "operations".
#[derive(serde::Deserialize)]
pub(super) struct Names {
    #[serde(default)]
    data: Option<Vec<Name>>,
    #[serde(default)]
    services: Option<Vec<Name>>,
    #[serde(default)]
    operations: Option<Vec<Name>>,
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Name {
    Plain(String),
    Object { name: String },
}

impl Names {
    pub(super) fn names(self) -> Vec<String> {
        let all = [self.data, self.services, self.operations].into_iter().flatten().flatten();
        let mut names: Vec<_> = all
            .map(|name| match name {
                Name::Plain(name) | Name::Object { name } => name,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn object(reply: &Reply) -> Option<serde_json::Map<String, serde_json::Value>> {
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

pub(super) fn api_error(reply: &Reply) -> Option<ApiError> {
    let answer = decode::read(&reply.body).ok().filter(|_| !reply.is_html());
    answer.and_then(|answer| answer.errors.into_iter().next()).or_else(|| {
        // Quickwit: `{"status", "message"}`.
        let error: ApiError = serde_json::from_slice(&reply.body).ok()?;
        (!error.message.is_empty()).then_some(error)
    })
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
