//! A test server that behaves as Grafana does: it checks frames by the rules of Grafana's own decoder, and offers
//! Grafana's HTTP paths on loopback. The demo and the tests use it; the product does not.

mod frame_check;
mod http_gateway;

pub use frame_check::{FrameError, check_frame, frame_json};
pub use grafana_plugin_protocol::{
    client::{ClientError, DataSource, PluginProcess, Stopped, data_query},
    messages::{DataResponse, QueryDataRequest, QueryDataResponse, v2},
};
pub use http_gateway::{HttpGateway, serve};

/// A data source of this plugin, asked by an editor.
#[must_use]
pub fn data_source(uid: &str, url: &str) -> DataSource {
    DataSource::new(frames::PLUGIN_ID, uid, url)
}
