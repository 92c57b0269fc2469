//! The timeout that the caller of a gRPC request sets.

use std::time::Duration;

use tonic::metadata::MetadataMap;

/// How long the caller of a request waits; `None` if it does not set a limit.
pub(super) fn of(metadata: &MetadataMap) -> Option<Duration> {
    metadata.get("grpc-timeout").and_then(|value| parse(value.to_str().ok()?))
}

/// Parses the header `grpc-timeout`: up to eight digits and a unit.
fn parse(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_grpc_is_read() {
        assert_eq!(parse("29999m"), Some(Duration::from_millis(29_999)));
        assert_eq!(parse("30S"), Some(Duration::from_secs(30)));
        assert_eq!(parse("1H"), Some(Duration::from_secs(3600)));
        assert_eq!(parse("99999999u"), Some(Duration::from_micros(99_999_999)));
        for bad in ["", "S", "123456789S", "-1S", "5", "5s", "5 S", "ä"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
