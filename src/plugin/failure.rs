//! What Grafana shows when a question cannot be answered.

use crate::investigate::Error;
use grafana_plugin_protocol::api::Failure;

use super::jaeger_client;

/// The failure of a question. What was not read from Jaeger is not the plugin's fault; a store that fails is.
pub(super) fn failure(error: &Error) -> Failure {
    match error {
        Error::Jaeger(error) => jaeger_client::failure(error),
        Error::NotCovered { .. } | Error::Stale { .. } => Failure::downstream(503, error.to_string()),
        Error::Store(_) => Failure::internal(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use grafana_plugin_protocol::api::ErrorSource;
    use trace::Time;

    use super::*;

    #[test]
    fn the_source_of_a_failure_is_who_can_fix_it() {
        let (from, to) = (Time(0), Time(60_000_000));
        let not_covered = Error::NotCovered { from, to, percent: 34, cause: "recording fails: refused".to_owned() };
        let stale = Error::Stale { live_edge: from, to, cause: "recording fails: refused".to_owned() };
        for error in [not_covered, stale] {
            let failure = failure(&error);
            assert_eq!((failure.status, failure.error_source), (503, ErrorSource::Downstream));
            assert!(failure.message.ends_with("recording fails: refused"), "{failure}");
        }
        let full = failure(&store::Error::DiskFull { place: "history.db".to_owned() }.into());
        assert_eq!((full.status, full.error_source), (500, ErrorSource::Plugin));
        assert!(full.message.contains("history.db: the disk is full"), "{full}");
    }
}
