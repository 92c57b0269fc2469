//! The deadline of a request: early enough that users see our message and not Grafana's `context deadline exceeded`.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{instances::DataSource, jaeger_client};
use grafana_plugin_protocol::api::Failure;

/// How long an answer may take, all requests to Jaeger together.
const MAX_DURATION: Duration = Duration::from_secs(20);
/// How long before the caller's timeout the answer must be ready.
const RESERVE: Duration = Duration::from_secs(2);

/// The time by which a request is answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Instant,
    allowed: Duration,
}

impl Deadline {
    /// For a request that just came and with the caller's `timeout`, if it sent one.
    #[must_use]
    pub(super) fn within(timeout: Option<Duration>) -> Self {
        // Of a caller in a hurry at least half the time is used.
        let own = timeout.map(|timeout| timeout.saturating_sub(RESERVE).max(timeout / 2));
        let allowed = own.map_or(MAX_DURATION, |own| own.min(MAX_DURATION));
        Self { at: Instant::now() + allowed, allowed }
    }

    /// Runs work that queries Jaeger; past the deadline it is an error, and what was gathered so far is dropped. A partial
    /// answer must not look like a complete one.
    pub(super) async fn limit<T, W: Future<Output = Result<T, Failure>>>(
        self,
        data_source: DataSource,
        work: impl FnOnce(DataSource) -> W,
    ) -> Result<T, Failure> {
        let client = data_source.investigator.client().clone();
        let work = work(data_source.with_deadline(self.at));
        match timeout_at(self.at, work).await {
            Ok(result) => result,
            Err(_) => Err(jaeger_client::failure(&client.deadline_error(self.allowed))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Acceptance G9.
    #[test]
    fn an_answer_takes_twenty_seconds_at_most_and_ends_two_seconds_before_the_caller_gives_up() {
        let allowed = |seconds| Deadline::within(Some(Duration::from_secs(seconds))).allowed.as_secs();
        assert_eq!(Deadline::within(None).allowed, MAX_DURATION);
        assert_eq!((allowed(21), allowed(22), allowed(23)), (19, 20, 20));
        assert_eq!((allowed(30), allowed(10), allowed(4), allowed(2)), (20, 8, 2, 1));
    }
}
