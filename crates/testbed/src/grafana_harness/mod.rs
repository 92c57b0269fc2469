//! A test server that behaves as Grafana does: it checks frames by the rules of Grafana's own decoder, and offers
//! Grafana's HTTP paths on loopback. The demo and the tests use it; the product does not.

mod check;
mod front;

pub use check::{FrameError, check_frame, frame_json};
pub use front::{Front, serve};
pub use grafana_plugin_protocol::{
    client::{DataSource, Host, HostError, Stopped, data_query},
    services::{DataResponse, QueryDataRequest, QueryDataResponse, v2},
};

/// A data source of this plugin, asked by an editor.
#[must_use]
pub fn data_source(uid: &str, url: &str) -> DataSource {
    DataSource::new(frames::PLUGIN_ID, uid, url)
}
