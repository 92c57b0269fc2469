//! Builds the Jaeger client from a data source's settings, and converts its errors to Grafana's.

use super::settings::{Settings, SettingsError};
use crate::investigate::Investigator;
use grafana_plugin_protocol::api::{Failure, Secret};
use jaeger::{self, Auth, Client, Config};

/// A client with these settings.
pub(super) fn client(settings: &Settings) -> Result<Client, SettingsError> {
    let hidden = |secret: &Secret| jaeger::Secret::new(secret.expose());
    let auth = settings
        .basic_auth
        .as_ref()
        .map(|(user, password)| Auth::Basic { user: user.clone(), password: hidden(password) });
    let config = Config {
        url: settings.url.clone(),
        auth: auth.unwrap_or_default(),
        headers: settings.headers.iter().map(|(name, value)| (name.clone(), hidden(value))).collect(),
        tenant: settings.tenant.clone(),
        tls: settings.tls.clone(),
        timeout: settings.timeout,
        max_body: usize::try_from(settings.max_body).unwrap_or(usize::MAX),
        ..Config::default()
    };
    Client::new(&config).map_err(|error| SettingsError::Client(error.to_string()))
}

/// The same investigator with a user's identity, which also separates the user's cache entries from others'.
pub(super) fn personal(
    investigator: &Investigator,
    identity: &[(String, Secret)],
) -> Result<Investigator, SettingsError> {
    let headers = identity.iter().map(|(name, value)| (name.as_str(), value.expose()));
    investigator.with_headers(headers).map_err(|error| SettingsError::Client(error.to_string()))
}

/// Converts an error of Jaeger to a downstream failure.
pub(super) fn failure(error: &jaeger::Error) -> Failure {
    Failure::downstream(error.status_code(), error.to_string())
}
