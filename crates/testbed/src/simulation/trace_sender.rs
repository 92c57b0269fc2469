//! Sends traces to a Jaeger or a collector: OTLP over HTTP, as JSON.

use std::{sync::Arc, time::Duration};

use reqwest::{StatusCode, Url, header};

use crate::{RawTrace, otlp_json};
use jaeger::HostResolver;

/// Maximum number of spans in one request. Jaeger 1.x silently drops spans if a request has more than fit into its queue
/// (2000).
pub const BATCH: usize = 400;

/// Why traces could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The URL is not valid.
    #[error("{0:?} is not a URL to send traces to; expected http://HOST:4318")]
    Address(String),
    /// The receiver does not answer, or reports that it is busy.
    #[error("{at} does not accept traces now: {why}")]
    Unavailable {
        /// URL of the receiver.
        at: String,
        /// Why it does not accept traces.
        why: String,
    },
    /// The server is not a receiver of traces, or it rejects them.
    #[error("{at} rejects traces with HTTP {status}; is it the OTLP/HTTP port (4318) of Jaeger or a collector?")]
    Refused {
        /// URL of the receiver.
        at: String,
        /// HTTP status of the answer.
        status: u16,
    },
}

impl SendError {
    /// Whether a retry can succeed.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// Sends traces to one receiver.
#[derive(Clone, Debug)]
pub struct TraceSender {
    client: reqwest::Client,
    to: Url,
}

impl TraceSender {
    /// Creates a sender for the OTLP/HTTP endpoint at `url`, with or without `/v1/traces`.
    ///
    /// # Errors
    /// If `url` is not an HTTP URL.
    pub fn new(url: &str) -> Result<Self, SendError> {
        let wrong = || SendError::Address(without_password(url));
        let mut to = Url::parse(url).map_err(|_| wrong())?;
        if !matches!(to.scheme(), "http" | "https") {
            return Err(wrong());
        }
        let path = to.path().trim_end_matches('/').trim_end_matches("/v1/traces");
        to.set_path(&format!("{path}/v1/traces"));
        let client =
            reqwest::Client::builder().timeout(Duration::from_secs(10)).dns_resolver(Arc::new(HostResolver::new()));
        let client = client.build().map_err(|_| wrong())?;
        Ok(Self { client, to })
    }

    /// The URL that it sends to, without a password.
    #[must_use]
    pub fn address(&self) -> String {
        without_password(self.to.as_str())
    }

    /// Sends these traces in one request. Use [`batches`] to divide many traces.
    ///
    /// # Errors
    /// If the receiver does not accept them.
    pub async fn send(&self, traces: &[RawTrace]) -> Result<(), SendError> {
        let request = self.client.post(self.to.clone()).header(header::CONTENT_TYPE, "application/json");
        let answer = request
            .body(otlp_json(traces))
            .send()
            .await
            .map_err(|error| SendError::Unavailable { at: self.address(), why: innermost(&error.without_url()) })?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status @ (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) => Err(self.unavailable(status)),
            status if status.is_server_error() => Err(self.unavailable(status)),
            status => Err(SendError::Refused { at: self.address(), status: status.as_u16() }),
        }
    }

    fn unavailable(&self, status: StatusCode) -> SendError {
        SendError::Unavailable { at: self.address(), why: format!("it answers with HTTP {status}") }
    }
}

/// Divides traces into batches of at most `max_spans` spans. Large traces are split.
#[must_use]
pub fn batches(traces: Vec<RawTrace>, max_spans: usize) -> Vec<Vec<RawTrace>> {
    let mut batches = Vec::new();
    let (mut batch, mut free) = (Vec::new(), max_spans);
    for RawTrace { id, spans } in traces {
        let mut spans = spans.into_iter().peekable();
        while spans.peek().is_some() {
            let part: Vec<_> = spans.by_ref().take(free).collect();
            free -= part.len();
            batch.push(RawTrace { id, spans: part });
            if free == 0 {
                batches.push(std::mem::take(&mut batch));
                free = max_spans.max(1);
            }
        }
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

/// A URL without user name and password, so it can be shown.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// The first cause of an error, such as "connection refused" instead of "error sending request".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Flavour, Store, Telemetry, build, scenarios, serve};
    use trace::Time;

    fn traces() -> Vec<RawTrace> {
        scenarios()
            .iter()
            .take(5)
            .flat_map(|scenario| build(scenario, Telemetry::Current, Time(1_795_341_900_000_000), 1))
            .collect()
    }

    #[test]
    fn batches_have_all_spans_and_none_is_too_large() {
        let count = |traces: &[RawTrace]| traces.iter().map(|trace| trace.spans.len()).sum::<usize>();
        let all = count(&traces());
        for most in [1, 7, 400, 100_000] {
            let parts = batches(traces(), most);
            assert!(parts.iter().all(|part| count(part) <= most && !part.is_empty()), "{most}");
            assert_eq!(parts.iter().map(|part| count(part)).sum::<usize>(), all);
            assert!(parts.len() <= all.div_ceil(most));
        }
    }

    #[tokio::test]
    async fn traces_arrive_complete() {
        let server = serve(Store::default(), Flavour::Both).await.unwrap();
        let feeder = TraceSender::new(&server.url).unwrap();
        for part in batches(traces(), 30) {
            feeder.send(&part).await.unwrap();
        }
        for trace in traces() {
            assert_eq!(server.store.get(trace.id).unwrap().spans.len(), trace.spans.len());
        }
    }

    #[tokio::test]
    async fn an_absent_receiver_is_a_temporary_error_and_another_server_is_a_permanent_one() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = TraceSender::new(&format!("http://me:s3cret@{free}")).unwrap().send(&traces()).await.unwrap_err();
        assert!(error.is_temporary(), "{error}");
        let text = error.to_string();
        assert!(text.contains("refused") && text.contains(&free.to_string()) && !text.contains("s3cret"), "{text}");

        let server = serve(Store::default(), Flavour::Both).await.unwrap();
        let error = TraceSender::new(&format!("{}/api", server.url)).unwrap().send(&traces()).await.unwrap_err();
        assert!(!error.is_temporary() && error.to_string().contains("4318"), "{error}");
        for wrong in ["jaeger:4318", "ftp://a", "http://", ""] {
            assert!(matches!(TraceSender::new(wrong), Err(SendError::Address(_))), "{wrong}");
        }
    }
}
