//! What kind of Jaeger it is, found out by asking.
//!
//! All who wait for the answer share one probe, and a failure is remembered for a moment: a Jaeger that does not answer
//! costs a dashboard one timeout, not one for each panel.

use std::time::{Duration, Instant};

use moka::{Expiry, future::Cache};

use super::{
    Client, Dialect,
    error::{Error, ErrorKind},
    reply::{has_key, is_jaeger_json},
};

/// How long a failed probe answers for the next questions.
const FAILURE_TTL: Duration = Duration::from_millis(1500);
/// How many callers with an identity of their own are remembered.
const MAX_CALLERS: u64 = 1000;

/// What is known of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) dialect: Dialect,
    /// Whether a v3 search can filter by attributes; others ignore them silently.
    pub(super) attributes: bool,
    /// Whether the storage wants a service for every search.
    pub(super) requires_service: bool,
}

/// What is known of the server, or why nothing is, by the caller's identity: what one may not see another may.
#[derive(Clone, Debug)]
pub(super) struct Servers(Cache<u64, Result<Server, Error>>);

impl Default for Servers {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAX_CALLERS).expire_after(Failures).build())
    }
}

/// Failures expire, knowledge does not.
struct Failures;

impl Expiry<u64, Result<Server, Error>> for Failures {
    fn expire_after_create(&self, _: &u64, probed: &Result<Server, Error>, _: Instant) -> Option<Duration> {
        probed.is_err().then_some(FAILURE_TTL)
    }
}

impl Client {
    /// What the server is; asked once, by whoever comes first.
    pub(super) async fn server(&self) -> Result<Server, Error> {
        // Boxed: every question holds this future.
        self.shared.servers.0.get_with(self.identity(), Box::pin(self.probe())).await
    }

    /// Looks again at a server that does not answer as it did (an upgrade, a downgrade).
    pub(super) async fn probe_again(&self, was: Server) -> Result<Server, Error> {
        self.invalidate_server(Some(was)).await;
        self.server().await
    }

    pub(super) async fn invalidate_server(&self, was: Option<Server>) {
        let servers = &self.shared.servers.0;
        let known = servers.get(&self.identity()).await.and_then(Result::ok);
        if was.is_none() || known == was {
            servers.invalidate(&self.identity()).await;
        }
    }

    /// Whether a search must name a service, as far as is known.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn requires_service(&self) -> Result<bool, Error> {
        Ok(self.server().await?.requires_service)
    }

    pub(super) async fn note_service_required(&self) {
        if let Some(Ok(server)) = self.shared.servers.0.get(&self.identity()).await {
            self.shared.servers.0.insert(self.identity(), Ok(Server { requires_service: true, ..server })).await;
        }
    }

    async fn probe(&self) -> Result<Server, Error> {
        let legacy = self.get(&["api", "services"], &[]).await?;
        if has_key(&legacy, &["data", "errors"]) {
            return Ok(Server { dialect: Dialect::Legacy, attributes: true, requires_service: true });
        }
        if matches!(legacy.status, 401 | 403 | 407 | 429 | 502..=504) {
            return Err(self.error(legacy.classify_unexpected(), &legacy));
        }
        let v3 = self.get(&["api", "v3", "services"], &[]).await?;
        if is_jaeger_json(&v3) {
            let attributes = self.filters_attributes().await?;
            return Ok(Server { dialect: Dialect::V3, attributes, requires_service: false });
        }
        if let Ok(echo) = self.get(&["api", "echo"], &[]).await
            && echo.status == 200
            && echo.text() == "echo"
        {
            return Err(self.error(ErrorKind::Tempo, &legacy));
        }
        let reply = if matches!(v3.status, 401 | 403 | 429 | 502..=504) { &v3 } else { &legacy };
        Err(self.error(reply.classify_unexpected(), reply))
    }

    /// Servers that know `query.attributes` refuse a malformed one; others ignore it.
    pub(super) async fn filters_attributes(&self) -> Result<bool, Error> {
        let query = [
            ("query.attributes", "x".to_owned()),
            ("query.startTimeMin", "2000-01-01T00:00:00Z".to_owned()),
            ("query.startTimeMax", "2000-01-01T00:00:01Z".to_owned()),
            ("query.searchDepth", "1".to_owned()),
        ];
        let reply = self.get(&["api", "v3", "traces"], &query).await?;
        Ok(reply.status == 400)
    }
}
