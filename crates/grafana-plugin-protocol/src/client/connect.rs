//! Reads the handshake of a plugin and connects to the address in it.

use std::{io, path::PathBuf, pin::Pin, task};

use tonic::transport::{Channel, Endpoint, Uri};

use super::error::ClientError;

/// Where a plugin listens, according to the first line that it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Tcp(String),
    Unix(PathBuf),
}

impl Address {
    /// Reads `core protocol|app protocol|network|address|grpc|…` with the checks that go-plugin makes.
    pub(super) fn parse(line: &str) -> Result<Self, ClientError> {
        let rejected = |why: &str| ClientError::Handshake(format!("{why}: {line}"));
        let parts: Vec<&str> = line.trim().split('|').collect();
        let [core, app, network, address, protocol, ..] = parts.as_slice() else {
            return Err(rejected("unrecognized remote plugin message"));
        };
        if *core != "1" || *app != "2" || *protocol != "grpc" {
            return Err(rejected("incompatible protocol"));
        }
        match *network {
            "tcp" => Ok(Self::Tcp((*address).to_owned())),
            "unix" => Ok(Self::Unix(PathBuf::from(address))),
            _ => Err(rejected("unknown network")),
        }
    }

    pub(super) async fn connect(&self) -> Result<Channel, ClientError> {
        let failed = |error: tonic::transport::Error| ClientError::Connect(error.to_string());
        match self {
            Self::Tcp(address) => {
                let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(failed)?;
                endpoint.connect().await.map_err(failed)
            }
            Self::Unix(path) => {
                let endpoint = Endpoint::from_static("http://plugin");
                endpoint.connect_with_connector(Connector(path.clone())).await.map_err(failed)
            }
        }
    }
}

/// Opens the Unix socket at this path and ignores the URI of the request.
#[derive(Clone)]
struct Connector(PathBuf);

#[cfg(unix)]
type Socket = tokio::net::UnixStream;
/// Never opened: on systems without Unix sockets, plugins listen on loopback.
#[cfg(not(unix))]
type Socket = tokio::net::TcpStream;

#[cfg(unix)]
async fn open(path: PathBuf) -> io::Result<Socket> {
    Socket::connect(path).await
}

#[cfg(not(unix))]
async fn open(path: PathBuf) -> io::Result<Socket> {
    Err(io::Error::other(format!("this system does not support Unix sockets such as {}", path.display())))
}

impl tonic::codegen::Service<Uri> for Connector {
    type Response = hyper_util::rt::TokioIo<Socket>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<io::Result<()>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let path = self.0.clone();
        Box::pin(async move { Ok(hyper_util::rt::TokioIo::new(open(path).await?)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handshakes_are_read_as_strictly_as_grafana_does() {
        assert_eq!(Address::parse("1|2|tcp|127.0.0.1:1|grpc\n").unwrap(), Address::Tcp("127.0.0.1:1".into()));
        assert_eq!(Address::parse("1|2|unix|/a/b|grpc|").unwrap(), Address::Unix("/a/b".into()));
        for bad in ["hello", "1|2|tcp", "2|2|tcp|x|grpc", "1|1|tcp|x|grpc", "1|2|tcp|x|netrpc", "1|2|pipe|x|grpc"] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}
