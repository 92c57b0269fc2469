//! Connecting to the address that a plugin's handshake names.

use std::{io, path::PathBuf, pin::Pin, task};

use tonic::transport::{Channel, Endpoint, Uri};

use super::process::HostError;

/// What go-plugin reads from the plugin's first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Tcp(String),
    Unix(PathBuf),
}

impl Address {
    /// Reads `core protocol|app protocol|network|address|grpc|…`, as strictly as go-plugin does.
    pub(super) fn parse(line: &str) -> Result<Self, HostError> {
        let refused = |why: &str| HostError::Handshake(format!("{why}: {line}"));
        let parts: Vec<&str> = line.trim().split('|').collect();
        let [core, app, network, address, protocol, ..] = parts.as_slice() else {
            return Err(refused("unrecognized remote plugin message"));
        };
        if *core != "1" || *app != "2" || *protocol != "grpc" {
            return Err(refused("incompatible protocol"));
        }
        match *network {
            "tcp" => Ok(Self::Tcp((*address).to_owned())),
            "unix" => Ok(Self::Unix(PathBuf::from(address))),
            _ => Err(refused("unknown network")),
        }
    }

    pub(super) async fn connect(&self) -> Result<Channel, HostError> {
        let failed = |error: tonic::transport::Error| HostError::Connect(error.to_string());
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

#[derive(Clone)]
struct Connector(PathBuf);

#[cfg(unix)]
type Socket = tokio::net::UnixStream;
/// Never opened: where there are no such sockets the plugin listens on loopback.
#[cfg(not(unix))]
type Socket = tokio::net::TcpStream;

#[cfg(unix)]
async fn open(path: PathBuf) -> io::Result<Socket> {
    Socket::connect(path).await
}

#[cfg(not(unix))]
async fn open(path: PathBuf) -> io::Result<Socket> {
    Err(io::Error::other(format!("there are no sockets such as {} on this system", path.display())))
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
