//! Sends GET requests: URLs, headers, limits and retries. It reads complete answers and classifies those that did not come
//! from Jaeger's API.

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use reqwest::{Url, redirect};
use tokio::{sync::Semaphore, time::Instant};

use super::{
    clock::{self, ServerClock},
    config::{Auth, Config, Secret, base_url},
    dns::HostResolver,
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
        let (mut base, written) = base_url(&config.url)?;
        let auth = if config.auth == Auth::None { written.unwrap_or_default() } else { config.auth.clone() };
        let mut headers = HeaderMap::new();
        let mut secrets = Vec::new();
        match auth {
            Auth::None => {}
            Auth::Basic { user, password } => {
                use base64::Engine as _;
                let pair = format!("{user}:{}", password.expose());
                let pair = base64::engine::general_purpose::STANDARD.encode(pair);
                insert(&mut headers, "authorization", &format!("Basic {pair}"))?;
                secrets.extend([password, Secret::new(pair)]);
            }
            Auth::Bearer(token) => {
                insert(&mut headers, "authorization", &format!("Bearer {}", token.expose()))?;
                secrets.push(token);
            }
        }
        if let Some((name, value)) = &config.tenant {
            insert(&mut headers, name, value)?;
        }
        for (name, value) in &config.headers {
            insert(&mut headers, name, value.expose())?;
            secrets.push(value.clone());
        }
        let mut builder = reqwest::Client::builder()
            .timeout(config.timeout)
            .connect_timeout(config.connect_timeout)
            .user_agent(&config.user_agent)
            .redirect(redirects());
        let tls = &config.tls;
        let settings = |what: &str, why: &dyn std::fmt::Display| {
            Error::new(ErrorKind::Settings, "", None, format!("{what} cannot be used: {why}"))
        };
        if let Some(pem) = &tls.ca_pem {
            let roots = reqwest::Certificate::from_pem_bundle(pem.as_bytes())
                .map_err(|why| settings("the CA certificate (PEM)", &why))?;
            if roots.is_empty() {
                return Err(settings("the CA certificate (PEM)", &"it holds no certificate"));
            }
            builder = builder.tls_built_in_root_certs(false);
            builder = roots.into_iter().fold(builder, reqwest::ClientBuilder::add_root_certificate);
        }
        if let Some((certificate, key)) = &tls.client_pem {
            let pem = format!("{certificate}\n{}\n", key.expose());
            let identity = reqwest::Identity::from_pem(pem.as_bytes())
                .map_err(|_| settings("the client certificate or its key (PEM)", &"no certificate with a key in it"))?;
            builder = builder.identity(identity);
        }
        let mut host = None;
        let mut names = HostResolver::new();
        if let Some(name) = tls.server_name.as_deref().filter(|name| !name.is_empty()) {
            let port = base.port().map_or_else(String::new, |port| format!(":{port}"));
            let real = base.host_str().unwrap_or_default().to_owned();
            host = HeaderValue::from_str(&format!("{real}{port}")).ok();
            base.set_host(Some(name)).map_err(|why| settings("the TLS server name", &why))?;
            builder = builder.http1_only();
            // The TLS server name resolves to the configured host.
            names = names.with_alias(name.to_owned(), real);
        }
        let client = builder
            .dns_resolver(Arc::new(names))
            .danger_accept_invalid_certs(tls.skip_verify)
            .build()
            .map_err(|why| settings("the connection settings", &deepest(&why)))?;
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

pub(super) fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Error> {
    let bad = |what| Error::new(ErrorKind::Settings, "", None, format!("the {what} of header {name:?} is not allowed"));
    let key = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| bad("name"))?;
    let mut value = HeaderValue::from_str(value.trim()).map_err(|_| bad("value"))?;
    value.set_sensitive(true);
    headers.insert(key, value);
    Ok(())
}

/// Follows redirects within a host (a trailing slash, an upgrade to https) but never to another host, which must not see
/// the credentials.
fn redirects() -> redirect::Policy {
    redirect::Policy::custom(|attempt| {
        let from = attempt.previous().last();
        let to = attempt.url();
        let same = from.is_some_and(|from| {
            let upgrade = from.scheme() == "http" && to.scheme() == "https";
            let port = from.port_or_known_default() == to.port_or_known_default();
            from.host_str() == to.host_str() && (upgrade || (from.scheme() == to.scheme() && port))
        });
        if same && attempt.previous().len() <= 5 { attempt.follow() } else { attempt.stop() }
    })
}

fn shown(url: &Url) -> String {
    url.as_str().chars().take(MAX_URL_CHARS).collect()
}

/// The innermost cause, which is the most specific.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}
