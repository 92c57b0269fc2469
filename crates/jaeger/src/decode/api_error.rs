//! Errors that an answer has beside its traces or in their place.

use serde_json::Value;

/// An error in an answer: `{code, msg, traceID}` of the legacy API, `{httpCode, message}` of the new one, `{code, message}` of
/// gRPC gateways, or a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ApiError {
    /// An HTTP status or a gRPC code.
    pub(crate) code: Option<u16>,
    pub(crate) message: String,
    /// The id of the trace that it is about, as it was written.
    pub(crate) trace_id: Option<String>,
}

impl ApiError {
    /// Reads an error in any of these forms; `None` for `null`.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let text = |keys: &[&str]| keys.iter().find_map(|key| value.get(*key)?.as_str()).map(str::to_owned);
        let code = || ["code", "httpCode", "http_code", "status", "grpcCode"].iter().find_map(|key| value.get(*key));
        match value {
            Value::Null => None,
            Value::String(message) => Some(Self { message: message.clone(), ..Self::default() }),
            Value::Object(_) => Some(Self {
                code: code().and_then(number).and_then(|code| u16::try_from(code).ok()),
                message: text(&["msg", "message", "error"]).unwrap_or_else(|| value.to_string()),
                trace_id: text(&["traceID", "traceId"]),
            }),
            other => Some(Self { message: other.to_string(), ..Self::default() }),
        }
    }

    /// All errors in the value of `errors`.
    pub(super) fn all(value: &Value) -> Vec<Self> {
        match value {
            Value::Array(all) => all.iter().filter_map(Self::of).collect(),
            other => Self::of(other).into_iter().collect(),
        }
    }

    /// Whether it only says that a trace was not found, which is an answer.
    pub(crate) fn is_not_found(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        message.contains("trace") && (message.contains("not found") || message.contains("no traces found"))
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_of_all_apis_are_read() {
        let of = |value: Value| ApiError::of(&value).map(|error| (error.code, error.message));
        let error = |code, message: &str| Some((code, message.to_owned()));
        assert_eq!(of(json!({"code": 500, "msg": "storage"})), error(Some(500), "storage"));
        assert_eq!(of(json!({"httpCode": 500, "grpcCode": 13, "message": "storage"})), error(Some(500), "storage"));
        assert_eq!(of(json!({"code": "14", "message": "gone", "details": []})), error(Some(14), "gone"));
        assert_eq!(of(json!("plain")), error(None, "plain"));
        assert_eq!(of(json!({"why": 1})), error(None, "{\"why\":1}"));
        assert_eq!(of(json!(null)), None);
        assert_eq!(ApiError::all(&json!([{"msg": "a"}, null, "b"])).len(), 2);
        assert_eq!(ApiError::all(&json!({"message": "a"})).len(), 1);
    }

    #[test]
    fn only_a_missing_trace_is_an_answer() {
        let is = |message: &str| ApiError { message: message.to_owned(), ..ApiError::default() }.is_not_found();
        assert!(is("trace not found") && is("No traces found") && is("Trace ID 1 not found"));
        assert!(!is("no Route matched with those values") && !is("Not Found") && !is("index not found"));
    }
}
