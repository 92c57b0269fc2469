//! Grafana's protocol (gRPC, `pluginv2`): from its messages to [`Backend`](crate::api::Backend) and back.
//!
//! The messages come from `grafana-plugin-sdk`, except those of `QueryData`: Grafana's present ones carry fields that
//! the SDK's lack (the source of an error). Besides `go_plugin` and `logging` this is the only place that knows the SDK.

mod data;
#[allow(clippy::result_large_err, reason = "gRPC's own error type")]
mod endpoints;
mod messages;
mod timeout;

pub use data::{DATA_PATH, DataServer};
pub use endpoints::Services;
pub use grafana_plugin_sdk::pluginv2 as v2;
pub use messages::{DataResponse, PluginContext, QueryDataRequest, QueryDataResponse};

/// Largest request but uploads, as Grafana's own plugins take.
pub const MAX_REQUEST: usize = 16 << 20;
/// Largest upload, 64 MiB, with room for what surrounds it: a little too much gets an answer in words.
pub const MAX_RESOURCE_REQUEST: usize = 72 << 20;

pub(super) type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

pub(super) fn unimplemented() -> http::Response<tonic::body::BoxBody> {
    tonic::Status::unimplemented("this service has no such method").into_http()
}
