//! From settings to a Jaeger that can be asked, and from its errors to Grafana's.

use super::settings::{Settings, SettingsError};
use crate::investigate::Investigator;
use grafana_plugin_protocol::api::{Failure, Secret};
use jaeger::{self, Auth, Client, Config};

/// A client with these settings.
pub(super) fn client(settings: &Settings) -> Result<Client, SettingsError> {
    let hidden = |secret: &Secret| jaeger::Secret::new(secret.reveal());
    let auth = settings
        .basic_auth
        .as_ref()
        .map(|(user, password)| Auth::Basic { user: user.clone(), password: hidden(password) });
    let config = Config {
        url: settings.url.clone(),
        auth: auth.unwrap_or_default(),
        headers: settings.headers.iter().map(|(name, value)| (name.clone(), hidden(value))).collect(),
        tenant: settings.tenant.clone(),
        tls: jaeger::Tls {
            ca_pem: settings.tls.ca.clone(),
            client_pem: settings.tls.client.as_ref().map(|(certificate, key)| (certificate.clone(), hidden(key))),
            server_name: settings.tls.server_name.clone(),
            skip_verify: settings.tls.skip_verify,
        },
        timeout: settings.timeout,
        max_body: usize::try_from(settings.max_body).unwrap_or(usize::MAX),
        ..Config::default()
    };
    Client::new(&config).map_err(|error| SettingsError::Client(error.to_string()))
}

/// The same investigator in the name of a user, who is not answered from what others may see.
pub(super) fn personal(
    investigator: &Investigator,
    identity: &[(String, Secret)],
) -> Result<Investigator, SettingsError> {
    let headers = identity.iter().map(|(name, value)| (name.as_str(), value.reveal()));
    investigator.with_headers(headers).map_err(|error| SettingsError::Client(error.to_string()))
}

/// Jaeger's failures are not the plugin's.
pub(super) fn failure(error: &jaeger::Error) -> Failure {
    Failure::downstream(error.status_code(), error.to_string())
}
