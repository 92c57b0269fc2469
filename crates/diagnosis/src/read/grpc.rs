//! Status codes of gRPC.

use trace::Value;

/// The status of a call that went well.
pub(crate) const OK: &str = "OK";

/// By code.
const STATUSES: [&str; 17] = [
    OK,
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The status that an attribute says, as code or by name.
pub(crate) fn status(value: Value<'_>) -> Option<&'static str> {
    if let Some(code) = value.as_i64() {
        return STATUSES.get(usize::try_from(code).ok()?).copied();
    }
    let name = value.as_str()?;
    STATUSES.into_iter().find(|status| status.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_a_code_or_a_name() {
        assert_eq!(status(Value::Int(14)), Some("UNAVAILABLE"));
        assert_eq!(status(Value::Str("4")), Some("DEADLINE_EXCEEDED"));
        assert_eq!(status(Value::Str("Unavailable")), Some("UNAVAILABLE"));
        assert_eq!(status(Value::Int(0)), Some(OK));
        for none in [Value::Int(17), Value::Int(-1), Value::Str("gone"), Value::Bool(true)] {
            assert_eq!(status(none), None, "{none:?}");
        }
    }
}
