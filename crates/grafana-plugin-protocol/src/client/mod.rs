//! The client's side, as Grafana plays it: starts a plugin's executable, reads its handshake, and calls its services.
//!
//! Useful to test a plugin through its real protocol. What go-plugin refuses is refused here: a handshake of another
//! protocol version, a plugin that takes longer than two seconds to stop.

mod calls;
mod connect;
mod data_source;
mod process;

pub use calls::data_query;
pub use data_source::DataSource;
pub use process::{Host, HostError, Stopped};
