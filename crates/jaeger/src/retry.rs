//! Decides whether and when a request is repeated. The server may say when in `Retry-After`, and the deadline of the question
//! limits how long it is worth waiting.

use std::time::Duration;

/// How long to wait before a retry if the server does not say.
const RETRY_DELAY: Duration = Duration::from_millis(200);
/// The longest wait that a server may ask for if there is no deadline.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(10);
/// How often a request is sent if the server says when to repeat it.
const MAX_ATTEMPTS: usize = 4;

/// How long to wait before a retry after this many attempts; `None` if a retry is not worthwhile. The server may have said
/// how long, and the question may have little time left.
pub(super) fn retry_delay(tries: usize, wanted: Option<Duration>, left: Option<Duration>) -> Option<Duration> {
    let most = if wanted.is_some() { MAX_ATTEMPTS } else { 2 };
    let pause = wanted.unwrap_or(RETRY_DELAY);
    let in_time = left.map_or(pause <= MAX_RETRY_DELAY, |left| pause < left);
    (tries < most && in_time).then_some(pause)
}

/// The time to wait in `Retry-After`, which has seconds or a date.
pub(super) fn parse_retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = chrono::DateTime::parse_from_rfc2822(value.trim()).ok()?;
    Some((at.to_utc() - chrono::Utc::now()).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_repeated_a_limited_number_of_times_and_within_the_deadline() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!((retry_delay(1, None, None), retry_delay(2, None, None)), (Some(RETRY_DELAY), None));
        assert_eq!((retry_delay(3, seconds(1), None), retry_delay(4, seconds(1), None)), (seconds(1), None));
        assert_eq!((retry_delay(1, seconds(10), None), retry_delay(1, seconds(11), None)), (seconds(10), None));
        assert_eq!(
            (retry_delay(1, seconds(17), seconds(18)), retry_delay(1, seconds(18), seconds(18))),
            (seconds(17), None)
        );
        assert_eq!(retry_delay(1, None, Some(RETRY_DELAY)), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(parse_retry_after(" 120 "), Some(Duration::from_secs(120)));
        assert_eq!(parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO), "in the past");
        let soon = (chrono::Utc::now() + chrono::TimeDelta::seconds(90)).to_rfc2822();
        assert!((80..=90).contains(&parse_retry_after(&soon).unwrap().as_secs()), "{soon}");
        for bad in ["", "soon", "-1", "1.5"] {
            assert_eq!(parse_retry_after(bad), None, "{bad}");
        }
    }
}
