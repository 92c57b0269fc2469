//! Reads a PostgreSQL URL. No message repeats a part of it that may belong to a password.

use std::{error::Error as _, path::PathBuf};

use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

/// Options of the URL that the client library understands.
const OPTIONS: [&str; 17] = [
    "user",
    "password",
    "dbname",
    "host",
    "port",
    "options",
    "application_name",
    "sslnegotiation",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
];

/// What a URL says.
#[derive(Clone, Debug)]
pub(super) struct PostgresUrl {
    pub(super) config: Config,
    /// Certificate authorities (PEM) to trust in place of the public ones.
    pub(super) roots: Option<PathBuf>,
}

impl PostgresUrl {
    /// Reads a URL; an error says why it cannot be used.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (_, rest) = text.split_once("://").unwrap_or_default();
        let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.matches('@').count() > 1 || tail.contains(['@', '#']) {
            return Err("it contains `@`, `/`, `?` or `#` where none can be; in user, password and options write \
                        them as `%40`, `%2F`, `%3F` and `%23`"
                .to_owned());
        }
        let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
        let (mut options, mut roots, mut mode) = (Vec::new(), None, SslMode::Prefer);
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            match key {
                "sslmode" => mode = ssl_mode(value)?,
                "sslrootcert" => roots = Some(PathBuf::from(decoded(value))),
                _ if OPTIONS.contains(&key) => options.push(format!("{key}={value}")),
                _ => {
                    let known = OPTIONS.join(", ");
                    return Err(format!("it has an unknown option; known are sslmode, sslrootcert, {known}"));
                }
            }
        }
        let understood = format!("postgres://{authority}{path}?{}", options.join("&"));
        let mut config: Config = understood.parse().map_err(|error| reason(&error))?;
        config.ssl_mode(mode);
        if config.get_application_name().is_none() {
            config.application_name(env!("CARGO_PKG_NAME"));
        }
        if roots.is_some() && mode != SslMode::Require {
            return Err("sslrootcert has no effect without `sslmode=verify-full`".to_owned());
        }
        let (hosts, ports) = (config.get_hosts(), config.get_ports());
        if hosts.is_empty() || hosts.contains(&Host::Tcp(String::new())) {
            return Err("it names no host; for a unix socket write \
                        `postgres:///DATABASE?host=/var/run/postgresql&user=USER`"
                .to_owned());
        }
        if ports.len() > 1 && ports.len() != hosts.len() {
            return Err("it has more ports than hosts; write the port after its host, or as an option".to_owned());
        }
        Ok(Self { config, roots })
    }
}

/// A certificate that is asked for is always checked, with the name of the host.
fn ssl_mode(value: &str) -> Result<SslMode, String> {
    match value {
        "disable" => Ok(SslMode::Disable),
        "prefer" => Ok(SslMode::Prefer),
        "require" | "verify-ca" | "verify-full" => Ok(SslMode::Require),
        _ => Err("sslmode can be disable, prefer, require or verify-full".to_owned()),
    }
}

fn decoded(value: &str) -> String {
    // A form would have spaces in place of the plus signs.
    let form = format!("v={}", value.replace('+', "%2B"));
    form_urlencoded::parse(form.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// The reason, if it is one that names an option and nothing of what the URL says.
fn reason(error: &tokio_postgres::Error) -> String {
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    if said.starts_with("invalid value for option") {
        said
    } else {
        "it is not in the form `postgres://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE`".to_owned()
    }
}
