//! How to reach a Jaeger: credentials, TLS, the address and the headers of every request.
//!
//! The settings are read once, so a wrong one is reported before anything is sent. Credentials are remembered as secrets, so
//! that they can be removed from texts of the server that repeat them.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{ClientBuilder, Url, redirect};

use super::{
    config::{Auth, Config, Secret, Tls, base_url},
    dns::HostResolver,
    error::{Error, ErrorKind},
};

/// The parts of a connection.
pub(super) struct Connection {
    pub(super) client: reqwest::Client,
    /// The address that requests are sent to; its host is the TLS server name, if there is one.
    pub(super) base: Url,
    /// The `Host` header, where it differs from the host of the address.
    pub(super) host: Option<HeaderValue>,
    /// The headers of every request.
    pub(super) headers: HeaderMap,
    /// What must not be shown.
    pub(super) secrets: Vec<Secret>,
}

impl Connection {
    /// Reads the settings; sends nothing.
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        let (mut base, written) = base_url(&config.url)?;
        let auth = if config.auth == Auth::None { written.unwrap_or_default() } else { config.auth.clone() };
        let (headers, secrets) = credentials(config, auth)?;
        let builder = reqwest::Client::builder()
            .timeout(config.timeout)
            .connect_timeout(config.connect_timeout)
            .user_agent(&config.user_agent)
            .redirect(redirects());
        let mut builder = certificates(builder, &config.tls)?;
        let mut host = None;
        let mut names = HostResolver::new();
        if let Some(name) = config.tls.server_name.as_deref().filter(|name| !name.is_empty()) {
            let port = base.port().map_or_else(String::new, |port| format!(":{port}"));
            let real = base.host_str().unwrap_or_default().to_owned();
            host = HeaderValue::from_str(&format!("{real}{port}")).ok();
            base.set_host(Some(name)).map_err(|why| unusable("the TLS server name", &why))?;
            builder = builder.http1_only();
            // The TLS server name resolves to the configured host.
            names = names.with_alias(name.to_owned(), real);
        }
        let client = builder
            .dns_resolver(Arc::new(names))
            .build()
            .map_err(|why| unusable("the connection settings", &deepest(&why)))?;
        Ok(Self { client, base, host, headers, secrets })
    }
}

/// The headers that identify the caller, and the secrets in them.
fn credentials(config: &Config, auth: Auth) -> Result<(HeaderMap, Vec<Secret>), Error> {
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
    Ok((headers, secrets))
}

/// Which servers are trusted, and the certificate of the client.
fn certificates(mut builder: ClientBuilder, tls: &Tls) -> Result<ClientBuilder, Error> {
    if let Some(pem) = &tls.ca_pem {
        let roots = reqwest::Certificate::from_pem_bundle(pem.as_bytes())
            .map_err(|why| unusable("the CA certificate (PEM)", &why))?;
        if roots.is_empty() {
            return Err(unusable("the CA certificate (PEM)", &"it holds no certificate"));
        }
        builder = builder.tls_built_in_root_certs(false);
        builder = roots.into_iter().fold(builder, ClientBuilder::add_root_certificate);
    }
    if let Some((certificate, key)) = &tls.client_pem {
        let pem = format!("{certificate}\n{}\n", key.expose());
        let identity = reqwest::Identity::from_pem(pem.as_bytes())
            .map_err(|_| unusable("the client certificate or its key (PEM)", &"no certificate with a key in it"))?;
        builder = builder.identity(identity);
    }
    Ok(builder.danger_accept_invalid_certs(tls.skip_verify))
}

fn unusable(what: &str, why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Settings, "", None, format!("{what} cannot be used: {why}"))
}

/// Sets a header, in place of one of the same name. Its value is not logged.
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

/// The innermost cause, which is the most specific.
pub(super) fn deepest(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}
