//! Probes which API a server offers and what it supports.
//!
//! Callers who wait at the same time share one probe, and a failure is cached briefly. If Jaeger does not answer, a
//! dashboard waits for one timeout and not for one per panel.

use std::time::{Duration, Instant};

use moka::{Expiry, future::Cache};

use super::{
    Client, Dialect,
    error::{Error, ErrorKind},
    reply::{has_key, is_jaeger_json},
};

/// How long a failed probe is cached.
const FAILURE_TTL: Duration = Duration::from_millis(1500);
/// How many callers with different identities are cached.
const MAX_CALLERS: u64 = 1000;

/// What is known about the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) dialect: Dialect,
    /// Whether a search can filter by attributes. Some servers with only the newer API ignore them silently.
    pub(super) attributes: bool,
    /// Whether every search must name a service.
    pub(super) requires_service: bool,
}

/// What is known about the server, or why the probe failed, by the caller's identity: each may have other permissions.
#[derive(Clone, Debug)]
pub(super) struct Servers(Cache<u64, Result<Server, Error>>);

impl Default for Servers {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAX_CALLERS).expire_after(Failures).build())
    }
}

/// Only failures expire.
struct Failures;

impl Expiry<u64, Result<Server, Error>> for Failures {
    fn expire_after_create(&self, _: &u64, probed: &Result<Server, Error>, _: Instant) -> Option<Duration> {
        probed.is_err().then_some(FAILURE_TTL)
    }
}

impl Client {
    /// What is known about the server. The first caller probes it.
    pub(super) async fn server(&self) -> Result<Server, Error> {
        // Boxed, because the future of every request contains this one.
        self.shared.servers.0.get_with(self.identity(), Box::pin(self.probe())).await
    }

    /// Probes the server again after it answered differently than before, as after an upgrade.
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

    /// Whether every search must name a service, as far as is known.
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

    /// Whether searches of the newer API can filter by attributes. A server that knows `query.attributes` refuses a
    /// malformed value; others ignore it.
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
