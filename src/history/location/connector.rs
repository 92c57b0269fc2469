//! Opens connections to PostgreSQL: names are resolved as for Jaeger, encryption is rustls.

use std::net::IpAddr;

use async_trait::async_trait;
use jaeger::HostResolver;
use store::{ConnectError, Connected, PostgresConnector};
use tokio_postgres::{
    Config, NoTls,
    config::{Host, SslMode},
};

use super::{
    postgres_url::PostgresUrl,
    tls::{self, Tls},
};

/// How long one address may take to answer if there are others.
const CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(3);
const DEFAULT_PORT: u16 = 5432;

/// Connects to the hosts of a URL, the first that answers.
#[derive(Debug)]
pub(super) struct Connector {
    names: HostResolver,
    tls: Tls,
}

/// One address to try.
#[derive(Debug)]
struct Target<'a> {
    host: &'a Host,
    address: Option<IpAddr>,
    port: u16,
}

impl Connector {
    /// A connector with the certificates that the URL names; an error says why they cannot be used.
    pub(super) fn new(url: &PostgresUrl) -> Result<Self, String> {
        let tls = Tls::new(&url.config, url.roots.as_deref())?;
        Ok(Self { names: HostResolver::new(), tls })
    }

    /// The addresses of all hosts, and why those of some are not known.
    async fn targets<'a>(&self, config: &'a Config) -> (Vec<Target<'a>>, Option<ConnectError>) {
        let (mut targets, mut failure) = (Vec::new(), None);
        let ports = config.get_ports();
        for (at, host) in config.get_hosts().iter().enumerate() {
            let port = ports.get(at).or(ports.first()).copied().unwrap_or(DEFAULT_PORT);
            match host {
                Host::Tcp(name) => match self.names.addresses(name).await {
                    Ok(found) => {
                        let target = |address| Target { host, address: Some(address), port };
                        targets.extend(found.into_iter().map(target));
                    }
                    Err(why) => {
                        failure = Some(ConnectError::Other(format!("the name {name} cannot be resolved ({why})")));
                    }
                },
                #[cfg(unix)]
                Host::Unix(_) => targets.push(Target { host, address: None, port }),
            }
        }
        (targets, failure)
    }

    async fn connect_to(&self, config: &Config) -> Result<Connected, ConnectError> {
        if config.get_ssl_mode() == SslMode::Disable {
            let (client, connection) = config.connect(NoTls).await?;
            return Ok(Connected { client, connection: Box::pin(connection) });
        }
        let connected = config.connect(self.tls.clone()).await;
        let (client, connection) = connected.map_err(|error| match tls::refusal(&error) {
            Some(why) => ConnectError::Other(why),
            None => error.into(),
        })?;
        Ok(Connected { client, connection: Box::pin(connection) })
    }
}

#[async_trait]
impl PostgresConnector for Connector {
    async fn connect(&self, config: &Config) -> Result<Connected, ConnectError> {
        let (targets, mut failure) = self.targets(config).await;
        for target in &targets {
            let mut one = without_hosts(config);
            target.add_to(&mut one);
            if targets.len() > 1 && config.get_connect_timeout().is_none() {
                one.connect_timeout(CONNECT_TIMEOUT);
            }
            match self.connect_to(&one).await {
                Ok(connected) => return Ok(connected),
                // What a server says explains more than another that does not answer.
                Err(error) if is_answer(&error) || failure.as_ref().is_none_or(|known| !is_answer(known)) => {
                    failure = Some(error);
                }
                Err(_) => {}
            }
        }
        Err(failure.unwrap_or_else(|| ConnectError::Other("its host has no address".to_owned())))
    }
}

impl Target<'_> {
    fn add_to(&self, config: &mut Config) {
        config.port(self.port);
        match self.host {
            Host::Tcp(name) => {
                config.host(name);
            }
            #[cfg(unix)]
            Host::Unix(folder) => {
                config.host_path(folder);
            }
        }
        if let Some(address) = self.address {
            config.hostaddr(address);
        }
        // What does not leave this machine is encrypted only if the URL demands it, and never on a unix socket.
        let stays_here = self.address.is_none_or(|address| address.is_loopback());
        if self.address.is_none() || (stays_here && config.get_ssl_mode() == SslMode::Prefer) {
            config.ssl_mode(SslMode::Disable);
        }
    }
}

fn is_answer(error: &ConnectError) -> bool {
    matches!(error, ConnectError::Postgres(error) if error.as_db_error().is_some())
}

/// Everything that a configuration says, its hosts, addresses and ports aside: none of these can be removed from one.
fn without_hosts(config: &Config) -> Config {
    let mut other = Config::new();
    other.ssl_mode(config.get_ssl_mode()).ssl_negotiation(config.get_ssl_negotiation());
    other.target_session_attrs(config.get_target_session_attrs()).channel_binding(config.get_channel_binding());
    other.keepalives(config.get_keepalives()).keepalives_idle(config.get_keepalives_idle());
    config.get_user().map(|user| other.user(user));
    config.get_password().map(|password| other.password(password));
    config.get_dbname().map(|name| other.dbname(name));
    config.get_options().map(|options| other.options(options));
    config.get_application_name().map(|name| other.application_name(name));
    config.get_connect_timeout().map(|timeout| other.connect_timeout(*timeout));
    config.get_tcp_user_timeout().map(|timeout| other.tcp_user_timeout(*timeout));
    config.get_keepalives_interval().map(|interval| other.keepalives_interval(interval));
    config.get_keepalives_retries().map(|retries| other.keepalives_retries(retries));
    other
}
