//! The host room: a stand-in for Grafana. It starts the plugin's executable through the handshake, calls its services,
//! checks frames by the rules of Grafana's own decoder, and offers Grafana's HTTP paths on loopback. The demo and the
//! tests use it; the product does not.

mod calls;
mod check;
mod connect;
mod data_source;
mod front;
mod process;

pub use calls::data_query;
pub use check::{FrameError, check_frame, frame_json};
pub use data_source::DataSource;
pub use front::{Front, serve};
pub use process::{Host, HostError, Stopped};

pub use crate::plugin::wire::{DataResponse, QueryDataRequest, QueryDataResponse, v2};
