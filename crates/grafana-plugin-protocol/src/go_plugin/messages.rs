//! The messages of go-plugin's own services.

/// A message without fields.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Empty {}

/// A part of the plugin's output.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StdioData {
    /// 1 for standard output, 2 for standard error.
    #[prost(int32, tag = "1")]
    pub channel: i32,
    /// The bytes that were written.
    #[prost(bytes = "bytes", tag = "2")]
    pub data: bytes::Bytes,
}

/// An offer of another connection.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ConnInfo {
    /// Id of the service that the connection is for.
    #[prost(uint32, tag = "1")]
    pub service_id: u32,
    /// `tcp` or `unix`.
    #[prost(string, tag = "2")]
    pub network: String,
    /// Address in that network.
    #[prost(string, tag = "3")]
    pub address: String,
}
