//! The messages of go-plugin's own services.

/// Nothing.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Empty {}

/// A piece of the plugin's output.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StdioData {
    /// 1 stdout, 2 stderr.
    #[prost(int32, tag = "1")]
    pub channel: i32,
    /// What was written.
    #[prost(bytes = "bytes", tag = "2")]
    pub data: bytes::Bytes,
}

/// An offer to connect.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ConnInfo {
    /// Which service.
    #[prost(uint32, tag = "1")]
    pub service_id: u32,
    /// `tcp` or `unix`.
    #[prost(string, tag = "2")]
    pub network: String,
    /// Where.
    #[prost(string, tag = "3")]
    pub address: String,
}
