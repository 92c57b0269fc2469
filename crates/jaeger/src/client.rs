//! The client: services, operations and single traces, through whichever API the server offers. Searches are in
//! [`search`](super::search); [`answer`](super::answer) reads the replies.

use std::{sync::Arc, time::Duration};

use http::HeaderMap;
use tokio::time::Instant;

use super::{
    Dialect, TraceForm,
    clock::ServerClock,
    config::Config,
    connection::insert,
    error::{Error, ErrorKind},
    http::{Http, OversizePolicy},
    reply::{Reply, is_unencodable},
    server::Servers,
    stats::Stats,
};
use trace::{Trace, TraceId};

/// A client of one Jaeger. Clones share connections, statistics and what is known about the server.
#[derive(Clone)]
pub struct Client {
    pub(super) shared: Arc<Shared>,
    forwarded: Option<Arc<HeaderMap>>,
    deadline: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) http: Http,
    pub(super) max_services: usize,
    pub(super) servers: Servers,
}

/// What a server says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// The API it offers.
    pub dialect: Dialect,
    /// How many services it knows.
    pub services: usize,
    /// Its version, if its user interface shows it.
    pub version: Option<String>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base", &self.shared.http.base()).finish_non_exhaustive()
    }
}

impl Client {
    /// Creates a client without sending anything.
    ///
    /// # Errors
    /// When the address, a header or a certificate cannot be used.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let http = Http::new(config)?;
        let shared = Shared { http, max_services: config.max_services.max(1), servers: Servers::default() };
        Ok(Self { shared: Arc::new(shared), forwarded: None, deadline: None })
    }

    /// The same client with these headers on every request, in place of its own of the same name. Grafana forwards the
    /// identity of the user in them.
    ///
    /// # Errors
    /// When a name or a value is not allowed in a header.
    pub fn with_headers<N: AsRef<str>, V: AsRef<str>>(
        &self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, Error> {
        let mut all = self.forwarded.as_deref().cloned().unwrap_or_default();
        for (name, value) in headers {
            insert(&mut all, name.as_ref(), value.as_ref())?;
        }
        let forwarded = (!all.is_empty()).then(|| Arc::new(all));
        Ok(Self { shared: Arc::clone(&self.shared), forwarded, deadline: self.deadline })
    }

    /// The same client for a question with a deadline. It only waits to repeat a request if the server asks for that and
    /// the deadline leaves time.
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// The error of a question that was not answered within this time.
    #[must_use]
    pub fn deadline_error(&self, after: Duration) -> Error {
        Error::new(ErrorKind::DeadlineExceeded(after), self.base(), None, "")
    }

    /// A hash of the forwarded headers. Callers with different identities may see different traces, so caches keep their
    /// answers apart by it.
    #[must_use]
    pub fn identity(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        let mut pairs: Vec<(&str, &[u8])> = self
            .forwarded
            .iter()
            .flat_map(|headers| headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())))
            .collect();
        pairs.sort_unstable();
        pairs.hash(&mut hasher);
        hasher.finish()
    }

    /// The base address, without credentials.
    #[must_use]
    pub fn base(&self) -> &str {
        self.shared.http.base()
    }

    /// The counters of all requests so far.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.shared.http.stats
    }

    /// Probes the server again.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses, or is not a Jaeger.
    pub async fn server_info(&self) -> Result<ServerInfo, Error> {
        self.invalidate_server(None).await;
        let dialect = self.server().await?.dialect;
        let services = self.services().await?.len();
        let page = self.get(&[], &[]).await.ok().filter(|page| page.status == 200 && page.is_html());
        let version = page.and_then(|page| version(&String::from_utf8_lossy(&page.body)));
        Ok(ServerInfo { dialect, services, version })
    }

    /// The names of all services, sorted.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn services(&self) -> Result<Vec<String>, Error> {
        let reply = match self.server().await?.dialect {
            Dialect::Legacy => self.get(&["api", "services"], &[]).await?,
            Dialect::V3 => self.get(&["api", "v3", "services"], &[]).await?,
        };
        self.names(&reply).await
    }

    /// The names of a service's spans, sorted.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn operations(&self, service: &str) -> Result<Vec<String>, Error> {
        let query = [("service", service.to_owned())];
        let reply = match self.server().await?.dialect {
            Dialect::Legacy => {
                let reply = self.get(&["api", "operations"], &query).await?;
                // VictoriaTraces and Quickwit only have the older route.
                if reply.status == 200 && !reply.is_html() {
                    reply
                } else {
                    self.get(&["api", "services", service, "operations"], &[]).await?
                }
            }
            Dialect::V3 => self.get(&["api", "v3", "operations"], &query).await?,
        };
        self.names(&reply).await
    }

    /// The server's clock as of the last answer; `None` if no answer had a usable `Date` header.
    #[must_use]
    pub fn server_clock(&self) -> Option<ServerClock> {
        self.shared.http.server_clock()
    }

    /// One trace by id; `None` if there is none.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn trace(&self, id: TraceId) -> Result<Option<Trace>, Error> {
        self.trace_in_form(id, TraceForm::Adjusted).await
    }

    /// One trace by id, in this form; `None` if there is none.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn trace_in_form(&self, id: TraceId, form: TraceForm) -> Result<Option<Trace>, Error> {
        let raw = |name| (form == TraceForm::Raw).then(|| (name, "true".to_owned()));
        let (legacy_query, v3_query) = (Vec::from_iter(raw("raw")), Vec::from_iter(raw("rawTraces")));
        let text = id.to_string();
        let server = self.server().await?;
        let legacy = server.dialect == Dialect::Legacy;
        let legacy_path = ["api", "traces", &text];
        let v3_path = ["api", "v3", "traces", &text];
        let by_legacy = || self.get(&legacy_path, &legacy_query);
        let by_v3 = || self.get(&v3_path, &v3_query);
        let mut reply = if legacy { by_legacy().await? } else { by_v3().await? };
        if legacy && is_unencodable(&reply) {
            // The legacy API cannot encode NaN, the newer one can.
            let other = by_v3().await?;
            if other.status == 200 && !other.is_html() {
                reply = other;
            }
        } else if reply.has_no_route() {
            let now = self.probe_again(server).await?;
            if now.dialect == server.dialect {
                return Err(self.error(reply.classify_unexpected(), &reply));
            }
            reply = if legacy { by_v3().await? } else { by_legacy().await? };
        }
        let answer = self.answer(reply).await?;
        let found = answer.traces.into_iter().find(|trace| trace.id() == id);
        Ok(found.filter(|trace| !trace.is_empty()))
    }

    /// The beginning of a trace whose answer exceeds the size limit, marked as partial.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn trace_truncated(&self, id: TraceId) -> Result<Option<Trace>, Error> {
        let text = id.to_string();
        // OTLP has the service before the spans, so the beginning of such an answer says more.
        let mut reply = self.get_with_policy(&["api", "v3", "traces", &text], &[], OversizePolicy::Truncate).await?;
        if reply.status != 200 || reply.is_html() {
            reply = self.get_with_policy(&["api", "traces", &text], &[], OversizePolicy::Truncate).await?;
        }
        let answer = self.answer(reply).await?;
        Ok(answer.traces.into_iter().find(|trace| trace.id() == id && !trace.is_empty()))
    }

    pub(super) async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Reply, Error> {
        self.get_with_policy(path, query, OversizePolicy::Reject).await
    }

    pub(super) async fn get_with_policy(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        oversize: OversizePolicy,
    ) -> Result<Reply, Error> {
        self.shared.http.get(path, query, self.forwarded.as_deref(), oversize, self.deadline).await
    }

    pub(super) fn error(&self, kind: ErrorKind, reply: &Reply) -> Error {
        self.shared.http.error(kind, reply, self.forwarded.as_deref())
    }

    /// An error about an answer, with this message.
    pub(super) fn error_with(&self, kind: ErrorKind, reply: &Reply, message: String) -> Error {
        self.shared.http.error_with(kind, reply, message, self.forwarded.as_deref())
    }
}

/// Jaeger writes its version into the page of its user interface.
fn version(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("JAEGER_VERSION")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let object: serde_json::Value = serde_json::Deserializer::from_str(rest).into_iter().next()?.ok()?;
    object.get("gitVersion")?.as_str().filter(|version| !version.is_empty()).map(str::to_owned)
}
