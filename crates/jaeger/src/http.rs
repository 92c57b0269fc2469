//! Sends GET requests: URLs, limits and retries. It reads complete answers and classifies those that did not come from
//! Jaeger's API. How to reach the server, with which credentials, is in [`connection`](super::connection).

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderValue, header};
use reqwest::Url;
use tokio::{sync::Semaphore, time::Instant};

use super::{
    clock::{self, ServerClock},
    config::{Config, Secret},
    connection::{Connection, deepest},
    error::{Error, ErrorKind},
    reply::{MAX_EXCERPT_CHARS, Reply},
    retry::{parse_retry_after, retry_delay},
    stats::Stats,
};
use trace::Time;

/// How many requests run at the same time.
const MAX_CONCURRENT_REQUESTS: usize = 16;
/// Larger bodies are read and decoded one at a time, so that memory stays bounded.
const LARGE_BODY: usize = 16 << 20;
/// How much of a URL is shown, in characters.
const MAX_URL_CHARS: usize = 400;

/// The connection to one Jaeger.
#[derive(Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    base: Url,
    host: Option<HeaderValue>,
    headers: HeaderMap,
    secrets: Vec<Secret>,
    max_body: usize,
    running: Semaphore,
    large: Arc<Semaphore>,
    server_clock: Mutex<Option<ServerClock>>,
    pub(super) stats: Arc<Stats>,
}

/// What to do with a body that exceeds the size limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OversizePolicy {
    /// Report an error.
    Reject,
    /// Keep its beginning.
    Truncate,
}

impl Http {
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        let Connection { client, base, host, headers, secrets } = Connection::new(config)?;
        let (stats, server_clock) = (Arc::default(), Mutex::default());
        let (running, large) = (Semaphore::new(MAX_CONCURRENT_REQUESTS), Arc::new(Semaphore::new(1)));
        Ok(Self {
            client,
            base,
            host,
            headers,
            secrets,
            max_body: config.max_body.max(1),
            running,
            large,
            server_clock,
            stats,
        })
    }

    /// The largest body in bytes.
    pub(super) fn max_body(&self) -> usize {
        self.max_body
    }

    /// The base URL for people.
    pub(super) fn base(&self) -> &str {
        self.base.as_str()
    }

    /// The complete answer to a GET request, whatever its status. Retries if that can help and `deadline` leaves time.
    pub(super) async fn get(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        forwarded: Option<&HeaderMap>,
        oversize: OversizePolicy,
        deadline: Option<Instant>,
    ) -> Result<Reply, Error> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut tries = 0;
        loop {
            let result = self.attempt(&url, forwarded, oversize).await;
            let (again, wanted) = match &result {
                Ok(reply) => (matches!(reply.status, 429 | 502..=504), reply.retry_after),
                Err((_, again)) => (*again, None),
            };
            tries += 1;
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let Some(pause) = retry_delay(tries, wanted, left).filter(|_| again) else {
                return result.map_err(|(error, _)| error);
            };
            tracing::debug!(url = shown(&url), ?pause, "repeating a request to Jaeger");
            self.stats.record_retry();
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends the request once. An error says whether a retry may help.
    async fn attempt(
        &self,
        url: &Url,
        forwarded: Option<&HeaderMap>,
        oversize: OversizePolicy,
    ) -> Result<Reply, (Error, bool)> {
        // The semaphore is never closed.
        let _running = self.running.acquire().await.ok();
        let started = Instant::now();
        let result = self.send(url, forwarded, oversize).await;
        let bytes = result.as_ref().map_or(0, |reply| reply.body.len());
        let failed = result.as_ref().map_or(true, |reply| reply.status >= 500 || matches!(reply.status, 401 | 403));
        self.stats.record(started.elapsed(), bytes, failed);
        tracing::debug!(url = shown(url), bytes, failed, took = ?started.elapsed(), "asked Jaeger");
        result
    }

    async fn send(
        &self,
        url: &Url,
        forwarded: Option<&HeaderMap>,
        oversize: OversizePolicy,
    ) -> Result<Reply, (Error, bool)> {
        let mut headers = self.headers.clone();
        for (name, value) in forwarded.into_iter().flatten() {
            headers.insert(name, value.clone());
        }
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(host) = &self.host {
            headers.insert(header::HOST, host.clone());
        }
        let shown = shown(url);
        let failed = |why: &reqwest::Error| self.failure(why, &shown, forwarded);
        let sent = clock::now();
        let mut response = self.client.get(url.clone()).headers(headers).send().await.map_err(|why| failed(&why))?;
        self.note_date(response.headers(), sent);
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("?");
            let to = to.split(['?', '#']).next().unwrap_or_default();
            let seen = format!("it redirects to {to}");
            return Err((Error::new(ErrorKind::Login, &shown, Some(status.as_u16()), seen), false));
        }
        let too_large = || (Error::new(ErrorKind::TooLarge(self.max_body), &shown, Some(status.as_u16()), ""), false);
        // The length of a compressed answer is unknown.
        let expected = response.content_length().and_then(|len| usize::try_from(len).ok()).unwrap_or(0);
        if expected > self.max_body && oversize == OversizePolicy::Reject {
            return Err(too_large());
        }
        let retry_after =
            response.headers().get(header::RETRY_AFTER).and_then(|value| parse_retry_after(value.to_str().ok()?));
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let html = kind.starts_with("text/html");
        let mut large = None;
        let mut body = Vec::with_capacity(expected.min(LARGE_BODY));
        let mut truncated = false;
        while let Some(chunk) = response.chunk().await.map_err(|why| failed(&why))? {
            if body.len() + chunk.len() > self.max_body {
                if oversize == OversizePolicy::Reject {
                    return Err(too_large());
                }
                truncated = true;
                break;
            }
            if large.is_none() && body.len() + chunk.len() > LARGE_BODY {
                large = Arc::clone(&self.large).acquire_owned().await.ok();
                body.reserve_exact(expected.min(self.max_body).saturating_sub(body.len()).max(LARGE_BODY));
            }
            body.extend_from_slice(&chunk);
        }
        let html = body.trim_ascii_start().first().map_or(html, |&byte| byte == b'<');
        Ok(Reply { status: status.as_u16(), body, url: shown, truncated, retry_after, html, _large_body_permit: large })
    }

    /// The server's clock as of the last answer with a date.
    pub(super) fn server_clock(&self) -> Option<ServerClock> {
        *self.server_clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_date(&self, headers: &HeaderMap, sent: Time) {
        // A cache answers with an old date, and says so.
        if headers.contains_key(header::AGE) {
            return;
        }
        if let Some(date) = headers.get(header::DATE).and_then(|date| clock::parse_date(date.to_str().ok()?)) {
            let estimate = ServerClock::estimate(date, sent, clock::now());
            *self.server_clock.lock().unwrap_or_else(PoisonError::into_inner) = Some(estimate);
        }
    }

    fn failure(&self, why: &reqwest::Error, url: &str, forwarded: Option<&HeaderMap>) -> (Error, bool) {
        let seen = self.redacted(deepest(why), forwarded);
        let kind = if why.is_timeout() {
            ErrorKind::Timeout
        } else if seen.to_ascii_lowercase().contains("certificate") {
            ErrorKind::Certificate
        } else if why.is_connect() {
            ErrorKind::Connect
        } else if why.is_builder() {
            ErrorKind::Settings
        } else {
            ErrorKind::Broken
        };
        let again = why.is_connect() || why.is_request();
        let again = again && kind != ErrorKind::Certificate && !why.is_timeout();
        (Error::new(kind, url, None, seen), again)
    }

    /// An error about an answer.
    pub(super) fn error(&self, kind: ErrorKind, reply: &Reply, forwarded: Option<&HeaderMap>) -> Error {
        let seen = if reply.html { title(&reply.text()) } else { reply.text() };
        self.error_with(kind, reply, seen.chars().take(MAX_EXCERPT_CHARS).collect(), forwarded)
    }

    /// An error about an answer, with this message.
    pub(super) fn error_with(
        &self,
        kind: ErrorKind,
        reply: &Reply,
        message: String,
        forwarded: Option<&HeaderMap>,
    ) -> Error {
        let message = self.redacted(message, forwarded);
        let wanted = reply.retry_after.map(|wait| format!("ask again in {} s", wait.as_secs()));
        let parts: Vec<&str> = [message.trim(), wanted.as_deref().unwrap_or_default()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        Error::new(kind, &reply.url, Some(reply.status), parts.join("; "))
    }

    /// The text without the secrets that the client sends, because a server may echo them.
    fn redacted(&self, text: String, forwarded: Option<&HeaderMap>) -> String {
        let sent = forwarded.into_iter().flat_map(HeaderMap::values).filter_map(|value| value.to_str().ok());
        let secrets = self.secrets.iter().map(Secret::expose).chain(sent).filter(|secret| secret.len() >= 3);
        secrets.fold(text, |text, secret| text.replace(secret, "…"))
    }
}

/// Describes a web page by its title.
fn title(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|at| {
        let start = at + lower.get(at..)?.find('>')? + 1;
        let end = start + lower.get(start..)?.find("</title")?;
        html.get(start..end)
    });
    title.map_or_else(|| "a page without a title".to_owned(), |title| format!("page “{}”", title.trim()))
}

fn shown(url: &Url) -> String {
    url.as_str().chars().take(MAX_URL_CHARS).collect()
}
