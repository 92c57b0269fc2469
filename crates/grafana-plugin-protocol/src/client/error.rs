//! Why a call to a plugin failed.

use tonic::Status;

/// Why a plugin could not be started or called.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The process could not be started.
    #[error("cannot start the plugin: {0}")]
    Start(#[from] std::io::Error),
    /// The first line of the process does not say where the plugin listens.
    #[error("the plugin's handshake failed: {0}")]
    Handshake(String),
    /// Nothing accepts connections at the address of the handshake.
    #[error("cannot connect to the plugin: {0}")]
    Connect(String),
    /// A call failed as a whole.
    #[error("the plugin refused a call: {0}")]
    Call(Box<Status>),
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        Self::Call(Box::new(status))
    }
}
