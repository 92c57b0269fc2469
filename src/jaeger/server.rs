//! What kind of Jaeger it is, found out by asking.

use super::{
    Client, Dialect,
    error::{Error, ErrorKind},
    reply::{has_key, is_jaeger_json},
};

/// What is known of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) dialect: Dialect,
    /// Whether a v3 search can filter by attributes; others ignore them silently.
    pub(super) attributes: bool,
    /// Whether the storage wants a service for every search.
    pub(super) wants_service: bool,
}

impl Client {
    /// What the server is; asked once.
    pub(super) async fn server(&self) -> Result<Server, Error> {
        let mut known = self.shared.server.lock().await;
        if let Some(server) = *known {
            return Ok(server);
        }
        let server = self.probe().await?;
        *known = Some(server);
        Ok(server)
    }

    /// Looks again at a server that does not answer as it did (an upgrade, a downgrade).
    pub(super) async fn probe_again(&self, was: Server) -> Result<Server, Error> {
        self.forget(Some(was)).await;
        self.server().await
    }

    pub(super) async fn forget(&self, was: Option<Server>) {
        let mut known = self.shared.server.lock().await;
        if was.is_none() || *known == was {
            *known = None;
        }
    }

    /// Whether a search must name a service, as far as is known.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn wants_service(&self) -> Result<bool, Error> {
        Ok(self.server().await?.wants_service)
    }

    pub(super) async fn note_wants_service(&self) {
        if let Some(server) = &mut *self.shared.server.lock().await {
            server.wants_service = true;
        }
    }

    async fn probe(&self) -> Result<Server, Error> {
        let legacy = self.get(&["api", "services"], &[]).await?;
        if has_key(&legacy, &["data", "errors"]) {
            return Ok(Server { dialect: Dialect::Legacy, attributes: true, wants_service: true });
        }
        if matches!(legacy.status, 401 | 403 | 407 | 502..=504) {
            return Err(self.error(legacy.stranger(), &legacy));
        }
        let v3 = self.get(&["api", "v3", "services"], &[]).await?;
        if is_jaeger_json(&v3) {
            let attributes = self.filters_attributes().await?;
            return Ok(Server { dialect: Dialect::V3, attributes, wants_service: false });
        }
        if let Ok(echo) = self.get(&["api", "echo"], &[]).await
            && echo.status == 200
            && echo.text() == "echo"
        {
            return Err(self.error(ErrorKind::Tempo, &legacy));
        }
        let reply = if matches!(v3.status, 401 | 403 | 502..=504) { &v3 } else { &legacy };
        Err(self.error(reply.stranger(), reply))
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
