//! Grafana's gRPC services (`pluginv2`): translate messages to calls of [`Backend`](crate::api::Backend) and the answers
//! back to messages.

mod data;
#[allow(clippy::result_large_err, reason = "gRPC's own error type")]
mod endpoints;
pub mod messages;
mod timeout;

pub(crate) use data::{DATA_PATH, DataServer};
pub(crate) use endpoints::Services;

/// Maximum size of a request other than an upload; the limit of Grafana's own plugins.
pub(crate) const MAX_REQUEST: usize = 16 << 20;
/// Maximum size of a request with an upload. Uploads are limited to 64 MiB; the rest lets the plugin answer a slightly
/// larger one with its own error message.
pub(crate) const MAX_RESOURCE_REQUEST: usize = 72 << 20;

pub(super) type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

pub(super) fn unimplemented() -> http::Response<tonic::body::BoxBody> {
    tonic::Status::unimplemented("this service has no such method").into_http()
}
