//! A test harness in place of Grafana: it starts the plugin as Grafana does, checks frames by the rules of Grafana's own
//! decoder, and serves Grafana's HTTP paths on loopback. Tests and the demo use it.

mod frame_check;
mod http_gateway;

pub use frame_check::{FrameError, check_frame, frame_json};
pub use grafana_plugin_protocol::{
    client::{ClientError, DataSource, PluginProcess, Stopped, data_query},
    messages::{DataResponse, QueryDataRequest, QueryDataResponse, v2},
};
pub use http_gateway::{HttpGateway, serve};

/// A data source of this plugin, called by a user with the role *Editor*.
#[must_use]
pub fn data_source(uid: &str, url: &str) -> DataSource {
    DataSource::new(frames::PLUGIN_ID, uid, url)
}
