//! What PostgreSQL's errors mean.

use std::{error::Error as _, sync::Arc};

use tokio_postgres::{
    Config,
    config::Host,
    error::{Severity, SqlState},
};

use super::connector::ConnectError;
use crate::Error;

/// Server and database, as errors name them.
#[derive(Clone, Debug)]
pub(super) struct Place(Arc<str>);

impl Place {
    pub(super) fn new(config: &Config) -> Self {
        let host = |host: &Host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(folder) => folder.display().to_string(),
        };
        let hosts: Vec<String> = config.get_hosts().iter().map(host).collect();
        let ports: Vec<String> = config.get_ports().iter().map(|port| format!(":{port}")).collect();
        let database = config.get_dbname().or_else(|| config.get_user()).unwrap_or("postgres");
        let (hosts, ports) = (hosts.join(","), ports.join(","));
        Self(format!("PostgreSQL database {database} at {hosts}{ports}").into())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn unreachable(&self, reason: &str) -> Error {
        Error::Unreachable { place: self.0.to_string(), reason: reason.to_owned() }
    }

    pub(super) fn connect_error(&self, error: ConnectError) -> Error {
        match error {
            ConnectError::Postgres(error) => self.error("connecting", &error),
            ConnectError::Other(reason) => self.unreachable(&reason),
        }
    }

    pub(super) fn error(&self, doing: &'static str, error: &tokio_postgres::Error) -> Error {
        let place = self.0.to_string();
        let Some(said) = error.as_db_error() else {
            // tokio-postgres says what it did; the source says what went wrong.
            let reason = error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
            return if error.is_closed() || error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>) {
                self.unreachable(&reason)
            } else if error.to_string().contains("invalid configuration") {
                Error::Refused { place, reason }
            } else {
                Error::Failed { place, doing, reason }
            };
        };
        let reason = said.message().to_owned();
        let code = said.code();
        match code.code().get(..2).unwrap_or_default() {
            _ if *code == SqlState::DISK_FULL => Error::DiskFull { place },
            _ if *code == SqlState::READ_ONLY_SQL_TRANSACTION => Error::ReadOnly { place, reason },
            _ if *code == SqlState::INSUFFICIENT_PRIVILEGE => Error::Refused { place, reason },
            _ if *code == SqlState::LOCK_NOT_AVAILABLE => Error::Locked { place },
            // Serialization failures and deadlocks: another writer was in the way.
            "40" => Error::Locked { place },
            "28" => Error::Refused { place, reason },
            "08" | "3D" | "53" => self.unreachable(&reason),
            "57" if said.parsed_severity() == Some(Severity::Fatal) => self.unreachable(&reason),
            "XX" => Error::Corrupt { place, what: format!("data ({reason})") },
            _ => Error::Failed { place, doing, reason },
        }
    }
}
