//! Where operations are kept, as people write it: `memory`, `sqlite:PATH` or a URL of PostgreSQL.

mod connector;
mod postgres_url;
mod tls;

use std::{path::PathBuf, sync::Arc};

use grafana_plugin_protocol::api::Secret;
use store::{MemoryStore, SqliteOptions, Store, open_postgres, open_sqlite};

use self::{connector::Connector, postgres_url::PostgresUrl};

/// Where operations are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreLocation {
    /// In this process, until it ends.
    Memory {
        /// About how many bytes are kept.
        max_bytes: usize,
    },
    /// In an SQLite file.
    Sqlite(PathBuf),
    /// In PostgreSQL: the URL, which may contain a password.
    Postgres(Secret),
}

/// Why a text is not a place for operations. The text itself is not repeated, because it may contain a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// None of the forms.
    #[error(
        "it is not known where to keep operations: write `memory`, `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`"
    )]
    Unknown,
    /// An SQLite file without a path.
    #[error("the path of the SQLite file is missing: write `sqlite:PATH`, as `sqlite:/var/lib/history.db`")]
    NoPath,
    /// A PostgreSQL URL that cannot be used.
    #[error("the PostgreSQL URL cannot be used: {0}")]
    Url(String),
}

impl StoreLocation {
    /// Reads `memory`, `sqlite:PATH`, `postgres://…` or `postgresql://…`.
    ///
    /// # Errors
    /// When it is none of these, or when the URL cannot be used.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        let text = text.trim();
        if text == "memory" {
            return Ok(Self::Memory { max_bytes: MemoryStore::DEFAULT_MAX_BYTES });
        }
        if let Some(path) = text.strip_prefix("sqlite:") {
            // As a URL, the path follows an empty host.
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err(LocationError::NoPath) } else { Ok(Self::Sqlite(path.into())) };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            PostgresUrl::parse(text).map_err(LocationError::Url)?;
            return Ok(Self::Postgres(Secret::new(text)));
        }
        Err(LocationError::Unknown)
    }

    /// Opens the store, which is created if it is missing.
    ///
    /// # Errors
    /// When the file or the server cannot be used. The error does not contain the password.
    pub async fn open(&self) -> Result<Arc<dyn Store>, store::Error> {
        self.open_with(SqliteOptions::default()).await
    }

    /// Opens a store that another process fills. An SQLite file must exist, and is not written.
    ///
    /// # Errors
    /// When the file or the server cannot be used. The error does not contain the password.
    pub async fn open_to_read(&self) -> Result<Arc<dyn Store>, store::Error> {
        self.open_with(SqliteOptions { read_only: true, ..SqliteOptions::default() }).await
    }

    async fn open_with(&self, sqlite: SqliteOptions) -> Result<Arc<dyn Store>, store::Error> {
        match self {
            Self::Memory { max_bytes } => Ok(Arc::new(MemoryStore::new(*max_bytes))),
            Self::Sqlite(path) => open_sqlite(path, sqlite).await,
            Self::Postgres(url) => {
                let refused =
                    |doing| move |reason| store::Error::Failed { place: "PostgreSQL".to_owned(), doing, reason };
                let url = PostgresUrl::parse(url.expose()).map_err(refused("reading its URL"))?;
                let connector = Connector::new(&url).map_err(refused("preparing encryption"))?;
                open_postgres(url.config, Arc::new(connector)).await
            }
        }
    }
}

#[cfg(test)]
mod tests;
