//! Sending traces to a Jaeger or a collector: OTLP over HTTP, as JSON.

use std::{sync::Arc, time::Duration};

use reqwest::{StatusCode, Url, header};

use crate::{RawTrace, otlp_json};
use jaeger::HostResolver;

/// Spans in one request. Jaeger 1.x drops spans without a word when a request holds more than its queue takes (2000).
pub const BATCH: usize = 400;

/// Why traces could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The address is none.
    #[error("{0:?} is no address to send traces to; write it as http://HOST:4318")]
    Address(String),
    /// Nobody answers, or not now.
    #[error("{at} does not take traces now: {why}")]
    NotNow {
        /// Where to.
        at: String,
        /// What happened.
        why: String,
    },
    /// Somebody else answers, or the traces are refused.
    #[error("{at} refuses traces with HTTP {status}; is it the OTLP/HTTP port (4318) of Jaeger or a collector?")]
    Refused {
        /// Where to.
        at: String,
        /// The status of the answer.
        status: u16,
    },
}

impl FeedError {
    /// Whether trying again can help.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::NotNow { .. })
    }
}

/// Sends traces to one receiver.
#[derive(Clone, Debug)]
pub struct Feeder {
    client: reqwest::Client,
    to: Url,
}

impl Feeder {
    /// A sender to the OTLP/HTTP endpoint at `url` (without `/v1/traces`).
    ///
    /// # Errors
    /// When the address is no HTTP address.
    pub fn new(url: &str) -> Result<Self, FeedError> {
        let wrong = || FeedError::Address(without_password(url));
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

    /// Where it sends to, without a password.
    #[must_use]
    pub fn address(&self) -> String {
        without_password(self.to.as_str())
    }

    /// Sends one request; see [`batches`].
    ///
    /// # Errors
    /// When the receiver does not take them.
    pub async fn send(&self, traces: &[RawTrace]) -> Result<(), FeedError> {
        let request = self.client.post(self.to.clone()).header(header::CONTENT_TYPE, "application/json");
        let answer = request
            .body(otlp_json(traces))
            .send()
            .await
            .map_err(|error| FeedError::NotNow { at: self.address(), why: innermost(&error.without_url()) })?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status @ (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) => Err(self.not_now(status)),
            status if status.is_server_error() => Err(self.not_now(status)),
            status => Err(FeedError::Refused { at: self.address(), status: status.as_u16() }),
        }
    }

    fn not_now(&self, status: StatusCode) -> FeedError {
        FeedError::NotNow { at: self.address(), why: format!("it answers with HTTP {status}") }
    }
}

/// The traces in parts of at most `most` spans; large traces are split.
#[must_use]
pub fn batches(traces: Vec<RawTrace>, most: usize) -> Vec<Vec<RawTrace>> {
    let mut batches = Vec::new();
    let (mut batch, mut room) = (Vec::new(), most);
    for RawTrace { id, spans } in traces {
        let mut spans = spans.into_iter().peekable();
        while spans.peek().is_some() {
            let part: Vec<_> = spans.by_ref().take(room).collect();
            room -= part.len();
            batch.push(RawTrace { id, spans: part });
            if room == 0 {
                batches.push(std::mem::take(&mut batch));
                room = most.max(1);
            }
        }
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

/// An address as it may be shown.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// What lies at the bottom of an error: "connection refused" rather than "error sending request".
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
    use crate::{Flavour, Form, Store, build, scenarios, serve};
    use trace::Time;

    fn traces() -> Vec<RawTrace> {
        scenarios()
            .iter()
            .take(5)
            .flat_map(|scenario| build(scenario, Form::Wire, Time(1_795_341_900_000_000), 1))
            .collect()
    }

    #[test]
    fn parts_hold_all_spans_and_none_is_too_large() {
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
    async fn what_is_sent_arrives_whole() {
        let server = serve(Store::default(), Flavour::Both).await.unwrap();
        let feeder = Feeder::new(&server.url).unwrap();
        for part in batches(traces(), 30) {
            feeder.send(&part).await.unwrap();
        }
        for trace in traces() {
            assert_eq!(server.store.get(trace.id).unwrap().spans.len(), trace.spans.len());
        }
    }

    #[tokio::test]
    async fn a_receiver_that_is_not_there_may_come_and_another_program_never_will() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = Feeder::new(&format!("http://me:s3cret@{free}")).unwrap().send(&traces()).await.unwrap_err();
        assert!(error.is_temporary(), "{error}");
        let text = error.to_string();
        assert!(text.contains("refused") && text.contains(&free.to_string()) && !text.contains("s3cret"), "{text}");

        let server = serve(Store::default(), Flavour::Both).await.unwrap();
        let error = Feeder::new(&format!("{}/api", server.url)).unwrap().send(&traces()).await.unwrap_err();
        assert!(!error.is_temporary() && error.to_string().contains("4318"), "{error}");
        for wrong in ["jaeger:4318", "ftp://a", "http://", ""] {
            assert!(matches!(Feeder::new(wrong), Err(FeedError::Address(_))), "{wrong}");
        }
    }
}
