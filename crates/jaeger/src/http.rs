//! Sends GET requests: URLs, headers, limits and retries. It reads complete answers and classifies those that did not come
//! from Jaeger's API.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use reqwest::{Url, redirect};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::{
    clock::{self, ServerClock},
    config::{Auth, Config, Secret, base_url},
    dns::HostResolver,
    error::{Error, ErrorKind},
    reply::is_jaeger_json,
    stats::Stats,
};
use trace::Time;

/// How long to wait before a retry if the server does not say.
const RETRY_DELAY: Duration = Duration::from_millis(200);
/// The longest wait that a server may ask for if there is no deadline.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(10);
/// How often a request is sent if the server says when to repeat it.
const MAX_ATTEMPTS: usize = 4;
/// How much of a body an error shows, in characters.
const MAX_EXCERPT_CHARS: usize = 200;
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

/// A complete answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// For people.
    pub(super) url: String,
    /// Whether this is only the beginning of the body.
    pub(super) cut: bool,
    /// How long the server asks us to wait before a retry.
    retry_after: Option<Duration>,
    html: bool,
    /// Held until a large body is decoded.
    _large: Option<OwnedSemaphorePermit>,
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
        let mut cut = false;
        while let Some(chunk) = response.chunk().await.map_err(|why| failed(&why))? {
            if body.len() + chunk.len() > self.max_body {
                if oversize == OversizePolicy::Reject {
                    return Err(too_large());
                }
                cut = true;
                break;
            }
            if large.is_none() && body.len() + chunk.len() > LARGE_BODY {
                large = Arc::clone(&self.large).acquire_owned().await.ok();
                body.reserve_exact(expected.min(self.max_body).saturating_sub(body.len()).max(LARGE_BODY));
            }
            body.extend_from_slice(&chunk);
        }
        let html = body.trim_ascii_start().first().map_or(html, |&byte| byte == b'<');
        Ok(Reply { status: status.as_u16(), body, url: shown, cut, retry_after, html, _large: large })
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

impl Reply {
    pub(super) fn is_html(&self) -> bool {
        self.html
    }

    /// Whether it says that the route does not exist. Older versions answer with their user interface, newer ones with
    /// a text.
    pub(super) fn has_no_route(&self) -> bool {
        let text = self.status == 404 && !is_jaeger_json(self);
        text || self.html && matches!(self.status, 200 | 404)
    }

    /// The beginning of the body as text on one line.
    pub(super) fn text(&self) -> String {
        let start = self.body.get(..4 * MAX_EXCERPT_CHARS * 5).unwrap_or(&self.body);
        String::from_utf8_lossy(start).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The kind of error that an answer means if it is not JSON of Jaeger.
    pub(super) fn classify_unexpected(&self) -> ErrorKind {
        let text = self.text().to_ascii_lowercase();
        match self.status {
            401 if text.contains("tenant") => ErrorKind::Tenant,
            401 | 403 | 407 => ErrorKind::Unauthorized,
            429 => ErrorKind::Throttled,
            502..=504 => ErrorKind::Unavailable,
            _ if self.html => {
                let jaeger = text.contains("jaeger_version") || text.contains("<title>jaeger");
                let login = ["password", "login", "log in", "sign in", "signin", "oauth", "saml"];
                if !jaeger && login.iter().any(|word| text.contains(word)) { ErrorKind::Login } else { ErrorKind::Html }
            }
            400 => ErrorKind::BadRequest,
            500.. => ErrorKind::Storage,
            _ => ErrorKind::NotFound,
        }
    }
}

/// How long to wait before a retry after this many attempts; `None` if a retry is not worthwhile. The server may have said
/// how long, and the question may have little time left.
fn retry_delay(tries: usize, wanted: Option<Duration>, left: Option<Duration>) -> Option<Duration> {
    let most = if wanted.is_some() { MAX_ATTEMPTS } else { 2 };
    let pause = wanted.unwrap_or(RETRY_DELAY);
    let in_time = left.map_or(pause <= MAX_RETRY_DELAY, |left| pause < left);
    (tries < most && in_time).then_some(pause)
}

/// The time to wait in `Retry-After`, which has seconds or a date.
fn parse_retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = chrono::DateTime::parse_from_rfc2822(value.trim()).ok()?;
    Some((at.to_utc() - chrono::Utc::now()).to_std().unwrap_or_default())
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
