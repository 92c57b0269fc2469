//! How connections to PostgreSQL are opened. Encryption, certificates and the resolution of names are up to the program.

use std::{fmt, future::Future, pin::Pin};

use async_trait::async_trait;
use tokio_postgres::{Client, Config, NoTls};

/// A connection: the client, and the work that moves its bytes until it ends.
pub struct Connected {
    /// Sends statements.
    pub client: Client,
    /// Must be run until it ends.
    pub connection: Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send>>,
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected").finish_non_exhaustive()
    }
}

/// Why a connection could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server, or the protocol with it.
    #[error(transparent)]
    Postgres(#[from] tokio_postgres::Error),
    /// What lies before it: the name, the network, the encryption. The text must not contain secrets.
    #[error("{0}")]
    Other(String),
}

/// Opens connections.
#[async_trait]
pub trait PostgresConnector: fmt::Debug + Send + Sync {
    /// Opens a connection.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    async fn connect(&self, config: &Config) -> Result<Connected, ConnectError>;
}

/// Opens connections without encryption, for unix sockets and this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainConnector;

#[async_trait]
impl PostgresConnector for PlainConnector {
    async fn connect(&self, config: &Config) -> Result<Connected, ConnectError> {
        let (client, connection) = config.connect(NoTls).await?;
        Ok(Connected { client, connection: Box::pin(connection) })
    }
}
