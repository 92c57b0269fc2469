//! The client side: starts the executable of a plugin as Grafana does, reads its handshake and calls its services.
//!
//! Use it to test a plugin through its real protocol. It is as strict as go-plugin: it rejects a handshake with another
//! protocol version, and kills a plugin that takes longer than two seconds to stop.

mod calls;
mod connect;
mod data_source;
mod error;
mod process;

pub use calls::data_query;
pub use data_source::DataSource;
pub use error::ClientError;
pub use process::{PluginProcess, Stopped};
